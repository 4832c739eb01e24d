"""The simulator's stream: frames a second to one client, whether it falls behind, and what else gets through.

289 generated markets in real pace, one child process that serves them. One client asks for ticker, trade and order
book of every market and notes, for each frame, how much later it came than the venue's time in it; meanwhile another
asks the REST face for single tickers, one every 10 ms. Targets: at least 800 frames a second, and a lag that does not
grow (the median of the last third within 50 ms of the first third's). The processor share is the server's own.

The floor beside it is a server of the same library that sends one client bytes of the same length without making
them, as fast as it can.
"""

import http.client
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]
from websockets.sync.client import connect
from websockets.sync.server import Server as PlainServer
from websockets.sync.server import ServerConnection, serve

from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.server import Server
from makenaide.exchange.simulator.settings import FaceSettings, Pace, QuotaSettings, VenueSettings

SECONDS = 30
TARGET_FRAMES = 800
TARGET_GROWTH_MS = 50.0
_STAMP = re.compile(rb'"timestamp":(\d+)')


class _Shifted:
    """The wall clock, moved to where the generated prices are."""

    def __init__(self, begin: datetime) -> None:
        self.shift = begin - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.shift

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


def _child() -> None:
    data = generate(GeneratorSettings(markets=289, history_days=60, days=3))
    clock = _Shifted(data.first_slot + timedelta(hours=30))
    venue = Venue(data, VenueSettings(pace=Pace.REAL))
    face = Face(venue, [], FaceSettings(quota=QuotaSettings(enforced=False)), clock)
    Server(face).run(lambda port: print(port, clock.shift.total_seconds(), flush=True))


@contextmanager
def _served() -> Iterator[tuple[int, float, psutil.Process]]:
    """Port, seconds by which the venue's time is ahead of ours, and the process."""
    command = [sys.executable, str(Path(__file__).resolve()), "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port, ahead = process.stdout.readline().split()
            yield int(port), float(ahead), psutil.Process(process.pid)
        finally:
            process.terminate()


@dataclass
class _Rest:
    """A caller of the REST face beside the stream; stops when `done`."""

    port: int
    done: threading.Event = field(default_factory=threading.Event)
    waits: list[float] = field(default_factory=list)

    def run(self) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self.done.wait(0.01):
            began = time.perf_counter()
            line.request("GET", "/v1/ticker?markets=KRW-BTC")
            line.getresponse().read()
            self.waits.append(time.perf_counter() - began)
        line.close()


def _codes(port: int) -> list[str]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.request("GET", "/v1/market/all")
    rows = json.loads(line.getresponse().read())
    line.close()
    return [row["market"] for row in rows]


def _lags(port: int, ahead: float, seconds: float) -> tuple[list[tuple[float, float]], int]:
    """When each live frame came and how late it was (both in seconds), and the bytes of all of them."""
    codes = _codes(port)
    asked = [{"ticket": "bench"}] + [
        {"type": kind, "codes": codes, "is_only_realtime": True} for kind in ("ticker", "trade", "orderbook")
    ]
    seen: list[tuple[float, float]] = []
    size = 0
    with connect(f"ws://127.0.0.1:{port}/websocket/v1", compression=None, max_queue=None) as line:
        line.send(json.dumps(asked))
        began = time.time()
        while (now := time.time()) < began + seconds:
            frame = line.recv(timeout=10, decode=False)
            stamp = _STAMP.search(frame)
            assert stamp is not None, frame
            now = time.time()
            seen.append((now - began, now + ahead - int(stamp[1]) / 1000))
            size += len(frame)
    return seen, size


def _floor(size: int) -> float:
    """Frames a second of the library alone, for frames of `size` bytes."""
    payload = b"x" * size

    def flood(line: ServerConnection) -> None:
        for _ in range(20_000):
            line.send(payload)

    plain: PlainServer = serve(flood, "127.0.0.1", 0, compression=None)
    thread = threading.Thread(target=plain.serve_forever)
    thread.start()
    try:
        with connect(f"ws://127.0.0.1:{plain.socket.getsockname()[1]}", compression=None) as line:
            began = time.perf_counter()
            for _ in range(20_000):
                line.recv(decode=False)
            return 20_000 / (time.perf_counter() - began)
    finally:
        plain.shutdown()
        thread.join()


def stream(seconds: float = SECONDS) -> bool:
    """Measure and print; whether both targets are met."""
    with _served() as (port, ahead, process):
        rest = _Rest(port)
        caller = threading.Thread(target=rest.run)
        caller.start()
        busy = sum(process.cpu_times()[:2])
        seen, size = _lags(port, ahead, seconds)
        busy = sum(process.cpu_times()[:2]) - busy
        rest.done.set()
        caller.join()
    rate = len(seen) / seconds
    thirds = [
        statistics.median(lag for at, lag in seen if third <= at * 3 / seconds < third + 1) * 1000
        for third in range(3)
    ]
    worst = max(lag for _, lag in seen) * 1000
    growth = thirds[2] - thirds[0]
    floor = _floor(size // len(seen))
    print(f"frames/s to one client      {rate:10.0f}   target >= {TARGET_FRAMES}   floor {floor:.0f}")
    print(f"bytes/s                     {size / seconds:10.0f}")
    print(f"lag, median of thirds, ms   {' '.join(f'{each:.1f}' for each in thirds)}   worst {worst:.1f}")
    print(f"lag growth, ms              {growth:10.1f}   target <= {TARGET_GROWTH_MS:.0f}")
    print(
        f"server's processor share    {busy / seconds * 100:9.0f} %   {len(seen) / busy:.0f} frames a second of CPU"
    )
    waits = sorted(rest.waits)
    late = waits[len(waits) * 99 // 100] * 1000
    print(f"REST beside it, ms          {statistics.median(waits) * 1000:10.1f}   99 % within {late:.1f}")
    return rate >= TARGET_FRAMES and growth <= TARGET_GROWTH_MS


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        _child()
    else:
        sys.exit(0 if stream() else 1)
