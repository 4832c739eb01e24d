"""Candles of one market behind a curtain: those that it cuts are put together anew from shorter ones."""

from dataclasses import replace
from datetime import datetime, timedelta

from makenaide.domain.market import Market
from makenaide.exchange.simulator.market import CandleRow, MarketData
from makenaide.exchange.simulator.prices.candles import joined, slot_of
from makenaide.exchange.simulator.prices.curtain import Curtain
from makenaide.exchange.simulator.prices.moments import SECOND_MS, ceil_ms, from_ms, to_ms
from makenaide.exchange.venue import CandleUnit

_PARTS = {
    CandleUnit.YEARS: (CandleUnit.MONTHS, 12),
    CandleUnit.MONTHS: (CandleUnit.DAYS, 31),
    CandleUnit.WEEKS: (CandleUnit.DAYS, 7),
    CandleUnit.DAYS: (CandleUnit.MINUTES_240, 6),
    CandleUnit.MINUTES_240: (CandleUnit.MINUTES_60, 4),
    CandleUnit.MINUTES_60: (CandleUnit.MINUTES_10, 6),
    CandleUnit.MINUTES_30: (CandleUnit.MINUTES_10, 3),
    CandleUnit.MINUTES_15: (CandleUnit.MINUTES_5, 3),
    CandleUnit.MINUTES_10: (CandleUnit.MINUTES_1, 10),
    CandleUnit.MINUTES_5: (CandleUnit.MINUTES_1, 5),
    CandleUnit.MINUTES_3: (CandleUnit.MINUTES_1, 3),
    CandleUnit.MINUTES_1: (CandleUnit.SECONDS, 60),
}
"""What a cut candle is put together from: shorter ones, and how many there are at most."""

_MILLISECOND = timedelta(milliseconds=1)
_FAR = 10**9
"""Candles: more than anybody asks for."""


class Spliced:
    """The candles of `market` of `data` without what `curtain` hides, whose edges are whole seconds."""

    __slots__ = ("_closed", "_curtain", "_data", "_market")

    def __init__(self, data: MarketData, market: Market, curtain: Curtain) -> None:
        self._data = data
        self._market = market
        self._curtain = curtain
        self._closed: dict[tuple[CandleUnit, datetime], CandleRow | None] = {}

    def candles(self, unit: CandleUnit, before: datetime, count: int, now: datetime) -> list[CandleRow]:
        """Up to `count` candles that start before `before`, newest first, as they stand at `now`."""
        if not self._curtain.meets(0, to_ms(now) + 1):
            return self._data.candles(self._market, unit, before, count, now)
        hidden = self._curtain.over(to_ms(now))
        if hidden is not None and not hidden[0]:
            # Before its listing here the data itself may not know the market yet.
            return []
        if unit is not CandleUnit.DAYS:
            return self._rows(unit, before, count, now)
        days = self._rows(unit, before, count + 1, now)
        earlier = [*(row.close for row in days[1:]), *(row.open for row in days[-1:])]
        linked = [replace(row, prev_close=close) for row, close in zip(days, earlier, strict=True)]
        return linked[:count]

    def _rows(self, unit: CandleUnit, before: datetime, count: int, now: datetime) -> list[CandleRow]:
        found: list[CandleRow] = []
        while len(found) < count:
            before = self._skipped(unit, before)
            wanted = min(count - len(found), self._reach(unit, before))
            batch = self._data.candles(self._market, unit, before, wanted, now)
            shown = (self._shown(unit, row, now) for row in batch)
            found += [row for row in shown if row is not None]
            if len(batch) < wanted:
                break
            before = batch[-1].start
        return found

    def _reach(self, unit: CandleUnit, before: datetime) -> int:
        """How many candles before `before` end after the next hidden stretch: more would be asked for in vain."""
        ends = [end for _, end in self._curtain.stretches if end < to_ms(before)]
        if unit.seconds is None or not ends:
            return _FAR
        return (to_ms(before) - ends[-1]) // (unit.seconds * SECOND_MS) + 2

    def _skipped(self, unit: CandleUnit, before: datetime) -> datetime:
        """`before`, or the begin of the hidden stretch that swallows every candle between the two."""
        last = ceil_ms(before) - 1
        hidden = self._curtain.over(last)
        if hidden is None or to_ms(slot_of(from_ms(last), unit)[1]) > hidden[1]:
            return before
        return from_ms(hidden[0])

    def _shown(self, unit: CandleUnit, row: CandleRow, now: datetime) -> CandleRow | None:
        """The data's `row` without what is hidden of it; None when nothing is left."""
        end = slot_of(row.start, unit)[1]
        if not self._curtain.meets(to_ms(row.start), min(to_ms(end), to_ms(now) + 1)):
            return row
        if unit is CandleUnit.SECONDS:
            return None
        closed = end <= now
        if closed and (unit, row.start) in self._closed:
            return self._closed[unit, row.start]
        # Seconds are not served for ever: they are asked for as of the end of the candle that is put together.
        as_of = min(now, end - _MILLISECOND)
        finer, count = _PARTS[unit]
        parts = [each for each in self._rows(finer, end, count, as_of) if each.start >= row.start]
        shown = joined(row.start, parts) if parts else None
        if closed:
            self._closed[unit, row.start] = shown
        return shown
