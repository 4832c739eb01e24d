"""Time that does not go on evenly forbids buying until somebody has reconciled (issue 5, suspend and resume)."""

from datetime import UTC, datetime, timedelta

import pytest

from makenaide.domain.reason import Refusal
from makenaide.execution.steadiness import Steadiness, SteadyTime

START = datetime(2026, 12, 31, 14, 59, 58, tzinfo=UTC)  # two seconds before the year's end in Korea


class Clocks:
    """A wall clock and a steady one, each moved by hand."""

    def __init__(self) -> None:
        self.at = START
        self.seconds = 1000.0

    def wall(self) -> datetime:
        return self.at

    def steady(self) -> float:
        return self.seconds

    def pass_(self, seconds: float, *, steady: float | None = None) -> None:
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds if steady is None else steady


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.mark.parametrize(
    ("wall", "steady", "forbidden"),
    [
        (86_400.0, 86_400.0, False),  # a day, and over the year's end
        (10.0, 5.0, False),  # five seconds are still nothing
        (10.01, 5.0, True),
        (3_600.0, 0.0, True),  # the machine slept for an hour
        (-5.01, 0.0, True),  # somebody set the clock back
        (-5.0, 0.0, False),
    ],
)
def test_buying_is_forbidden_once_wall_and_steady_time_part_by_more_than_five_seconds(
    clocks: Clocks, wall: float, steady: float, forbidden: bool
) -> None:
    permit = SteadyTime(steadiness=Steadiness(clocks.wall, clocks.steady, 5.0))
    clocks.pass_(wall, steady=steady)
    said = permit.forbids(None)
    assert (said is not None) == forbidden
    if said is not None:
        assert said.refusal is Refusal.NOT_READY
        assert f"{wall - steady:+.1f} s" in said.cause


def test_a_jump_stays_forbidden_until_it_is_reconciled_and_no_longer(clocks: Clocks) -> None:
    steadiness = Steadiness(clocks.wall, clocks.steady, 5.0)
    permit = SteadyTime(steadiness=steadiness)
    clocks.pass_(600, steady=1)
    clocks.pass_(600)
    assert permit.forbids(None) is not None
    before = steadiness.reading()
    steadiness.anchor(before)
    assert permit.forbids(None) is None
    clocks.pass_(600, steady=2)  # asleep while it compared: what was compared is of before
    steadiness.anchor(before)
    assert permit.forbids(None) is not None
    steadiness.anchor(steadiness.reading())
    assert permit.forbids(None) is None
    clocks.pass_(600)
    assert permit.forbids(None) is None
    assert steadiness.parted() == 0
