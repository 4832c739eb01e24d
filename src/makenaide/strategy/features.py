"""What the rules look at, for every day and market at once; no bar knows a later one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from makenaide.strategy import breakout, window
from makenaide.strategy.panel import Bools, Floats, Ints, Panel
from makenaide.strategy.settings import StrategySettings
from makenaide.strategy.stage import fold

Codes = NDArray[np.int8]

SLOPE_BARS = 20
"""A slope is told in % per 20 bars, whatever the length of its regression."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """Arrays of shape `(days, markets)` beside their panel and settings; NaN (or 0, False) where not computable.

    `ma`, `pivot`, `turnover20` in the quote currency, `v20` in coins, `slope` in % per 20 bars, `atr_percent` in %
    of the close, `range20` and `quality` as ratios, `slope_class` -1, 0, 1, `stage` 0..4 (0 unknown),
    `days_in_stage` in bars. `history` counts the closed days since the listing, `filled` those of them without a
    candle, both with this day; 0 on days on which the market is not listed.
    """

    panel: Panel
    settings: StrategySettings
    ma: Floats
    slope: Floats
    slope_class: Codes
    stage: Codes
    days_in_stage: Ints
    atr_percent: Floats
    v20: Floats
    pivot: Floats
    range20: Floats
    quality: Floats
    turnover20: Floats
    history: Ints
    filled: Ints
    breakout: Bools


def compute(panel: Panel, settings: StrategySettings) -> Features:
    """All features of `panel` (trading.md, Stage, Patterns, Universe)."""
    listed = ~np.isnan(panel.close)
    history = np.where(listed, np.cumsum(listed, axis=0), 0)
    ma = window.mean(panel.close, settings.ma_days)
    slope = window.slope(np.log(ma), settings.slope_days) * SLOPE_BARS * 100
    slope_class, stage, days_in_stage = _stages(panel.close > ma, slope, settings)
    v20 = breakout.average_volume(panel, settings)
    pivot = breakout.pivot(panel, settings)
    range20 = breakout.base_range(panel, settings)
    return Features(
        panel=panel,
        settings=settings,
        ma=ma,
        slope=slope,
        slope_class=slope_class,
        stage=stage,
        days_in_stage=days_in_stage,
        atr_percent=_true_range(panel, history, settings.atr_days) / panel.close * 100,
        v20=v20,
        pivot=pivot,
        range20=range20,
        quality=breakout.quality(range20, settings),
        turnover20=window.median(panel.turnover, settings.turnover_days),
        history=history,
        filled=np.where(listed, np.cumsum(panel.filled, axis=0), 0),
        breakout=breakout.breaks_out(panel, pivot, v20, settings),
    )


def _true_range(panel: Panel, history: Ints, days: int) -> Floats:
    """Wilder's average true range: the mean of the first `days` true ranges, then 1/`days` of each new one.

    The first bar has no close before it: its true range is high - low.
    """
    close = window.before(panel.close)
    gaps = np.fmax(np.abs(panel.high - close), np.abs(panel.low - close))
    ranges = np.fmax(panel.high - panel.low, gaps)
    average = np.where(history == days, window.mean(ranges, days), np.nan)
    for row in range(1, len(average)):
        following = (average[row - 1] * (days - 1) + ranges[row]) / days
        np.copyto(average[row], following, where=~np.isnan(following))
    return average


def _stages(above: Bools, slope: Floats, settings: StrategySettings) -> tuple[Codes, Codes, Ints]:
    """Slope classes, stages and days in stage: the one fold that has a memory, so one market after the other."""
    slope_class = np.zeros(slope.shape, dtype=np.int8)
    stage = np.zeros(slope.shape, dtype=np.int8)
    days = np.zeros(slope.shape, dtype=np.int64)
    for column in range(slope.shape[1]):
        folded = fold(above[:, column].tolist(), slope[:, column].tolist(), settings)
        slope_class[:, column] = folded.slope_class
        stage[:, column] = folded.stage
        days[:, column] = folded.days
    return slope_class, stage, days
