"""The stream client on real sockets: against a server that misbehaves by script, and against the simulator."""

import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.server import ServerConnection, serve

from makenaide.domain.market import Market
from makenaide.exchange.http import NotConnected
from makenaide.exchange.upbit.stream.connection import (
    PRIVATE,
    PUBLIC,
    Closed,
    Refused,
    WebSocketOpener,
)
from makenaide.exchange.upbit.stream.latest import Latest
from makenaide.exchange.upbit.stream.news import News
from makenaide.exchange.upbit.stream.settings import StreamSettings
from makenaide.exchange.upbit.stream.status import State
from makenaide.exchange.upbit.stream.stream import Stream
from makenaide.exchange.upbit.stream.subscription import account_news, books_of
from tests.contract.streaming import QUICK, listening, parts_for
from tests.unit.upbit_frames import MY_ORDER, book

pytestmark = pytest.mark.sockets

BTC = Market("KRW-BTC")
Play = Callable[[ServerConnection, int], None]


@dataclass
class Host:
    """A server on loopback: what each connection asked first, and with which headers."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def hosted(play: Play) -> Iterator[Host]:
    """A server that reads the subscription and then does `play` with the connection and its number."""
    host = Host()

    def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        host.paths.append(connection.request.path)
        host.headers.append({name.lower(): value for name, value in connection.request.headers.raw_items()})
        try:
            host.asked.append(str(connection.recv()))
            play(connection, len(host.asked))
        except WebSocketException:
            pass

    quiet = logging.getLogger("tests.host")
    quiet.setLevel(logging.CRITICAL)
    with serve(handle, "127.0.0.1", 0, logger=quiet, compression="deflate", close_timeout=0.2) as server:
        host.port = server.socket.getsockname()[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()


def ticking(connection: ServerConnection, frames: int, pause: float = 0.05) -> None:
    for number in range(frames):
        connection.send(book("KRW-BTC", 100_000 + number))
        time.sleep(pause)


def test_the_upgrade_carries_no_origin_no_compression_and_the_token_only_where_it_belongs() -> None:
    with hosted(lambda connection, _: ticking(connection, 20)) as host, listening(host.url) as listener:
        listener.stream.want(books_of([BTC], "KRW-BTC"))
        listener.stream.start()
        listener.until(lambda: len(listener.latest.books([BTC])) == 1)
        listener.stream.want(account_news())
        listener.until(lambda: len(host.paths) >= 2)
    assert host.paths[:2] == [PUBLIC, PRIVATE]
    for headers in host.headers:
        assert "origin" not in headers
        assert "sec-websocket-extensions" not in headers
        assert headers["user-agent"].startswith("makenaide/")
    assert "authorization" not in host.headers[0]
    assert host.headers[1]["authorization"].startswith("Bearer ")
    assert json.loads(host.asked[0])[1] == {"type": "orderbook", "codes": ["KRW-BTC.1"]}


def drops_without_a_close_frame(connection: ServerConnection) -> None:
    ticking(connection, 3)
    connection.socket.shutdown(socket.SHUT_RDWR)


def closes_in_order(connection: ServerConnection) -> None:
    ticking(connection, 3)
    connection.close()


def falls_silent(connection: ServerConnection) -> None:
    ticking(connection, 3)
    time.sleep(2)


def sends_garbage(connection: ServerConnection) -> None:
    for _ in range(20):
        connection.send(b"\xff<html>")


def sends_too_much(connection: ServerConnection) -> None:
    connection.send(b"x" * (2**20 + 1))


def refuses(connection: ServerConnection) -> None:
    connection.send('{"error":{"name":"NO_CODES","message":"words"}}')


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (drops_without_a_close_frame, "Closed"),
        (closes_in_order, "1000"),
        (falls_silent, "no frame for"),
        (sends_garbage, "unreadable frames"),
        (sends_too_much, "1009"),
        (refuses, "NO_CODES: words"),
    ],
)
def test_it_comes_back_from_a_server_that(first: Callable[[ServerConnection], None], reason: str) -> None:
    def play(connection: ServerConnection, number: int) -> None:
        if number == 1:
            first(connection)
        else:
            ticking(connection, 100)

    with hosted(play) as host, listening(host.url) as listener:
        listener.stream.want(books_of([BTC], "KRW-BTC"))
        listener.stream.start()
        listener.until(lambda: listener.stream.status().connects >= 2 and bool(listener.latest.books([BTC])))
        listener.until(lambda: bool(listener.lost()) and listener.connected() >= 1)
    assert reason in listener.lost()[0]
    assert host.asked[1].replace("id-2", "id-1") == host.asked[0]


def test_a_server_that_reads_but_answers_nothing_not_even_pings_is_left() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as deaf:
        settings = StreamSettings(base=2, slice=0.05)
        with listening(f"http://127.0.0.1:{deaf.getsockname()[1]}", settings) as listener:
            listener.stream.want(books_of([BTC], "KRW-BTC"))
            listener.stream.start()
            listener.until(lambda: "timed out" in listener.stream.status().last_error)


def test_a_stop_while_a_connection_is_opening_waits_no_longer_than_a_second() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as deaf:
        latest, news = Latest(), News()
        stream = Stream(parts_for(f"http://127.0.0.1:{deaf.getsockname()[1]}", latest, news, QUICK))
        stream.want(books_of([BTC], "KRW-BTC"))
        stream.start()
        with closing(deaf.accept()[0]):
            began = time.monotonic()
            assert not stream.stop()
            assert time.monotonic() - began < 1.2
            assert stream.stop(5)
    assert news.take() is None
    assert stream.status().state is State.STOPPED


def test_news_of_orders_arrive_after_the_word_that_the_stream_is_connected() -> None:
    def play(connection: ServerConnection, number: int) -> None:
        assert connection.recv() == "PING"
        connection.send('{"status":"UP"}')
        time.sleep(0.2)
        connection.send(MY_ORDER.encode())
        time.sleep(0.3)

    with hosted(play) as host, listening(host.url) as listener:
        listener.stream.want(account_news())
        listener.stream.start()
        listener.until(lambda: len(listener.events) >= 2)
    assert [type(event).__name__ for event in listener.events[:2]] == ["Connected", "MyOrderFrame"]


def test_a_slow_server_is_no_dead_one() -> None:
    def play(connection: ServerConnection, number: int) -> None:
        frame = book("KRW-BTC", 100_000)
        for _ in range(6):
            connection.send([frame[:50], frame[50:]])
            time.sleep(0.3)

    with hosted(play) as host, listening(host.url) as listener:
        listener.stream.want(books_of([BTC], "KRW-BTC"))
        listener.stream.start()
        listener.until(lambda: listener.stream.status().frames >= 5)
        assert listener.stream.status().connects == 1


@pytest.mark.parametrize("status", [401, 418, 429, 503])
def test_a_refused_upgrade_tells_its_whole_answer(status: int) -> None:
    def refuse(connection: ServerConnection, request: object) -> object:
        reply = connection.respond(status, "in 7 seconds")
        reply.headers["Retry-After"] = "7"
        return reply

    with serve(lambda _: None, "127.0.0.1", 0, process_request=refuse) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(Refused) as caught:
                WebSocketOpener(f"http://127.0.0.1:{server.socket.getsockname()[1]}")(PUBLIC, {})
        finally:
            server.shutdown()
            thread.join()
    answer = caught.value.response
    assert (answer.status, answer.headers["retry-after"], answer.body) == (status, "7", b"in 7 seconds")


def answering(reply: bytes) -> Iterator[str]:
    """A server that answers one upgrade with `reply` and closes."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with closing(connection):
                connection.recv(65536)
                connection.sendall(reply)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"junk\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
        b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:9/else\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /websocket/v2\r\n\r\n",
    ],
)
def test_an_upgrade_that_is_none_opens_nothing_and_no_redirect_is_followed(reply: bytes) -> None:
    for url in answering(reply):
        with pytest.raises(NotConnected):
            WebSocketOpener(url)(PUBLIC, {"Authorization": "Bearer secret"})


def test_a_server_without_tls_is_not_spoken_to_where_tls_is_due() -> None:
    for url in answering(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"):
        with pytest.raises(NotConnected, match="SSL"):
            WebSocketOpener(url.replace("http:", "https:"))(PUBLIC, {"Authorization": "Bearer secret"})


def test_nobody_there_is_not_connected() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotConnected):
        WebSocketOpener(f"http://127.0.0.1:{port}")(PUBLIC, {})


def test_a_closed_connection_says_so_to_every_call() -> None:
    with hosted(lambda connection, _: drops_without_a_close_frame(connection)) as host:
        wire = WebSocketOpener(host.url)(PUBLIC, {})
        wire.send("hello")
        assert [wire.receive(5) is not None for _ in range(3)] == [True] * 3
        with pytest.raises(Closed):
            wire.receive(5)
        with pytest.raises(Closed):
            wire.send("hello")
        with pytest.raises(Closed):
            wire.ping()
        wire.close()
        wire.close()


def test_a_pong_is_noticed() -> None:
    with hosted(lambda connection, _: time.sleep(0.5)) as host:
        wire = WebSocketOpener(host.url)(PUBLIC, {})
        wire.send("hello")
        pong = wire.ping()
        end = time.monotonic() + 5
        while not pong():
            assert wire.receive(0.02) is None
            assert time.monotonic() < end
        wire.close()


def test_the_library_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys, makenaide.exchange.upbit.stream.stream, makenaide.exchange.upbit.stream.watcher;"
        "sys.exit(any(name.startswith('websockets') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
