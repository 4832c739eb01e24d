"""The wire: one request over urllib3, with separate connect, read and total time limits.

The flaw that this answers (mission.md, X3 and flaw 23): no time limit at all. A limit per read is not enough either,
since a server that drips a byte now and then never breaks it; so every single read of the socket, headers and body,
is also held to the deadline of the whole request.
"""

import http.client
import io
import socket
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import quote

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from makenaide import __version__
from makenaide.exchange.http import Interrupted, NotConnected, Pairs, Request, Response
from makenaide.exchange.upbit.address import address
from makenaide.exchange.upbit.settings import UPBIT, TransportSettings

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Stamp = Callable[[], Mapping[str, str]]
"""Headers that are added to each request at the moment it is sent, such as the stepped simulator's time."""

_PIECE = 65536
_deadline: ContextVar[float] = ContextVar("deadline")


class _DeadlineReader(io.RawIOBase):
    """A socket's reading side whose every read ends by the deadline."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, deadline: float) -> None:
        self._sock = sock
        self._raw = raw
        self._deadline = deadline
        self.ended = False
        # The time limit of one read, as the pool has set it for this request.
        self._read = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the reply took longer than the total time limit")
        self._sock.settimeout(left if self._read is None else min(left, self._read))
        count = self._raw.readinto(buffer)
        self.ended = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    """A reply that is read against the deadline of the request under way in this thread."""

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self._reader = _DeadlineReader(sock, self.fp.detach(), _deadline.get())
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        super().begin()
        if self._reader.ended:
            # The library takes headers that break off for complete ones, and then no body for the whole of it.
            raise http.client.HTTPException("the connection closed within the headers")


class _PlainConnection(HTTPConnection):
    response_class = _DeadlineResponse


class _TlsConnection(HTTPSConnection):
    response_class = _DeadlineResponse


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class UrllibTransport:
    """`exchange.http.Transport` over a pool of kept-alive connections to one address. Thread-safe.

    Never follows a redirect, never retries, never sends `Origin` (the venue then allows one request in 10 s:
    upbit-api.md, section 11, pitfall 21), takes no proxy from the environment. `Misconfigured` as `address` says.
    Name look-ups are the system's and keep its own time limit.
    """

    def __init__(
        self, base_url: str = UPBIT, settings: TransportSettings | None = None, stamp: Stamp | None = None
    ):
        self._settings = settings or TransportSettings()
        self._stamp = stamp
        self._pool = _pool(base_url, self._settings)

    def send(self, request: Request) -> Response:
        """Send once; `NotConnected` when no connection came about, `Interrupted` when no whole reply came."""
        settings = self._settings
        token = _deadline.set(time.monotonic() + settings.total)
        try:
            reply = self._pool.urlopen(
                request.method,
                target(request.path, request.query),
                body=request.body,
                headers=self._headers(request),
                timeout=urllib3.Timeout(connect=min(settings.connect, settings.total), read=settings.read),
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
            )
            return Response(status=reply.status, headers=_lower(reply), body=_body(reply, settings.body_limit))
        except (NewConnectionError, ConnectTimeoutError) as cause:
            raise NotConnected(str(cause)) from cause
        except (HTTPError, http.client.HTTPException, OSError, ValueError, OverflowError) as cause:
            # The last two: what the standard library makes of a negative length of a chunk.
            raise Interrupted(f"{type(cause).__name__}: {cause}") from cause
        finally:
            _deadline.reset(token)

    def close(self) -> None:
        """Close the idle connections; the transport may still be used afterwards by nobody."""
        self._pool.close()

    def _headers(self, request: Request) -> dict[str, str]:
        stamped = self._stamp() if self._stamp is not None else {}
        headers = {"user-agent": f"makenaide/{__version__}", "accept": "application/json"}
        for name, value in (*request.headers.items(), *stamped.items()):
            if name.lower() != "origin":
                headers[name.lower()] = value
        return headers


def target(path: str, query: Pairs) -> str:
    """`path` and `query` as they stand in the request line: everything encoded but the brackets of array names."""
    if not query:
        return path
    return path + "?" + "&".join(f"{quote(name, safe='[]')}={quote(value, safe='')}" for name, value in query)


def _pool(base_url: str, settings: TransportSettings) -> urllib3.HTTPConnectionPool:
    place = address(base_url)
    return (_TlsPool if place.secure else _PlainPool)(place.host, place.port, maxsize=settings.pool)


def _lower(reply: urllib3.BaseHTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in reply.headers.itermerged()}


def _body(reply: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    """The whole decoded body; the connection goes back to the pool only when the reply was read to its end."""
    pieces, size, whole = [], 0, False
    try:
        while size <= limit and (piece := reply.read(_PIECE)):
            size += len(piece)
            pieces.append(piece)
        whole = size <= limit
    finally:
        if whole:
            reply.release_conn()
        else:
            reply.close()
    if not whole:
        raise Interrupted(f"the reply holds more than {limit} bytes")
    return b"".join(pieces)
