"""The panel: where NaN stands, what is flat-filled, and what is refused."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from makenaide.domain.market import Market
from makenaide.strategy.panel import Series, build_panel
from tests.unit.strategy_panels import FIRST, day, panel_of, series

A, B = Market("KRW-A"), Market("KRW-B")


def column(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], at: int = 0) -> list[float | None]:
    """One market of a panel's array, None for NaN."""
    return [None if np.isnan(value) else float(value) for value in values[:, at]]


def test_days_run_down_and_markets_across_in_order_of_their_codes() -> None:
    panel = build_panel({B: series([1, 2]), A: series([3, 4])}, day(1))
    assert panel.days == (FIRST, day(1))
    assert panel.markets == (A, B)
    assert panel.close.tolist() == [[3, 1], [4, 2]]
    assert not panel.filled.any()


def test_before_a_listing_there_is_nan_in_every_column() -> None:
    panel = build_panel({A: series([1, 2, 3]), B: series([7], days=[2])}, day(2))
    for values in (panel.open, panel.high, panel.low, panel.close, panel.volume, panel.turnover):
        assert np.isnan(values[:2, 1]).all()
    assert column(panel.close, 1) == [None, None, 7]
    assert not panel.filled.any()


def test_a_listed_day_without_a_trade_is_flat_filled_and_marked() -> None:
    built = series(
        [10, 20], days=[0, 3], high=[12, 22], low=[8, 18], open=[9, 19], volume=[5, 6], turnover=[50, 60]
    )
    panel = build_panel({A: built}, day(4))
    assert column(panel.open) == [9, 10, 10, 19, 20]
    assert column(panel.high) == [12, 10, 10, 22, 20]
    assert column(panel.low) == [8, 10, 10, 18, 20]
    assert column(panel.close) == [10, 10, 10, 20, 20]
    assert column(panel.volume) == [5, 0, 0, 6, 0]
    assert column(panel.turnover) == [50, 0, 0, 60, 0]
    assert panel.filled[:, 0].tolist() == [False, True, True, False, True]


@pytest.mark.parametrize(
    ("delisted", "expected"),
    [
        (day(1), [10, 11, None, None, None]),
        (day(3), [10, 11, 12, 12, None]),
        (day(9), [10, 11, 12, 12, 12]),
        (date(2000, 1, 1), [None] * 5),
    ],
)
def test_after_the_last_traded_day_there_is_nan(delisted: date, expected: list[float | None]) -> None:
    panel = build_panel({A: series([10, 11, 12]), B: series([1] * 5)}, day(4), {A: delisted})
    assert column(panel.close) == expected
    assert column(panel.turnover) == [
        None if value is None else 0 if at > 2 else value for at, value in enumerate(expected)
    ]


def test_candles_after_the_last_closed_day_are_left_out() -> None:
    panel = build_panel({A: series([1, 2, 3]), B: series([4], days=[2])}, day(1))
    assert panel.days == (FIRST, day(1))
    assert column(panel.close) == [1, 2]
    assert column(panel.close, 1) == [None, None]


@pytest.mark.parametrize("built", [series([]), series([1.0], days=[5])])
def test_without_a_single_candle_there_are_no_rows(built: Series) -> None:
    panel = build_panel({A: built}, day(4))
    assert panel.days == ()
    assert panel.close.shape == (0, 1)


def test_without_a_market_there_are_no_columns() -> None:
    assert build_panel({}, FIRST).close.shape == (0, 0)


def test_an_unknown_turnover_is_volume_times_the_typical_price() -> None:
    panel = panel_of([10, 10], high=[12, 12], low=[8, 5], volume=[3, 2], turnover=[31, np.nan])
    assert column(panel.turnover) == [31, 2 * (12 + 5 + 10) / 3]


def test_a_panel_cannot_be_written_to() -> None:
    panel = panel_of([1, 2])
    for values in (panel.open, panel.high, panel.low, panel.close, panel.volume, panel.turnover, panel.filled):
        with pytest.raises(ValueError, match="read-only"):
            values[0, 0] = 1


def test_the_series_stay_as_they_were() -> None:
    built = series([1, 2])
    build_panel({A: built}, day(1))
    built.close[0] = 5
    assert np.isnan(built.turnover).all()


def test_a_day_knows_its_row() -> None:
    panel = panel_of([1, 2, 3])
    assert panel.row(day(2)) == 2
    with pytest.raises(ValueError, match="not in"):
        panel.row(day(3))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (series([1, 2], days=[1, 0]), "KRW-A: days are not strictly ascending"),
        (series([1, 2], days=[1, 1]), "KRW-A: days are not strictly ascending"),
        (series([1, 2], high=[1]), r"KRW-A: high has shape \(1,\), days has \(2,\)"),
        (series([1, 2], turnover=[]), r"KRW-A: turnover has shape \(0,\), days has \(2,\)"),
        (replace(series([1]), days=np.zeros((1, 1), dtype=np.int64)), "KRW-A: days has shape"),
        (series([1, np.nan]), "KRW-A: open is not a finite price above zero"),
        (series([1, 2], low=[0, 1]), "KRW-A: low is not a finite price above zero"),
        (series([1, 2], high=[np.inf, 2]), "KRW-A: high is not a finite price above zero"),
        (series([1, 2], volume=[-1, 2]), "KRW-A: volume is not a finite number"),
        (series([1, 2], volume=[np.nan, 2]), "KRW-A: volume is not a finite number"),
        (series([1, 2], turnover=[1, -2]), "KRW-A: turnover is neither unknown nor"),
        (series([1, 2], turnover=[1, np.inf]), "KRW-A: turnover is neither unknown nor"),
    ],
)
def test_a_broken_series_is_refused_by_name(broken: Series, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_panel({A: broken}, day(1))
