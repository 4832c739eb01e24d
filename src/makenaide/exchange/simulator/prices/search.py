"""When a price first reaches a line: the searches behind stops (`touch`) and resting orders (`crossing`).

The best bid and the best ask never fall while the price rises, and every leg of a candle's path is monotone, so a
look at the two ends of a leg tells whether the line is reached in it, and a binary search finds the millisecond.
Whole candles are passed over by their recorded low and high first.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from makenaide.domain.order import Side
from makenaide.exchange.simulator.prices.depth import SPREAD, best_ask, best_bid
from makenaide.exchange.simulator.prices.moments import DAY_MS, KST_MS, kst_day
from makenaide.exchange.simulator.prices.path import Point
from makenaide.exchange.simulator.prices.track import Track

Met = Callable[[float, int], bool]
"""Whether (price, Korean day) meets the line."""


def first_touch(track: Track, after: int, until: int, floor: float, peak: float) -> int | None:
    """The first millisecond in [after, until] with best bid <= floor, or in (after, until] at a turn above peak."""

    def fallen(price: float, day: int) -> bool:
        return best_bid(track.ticks, price, day) <= floor

    if track.traded(after) and fallen(track.price(after), kst_day(after)):
        return after
    near_floor = floor * (1 + SPREAD) + _margin(track, floor * (1 + SPREAD), after, until)
    first, behind = track.window(after, until + 1)
    candles = track.candles
    candidates = (candles.low[first:behind] <= near_floor) | (candles.high[first:behind] > peak)
    for index in (np.flatnonzero(candidates) + first).tolist():
        points = _points(track, index)
        moments = [
            *_first_met(track, index, points, (after, until), fallen),
            *(at for at in _turns(track, index, points, peak) if after < at <= until),
        ]
        if moments:
            return min(moments)
    return None


def first_crossing(track: Track, after: int, until: int, side: Side, limit: float) -> tuple[int, float] | None:
    """The first millisecond in [after, until] at which the other side meets `limit`, and that candle's coins."""
    ticks = track.ticks

    def met(price: float, day: int) -> bool:
        if side is Side.BID:
            return best_ask(ticks, price, day) <= limit
        return best_bid(ticks, price, day) >= limit

    candles = track.candles
    if track.traded(after) and met(track.price(after), kst_day(after)):
        return after, float(candles.volume[track.index(after)])
    first, behind = track.window(after, until + 1)
    if side is Side.BID:
        candidates = candles.low[first:behind] <= limit + _margin(track, limit, after, until)
    else:
        candidates = candles.high[first:behind] >= limit
    for index in (np.flatnonzero(candidates) + first).tolist():
        for at in _first_met(track, index, _points(track, index), (after, until), met):
            return at, float(candles.volume[index])
    return None


def _margin(track: Track, price: float, after: int, until: int) -> float:
    """Two ticks: by how far the best prices may lie from the last trade beyond the spread."""
    return 2 * max(track.ticks.step(price, kst_day(at)).size for at in (after, until))


def _points(track: Track, index: int) -> list[Point]:
    """The path's corners in absolute time, cut at Korean midnights, where tick tables may change."""
    walk = track.walk(index)
    origin = int(track.candles.start[index])
    corners = [(origin + offset, price) for offset, price in walk.points()]
    midnight = (kst_day(origin) + 1) * DAY_MS - KST_MS
    if midnight < origin + walk.length:
        cuts = range(midnight, origin + walk.length, DAY_MS)
        corners = sorted({*corners, *((cut, walk.at(cut - origin)) for cut in cuts)})
    return corners


def _first_met(track: Track, index: int, points: list[Point], bounds: tuple[int, int], met: Met) -> Iterator[int]:
    """The first millisecond within `bounds` (inclusive) at which the line is met, if there is one."""
    walk = track.walk(index)
    origin = int(track.candles.start[index])

    def here(at: int) -> bool:
        return met(walk.at(at - origin), kst_day(at))

    for (begin, _), (end, _) in pairwise(points):
        left, right = max(begin, bounds[0]), min(end, bounds[1])
        if left > right:
            continue
        if here(left):
            yield left
            return
        if here(right):
            yield _bisected(left, right, here)
            return


def _bisected(left: int, right: int, here: Callable[[int], bool]) -> int:
    """The first true millisecond between a false `left` and a true `right` of a monotone leg."""
    while right - left > 1:
        middle = (left + right) // 2
        left, right = (left, middle) if here(middle) else (middle, right)
    return right


def _turns(track: Track, index: int, points: list[Point], peak: float) -> Iterator[int]:
    """The moments of candle `index` at which a rise ends with the best bid above `peak`."""
    candles = track.candles
    before = float(candles.close[index - 1]) if index > 0 else points[0][1]
    behind = float(candles.open[index + 1]) if index + 1 < len(candles) else points[-1][1]
    prices = [before, *(price for _, price in points), behind]
    for place, (at, price) in enumerate(points):
        rose, rises = prices[place] < price, prices[place + 2] > price
        if rose and not rises and best_bid(track.ticks, price, kst_day(at)) > peak:
            yield at
