"""The way a price takes through one candle (trading.md, "Path and book").

A candle that closes at or above its open is walked open - low - high - close, any other one open - high - low -
close. Of a candle of length T the open holds for the first T/12; the first extreme is reached at 5/12, the second
at 9/12, and the close in the candle's last millisecond, so that all four prices really are traded inside it; the
pieces between are straight lines. Prices between the four points are rounded to the nearest tick of the candle's
Korean day and kept between the two points that they connect, so that every leg is monotone even where recorded
prices lie off the ticks; the four points themselves stay as they were recorded.

What is traded on the way is told in `leg.py`.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from makenaide.exchange.simulator.prices.ticks import Floats, Ticks

Point = tuple[int, float]
"""(milliseconds, price)"""

Points = tuple[Point, Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Walk:
    """One candle, ready to be walked: its length in milliseconds, its four prices, and the day of its ticks.

    The corners of the path lie on whole twelfths of the length: on whole seconds in candles of whole minutes.
    """

    length: int
    open: float
    high: float
    low: float
    close: float
    ticks: Ticks
    day: int
    _points: Points = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        first, second = (self.low, self.high) if self.close >= self.open else (self.high, self.low)
        twelfth = self.length // 12
        points = (
            (0, self.open),
            (twelfth, self.open),
            (5 * twelfth, first),
            (9 * twelfth, second),
            (self.length - 1, self.close),
        )
        object.__setattr__(self, "_points", points)

    def points(self) -> Points:
        """The corners of the path, by milliseconds since the candle's start."""
        return self._points

    def at(self, offset: int) -> float:
        """The price `offset` milliseconds after the start; 0 <= offset < length."""
        for (begin, left), (end, right) in pairwise(self._points):
            if offset <= end:
                if offset == end or left == right:
                    return right
                raw = left + (right - left) * (offset - begin) / (end - begin)
                rounded = self.ticks.nearest(raw, self.day)
                return min(max(rounded, min(left, right)), max(left, right))
        raise ValueError(f"offset {offset} lies behind a candle of {self.length} ms")

    def extremes(self, begin: int, end: int) -> tuple[float, float]:
        """(highest, lowest) price in [begin, end), milliseconds since the start."""
        prices = [self.at(begin), self.at(end - 1)]
        prices.extend(price for offset, price in self._points if begin <= offset < end)
        return max(prices), min(prices)

    def prices(self, offsets: Floats) -> Floats:
        """`at` each of these whole offsets, which ascend."""
        prices = np.empty(len(offsets))
        done = 0
        for (begin, left), (end, right) in pairwise(self._points):
            behind = int(offsets.searchsorted(end, "right"))
            piece = prices[done:behind]
            if left == right or not len(piece):
                piece.fill(right)
            else:
                np.subtract(offsets[done:behind], begin, out=piece)
                piece *= right - left
                piece /= end - begin
                piece += left
                rounded = self.ticks.nearest_along(piece, self.day)
                np.maximum(rounded, min(left, right), out=rounded)
                np.minimum(rounded, max(left, right), out=piece)
                if offsets[behind - 1] == end:
                    piece[-1] = right
            done = behind
        return prices
