"""How many REST requests a second the simulator answers to one caller on one kept connection.

The server is a process of its own over 289 generated markets, in real pace (its time goes on between any two
requests) and with the rate limits off. The floor is a path that the same server does not know: what it costs to take
a request from the socket and to say no. "a second of CPU" counts the server's own processor time alone, and so does
not depend on who else is busy on this machine.

Target: 1,500 requests a second for the mix, on one core.
"""

import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count, cycle
from multiprocessing.connection import Connection
from uuid import UUID

import msgspec
import psutil  # type: ignore[import-untyped]

from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.server import Server
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, Pace, QuotaSettings, VenueSettings
from makenaide.exchange.upbit.auth import Keys, bearer

TARGET = 1500
MARKETS = 289
SECONDS = 2.0
KEYS = Keys(access="bench", secret="s" * 64)


class OffsetClock:
    """Real seconds after `start`."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._began = time.monotonic()

    def now(self) -> datetime:
        """Where the clock stands, aware UTC."""
        return self._start + timedelta(seconds=time.monotonic() - self._began)

    def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        time.sleep(seconds)


def serve(ready: Connection) -> None:
    """Serve until killed; sends the port to `ready`."""
    tape = generate(
        GeneratorSettings(seed=1, markets=MARKETS, first_day=datetime(2026, 1, 5, tzinfo=UTC).date(), days=3)
    )
    venue = Venue(tape, VenueSettings(pace=Pace.REAL))
    venue.open_account("bench", {"KRW": Decimal(10**12)})
    settings = FaceSettings(quota=QuotaSettings(enforced=False))
    key = ApiKey(access=KEYS.access, secret=KEYS.secret, account="bench")
    face = Face(venue, [key], settings, OffsetClock(tape.first_slot + timedelta(hours=31, minutes=7)))
    Server(face).run(ready.send, watch_parent=False)


class Caller:
    """One kept connection, read without ceremony: what the client costs is not the question."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._nonces = count()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def call(self, method: str, target: str, body: bytes = b"", signed: str | None = None) -> bytes:
        """Send one request and return the reply's body; `signed` is the text of its parameters."""
        head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n"
        if signed is not None:
            head += f"Authorization: {bearer(KEYS, str(UUID(int=next(self._nonces))), signed)}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._socket.sendall(head.encode() + b"\r\n" + body)
        return self._reply()

    def _reply(self) -> bytes:
        held = b""
        while (end := held.find(b"\r\n\r\n")) < 0:
            held += self._more()
        head = held[:end].lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at:].split(b"\r\n", 1)[0])
        parts = [held[end + 4 :]]
        missing = length - len(parts[0])
        while missing > 0:
            parts.append(self._more())
            missing -= len(parts[-1])
        return b"".join(parts)

    def _more(self) -> bytes:
        received = self._socket.recv(1 << 18)
        if not received:
            raise ConnectionError("the simulator hung up")
        return received


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of load: `run` makes `calls` requests."""

    name: str
    calls: int
    run: Callable[[Caller], object]


def order(caller: Caller) -> None:
    """Place an order that stays, look it up, cancel it."""
    body = {"market": "KRW-BTC", "side": "bid", "ord_type": "limit", "price": "1000000", "volume": "0.01"}
    signed = "&".join(f"{name}={value}" for name, value in body.items())
    placed = msgspec.json.decode(caller.call("POST", "/v1/orders", msgspec.json.encode(body), signed))
    query = f"uuid={placed['uuid']}"
    caller.call("GET", f"/v1/order?{query}", signed=query)
    caller.call("DELETE", f"/v1/order?{query}", signed=query)


def mix(caller: Caller) -> None:
    """One of each of the light kinds: seven requests."""
    for kind in LIGHT:
        kind.run(caller)


LIGHT = (
    Kind("ticker of 1", 1, lambda caller: caller.call("GET", "/v1/ticker?markets=KRW-BTC")),
    Kind("orderbook of 1", 1, lambda caller: caller.call("GET", "/v1/orderbook?markets=KRW-BTC")),
    Kind("candles/minutes/1 x 200", 1, lambda c: c.call("GET", "/v1/candles/minutes/1?market=KRW-BTC&count=200")),
    Kind("accounts", 1, lambda caller: caller.call("GET", "/v1/accounts", signed="")),
    Kind("order: place, get, cancel", 3, order),
)
FLOOR = Kind("floor: an unknown path", 1, lambda caller: caller.call("GET", "/v1/nothing"))
MIX = Kind("mix of the five above", 7, mix)
HEAVY = (
    Kind("ticker/all, 289 rows", 1, lambda caller: caller.call("GET", "/v1/ticker/all?quote_currencies=KRW")),
    Kind("candles/days x 200", 1, lambda caller: caller.call("GET", "/v1/candles/days?market=KRW-BTC&count=200")),
    Kind("trades/ticks x 500", 1, lambda caller: caller.call("GET", "/v1/trades/ticks?market=KRW-BTC&count=500")),
    Kind("market/all with details", 1, lambda caller: caller.call("GET", "/v1/market/all?is_details=true")),
)


@contextmanager
def served() -> Iterator[tuple[Caller, psutil.Process]]:
    """A caller of a server that ends with the block, and the server's process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        caller = Caller(here.recv())
        yield caller, psutil.Process(server.pid)
        caller.close()
    finally:
        server.kill()
        server.join()


def simulator() -> bool:
    """Measure and print; whether the target is met."""
    with served() as (caller, process):
        codes = [row["market"] for row in msgspec.json.decode(caller.call("GET", "/v1/market/all"))]
        print(f"   {'':28}requests/s   of the floor   a second of CPU")
        floor = measured(FLOOR, caller, process)
        shown(FLOOR, floor, floor)
        for kind in LIGHT:
            shown(kind, measured(kind, caller, process), floor)
        reached = measured(MIX, caller, process)
        shown(MIX, reached, floor)
        for kind in (*HEAVY, *scans(codes)):
            shown(kind, measured(kind, caller, process), floor)
    met = reached[1] >= TARGET
    print(f"   the mix on one core: {reached[1]:,.0f} requests/s, target {TARGET:,}: {'met' if met else 'MISSED'}")
    return met


def scans(codes: list[str]) -> tuple[Kind, ...]:
    """What a scan of the whole market asks for: all books in one call, and each market's candles in turn."""
    books = f"/v1/orderbook?markets={','.join(codes)}"
    turns = cycle(codes)
    return (
        Kind(f"orderbook of all {len(codes)}", 1, lambda caller: caller.call("GET", books)),
        Kind(
            "candles/minutes/15 in turn",
            1,
            lambda caller: caller.call("GET", f"/v1/candles/minutes/15?market={next(turns)}&count=200"),
        ),
    )


def measured(kind: Kind, caller: Caller, process: psutil.Process) -> tuple[float, float]:
    """Requests a second of the wall clock, and of the server's processor time."""
    kind.run(caller)
    before, began, calls = process.cpu_times(), time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        kind.run(caller)
        calls += kind.calls
    wall, after = time.perf_counter() - began, process.cpu_times()
    busy = after.user + after.system - before.user - before.system
    return calls / wall, calls / max(busy, 0.01)


def shown(kind: Kind, figures: tuple[float, float], floor: tuple[float, float]) -> None:
    """One line of the table."""
    print(f"   {kind.name:28}{figures[0]:10,.0f}   {figures[1] / floor[1]:11.1%}   {figures[1]:14,.0f}")
