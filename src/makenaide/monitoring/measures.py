"""What a process measures of its own work: counted in memory, kept as sums over a while.

    registry = Registry()
    registry.note(Name.API, "GET /v1/ticker", 0.12)
    registry.note(Name.WORK, CYCLE, 31.0, failed=True)
    registry.gauge(Name.RETURN, 0.052)
    flush(db, account_id, registry, now)      # in the transaction of whatever ends here

A percentile is read from classes whose bounds double: it is right within its class, never a guess between. Seconds
are those of the machine, also where the account's time is simulated.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from makenaide.store.db import Database
from makenaide.store.measures import Sample, put_samples

BOUNDS = tuple(0.001 * 2**power for power in range(18))
"""Upper bounds of the classes in seconds: 1 ms, 2 ms ... 131 s; one class more for what is above."""

CYCLE = "cycle"
"""The label of the trading cycle among WORK."""
OTHERS = "*"
"""The label of everything of a name that was not among its slowest few."""
_LABELS = 6


class Name(StrEnum):
    """What is measured. Times are in seconds, ratios 0.05 = 5 %, money in KRW.

    TRADES to COST are gauges: told once at the end of each cycle, a sample of one value, which is its `total`.
    """

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
    LISTEN = "listen"
    """Seconds for which the exchange's announcements were listened to (E7)."""
    TRADES = "trades"
    """Fills since the slot before: those of a day's slots add up to the trades of the day (D3a)."""
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

    def add(self, other: "_Sum") -> None:
        """Count the values of `other`, too."""
        self.count += other.count
        self.failures += other.failures
        self.total += other.total
        self.largest = max(self.largest, other.largest)
        self.classes = [mine + more for mine, more in zip(self.classes, other.classes, strict=True)]


def _empty() -> _Sum:
    return _Sum(0, 0, 0.0, float("-inf"), [0] * (len(BOUNDS) + 1))


class Registry:
    """The sums of one process since they were taken last. Thread-safe.

    `timer` counts seconds that nobody sets: whoever measures takes two readings of it.
    """

    def __init__(self, timer: Callable[[], float] = time.perf_counter) -> None:
        self.timer = timer
        self._lock = threading.Lock()
        self._sums: dict[tuple[str, str], _Sum] = {}
        self._expected: set[tuple[str, str]] = set()

    def note(self, name: Name, label: str, value: float, *, failed: bool = False) -> None:
        """Count one value; `failed` when what it was measured of failed."""
        with self._lock:
            each = self._sum(name, label)
            each.count += 1
            each.failures += failed
            each.total += value
            each.largest = max(each.largest, value)
            each.classes[bisect_left(BOUNDS, value)] += 1

    def gauge(self, name: Name, value: float) -> None:
        """That is how it stands now: the only value of `name` until it is taken."""
        with self._lock:
            self._sums.pop((str(name), ""), None)
        self.note(name, "", value)

    def expect(self, name: Name, label: str) -> None:
        """From now on tell of it each time, also that there was nothing: a count of zero is something known, too."""
        with self._lock:
            self._expected.add((str(name), label))

    def take(self, at: datetime) -> tuple[Sample, ...]:
        """Everything since the last time, up to `at`, by name and label; it is counted from zero again.

        Of a name with many labels the slowest few keep theirs; the rest are added up under OTHERS.
        """
        with self._lock:
            for name, label in self._expected:
                self._sum(name, label)
            taken, self._sums = self._sums, {}
        return tuple(
            Sample(
                name=name,
                label=label,
                at=at,
                count=each.count,
                failures=each.failures,
                total=each.total,
                largest=each.largest if each.count else 0.0,
                classes=tuple(each.classes),
            )
            for (name, label), each in sorted(_folded(taken).items())
        )

    def put_back(self, samples: Iterable[Sample]) -> None:
        """`samples` could not be kept: they count as part of the next ones."""
        with self._lock:
            for each in samples:
                old = _Sum(each.count, each.failures, each.total, each.largest, list(each.classes))
                self._sum(each.name, each.label).add(old)

    def _sum(self, name: str, label: str) -> _Sum:
        key = (str(name), label)
        if key not in self._sums:
            self._sums[key] = _empty()
        return self._sums[key]


def _folded(sums: dict[tuple[str, str], _Sum]) -> dict[tuple[str, str], _Sum]:
    kept: dict[tuple[str, str], _Sum] = {}
    many: dict[str, int] = {}
    for key, each in sorted(sums.items(), key=lambda item: (-item[1].largest, item[0])):
        name = key[0]
        many[name] = many.get(name, 0) + 1
        kept.setdefault(key if many[name] <= _LABELS else (name, OTHERS), _empty()).add(each)
    return kept


def flush(db: Database, account_id: str, registry: Registry, now: datetime) -> None:
    """Keep what `registry` has counted up to `now`, within the caller's transaction where there is one.

    Where the database refuses, its fault flies and everything stays counted. (Only of a transaction that breaks off
    later are the samples lost.)
    """
    taken = registry.take(now)
    kept = False
    try:
        put_samples(db, account_id, taken)
        kept = True
    finally:
        if not kept:
            registry.put_back(taken)


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
