"""No bar knows a later one, and none knows more of the past than its windows: the panel is cut and compared."""

from dataclasses import fields

import numpy as np
import pytest

from makenaide.domain.market import Market
from makenaide.strategy.features import Features, compute
from makenaide.strategy.panel import Floats, Panel, Series, build_panel
from makenaide.strategy.settings import StrategySettings
from tests.unit.strategy_panels import FIRST_DAY, SMALL, day, same, wandering_markets

COUNT = 120
ARRAYS = tuple(each.name for each in fields(Features) if each.name not in ("panel", "settings"))
REMEMBERING = frozenset({"slope_class", "stage", "days_in_stage", "atr_percent", "history", "filled"})
"""A cut start changes these by right: the stage and its slope class are folded from the first stored candle, Wilder's
average never forgets its seed, and the counts count from the listing."""


def cut_start(markets: dict[Market, Series], first: int) -> dict[Market, Series]:
    """The same markets, known from day `first` only."""
    return {
        market: Series(
            **{each.name: getattr(kept, each.name)[kept.days >= FIRST_DAY + first] for each in fields(Series)}
        )
        for market, kept in markets.items()
    }


@pytest.mark.parametrize("cut", [0, 1, 7, 20, 55, 90, 118])
def test_a_cut_end_changes_no_bar_before_it(cut: int) -> None:
    markets = wandering_markets(7, COUNT)
    delisted = {Market("KRW-AAA"): day(70)}
    whole = compute(build_panel(markets, day(COUNT - 1), delisted), SMALL)
    part = compute(build_panel(markets, day(cut), delisted), SMALL)
    assert part.panel.markets == whole.panel.markets
    for name in ARRAYS:
        assert same(getattr(part, name), getattr(whole, name)[: cut + 1]), name
    for each in fields(Panel):
        if each.name not in ("days", "markets"):
            assert same(getattr(part.panel, each.name), getattr(whole.panel, each.name)[: cut + 1]), each.name


@pytest.mark.parametrize("cut", [1, 8, 30, 61])
def test_a_cut_start_changes_no_bar_whose_windows_are_full(cut: int) -> None:
    markets = wandering_markets(8, COUNT)
    whole = compute(build_panel(markets, day(COUNT - 1)), SMALL)
    part = compute(build_panel(cut_start(markets, cut), day(COUNT - 1)), SMALL)
    # The longest memory is that of the slope, an average's average: 8 + 4 days; 8 more for gaps at the cut.
    settled = 20
    bars = COUNT - cut - settled
    for name in ARRAYS:
        if name not in REMEMBERING:
            assert same(getattr(part, name)[-bars:], getattr(whole, name)[-bars:]), name


@pytest.mark.parametrize("name", ["atr_percent", "history", "filled"])
def test_what_remembers_the_start_does_change_with_it(name: str) -> None:
    markets = wandering_markets(8, COUNT)
    whole = compute(build_panel(markets, day(COUNT - 1)), SMALL)
    part = compute(build_panel(cut_start(markets, 30), day(COUNT - 1)), SMALL)
    assert not same(getattr(part, name)[-60:], getattr(whole, name)[-60:])


def test_other_markets_do_not_change_a_bit_of_one() -> None:
    markets = wandering_markets(9, COUNT)
    together = compute(build_panel(markets, day(COUNT - 1)), SMALL)
    for column, market in enumerate(together.panel.markets):
        alone = compute(build_panel({market: markets[market]}, day(COUNT - 1)), SMALL)
        for name in ARRAYS:
            mine = getattr(together, name)[-len(alone.panel.days) :, column]
            assert same(mine, getattr(alone, name)[:, 0]), (market, name)


def test_the_detector_finds_a_feature_that_peeks() -> None:
    def tomorrow(panel: Panel) -> Floats:
        return np.vstack([panel.close[1:], np.full((1, panel.close.shape[1]), np.nan)])

    markets = wandering_markets(10, COUNT)
    whole, part = build_panel(markets, day(COUNT - 1)), build_panel(markets, day(60))
    assert not same(tomorrow(part), tomorrow(whole)[:61])


def test_the_default_windows_hold_a_cut_end_too() -> None:
    markets = wandering_markets(11, 300)
    whole = compute(build_panel(markets, day(299)), StrategySettings())
    part = compute(build_panel(markets, day(280)), StrategySettings())
    assert (whole.stage[:281] != 0).any()
    for name in ARRAYS:
        assert same(getattr(part, name), getattr(whole, name)[:281]), name
