"""The stream client's figure: how much of one core a realistic mix of 800 frames/s costs, and how many it can read.

    python bench/exchange_client.py

The mix is that of all books, tickers and trades of 289 markets, books of 30 levels among them, in the venue's own
spelling. Three measures: the parser alone, beside `json.loads` as the floor (which makes no Decimal, checks nothing
and drops no padding); the parser and the store of the newest book, as the stream's thread uses them; and the whole
client over a socket, the library's reading thread included. Exit 1 when a figure is missed.
"""

import json
import random
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count, cycle, islice

from websockets.sync.server import ServerConnection, serve

from makenaide.domain.market import Market
from makenaide.exchange.upbit.stream.connection import WebSocketOpener
from makenaide.exchange.upbit.stream.frames import BookFrame, TickerFrame
from makenaide.exchange.upbit.stream.latest import Latest
from makenaide.exchange.upbit.stream.news import News
from makenaide.exchange.upbit.stream.session import StreamParts
from makenaide.exchange.upbit.stream.stream import Stream
from makenaide.exchange.upbit.stream.subscription import Subscription, Wanted
from makenaide.exchange.upbit.stream.wire import parse

RATE = 800
SHARE = 0.5
SECONDS = 5
MARKETS = [f"KRW-COIN{number}" for number in range(288)] + ["KRW-BTC"]
MIX = ("orderbook",) * 6 + ("ticker",) * 2 + ("trade",) * 2
START = 1_751_606_040_000


def number(value: float) -> str:
    """As DEFAULT spells it: big prices with an exponent, sizes plain."""
    return f"{value:.6E}".replace("E+0", "E").replace("E+", "E") if value >= 10_000_000 else f"{value:.8f}"


def book(code: str, price: float, rng: random.Random, at: int) -> str:
    """A book of 30 levels."""
    units = ",".join(
        f'{{"ask_price":{number(price * (1 + level / 1000))},"bid_price":{number(price * (1 - (level + 1) / 1000))},'
        f'"ask_size":{rng.random() * 50:.8f},"bid_size":{rng.random() * 50:.8f}}}'
        for level in range(30)
    )
    return (
        f'{{"type":"orderbook","code":"{code}","timestamp":{at},"total_ask_size":812.25,"total_bid_size":903.5,'
        f'"orderbook_units":[{units}],"stream_type":"REALTIME","level":0}}'
    )


def ticker(code: str, price: float, rng: random.Random, at: int) -> str:
    """A ticker with all its fields."""
    words = {name: number(price) for name in ("opening_price", "high_price", "low_price", "trade_price")}
    words |= {
        name: number(price) for name in ("prev_closing_price", "highest_52_week_price", "lowest_52_week_price")
    }
    words |= {name: f"{rng.random() * 1e9:.5f}" for name in ("acc_trade_price", "acc_trade_price_24h")}
    words |= {
        name: f"{rng.random() * 1e4:.8f}" for name in ("acc_trade_volume", "acc_trade_volume_24h", "trade_volume")
    }
    numbers = ",".join(f'"{name}":{text}' for name, text in words.items())
    return (
        f'{{"type":"ticker","code":"{code}",{numbers},"change":"RISE","change_price":15000.0,"change_rate":0.0123,'
        f'"trade_date":"20250704","trade_time":"051400","trade_timestamp":{at - 30},"ask_bid":"BID",'
        f'"market_state":"ACTIVE","delisting_date":null,"market_warning":"NONE","timestamp":{at},'
        f'"stream_type":"REALTIME"}}'
    )


def trade(code: str, price: float, rng: random.Random, at: int) -> str:
    """A trade with the best bid and ask."""
    return (
        f'{{"type":"trade","code":"{code}","timestamp":{at},"trade_date":"2025-07-04","trade_time":"05:14:00",'
        f'"trade_timestamp":{at - 30},"trade_price":{number(price)},"trade_volume":{rng.random():.8f},'
        f'"ask_bid":"ASK","prev_closing_price":{number(price)},"change":"FALL",'
        f'"change_price":1000.0,"sequential_id":{at * 10000},'
        f'"best_ask_price":{number(price)},"best_ask_size":1.25,"best_bid_price":{number(price)},"best_bid_size":2.5,'
        f'"stream_type":"REALTIME"}}'
    )


MAKE: dict[str, Callable[[str, float, random.Random, int], str]] = {
    "orderbook": book,
    "ticker": ticker,
    "trade": trade,
}


def frames(seed: int, wanted: int) -> list[bytes]:
    """A mix of frames over all markets."""
    rng = random.Random(seed)
    prices = {code: 10 ** rng.uniform(0, 8.1) for code in MARKETS}
    found = []
    for index, kind in enumerate(islice(cycle(MIX), wanted)):
        code = rng.choice(MARKETS)
        found.append(MAKE[kind](code, prices[code], rng, START + index).encode())
    return found


def rate(read: Callable[[bytes], object], mix: list[bytes]) -> float:
    """Frames a second of CPU time, the best of three."""
    best = 0.0
    for _ in range(3):
        began = time.process_time()
        for raw in mix:
            read(raw)
        best = max(best, len(mix) / (time.process_time() - began))
    return best


def kept() -> Callable[[bytes], object]:
    """The parser and the store, as the stream's thread uses them."""
    latest, marks = Latest(), count()

    def read(raw: bytes) -> None:
        for frame in parse(raw):
            if isinstance(frame, BookFrame | TickerFrame):
                latest.put(frame, float(next(marks)))

    return read


def feed(port: int, seed: int) -> None:
    """Send the mix to the one client that comes, 800 frames/s in steps of 10 ms, for ever."""
    mix = cycle(frames(seed, 4000))

    def play(connection: ServerConnection) -> None:
        connection.recv()
        began = time.monotonic()
        for step in count(1):
            for raw in islice(mix, RATE // 100):
                connection.send(raw)
            time.sleep(max(0.0, began + step / 100 - time.monotonic()))

    with serve(play, "127.0.0.1", port, compression=None) as server:
        print("ready", flush=True)
        server.serve_forever()


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(0.0, seconds))


def over_a_socket(seed: int) -> tuple[float, float]:
    """Frames a second that came, and the CPU share of the whole client process, over some seconds."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, __file__, "feed", str(port), str(seed)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        numbers = count()
        codes = tuple(Market(code) for code in MARKETS)
        stream = Stream(
            StreamParts(
                opener=WebSocketOpener(f"http://127.0.0.1:{port}"),
                clock=WallClock(),
                monotonic=time.monotonic,
                rng=random.Random(seed),
                ids=lambda: f"ticket-{next(numbers)}",
                stopping=lambda: False,
                latest=Latest(),
                news=News(),
            )
        )
        stream.want(Subscription(tuple(Wanted(type=kind, codes=codes) for kind in MAKE)))
        stream.start()
        while stream.status().frames < RATE:
            time.sleep(0.05)
        before, spent, began = stream.status().frames, cpu(), time.monotonic()
        time.sleep(SECONDS)
        came, spent, lasted = stream.status().frames - before, cpu() - spent, time.monotonic() - began
        stream.stop()
        child.kill()
    return came / lasted, spent / lasted


def cpu() -> float:
    """Seconds of CPU time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def client() -> bool:
    """Print the figures; whether all are reached."""
    seed = 1
    mix = frames(seed, 4000)
    size = sum(len(raw) for raw in mix) / len(mix)
    print(f"mix of 60 % books of 30 levels, 20 % tickers, 20 % trades; {size:.0f} bytes a frame; seed {seed}")
    reached = True
    for name, read in (("json.loads, the floor", json.loads), ("parsed", parse), ("parsed and kept", kept())):
        speed = rate(read, mix)
        print(f"{name:24} {speed:9.0f} frames/s   {RATE / speed:6.1%} of a core at {RATE} frames/s")
        reached = reached and RATE / speed < SHARE
    came, share = over_a_socket(seed)
    print(f"{'over a socket':24} {came:9.0f} frames/s   {share:6.1%} of a core, {SECONDS} s")
    reached = reached and share < SHARE and came > RATE * 0.95
    print("reached" if reached else "MISSED")
    return reached


if __name__ == "__main__":
    if sys.argv[1:2] == ["feed"]:
        feed(int(sys.argv[2]), int(sys.argv[3]))
    sys.exit(0 if client() else 1)
