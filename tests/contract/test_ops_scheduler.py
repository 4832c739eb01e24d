"""The scheduler on a real database: each slot once, whoever else is at it, and whoever dies."""

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from makenaide.domain.errors import Unavailable
from makenaide.ops.scheduler import Scheduler
from makenaide.ops.undertaking import PAUSE_SECONDS
from makenaide.store.db import Database
from makenaide.store.jobs import claim_job
from makenaide.store.runs import finish_run, open_run
from tests.contract.conftest import Connect
from tests.contract.scheduling import ACCOUNT, Later, Office, evening, kst, opened


@pytest.fixture
def office(connect: Connect, journal: Database, tmp_path: Path) -> Office:
    """The evening of the 27th of November is done; it is 17:59 on the 28th."""
    return evening(connect, tmp_path)


def test_a_slot_is_done_when_it_comes_and_not_again(office: Office) -> None:
    scheduler = office.scheduler("a", "evening")
    assert 0 < scheduler.tick() <= 60
    assert office.deeds.done == []
    office.time.to("28 18:00")
    for _ in range(5):
        scheduler.tick()
        office.time.go(1)
    assert office.deeds.done == [("a", "evening", kst("28 18:00"))]
    assert office.told()[-1] == ("evening", "28 18:00", "done")
    assert office.rows()[-1].detail == {"by": "a"}
    scheduler.close()


def test_the_wait_ends_at_the_next_slot(office: Office) -> None:
    scheduler = office.scheduler("a", "evening")
    scheduler.tick()
    office.time.to("28 17:59:59.5")
    assert scheduler.tick() == pytest.approx(0.5)
    scheduler.close()


def test_two_schedulers_do_each_slot_once(office: Office) -> None:
    first, second = (office.scheduler(who, "evening", "backup", machine=who) for who in "ab")
    office.time.to("28 18:00")
    for _ in range(3 * 24 * 6):
        first.tick()
        second.tick()
        office.time.go(600)
    for name, slots in {"evening": 3, "backup": 3}.items():
        assert len(office.deeds.slots(name)) == slots
        assert len(set(office.deeds.slots(name))) == slots
    assert {outcome for _, _, outcome in office.told()} == {"done"}
    first.close()
    second.close()


def test_schedulers_in_threads_do_each_slot_once(office: Office) -> None:
    stop = threading.Event()
    made = [office.scheduler(f"{who}", "evening", "backup", machine=f"{who}") for who in range(4)]
    threads = [threading.Thread(target=each.run, args=(stop.is_set,)) for each in made]
    for thread in threads:
        thread.start()
    office.time.to("28 18:00")
    for _ in range(4):
        before = len(office.deeds.done)
        patience = time.monotonic() + 10
        while len(office.deeds.done) == before and time.monotonic() < patience:
            office.time.go(0.6)
            time.sleep(0.01)
        time.sleep(0.05)
        office.time.go(1800)
        office.time.to(f"{office.time.wall.astimezone(UTC) + timedelta(hours=9):%d} 23:59")
        office.time.go(60 + 3.5 * 3600 if len(office.deeds.done) % 2 else 18 * 3600 + 60)
    stop.set()
    for thread in threads:
        thread.join(10)
    done = [(name, slot) for _, name, slot in office.deeds.done]
    assert len(done) == len(set(done)) >= 3
    assert all(outcome in ("done", "missed") for _, _, outcome in office.told())


def test_a_killed_ones_slot_is_taken_over_when_its_lease_has_run_out(office: Office) -> None:
    later = Later()
    killed = office.scheduler("a", "evening", machine="a", spawn=later)
    heir = office.scheduler("b", "evening", machine="b")
    office.time.to("28 18:00")
    killed.tick()
    assert len(later.waiting) == 1  # and then it is killed
    for _ in range(29):
        office.time.go(10)
        heir.tick()
    assert office.deeds.done == []
    office.time.go(10)
    heir.tick()
    assert office.deeds.done == [("b", "evening", kst("28 18:00"))]
    heir.tick()
    row = office.rows()[-1]
    assert (row.outcome, row.holder, row.fence) == ("done", "b", 2)
    killed.close()
    heir.close()


def test_on_one_machine_the_mark_tells_that_the_killed_one_had_done_it(office: Office) -> None:
    later = Later()
    killed = office.scheduler("a", "evening", spawn=later)
    office.time.to("28 18:00")
    killed.tick()
    later.finish()
    killed._shift._under_way["evening"].proceed(office.time.steady, timely=True)  # it marks, and then it is killed
    killed._shift._under_way["evening"].release()
    heir = office.scheduler("b", "evening")
    for _ in range(7):
        office.time.go(60)
        heir.tick()
    assert office.deeds.done == [("a", "evening", kst("28 18:00"))]
    assert (office.rows()[-1].outcome, office.rows()[-1].detail) == ("done", {"by": "a"})
    killed.close()
    heir.close()


def test_while_a_job_runs_its_lease_is_extended(office: Office) -> None:
    later = Later()
    busy, other = office.scheduler("a", "backup", spawn=later), office.scheduler("b", "backup", machine="b")
    office.time.to("29 03:30")
    busy.tick()
    for _ in range(60):
        office.time.go(60)
        busy.tick()
        other.tick()
    assert office.deeds.done == []
    assert office.rows()[-1].expires_at > office.time.wall
    later.finish()
    busy.tick()
    assert office.told()[-1] == ("backup", "29 03:30", "done")
    assert office.deeds.done == [("a", "backup", kst("29 03:30"))]
    busy.close()
    other.close()


def test_the_result_of_a_claim_that_was_lost_is_dropped(office: Office) -> None:
    later = Later()
    frozen = office.scheduler("a", "evening", machine="a", spawn=later)
    other = office.scheduler("b", "evening", machine="b")
    office.time.to("28 18:00")
    frozen.tick()
    office.time.go(400)  # nobody ticks the frozen one
    other.tick()
    other.tick()
    later.finish()
    frozen.tick()
    row = office.rows()[-1]
    assert (row.outcome, row.detail, row.fence) == ("done", {"by": "b"}, 2)
    assert [who for who, _, _ in office.deeds.done] == ["b", "a"]
    frozen.tick()
    frozen.close()
    other.close()


def twice(office: Office, scheduler: Scheduler) -> None:
    """Both tries, as far as the second one is needed."""
    for _ in range(4):
        scheduler.tick()
        office.time.go(PAUSE_SECONDS / 2)
    scheduler.tick()


def test_a_body_that_raises_has_failed_and_the_others_go_on(office: Office) -> None:
    def broken(slot: datetime) -> Mapping[str, Any]:
        raise ZeroDivisionError("no\0good")

    scheduler = office.with_body("a", "backup", broken)
    office.time.to("29 03:30")
    twice(office, scheduler)
    assert office.told()[-1] == ("backup", "29 03:30", "failed")
    assert office.rows()[-1].detail == {"cause": "ZeroDivisionError: no?good"}
    office.time.go(1)
    scheduler.tick()
    assert len(office.rows()) == 3
    scheduler.close()


@pytest.mark.parametrize("answer", [None, 7, {"text": "a\0b", "nan": float("nan"), "time": kst("28 18:00")}])
def test_what_a_body_returns_is_kept_as_far_as_it_can_be(office: Office, answer: Any) -> None:
    scheduler = office.with_body("a", "backup", lambda _: answer)
    office.time.to("29 03:30")
    twice(office, scheduler)
    row = office.rows()[-1]
    if isinstance(answer, dict):
        assert row.outcome == "done"
        assert row.detail == {"text": "a?b", "nan": None, "time": "2026-11-28T09:00:00Z"}
    else:
        assert row.outcome == "failed"
    scheduler.close()


@pytest.mark.parametrize("at", [("evening", "28 18:00"), ("backup", "29 03:30")])
@pytest.mark.parametrize(("lucky", "outcome", "tries"), [(2, "done", 2), (3, "failed", 2)])
def test_what_failed_is_done_once_more_after_a_pause_and_told_when_that_fails_too(
    office: Office, at: tuple[str, str], lucky: int, outcome: str, tries: int
) -> None:
    job, slot = at
    calls: list[datetime] = []

    def body(slot: datetime) -> Mapping[str, Any]:
        calls.append(office.time.wall)
        if len(calls) < lucky:
            raise Unavailable("not now")
        return {}

    scheduler = office.with_body("a", job, body)
    office.time.to(slot)
    for _ in range(int(PAUSE_SECONDS) + 10):
        scheduler.tick()
        office.time.go(1)
    assert len(calls) == tries
    assert calls[1] - calls[0] >= timedelta(seconds=PAUSE_SECONDS)
    assert office.told()[-1] == (job, slot, outcome)
    expected = [] if outcome == "done" else [(job, kst(slot), "failed", "Unavailable: not now")]
    assert office.lost == expected
    scheduler.close()


def test_a_body_without_an_end_has_failed_and_holds_up_nothing(office: Office) -> None:
    later = Later()
    scheduler = office.scheduler("a", "evening", spawn=later)
    office.time.to("28 18:00")
    scheduler.tick()
    for _ in range(6):
        office.time.go(60)
        scheduler.tick()
    assert office.told()[-1] == ("evening", "28 18:00", "failed")
    assert office.rows()[-1].detail == {"cause": "no end within 300 s"}
    office.time.to("29 18:00")
    scheduler.tick()
    assert len(later.waiting) == 3, "both bodies, and telling of the first"
    later.finish()
    assert office.lost == [("evening", kst("28 18:00"), "failed", "no end within 300 s")]
    scheduler.tick()
    assert office.told()[-1] == ("evening", "29 18:00", "done")
    scheduler.close()


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("28 19:59", [("28 18:00", "done")]),
        ("28 20:01", [("28 18:00", "missed")]),
        ("30 18:30", [("28 18:00", "missed"), ("29 18:00", "missed"), ("30 18:00", "done")]),
        ("30 12:00", [("28 18:00", "missed"), ("29 18:00", "missed")]),
    ],
)
def test_after_a_time_without_a_scheduler_the_newest_slot_is_made_up_for(
    office: Office, now: str, expected: list[tuple[str, str]]
) -> None:
    office.time.to(now)
    scheduler = office.scheduler("a", "evening")
    scheduler.tick()
    scheduler.tick()
    told = [(slot, outcome) for name, slot, outcome in office.told() if name == "evening"]
    assert told == [("27 18:00", "done"), *expected]
    assert len(office.deeds.done) == sum(outcome == "done" for _, outcome in expected)
    missed = [kst(slot) for slot, outcome in expected if outcome == "missed"]
    assert [(slot, outcome) for _, slot, outcome, _ in office.lost] == [(slot, "missed") for slot in missed[-1:]]
    scheduler.close()


def test_no_slot_is_from_before_the_account_was_opened(
    connect: Connect, journal: Database, tmp_path: Path
) -> None:
    opened(connect, kst("28 17:00"))
    office = Office(connect, tmp_path, "28 18:30")
    scheduler = office.scheduler("a", "evening", "backup", "audit")
    for _ in range(3):
        scheduler.tick()
        office.time.go(1)
    assert office.told() == [("evening", "28 18:00", "done")]
    scheduler.close()


def test_the_morning_list_comes_when_the_run_ends_and_at_ten_past_at_the_latest(office: Office) -> None:
    scheduler = office.scheduler("a", "morning")
    office.time.to("29 08:59")
    scheduler.tick()
    office.time.to("29 09:04")
    scheduler.tick()
    assert office.deeds.done == []
    finish_run(office.db, open_run(office.db, ACCOUNT, kst("29 09:00"), office.time.wall), office.time.wall)
    office.time.go(1)
    scheduler.tick()
    assert office.deeds.done == [("a", "morning", kst("29 09:00"))]
    office.time.to("30 09:09:59")
    scheduler.tick()
    assert len(office.deeds.done) == 1
    office.time.go(1)
    scheduler.tick()
    assert office.deeds.done[-1] == ("a", "morning", kst("30 09:00"))
    scheduler.close()


def test_slots_that_a_dead_scheduler_left_behind_are_known_to_be_missed(office: Office) -> None:
    """The holder of the 28th lived on until the 29th was done by another one, and died then."""
    key = (ACCOUNT, "evening", kst("28 18:00"))
    assert claim_job(office.db, key, "dead", kst("28 18:00"), timedelta(hours=30)) is not None
    scheduler = office.scheduler("a", "evening")
    office.time.to("29 18:00")
    scheduler.tick()
    scheduler.tick()
    assert [row[2] for row in office.told() if row[0] == "evening"] == ["done", None, "done"]
    office.time.to("30 00:30")
    scheduler.tick()
    assert [row[2] for row in office.told() if row[0] == "evening"] == ["done", "missed", "done"]
    scheduler.close()
