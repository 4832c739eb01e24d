"""The street's trades inside one candle, so that they add up to its coins and, but for a trifle, to its turnover.

The street trades at the first and at the last millisecond of every second, at the price of the path (`path.py`). Half
a second's even share of the coins goes into each trade; the coins that make the turnover come out are one block on
top, at the first trade at the highest price of the path (at the lowest where the even shares cost too much). As every
part of the candle is a sum of such trades, its turnover over its volume is a mean of its own prices: never outside
them, as in the venue's own candles (upbit-api.md section 2.2). The coins of the parts add up to the whole's exactly;
the turnover does to within half a unit of 1e-8 coins times the price, for the block is of whole units too.

The trades while the open holds keep their even share wherever that can be, so that they need no look at the path.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from makenaide.exchange.simulator.prices.moments import SECOND_MS
from makenaide.exchange.simulator.prices.path import Walk
from makenaide.exchange.simulator.prices.ticks import Floats

UNITS = 1e8
"""Units of volume in a coin: eight decimals."""

_FULL = 1 - 1e-9
"""The most of the coins that one block takes: every trade trades something."""

_EXACT = 1e-12
"""What floats may miss, as a share."""


class _Rest(NamedTuple):
    """The trades behind the opening: even units in all, the block and its place, what each of them turned over."""

    even: float
    block: float
    place: int
    worth: Floats


def trades_before(offset: int) -> int:
    """How many trades lie before `offset` milliseconds of a candle."""
    return 2 * (offset // SECOND_MS) + (offset % SECOND_MS > 0)


def tidy(volume: float) -> float:
    """`volume` on eight decimals where a float's last digits alone keep it off them."""
    rounded = round(volume, 8)
    return rounded if abs(rounded - volume) <= _EXACT * volume else volume


class Leg:
    """The trades of one candle of `volume` coins and `turnover`, walked by `walk`; trades count from 0.

    Volumes are whole units of 1e-8 coins while there is at least one for every trade, fractions of it otherwise. To a
    turnover that no prices between low and high make, the trades do not add up: they have even shares. Holds up to
    eight bytes a trade once a question goes behind the opening.
    """

    __slots__ = ("_count", "_held", "_rest", "_scale", "_turnover", "_units", "walk")

    def __init__(self, walk: Walk, volume: float, turnover: float) -> None:
        self.walk = walk
        self._count = trades_before(walk.length)
        units = volume * UNITS
        self._units = float(round(units)) if units >= self._count else units
        self._scale = volume / self._units
        self._turnover = turnover
        self._rest: _Rest | None = None
        self._held = 0
        self._held = self._count if walk.low == walk.high else self._opening(volume)

    def _opening(self, volume: float) -> int:
        """The trades at the open that keep an even share: none when the others could not make up for them."""
        held = trades_before(self.walk.length // 12 + 1)
        coins = _evenly(self._units, (0, held), self._count) * self._scale
        mean = (self._turnover - self.walk.open * coins) / (volume - coins)
        possible = self.walk.low * (1 - _EXACT / 4) <= mean <= self.walk.high * (1 + _EXACT / 4)
        return held if possible else 0

    def volume(self, first: int, behind: int) -> float:
        """The coins of the trades [first, behind)."""
        return self._sized(first, behind) * self._scale

    def turnover(self, first: int, behind: int) -> float:
        """What the trades [first, behind) turned over."""
        held, price = self._held, self.walk.open
        if self._ends(first, behind):
            return self._turnover - price * self._sized(0, first) * self._scale
        total = price * _evenly(self._units, (first, min(behind, held)), self._count) * self._scale
        if behind > held:
            total += float(self._behind().worth[max(first - held, 0) : behind - held].sum())
        return total

    def _sized(self, first: int, behind: int) -> float:
        """The units of the trades [first, behind)."""
        held = self._held
        if self._ends(first, behind):
            return self._units - self._sized(0, first)
        units = _evenly(self._units, (first, min(behind, held)), self._count)
        if behind > held:
            rest, left, right = self._behind(), max(first - held, 0), behind - held
            units += _evenly(rest.even, (left, right), self._count - held)
            units += rest.block if left <= rest.place < right else 0.0
        return units

    def _ends(self, first: int, behind: int) -> bool:
        """Whether all but trades of the opening are in [first, behind): what these leave is left."""
        return first <= self._held < behind == self._count and self._held > 0

    def _behind(self) -> _Rest:
        if self._rest is None:
            self._rest = self._built()
        return self._rest

    def _built(self) -> _Rest:
        opening = _evenly(self._units, (0, self._held), self._count)
        units, count = self._units - opening, self._count - self._held
        prices = self.walk.prices(_moments(self.walk.length))[self._held :]
        wanted = (self._turnover / self._scale - self.walk.open * opening) / units
        mean = float(prices.sum()) / count
        place = int(prices.argmax() if wanted > mean else prices.argmin())
        extreme = float(prices[place])
        possible = abs(wanted - mean) <= abs(extreme - mean) + _EXACT * extreme
        share = min((wanted - mean) / (extreme - mean), _FULL) if possible else 0.0
        even = (1 - share) * units
        if even >= count:
            even = float(round(even))
            shares = even * _numbers(count) / count
            np.rint(shares, out=shares)
            worth: Floats = (shares[1:] - shares[:-1]) * prices
        else:
            worth = even / count * prices
        block = units - even
        worth[place] += block * prices[place]
        worth *= self._scale
        return _Rest(even, block, place, worth)


def _evenly(units: float, trades: tuple[int, int], count: int) -> float:
    """What [first, behind) of `count` trades get of `units`: whole ones if there is one for each; 0 for none."""
    first, behind = trades
    if first >= behind:
        return 0.0
    if units < count:
        return units * (behind - first) / count
    return float(round(units * behind / count) - round(units * first / count))


@lru_cache(maxsize=4)
def _moments(length: int) -> Floats:
    """When the trades of a candle of `length` ms are, in ms since its start."""
    count = np.arange(trades_before(length))
    moments: Floats = (count // 2 * SECOND_MS + count % 2 * (SECOND_MS - 1)).astype(np.float64)
    moments.flags.writeable = False
    return moments


@lru_cache(maxsize=8)
def _numbers(count: int) -> Floats:
    """0 to `count`."""
    numbers: Floats = np.arange(count + 1, dtype=np.float64)
    numbers.flags.writeable = False
    return numbers
