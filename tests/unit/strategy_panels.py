"""Builders of series and panels for the tests of the strategy room."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from makenaide.domain.market import Market
from makenaide.strategy.panel import Panel, Series, build_panel
from makenaide.strategy.settings import StrategySettings

FIRST = date(2024, 1, 1)
FIRST_DAY = FIRST.toordinal()

SMALL = StrategySettings(
    ma_days=8,
    slope_days=4,
    dwell=3,
    atr_days=3,
    pivot_days=6,
    volume_days=3,
    range_days=5,
    turnover_days=4,
    min_history=15,
    min_turnover=1000,
)
"""Short windows, so that a panel of some forty days goes through everything."""


def day(number: int) -> date:
    """The `number`-th day of the tests' calendar, from 0."""
    return FIRST + timedelta(days=number)


def series(close: Sequence[float], **columns: Sequence[float]) -> Series:
    """A series of `close`, day after day from the first: high and low equal it, volume is 1, turnover unknown.

    `columns` replaces any of them; `days` are numbers of the tests' calendar.
    """
    count = len(close)
    given = {"open": close, "high": close, "low": close, "volume": [1.0] * count, "turnover": [np.nan] * count}
    days = np.array(columns.pop("days", range(count)), dtype=np.int64) + FIRST_DAY
    arrays = {name: np.array(values, dtype=np.float64) for name, values in {**given, **columns}.items()}
    return Series(days=days, close=np.array(close, dtype=np.float64), **arrays)


def panel_of(close: Sequence[float], **columns: Sequence[float]) -> Panel:
    """A panel of KRW-A alone."""
    built = series(close, **columns)
    return build_panel({Market("KRW-A"): built}, date.fromordinal(int(built.days[-1])))


def wandering(seed: int, count: int, start: int = 0, gaps: float = 0.0) -> Series:
    """A random walk of `count` days that begins on day `start`; a share of about `gaps` of its days is missing."""
    random = np.random.default_rng(seed)
    close = 1000 * np.exp(np.cumsum(random.normal(0, 0.05, count)))
    opens = close * np.exp(random.normal(0, 0.02, count))
    volume = random.lognormal(3, 1, count)
    kept = (random.random(count) >= gaps) | (np.arange(count) == 0)
    whole = Series(
        days=np.arange(count, dtype=np.int64) + FIRST_DAY + start,
        open=opens,
        high=np.maximum(opens, close) * np.exp(np.abs(random.normal(0, 0.01, count))),
        low=np.minimum(opens, close) * np.exp(-np.abs(random.normal(0, 0.01, count))),
        close=close,
        volume=volume,
        turnover=np.where(random.random(count) < 0.1, np.nan, volume * close),
    )
    return replace(whole, **{each.name: getattr(whole, each.name)[kept] for each in fields(Series)})


def wandering_markets(seed: int, count: int) -> dict[Market, Series]:
    """Four markets of different ages and habits over `count` days: old, old with gaps, young, and very young."""
    return {
        Market("KRW-BTC"): wandering(seed, count),
        Market("KRW-AAA"): wandering(seed + 1, count, gaps=0.2),
        Market("KRW-NEW"): wandering(seed + 2, count - 11, start=11, gaps=0.1),
        Market("KRW-BABY"): wandering(seed + 3, 5, start=count - 5),
    }


def same(left: NDArray[Any], right: NDArray[Any]) -> bool:
    """Equal to the last bit, NaN for NaN."""
    return left.shape == right.shape and np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
