"""The synthetic book around a price (trading.md, "Path and book").

The spread is the larger of one tick and 10 bp of the price; thirty levels a side each hold 0.05 % of the market's
20-day turnover. The levels' distances are chosen so that an order which eats n of them pays, on average, the
square-root impact law on top of half the spread: 0.7 x daily sigma x sqrt(order / 20-day turnover). With shares of s
a level the law asks for a mean distance of 0.7 sigma sqrt(n s) over the first n levels, hence level k lies
0.7 sigma sqrt(s) ((k+1)^1.5 - k^1.5) from the best price; level 0, the best itself, has no distance. Distances are
rounded to ticks away from the best, and no two levels share a price.

The best bid never falls while the price rises, which the searches for stops rely on. To keep that true at the edge of
a band with a coarser tick, the bid above an edge is never lower than the bid on the edge.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from makenaide.exchange.simulator.market import BookSides
from makenaide.exchange.simulator.prices.ticks import Ticks

SPREAD = 0.001
LEVEL_SHARE = 0.0005
IMPACT = 0.7
SIGMA_FLOOR = 0.005

_DISTANCE = tuple(IMPACT * math.sqrt(LEVEL_SHARE) * ((k + 1) ** 1.5 - k**1.5) if k else 0.0 for k in range(30))
"""Distance of level k from the best price, in daily sigmas."""

_REMEMBERED = 2048
"""Books: several of each market of a whole venue, some 10 kB each."""

_COIN_STEPS = 10**8
_COIN_STEP = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Liquidity:
    """What fills a book: the mean daily turnover of the last 20 whole days and the daily standard deviation."""

    turnover: float
    sigma: float


def best_bid(ticks: Ticks, price: float, day: int) -> float:
    """The highest bid while the street's book stands at `price`."""
    step = ticks.step(price, day)
    raw = price - max(step.size, price * SPREAD) / 2
    on_edge = step.edge - max(step.below, step.edge * SPREAD) / 2
    return ticks.floor(max(raw, on_edge), day)


def best_ask(ticks: Ticks, price: float, day: int) -> float:
    """The lowest ask while the street's book stands at `price`."""
    spread = max(ticks.step(price, day).size, price * SPREAD)
    return ticks.ceil(best_bid(ticks, price, day) + spread, day)


@lru_cache(maxsize=_REMEMBERED)
def book(ticks: Ticks, price: float, day: int, liquidity: Liquidity, depth: int) -> BookSides:
    """Up to `depth` levels a side around `price`; fewer bids where the price runs out of ticks.

    The same question gets the very same object while it is remembered.
    """
    amount = liquidity.turnover * LEVEL_SHARE * _COIN_STEPS
    distances = [distance * liquidity.sigma for distance in _DISTANCE[:depth]]
    return BookSides(
        _bids(ticks, best_bid(ticks, price, day), day, (amount, distances)),
        _asks(ticks, best_ask(ticks, price, day), day, (amount, distances)),
    )


def _bids(
    ticks: Ticks, best: float, day: int, shape: tuple[float, list[float]]
) -> tuple[tuple[Decimal, Decimal], ...]:
    amount, distances = shape
    levels: list[tuple[Decimal, Decimal]] = []
    previous = math.inf
    for distance in distances:
        wanted = best * (1 - distance)
        step = ticks.step(wanted, day)
        count = step.down(wanted)
        if step.price(count) >= previous:
            step = ticks.step_below(previous, day)
            count = round(step.count(previous)) - 1
        if count <= 0:
            break
        previous = step.price(count)
        levels.append((count * step.exact, max(1, int(amount / previous)) * _COIN_STEP))
    return tuple(levels)


def _asks(
    ticks: Ticks, best: float, day: int, shape: tuple[float, list[float]]
) -> tuple[tuple[Decimal, Decimal], ...]:
    amount, distances = shape
    levels: list[tuple[Decimal, Decimal]] = []
    previous = 0.0
    for distance in distances:
        wanted = best * (1 + distance)
        step = ticks.step(wanted, day)
        count = step.up(wanted)
        if step.price(count) <= previous:
            step = ticks.step(previous, day)
            count = round(step.count(previous)) + 1
        previous = step.price(count)
        levels.append((count * step.exact, max(1, int(amount / previous)) * _COIN_STEP))
    return tuple(levels)
