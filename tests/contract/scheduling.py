"""What the contract tests of the scheduler share: driven time, bodies that tell, schedulers on the test's schema."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from makenaide.domain.clock import KST
from makenaide.domain.errors import DatabaseUnavailable
from makenaide.ops.attempt import Body, Ended, Spawn
from makenaide.ops.markers import Markers
from makenaide.ops.scheduler import Scheduler, SchedulerParts
from makenaide.ops.settings import OperationsSettings
from makenaide.ops.timetable import Job, jobs
from makenaide.pipeline.schedule import ScheduleSettings
from makenaide.store.accounts import Account, open_account
from makenaide.store.db import Database, Role
from makenaide.store.jobs import JobRow, claim_job, finish_job, jobs_since
from tests.contract.conftest import Connect

ACCOUNT = "0001aaaaaaaa"
OPENED = datetime(2026, 11, 27, tzinfo=UTC)


def kst(text: str) -> datetime:
    """ "28 17:59" of November 2026 on Korean clocks, in UTC."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=KST).astimezone(UTC)


@dataclass
class Driven:
    """Both clocks, driven by hand."""

    wall: datetime
    steady: float = 1000.0

    def now(self) -> datetime:
        return self.wall

    def sleep(self, seconds: float) -> None:
        time.sleep(0.001)

    def go(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.steady += seconds

    def to(self, text: str) -> None:
        """On to that moment, without a jump."""
        self.go((kst(text) - self.wall).total_seconds())


@dataclass
class Deeds:
    """What the bodies did, by the scheduler that called them."""

    done: list[tuple[str, str, datetime]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def body(self, who: str, name: str) -> Body:
        def work(slot: datetime) -> Mapping[str, Any]:
            with self.lock:
                self.done.append((who, name, slot))
            return {"by": who}

        return work

    def slots(self, name: str) -> list[datetime]:
        return [slot for _, each, slot in self.done if each == name]


@dataclass
class Later:
    """`Spawn` that keeps bodies until they are let go: under way for as long as a test wants."""

    waiting: list[Callable[[], None]] = field(default_factory=list)

    def __call__(self, name: str, run: Callable[[], None]) -> None:
        self.waiting.append(run)

    def finish(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


def at_once(name: str, run: Callable[[], None]) -> None:
    """`Spawn` that runs the body before it returns."""
    run()


class Office:
    """A database with one account, and any number of schedulers of one machine or of several."""

    def __init__(self, connect: Connect, folder: Path, now: str) -> None:
        self._connect = connect
        self.folder = folder
        self.time = Driven(kst(now))
        self.deeds = Deeds()
        self.away = False
        self.jumps: list[float] = []
        self.lost: list[tuple[str, datetime, str, str]] = []
        self.settings = OperationsSettings()
        self.db: Database = connect(Role.WRITER)

    @contextmanager
    def open(self) -> Iterator[Database]:
        if self.away:
            raise DatabaseUnavailable("it is away")
        db = self._connect(Role.WRITER)
        try:
            yield db
        finally:
            db.close()

    def jobs(self, *names: str) -> tuple[Job, ...]:
        every = jobs(self.settings, ScheduleSettings(), "0001")
        return tuple(job for job in every if not names or job.name in names)

    def parts(self, who: str, *names: str, machine: str = "here", spawn: Spawn = at_once) -> SchedulerParts:
        return SchedulerParts(
            account_id=ACCOUNT,
            jobs=self.jobs(*names),
            bodies={name: self.deeds.body(who, name) for name in names},
            open=self.open,
            holder=who,
            clock=self.time,
            steady=lambda: self.time.steady,
            settings=self.settings,
            markers=Markers(self.folder / machine),
            spawn=spawn,
            jumped=self.jumps.append,
            failed=self.lose,
        )

    def lose(self, name: str, slot: datetime, ended: Ended) -> None:
        self.lost.append((name, slot, ended.outcome, str(ended.detail.get("cause", ""))))

    def scheduler(self, who: str, *names: str, machine: str = "here", spawn: Spawn = at_once) -> Scheduler:
        return Scheduler(self.parts(who, *names, machine=machine, spawn=spawn))

    def with_body(self, who: str, name: str, body: Body, spawn: Spawn = at_once) -> Scheduler:
        return Scheduler(replace(self.parts(who, name, spawn=spawn), bodies={name: body}))

    def rows(self) -> tuple[JobRow, ...]:
        return jobs_since(self.db, ACCOUNT, OPENED - timedelta(days=1000))

    def told(self) -> list[tuple[str, str, str | None]]:
        """Each row as (job, day and time in KST, outcome)."""
        return [(row.name, f"{row.slot.astimezone(KST):%d %H:%M}", row.outcome) for row in self.rows()]

    def away_for(self, scheduler: Scheduler) -> None:
        """The database is gone, as the scheduler notices at its next statement."""
        self.away = True
        scheduler._line.close()


def opened(connect: Connect, opened_at: datetime = OPENED) -> None:
    """The account."""
    owner = connect()
    account = Account(
        account_id=ACCOUNT,
        venue="simulator",
        mode="paper",
        feed="feed",
        installation="0001",
        identity={},
        settings={},
        first_slot=None,
        last_slot=None,
    )
    open_account(owner, account)
    owner.connection.execute(b"update account set opened_at = %s", [opened_at])


def evening(connect: Connect, folder: Path) -> Office:
    """The evening of the 27th of November is done, and the backup of the 28th; it is 17:59 on the 28th."""
    opened(connect)
    made = Office(connect, folder, "28 17:59")
    for name, at in (("evening", "27 18:00"), ("backup", "28 03:30")):
        claim = claim_job(made.db, (ACCOUNT, name, kst(at)), "before", kst(at), timedelta(minutes=5))
        assert claim is not None
        finish_job(made.db, claim, kst(at), "done", {})
    return made
