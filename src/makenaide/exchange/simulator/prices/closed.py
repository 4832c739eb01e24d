"""Closed candles of whole minutes, remembered: they never change again, and everybody asks for the newest ones."""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from makenaide.domain.market import Market
from makenaide.exchange.simulator.market import CandleRow
from makenaide.exchange.simulator.prices.candles import slots
from makenaide.exchange.simulator.prices.moments import from_ms, to_ms
from makenaide.exchange.simulator.prices.track import Track

TAILS = 400
"""Markets and lengths that are remembered, the last ones asked for."""

_MOST_ROWS = 400
_FARTHEST = 400
"""Slots by which time may move on before it is cheaper to begin anew."""


@dataclass(slots=True)
class _Tail:
    """Every candle that starts in [low, high), oldest first."""

    low: int
    high: int
    rows: list[CandleRow]


class ClosedCandles:
    """Pages of candles as `candles.rows` makes them; all moments are milliseconds since 1970 (UTC)."""

    def __init__(self) -> None:
        self._tails: OrderedDict[tuple[Market, int], _Tail] = OrderedDict()

    def page(self, track: Track, length: int, span: tuple[int, int], count: int) -> list[CandleRow]:
        """Up to `count` candles of `length` ms, newest first; `span` is before when they start and how late it is."""
        before, now = span
        forming = (now + 1) // length * length
        edge = from_ms(forming)
        newest = list(takewhile(lambda row: row.start >= edge, slots(track, length, before, now)))[:count]
        bound = -(-min(before, forming) // length) * length
        return newest + self._closed(track, length, bound, count - len(newest))

    def _closed(self, track: Track, length: int, bound: int, count: int) -> list[CandleRow]:
        """Up to `count` candles that start before `bound`, all of them closed."""
        key = track.market, length
        tail = self._tails.get(key)
        if tail is not None and bound < tail.low:
            return list(islice(slots(track, length, bound, bound), count))
        if tail is None or bound - tail.high > _FARTHEST * length:
            tail = self._tails[key] = _Tail(bound, bound, [])
            if len(self._tails) > TAILS:
                self._tails.popitem(last=False)
        self._tails.move_to_end(key)
        _extend(tail, slots(track, length, bound, bound), bound)
        last = bisect_left(tail.rows, from_ms(bound), key=_start)
        if last < count and len(tail.rows) > 2 * _MOST_ROWS:
            return list(islice(slots(track, length, bound, bound), count))
        if last < count:
            last += _deepen(tail, slots(track, length, tail.low, tail.low), count - last)
        return tail.rows[max(0, last - count) : last][::-1]


def _extend(tail: _Tail, newest_first: Iterator[CandleRow], bound: int) -> None:
    if bound <= tail.high:
        return
    high = from_ms(tail.high)
    tail.rows += list(takewhile(lambda row: row.start >= high, newest_first))[::-1]
    tail.high = bound
    if len(tail.rows) > 2 * _MOST_ROWS:
        del tail.rows[:-_MOST_ROWS]
        tail.low = to_ms(tail.rows[0].start)


def _deepen(tail: _Tail, newest_first: Iterator[CandleRow], count: int) -> int:
    """Add up to `count` older candles; returns how many there were."""
    older = list(islice(newest_first, count))[::-1]
    tail.rows[:0] = older
    if older:
        tail.low = to_ms(older[0].start)
    return len(older)


def _start(row: CandleRow) -> datetime:
    return row.start
