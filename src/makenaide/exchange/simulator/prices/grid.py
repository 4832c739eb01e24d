"""A table of price steps that replaces the published one: what it does to a book and to the searches in it.

On a new table the street's orders are seen on the new steps, bids at the step below, asks at the step above; prices
of trades stay what they are, as if met by orders from before the change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from makenaide.domain.order import Side
from makenaide.exchange.simulator.market import BookSides

Levels = tuple[tuple[Decimal, Decimal], ...]

_DIGITS = 12
"""Digits on either side of the point that a band's numbers may have: quotients of such are exact."""

_JUST_BELOW = 1 - Decimal("1E-12")


@dataclass(frozen=True, slots=True)
class Grid:
    """`bands` are (price from, inclusive; step), highest first, the last one from zero."""

    bands: Levels

    def step(self, price: Decimal) -> Decimal:
        """The price step at `price`."""
        return next(step for start, step in self.bands if price >= start)

    def book(self, sides: BookSides, depth: int) -> BookSides:
        """`sides` on these steps, up to `depth` levels a side."""
        return BookSides(
            self._gathered(sides.bids, ROUND_FLOOR)[:depth], self._gathered(sides.asks, ROUND_CEILING)[:depth]
        )

    def limit(self, side: Side, limit: Decimal) -> Decimal:
        """The limit that the data's own book meets at the moment at which this book meets `limit`."""
        return self._on_step(limit, ROUND_FLOOR if side is Side.BID else ROUND_CEILING)

    def mark(self, price: Decimal) -> Decimal:
        """What a best bid of the data exceeds exactly when the bid of this book exceeds `price`."""
        if not price.is_finite():
            return price
        return (self._on_step(price, ROUND_FLOOR) + self.step(price)) * _JUST_BELOW

    def _on_step(self, price: Decimal, rounding: str) -> Decimal:
        step = self.step(price)
        return (price / step).to_integral_value(rounding) * step

    def _gathered(self, side: Levels, rounding: str) -> Levels:
        groups: dict[Decimal, Decimal] = {}
        for price, size in side:
            there = self._on_step(price, rounding)
            groups[there] = groups.get(there, Decimal(0)) + size
        return tuple((price, size) for price, size in groups.items() if price)


def misfit(bands: Sequence[tuple[Decimal, Decimal]]) -> str | None:
    """What is wrong with `bands` as a table of price steps; None when nothing is."""
    if not all(_sensible(number) for band in bands for number in band):
        return f"expected prices and steps of at most {_DIGITS} digits on either side of the point"
    starts = [start for start, _ in bands]
    if not starts or starts[-1] != 0 or starts != sorted(set(starts), reverse=True):
        return "expected falling prices, the last one 0"
    if any(step <= 0 for _, step in bands):
        return "expected steps above 0"
    under = [*bands[1:], bands[-1]]
    if any(start % step or start % below for (start, step), (_, below) in zip(bands, under, strict=True)):
        return "expected each price on the steps of its own band and of the one below"
    return None


def _sensible(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_DIGITS:
        return False
    return not number or number.adjusted() < _DIGITS
