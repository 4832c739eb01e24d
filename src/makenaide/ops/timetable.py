"""The timetable: slots, checks and jobs in KST, the one source of when what is done, and by whom.

    for job in jobs(config.operations, config.schedule):
        print(job.name, job.times, next_slot_of(job, now))

KST is a fixed +09:00, so that no day has a slot twice or none. Everything here is pure.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from makenaide.domain.clock import KST, last_slot, next_slot, utc
from makenaide.ops.settings import OperationsSettings
from makenaide.pipeline.schedule import DECISION_SLOT, ScheduleSettings

MOST_MISSED = 400
"""So many missed slots of a job in a row get a row each; of more than that only the newest."""

_INSTANT = timedelta(microseconds=1)
_LIST_DEADLINE = timedelta(minutes=5)
_WORK_DEADLINE = timedelta(hours=2)


class JobName(StrEnum):
    """What is done by the clock."""

    AUDIT = "audit"
    """The chains of the audit trail and of the books are looked at."""
    BACKUP = "backup"
    DATABASE = "database"
    """The database is up from here on, also where it was powered down."""
    READINESS = "readiness"
    DECISION = "decision"
    """The trading cycle."""
    MORNING = "morning"
    EVENING = "evening"


class Doer(StrEnum):
    """Which worker does it."""

    STEWARD = "steward"
    TRADER = "trader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One line of the timetable.

    `times` are its slots (KST, ascending). `waits`: it begins when the run of its slot is finished, at the latest so
    long after the slot. `catch_up`: a slot that is later than this is not made up for. `jitter` (s) spreads the
    machines of several installations. `deadline`: a body that takes longer has failed. `again`: a body that failed
    gets one more try. `alone`: worth doing when the database is away.
    """

    name: JobName
    times: tuple[time, ...]
    catch_up: timedelta
    doer: Doer = Doer.STEWARD
    waits: timedelta | None = None
    jitter: float = 0.0
    installation: str = ""
    deadline: timedelta = _WORK_DEADLINE
    again: bool = False
    alone: bool = False

    def start(self, slot: datetime) -> datetime:
        """When `slot` begins (UTC): itself, or a moment of its own within the jitter, always the same one."""
        if not self.jitter:
            return slot
        word = f"{self.installation} {self.name} {slot.isoformat()}".encode()
        share = int.from_bytes(hashlib.sha256(word).digest()[:6]) / 2**48
        return slot + timedelta(seconds=self.jitter * share)

    def come(self, slot: datetime, now: datetime, ran: datetime | None) -> bool:
        """Whether `slot` is to be done by `now`; `ran` is the newest slot whose run is finished."""
        if now < self.start(slot):
            return False
        return self.waits is None or (ran is not None and ran >= slot) or now >= slot + self.waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is to be done now: the slots that are only recorded as missed (ascending), and the one to do (or None)."""

    missed: tuple[datetime, ...]
    slot: datetime | None


def jobs(operations: OperationsSettings, schedule: ScheduleSettings, installation: str = "") -> tuple[Job, ...]:
    """Every job, in the order of a day that begins at midnight KST."""
    catch_up = timedelta(minutes=operations.catch_up_minutes)
    day = datetime(2000, 1, 1, tzinfo=KST)
    latest = datetime.combine(day, operations.time_of("morning_by"), KST)
    waits = latest - datetime.combine(day, DECISION_SLOT, KST)

    def listed(name: JobName, at: time, waits: timedelta | None = None) -> Job:
        return Job(
            name=name,
            times=(at,),
            catch_up=catch_up,
            waits=waits,
            jitter=operations.jitter_seconds,
            installation=installation,
            deadline=_LIST_DEADLINE,
            again=True,
            alone=True,
        )

    def work(name: JobName, at: time) -> Job:
        jitter = operations.jitter_seconds
        return Job(name=name, times=(at,), catch_up=catch_up, jitter=jitter, installation=installation, again=True)

    found = (
        work(JobName.AUDIT, operations.time_of("audit_at")),
        work(JobName.BACKUP, operations.time_of("backup_at")),
        work(JobName.DATABASE, operations.time_of("database_at")),
        listed(JobName.READINESS, operations.time_of("readiness_at")),
        # The trader makes up for a late slot by itself, however late (`pipeline.schedule`).
        Job(name=JobName.DECISION, times=schedule.times, catch_up=catch_up, doer=Doer.TRADER),
        listed(JobName.MORNING, DECISION_SLOT, waits),
        listed(JobName.EVENING, operations.time_of("evening_at")),
    )
    return tuple(sorted(found, key=lambda job: job.times))


def due(job: Job, now: datetime, done: datetime | None, *, opened: datetime, ran: datetime | None = None) -> Due:
    """What is due of `job` at `now` when `done` is its newest slot that is done with; all UTC.

    Only the newest slot that has come is done, and only within the job's `catch_up`; older ones are recorded as
    missed, never one from before the account was `opened`. A slot behind `done` never comes again, whatever the
    clock was set to. `ran` as for `Job.come`.
    """
    open_slots: list[datetime] = []
    for slot in _back(job, now):
        if slot < opened or (done is not None and slot <= done) or len(open_slots) > MOST_MISSED:
            break
        if open_slots or job.come(slot, now, ran):
            open_slots.append(slot)
    if not open_slots:
        return Due(missed=(), slot=None)
    newest = open_slots[0]
    timely = now - newest <= job.catch_up
    missed = open_slots[1:] if timely else open_slots
    return Due(missed=tuple(reversed(missed[:MOST_MISSED])), slot=newest if timely else None)


def _back(job: Job, now: datetime) -> Iterator[datetime]:
    slot = last_slot(now, job.times)
    while True:
        yield slot
        slot = last_slot(slot - _INSTANT, job.times)


def next_start(job: Job, now: datetime) -> datetime:
    """When the next slot of `job` begins (UTC): after `now`, jitter included."""
    begun = last_slot(now, job.times)
    return job.start(begun) if job.start(begun) > now else job.start(next_slot(now, job.times))


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The newest slot of a job that anybody took, and what came of it ("done", "failed", "missed", "running")."""

    slot: datetime
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the listing: the job, its last slot (None: never), and its next beginning (UTC)."""

    job: Job
    last: Past | None
    next: datetime

    def wait(self, now: datetime) -> timedelta:
        """How long from `now` until it begins next."""
        return self.next - utc(now)


def listing(timetable: tuple[Job, ...], now: datetime, past: Mapping[str, Past]) -> tuple[Line, ...]:
    """The timetable as it stands at `now`, in its own order."""
    return tuple(Line(job=job, last=past.get(job.name), next=next_start(job, now)) for job in timetable)
