"""Warming up: a worker's code is loaded once, and nothing else happens: no database, no network, no data folder."""

import time
from collections.abc import Mapping, Sequence
from importlib import import_module

from makenaide.app.operation import Worker
from makenaide.domain.errors import Misconfigured

_MODULES: Mapping[Worker, Sequence[str]] = {
    Worker.TRADER: ("cli.trade", "app.trader", "app.venues", "app.live", "pipeline.cycle", "pipeline.loop"),
    Worker.GUARD: ("cli.guard", "app.guardian", "app.duty", "app.eyes"),
    Worker.STEWARD: ("cli.timetable", "app.scene", "app.power", "ops.runner", "ops.checks.register"),
}
"""By worker, what it loads when it is called, and what it loads only later."""


def warm_up(worker: str) -> float:
    """Load all that `worker` needs; the seconds of work that this process has had by then.

    `Misconfigured` where there is no such worker.
    """
    if worker not in list(Worker):
        raise Misconfigured(f"no worker is called {worker}: there are {', '.join(Worker)}")
    for module in _MODULES[Worker(worker)]:
        import_module(f"makenaide.{module}")
    return time.process_time()
