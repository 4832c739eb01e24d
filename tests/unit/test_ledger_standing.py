"""The standing of an account is what its two own functions tell."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.money import Krw
from makenaide.ledger.performance import EquityPoint, drawdown_now, standing, time_weighted_return

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
WON = st.integers(min_value=0, max_value=10**9)


@given(rows=st.lists(st.tuples(WON, st.integers(min_value=-(10**8), max_value=10**8)), max_size=12))
def test_one_walk_tells_the_same_return_and_the_same_drawdown(rows: list[tuple[int, int]]) -> None:
    points = [
        EquityPoint(at=FIRST + timedelta(days=day), equity=Krw(equity), flow=Krw(flow))
        for day, (equity, flow) in enumerate(rows)
    ]
    assert standing(points) == (time_weighted_return(points), drawdown_now(points))


def test_nothing_has_earned_nothing_and_lost_nothing() -> None:
    assert standing([]) == (Decimal(0), Decimal(0))
