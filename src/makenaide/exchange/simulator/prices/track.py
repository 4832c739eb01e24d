"""One market's recorded prices, and the questions that can be answered from them alone.

The base candles say when the market traded; finer candles that add up to them only refine the way the price took.
Outside a base candle the last close stands and nothing can be traded. Inside, the street trades at the first and at
the last millisecond of every second (`leg.py`): as the corners of a path lie on whole seconds, the four prices of
every candle of whole seconds are prices of trades.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from makenaide.domain.market import Market
from makenaide.exchange.simulator.prices.bars import Bars, refined
from makenaide.exchange.simulator.prices.leg import Leg, tidy, trades_before
from makenaide.exchange.simulator.prices.moments import kst_day, last_trade_at
from makenaide.exchange.simulator.prices.path import Walk
from makenaide.exchange.simulator.prices.ticks import Ticks

_LEGS_KEPT = 2
"""A market's candles whose trades stay at hand: the day behind a ticker begins in one and ends in another."""

_LEAST = 1e-8
"""Coins of a trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What traded in a stretch of time; `last` is the millisecond of its last trade."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    last: int


class Track:
    """The candles of one market; at least one of them. All moments are milliseconds since 1970 (UTC).

    The trades of the last two candles asked for stay in memory: about 60 kB for each hour of them.
    """

    __slots__ = ("_base_end", "_base_start", "_end", "_kept", "_legs", "market", "ticks")

    def __init__(self, market: Market, base: Bars, finer: Iterable[Bars] = ()) -> None:
        self.market = market
        self.ticks = Ticks(market)
        legs = base
        for fine in finer:
            legs = refined(legs, fine)
        self._base_start, self._base_end = base.start, base.end
        self._legs, self._end = legs, legs.end
        self._kept: tuple[tuple[int, Leg], ...] = ()

    @property
    def candles(self) -> Bars:
        """The finest candles at hand, in time order."""
        return self._legs

    @property
    def start(self) -> int:
        """The first trade."""
        return int(self._base_start[0])

    @property
    def end(self) -> int:
        """The first millisecond after the last candle."""
        return int(self._base_end[-1])

    def traded(self, at: int) -> bool:
        """Whether a base candle covers `at`: otherwise there is no book."""
        index = int(self._base_start.searchsorted(at, "right")) - 1
        return index >= 0 and at < int(self._base_end[index])

    def index(self, at: int) -> int:
        """The position of the last candle that starts at or before `at`; -1 before the first."""
        return int(self._legs.start.searchsorted(at, "right")) - 1

    def window(self, begin: int, end: int) -> tuple[int, int]:
        """The positions [first, behind) of the candles that overlap [begin, end)."""
        return int(self._end.searchsorted(begin, "right")), int(self._legs.start.searchsorted(end, "left"))

    def walk(self, index: int) -> Walk:
        """The way through the candle at position `index`."""
        return self._leg(index).walk

    def _leg(self, index: int) -> Leg:
        for place, (known, leg) in enumerate(self._kept):
            if known == index:
                if place:
                    self._kept = ((known, leg), *(each for each in self._kept if each[0] != index))
                return leg
        legs = self._legs
        walk = Walk(
            int(legs.length[index]),
            float(legs.open[index]),
            float(legs.high[index]),
            float(legs.low[index]),
            float(legs.close[index]),
            self.ticks,
            kst_day(int(legs.start[index])),
        )
        leg = Leg(walk, float(legs.volume[index]), float(legs.turnover[index]))
        self._kept = ((index, leg), *self._kept[: _LEGS_KEPT - 1])
        return leg

    def price(self, at: int) -> float:
        """The price of the path at `at`, which lies at or after `start`; behind a candle its close."""
        index = self.index(at)
        if at >= int(self._end[index]):
            return float(self._legs.close[index])
        return self.walk(index).at(at - int(self._legs.start[index]))

    def last_trade(self, at: int) -> tuple[int, float]:
        """(when, how many coins) of the last trade at or before `at`, which lies at or after `start`."""
        index = self.index(at)
        when = last_trade_at(min(at, int(self._end[index]) - 1))
        place = trades_before(when - int(self._legs.start[index]))
        return when, max(_LEAST, round(self._leg(index).volume(place, place + 1), 8))

    def span(self, begin: int, end: int) -> Span | None:
        """What traded in [begin, end); None when nothing did."""
        first, behind = self.window(begin, end)
        if first >= behind:
            return None
        legs = self._legs
        if behind - first == 1 and begin <= int(legs.start[first]) and end >= int(self._end[first]):
            return self._whole(first)
        cut = [i for i in {first, behind - 1} if begin > int(legs.start[i]) or end < int(self._end[i])]
        parts = [self._part(i, begin, end) for i in sorted(cut)]
        inner = slice(first + (first in cut), behind - (behind - 1 in cut))
        if inner.start < inner.stop:
            parts.insert(1 if first in cut else 0, self._sum(inner))
        return _joined(parts)

    def _whole(self, index: int) -> Span:
        legs = self._legs
        return Span(
            open=float(legs.open[index]),
            high=float(legs.high[index]),
            low=float(legs.low[index]),
            close=float(legs.close[index]),
            volume=float(legs.volume[index]),
            turnover=float(legs.turnover[index]),
            last=int(self._end[index]) - 1,
        )

    def _sum(self, inner: slice) -> Span:
        legs = self._legs
        return Span(
            open=float(legs.open[inner.start]),
            high=float(np.max(legs.high[inner])),
            low=float(np.min(legs.low[inner])),
            close=float(legs.close[inner.stop - 1]),
            volume=float(np.sum(legs.volume[inner])),
            turnover=float(np.sum(legs.turnover[inner])),
            last=int(self._end[inner.stop - 1]) - 1,
        )

    def _part(self, index: int, begin: int, end: int) -> Span:
        origin = int(self._legs.start[index])
        leg = self._leg(index)
        walk = leg.walk
        left, right = max(0, begin - origin), min(walk.length, end - origin)
        trades = trades_before(left), trades_before(right)
        high, low = walk.extremes(left, right)
        return Span(
            open=walk.at(left),
            high=high,
            low=low,
            close=walk.at(right - 1),
            volume=tidy(leg.volume(*trades)),
            turnover=leg.turnover(*trades),
            last=last_trade_at(origin + right - 1),
        )


def _joined(parts: list[Span]) -> Span:
    return Span(
        open=parts[0].open,
        high=max(part.high for part in parts),
        low=min(part.low for part in parts),
        close=parts[-1].close,
        volume=tidy(sum(part.volume for part in parts)),
        turnover=sum(part.turnover for part in parts),
        last=parts[-1].last,
    )
