"""Features against hand-made cases and against a slow reference of plain loops."""

from collections.abc import Callable, Sequence
from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from makenaide.domain.market import Market
from makenaide.strategy.features import Features, compute
from makenaide.strategy.panel import Panel, build_panel
from makenaide.strategy.settings import StrategySettings
from tests.unit import strategy_reference as reference
from tests.unit.strategy_panels import SMALL, day, panel_of, series, wandering_markets

DEFAULT = StrategySettings()


# ---- by hand ----


def test_the_average_needs_its_210_closes() -> None:
    features = compute(panel_of([100.0] * 209 + [310.0]), DEFAULT)
    assert np.isnan(features.ma[:209]).all()
    assert features.ma[209, 0] == pytest.approx(101)


def test_the_slope_is_in_percent_per_20_bars() -> None:
    # A price that grows by 0.2 % of its logarithm a day has an average that does so too: 20 x 0.2 % = 4 %.
    features = compute(panel_of([exp(0.002 * at) for at in range(260)]), DEFAULT)
    assert np.isnan(features.slope[:228]).all()
    assert features.slope[228:, 0].tolist() == pytest.approx([4.0] * 32)
    assert features.slope_class[228:, 0].tolist() == [1] * 32
    assert features.stage[228:, 0].tolist() == [3] * 4 + [2] * 28
    assert features.days_in_stage[228:, 0].tolist() == [1, 2, 3, 4, *range(1, 29)]


def test_a_close_on_its_average_counts_as_below() -> None:
    settings = StrategySettings(ma_days=2, slope_days=2, slope_on=0, dwell=1)
    # closes 4 and 4 make an average of 4, up from 3.5: rising, but not above it
    features = compute(panel_of([3, 4, 4]), settings)
    assert (features.ma[2, 0], features.slope_class[2, 0], features.stage[2, 0]) == (4, 1, 3)


def test_wilders_true_range_by_hand() -> None:
    panel = panel_of([10, 12, 11, 20], high=[12, 13, 12, 20], low=[9, 11, 8, 19])
    # true ranges: 12 - 9 = 3 (no close before), 13 - 10 = 3, 12 - 8 = 4, 20 - 11 = 9
    features = compute(panel, SMALL)
    assert np.isnan(features.atr_percent[:2]).all()
    seed = (3 + 3 + 4) / 3
    assert features.atr_percent[2, 0] == pytest.approx(seed / 11 * 100)
    assert features.atr_percent[3, 0] == pytest.approx((seed * 2 + 9) / 3 / 20 * 100)


def test_pivot_range_and_volume_look_at_the_bars_before_only() -> None:
    high = [20, 25, 24, 23, 22, 21, 99]
    low = [10, 18, 15, 16, 17, 18, 1]
    panel = panel_of([19] * 7, high=high, low=low, volume=[9, 1, 1, 2, 3, 7, 1000])
    features = compute(panel, SMALL)
    assert np.isnan(features.pivot[:6]).all()
    assert features.pivot[6, 0] == 25
    assert features.range20[6, 0] == pytest.approx((25 - 15) / 25)
    assert features.quality[6, 0] == 0
    assert features.v20[6, 0] == 4


@pytest.mark.parametrize(("low", "quality"), [(100, 1), (90, 0.75), (60, 0), (50, 0)])
def test_quality_falls_from_one_to_zero_as_the_base_widens_to_the_limit(low: float, quality: float) -> None:
    features = compute(panel_of([100] * 6, low=[low] * 6), SMALL)
    assert features.quality[5, 0] == pytest.approx(quality)
    assert np.isnan(features.quality[4, 0])


def test_turnover_is_the_median_with_this_bar() -> None:
    features = compute(panel_of([1] * 5, turnover=[5, 100, 1, 3, 7]), SMALL)
    assert np.isnan(features.turnover20[:3]).all()
    assert features.turnover20[3:, 0].tolist() == [4, 5]


BREAKOUT_CASES = [
    # close before, close, volume, expected; the pivot is 100, v20 is 10, reach 105
    (100, 100.1, 14, True),
    (99, 105, 14, True),
    (99, 105.1, 14, False),
    (99, 100, 14, False),
    (99, 102, 13.9, False),
    (100, 102, 14, True),
]


@pytest.mark.parametrize(("previous", "close", "volume", "expected"), BREAKOUT_CASES)
def test_the_four_conditions_of_a_breakout(previous: float, close: float, volume: float, expected: bool) -> None:
    panel = panel_of(
        [90] * 5 + [previous, close],
        high=[100] * 6 + [close],
        low=[80] * 7,
        volume=[10] * 6 + [volume],
    )
    features = compute(panel, SMALL)
    assert features.breakout[:, 0].tolist() == [False] * 6 + [expected]


def test_a_market_that_is_above_its_pivot_already_does_not_break_out_again() -> None:
    # A real high is never below its close; the case stands for a pivot that fell out of the window.
    panel = panel_of([90] * 5 + [101, 102], high=[100] * 7, volume=[10] * 6 + [50])
    assert not compute(panel, SMALL).breakout.any()


def test_history_counts_flat_filled_days_and_tells_how_many_they_were() -> None:
    markets = {
        Market("KRW-A"): series([1, 2], days=[1, 4]),
        Market("KRW-B"): series([1] * 7, days=range(7)),
    }
    features = compute(build_panel(markets, day(6), {Market("KRW-A"): day(5)}), SMALL)
    assert features.history[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 0]
    assert features.filled[:, 0].tolist() == [0, 0, 1, 2, 2, 3, 0]
    assert features.history[:, 1].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_after_a_delisting_everything_is_unknown() -> None:
    markets = wandering_markets(5, 60)
    gone = Market("KRW-AAA")
    features = compute(build_panel(markets, day(59), {gone: day(49)}), SMALL)
    column = features.panel.markets.index(gone)
    assert features.stage[49, column] != 0
    for name in ("ma", "slope", "atr_percent", "turnover20"):
        assert np.isnan(getattr(features, name)[50:, column]).all(), name
    for name in ("stage", "slope_class", "days_in_stage", "history", "filled", "breakout"):
        assert not getattr(features, name)[50:, column].any(), name


@pytest.mark.parametrize("markets", [{}, {Market("KRW-A"): series([])}, {Market("KRW-A"): series([1.0])}])
def test_panels_without_enough_candles_have_features_all_the_same(markets: dict[Market, object]) -> None:
    panel = build_panel({Market("KRW-A"): series([1.0])} if markets else {}, day(0))
    features = compute(panel, DEFAULT)
    assert features.stage.shape == panel.close.shape
    assert np.isnan(features.ma).all()
    assert not features.stage.any()


# ---- against the reference ----

FLOAT_FEATURES: dict[str, Callable[[Sequence[reference.Bar], int, StrategySettings], float | None]] = {
    "ma": reference.moving_average,
    "slope": reference.slope,
    "atr_percent": reference.atr_percent,
    "v20": reference.average_volume,
    "pivot": reference.pivot,
    "range20": reference.base_range,
    "quality": reference.quality,
    "turnover20": reference.turnover,
}


def bars_of(panel: Panel, column: int) -> tuple[int, list[reference.Bar]]:
    """The first listed row of a market, and its bars."""
    first = int(np.argmax(~np.isnan(panel.close[:, column])))
    return first, [
        reference.Bar(
            high=float(panel.high[row, column]),
            low=float(panel.low[row, column]),
            close=float(panel.close[row, column]),
            volume=float(panel.volume[row, column]),
            turnover=float(panel.turnover[row, column]),
        )
        for row in range(first, len(panel.days))
    ]


def assert_like_the_reference(features: Features, column: int) -> None:
    first, bars = bars_of(features.panel, column)
    settings = features.settings
    for name, plain in FLOAT_FEATURES.items():
        found = getattr(features, name)[:, column]
        assert np.isnan(found[:first]).all()
        for at in range(len(bars)):
            expected = plain(bars, at, settings)
            wanted = pytest.approx(float("nan") if expected is None else expected, rel=1e-9, abs=1e-9, nan_ok=True)
            assert found[first + at] == wanted, (name, at)
    breakouts = [reference.breaks_out(bars, at, settings) for at in range(len(bars))]
    assert features.breakout[:, column].tolist() == [False] * first + breakouts
    states = list(
        zip(
            features.slope_class[:, column].tolist(),
            features.stage[:, column].tolist(),
            features.days_in_stage[:, column].tolist(),
            strict=True,
        )
    )
    assert states == [(0, 0, 0)] * first + reference.stages(bars, settings)


@hypothesis_settings(max_examples=25)
@given(seed=st.integers(0, 100_000))
def test_features_are_those_of_the_slow_reference(seed: int) -> None:
    features = compute(build_panel(wandering_markets(seed, 40), day(39)), SMALL)
    for column in range(len(features.panel.markets)):
        assert_like_the_reference(features, column)


def test_the_reference_walks_go_through_every_stage_and_break_out() -> None:
    stages: set[int] = set()
    breakouts = 0
    for seed in range(0, 80, 4):
        features = compute(build_panel(wandering_markets(seed, 40), day(39)), SMALL)
        stages |= set(features.stage.ravel().tolist())
        breakouts += int(features.breakout.sum())
    assert stages == {0, 1, 2, 3, 4}
    assert breakouts > 5
