"""One full day with entries and exits, of which every crash point is tried from a snapshot taken just before it."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from makenaide.app.rehearsal.case import Violation
from makenaide.app.rehearsal.exchange import Exchange, MemoryLog
from makenaide.app.rehearsal.fuse import ORDER, At, Chooser, Fuse
from makenaide.app.rehearsal.life import Life, Tally
from makenaide.app.rehearsal.memory import MemoryFiles
from makenaide.app.rehearsal.process import SCHEMA, Plan
from makenaide.app.rehearsal.rehearse import Trial, plan_of
from makenaide.app.rehearsal.storm import storm
from makenaide.domain.clock import DAY
from makenaide.domain.order import Side
from makenaide.exchange.simulator.core.orders import Order
from makenaide.store.scratch import Copies

EMPTY = "template"
"""The database that holds the tables and no row."""

SNAPSHOT = "day"
"""The database as it stands right before the day."""

_NEAR = 7
"""Effects on each side of an order's request and reply that belong to its submit and settle."""

_RECOVERY = timedelta(minutes=3)
_SHORTEST, _LONGEST = 12, 40
"""How many effects of a recovery are tried at least and at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What every run of the day starts from. `names` and `times` are the effects of the one that nothing happens to.

    `slot` is the day's own; the run ends with the slot after it.
    """

    trial: Trial
    slot: datetime
    log: tuple[bytes, ...]
    files: Mapping[Path, bytes]
    names: tuple[str, ...] = ()
    times: tuple[datetime, ...] = ()
    orders: int = 0
    found: tuple[Violation, ...] = ()

    def watched(self, at: int) -> bool:
        """Whether effect `at` happens between the slots, where the stops are watched."""
        return timedelta(minutes=10) < self.times[at] - self.slot < DAY

    def around_orders(self) -> tuple[int, ...]:
        """The effects of submit and settle."""
        sends = [at for at, name in enumerate(self.names) if name.endswith(ORDER)]
        near = {at + step for at in sends for step in range(-_NEAR, _NEAR + 1)}
        return tuple(sorted(near & set(range(len(self.names)))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """Where the processes of one run die, in turn; `storm` is the seed of its faults on the wire (None: none).

    `alone`: a death in the guard's work is the guard's only, and the guard outlives the trader.
    """

    deaths: tuple[int, ...]
    storm: int | None = None
    alone: bool = False

    @property
    def replay(self) -> str:
        """How a person names it."""
        wire = "" if self.storm is None else f" --storm {self.storm}"
        alone = " --alone" if self.alone else ""
        return f"--crashes --at {','.join(map(str, self.deaths))}{wire}{alone}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """What one run of the day found."""

    strike: Strike
    crashes: tuple[str, ...]
    checks: int
    found: tuple[Violation, ...]


@dataclass(slots=True)
class _Until:
    """Dies at the first effect at or after `moment`."""

    moment: datetime
    life: Life | None = field(default=None)

    def dies(self, number: int, name: str) -> bool:  # noqa: ARG002 - the shape of a chooser
        """As said."""
        return self.life is not None and self.life.clock.now() >= self.moment


def busy_day(trial: Trial, copies: Copies) -> Day:
    """The day of `trial` on which most is bought and sold, with its snapshot stored as the database `SNAPSHOT`."""
    calm = replace(trial, harshness=0.0, crashes=0)
    slot = _busiest(calm, copies)
    copies.copy(EMPTY, SNAPSHOT)
    plan = _calm(plan_of(calm, copies.conninfo(SNAPSHOT)))
    until = _Until(slot)
    life = Life(plan=plan, choosers=lambda _number: until)
    until.life = life
    life.step()
    day = Day(trial=calm, slot=slot, log=tuple(plan.exchange.log.lines), files=dict(plan.files.kept))
    fuse, tally, orders = _undisturbed(day, copies)
    return replace(day, names=tuple(fuse.names), times=tuple(fuse.times), orders=orders, found=tuple(tally.found))


def _busiest(trial: Trial, copies: Copies) -> datetime:
    copies.copy(EMPTY, "scout")
    try:
        plan = _calm(plan_of(trial, copies.conninfo("scout")))
        Life(plan=plan).run()
    finally:
        copies.drop("scout")
    days = range(1, (plan.last - plan.first).days)
    slots = [plan.first + timedelta(days=number) for number in days]
    return max(slots, key=lambda slot: _worth(plan.exchange.ours(), slot))


def _worth(orders: Sequence[Order], slot: datetime) -> int:
    """Kinds of orders count more than their number: entries, exits at the close, exits in between."""
    today = [each for each in orders if slot <= each.created_at < slot + DAY]
    entries = sum(1 for each in today if each.side is Side.BID)
    close = sum(1 for each in today if each.side is Side.ASK and each.created_at < slot + timedelta(minutes=10))
    stops = len(today) - entries - close
    return sum(10 * min(1, many) + min(3, many) for many in (entries, close, stops))


def _calm(plan: Plan) -> Plan:
    """Without deeds: the day is the trader's alone."""
    plan.exchange.deeds = None
    return plan


def _undisturbed(day: Day, copies: Copies) -> tuple[Fuse, Tally, int]:
    life = fresh_life(DayWorld(day), copies, "undisturbed", Strike(deaths=()))
    tally = life.run()
    return life.fuses[0], tally, len(life.plan.exchange.ours())


class DayWorld:
    """The prices of the day, generated once for all its runs, and the databases that this process keeps for them."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.databases: set[str] = set()
        self._plan = _calm(plan_of(day.trial, ""))

    def plan(self, conninfo: str, strike: Strike) -> Plan:
        """The plan of one run over the snapshot's copy at `conninfo`."""
        day, known = self.day, self._plan.exchange
        last = day.slot + DAY
        rules = () if strike.storm is None else storm(random.Random(strike.storm), day.slot, last, 2.0)  # noqa: S311
        exchange = Exchange(
            data=known.data,
            settings=known.settings,
            won=known.won,
            rules=rules,
            fault_seed=strike.storm or 0,
            log=MemoryLog(list(day.log)),
        )
        files = MemoryFiles(dict(day.files))
        return replace(self._plan, exchange=exchange, conninfo=conninfo, first=day.slot, last=last, files=files)


def fresh_life(world: DayWorld, copies: Copies, name: str, strike: Strike) -> Life:
    """A life over the snapshot in database `name`, which this process alone uses, and uses again."""
    if name not in world.databases:
        copies.copy(SNAPSHOT, name)
        copies.remember(name, SCHEMA)
        world.databases.add(name)
    else:
        copies.restore(name, SCHEMA)
    plan, deaths = world.plan(copies.conninfo(name), strike), strike.deaths

    def chooser(number: int) -> Chooser:
        return At(deaths[number]) if number < len(deaths) else At()

    def death() -> timedelta:
        plan.exchange.rebuild()
        return timedelta(0)

    return Life(
        plan=plan, choosers=chooser, death=death, alone=lambda: strike.alone, outlives=lambda: strike.alone
    )


def struck(world: DayWorld, copies: Copies, name: str, strike: Strike) -> Struck:
    """One run of the day with its deaths; `name` is a database that nobody else uses."""
    tally = fresh_life(world, copies, name, strike).run()
    return Struck(strike=strike, crashes=tuple(tally.crashes), checks=tally.checks, found=tuple(tally.found))


def every_point(day: Day) -> Iterator[Strike]:
    """A crash at each effect of the day, one a run; once of everything, once of the guard or the trader alone."""
    return (Strike(deaths=(at,), alone=alone) for at in range(len(day.names)) for alone in (False, True))


def recovery_length(world: DayWorld, copies: Copies, name: str, first: int) -> int:
    """How many effects the process after a crash at `first` has, until it is at rest again."""
    life = fresh_life(world, copies, name, Strike(deaths=(first,)))
    life.run()
    if len(life.fuses) < 2:
        return 0
    times = life.fuses[1].times
    soon = sum(1 for at in times if at <= times[0] + _RECOVERY) if times else 0
    return min(len(times), _LONGEST, max(_SHORTEST, soon))


def drawn_pairs(day: Day, rng: random.Random, count: int) -> Iterator[Strike]:
    """Pairs of deaths anywhere in the day, half of them under a storm."""
    for number in range(count):
        deaths = (rng.randrange(len(day.names)), rng.randrange(len(day.names)))
        wild = rng.randrange(1, 2**31) if number % 2 else None
        yield Strike(deaths=deaths, storm=wild, alone=rng.random() < 0.5)
