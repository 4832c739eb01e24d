"""What a process measures of its own work: counted in memory, kept as sums over a while.

    registry = Registry()
    registry.note(Name.API, "GET /v1/ticker", 0.12)
    registry.note(Name.WORK, "cycle", 31.0, failed=True)
    put_samples(db, account_id, registry.take(now))      # in the transaction of whatever ends here

A percentile is read from classes whose bounds double: it is right within its class, never a guess between.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from makenaide.store.measures import Sample

BOUNDS = tuple(0.001 * 2**power for power in range(18))
"""Upper bounds of the classes in seconds: 1 ms, 2 ms ... 131 s; one class more for what is above."""


class Name(StrEnum):
    """What is measured. Times are in seconds, ratios 0.05 = 5 %, money in KRW."""

    API = "api"
    """Calls to the exchange; label: method and path."""
    START = "start"
    """Starts of workers, and how long each took until it could work; label: worker (M8, G1)."""
    WORK = "work"
    """Runs of jobs and cycles; label: which (M10, G2, G3)."""
    CONNECT = "connect"
    """Connections to the database (G4)."""
    QUERY = "query"
    """Statements; label: name of the query (G5)."""
    TRADES = "trades"
    """Fills of the slot's day: the count (D3a)."""
    RETURN = "return"
    """Time-weighted return since the start (D3b)."""
    DRAWDOWN = "drawdown"
    """The account's drawdown (D3c)."""
    EXPOSURE = "exposure"
    """Share of the equity that is in positions (D3c)."""
    DATABASE = "database"
    """Size of the database in bytes (D4b)."""
    COST = "cost"
    """What the place has cost; label: service (D4a)."""


@dataclass(slots=True)
class _Sum:
    count: int
    failures: int
    total: float
    largest: float
    classes: list[int]


class Registry:
    """The sums of one process since they were taken last. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[tuple[str, str], _Sum] = {}

    def note(self, name: Name, label: str, value: float, *, failed: bool = False) -> None:
        """Count one value; `failed` when what it was measured of failed."""
        with self._lock:
            each = self._sum(name, label)
            each.count += 1
            each.failures += failed
            each.total += value
            each.largest = max(each.largest, value)
            each.classes[bisect_left(BOUNDS, value)] += 1

    def take(self, at: datetime) -> tuple[Sample, ...]:
        """Everything since the last time, up to `at`, by name and label; it is counted from zero again."""
        with self._lock:
            taken, self._sums = self._sums, {}
        return tuple(
            Sample(
                name=name,
                label=label,
                at=at,
                count=each.count,
                failures=each.failures,
                total=each.total,
                largest=each.largest,
                classes=tuple(each.classes),
            )
            for (name, label), each in sorted(taken.items())
        )

    def _sum(self, name: str, label: str) -> _Sum:
        key = (str(name), label)
        if key not in self._sums:
            self._sums[key] = _Sum(0, 0, 0.0, float("-inf"), [0] * (len(BOUNDS) + 1))
        return self._sums[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Samples put together: `mean` and percentiles None where nothing was counted; `failures` of `count` failed."""

    count: int
    failures: int
    mean: float | None
    largest: float | None
    p50: float | None
    p95: float | None
    p99: float | None

    @property
    def failed(self) -> float | None:
        """The ratio of failures; None of nothing."""
        return self.failures / self.count if self.count else None


def summary(samples: Iterable[Sample]) -> Summary:
    """`samples` put together. A percentile is the upper bound of its class, at most the largest value."""
    found = [each for each in samples if each.count]
    count = sum(each.count for each in found)
    if not count:
        return Summary(count=0, failures=0, mean=None, largest=None, p50=None, p95=None, p99=None)
    largest = max(each.largest for each in found)
    classes = [sum(each.classes[at] for each in found if each.classes) for at in range(len(BOUNDS) + 1)]
    return Summary(
        count=count,
        failures=sum(each.failures for each in found),
        mean=sum(each.total for each in found) / count,
        largest=largest,
        p50=_percentile(classes, 0.5, largest),
        p95=_percentile(classes, 0.95, largest),
        p99=_percentile(classes, 0.99, largest),
    )


def _percentile(classes: list[int], share: float, largest: float) -> float | None:
    total = sum(classes)
    if not total:
        return None
    below = 0
    for at, many in enumerate(classes):
        below += many
        if below >= share * total:
            return min(BOUNDS[at], largest) if at < len(BOUNDS) else largest
    return largest
