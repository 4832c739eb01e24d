"""The stored day candles as arrays, read once and then kept up with what is collected."""

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np

from makenaide.domain.candle import Candle
from makenaide.domain.clock import trading_day
from makenaide.domain.market import Market
from makenaide.store.candles import day_series, put_candles
from makenaide.store.db import Database
from makenaide.strategy.panel import Series

_COLUMNS = ("open", "high", "low", "close", "volume", "turnover")


class History:
    """The day candles of one feed. The database stays the truth: this is a reading of it that grows with it."""

    def __init__(self, db: Database, feed: str) -> None:
        self._db = db
        self._feed = feed
        self._series: dict[Market, Series] | None = None

    def series(self, markets: Iterable[Market], last: date) -> Mapping[Market, Series]:
        """The candles of `markets` (those that have any) up to the day `last`, ascending."""
        known = self._known()
        found = {market: known[market] for market in markets if market in known}
        return {market: cut for market, each in found.items() if len((cut := _until(each, last)).days)}

    def newest(self, market: Market, before: date) -> date | None:
        """The newest stored day of `market` before `before`."""
        series = self._known().get(market)
        if series is None:
            return None
        count = int(np.searchsorted(series.days, before.toordinal()))
        return date.fromordinal(int(series.days[count - 1])) if count else None

    def add(self, candles: Iterable[Candle]) -> None:
        """Store closed day candles, in the caller's transaction, and know them from now on."""
        rows = tuple(candles)
        put_candles(self._db, self._feed, rows)
        known = self._known()
        grouped: dict[Market, list[Candle]] = {}
        for candle in rows:
            grouped.setdefault(candle.market, []).append(candle)
        for market, new in grouped.items():
            added = _arrays(new)
            old = known.get(market)
            if old is not None and added.days[0] <= old.days[-1]:
                self._series = None  # something older than what is known: read it all again
                return
            known[market] = added if old is None else _joined(old, added)

    def forget(self) -> None:
        """Read the database again at the next question: a transaction that added candles was rolled back."""
        self._series = None

    def _known(self) -> dict[Market, Series]:
        if self._series is None:
            self._series = day_series(self._db, self._feed, None, date(9999, 1, 1))
        return self._series


def _until(series: Series, last: date) -> Series:
    count = int(np.searchsorted(series.days, last.toordinal(), side="right"))
    if count == len(series.days):
        return series
    return Series(days=series.days[:count], **{name: getattr(series, name)[:count] for name in _COLUMNS})


def _arrays(candles: list[Candle]) -> Series:
    days = np.array([trading_day(candle.start).toordinal() for candle in candles], dtype=np.int64)
    columns = {
        name: np.array([float(getattr(candle, name).value) for candle in candles], dtype=np.float64)
        for name in _COLUMNS
    }
    return Series(days=days, **columns)


def _joined(old: Series, new: Series) -> Series:
    columns = {name: np.concatenate([getattr(old, name), getattr(new, name)]) for name in _COLUMNS}
    return Series(days=np.concatenate([old.days, new.days]), **columns)
