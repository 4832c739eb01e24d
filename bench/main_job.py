"""The main job's figures: the default `makenaide run` in a new data folder: time, memory, and requests.

    python bench/main_job.py [RUNS]

Targets: 90 s on two cores and 400 MB a process, first start of the database included. The floor is the time that as
many bare round trips to an HTTP server that knows only one answer take, measured in the same minute on the same
machine, so that figures of different machines can be compared. Exit 1 when a target is missed.
"""

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import uvicorn

WALL_TARGET, MEMORY_TARGET = 90.0, 400.0
FLOOR_ROUNDS = 3_000
SAMPLE_SECONDS = 0.05
COUNTED = "MAKENAIDE_BENCH_COUNT"
"""Not for Makenaide, which would refuse it: the child takes it out before Makenaide starts."""


@dataclass
class Figures:
    """What one run took: seconds, peak megabytes and CPU seconds by role, HTTP requests."""

    wall: float = 0.0
    requests: int = 0
    peak: dict[str, float] = field(default_factory=dict)
    cpu: dict[int, tuple[str, float]] = field(default_factory=dict)

    def processor(self, role: str) -> float:
        """CPU seconds of all processes of `role`."""
        return sum(seconds for name, seconds in self.cpu.values() if name == role)


def role(process: psutil.Process, trader: int) -> str:
    """ "trading", "simulator" or "database"."""
    if process.pid == trader:
        return "trading"
    return "simulator" if "simulate" in process.cmdline() else "database"


def sample(figures: Figures, trader: psutil.Process) -> None:
    """Look at the trading process and at everything it has started; one that has just ended is passed over."""
    for process in (trader, *trader.children(recursive=True)):
        try:
            name, memory = role(process, trader.pid), process.memory_info().rss / 1e6
            times = process.cpu_times()
        except psutil.Error:
            continue
        if name != "database":  # its processes share most of their memory
            figures.peak[name] = max(figures.peak.get(name, 0.0), memory)
        figures.cpu[process.pid] = (name, times.user + times.system)


def measured(home: Path) -> Figures:
    """One default run in `home`."""
    figures, count = Figures(), home / "requests"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MAKENAIDE_")}
    variables.pop("DATABASE_URL", None)
    variables |= {"MAKENAIDE_HOME": str(home / "data"), COUNTED: str(count)}
    started = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, __file__, "--trade"], env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    trader = psutil.Process(child.pid)
    while child.poll() is None:
        try:
            sample(figures, trader)
        except psutil.NoSuchProcess:
            break
        time.sleep(SAMPLE_SECONDS)
    _, said = child.communicate()
    assert child.returncode == 0, said.decode()
    figures.wall = time.monotonic() - started
    figures.requests = int(count.read_text())
    return figures


def trade() -> None:
    """The child: `makenaide run` with its requests counted."""
    file = Path(os.environ.pop(COUNTED))
    from makenaide.cli import main  # noqa: PLC0415 - reads the environment when it is imported
    from makenaide.exchange.http import Request, Response  # noqa: PLC0415
    from makenaide.exchange.upbit.transport import UrllibTransport  # noqa: PLC0415

    send, count = UrllibTransport.send, 0

    def counted(self: UrllibTransport, request: Request) -> Response:
        nonlocal count
        count += 1
        return send(self, request)

    setattr(UrllibTransport, "send", counted)  # noqa: B010 - mypy refuses a plain assignment
    try:
        main(["run"])
    finally:
        file.write_text(str(count))


async def answer(_scope: MutableMapping[str, Any], _receive: Any, send: Any) -> None:
    """The one answer of the floor's server."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"[]"})


def serve(port: int) -> None:
    """The child that the floor is measured against."""
    uvicorn.run(answer, port=port, http="httptools", ws="none", loop="asyncio", lifespan="off", log_level="error")


def free_port() -> int:
    """A port that nobody listens on now."""
    import socket  # noqa: PLC0415 - only here

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def round_trip() -> float:
    """Seconds of one bare round trip on a kept connection, the mean of many."""
    port = free_port()
    server = subprocess.Popen([sys.executable, __file__, "--serve", str(port)])
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for _ in range(200):
            try:
                connection.connect()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        started = time.monotonic()
        for _ in range(FLOOR_ROUNDS):
            connection.request("GET", "/")
            connection.getresponse().read()
        return (time.monotonic() - started) / FLOOR_ROUNDS
    finally:
        server.terminate()
        server.wait()


def show(number: int, figures: Figures, floor: float) -> bool:
    """Print one run; whether it keeps the targets."""
    busy = {name: figures.processor(name) for name in ("trading", "simulator", "database")}
    bare = floor * figures.requests
    print(f"run {number}: {figures.wall:.1f} s (target {WALL_TARGET:.0f} s)")
    print("  CPU     " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in busy.items()))
    print("  memory  " + ", ".join(f"{name} {size:.0f} MB" for name, size in figures.peak.items()), end="")
    print(f" at most (target {MEMORY_TARGET:.0f} MB)")
    print(f"  HTTP    {figures.requests:,} requests, {figures.requests / figures.wall:.0f} a second")
    print(
        f"  floor   {bare:.1f} s for as many bare round trips: the run takes {figures.wall / bare:.1f} times that"
    )
    return figures.wall <= WALL_TARGET and max(figures.peak.values()) <= MEMORY_TARGET


def bench(runs: int) -> bool:
    """Measure the floor and then each run; whether all keep the targets."""
    floor, kept = round_trip(), True
    print(f"a bare round trip: {floor * 1e3:.2f} ms")
    for number in range(1, runs + 1):
        with tempfile.TemporaryDirectory(prefix="makenaide-bench-") as folder:
            kept &= show(number, measured(Path(folder)), floor)
    return kept


if __name__ == "__main__":
    if sys.argv[1:2] == ["--trade"]:
        trade()
    elif sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]))
    else:
        sys.exit(0 if bench(int(sys.argv[1]) if len(sys.argv) > 1 else 1) else 1)
