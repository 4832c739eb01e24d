"""The high breakout: a close above the highest high of the weeks before, on volume (trading.md, Patterns)."""

import numpy as np

from makenaide.strategy import window
from makenaide.strategy.panel import Bools, Floats, Panel
from makenaide.strategy.settings import StrategySettings


def pivot(panel: Panel, settings: StrategySettings) -> Floats:
    """The highest high of the `pivot_days` bars before this one, in the quote currency."""
    return window.before(window.highest(panel.high, settings.pivot_days))


def average_volume(panel: Panel, settings: StrategySettings) -> Floats:
    """`v20`: the mean volume of the `volume_days` bars before this one, in coins."""
    return window.before(window.mean(panel.volume, settings.volume_days))


def base_range(panel: Panel, settings: StrategySettings) -> Floats:
    """The height of the `range_days` bars before this one, as a ratio of their highest high."""
    top = window.highest(panel.high, settings.range_days)
    return window.before((top - window.lowest(panel.low, settings.range_days)) / top)


def quality(base: Floats, settings: StrategySettings) -> Floats:
    """How tight the base was: 1 - range / `range_limit`, clipped to 0..1."""
    return np.clip(1 - base / settings.range_limit, 0.0, 1.0)


def breaks_out(panel: Panel, level: Floats, v20: Floats, settings: StrategySettings) -> Bools:
    """Whether a bar is the one that closes above its pivot `level`, on volume, and not too far above."""
    close = panel.close
    crossed = (window.before(close) <= level) & (close > level)
    strong = panel.volume >= settings.volume_multiple * v20
    near = close <= level * (1 + settings.reach / 100)
    return crossed & strong & near
