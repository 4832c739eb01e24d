"""One WebSocket connection: the seam between the stream and the wire.

The library is imported where a connection is opened: it costs 33 ms, and most commands open none.
"""

import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from ipaddress import ip_address
from typing import TYPE_CHECKING, Protocol
from urllib.parse import SplitResult, urlsplit

from makenaide import __version__
from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import NotConnected
from makenaide.exchange.upbit.settings import UPBIT
from makenaide.exchange.upbit.stream.settings import SocketSettings

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

PUBLIC = "/websocket/v1"
PRIVATE = "/websocket/v1/private"
"""The venue's endpoints (upbit-api.md, section 1)."""

# The library writes the headers, the token among them, to its debug log: it gets a logger that has none.
_wire_log = logging.getLogger(f"{__name__}.wire")
_wire_log.setLevel(logging.INFO)


class Refused(NotConnected):
    """The upgrade was answered with another `status` than 101: nothing was opened."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the upgrade was refused with {status}")
        self.status = status


class Closed(Exception):
    """The connection is over, with or without a close frame."""


class Socket(Protocol):
    """An open connection, used by one thread; everything but `close` may raise `Closed`."""

    def send(self, text: str) -> None:
        """Send one text message."""
        ...

    def receive(self, timeout: float) -> bytes | None:
        """The next message, text or binary, as bytes; None when none came within `timeout` seconds."""
        ...

    def ping(self) -> Callable[[], bool]:
        """Send a protocol ping; the answer tells whether its pong has come."""
        ...

    def close(self) -> None:
        """Close, saying so if the other side listens; never raises, takes no longer than the settings allow."""
        ...


Opener = Callable[[str, Mapping[str, str]], Socket]
"""Opens a connection to a path with extra headers; raises `NotConnected`, or `Refused` with the status."""


def address(base_url: str, path: str) -> SplitResult:
    """Where `path` of the exchange at `base_url` is: wss for https, ws for http on this very machine.

    `Misconfigured` for anything else: a token never goes over an open network in clear.
    """
    wanted = "expected https://HOST[:PORT], or http:// on this machine"
    try:
        parts = urlsplit(base_url)
        parts.port  # noqa: B018 - raises ValueError when it is none
    except ValueError as cause:
        raise Misconfigured(f"exchange address {base_url!r}: {wanted}") from cause
    bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    host = parts.hostname or ""
    if not (host and bare and (parts.scheme == "https" or (parts.scheme == "http" and _loopback(host)))):
        raise Misconfigured(f"exchange address {base_url!r}: {wanted}")
    return parts._replace(scheme="wss" if parts.scheme == "https" else "ws", path=path)


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class WebSocketOpener:
    """An `Opener` over the network.

    Sends no `Origin` (the venue then allows one request in 10 s: upbit-api.md, section 7), offers no compression,
    takes no proxy from the environment, follows no redirect. `Misconfigured` as `address` says.
    """

    def __init__(self, base_url: str = UPBIT, settings: SocketSettings | None = None) -> None:
        address(base_url, PUBLIC)
        self._base_url = base_url
        self._settings = settings or SocketSettings()

    def __call__(self, path: str, headers: Mapping[str, str]) -> Socket:
        """Open `path`."""
        from websockets.exceptions import InvalidStatus, WebSocketException  # noqa: PLC0415 - see above
        from websockets.sync.client import connect  # noqa: PLC0415

        settings, where = self._settings, address(self._base_url, path)
        stack = ExitStack()
        try:
            opened = connect(
                where.geturl(),
                # A socket of ours: the library then has nowhere to follow a redirect or a proxy to.
                sock=self._plain(where),
                origin=None,
                compression=None,
                additional_headers=dict(headers),
                user_agent_header=f"makenaide/{__version__}",
                proxy=None,
                open_timeout=settings.open,
                # The stream pings by itself, on its own clock.
                ping_interval=None,
                close_timeout=settings.close,
                max_size=settings.frame_limit,
                max_queue=settings.backlog,
                logger=_wire_log,
            )
            return _Wire(stack.enter_context(opened), stack)
        except InvalidStatus as cause:
            raise Refused(cause.response.status_code) from cause
        except (WebSocketException, OSError, ValueError, EOFError) as cause:
            raise NotConnected(f"{type(cause).__name__}: {cause}") from cause

    def _plain(self, where: SplitResult) -> socket.socket:
        port = where.port or (443 if where.scheme == "wss" else 80)
        return socket.create_connection((where.hostname or "", port), timeout=self._settings.connect)


class _Wire:
    """`Socket` over the library's connection, which reads ahead in a thread of its own."""

    def __init__(self, connection: "ClientConnection", stack: ExitStack) -> None:
        from websockets.exceptions import WebSocketException  # noqa: PLC0415

        self._connection = connection
        self._stack = stack
        self._faults = (WebSocketException, OSError)

    def send(self, text: str) -> None:
        try:
            self._connection.send(text)
        except self._faults as cause:
            raise Closed(_words(cause)) from cause

    def receive(self, timeout: float) -> bytes | None:
        try:
            return self._connection.recv(timeout, decode=False)
        except TimeoutError:
            return None
        except self._faults as cause:
            raise Closed(_words(cause)) from cause

    def ping(self) -> Callable[[], bool]:
        try:
            return self._connection.ping().is_set
        except self._faults as cause:
            raise Closed(_words(cause)) from cause

    def close(self) -> None:
        self._stack.close()


def _words(cause: Exception) -> str:
    return f"{type(cause).__name__}: {cause}"[:200]
