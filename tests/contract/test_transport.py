"""The transport against real servers on loopback that answer well, slowly, by halves, wrongly, or never."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from makenaide import __version__
from makenaide.exchange.http import Interrupted, NotConnected, Request, Response
from makenaide.exchange.upbit.settings import TransportSettings
from makenaide.exchange.upbit.transport import UrllibTransport

pytestmark = pytest.mark.sockets

Act = Callable[["Server", socket.socket], None]
"""What a server does on a connection once it has read a request; the connection is closed when it raises."""

GET = Request(method="GET", path="/v1/accounts")
QUICK = TransportSettings(connect=1, read=0.4, total=0.8)


@dataclass
class Server:
    """One address on loopback; each request gets the next act, the last one for ever."""

    acts: list[Act]
    heard: list[bytes] = field(default_factory=list)
    connections: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def start(self) -> None:
        self.listener.settimeout(0.05)
        self._run(self._accept)

    def stop(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        self.listener.close()

    def drip(self, connection: socket.socket, piece: bytes, every: float) -> None:
        """Send `piece` again and again, for as long as somebody listens."""
        while not self.stopping.wait(every):
            connection.sendall(piece)

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            self._run(lambda connection=connection: self._serve(connection))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(0.05)
            try:
                while (request := self._request(connection)) is not None:
                    act = self.acts[min(len(self.heard), len(self.acts) - 1)]
                    self.heard.append(request)
                    act(self, connection)
            except OSError:
                return

    def _request(self, connection: socket.socket) -> bytes | None:
        """One whole request, or None when the other side has gone."""
        read = b""
        while not self.stopping.is_set():
            head, blank, body = read.partition(b"\r\n\r\n")
            lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
            wanted = int(lengths[0].partition(b":")[2]) if lengths else 0
            if blank and len(body) >= wanted:
                return read
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                continue
            if not piece:
                return None
            read += piece
        return None


def says(raw: bytes) -> Act:
    """Send `raw` and go on."""
    return lambda _, connection: connection.sendall(raw)


def hangs_up(raw: bytes = b"") -> Act:
    """Send `raw`, then close."""

    def act(_: Server, connection: socket.socket) -> None:
        connection.sendall(raw)
        raise ConnectionAbortedError

    return act


def drips(head: bytes, piece: bytes, every: float = 0.05) -> Act:
    """Send `head`, then `piece` every so many seconds for ever."""

    def act(server: Server, connection: socket.socket) -> None:
        connection.sendall(head)
        server.drip(connection, piece, every)

    return act


def stalls(server: Server, _: socket.socket) -> None:
    """Never answer."""
    server.stopping.wait()


def whole(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A well-formed reply."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*acts: Act) -> Server:
        servers.append(Server(list(acts)))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


Serve = Callable[..., Server]


def ask(server: Server, request: Request = GET, settings: TransportSettings = QUICK) -> Response:
    with closing(UrllibTransport(server.address, settings)) as transport:
        return transport.send(request)


def fields(raw: bytes) -> dict[str, str]:
    """The headers of a request as the server read them."""
    lines = raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


def test_a_request_arrives_as_it_was_meant(serve: Serve) -> None:
    server = serve(
        says(whole(b"[]", "201 Created", "Remaining-Req: group=order; min=1800; sec=11", "X-Two: a", "X-Two: b"))
    )
    request = Request(
        method="POST",
        path="/v1/orders",
        query=(("states[]", "wait"), ("pairs", "KRW-BTC,KRW-ETH")),
        headers={"Authorization": "Bearer x", "Origin": "https://somewhere"},
        body=b'{"market":"KRW-BTC"}',
    )
    response = ask(server, request)
    assert (response.status, response.body) == (201, b"[]")
    assert response.headers["remaining-req"] == "group=order; min=1800; sec=11"
    assert response.headers["x-two"] == "a, b"
    (heard,) = server.heard
    line = heard.partition(b"\r\n")[0]
    assert line in (
        b"POST /v1/orders?states[]=wait&pairs=KRW-BTC%2CKRW-ETH HTTP/1.1",
        b"POST /v1/orders?states%5B%5D=wait&pairs=KRW-BTC%2CKRW-ETH HTTP/1.1",
    )
    sent = fields(heard)
    assert heard.endswith(b'\r\n\r\n{"market":"KRW-BTC"}')
    assert sent["authorization"] == "Bearer x"
    assert sent["user-agent"] == f"makenaide/{__version__}"
    assert "origin" not in sent, "with it the venue allows one request in 10 seconds"


def test_connections_are_kept_and_each_request_is_stamped_anew(serve: Serve) -> None:
    server = serve(says(whole(b"1")))
    stamps = iter(["one", "two", "three"])
    transport = UrllibTransport(server.address, QUICK, lambda: {"X-Moment": next(stamps), "Origin": "no"})
    with closing(transport):
        for _ in range(3):
            assert transport.send(GET).body == b"1"
    assert server.connections == 1
    assert [fields(heard)["x-moment"] for heard in server.heard] == ["one", "two", "three"]
    assert not any("origin" in fields(heard) for heard in server.heard)


@pytest.mark.parametrize("status", ["302 Found", "404 Not Found", "418 I'm a teapot", "429 Too Many", "503 Gone"])
def test_every_status_is_an_answer_and_none_is_followed_or_repeated(serve: Serve, status: str) -> None:
    server = serve(says(whole(b"<html>", status, "Location: http://127.0.0.1:1/", "Retry-After: 1")))
    response = ask(server)
    assert (response.status, response.body) == (int(status[:3]), b"<html>")
    assert len(server.heard) == 1


@pytest.mark.parametrize(
    "act",
    [
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drips(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"),
        drips(b"HTTP/1.1 ", b"2"),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"x", 0),
    ],
    ids=["body", "chunks", "headers", "status line", "without a pause"],
)
def test_a_dripping_reply_ends_at_the_total_limit(serve: Serve, act: Act) -> None:
    server = serve(act)
    started = time.monotonic()
    with pytest.raises(Interrupted):
        ask(server)
    # Each byte came well within the read limit of 0.4 s: only the total limit can have ended it.
    assert 0.4 < time.monotonic() - started < 2.5


def test_a_server_that_never_answers_ends_at_the_read_limit(serve: Serve) -> None:
    server = serve(stalls)
    started = time.monotonic()
    with pytest.raises(Interrupted, match="ReadTimeout"):
        ask(server, settings=TransportSettings(read=0.2, total=30))
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "act",
    [
        hangs_up(),
        hangs_up(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
        hangs_up(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
        hangs_up(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-7\r\nab"),
        hangs_up(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-9223372036854775808\r\nab"),
        hangs_up(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab"),
        hangs_up(b"HTTP/1.1 200 OK\r\nContent-Le"),
        hangs_up(b"HTTP/1.1 200 OK\r\nRemaining-Req: x\r\n"),
        hangs_up(b"\x00\x01\x02garbage"),
        hangs_up(b"HTTP/1.1 two hundred\r\n\r\n"),
        hangs_up(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"),
        says(whole(b"this is not gzip", "200 OK", "Content-Encoding: gzip")),
    ],
)
def test_half_a_reply_or_a_wrong_one_is_an_interruption(serve: Serve, act: Act) -> None:
    server = serve(act)
    with pytest.raises(Interrupted):
        ask(server)
    assert len(server.heard) == 1, "never sent again"


def test_an_order_on_a_connection_that_has_died_is_not_sent_again(serve: Serve) -> None:
    server = serve(says(whole(b"1")), hangs_up(), says(whole(b"3")))
    with closing(UrllibTransport(server.address, QUICK)) as transport:
        assert transport.send(GET).body == b"1"
        with pytest.raises(Interrupted):
            transport.send(Request(method="POST", path="/v1/orders", body=b"{}"))
        assert transport.send(GET).body == b"3"
    assert len(server.heard) == 3
    assert server.connections == 2


def test_an_interrupted_reply_does_not_leak_into_the_next(serve: Serve) -> None:
    stall = drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"old")
    server = serve(stall, says(whole(b"new")))
    with closing(UrllibTransport(server.address, QUICK)) as transport:
        with pytest.raises(Interrupted):
            transport.send(GET)
        assert transport.send(GET).body == b"new"


def test_a_compressed_reply_is_opened_and_a_bomb_is_not(serve: Serve) -> None:
    small = whole(gzip.compress(b"[]" * 500), "200 OK", "Content-Encoding: gzip")
    bomb = whole(gzip.compress(b"0" * 3_000_000), "200 OK", "Content-Encoding: gzip")
    server = serve(says(small), says(bomb))
    settings = TransportSettings(body_limit=1_000_000)
    assert ask(server, settings=settings).body == b"[]" * 500
    with pytest.raises(Interrupted, match="more than 1000000 bytes"):
        ask(server, settings=settings)


def test_a_reply_in_chunks_and_one_that_ends_with_the_connection_are_whole(serve: Serve) -> None:
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    server = serve(says(chunks), hangs_up(b"HTTP/1.1 200 OK\r\n\r\nto the end"))
    assert ask(server).body == b"abcde"
    assert ask(server).body == b"to the end"


def test_nobody_at_the_address_means_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    with closing(UrllibTransport(f"http://127.0.0.1:{port}", QUICK)) as transport, pytest.raises(NotConnected):
        transport.send(GET)


def test_a_proxy_in_the_environment_is_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert ask(serve(says(whole(b"direct")))).body == b"direct"


def test_https_speaks_tls_and_plain_text_there_is_an_interruption(serve: Serve) -> None:
    server = serve(hangs_up(whole(b"plain")))
    secure = server.address.replace("http://", "https://")
    with closing(UrllibTransport(secure, QUICK)) as transport, pytest.raises(Interrupted):
        transport.send(GET)
    assert server.heard == []


def test_threads_share_a_transport(serve: Serve) -> None:
    server = serve(says(whole(b"ok")))
    bodies: list[bytes] = []
    with closing(UrllibTransport(server.address, TransportSettings(pool=2))) as transport:
        threads = [threading.Thread(target=lambda: bodies.append(transport.send(GET).body)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert bodies == [b"ok"] * 6
