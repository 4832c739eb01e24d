"""The scheduler: takes the slots that are due, one holder each, and keeps what came of them.

    scheduler = Scheduler(parts)
    scheduler.run(flag)          # until the flag is raised

Slots are claimed in the database (`store.jobs`) and marked on this machine's disk (`ops.markers`), so that several
schedulers do each slot once, a killed one's slot is taken over when its lease has run out, and a list is taken once
even while the database is away. Bodies run in threads of their own: none delays another job's slot.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from makenaide.domain.clock import Clock
from makenaide.domain.errors import MakenaideError
from makenaide.execution.steadiness import Steadiness
from makenaide.ops.attempt import Body, Caught, Ended, Failed, Spawn, in_thread
from makenaide.ops.markers import Markers
from makenaide.ops.settings import OperationsSettings
from makenaide.ops.shift import Holder, Measured, Shift
from makenaide.ops.timetable import Due, Job, due, next_start
from makenaide.ops.undertaking import Tools
from makenaide.store.db import Database
from makenaide.store.runs import AuditEntry, put_audit
from makenaide.store.slots import account_opened, done_by, open_slots, run_finished_by

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.25
"""At least so often the loop looks at its clocks."""
_PENDING_SECONDS = 0.5
"""How often the database is asked about a slot that has come and is not done."""
_LEFT_SECONDS = 600.0
"""How often it is asked about slots that somebody left behind."""
_LONGEST_PAUSE = 30.0
"""Between tries to reach the database."""
_MOST_UNTOLD = 100

Open = Callable[[], AbstractContextManager[Database]]
"""Opens a writer's connection, or raises a `MakenaideError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerParts:
    """What a scheduler works with.

    `bodies` by the name of their job: a job without one is somebody else's. `steady` counts seconds that nobody sets
    and that stand still while the machine sleeps. `jumped` is told by how many seconds the wall clock has parted
    from it. `failed` hears, in a thread of its own, of slots that ended as failed or missed.
    """

    account_id: str
    jobs: tuple[Job, ...]
    bodies: Mapping[str, Body]
    open: Open
    holder: str
    clock: Clock
    steady: Callable[[], float]
    settings: OperationsSettings
    markers: Markers
    spawn: Spawn = in_thread
    jumped: Callable[[float], None] = lambda _: None
    measured: Measured = lambda _name, _seconds, _failed: None
    failed: Failed | None = None


@dataclass(slots=True)
class _Known:
    """What the database has said: it stays true, for a slot that is done with is done with for good."""

    opened: datetime | None = None
    done: dict[str, datetime] = field(default_factory=dict)
    ran: datetime | None = None

    def overtaken(self, name: str, slot: datetime) -> bool:
        """Whether this slot, or a newer one, is done with: then this one has a row."""
        done = self.done.get(name)
        return done is not None and slot <= done


class _Line:
    """The connection to the database: kept, given up after a fault, and tried again after growing pauses."""

    def __init__(self, open_: Open, steady: Callable[[], float]) -> None:
        self._open = open_
        self._steady = steady
        self._held = ExitStack()
        self._failures = 0
        self.db: Database | None = None
        self.again_at = steady()

    def reached(self) -> Database | None:
        """The connection; None while it is no use to try; raises what `open` raises."""
        if self.db is not None and self.db.closed:
            self.close()
        if self.db is None and self._steady() >= self.again_at:
            self.db = self._held.enter_context(self._open())
            self._failures = 0
        return self.db

    def lost(self, cause: Exception) -> None:
        """Given up, whatever the cause: the schedule outlives faults that nobody foresaw, too."""
        self.close()
        self._failures += 1
        self.again_at = self._steady() + min(2.0 ** min(self._failures - 1, 10), _LONGEST_PAUSE)
        about = {"action": "schedule.alone", "cause": str(cause), "tries": self._failures}
        log.warning("no database", extra=about, exc_info=None if isinstance(cause, MakenaideError) else cause)

    def close(self) -> None:
        self.db = None
        held, self._held = self._held, ExitStack()
        held.close()


class Scheduler:
    """One scheduler, used by one thread. It raises nothing of what a body does, or of what the database does."""

    def __init__(self, parts: SchedulerParts) -> None:
        self._parts = parts
        self._jobs = tuple(job for job in parts.jobs if job.name in parts.bodies)
        self._line = _Line(parts.open, parts.steady)
        self._known = _Known()
        self._untold: list[AuditEntry] = []
        self._steadiness = Steadiness(parts.clock.now, parts.steady, parts.settings.part_seconds)
        holder = Holder(account_id=parts.account_id, name=parts.holder, lease=parts.settings.lease)
        self._tools = Tools(markers=parts.markers, spawn=parts.spawn, failed=parts.failed)
        self._shift = Shift(holder, parts.bodies, self._tools, parts.steady)
        self._shift.measured = parts.measured
        self._left_at = self._quiet_until = self._ask_at = parts.steady()
        self._pending = False
        self._round_at = parts.steady()
        self._ahead = 0.0

    @property
    def silence(self) -> float:
        """Seconds (steady) since the loop came round last; asked by any thread."""
        return self._parts.steady() - self._round_at

    def run(self, stopping: Callable[[], bool]) -> None:
        """Until `stopping`; then the slots that are under way are given back for others to take."""
        try:
            while not stopping():
                self._parts.clock.sleep(min(self.tick(), _LOOK_SECONDS))
        finally:
            self.close()

    def tick(self) -> float:
        """Do what is due now; in how many seconds there is something to look at again, if no clock is set."""
        self._round_at = self._parts.steady()
        now = self._parts.clock.now()
        self._compare_clocks(now)
        caught = Caught()
        with caught:
            db = self._line.reached()
            if db is not None:
                self._work(db, now)
        if caught.cause is not None:
            self._line.lost(caught.cause)
        if self._line.db is None:
            self._work_alone(now)
        return self._wait(now)

    def close(self) -> None:
        """Give back what is under way, and the connection."""
        caught = Caught()
        with caught:
            if self._line.db is not None:
                self._shift.give_back(self._line.db, self._parts.clock.now())
        if caught.cause is not None:
            about = {"action": "job.kept", "cause": str(caught.cause)}
            log.warning("slots are given back by their leases alone", extra=about)
        self._line.close()

    def _compare_clocks(self, now: datetime) -> None:
        parted = self._steadiness.parted()
        self._steadiness.anchor(self._steadiness.reading())
        if abs(parted) <= self._parts.settings.part_seconds:
            return
        log.warning("the clock has jumped", extra={"action": "clock.jump", "seconds": round(parted, 3)})
        entry = AuditEntry(
            account_id=self._parts.account_id,
            at=now,
            actor="steward",
            action="clock.jump",
            detail={"seconds": round(parted, 3)},
        )
        self._untold = [*self._untold[-_MOST_UNTOLD:], entry]
        # Slots that a clock has jumped over are neither missed nor taken before it had the time to be put right.
        self._ahead = parted + (self._ahead if self._quiet else 0.0)
        self._quiet_until = self._parts.steady() + self._parts.settings.lease_seconds
        self._left_at = self._parts.steady()
        self._shift.hurry()
        self._parts.jumped(parted)

    @property
    def _quiet(self) -> bool:
        """Whether the clock has jumped, and is not believed yet."""
        return self._parts.steady() < self._quiet_until

    def _early(self, slot: datetime, now: datetime) -> bool:
        """Whether `slot` has come only by a clock that has just jumped ahead."""
        return self._quiet and self._ahead > 0 and slot > now - timedelta(seconds=self._ahead)

    def _wait(self, now: datetime) -> float:
        seconds = [(next_start(job, now) - now).total_seconds() for job in self._jobs]
        if self._shift.busy or self._pending:
            seconds.append(_PENDING_SECONDS)
        look_at = self._line.again_at if self._line.db is None else self._left_at
        return max(0.0, min(*seconds, look_at - self._parts.steady()))

    def _work(self, db: Database, now: datetime) -> None:
        while self._untold:
            with db.transaction():
                put_audit(db, self._untold[0])
            self._untold.pop(0)
        self._shift.go_on(db, now)
        self._pending = any(self._may_be_due(job, now) for job in self._jobs)
        if self._pending and self._parts.steady() >= self._ask_at:
            self._ask_at = self._parts.steady() + _PENDING_SECONDS
            self._take_due(db, now)
        if self._parts.steady() >= self._left_at:
            self._left_at = self._parts.steady() + _LEFT_SECONDS
            self._take_left(db, now)

    def _may_be_due(self, job: Job, now: datetime) -> bool:
        """By what is known already; the database is asked only then."""
        if self._known.opened is None:
            return True
        if self._shift.at(job.name) is not None:
            return False
        todo = due(job, now, self._known.done.get(job.name), opened=self._known.opened, ran=now)
        return todo.slot is not None or bool(todo.missed)

    def _take_due(self, db: Database, now: datetime) -> None:
        account_id = self._parts.account_id
        self._known.opened = self._known.opened or account_opened(db, account_id) or now
        self._known.done |= done_by(db, account_id, now)
        self._known.ran = run_finished_by(db, account_id, now)
        for job in self._jobs:
            todo = self._todo(job, now)
            if todo.missed and self._quiet:
                continue
            # In this order: when a slot is done with, all before it have a row.
            lost = [(slot, self._shift.miss(db, job.name, slot, now)) for slot in todo.missed]
            self._tell_newest(job.name, lost)
            if todo.slot is None or self._early(todo.slot, now):
                continue
            if self._shift.at(job.name) is None:
                self._shift.take(db, job, todo.slot, now)
        self._shift.forgive(self._known.overtaken)

    def _tell_newest(self, name: str, lost: list[tuple[datetime, Ended | None]]) -> None:
        """After days without a scheduler one message is enough."""
        for slot, ended in reversed(lost):
            if ended is not None:
                self._tools.tell(name, slot, ended)
                return

    def _todo(self, job: Job, now: datetime) -> Due:
        opened = self._known.opened or now - job.catch_up
        return due(job, now, self._known.done.get(job.name), opened=opened, ran=self._known.ran)

    def _take_left(self, db: Database, now: datetime) -> None:
        """Slots whose holder died, and that newer ones have overtaken: nobody will do them any more."""
        names = {job.name for job in self._jobs}
        for row in open_slots(db, self._parts.account_id):
            ours = row.name not in names or self._shift.at(row.name) == row.slot
            if not ours and row.expires_at <= now and self._known.overtaken(row.name, row.slot):
                self._tell_newest(row.name, [(row.slot, self._shift.miss(db, row.name, row.slot, now))])

    def _work_alone(self, now: datetime) -> None:
        """Lists are taken all the same; their rows are made when the database is back."""
        self._shift.go_on(None, now)
        for job in self._jobs:
            slot = self._todo(job, now).slot
            taken = self._shift.at(job.name) is not None or slot is None or self._shift.owes(job.name, slot)
            if job.alone and not taken and slot is not None and not self._early(slot, now):
                self._shift.take_alone(job, slot)
