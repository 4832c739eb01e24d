"""The transport, met with raw bytes of a connection: broken status lines, headers, lengths, chunks, packed bodies."""

import gzip
import random
import socket
import zlib
from dataclasses import dataclass

from makenaide.exchange.http import Interrupted, NotConnected, Request, Response
from makenaide.exchange.upbit.settings import TransportSettings
from makenaide.exchange.upbit.transport import UrllibTransport, _PlainConnection, _PlainPool
from tests.fuzz.material import body, junk, spoiled
from tests.fuzz.replies import TRUE
from tests.fuzz.sound import require_words

_REQUEST = Request(method="GET", path="/v1/accounts", headers={"accept-encoding": "gzip"})
_SETTINGS = TransportSettings(body_limit=100_000)
_BOMB = gzip.compress(bytes(5_000_000))
_LINES = (
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200",
    *(
        b"HTTP/1.1 99999 X",
        b"HTTP/1.1 -1 X",
        b"HTTP/9.9 200 OK",
        b"HTTP/0.9",
        b"ICY 200 OK",
        b"HTTP/1.1 100 Continue",
    ),
    *(b"HTTP/1.1 204 No Content", b"HTTP/1.1 302 Found", b"HTTP/1.1 101 Switching", b"HTTP/1.1 429 Too Many", b""),
)
_HEADERS = (
    *(
        b"Content-Length: 5",
        b"Content-Length: -1",
        b"Content-Length: 99999999999999999999",
        b"Content-Length: 5, 5",
    ),
    *(b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: five", b"Content-Length: 1_0"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: gzip"),
    *(
        b"Content-Encoding: gzip",
        b"Content-Encoding: deflate",
        b"Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip",
    ),
    *(
        b"Content-Encoding: br",
        b"Content-Encoding: zstd",
        b"Location: http://127.0.0.1/",
        b"Retry-After: 3",
        b"X: \xff",
    ),
    *(
        b"Connection: close",
        b": nothing",
        b"no colon",
        b" folded",
        b"\x00: x",
        b"Content-Type: text/html; charset=x",
    ),
    *(b"Remaining-Req: group=order; min=1; sec=1", b"Set-Cookie: a=b", b"A: " + b"b" * 70_000, b"Date: x"),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """All that the connection brings before it closes."""

    raw: bytes


class Wires:
    """The real transport over a pair of connected sockets, the far end of which has said all it will ever say."""

    def make(self, rng: random.Random) -> Sent:
        content = body(rng.choice(list(TRUE.values())), rng)
        packed = rng.random()
        if packed < 0.2:
            content = gzip.compress(content, 1, mtime=0)
        elif packed < 0.25:
            content = zlib.compress(content)
        elif packed < 0.26:
            content = _BOMB
        headers = rng.choices(_HEADERS, k=rng.randrange(4))
        if packed < 0.26:
            headers.append(b"Content-Encoding: gzip")
        turn = rng.random()
        if turn < 0.5:
            headers.append(b"Content-Length: %d" % (len(content) + rng.choice((0, 0, 0, 1, -1))))
        elif turn < 0.8:
            headers.append(b"Transfer-Encoding: chunked")
            content = _chunked(content, rng)
        raw = b"\r\n".join((rng.choice(_LINES[: rng.choice((1, len(_LINES)))]), *headers, b"", content))
        if rng.random() < 0.4:
            raw = spoiled(raw, rng)
        return Sent(raw if rng.random() < 0.97 else junk(rng))

    def check(self, given: object) -> None:
        assert isinstance(given, Sent)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            _filled(theirs, given.raw)
            transport = UrllibTransport("http://127.0.0.1:1", _SETTINGS)
            transport._pool = _pool(ours)
            try:
                reply = transport.send(_REQUEST)
            except (Interrupted, NotConnected) as error:
                require_words(error, 100_000)
            else:
                _require_reply(reply)
            finally:
                transport.close()

    def close(self) -> None:
        """Each input has a connection of its own."""


def wires(_rng: random.Random) -> Wires:
    """A bench of connections."""
    return Wires()


def _require_reply(reply: Response) -> None:
    assert 100 <= reply.status <= 999
    assert len(reply.body) <= _SETTINGS.body_limit
    assert all(name == name.lower() for name in reply.headers)


def _filled(far: socket.socket, raw: bytes) -> None:
    """Put `raw` on its way, as much as a socket holds unread, and close."""
    far.setblocking(False)
    far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    far.send(raw)
    far.shutdown(socket.SHUT_WR)


def _pool(near: socket.socket) -> _PlainPool:
    class Near(_PlainConnection):
        def _new_conn(self) -> socket.socket:
            return near

    class Pool(_PlainPool):
        ConnectionCls = Near

    return Pool("127.0.0.1", 1)


def _chunked(content: bytes, rng: random.Random) -> bytes:
    parts, at = list[bytes](), 0
    while at < len(content):
        piece = content[at : at + rng.choice((1, 7, 100, 5000))]
        at += len(piece)
        size = (
            b"%x" % len(piece) if rng.random() < 0.97 else rng.choice((b"-1", b"zz", b"", b"ffffffffffff", b"0"))
        )
        parts.append(size + b"\r\n" + piece + b"\r\n")
        if len(parts) > 200:
            parts.append(b"%x\r\n" % (len(content) - at) + content[at:] + b"\r\n")
            break
    return b"".join(parts) + rng.choice((b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b""))
