"""One HTTP exchange as values: the one-method seam between Upbit's client, its simulator and the wire.

The simulator's face answers a `Request` with a `Response` in process; a `Transport` carries the same pair over
a socket. Tests put faults between the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`path` starts with "/"; `query` holds decoded names and values in the order in which they are sent."""

    method: str
    path: str
    query: Pairs = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """`headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotConnected(Exception):
    """The connection never opened: nothing was sent."""


class Interrupted(Exception):
    """The connection opened, but no whole answer came: whether the request was acted on is unknown."""


class Transport(Protocol):
    """Carries one request; raises `NotConnected` or `Interrupted`, nothing else."""

    def send(self, request: Request) -> Response:
        """Send once, never retry, answer whatever status came."""
        ...
