"""Tick arithmetic on floats, fast enough for a book's sixty levels: counts of ticks and the prices they stand for.

The tables are `domain.market.tick_size`; nothing is copied here. All band edges of the venue are 1, 2 or 5 times a
power of ten (upbit-api.md section 8), so one step is remembered per edge and time between two changes of the tables.
"""

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from makenaide.domain.market import TICK_DATES, Market, tick_size
from makenaide.exchange.simulator.prices.moments import day_date

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_EXACT_EDGES = tuple(Decimal(digit).scaleb(power) for power in range(-8, 8) for digit in (1, 2, 5))
_EDGES = tuple(float(edge) for edge in _EXACT_EDGES)
_EDGE_ARRAY = np.array(_EDGES)
_LOWEST = Decimal("1E-9")
_EPOCH = day_date(0).toordinal()
_CHANGES = np.array([each.toordinal() - _EPOCH for each in TICK_DATES], dtype=np.int64)
"""The Korean days on which steps changed; an era lies between two of them."""

_SLACK, _PRECISION = 1e-6, 1e-15
"""Of a tick, and of the count: a float that should be a whole count may miss it by some units in the last place."""


@dataclass(frozen=True, slots=True)
class Step:
    """The price step of one band on one day. `scale` is 1/size for sizes below 1, which floats hold exactly."""

    exact: Decimal
    size: float
    scale: float
    edge: float
    below: float

    def count(self, price: float) -> float:
        """`price` in ticks."""
        return price * self.scale if self.scale else price / self.size

    def down(self, price: float) -> int:
        """`price` in whole ticks, rounded down."""
        count = self.count(price)
        return math.floor(count + _SLACK + count * _PRECISION)

    def up(self, price: float) -> int:
        """`price` in whole ticks, rounded up."""
        count = self.count(price)
        return math.ceil(count - _SLACK - count * _PRECISION)

    def nearest(self, prices: Floats) -> Floats:
        """Every price on the nearest tick of this step, at least one."""
        counts = prices * self.scale if self.scale else prices / self.size
        np.rint(counts, out=counts)
        np.maximum(counts, 1.0, out=counts)
        if self.scale:
            counts /= self.scale
        else:
            counts *= self.size
        return counts

    def price(self, count: int) -> float:
        """The float nearest to `count` ticks: its repr has no more digits than the tick."""
        return count / self.scale if self.scale else count * self.size


class Ticks:
    """The price steps of one market."""

    __slots__ = ("_eras", "_steps", "market")

    def __init__(self, market: Market) -> None:
        self.market = market
        self._steps: dict[tuple[int, int], Step] = {}
        self._eras: dict[tuple[int, int], Step] = {}

    def step(self, price: float, day: int) -> Step:
        """The step at `price` on Korean day number `day`."""
        return self._step(bisect_right(_EDGES, price), day)

    def step_below(self, price: float, day: int) -> Step:
        """The step just under `price`: another one than `step` where `price` is a band's edge."""
        return self._step(bisect_left(_EDGES, price), day)

    def floor(self, price: float, day: int) -> float:
        """`price` on the tick at or below it, at least one tick."""
        step = self.step(price, day)
        return step.price(max(1, step.down(price)))

    def ceil(self, price: float, day: int) -> float:
        """`price` on the tick at or above it."""
        step = self.step(price, day)
        return step.price(max(1, step.up(price)))

    def nearest(self, price: float, day: int) -> float:
        """`price` on the nearest tick, at least one tick."""
        step = self.step(price, day)
        return step.price(max(1, round(step.count(price))))

    def nearest_all(self, prices: Floats, days: Ints) -> Floats:
        """`nearest` of every price on its own Korean day; a NaN stays NaN."""
        width = len(_EDGES) + 1
        keys = np.searchsorted(_CHANGES, days, side="right") * width
        keys += np.searchsorted(_EDGE_ARRAY, prices, side="right")
        steps = {int(key): self._of_era(*divmod(int(key), width)) for key in np.flatnonzero(np.bincount(keys))}
        table = np.zeros((2, width * (len(_CHANGES) + 1)))
        for key, step in steps.items():
            table[:, key] = step.size, step.scale
        sizes, scales = table[0, keys], table[1, keys]
        fine = scales > 0
        counts = np.maximum(1.0, np.rint(np.where(fine, prices * scales, prices / sizes)))
        rounded: Floats = np.where(fine, counts / np.where(fine, scales, 1.0), counts * sizes)
        return rounded

    def nearest_along(self, prices: Floats, day: int) -> Floats:
        """`nearest` of prices that rise or fall throughout, all on one Korean day; at least one price."""
        ends = float(prices[0]), float(prices[-1])
        lowest, highest = bisect_right(_EDGES, min(ends)), bisect_right(_EDGES, max(ends))
        rounded = self._step(lowest, day).nearest(prices)
        for band in range(lowest + 1, highest + 1):
            np.copyto(rounded, self._step(band, day).nearest(prices), where=prices >= _EDGES[band - 1])
        return rounded

    def _step(self, band: int, day: int) -> Step:
        known = self._steps.get((day, band))
        if known is not None:
            return known
        step = self._of_era(int(np.searchsorted(_CHANGES, day, side="right")), band)
        self._steps[(day, band)] = step
        return step

    def _of_era(self, era: int, band: int) -> Step:
        known = self._eras.get((era, band))
        if known is not None:
            return known
        on = day_date(int(_CHANGES[era - 1]) if era else int(_CHANGES[0]) - 1)
        exact = tick_size(self.market, _EXACT_EDGES[band - 1] if band else _LOWEST, on)
        under = tick_size(self.market, _EXACT_EDGES[band - 2] if band > 1 else _LOWEST, on)
        step = Step(
            exact=exact,
            size=float(exact),
            scale=float(1 / exact) if exact < 1 else 0.0,
            edge=_EDGES[band - 1] if band else 0.0,
            below=float(under),
        )
        self._eras[(era, band)] = step
        return step
