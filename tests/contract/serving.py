"""The simulator's server in a thread, for as long as a block lasts, and a clock for its venue."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import Queue

from makenaide.exchange.simulator.server import Server
from tests.unit.simulator_street import BEGIN

PATIENCE = 10.0
"""Seconds that a server may take to start, and to end."""


def started(server: Server) -> threading.Thread:
    """The thread in which `server` has begun to take requests; whoever has it stops the server."""
    ports: Queue[int] = Queue()
    thread = threading.Thread(target=server.run, args=(ports.put,))
    thread.start()
    assert ports.get(timeout=PATIENCE) == server.port
    return thread


@contextmanager
def running(server: Server) -> Iterator[int]:
    """The port on which `server` takes requests until the block ends; it has then ended too."""
    thread = started(server)
    try:
        yield server.port
    finally:
        server.stop()
        thread.join(PATIENCE)
    assert not thread.is_alive()


@dataclass(frozen=True)
class RunningClock:
    """The venue's wall clock: runs at the pace of the machine's, from `BEGIN` on."""

    began: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=time.monotonic() - self.began)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))
