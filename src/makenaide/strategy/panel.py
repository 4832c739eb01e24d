"""Daily candles of many markets as arrays: time runs down, markets run across.

Shapes are `(days, markets)`, float64. NaN stands before a listing and after a delisting; a listed day without a
trade is flat-filled and marked (trading.md, Bars). Prices and turnover are in the quote currency, volume in coins.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from makenaide.domain.market import Market

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NOTHING_DELISTED: Mapping[Market, date] = MappingProxyType({})

_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """The closed daily candles of one market: one-dimensional arrays of one length.

    `days` are `date.toordinal()` numbers of the exchange's days (UTC dates), strictly ascending, gaps allowed.
    A turnover of NaN means that the source did not tell it.
    """

    days: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    turnover: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """All markets on all calendar days from the first candle to the last closed day; arrays are read-only.

    `filled` marks the listed days on which there was no candle.
    """

    days: tuple[date, ...]
    markets: tuple[Market, ...]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    turnover: Floats
    filled: Bools

    def row(self, day: date) -> int:
        """The row of `day`; ValueError when the panel does not hold it."""
        return self.days.index(day)


def build_panel(
    series: Mapping[Market, Series], last: date, delisted: Mapping[Market, date] = NOTHING_DELISTED
) -> Panel:
    """The panel of `series` up to and with the closed day `last`; markets in order of their codes.

    Candles after `last` are left out. `delisted` names the last day on which a market traded: after it NaN, up to
    it (for other markets: up to `last`) days without a candle are flat-filled. Without a single candle the panel
    has no rows. ValueError, naming the market, for a series that is ragged, out of order or not a number.
    """
    for market, each in series.items():
        _require_sound(market, each)
    markets = tuple(sorted(series))
    ends = np.array([min(last, delisted.get(market, last)).toordinal() for market in markets], dtype=np.int64)
    kept = [series[market].days <= end for market, end in zip(markets, ends, strict=True)]
    firsts = [int(series[market].days[0]) for market, keep in zip(markets, kept, strict=True) if keep.any()]
    first = min(firsts, default=last.toordinal() + 1)
    count = last.toordinal() - first + 1
    raw = {name: np.full((count, len(markets)), np.nan) for name in (*_PRICES, "volume", "turnover")}
    for column, (market, keep) in enumerate(zip(markets, kept, strict=True)):
        rows = series[market].days[keep] - first
        for name, values in raw.items():
            values[rows, column] = getattr(series[market], name)[keep]
    typical = raw["volume"] * (raw["high"] + raw["low"] + raw["close"]) / 3  # trading.md, Bars
    np.copyto(raw["turnover"], typical, where=np.isnan(raw["turnover"]))
    filled = _fill_flat(raw, ends - first)
    for values in (*raw.values(), filled):
        values.setflags(write=False)
    days = tuple(date.fromordinal(first) + timedelta(days=row) for row in range(count))
    return Panel(days=days, markets=markets, filled=filled, **raw)


def _fill_flat(raw: Mapping[str, Floats], end_rows: Ints) -> Bools:
    """Fill `raw` in place where a listed day has no candle; where that was."""
    close = raw["close"]
    rows = np.arange(len(close))[:, None]
    traded = ~np.isnan(close)
    seen = np.maximum.accumulate(np.where(traded, rows, -1), axis=0)
    filled: Bools = (seen >= 0) & (rows <= end_rows) & ~traded
    before = np.take_along_axis(close, np.maximum(seen, 0), axis=0)
    for name, values in raw.items():
        np.copyto(values, before if name in _PRICES else 0.0, where=filled)
    return filled


def _require_sound(market: Market, series: Series) -> None:
    shape = (len(series.days),)
    for name in ("days", *_PRICES, "volume", "turnover"):
        if getattr(series, name).shape != shape:
            raise ValueError(f"{market}: {name} has shape {getattr(series, name).shape}, days has {shape}")
    if not (np.diff(series.days) > 0).all():
        raise ValueError(f"{market}: days are not strictly ascending")
    for name in _PRICES:
        values = getattr(series, name)
        if not (np.isfinite(values) & (values > 0)).all():
            raise ValueError(f"{market}: {name} is not a finite price above zero")
    if not (np.isfinite(series.volume) & (series.volume >= 0)).all():
        raise ValueError(f"{market}: volume is not a finite number from zero up")
    if not (np.isnan(series.turnover) | (np.isfinite(series.turnover) & (series.turnover >= 0))).all():
        raise ValueError(f"{market}: turnover is neither unknown nor a finite number from zero up")
