"""What keeps the tests away from everything real: the environment they start in and the addresses they may reach.

House rule, section 6: "Tests reach nothing real". Children inherit the stripped environment; Python sockets of this
process are guarded here, and no test is given an address that is not loopback.
"""

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

STRIPPED_PREFIXES = ("MAKENAIDE_", "AWS_", "UPBIT_", "PG", "XDG_")
STRIPPED_NAMES = frozenset({"DATABASE_URL", "SSLKEYLOGFILE", "EDITOR", "PAGER", "LANG", "LANGUAGE"})


class NetworkForbidden(AssertionError):
    """A test tried to reach an address that it must not reach."""


@dataclass(slots=True)
class Policy:
    """What the running test may do: `sockets` on loopback or none at all (unit tests)."""

    sockets: bool = True


POLICY = Policy()


def stripped(environment: Iterable[str]) -> list[str]:
    """The names of `environment` that no test may see: settings, keys, proxies, other people's servers."""
    return [
        name
        for name in environment
        if name.startswith(STRIPPED_PREFIXES) or name in STRIPPED_NAMES or name.lower().endswith("proxy")
    ]


def clean_environment(home: str, data: str) -> Mapping[str, str]:
    """What every test sees instead: homes of its own, no instance metadata, one plain English terminal."""
    return {
        "HOME": home,
        "MAKENAIDE_HOME": data,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_COLOR": "1",
        "COLUMNS": "100",
        "LINES": "40",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
    }


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine and nothing else ("" and 0.0.0.0 are every address: no)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def refuse(action: str, address: object) -> None:
    """NetworkForbidden unless the running test may do `action` with `address`."""
    if not POLICY.sockets:
        raise NetworkForbidden(f"a unit test tried to {action} {address!r}: mark it `sockets` or use no socket")
    if isinstance(address, tuple) and not is_loopback(str(address[0])):
        raise NetworkForbidden(f"a test tried to {action} {address!r}, which is not loopback")


def guard_sockets() -> None:
    """Put the guard into `socket` for the rest of the process.

    Names under ".invalid" (RFC 2606) fail as they would without asking anybody.
    """
    connect, connect_ex, bind = socket.socket.connect, socket.socket.connect_ex, socket.socket.bind
    look_up = socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any, /) -> None:
        refuse("connect to", address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any, /) -> int:
        refuse("connect to", address)
        return connect_ex(self, address)

    def guarded_bind(self: socket.socket, address: Any, /) -> None:
        refuse("listen on", address)
        bind(self, address)

    def guarded_look_up(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else str(host)
        if text.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        refuse("look up", (text, port))
        return look_up(host, port, *more, **named)

    patches = {"connect": guarded_connect, "connect_ex": guarded_connect_ex, "bind": guarded_bind}
    for name, guarded in patches.items():
        setattr(socket.socket, name, guarded)
    setattr(socket, "getaddrinfo", guarded_look_up)  # noqa: B010 - mypy refuses a plain assignment


def folder_of(nodeid: str) -> str:
    """The folder whose time budget a test belongs to: "unit", "contract", ..."""
    parts = nodeid.split("/")
    return parts[1] if len(parts) > 2 else "tests"
