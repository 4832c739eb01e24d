"""Candles of one market as arrays, in time order, and how finer ones refine coarser ones."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from makenaide.exchange.simulator.prices.moments import MINUTE_MS
from makenaide.exchange.simulator.prices.ticks import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Candles that traded, ascending and without overlap; they need not be of one length.

    `start` and `length` in milliseconds, prices in the quote currency, `volume` in coins, `turnover` in the quote
    currency.
    """

    start: Ints
    length: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    turnover: Floats

    @property
    def end(self) -> Ints:
        """The first millisecond after each candle."""
        return self.start + self.length

    def __len__(self) -> int:
        return len(self.start)

    def where(self, keep: NDArray[np.bool_] | Ints) -> "Bars":
        """The candles that `keep` selects, as a mask or as positions."""
        return Bars(**{each.name: getattr(self, each.name)[keep] for each in fields(self)})


def bars(
    minutes: int, start: Ints, prices: tuple[Floats, Floats, Floats, Floats], traded: tuple[Floats, Floats]
) -> Bars:
    """Candles of `minutes` each; `prices` are open, high, low, close and `traded` volume, turnover.

    Candles without volume are left out: nothing was traded, so there was no candle (upbit-api.md section 2.2). A NaN
    as turnover becomes volume x (high + low + close)/3 (trading.md, "Bars").
    """
    opened, high, low, close = prices
    volume, turnover = traded
    typical = volume * (high + low + close) / 3
    whole = Bars(
        start=start,
        length=np.full(len(start), minutes * MINUTE_MS, dtype=np.int64),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
        turnover=np.where(np.isnan(turnover), typical, turnover),
    )
    return whole.where(volume > 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Candles added up by key; every array has one entry a group, in order."""

    key: Ints
    first: Ints
    last: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    turnover: Floats


def grouped(candles: Bars, key: Ints) -> Groups:
    """`candles` added up by `key` (ascending): first open, highest high, lowest low, last close, sums."""
    first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1]))) if len(key) else np.zeros(0, np.int64)
    last = np.concatenate((first[1:], [len(key)])).astype(np.int64)[: len(first)] - 1
    return Groups(
        key=key[first],
        first=first.astype(np.int64),
        last=last,
        open=candles.open[first],
        high=_reduced(np.maximum, candles.high, first),
        low=_reduced(np.minimum, candles.low, first),
        close=candles.close[last],
        volume=_reduced(np.add, candles.volume, first),
        turnover=_reduced(np.add, candles.turnover, first),
    )


def _reduced(operation: np.ufunc, values: Floats, first: NDArray[np.intp]) -> Floats:
    reduced: Floats = operation.reduceat(values, first) if len(first) else np.zeros(0)
    return reduced


def refined(coarse: Bars, fine: Bars) -> Bars:
    """`coarse` with each candle replaced by the `fine` ones inside it, where these add up to its four prices.

    Their volumes are scaled to the volume of the candle that they replace, so that no sum of volumes changes; each
    keeps its own mean price, turnover / volume, which lies between its low and its high.
    """
    owner = np.searchsorted(coarse.start, fine.start, side="right").astype(np.int64) - 1
    inside = (owner >= 0) & (fine.end <= coarse.end[owner]) & (fine.length < coarse.length[owner])
    fine, owner = fine.where(inside), owner[inside]
    sums = grouped(fine, owner)
    here = coarse.where(sums.key)
    same = (
        (sums.open == here.open) & (sums.high == here.high) & (sums.low == here.low) & (sums.close == here.close)
    )
    replaced = np.zeros(len(coarse), dtype=np.bool_)
    replaced[sums.key[same]] = True
    taken = replaced[owner]
    fine, owner = fine.where(taken), owner[taken]
    scale = _spread(here.volume / sums.volume, sums.key, len(coarse))[owner]
    both = [coarse.where(~replaced), _scaled(fine, scale)]
    joined = {each.name: np.concatenate([getattr(one, each.name) for one in both]) for each in fields(Bars)}
    return Bars(**joined).where(np.argsort(joined["start"], kind="stable").astype(np.int64))


def _spread(values: Floats, positions: Ints, size: int) -> Floats:
    wide = np.ones(size)
    wide[positions] = values
    return wide


def _scaled(candles: Bars, factor: Floats) -> Bars:
    own = {each.name: getattr(candles, each.name) for each in fields(candles)}
    return Bars(**(own | {"volume": candles.volume * factor, "turnover": candles.turnover * factor}))
