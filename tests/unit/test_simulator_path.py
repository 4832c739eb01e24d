"""The way through a candle: corners, monotone legs, ticks."""

from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.market import Market
from makenaide.exchange.simulator.prices.path import Walk
from makenaide.exchange.simulator.prices.ticks import Ticks
from tests.unit.simulator_tapes import day_number

HOUR = 3_600_000
DAY = day_number(date(2025, 9, 1))
TICKS = Ticks(Market("KRW-XRP"))


def walk(opened: float, high: float, low: float, close: float, length: int = HOUR) -> Walk:
    return Walk(length, opened, high, low, close, TICKS, DAY)


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    low = draw(st.integers(900, 1100))
    high = low + draw(st.integers(0, 200))
    opened, close = draw(st.integers(low, high)), draw(st.integers(low, high))
    off_tick = draw(st.sampled_from([0.0, 0.3]))
    length = draw(st.sampled_from([60_000, 180_000, HOUR, 24 * HOUR]))
    return walk(opened + off_tick, high + off_tick, low + off_tick, close + off_tick, length)


@pytest.mark.parametrize(
    ("prices", "corners"),
    [
        ((100.0, 120.0, 90.0, 110.0), [100, 100, 90, 120, 110]),
        ((100.0, 120.0, 90.0, 100.0), [100, 100, 90, 120, 100]),
        ((100.0, 120.0, 90.0, 95.0), [100, 100, 120, 90, 95]),
    ],
    ids=["rises", "ends where it began", "falls"],
)
def test_a_candle_is_walked_by_its_direction(
    prices: tuple[float, float, float, float], corners: list[float]
) -> None:
    points = walk(*prices).points()
    assert [price for _, price in points] == corners
    assert [offset for offset, _ in points] == [0, HOUR // 12, 5 * HOUR // 12, 9 * HOUR // 12, HOUR - 1]


def test_the_open_holds_for_a_twelfth() -> None:
    there = walk(1000.0, 1200.0, 900.0, 1100.0)
    assert {there.at(offset) for offset in range(0, HOUR // 12 + 1, 1000)} == {1000.0}
    assert there.at(HOUR // 12 + 60_000) < 1000.0


@given(walks(), st.data())
def test_the_path_stays_inside_the_candle_and_touches_all_four_prices(there: Walk, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, there.length - 1))
    assert there.low <= there.at(offset) <= there.high
    assert there.at(0) == there.open
    assert there.at(there.length - 1) == there.close
    assert there.extremes(0, there.length) == (there.high, there.low)


@given(walks())
def test_every_leg_is_monotone(there: Walk) -> None:
    for (begin, left), (end, right) in pairwise(there.points()):
        offsets = sorted({begin, end, *range(begin, end, max(1, (end - begin) // 20))})
        prices = [there.at(offset) for offset in offsets]
        assert prices in (sorted(prices), sorted(prices, reverse=True))
        assert (prices[0], prices[-1]) == (left, right)


def test_prices_between_the_corners_are_on_the_tick() -> None:
    there = walk(99.0, 103.0, 97.0, 102.0)
    between = {there.at(offset) for offset in range(0, HOUR, 7919)}
    assert all(price == TICKS.nearest(price, DAY) for price in between)
    assert 98.7 in between
    assert 102.5 not in between


BANDS = (0.00098, 0.0102, 0.98, 9.9, 99.0, 998.0, 9_950.0, 99_000.0, 498_000.0, 990_000.0, 1_999_000.0)


@given(walks(), st.sampled_from(BANDS), st.integers(0, 2**32))
def test_prices_together_are_the_prices_one_by_one(there: Walk, base: float, seed: int) -> None:
    factor = base / 1000
    opened, high, low, close = (price * factor for price in (there.open, there.high, there.low, there.close))
    rng = np.random.Generator(np.random.PCG64(seed))
    corners = [offset for offset, _ in there.points()]
    for each in (there, walk(opened, high, low, close, there.length)):
        offsets = np.unique(np.concatenate((corners, rng.integers(0, each.length, 300))))
        together = each.prices(offsets.astype(np.float64)).tolist()
        assert together == [each.at(offset) for offset in offsets.tolist()]
        assert each.prices(np.array([each.length / 4])).tolist() == [each.at(each.length // 4)]


def test_a_candle_has_no_price_behind_its_end() -> None:
    with pytest.raises(ValueError, match="behind a candle"):
        walk(1.0, 1.0, 1.0, 1.0).at(HOUR)
