"""One market of any data with stretches of its time cut out: nobody could trade in them, so nobody did.

What the data says of a hidden stretch is left out of candles of every length, of day statistics, trades and searches.
A price stands still through a stretch at what was last traded before it; where nothing was, it stands at the first
price behind the stretch, at which the market opens.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.order import Side
from makenaide.exchange.simulator.market import NO_BOOK, BookSides, CandleRow, DayStats, MarketData, PublicTrade
from makenaide.exchange.simulator.prices.curtain import Curtain
from makenaide.exchange.simulator.prices.days import YEAR_DAYS
from makenaide.exchange.simulator.prices.moments import DAY_MS, SECOND_MS, from_ms, to_ms, utc_date
from makenaide.exchange.simulator.prices.splice import Spliced
from makenaide.exchange.venue import CandleUnit

_MILLISECOND = timedelta(milliseconds=1)

Mark = tuple[float, date]


class Trimmed:
    """`market` of `data` behind `curtain`; its answers are those of `MarketData` for that market."""

    __slots__ = ("_curtain", "_data", "_marked", "_market", "_resumed", "_spliced")

    def __init__(self, data: MarketData, market: Market, curtain: Curtain) -> None:
        self._data = data
        self._market = market
        self._curtain = curtain
        self._spliced = Spliced(data, market, curtain)
        self._resumed: dict[int, datetime] = {}
        self._marked: tuple[int, tuple[Mark, Mark] | None] = -1, None

    def price(self, at: datetime) -> Decimal:
        """Where the street's book stands, through a hidden stretch where it stood before."""
        return self._data.price(self._market, self._stands(at))

    def book(self, at: datetime, depth: int) -> BookSides:
        """The book; none in a hidden stretch."""
        return NO_BOOK if self._curtain.over(to_ms(at)) else self._data.book(self._market, at, depth)

    def candles(self, unit: CandleUnit, before: datetime, count: int, now: datetime) -> list[CandleRow]:
        """Up to `count` candles that start before `before`, newest first, as they stand at `now`."""
        return self._spliced.candles(unit, before, count, now)

    def trades(self, after: datetime, until: datetime, count: int) -> list[PublicTrade]:
        """Up to `count` trades in (`after`, `until`], newest first."""
        found: list[PublicTrade] = []
        for begin, end in reversed(list(self._curtain.open(to_ms(after) + 1, to_ms(until) + 1))):
            if len(found) >= count:
                break
            try:
                found += self._data.trades(self._market, from_ms(begin - 1), from_ms(end - 1), count - len(found))
            except UnknownMarket:
                if end > to_ms(until):
                    raise
                # What is asked for here lies before a hidden stretch in which the data has its market listed.
                break
        return found

    def touch(self, after: datetime, until: datetime, floor: Decimal, peak: Decimal) -> datetime | None:
        """The first moment to be seen at which a watcher of the best bid must look."""
        for begin, end in self._seen(after, until):
            found = self._data.touch(self._market, begin, end, floor, peak)
            if found is not None:
                return found
        return None

    def crossing(
        self, after: datetime, until: datetime, side: Side, limit: Decimal
    ) -> tuple[datetime, Decimal] | None:
        """When a resting order is first met outside the hidden stretches."""
        for begin, end in self._seen(after, until):
            found = self._data.crossing(self._market, begin, end, side, limit)
            if found is not None:
                return found
        return None

    def day(self, at: datetime) -> DayStats:
        """The ticker."""
        stands, moment = self._stands(at), to_ms(at)
        if stands > at:
            return _untraded(float(self._data.price(self._market, stands)), at)
        shown = self._data.day(self._market, stands)
        today = moment // DAY_MS
        if stands == at and not self._curtain.meets((today - YEAR_DAYS) * DAY_MS, moment + 1):
            return shown
        newest = self.candles(CandleUnit.DAYS, at + _MILLISECOND, 1, at)
        row = newest[0] if newest and newest[0].start == from_ms(today * DAY_MS) else None
        price = shown.price
        high, low = (row.high, row.low) if row else (price, price)
        marks = [*(self._marks(today, at) or ()), (high, utc_date(moment)), (low, utc_date(moment))]
        top, bottom = max(marks, key=_price), min(marks, key=_price)
        volume, turnover = self._rolling(moment)
        return replace(
            shown,
            open=row.open if row else price,
            high=high,
            low=low,
            prev_close=row.prev_close if row and row.prev_close is not None else price,
            turnover=row.turnover if row else 0.0,
            volume=row.volume if row else 0.0,
            turnover_24h=turnover,
            volume_24h=volume,
            high_52w=top[0],
            high_52w_on=top[1],
            low_52w=bottom[0],
            low_52w_on=bottom[1],
        )

    def _stands(self, at: datetime) -> datetime:
        """The moment whose price stands at `at`: not later, unless nothing was traded before."""
        for begin, end in reversed(self._curtain.stretches):
            if to_ms(at) < begin or self._has_resumed(end, at):
                continue
            if not begin or not self._traded_by(begin - 1):
                return from_ms(end)
            at = from_ms(begin - 1)
        return at

    def _has_resumed(self, end: int, at: datetime) -> bool:
        """Whether something was traded between the end of a stretch and `at`."""
        known = self._resumed.get(end)
        if known is not None and known <= at:
            return True
        if to_ms(at) < end or not self._data.trades(self._market, from_ms(end - 1), at, 1):
            return False
        self._resumed[end] = at
        return True

    def _traded_by(self, at: int) -> bool:
        try:
            return bool(self._data.trades(self._market, self._data.start - _MILLISECOND, from_ms(at), 1))
        except UnknownMarket:
            return False

    def _seen(self, after: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        """What is to be seen of [after, until], both ends included."""
        for begin, end in self._curtain.open(to_ms(after), to_ms(until) + 1):
            yield max(after, from_ms(begin)), min(until, from_ms(end - 1)) if end <= to_ms(until) else until

    def _marks(self, today: int, now: datetime) -> tuple[Mark, Mark] | None:
        """(highest price, its day) and (lowest price, its day) of the 364 days before `today`; None without any."""
        if self._marked[0] != today:
            rows = self.candles(CandleUnit.DAYS, from_ms(today * DAY_MS), YEAR_DAYS - 1, now)
            oldest = from_ms((today - YEAR_DAYS + 1) * DAY_MS)
            kept = [row for row in reversed(rows) if row.start >= oldest]
            highs = [(row.high, row.start.date()) for row in kept]
            lows = [(row.low, row.start.date()) for row in kept]
            self._marked = today, (max(highs, key=_price), min(lows, key=_price)) if kept else None
        return self._marked[1]

    def _rolling(self, moment: int) -> tuple[float, float]:
        """(volume, turnover) of the 24 hours up to and including `moment`."""
        begin, end = moment + 1 - DAY_MS, moment + 1
        midnight = end // DAY_MS * DAY_MS
        volume = turnover = 0.0
        for left, right in self._curtain.open(begin, end):
            for one, two in ((left, min(right, midnight)), (max(left, midnight), right)):
                if one < two:
                    before, after = (
                        _since_midnight(self._data, self._market, at, one // DAY_MS) for at in (one, two)
                    )
                    volume, turnover = volume + after[0] - before[0], turnover + after[1] - before[1]
        return round(max(0.0, volume), 8), max(0.0, turnover)


def _since_midnight(data: MarketData, market: Market, end: int, day: int) -> tuple[float, float]:
    """(volume, turnover) of `day` before `end` in the data, hidden or not."""
    try:
        rows = data.candles(market, CandleUnit.DAYS, from_ms(end), 1, from_ms(end - 1))
    except UnknownMarket:
        return 0.0, 0.0
    if not rows or rows[0].start != from_ms(day * DAY_MS):
        return 0.0, 0.0
    return rows[0].volume, rows[0].turnover


def _price(mark: Mark) -> float:
    return mark[0]


def _untraded(price: float, at: datetime) -> DayStats:
    """The ticker of a market that has not traded yet."""
    return DayStats(
        open=price,
        high=price,
        low=price,
        prev_close=price,
        price=price,
        turnover=0.0,
        volume=0.0,
        turnover_24h=0.0,
        volume_24h=0.0,
        high_52w=price,
        high_52w_on=at.date(),
        low_52w=price,
        low_52w_on=at.date(),
        last_trade_at=from_ms(to_ms(at) // SECOND_MS * SECOND_MS),
        last_trade_volume=0.0,
    )
