"""One account from its first slot to its last, through as many processes as it takes."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from makenaide.app.rehearsal.case import Case, Violation
from makenaide.app.rehearsal.fuse import At, Chooser, Fuse, SimulatedCrash
from makenaide.app.rehearsal.laws import LAWS, judge
from makenaide.app.rehearsal.process import ACCOUNT, SCHEMA, Plan, Process, guarded, open_process, opening
from makenaide.domain.errors import MakenaideError, Unavailable
from makenaide.exchange.simulator.stepped import SteppedClock
from makenaide.pipeline.cycle import CycleResult
from makenaide.store.db import Database, Role, StoreSettings

_RESTARTS = 400
"""More processes than that are no life any more."""

_PAUSE = timedelta(seconds=30)
"""Until whoever watches over the process starts it again."""

_AFTERLIFE = timedelta(hours=26)
"""So long after the last slot late requests may still arrive."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was tried and found: effects and crashes by name, how often a law was looked at, what broke one."""

    effects: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    processes: int = 0
    guard_deaths: int = 0
    checks: int = 0
    found: list[Violation] = field(default_factory=list)

    def note(self, violations: tuple[Violation, ...]) -> None:
        """Keep what is new: the same evidence is told once."""
        self.checks += len(LAWS)
        known = {(each.law, each.evidence) for each in self.found}
        self.found += [each for each in violations if (each.law, each.evidence) not in known]


Death = Callable[[], timedelta]
"""What becomes of the world when a process dies; how long it takes until the next one starts."""


@dataclass(slots=True, kw_only=True)
class Life:
    """Runs processes one after another. `choosers` says of each where it dies.

    `alone`: whether a death in the guard's work leaves the trader alive; `outlives`: whether the guard survives him.
    """

    plan: Plan
    choosers: Callable[[int], Chooser] = lambda _number: At()
    death: Death = lambda: timedelta(0)
    alone: Callable[[], bool] = lambda: False
    outlives: Callable[[], bool] = lambda: False
    clock: SteppedClock = field(init=False)
    tally: Tally = field(default_factory=Tally)
    fuses: list[Fuse] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = SteppedClock(max(opening(self.plan), self.plan.exchange.venue.now))

    def run(self) -> Tally:
        """Live to the last slot and beyond, looking at the laws at every rest."""
        settings = StoreSettings(schema=SCHEMA)
        with Database.connect(self.plan.conninfo, role=Role.READER, settings=settings) as eye:
            while not self._process(eye):
                if self.tally.processes > _RESTARTS:
                    self._broken("runs_on", f"{self.tally.processes} processes did not reach the last slot")
                    break
            self._afterwards(eye)
        return self.tally

    def step(self) -> None:
        """Only the first process, without a look at the laws."""
        settings = StoreSettings(schema=SCHEMA)
        with Database.connect(self.plan.conninfo, role=Role.READER, settings=settings) as eye:
            self._process(eye)

    def _process(self, eye: Database) -> bool:
        """One process; whether it reached the end."""
        fuse = Fuse(self.choosers(self.tally.processes), clock=self.clock.now)
        self.fuses.append(fuse)
        self.tally.processes += 1
        process: Process | None = None
        try:
            process = open_process(self.plan, self.clock, fuse, self.alone)
            return process.run(lambda result: self._rest(eye, result))
        except SimulatedCrash as crash:
            self.plan.exchange.darkens(self.clock.now())
            self.tally.crashes.append(str(crash))
            self._pass_away(process, fuse, self.death())
        except Unavailable:
            self.plan.exchange.darkens(self.clock.now())
            self.clock.sleep(_PAUSE.total_seconds())
        except (MakenaideError, AssertionError, ArithmeticError, LookupError, ValueError, TypeError) as cause:
            self._broken("runs_on", f"a process ended by itself: {type(cause).__name__}: {cause}")
            self.clock.sleep(_PAUSE.total_seconds())
        finally:
            if process is not None:
                process.close()
                self.tally.guard_deaths += process.watchman.deaths
            self.tally.effects.update(fuse.counts())
        return False

    def _pass_away(self, process: Process | None, fuse: Fuse, downtime: timedelta) -> None:
        """Time goes by until the next process; the guard may live on meanwhile."""
        begin = self.clock.now()
        if process is None or not self.outlives():
            self.clock.sleep(downtime.total_seconds())
        else:
            process.close()
            fuse.disarmed = True
            process.outlived(begin + downtime)
        self.plan.exchange.absences.append((begin, self.clock.now()))

    def _rest(self, eye: Database, result: CycleResult) -> None:  # noqa: ARG002 - the shape of a progress
        self._look(eye, last=False)

    def _afterwards(self, eye: Database) -> None:
        """What is still on its way arrives, and changes nothing any more."""
        exchange = self.plan.exchange
        self._look(eye, last=True)
        exchange.darkens(self.clock.now())  # nobody is there to sell any more
        exchange.calm()
        exchange.venue.advance(max(exchange.venue.now, self.clock.now()) + _AFTERLIFE)
        exchange.courier.settle()
        self._look(eye, last=True)
        self._reconcile()
        self._look(eye, last=True)

    def _reconcile(self) -> None:
        """With the venue calm, the next process finds books and balances comparable."""
        process: Process | None = None
        try:
            process = open_process(self.plan, self.clock, Fuse(), self.alone)
            compared = process.reconciled().comparison
        except MakenaideError as cause:
            self._broken("runs_on", f"the last look failed: {type(cause).__name__}: {cause}")
        else:
            if compared.equal is None:
                self._broken("runs_on", f"calm, and not comparable: {compared.differences}")
        finally:
            if process is not None:
                process.close()

    def _look(self, eye: Database, *, last: bool) -> None:
        case = Case(
            exchange=self.plan.exchange,
            db=eye,
            account_id=ACCOUNT,
            now=self.clock.now(),
            last=last,
            guarded=guarded(self.plan),
        )
        self.tally.note(judge(case))

    def _broken(self, law: str, evidence: str) -> None:
        self.tally.note((Violation(law, evidence, self.clock.now()),))


@dataclass(slots=True)
class Fate:
    """Drawn deaths: a new process after seconds, minutes or a night; every second time the venue is rebuilt too."""

    rng: random.Random
    plan: Plan

    def __call__(self) -> timedelta:
        """As a `Death`."""
        if self.rng.random() < 0.5:
            self.plan.exchange.rebuild()
        kind = self.rng.random()
        if kind < 0.75:
            return timedelta(seconds=self.rng.uniform(0, 10))
        if kind < 0.96:
            return timedelta(minutes=self.rng.uniform(0.5, 30))
        return timedelta(hours=self.rng.uniform(1, 30))
