"""What happens to the generated markets besides prices: listings, warnings, delistings, maintenance.

Shapes after upbit-api.md section 10: a warning is set by notice, reviewed for a week or more, and ends in release or
in a delisting with an announced time; the venue is down in the small hours of each quarter's first day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.random import Generator

from makenaide.domain.clock import KST
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.prices.names import STABLECOINS, Coin
from makenaide.exchange.simulator.prices.regimes import Phase, States
from makenaide.exchange.simulator.prices.tape import Window

NOTICE_HOUR = 9
"""UTC hour at which a warning is published: 18:00 KST."""

DELISTING_HOUR = 6
"""UTC hour at which a market closes for good: 15:00 KST."""

_SAFE_COINS = 3
"""The largest coins are never late, warned or delisted."""

_SETTLED_DAYS = 15
"""A warned trend has run for this many days, so that somebody may hold the coin."""

_REVIEW_DAYS = (7, 15)
_DOOM_DAYS = (14, 31)
_EARLIEST_LISTING = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A coin's events, as day numbers from the first day of data; `lifted` None = the warning stands."""

    listed: int = 0
    warned: int | None = None
    lifted: int | None = None
    delisted: int | None = None


def lives(rng: Generator, settings: GeneratorSettings, coins: Sequence[Coin], phase: States) -> list[Life]:
    """The events of every coin; `phase` (day, coin) tells where a trend is strong."""
    model, total = settings.model, settings.history_days + settings.days
    eligible = [i for i, coin in enumerate(coins) if i >= _SAFE_COINS and coin.code not in STABLECOINS]
    drawn = [Life() for _ in coins]
    latest = settings.history_days + settings.days // 2
    late = round(model.late_share * len(coins)) if latest > _EARLIEST_LISTING else 0
    for i in rng.permutation(eligible)[:late].tolist():
        drawn[i] = Life(listed=int(rng.integers(_EARLIEST_LISTING, latest)))
    left = [i for i in rng.permutation(eligible).tolist() if not drawn[i].listed]
    for number in range(model.warned_trends + model.warned_others):
        trend = number < model.warned_trends
        spot = _spot(rng, left, phase if trend else None, (settings.history_days + 1, total - _DOOM_DAYS[1]))
        if spot is not None:
            coin, day = spot
            left.remove(coin)
            drawn[coin] = _warned(rng, drawn[coin], day, doomed=number % 2 == 1)
    return drawn


def _spot(
    rng: Generator, coins: list[int], phase: States | None, bounds: tuple[int, int]
) -> tuple[int, int] | None:
    """A coin and a day within `bounds` for a warning: any, or with `phase` one in a settled advance."""
    spots: list[tuple[int, int]] = []
    for coin in coins:
        days = np.arange(*bounds) if bounds[0] < bounds[1] else np.zeros(0, dtype=np.int64)
        if phase is not None:
            settled = phase[days, coin] == Phase.ADVANCE
            settled &= phase[np.maximum(0, days - _SETTLED_DAYS), coin] == Phase.ADVANCE
            days = days[settled]
        if len(days):
            spots.append((coin, int(rng.choice(days))))
    return spots[int(rng.integers(len(spots)))] if spots else None


def _warned(rng: Generator, life: Life, day: int, *, doomed: bool) -> Life:
    if doomed:
        return replace(life, warned=day, delisted=day + int(rng.integers(*_DOOM_DAYS)))
    return replace(life, warned=day, lifted=day + int(rng.integers(*_REVIEW_DAYS)))


def notices(life: Life, origin: datetime) -> tuple[Window, ...]:
    """The times under warning of a coin whose day 0 starts at `origin`."""
    if life.warned is None:
        return ()
    lifted = None if life.lifted is None else origin + timedelta(days=life.lifted, hours=NOTICE_HOUR)
    return (Window(start=origin + timedelta(days=life.warned, hours=NOTICE_HOUR), end=lifted),)


def delisting(life: Life, origin: datetime) -> datetime | None:
    """When the coin's market closes for good, if it does."""
    return None if life.delisted is None else origin + timedelta(days=life.delisted, hours=DELISTING_HOUR)


def maintenance(start: datetime, end: datetime) -> tuple[Window, ...]:
    """02:00-05:00 KST of each quarter's first day, as far as it lies in [start, end)."""
    quarters = [
        datetime(year, month, 1, 2, tzinfo=KST).astimezone(UTC)
        for year in range(start.year, end.year + 2)
        for month in (1, 4, 7, 10)
    ]
    return tuple(Window(start=begin, end=begin + timedelta(hours=3)) for begin in quarters if start <= begin < end)
