"""A year in which schedulers live, stall, are killed between any two effects, and lose their database.

Time is driven by hand. Two places for schedulers share one database (a real one); each incarnation in a place lives
until the fuse of the world strikes, and after a pause another one follows. What a law asks for is noted beside:
which bodies ran to their end, and who lived when.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from makenaide.domain.errors import DatabaseUnavailable, Unavailable
from makenaide.ops.markers import Marker, Markers
from makenaide.ops.scheduler import Scheduler, SchedulerParts
from makenaide.ops.settings import OperationsSettings
from makenaide.ops.timetable import Job, JobName, jobs
from makenaide.pipeline.schedule import ScheduleSettings
from makenaide.store.accounts import Account
from makenaide.store.db import Database, Role, Row
from makenaide.store.outbox import Message, Urgency, put_message
from makenaide.store.runs import finish_run, open_run

ACCOUNT = "0001aaaaaaaa"
OPENED = datetime(2027, 12, 15, 3, 0, tzinfo=UTC)
"""Noon KST, before the end of a year and a leap day."""
LONGEST = 2400.0
"""Seconds of the longest body: several leases."""
_STEP = 15.0
"""The shortest step of the world in seconds."""


class Killed(BaseException):
    """`kill -9` in the middle of whatever the scheduler did."""


@dataclass
class Chances:
    """How often what happens: by effect, or by day."""

    kill: float = 1 / 400
    stall: float = 0.03
    outage: float = 0.15
    jump: float = 0.05
    failure: float = 0.05


@dataclass
class Time:
    """The wall clock and the steady one, driven by hand."""

    wall: datetime = OPENED
    steady: float = 0.0

    def now(self) -> datetime:
        return self.wall

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps in a driven world")

    def advance(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.steady += seconds


@dataclass
class Pending:
    """A body under way: it has its effects when its time has come."""

    name: str
    at: float
    run: Callable[[], None]
    frozen: bool = False


@dataclass(eq=False)
class Life:
    """One incarnation of a scheduler. `spells` are the times (wall) in which it could do its work."""

    number: int
    world: "World"
    scheduler: Scheduler = field(init=False)
    bodies: list[Pending] = field(default_factory=list)
    marks: list[Marker] = field(default_factory=list)
    held: list[Database] = field(default_factory=list)
    unsaid: set[tuple[str, datetime]] = field(default_factory=set)
    alive: bool = True
    late: bool = False
    next_at: float = 0.0
    stalled_until: float = 0.0
    well_since: datetime | None = None

    def burn(self) -> None:
        """A point between two effects."""
        if self.world.dice.random() < self.world.chances.kill:
            raise Killed

    def spawn(self, name: str, run: Callable[[], None]) -> None:
        others = [life for life in self.world.lives if life is not self and life.alive]
        beside = any(each.name == name for life in others for each in life.bodies)
        if beside and self.world.one_machine:
            self.world.overlaps.append((name, self.world.time.wall))
        seconds = self.world.dice.choice((0.0, 2.0, 30.0, 300.0, LONGEST))
        self.bodies.append(Pending(name, self.world.time.steady + seconds, run))

    def die(self) -> None:
        """The system closes what it held open, and forgets the rest."""
        self.alive = False
        self.end_spell()
        for mark in self.marks:
            mark.drop()
        for db in list(self.held):
            db.close()
        self.world.forgiven += Counter(self.unsaid)

    def end_spell(self) -> None:
        if self.well_since is not None:
            self.world.spells.append((self.well_since, self.world.time.wall))
            self.well_since = None


class FusedDatabase(Database):
    """A connection whose user may be killed before and after every statement, and which is lost in an outage."""

    life: Life

    def rows(self, name: str, **values: Any) -> list[Row]:
        with self._struck():
            return super().rows(name, **values)

    def row(self, name: str, **values: Any) -> Row | None:
        with self._struck():
            return super().row(name, **values)

    def do(self, name: str, **values: Any) -> int:
        with self._struck():
            done = super().do(name, **values)
            if name == "job_finish":
                self.life.unsaid.discard((values["job"], values["slot"]))
            return done

    @contextmanager
    def _struck(self) -> Iterator[None]:
        if self.life.world.away:
            raise DatabaseUnavailable("it is away")
        self.life.burn()
        yield
        self.life.burn()


class FusedMarker(Marker):
    """A marker whose holder may be killed before and after it tells."""

    def __init__(self, inner: Marker, key: str, life: Life) -> None:
        self._inner, self._key, self._life = inner, key, life
        self.told = inner.told

    def tell(self, outcome: Mapping[str, Any]) -> None:
        self._life.burn()
        self._inner.tell(outcome)
        if self._life.world.one_machine:  # else nobody else will ever read it
            _, name, slot = self._key.split("-")
            self._life.unsaid.discard((name, datetime.strptime(slot, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)))
        self._life.burn()

    def drop(self) -> None:
        self._inner.drop()


class FusedMarkers(Markers):
    """Markers of one incarnation."""

    def __init__(self, folder: Path, life: Life) -> None:
        super().__init__(folder)
        self._life = life

    def take(self, name: str) -> Marker | None:
        self._life.burn()
        marker = super().take(name)
        if marker is None:
            return None
        self._life.marks.append(marker)
        return FusedMarker(marker, name, self._life)


class World:
    """Everything of one year; the same seed is the same year."""

    def __init__(self, seed: int, db: Database, connect: Callable[[], FusedDatabase], folder: Path) -> None:
        self.dice = random.Random(seed)
        self.db = db
        self.connect = connect
        self.folder = folder
        self.one_machine = bool(seed % 2)
        self.chances = Chances()
        if not self.one_machine:
            # A list that two machines take while neither sees the other is taken twice; a message is still one.
            self.chances.outage = self.chances.stall = 0.0
        self.time = Time()
        self.settings = OperationsSettings(jitter_seconds=30)
        self.jobs: tuple[Job, ...] = jobs(self.settings, ScheduleSettings(), "0001")
        self.away = False
        self.away_until = 0.0
        self.lives: list[Life] = []
        self.reborn: dict[int, float] = {0: 0.0, 1: 0.0}
        self.spells: list[tuple[datetime, datetime]] = []
        self.overlaps: list[tuple[str, datetime]] = []
        self.completed: Counter[tuple[str, datetime]] = Counter()
        self.forgiven: Counter[tuple[str, datetime]] = Counter()
        self.told: Counter[str] = Counter()
        self.told_alone: set[str] = set()
        self.deeds: Counter[str] = Counter()
        self._run_at: datetime | None = None
        self._day: datetime | None = None

    # ---- what the schedulers meet ----

    def body(self, life: Life, name: str) -> Callable[[datetime], Mapping[str, Any]]:
        def work(slot: datetime) -> Mapping[str, Any]:
            life.burn()
            if self.dice.random() < self.chances.failure:
                self.deeds["failures"] += 1
                raise Unavailable("the body had no luck")
            self._tell(f"{name} {slot.isoformat()}")
            self.completed[name, slot] += 1
            if life.late:  # it slept over its lease, and others have given the slot up in the meantime
                self.forgiven[name, slot] += 1
            else:
                life.unsaid.add((name, slot))
            life.burn()
            return {"life": life.number}

        return work

    def _tell(self, key: str) -> None:
        """One key, one message: to the outbox, or straight to the channels where there is none."""
        if key in self.told_alone:
            return
        if self.away:
            self.told_alone.add(key)
            self.told[key] += 1
            return
        message = Message(
            key=key,
            account_id=ACCOUNT,
            at=self.time.wall,
            urgency=Urgency.INFO,
            title=key,
            body="",
            detail={},
        )
        self.told[key] += put_message(self.db, message)

    @contextmanager
    def open(self, life: Life) -> Iterator[Database]:
        if self.away:
            raise DatabaseUnavailable("it is away")
        db = self.connect()
        db.life = life
        life.held.append(db)
        try:
            yield db
        finally:
            db.close()
            life.held.remove(db)

    def _born(self, place: int) -> None:
        self.deeds["lives"] += 1
        life = Life(number=self.deeds["lives"], world=self)
        names = [job.name.value for job in self.jobs if job.name is not JobName.DECISION]
        parts = SchedulerParts(
            account_id=ACCOUNT,
            jobs=self.jobs,
            bodies={name: self.body(life, name) for name in names},
            open=lambda: self.open(life),
            holder=f"life {life.number}",
            clock=self.time,
            steady=lambda: self.time.steady,
            settings=self.settings,
            markers=FusedMarkers(self.folder / ("0" if self.one_machine else str(place)), life),
            spawn=life.spawn,
        )
        life.scheduler = Scheduler(parts)
        life.next_at = self.time.steady
        self.reborn[place] = float("inf")
        self.lives.append(life)

    # ---- the course of time ----

    def run(self, until: datetime) -> None:
        """Live until `until`; then calm, so that whatever is due comes to its end."""
        while self.time.wall < until:
            self._step()
        self.chances = Chances(kill=0, stall=0, outage=0, jump=0, failure=0)
        self.reborn = {
            place: min(at, self.time.steady) if at < float("inf") else at for place, at in self.reborn.items()
        }
        self.away_until = self.time.steady
        for life in self.lives:
            life.stalled_until = min(life.stalled_until, self.time.steady)
        calm = self.time.steady + 4 * 3600
        while self.time.steady < calm:
            self._step()
        for life in self.lives:
            life.scheduler.close()
            life.die()

    def _step(self) -> None:
        self._weather()
        for place, at in self.reborn.items():
            if self.time.steady >= at:
                self._born(place)
        for life in list(self.lives):
            if self.time.steady >= life.stalled_until:
                self._live(life)
        awake = [life for life in self.lives if life.stalled_until <= self.time.steady]
        events = [life.next_at for life in awake] + [each.at for life in awake for each in life.bodies]
        events += [life.stalled_until for life in self.lives if life not in awake]
        events += [self.away_until if self.away else float("inf"), *self.reborn.values()]
        gap = min(min(events, default=0.0) - self.time.steady, 1800.0)
        self.time.advance(max(gap, _STEP))

    def _live(self, life: Life) -> None:
        try:
            for each in [each for each in life.bodies if each.at <= self.time.steady]:
                life.bodies.remove(each)
                life.late = each.frozen
                each.run()
            if self.time.steady >= life.next_at:
                life.next_at = self.time.steady + life.scheduler.tick()
        except Killed:
            self._bury(life)
            return
        well = not self.away
        if well and life.well_since is None:
            life.well_since = self.time.wall
        elif not well:
            life.end_spell()

    def _bury(self, life: Life) -> None:
        self.deeds["kills"] += 1
        life.die()
        self.lives.remove(life)
        place = next(place for place, at in self.reborn.items() if at == float("inf"))
        pause = self.dice.choice((20.0, 60.0, 400.0, 400.0, 1200.0, 5 * 3600.0, 30 * 3600.0))
        self.reborn[place] = self.time.steady + pause

    def _weather(self) -> None:
        """Once a day and at random: the trader's run, an outage, a stall, a jump of the clock, a kill at rest."""
        day = self.time.wall.replace(hour=0, minute=0, second=0, microsecond=0)
        if self._day is None or day > self._day:
            self._day = day
            self._run_at = day + timedelta(seconds=self.dice.choice((20, 90, 700)))
            self._strike()
        if self._run_at is not None and self.time.wall >= self._run_at:
            self._run_at = None
            finish_run(self.db, open_run(self.db, ACCOUNT, day, self.time.wall), self.time.wall)
        if self.away and self.time.steady >= self.away_until:
            self.away = False

    def _strike(self) -> None:
        dice, chances = self.dice, self.chances
        if dice.random() < chances.outage:
            self.deeds["outages"] += 1
            self.away = True
            self.away_until = self.time.steady + dice.choice((60.0, 3600.0, 11 * 3600.0, 40 * 3600.0))
        if dice.random() < chances.stall and self.lives:
            self.deeds["stalls"] += 1
            life = dice.choice(self.lives)
            life.end_spell()
            for each in life.bodies:
                each.frozen = True
            life.stalled_until = self.time.steady + dice.uniform(300, 12 * 3600)
        if dice.random() < chances.jump:
            self.deeds["jumps"] += 1
            for life in self.lives:
                life.end_spell()
            self.time.wall += timedelta(hours=dice.choice((-3.0, -0.5, 0.5, 3.0, 14.0, 50.0)))
        if dice.random() < chances.kill * 5 and self.lives:
            self._bury(dice.choice(self.lives))


def broken_laws(world: World, rows: list[Row]) -> list[str]:
    """What is wrong with the year: `rows` are the table job."""
    by_key = {(row.name, row.slot): row for row in rows}
    found = [f"overlap: {name} at {at}" for name, at in world.overlaps]
    found += [f"{len(rows) - len(by_key)} rows twice"] if len(rows) != len(by_key) else []
    found += [f"never finished: {key}" for key, row in by_key.items() if row.outcome is None]
    for job in world.jobs:
        if job.name is JobName.DECISION:
            continue
        slot, name = next_one(job, OPENED), job.name.value
        while slot <= world.time.wall - job.catch_up:
            row = by_key.pop((name, slot), None)
            if row is None:
                found.append(f"lost: {name} {slot}")
            else:
                found += _of_slot(world, job, row)
            slot = next_one(job, slot)
    found += [f"from before the account: {key}" for key in by_key if key[1] < OPENED]
    found += [f"told {many} times: {key}" for key, many in world.told.items() if many != 1]
    return found


def next_one(job: Job, after: datetime) -> datetime:
    """The slot after `after`."""
    at = job.times[0]
    moment = after + timedelta(hours=9)
    slot = moment.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return (slot if slot > moment else slot + timedelta(days=1)) - timedelta(hours=9)


def _of_slot(world: World, job: Job, row: Row) -> Iterator[str]:
    key = (job.name.value, row.slot)
    ran, again = world.completed[key], world.forgiven[key]
    if row.outcome == "done" and not 1 <= ran <= 1 + again:
        yield f"done {ran} times, {again} of them unsaid: {key}"
    # Whose deadline has passed may still come to an end: nobody waits for it.
    late = str(row.detail.get("cause", "")).startswith("no end within")
    if row.outcome != "done" and ran > again + late:
        yield f"{row.outcome}, though it ran {ran} times: {key}"
    if row.outcome == "missed":
        enough = world.settings.lease + timedelta(seconds=4 * LONGEST)
        begin = row.slot + (job.waits or timedelta(0))
        yield from (
            f"missed, though somebody lived from {since} to {until}: {key}"
            for since, until in world.spells
            if min(until, row.slot + job.catch_up) - max(since, begin) >= min(enough, timedelta(minutes=100))
        )


def account() -> Account:
    """Whose schedule it is."""
    return Account(
        account_id=ACCOUNT,
        venue="simulator",
        mode="paper",
        feed="feed",
        installation=ACCOUNT[:4],
        identity={},
        settings={},
        first_slot=None,
        last_slot=None,
    )


def connected(conninfo: str) -> Callable[[], FusedDatabase]:
    """Writers' connections to the database at `conninfo`."""
    return lambda: FusedDatabase.connect(conninfo, role=Role.WRITER)
