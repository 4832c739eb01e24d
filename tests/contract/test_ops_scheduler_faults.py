"""The scheduler on a real database: clocks that jump, databases that go away, and real time under load."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from makenaide.app.clock import StopFlag, WallClock
from makenaide.ops.attempt import in_thread
from makenaide.ops.markers import Markers
from makenaide.ops.scheduler import Scheduler, SchedulerParts
from makenaide.ops.timetable import Job, JobName
from makenaide.store.audit import Sought, trail
from makenaide.store.db import Database, Role
from tests.contract.conftest import Connect
from tests.contract.scheduling import ACCOUNT, Later, Office, evening, kst, opened


@pytest.fixture
def office(connect: Connect, journal: Database, tmp_path: Path) -> Office:
    """The evening of the 27th of November is done; it is 17:59 on the 28th."""
    return evening(connect, tmp_path)


# ---- clocks ----


@pytest.mark.parametrize("hours", [-3.0, 2.0])
def test_a_clock_that_jumps_is_noted_and_no_slot_is_done_again(office: Office, hours: float) -> None:
    scheduler = office.scheduler("a", "evening")
    office.time.to("28 18:00")
    scheduler.tick()
    office.time.wall += timedelta(hours=hours)
    for _ in range(30):
        scheduler.tick()
        office.time.go(600)
    assert office.deeds.done == [("a", "evening", kst("28 18:00"))]
    assert office.jumps == [pytest.approx(hours * 3600)]
    with office.db.snapshot():
        found = [
            (each.actor, each.action, each.detail)
            for each in trail(office.db, Sought(since=kst("27 00:00"), actor="steward"))
        ]
    assert found == [("steward", "clock.jump", {"seconds": pytest.approx(hours * 3600)})]
    scheduler.close()


def test_a_slot_that_a_clock_has_jumped_over_is_made_up_for(office: Office) -> None:
    scheduler = office.scheduler("a", "evening")
    scheduler.tick()
    office.time.wall += timedelta(minutes=90)
    office.time.go(1)
    scheduler.tick()
    assert office.deeds.done == []
    office.time.go(office.settings.lease_seconds)
    scheduler.tick()
    assert office.deeds.done == [("a", "evening", kst("28 18:00"))]
    scheduler.close()


@pytest.mark.parametrize("away", [False, True])
def test_a_clock_that_runs_ahead_for_a_moment_takes_no_slot_of_tomorrow(office: Office, away: bool) -> None:
    scheduler = office.scheduler("a", "evening")
    office.time.to("28 18:00")
    scheduler.tick()
    if away:
        office.away_for(scheduler)
    office.time.wall += timedelta(days=1)
    for _ in range(4):
        office.time.go(60)
        scheduler.tick()
    office.time.wall -= timedelta(days=1)  # it was wrong
    office.away = False
    for _ in range(10):
        office.time.go(60)
        scheduler.tick()
    assert office.deeds.slots("evening") == [kst("28 18:00")]
    office.time.to("29 18:00")
    scheduler.tick()
    assert office.deeds.slots("evening") == [kst("28 18:00"), kst("29 18:00")]
    scheduler.close()


def test_a_slot_that_comes_by_the_steady_clock_too_is_taken_during_a_jump(office: Office) -> None:
    scheduler = office.scheduler("a", "evening")
    scheduler.tick()
    office.time.wall += timedelta(minutes=30)  # at 17:59
    for _ in range(2):
        office.time.go(29)
        scheduler.tick()
    assert office.deeds.done == []
    office.time.go(29)
    scheduler.tick()
    assert office.deeds.slots("evening") == [kst("28 18:00")]
    scheduler.close()


def test_slots_of_days_that_a_clock_has_jumped_over_are_missed_only_if_it_stays_so(office: Office) -> None:
    scheduler = office.scheduler("a", "evening")
    scheduler.tick()
    office.time.wall += timedelta(days=300)
    for _ in range(10):
        scheduler.tick()
        office.time.go(20)
    assert len(office.rows()) == 2
    office.time.wall -= timedelta(days=300)  # it was wrong
    for _ in range(10):
        scheduler.tick()
        office.time.go(60)
    assert office.told()[-1] == ("evening", "28 18:00", "done")
    assert len(office.rows()) == 3
    office.time.wall += timedelta(days=2)  # it slept
    for _ in range(10):
        scheduler.tick()
        office.time.go(60)
    assert [outcome for _, _, outcome in office.told()[3:]] == ["missed", "done"]
    scheduler.close()


# ---- the database ----


def test_without_a_database_a_list_is_taken_once_and_its_row_made_later(office: Office) -> None:
    first, second = office.scheduler("a", "evening"), office.scheduler("b", "evening")
    first.tick()
    second.tick()
    office.away_for(first)
    office.away_for(second)
    office.time.to("28 18:00")
    for _ in range(20):
        first.tick()
        second.tick()
        office.time.go(5)
    assert office.deeds.done == [("a", "evening", kst("28 18:00"))]
    assert len(office.rows()) == 2
    office.away = False
    for _ in range(20):
        office.time.go(5)
        second.tick()
        first.tick()
    assert office.deeds.done == [("a", "evening", kst("28 18:00"))]
    assert office.told()[-1] == ("evening", "28 18:00", "done")
    assert office.rows()[-1].detail == {"by": "a"}
    first.close()
    second.close()


def test_a_list_that_was_taken_without_a_database_is_not_taken_by_the_next_process(office: Office) -> None:
    office.away = True
    office.time.to("28 18:00")
    first = office.scheduler("a", "evening")
    first.tick()
    first.tick()
    first.close()
    office.away = False
    second = office.scheduler("b", "evening")
    second.tick()
    second.tick()
    assert office.deeds.done == [("a", "evening", kst("28 18:00"))]
    assert office.told()[-1] == ("evening", "28 18:00", "done")
    second.close()


def test_without_a_database_days_do_not_hold_each_other_up_and_each_gets_its_row(office: Office) -> None:
    scheduler = office.scheduler("a", "evening", "backup")
    scheduler.tick()
    office.away_for(scheduler)
    for day in ("28", "29", "30"):
        office.time.to(f"{day} 18:00")
        scheduler.tick()
        scheduler.tick()
    assert office.deeds.slots("evening") == [kst(f"{day} 18:00") for day in ("28", "29", "30")]
    assert office.deeds.slots("backup") == []
    office.away = False
    for _ in range(5):
        office.time.go(60)
        scheduler.tick()
    assert [row[1:] for row in office.told() if row[0] == "evening"][1:] == [
        ("28 18:00", "done"),
        ("29 18:00", "done"),
        ("30 18:00", "done"),
    ]
    assert [row[1:] for row in office.told() if row[0] == "backup"][1:] == [
        ("29 03:30", "missed"),
        ("30 03:30", "missed"),
    ]
    scheduler.close()


def test_a_job_whose_database_goes_away_while_it_runs_is_told_of_when_it_is_back(office: Office) -> None:
    later = Later()
    scheduler = office.scheduler("a", "backup", spawn=later)
    office.time.to("29 03:30")
    scheduler.tick()
    office.away_for(scheduler)
    later.finish()
    for _ in range(3):
        office.time.go(60)
        scheduler.tick()
    assert office.told()[-1] == ("backup", "29 03:30", None)
    office.away = False
    office.time.go(60)
    scheduler.tick()
    assert office.told()[-1] == ("backup", "29 03:30", "done")
    assert len(office.deeds.done) == 1
    scheduler.close()


def test_a_connection_that_breaks_is_made_anew(office: Office, connect: Connect) -> None:
    scheduler = office.scheduler("a", "evening")
    scheduler.tick()
    owner = connect()
    owner.connection.execute(b"reset role")
    owner.connection.execute(
        b"select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test' and pid <> %s",
        [owner.connection.info.backend_pid],
    )
    office.time.to("28 18:00")
    for _ in range(5):
        scheduler.tick()
        office.time.go(2)
    office.db = connect(Role.WRITER)
    assert office.told()[-1] == ("evening", "28 18:00", "done")
    assert len(office.deeds.done) == 1
    scheduler.close()


def test_a_scheduler_that_ends_gives_its_slots_back_at_once(office: Office) -> None:
    ending = office.scheduler("a", "evening", machine="a", spawn=Later())
    office.time.to("28 18:00")
    ending.tick()
    ending.close()
    heir = office.scheduler("b", "evening", machine="b")
    heir.tick()
    assert office.deeds.done == [("b", "evening", kst("28 18:00"))]
    heir.close()


# ---- real time ----


@dataclass
class Shifted(WallClock):
    """The wall clock, set ahead by `shift`."""

    flag: StopFlag
    shift: timedelta

    def __post_init__(self) -> None:
        super().__init__(self.flag)

    def now(self) -> datetime:
        return super().now() + self.shift


@dataclass
class Loaded:
    """Three jobs at one minute, a second and a half from now: two long ones, and one that tells how late it is."""

    flag: StopFlag = field(default_factory=StopFlag)
    late: list[float] = field(default_factory=list)

    def parts(self, office: Office, folder: Path) -> SchedulerParts:
        slot = (datetime.now(UTC) + timedelta(seconds=62)).replace(second=0, microsecond=0)
        clock = Shifted(self.flag, slot - datetime.now(UTC) - timedelta(seconds=1.5))
        local = (slot + timedelta(hours=9)).time()

        def long(_slot: datetime) -> Mapping[str, Any]:
            self.flag.wait(20)
            return {}

        def measured(due: datetime) -> Mapping[str, Any]:
            self.late.append((clock.now() - due).total_seconds())
            return {}

        names = (JobName.BACKUP, JobName.AUDIT, JobName.EVENING)
        return SchedulerParts(
            account_id=ACCOUNT,
            jobs=tuple(Job(name=name, times=(local,), catch_up=timedelta(minutes=5)) for name in names),
            bodies={"backup": long, "audit": long, "evening": measured},
            open=office.open,
            holder="a",
            clock=clock,
            steady=time.monotonic,
            settings=office.settings,
            markers=Markers(folder),
            spawn=in_thread,
        )

    def burn(self) -> None:
        while not self.flag():
            sum(range(10_000))


def test_under_load_a_slot_begins_within_a_second(connect: Connect, journal: Database, tmp_path: Path) -> None:
    """Long bodies and busy threads beside it; the bound here is wide, for the machine is shared."""
    opened(connect, datetime.now(UTC))
    load = Loaded()
    scheduler = Scheduler(load.parts(Office(connect, tmp_path, "28 18:00"), tmp_path))
    work: list[Callable[[], None]] = [load.burn, load.burn, load.burn, lambda: scheduler.run(load.flag)]
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    patience = time.monotonic() + 20
    while not load.late and time.monotonic() < patience:
        time.sleep(0.02)
    load.flag.raise_()
    for thread in threads:
        thread.join(10)
    assert len(load.late) == 1
    assert 0 <= load.late[0] < 5, "within 1 s on a machine of its own"
