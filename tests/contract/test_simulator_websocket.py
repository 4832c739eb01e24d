"""The simulator's streams over real loopback sockets, seen by an independent WebSocket client."""

import http.client
import json
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.server import Server
from makenaide.exchange.simulator.settings import (
    ApiKey,
    BadToken,
    FaceSettings,
    Pace,
    QuotaSettings,
    StreamSettings,
    VenueSettings,
)
from makenaide.exchange.simulator.stream import asgi
from makenaide.exchange.simulator.stream.session import Frame, Session
from tests.contract.serving import running
from tests.unit.simulator_listener import Watch
from tests.unit.simulator_street import BEGIN, BTC, SECRET, buy, flat, opened, seconds, token

pytestmark = pytest.mark.sockets
NONCES = count()
TICKER = [{"ticket": "t"}, {"type": "ticker", "codes": [BTC]}]


@contextmanager
def served(venue: Venue | None = None, **stream: Any) -> Iterator[Server]:
    settings = FaceSettings(quota=QuotaSettings(enforced=False), stream=StreamSettings(**stream))
    with serving(face_of(venue or opened(flat()), settings)) as server:
        yield server


def face_of(venue: Venue, settings: FaceSettings, clock: Watch | None = None) -> Face:
    keys = [ApiKey(access=name, secret=SECRET, account=name) for name in venue.accounts]
    return Face(venue, keys, settings, clock)


@contextmanager
def serving(face: Face) -> Iterator[Server]:
    server = Server(face)
    with running(server):
        yield server


def public(server: Server, **more: Any) -> ClientConnection:
    options: dict[str, Any] = {"compression": None, "ping_interval": None, "proxy": None} | more
    line: ClientConnection = connect(f"ws://127.0.0.1:{server.port}/websocket/v1", **options)
    return line


def private(server: Server, bearer: str | None = None) -> ClientConnection:
    bearer = bearer or token("paper", "", f"socket {next(NONCES)}")
    return connect(
        f"ws://127.0.0.1:{server.port}/websocket/v1/private",
        additional_headers={"Authorization": bearer},
        compression=None,
        proxy=None,
    )


def come_and_go(line: ClientConnection) -> None:
    with line:
        pass


def heard(line: ClientConnection) -> Any:
    payload = line.recv(timeout=5)
    assert isinstance(payload, bytes), "frames are binary"
    return json.loads(payload)


def placed(server: Server, at: float) -> None:
    body = buy("6000")
    text = "&".join(f"{name}={value}" for name, value in body.items())
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {
        "Authorization": token("paper", text, f"order {next(NONCES)}"),
        "Content-Type": "application/json",
        "Makenaide-Time": (BEGIN + seconds(at)).isoformat(),
    }
    line.request("POST", "/v1/orders", json.dumps(body).encode(), headers)
    assert line.getresponse().status == 201
    line.close()


def test_snapshot_then_live_frames_come_as_binary_messages() -> None:
    with served() as server, public(server) as line:
        assert line.response is not None
        assert line.response.headers["Remaining-Req"] == "group=websocket; min=300; sec=4"
        assert "Sec-WebSocket-Extensions" not in line.response.headers
        line.send(json.dumps(TICKER))
        assert heard(line)["stream_type"] == "SNAPSHOT"
        placed(server, 2)
        assert heard(line)["stream_type"] == "REALTIME"


def test_frames_are_compressed_only_when_that_is_offered() -> None:
    with served() as server, public(server, compression="deflate") as line:
        assert line.response is not None
        assert "permessage-deflate" in line.response.headers["Sec-WebSocket-Extensions"]
        line.send(json.dumps(TICKER))
        assert heard(line)["code"] == BTC


def test_an_order_placed_over_http_is_told_on_the_private_stream() -> None:
    with served() as server, private(server) as line:
        line.send(json.dumps([{"ticket": "t"}, {"type": "myOrder"}, {"type": "myAsset"}]))
        line.send("PING")
        assert heard(line) == {"status": "UP"}
        placed(server, 0)
        assert [heard(line)["type"] for _ in range(5)] == ["myOrder", "myAsset"] * 2 + ["myOrder"]


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("nope", "WRONG_FORMAT"),
        (b"\xff\xfe", "WRONG_FORMAT"),
        ("", "WRONG_FORMAT"),
        ("[" * 200_000, "WRONG_FORMAT"),
        ("x" * 300_000, "WRONG_FORMAT"),
        ('[{"ticket":"t"},{"type":"nope"}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"myOrder"}]', "INVALID_AUTH"),
    ],
)
def test_an_error_is_told_and_150_ms_later_the_socket_is_closed(message: str | bytes, name: str) -> None:
    with served() as server, public(server) as line:
        line.send(message)
        assert heard(line)["error"]["name"] == name
        began = time.monotonic()
        with pytest.raises(ConnectionClosedOK) as closed:
            line.recv(timeout=5)
        assert 0.1 < time.monotonic() - began < 2
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000


def test_text_that_is_no_utf8_is_wrong_format() -> None:
    with served() as server, public(server) as line:
        line.send(b"\xc3\x28", text=True)
        assert heard(line)["error"]["name"] == "WRONG_FORMAT"


def test_a_message_beyond_all_measure_is_not_even_read() -> None:
    with served() as server, public(server) as line:
        line.send("x" * 1_100_000)
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(timeout=5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize(
    "bearer",
    ["Bearer nonsense", "Basic x", token("paper", "", "n", secret="x" * 64), token("nobody", "", "n")],
)
def test_a_bad_token_is_refused_or_told(bearer: str) -> None:
    with served() as server:
        with pytest.raises(InvalidStatus) as refused:
            come_and_go(private(server, bearer))
        assert refused.value.response.status_code == 401
        assert "error" in json.loads(refused.value.response.body or b"")
        assert refused.value.response.headers["Date"] == "Mon, 05 Jan 2026 00:00:00 GMT"
    with served(bad_token=BadToken.FRAME) as server, private(server, bearer) as line:
        assert heard(line)["error"]["name"] == "INVALID_AUTH"
        with pytest.raises(ConnectionClosedOK):
            line.recv(timeout=5)


def test_a_used_nonce_and_an_unknown_path_are_refused() -> None:
    with served() as server:
        bearer = token("paper", "", "once")
        come_and_go(private(server, bearer))
        with pytest.raises(InvalidStatus) as used:
            come_and_go(private(server, bearer))
        assert b"nonce_used" in (used.value.response.body or b"")
        with pytest.raises(InvalidStatus) as unknown:
            come_and_go(connect(f"ws://127.0.0.1:{server.port}/websocket/v1/info", proxy=None))
        assert unknown.value.response.status_code == 404


def test_connects_are_limited_by_address_and_more_so_with_an_origin() -> None:
    with serving(face_of(opened(flat()), FaceSettings())) as server:
        for _ in range(5):
            come_and_go(public(server))
        with pytest.raises(InvalidStatus) as refused:
            come_and_go(public(server))
        assert refused.value.response.status_code == 429
        assert refused.value.response.body == b"Too many API requests."
        assert refused.value.response.headers["Remaining-Req"] == "group=websocket; min=300; sec=0"
        come_and_go(private(server))
        come_and_go(public(server, origin="https://example.org"))
        with pytest.raises(InvalidStatus):
            come_and_go(public(server, origin="https://example.org"))


def test_too_many_connects_may_be_told_in_json() -> None:
    settings = FaceSettings(quota=QuotaSettings(json_body=True))
    with serving(face_of(opened(flat()), settings)) as server:
        for _ in range(5):
            come_and_go(private(server))
        with pytest.raises(InvalidStatus) as refused:
            come_and_go(private(server))
        assert b"too_many_requests" in (refused.value.response.body or b"")


def test_a_silent_client_is_cut_without_a_close_frame_and_a_ping_keeps_it() -> None:
    with served(idle_seconds=0.6) as server, public(server) as silent, public(server) as alive:
        alive.send(json.dumps(TICKER))
        heard(alive)
        for _ in range(5):
            time.sleep(0.2)
            assert alive.ping().wait(5)
        with pytest.raises(ConnectionClosedError) as cut:
            silent.recv(timeout=5)
        assert cut.value.rcvd is None
        placed(server, 2)
        assert heard(alive)["stream_type"] == "REALTIME"


def test_a_client_that_only_listens_is_not_idle_while_frames_come() -> None:
    with served(idle_seconds=0.6) as server, public(server) as line:
        line.send(json.dumps(TICKER))
        heard(line)
        for step in range(1, 9):
            time.sleep(0.2)
            placed(server, 2 * step)
            assert heard(line)["stream_type"] == "REALTIME"


def lazy_reader(server: Server, request: list[dict[str, Any]]) -> socket.socket:
    """A client that asks and then never reads."""
    line = socket.create_connection(("127.0.0.1", server.port))
    line.sendall(
        b"GET /websocket/v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert b"101 Switching" in line.recv(4096)
    text = json.dumps(request).encode()
    line.sendall(struct.pack("!BBH4x", 0x81, 0x80 | 126, len(text)) + text)
    return line


def test_a_client_that_does_not_read_is_dropped_and_others_go_on() -> None:
    wide = [{"type": "orderbook", "codes": [BTC, f"KRW-NONE{number}"]} for number in range(12)]
    with (
        served(unread_bytes=65_536) as server,
        public(server) as reader,
        lazy_reader(server, [{"ticket": "t"}, *wide]),
    ):
        reader.send(json.dumps(TICKER))
        heard(reader)
        while len(server.hub.sessions) < 2:
            time.sleep(0.01)
        for step in range(1, 300):
            placed(server, step)
            heard(reader)
            if len(server.hub.sessions) == 1:
                break
        assert [each.subscriptions[0].type for each in server.hub.sessions] == ["ticker"]


def test_in_real_pace_frames_come_by_themselves() -> None:
    watch = Watch()
    venue = Venue(flat(), VenueSettings(pace=Pace.REAL))
    settings = FaceSettings(stream=StreamSettings(snapshot_first_ms=0, snapshot_second_ms=0))
    with serving(face_of(venue, settings, watch)) as server, public(server) as line:
        line.send(json.dumps(TICKER))
        assert heard(line)["stream_type"] == "SNAPSHOT"
        watch.sleep(1)
        assert heard(line)["stream_type"] == "REALTIME"


def test_every_socket_can_be_dropped() -> None:
    with served() as server, public(server) as line:
        line.send("PING")
        heard(line)
        line.socket.settimeout(5)
        loop_call(server, server.hub.drop_all)
        with pytest.raises(ConnectionClosedError):
            line.recv(timeout=5)
        assert server.hub.sessions == []


def loop_call(server: Server, call: Callable[[], None]) -> None:
    """Run `call` between two requests: the hub lives in the server's thread."""

    def spoil(_session: Session, frames: Sequence[Frame]) -> Sequence[Frame]:
        server.hub.mischief = None
        call()
        return frames

    server.hub.mischief = spoil
    with public(server) as line:
        line.send("PING")
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=5)


def test_a_beat_that_breaks_stops_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_hub: object) -> None:
        raise ArithmeticError("broken")

    monkeypatch.setattr(asgi, "drop_idle", broken)
    server = Server(face_of(opened(flat()), FaceSettings()))
    with pytest.raises(ArithmeticError, match="broken"):
        server.run(lambda _port: None)


def test_an_upgrade_that_is_none_is_refused() -> None:
    with served() as server:
        line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        line.request("GET", "/websocket/v1", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
        assert line.getresponse().status in (400, 426)
        line.close()
        line.request("GET", "/websocket/v1")
        assert line.getresponse().status == 404
        line.close()
