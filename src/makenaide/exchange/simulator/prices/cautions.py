"""The automatic cautions of the generated markets (upbit-api.md section 2.1): some follow the prices, some are drawn.

A day of a large move or of much turnover raises its flag for the day after. The other flags come and go by chance,
about as often as they were seen on 2026-09-23, when a quarter of all pairs had one: most of them
GLOBAL_PRICE_DIFFERENCES. They are drawn from a stream of their own, so that no price depends on them.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from makenaide.exchange.simulator.prices.bars import Bars, grouped
from makenaide.exchange.simulator.prices.moments import DAY_MS, MINUTE_MS, from_ms
from makenaide.exchange.simulator.prices.tape import Flag, Window

LARGE_MOVE = 0.15
"""Log return of a day that raises PRICE_FLUCTUATIONS."""

SOARING = 3.0
"""Times the mean of the 20 days before: a turnover that raises TRADING_VOLUME_SOARING."""

_MEAN_DAYS = 20
_STREAM = 2_001
"""Sets this stream of random numbers apart from that of the prices."""

_SPELLS = (
    ("GLOBAL_PRICE_DIFFERENCES", 0.20, 60.0),
    ("DEPOSIT_AMOUNT_SOARING", 0.02, 12.0),
    ("CONCENTRATION_OF_SMALL_ACCOUNTS", 0.02, 36.0),
)
"""(name, share of the time that it is up, mean hours that it stays up)."""


def cautions(seed: int, place: int, base: Bars) -> tuple[Flag, ...]:
    """The flags of the market number `place` of the world of `seed`, whose candles are `base`."""
    if not len(base):
        return ()
    found = [*_derived(base)]
    begin, end = int(base.start[0]), int(base.end[-1])
    rng = Generator(PCG64(SeedSequence(seed, spawn_key=(_STREAM, place))))
    for name, share, hours in _SPELLS:
        found += [(name, window) for window in _drawn(rng, (begin, end), share, hours)]
    return tuple(found)


def _derived(base: Bars) -> Iterator[Flag]:
    days = grouped(base, base.start // DAY_MS)
    moves = np.abs(np.diff(np.log(days.close)))
    yield from _days_after("PRICE_FLUCTUATIONS", days.key[1:][moves >= LARGE_MOVE])
    sums = np.concatenate(([0.0], np.cumsum(days.turnover)))
    means = (sums[_MEAN_DAYS:-1] - sums[: -_MEAN_DAYS - 1]) / _MEAN_DAYS
    later = days.turnover[_MEAN_DAYS:]
    yield from _days_after("TRADING_VOLUME_SOARING", days.key[_MEAN_DAYS:][later >= SOARING * means])


def _days_after(name: str, days: NDArray[np.int64]) -> Iterator[Flag]:
    for day in days.tolist():
        start = from_ms((day + 1) * DAY_MS)
        yield name, Window(start=start, end=start + timedelta(days=1))


def _drawn(rng: Generator, span: tuple[int, int], share: float, hours: float) -> list[Window]:
    """Spells of whole hours within `span` (milliseconds), with pauses between them."""
    begin, end = span
    rest = hours * (1 - share) / share
    count = 8 + round(2 * (end - begin) / (60 * MINUTE_MS) / (hours + rest))
    lengths = np.ceil(rng.exponential(1.0, (count, 2)) * (rest, hours)) * 60 * MINUTE_MS
    edges = begin + np.cumsum(lengths.ravel().astype(np.int64))
    return [
        Window(start=from_ms(one), end=from_ms(two))
        for up, (one, two) in enumerate(pairwise(edges.tolist()))
        if up % 2 == 0 and one < end
    ]
