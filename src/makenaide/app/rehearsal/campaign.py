"""Many rehearsals side by side: seeds, the crash points of a day, and pairs of them, on one scratch server."""

import logging
import multiprocessing
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from makenaide.app.rehearsal.case import Violation
from makenaide.app.rehearsal.day import (
    EMPTY,
    Day,
    DayWorld,
    Strike,
    Struck,
    busy_day,
    drawn_pairs,
    every_point,
    recovery_length,
    struck,
)
from makenaide.app.rehearsal.laws import LAWS
from makenaide.app.rehearsal.process import SCHEMA
from makenaide.app.rehearsal.rehearse import Outcome, Trial, rehearse
from makenaide.store.scratch import Copies, scratch

Job = TypeVar("Job")
Result = TypeVar("Result")

Told = Callable[[str, int, int], None]
"""Told of progress: the part, how much of it is done, and how much there is."""


def untold(_part: str, _done: int, _whole: int) -> None:
    """Nobody listens."""


@dataclass(slots=True, kw_only=True)
class DayReport:
    """What the crash points of one day showed.

    `points` were tried alone (those of the cycle and those between the slots), `recoveries` as a second crash while
    an order was recovered, `pairs` are drawn ones anywhere in the day.
    """

    seed: int
    slot: str = ""
    orders: int = 0
    points: int = 0
    of_cycle: int = 0
    of_watch: int = 0
    recoveries: int = 0
    pairs: int = 0
    crashes: int = 0
    checks: int = 0
    found: list[tuple[str, Violation]] = field(default_factory=list)

    def note(self, result: Struck) -> None:
        """Count one run."""
        self.crashes += len(result.crashes)
        self.checks += result.checks
        self.found += [(result.strike.replay, each) for each in result.found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much of the day is tried; None = all there is. What is left out is drawn from `seed`.

    `only`: nothing but this one run.
    """

    seed: int = 1
    points: int | None = None
    recoveries: int | None = None
    pairs: int = 1000
    only: Strike | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All seeds of a campaign together, and the day if one was tried."""

    outcomes: tuple[Outcome, ...]
    day: DayReport | None = None

    @property
    def violations(self) -> int:
        """How often a law was broken."""
        of_day = 0 if self.day is None else len(self.day.found)
        return of_day + sum(len(each.found) for each in self.outcomes)

    @property
    def faults(self) -> Counter[str]:
        """How often each kind of fault struck."""
        return sum((Counter(each.faults) for each in self.outcomes), Counter[str]())

    @property
    def effects(self) -> Counter[str]:
        """How many effects of each kind were made."""
        return sum((Counter(each.effects) for each in self.outcomes), Counter[str]())

    @property
    def laws(self) -> int:
        """How many laws there are."""
        return len(LAWS)


@contextmanager
def stage() -> Iterator[Copies]:
    """A scratch server with the empty tables, gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="makenaide-rehearsal-") as folder:
        Path(folder).chmod(0o755)  # the server's own user must be able to pass
        with scratch(Path(folder) / "home") as copies:
            copies.prepare(EMPTY, SCHEMA)
            yield copies


def rehearse_all(
    trials: Sequence[Trial], copies: Copies, workers: int, told: Told = untold
) -> tuple[Outcome, ...]:
    """Every trial, `workers` at a time; in the order of the trials."""
    found = {each.seed: each for each in _spread(partial(_one, copies), trials, workers, partial(told, "seeds"))}
    return tuple(found[trial.seed] for trial in trials)


def rehearse_day(trial: Trial, copies: Copies, extent: Extent, workers: int, told: Told = untold) -> DayReport:
    """The busiest day of `trial`, with a crash at its effects as far as `extent` says."""
    with _silence():
        day = busy_day(trial, copies)
    rng = random.Random(extent.seed)  # noqa: S311 - a sample, no secret
    report = DayReport(seed=trial.seed, slot=day.slot.isoformat(), orders=day.orders)
    report.found += [("without a crash", each) for each in day.found]
    run = _Run(day=day, copies=copies, workers=workers, told=told, report=report)
    if extent.only is not None:
        run.each("points", [extent.only])
        return report
    points = _sampled(list(every_point(day)), extent.points, rng)
    report.of_watch = sum(1 for each in points if day.watched(each.deaths[0]))
    report.of_cycle = len(points) - report.of_watch
    report.points = run.each("points", points)
    report.recoveries = run.each("recoveries", _sampled(run.recoveries(rng, extent), extent.recoveries, rng))
    report.pairs = run.each("pairs", list(drawn_pairs(day, rng, extent.pairs)))
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The runs of one day, spread over the workers."""

    day: Day
    copies: Copies
    workers: int
    told: Told
    report: DayReport

    def each(self, part: str, strikes: Sequence[Strike]) -> int:
        """Try every one of `strikes`; how many there were."""
        work = partial(_strike, self.day, self.copies)
        for result in _spread(work, strikes, self.workers, partial(self.told, part)):
            self.report.note(result)
        return len(strikes)

    def recoveries(self, rng: random.Random, extent: Extent) -> list[Strike]:
        """A crash at each effect of submit and settle, and a second one at each effect of the recovery.

        Where only few are wanted, only as many first crashes are looked at.
        """
        firsts = list(self.day.around_orders())
        if extent.recoveries is not None:
            firsts = rng.sample(firsts, min(len(firsts), max(1, extent.recoveries // 6)))
        work = partial(_measure, self.day, self.copies)
        lengths = dict(_spread(work, firsts, self.workers, partial(self.told, "measures")))
        return [Strike(deaths=(first, second)) for first in firsts for second in range(lengths[first])]


def _sampled(whole: list[Strike], count: int | None, rng: random.Random) -> list[Strike]:
    return whole if count is None or count >= len(whole) else rng.sample(whole, count)


def _one(copies: Copies, trial: Trial) -> Outcome:
    name = f"seed_{os.getpid()}"
    conninfo = copies.copy(EMPTY, name)
    try:
        return rehearse(trial, conninfo)
    finally:
        copies.drop(name)


_WORLDS: dict[tuple[int, str], DayWorld] = {}
"""The prices of a day, once in each process."""


def _world(day: Day) -> DayWorld:
    key = (day.trial.seed, day.slot.isoformat())
    if key not in _WORLDS:
        _WORLDS.clear()
        _WORLDS[key] = DayWorld(day)
    return _WORLDS[key]


def _strike(day: Day, copies: Copies, strike: Strike) -> Struck:
    return struck(_world(day), copies, f"day_{os.getpid()}", strike)


def _measure(day: Day, copies: Copies, first: int) -> tuple[int, int]:
    return first, recovery_length(_world(day), copies, f"day_{os.getpid()}", first)


def _quiet() -> None:
    """A rehearsal makes the trader log thousands of expected faults."""
    logging.disable(logging.CRITICAL)


def _spread(
    work: Callable[[Job], Result], jobs: Iterable[Job], workers: int, told: Callable[[int, int], None]
) -> Iterator[Result]:
    """`work` on every job, `workers` at a time, as they end; in this process when there is only one."""
    waiting = list(jobs)
    if workers <= 1:
        with _silence():
            for done, job in enumerate(waiting, 1):
                yield work(job)
                told(done, len(waiting))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_quiet) as pool:
        yield from _fed(pool, work, waiting, told)


def _fed(
    pool: Executor, work: Callable[[Job], Result], jobs: list[Job], told: Callable[[int, int], None]
) -> Iterator[Result]:
    left, running, done = iter(jobs), set[Future[Result]](), 0
    running |= {pool.submit(work, job) for job in islice(left, 8)}
    try:
        while running:
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for each in ended:
                done += 1
                told(done, len(jobs))
                yield each.result()
            running |= {pool.submit(work, job) for job in islice(left, len(ended))}
    finally:
        for each in running:
            each.cancel()


@contextmanager
def _silence() -> Iterator[None]:
    before = logging.root.manager.disable
    _quiet()
    try:
        yield
    finally:
        logging.disable(before)
