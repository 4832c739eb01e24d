"""The guard's figures: from a price frame to its order, and from `kill -9` to guarded again.

    python bench/guard.py [SAMPLES]

Real guard processes (`makenaide guard`, as for real money, with keys that no venue knows) against a venue on loopback
that is nothing but sockets: it writes an order book frame in which one market's best bid has fallen through a stop,
and notes when the whole of the order's POST has come. Several guards take turns, because each keeps to its four
orders a second. All else is as always: eight positions a guard, signed stops, the journal on the disk and flushed.

The floor beside it is a process that does nothing but read a frame and send the same POST; the other one also appends
a line to a file and flushes it in between, as a guard must. Targets: median <= 2 ms, p99 <= 10 ms; guarded again <=
5 s after `kill -9`. Exit 1 when one is missed; on a busy machine (or disk) look at the ratio. The journals lie in
TMPDIR: one in memory shows what is left without the disk.
"""

import asyncio
import base64
import hashlib
import http.client
import json
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from websockets.sync.client import connect

from makenaide.app.clock import boot_seconds
from makenaide.app.guardian import ensure_guard, stop_guard
from makenaide.app.guarding import guard_folder, guard_key
from makenaide.app.guardpost import Ground, Orders, Post, Watch
from makenaide.app.warden import Warden
from makenaide.config import Config
from makenaide.domain.market import Market
from makenaide.domain.money import Price, Quantity
from makenaide.domain.order import position_id
from makenaide.domain.reason import Exit
from makenaide.execution.disk import Disk
from makenaide.execution.guard.guard import STOPS
from makenaide.execution.guard.stops import GuardedStop, StopsFile, encode
from makenaide.risk.exits import StopState

SAMPLES = 512
GUARDS = 4
POSITIONS = 8
KILLS = 5
PAUSE = 0.27
"""Seconds between two orders of one guard: a little more than its share of the venue's limit asks for."""
REST = 0.02
"""Seconds in which a guard comes to the end of a sale before the next one of any guard begins."""
MEDIAN_MS, P99_MS, AGAIN_S = 2.0, 10.0, 5.0
HIGH, LOW = 1000, 900
KEYS = {"MAKENAIDE_UPBIT_ACCESS_KEY": "bench", "MAKENAIDE_UPBIT_SECRET_KEY": "s" * 64}
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


# ---- the venue ----


@dataclass
class Venue:
    """Sockets: the streams by who watches, the bids as they stand, and when an order's POST was whole."""

    bids: dict[str, int] = field(default_factory=dict)
    streams: dict[str, asyncio.StreamWriter] = field(default_factory=dict)
    came: dict[str, float] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, requests one after the other, or a stream."""
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next((int(x[15:]) for x in head.split("\r\n") if x.lower()[:15] == "content-length:"), 0)
                body = await reader.readexactly(length) if length else b""
                at = time.perf_counter()
                if "upgrade: websocket" in head.lower():
                    await self.stream(head, reader, writer)
                    break
                answer = json.dumps(self.answer(head.split(" ", 2)[1], body, at)).encode()
                status = b"HTTP/1.1 201 Created" if body else b"HTTP/1.1 200 OK"
                writer.write(
                    status + b"\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer)
                )
                writer.write(answer)
        writer.close()

    def answer(self, path: str, body: bytes, at: float) -> object:
        """What a request is answered."""
        if body:
            order = json.loads(body)
            self.came[order["identifier"]] = at
            self.news.set()
            return {"uuid": f"u-{order['identifier']}", "identifier": order["identifier"]}
        if path.startswith("/v1/order?"):
            name = path.partition("identifier=")[2].partition("&")[0]
            if name not in self.came:
                return {"error": {"name": "order_not_found", "message": ""}}
            facts = {
                "side": "ask",
                "ord_type": "market",
                "state": "done",
                "created_at": "2026-01-05T09:00:00+09:00",
            }
            size = {"volume": "100", "executed_volume": "100", "paid_fee": "50", "trades_count": 1}
            return {
                "uuid": f"u-{name}",
                "identifier": name,
                "market": "-".join(name.split("-")[2:4]),
                **facts,
                **size,
            }
        if path.startswith("/v1/orderbook"):
            return [self.book(code, "market") for code in path.partition("markets=")[2].split("&")[0].split("%2C")]
        return []

    def book(self, code: str, name: str) -> dict[str, object]:
        """A book of one level."""
        bid = self.bids.get(code, HIGH)
        unit = {"ask_price": bid + 1, "bid_price": bid, "ask_size": 10000.0, "bid_size": 10000.0}
        size = {"total_ask_size": 10000.0, "total_bid_size": 10000.0, "level": 0}
        return {name: code, "timestamp": int(time.time() * 1000), "orderbook_units": [unit], **size}

    def frame(self, code: str) -> bytes:
        """The book as a frame of the stream, with the WebSocket's own head."""
        text = json.dumps({"type": "orderbook", **self.book(code, "code"), "stream_type": "REALTIME"}).encode()
        return struct.pack("!BBH", 0x82, 126, len(text)) + text

    async def stream(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The handshake; then whatever the other side asks for tells who it is."""
        key = next(
            x.split(":", 1)[1].strip() for x in head.split("\r\n") if x.lower().startswith("sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            f"sec-websocket-accept: {accept}\r\n\r\n".encode()
        )
        while True:
            kind, size = await reader.readexactly(2)
            length = size & 127
            if length == 126:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
            mask, data = await reader.readexactly(4), await reader.readexactly(length)
            text = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
            if kind & 15 == 9:
                writer.write(bytes([0x8A, len(text)]) + text)
            elif kind & 15 == 8:
                return
            else:  # a subscription: its first snapshots
                codes = [code.partition(".")[0] for each in json.loads(text) for code in each.get("codes", ())]
                self.streams |= {code: writer for code in codes if code != "KRW-BTC"}
                writer.writelines([self.frame(code) for code in codes])

    async def alive(self) -> None:
        """Each half second a frame of the market that is never silent."""
        while True:
            await asyncio.sleep(0.5)
            for writer in set(self.streams.values()):
                if not writer.is_closing():
                    writer.write(self.frame("KRW-BTC"))

    async def sample(self, code: str, bid: int, identifier: str) -> float:
        """Let the best bid of `code` fall to `bid`; the seconds until the order came. One at a time, with a rest."""
        async with self.turn:
            self.bids[code] = bid
            frame, writer = self.frame(code), self.streams[code]
            began = time.perf_counter()
            writer.write(frame)
            while identifier not in self.came:
                self.news.clear()
                await asyncio.wait_for(self.news.wait(), 10)
            await asyncio.sleep(REST)
        return self.came[identifier] - began


# ---- the guards ----


@dataclass
class Guarded:
    """One account with its guard's folder; `version` of the stops that were published last."""

    number: int
    folder: Path
    orders: Orders
    version: int = 0

    @property
    def post(self) -> Post:
        """Its guard's files."""
        return Post(self.folder)

    def codes(self) -> list[Market]:
        """Its markets."""
        return [Market(f"KRW-G{self.number}M{index}") for index in range(POSITIONS)]

    def publish(self) -> list[tuple[Market, str]]:
        """A new position in each market; markets, and the identifiers of their first exits."""
        self.version += 1
        moment = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=self.version)
        names = [position_id(code, moment) for code in self.codes()]
        stops = tuple(
            GuardedStop(
                position_id=name,
                market=code,
                entry=Price(HIGH),
                atr_percent=Decimal(5),
                opened_on=date(2026, 1, 5),
                bought=Quantity(100),
                gone=Quantity(0),
                exits={},
                stop=StopState(price=Price(950), kind=Exit.HARD_STOP, high_water=Price(HIGH)),
                pending=None,
                dust={},
                coins=Decimal(100),
            )
            for name, code in zip(names, self.codes(), strict=True)
        )
        file = StopsFile(
            version=self.version,
            account_id=self.orders.account,
            installation=self.orders.installation,
            made_at=datetime.now(UTC),
            seen=0,
            stops=stops,
        )
        Disk().replace(self.post.folder / STOPS, encode(file, guard_key(self.post.folder, Disk())))
        return [
            (code, f"mk1-{self.orders.installation}-{name}-x01")
            for name, code in zip(names, self.codes(), strict=True)
        ]

    async def acknowledged(self) -> None:
        """Return once the guard holds what was published."""
        while (beat := self.post.heartbeat()) is None or beat.version != self.version:
            await asyncio.sleep(0.01)

    async def samples(self, venue: Venue, count: int) -> list[float]:
        """The seconds from frame to order, so many of them."""
        took: list[float] = []
        while len(took) < count:
            for code in self.codes():
                venue.bids[code] = HIGH
                if code in venue.streams:
                    venue.streams[code].write(venue.frame(code))
            await asyncio.sleep(0.1)
            batch = self.publish()
            await self.acknowledged()
            while any(code not in venue.streams for code, _ in batch):
                await asyncio.sleep(0.05)
            for code, name in batch:
                await asyncio.sleep(PAUSE)
                took.append(await venue.sample(code, LOW, name))
        return took[:count]


async def recovery(guarded: Guarded) -> list[float]:
    """The seconds from `kill -9` to guarded again, with the keeper that every run has."""
    took = []
    for kill in range(KILLS):
        # A keeper of its own each time: one that has to restart its guard again and again waits ever longer.
        warden = Warden(guarded.folder, guarded.orders, lambda _action, _detail: None, secrets=KEYS)
        await asyncio.to_thread(warden.start)
        await asyncio.sleep(1.0 + kill / KILLS)
        guard = guarded.post.on_duty()
        assert guard is not None
        began = time.perf_counter()
        os.kill(guard.pid, signal.SIGKILL)
        while guarded.post.on_duty() == guard or guarded.post.standing(boot_seconds()).watch is not Watch.WATCHING:
            await asyncio.sleep(0.005)
        took.append(time.perf_counter() - began)
        await asyncio.to_thread(warden.stop)
    return took


# ---- the floor ----


def echo(port: int, name: str, file: Path | None) -> None:
    """Read a frame, send a POST: nothing else but a line in `file`, if one is given."""
    code = f"KRW-{name}"
    line = http.client.HTTPConnection("127.0.0.1", port)
    line.connect()
    line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connect(f"ws://127.0.0.1:{port}/websocket/v1", compression=None, max_queue=None) as stream:
        stream.send(json.dumps([{"codes": [code]}]))
        stream.recv()
        count = 0
        for text in stream:
            if code.encode() in (text if isinstance(text, bytes) else text.encode()):
                count += 1
                if file is not None:
                    Disk().append(file, b"x" * 900)
                body = json.dumps({"identifier": f"{name}-{count}", "market": code, "volume": "100"})
                line.request("POST", "/v1/orders", body, {"content-type": "application/json"})
                line.getresponse().read()


async def floor(venue: Venue, port: int, count: int, file: str = "") -> list[float]:
    """The seconds from frame to POST of a process that thinks nothing, and writes to `file` if one is named."""
    name = "FLUSH" if file else "FLOOR"
    code = f"KRW-{name}"
    command = [sys.executable, str(Path(__file__).resolve()), "floor", str(port), name, file]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        while code not in venue.streams:
            await asyncio.sleep(0.05)
        took = []
        for number in range(1, count + 1):
            took.append(await venue.sample(code, HIGH - number % 2, f"{name}-{number}"))
        return took
    finally:
        process.kill()
        process.wait()


# ---- the figures ----


@contextmanager
def guards(port: int, home: Path) -> Iterator[list[Guarded]]:
    """So many accounts, each with a guard's folder; their guards are ended."""
    config = Config()
    upbit = replace(config.upbit, base_url=f"http://127.0.0.1:{port}")
    with ExitStack() as stack:
        made = []
        for number in range(GUARDS):
            account = f"{number:012x}"
            orders = Orders(
                account=account,
                installation=f"{number:04x}",
                ground=Ground.LIVE,
                upbit=upbit,
                risk=config.risk,
                execution=config.execution,
            )
            folder = home / account
            guard_key(guard_folder(folder), Disk())
            stack.callback(stop_guard, folder)
            made.append(Guarded(number, folder, orders))
        yield made


def told(name: str, took: Sequence[float], base: Mapping[str, float] | None = None) -> dict[str, float]:
    """Print median, p99 and worst in ms, and how many times the floor's they are."""
    ordered = sorted(each * 1000 for each in took)
    found = {
        "median": statistics.median(ordered),
        "p99": ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
        "worst": ordered[-1],
    }
    words = [
        f"{key} {value:.2f} ms" + (f" ({value / base[key]:.1f} x)" if base else "") for key, value in found.items()
    ]
    print(f"{name:<22} {', '.join(words)}  [{len(ordered)} samples]")
    return found


async def bench(count: int) -> bool:
    """Print the figures; whether they keep the targets."""
    venue = Venue()
    server = await asyncio.start_server(venue.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    alive = asyncio.ensure_future(venue.alive())
    with tempfile.TemporaryDirectory(prefix="makenaide-bench-") as home, guards(port, Path(home)) as made:
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        told("floor", await floor(venue, port, count))
        base = told("floor with a flush", await floor(venue, port, count, str(Path(home) / "lines")))
        for each in made:
            await asyncio.to_thread(ensure_guard, each.folder, each.orders, KEYS)
        shares = await asyncio.gather(*(each.samples(venue, -(-count // GUARDS)) for each in made))
        found = told("frame to order", [each for share in shares for each in share], base)
        again = sorted(await recovery(made[0]))
    print(
        f"{'guarded again':<22} median {statistics.median(again):.2f} s, worst {again[-1]:.2f} s  [{KILLS} kills]"
    )
    print(f"targets: median <= {MEDIAN_MS:g} ms, p99 <= {P99_MS:g} ms, guarded again <= {AGAIN_S:g} s")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    alive.cancel()
    server.close()
    return found["median"] <= MEDIAN_MS and found["p99"] <= P99_MS and again[-1] <= AGAIN_S


if __name__ == "__main__":
    if sys.argv[1:2] == ["floor"]:
        echo(int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]) if sys.argv[4] else None)
    sys.exit(0 if asyncio.run(bench(int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES)) else 1)
