"""Candles as arrays: adding up, and refining coarse ones with finer ones."""

from datetime import timedelta

import numpy as np
import pytest

from makenaide.exchange.simulator.prices.bars import Bars, grouped, refined
from makenaide.exchange.simulator.prices.moments import MINUTE_MS
from tests.unit.simulator_tapes import ORIGIN, drawn, recorded

HOUR = timedelta(hours=1)
HALF = timedelta(minutes=30)


def coarse() -> Bars:
    """Two hours."""
    return recorded(60, [(ORIGIN, (10.0, 14.0, 9.0, 12.0), 8.0), (ORIGIN + HOUR, (12.0, 13.0, 11.0, 11.0), 4.0)])


def halves(first: tuple[float, float, float, float], second: tuple[float, float, float, float]) -> Bars:
    """Two half hours inside the first hour."""
    return recorded(30, [(ORIGIN, first, 1.0), (ORIGIN + HALF, second, 3.0)])


def test_candles_without_volume_are_left_out() -> None:
    assert (
        len(recorded(60, [(ORIGIN, (1.0, 1.0, 1.0, 1.0), 0.0), (ORIGIN + HOUR, (1.0, 1.0, 1.0, 1.0), 2.0)])) == 1
    )


def test_turnover_that_was_not_recorded_is_volume_times_the_typical_price() -> None:
    assert coarse().turnover.tolist() == [8 * (14 + 9 + 12) / 3, 4 * (13 + 11 + 11) / 3]


def test_groups_add_up() -> None:
    sums = grouped(coarse(), np.array([7, 7]))
    assert (sums.open[0], sums.high[0], sums.low[0], sums.close[0], sums.volume[0]) == (10, 14, 9, 11, 12)
    assert (sums.key.tolist(), sums.first.tolist(), sums.last.tolist()) == ([7], [0], [1])


def test_nothing_adds_up_to_nothing() -> None:
    none = coarse().where(np.zeros(2, dtype=np.bool_))
    assert len(grouped(none, none.start).key) == 0
    assert refined(coarse(), none).start.tolist() == coarse().start.tolist()


def test_finer_candles_that_add_up_replace_the_coarse_one() -> None:
    both = refined(coarse(), halves((10.0, 11.0, 9.0, 11.0), (11.0, 14.0, 11.0, 12.0)))
    assert (both.length // MINUTE_MS).tolist() == [30, 30, 60]
    assert both.volume.tolist() == [2.0, 6.0, 4.0]
    fine = halves((10.0, 11.0, 9.0, 11.0), (11.0, 14.0, 11.0, 12.0))
    assert (both.turnover / both.volume)[:2].tolist() == pytest.approx((fine.turnover / fine.volume)[:2].tolist())


@pytest.mark.parametrize(
    "second",
    [(11.0, 15.0, 11.0, 12.0), (11.0, 13.0, 11.0, 12.0), (11.0, 14.0, 8.0, 12.0), (11.0, 14.0, 11.0, 13.0)],
    ids=["higher high", "lower high", "lower low", "other close"],
)
def test_finer_candles_that_do_not_add_up_are_left_out(second: tuple[float, float, float, float]) -> None:
    same = refined(coarse(), halves((10.0, 11.0, 9.0, 11.0), second))
    assert same.start.tolist() == coarse().start.tolist()


def test_finer_candles_outside_every_coarse_one_are_left_out() -> None:
    stray = recorded(
        30, [(ORIGIN - HALF, (10.0, 14.0, 9.0, 12.0), 1.0), (ORIGIN + 2 * HOUR, (1.0, 1.0, 1.0, 1.0), 1.0)]
    )
    assert len(refined(coarse(), stray)) == 2


def test_refining_by_its_own_sums_changes_no_sum() -> None:
    fine = drawn(seed=3, count=480, minutes=15)
    hours = grouped(fine, fine.start // (60 * MINUTE_MS))
    whole = Bars(
        start=hours.key * 60 * MINUTE_MS,
        length=np.full(len(hours.key), 60 * MINUTE_MS),
        open=hours.open,
        high=hours.high,
        low=hours.low,
        close=hours.close,
        volume=hours.volume,
        turnover=hours.turnover,
    )
    again = refined(whole, fine)
    assert again.start.tolist() == fine.start.tolist()
    assert again.volume == pytest.approx(fine.volume)
