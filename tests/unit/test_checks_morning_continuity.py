"""M7's log of runs: gaps are named, missed slots and long runs told, and a new slot of the schedule is no gap."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from makenaide.domain.clock import KST
from makenaide.ops.checks.continuity import Log, gaps, judge_runs, not_begun
from makenaide.store.continuity import RunRow
from tests.unit.morning_scene import NOW

NINE = (time(9),)
TWO = (time(9), time(13))


def slot(day: int, hour: int = 9) -> datetime:
    """A slot of March 2026 (KST); NOW is the second at noon."""
    return datetime(2026, 3, 1, hour, tzinfo=KST) + timedelta(days=day - 1)


def run(day: int, status: str = "done", hour: int = 9) -> RunRow:
    at = slot(day, hour)
    return RunRow(slot=at, status=status, started_at=at, finished_at=None if status == "running" else at)


def log(*runs: RunRow, **more: Any) -> Log:
    plain = {"orphans": (), "first_slot": None, "times": NINE, "now": NOW, "stepped": False}
    return Log(**({"runs": runs} | plain | more))


def found(about: Log) -> list[tuple[str, str]]:
    return [(str(each.verdict), each.said.key) for each in judge_runs(about)]


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        (log(), [("UNKNOWN", "m7_none")]),
        (log(run(2)), []),
        (log(run(0), run(1), run(2)), []),
        (log(run(0), run(2)), [("FAIL", "m7_gap")]),
        (log(run(0), run(1, "missed"), run(2)), []),
        (log(run(0), run(1), run(2, "missed")), [("WARN", "m7_missed")]),
        (log(run(0), run(1), run(2, "running"), now=slot(2, 10)), []),
        (log(run(0), run(1), run(2, "running"), now=slot(2, 10) + timedelta(seconds=1)), [("WARN", "m7_long")]),
        (log(run(0), run(1, "running"), run(2)), [("FAIL", "m7_unfinished")]),
        (log(run(0), run(1), now=slot(2, 9)), []),
        (log(run(0), run(1), now=slot(2, 10) - timedelta(seconds=1)), []),
        (log(run(0), run(1), now=slot(2, 10)), [("WARN", "m7_behind")]),
        # What the newest run left behind betrays that it was taken away.
        (log(run(0), run(1), orphans=(slot(2),)), [("FAIL", "m7_gap")]),
        (log(run(1), run(2), orphans=(slot(0),)), [("FAIL", "m7_gap")]),
    ],
)
def test_every_slot_has_a_run_that_came_to_its_end(about: Log, expected: list[tuple[str, str]]) -> None:
    assert found(about) == expected


def test_gaps_are_named_by_their_slots() -> None:
    assert gaps(log(run(-3), run(0), run(2))) == (slot(-2), slot(-1), slot(1))
    (point,) = judge_runs(log(run(-3), run(0), run(2)))
    assert point.said.values["count"] == 3
    assert point.said.values["slots"].startswith("2026-02-26 09:00 KST, 2026-02-27 09:00 KST")


def test_a_missed_slot_is_told_for_a_day_from_when_the_slot_after_it_wrote_it_down() -> None:
    written = slot(3) + timedelta(seconds=15)
    missed = RunRow(slot=slot(2), status="missed", started_at=written, finished_at=written)
    runs = (run(1), missed, run(3))
    assert found(log(*runs, now=slot(3) + timedelta(minutes=5))) == [("WARN", "m7_missed")]
    assert found(log(*runs, run(4), now=slot(4))) == [("WARN", "m7_missed")]
    assert found(log(*runs, run(4), now=slot(4) + timedelta(minutes=5))) == []


def test_a_missed_slot_of_yesterday_is_told_for_a_day() -> None:
    missed = run(1, "missed")
    assert found(log(missed, run(2), now=slot(2) - timedelta(seconds=1))) == [("WARN", "m7_missed")]
    assert found(log(missed, run(2), now=slot(2))) == []


def test_a_time_of_day_counts_from_its_first_run_so_that_a_schedule_may_get_more_slots() -> None:
    old = (run(-2), run(-1), run(0))
    assert found(log(*old, run(0, hour=13), run(1), run(1, hour=13), run(2), times=TWO)) == []
    assert gaps(log(*old, run(0, hour=13), run(1), run(2), times=TWO)) == (slot(1, 13),)


def test_in_a_stepped_account_every_slot_counts_from_the_first_to_the_present() -> None:
    stepped = {"stepped": True, "first_slot": slot(0), "now": slot(2)}
    assert found(log(run(0), run(1), run(2), **stepped)) == []
    assert gaps(log(run(1), run(2), **stepped)) == (slot(0),)
    assert gaps(log(run(0), run(1), **stepped)) == (slot(2),)
    assert not_begun(log(run(0), run(1), **stepped)) == ()


def test_days_without_a_trader_are_behind_not_gaps() -> None:
    about = log(run(-3))
    assert gaps(about) == ()
    assert not_begun(about) == (slot(-2), slot(-1), slot(0), slot(1), slot(2))
