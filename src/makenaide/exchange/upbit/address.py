"""Where an exchange may be: the one law of its base address, for requests and for the stream."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from makenaide.domain.errors import Misconfigured

_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_URL = re.compile(
    rf"(https?)://(?:\[([0-9a-f:.]+)\]|({_LABEL}(?:\.{_LABEL})*))(?::([0-9]{{1,5}}))?/?", re.ASCII | re.IGNORECASE
)
_LONGEST_NAME = 253


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`host` is a name or an IP address without brackets, in lower case; `secure` means TLS."""

    secure: bool
    host: str
    port: int

    @property
    def spelled(self) -> str:
        """HOST:PORT as it stands in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(base_url: str) -> Address:
    """The place at `base_url`: https anywhere, or http on this very machine; without a port, the scheme's own.

    `Misconfigured` for anything else: a token never goes over an open network in clear. Strict, because every
    library makes its own guess of a sloppy address; names of other scripts are taken in their ASCII form.
    """
    match = _URL.fullmatch(base_url)
    if match is not None:
        scheme, literal, name, port = match.groups()
        secure = scheme.lower() == "https"
        place = Address(secure=secure, host=(literal or name).lower(), port=int(port or (443 if secure else 80)))
        ip = _ip(place.host)
        there = len(place.host) <= _LONGEST_NAME and 0 < place.port < 65536
        there = there and (not literal or isinstance(ip, IPv6Address))
        if there and (secure or place.host == "localhost" or (ip is not None and ip.is_loopback)):
            return place
    raise Misconfigured(f"exchange address {base_url!r}: expected https://HOST[:PORT], or http:// on this machine")


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
