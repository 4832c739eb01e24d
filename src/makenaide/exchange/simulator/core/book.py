"""One side of a market as a taker meets it: resting orders of accounts merged with the synthetic depth.

Price first; at equal price the orders of accounts come before the street, and those by time (upbit-api.md section 5).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from makenaide.domain.order import Side
from makenaide.exchange.simulator.core.orders import ZERO, Order
from makenaide.exchange.simulator.market import BOOK_LEVELS, BookSides

Levels = tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to trade with: `maker` is an account's order, or None for the street's level number `rank`."""

    price: Decimal
    size: Decimal
    maker: Order | None
    rank: int


class Taken:
    """The street's liquidity that is gone: it comes back when the minute of venue time changes.

    Kept by the level's place from the best, so that a price that moves within the minute does not refill the book.
    """

    def __init__(self) -> None:
        self._minute: datetime | None = None
        self._gone: dict[tuple[Side, int], Decimal] = {}

    def add(self, at: datetime, side: Side, rank: int, volume: Decimal) -> None:
        """`volume` of level `rank` of `side` was taken."""
        gone = self.at(at)
        self._minute, self._gone = _minute(at), dict(gone)
        self._gone[side, rank] = gone.get((side, rank), ZERO) + volume

    def at(self, at: datetime) -> Mapping[tuple[Side, int], Decimal]:
        """What is gone at `at`, by side and place from the best."""
        return self._gone if self._minute == _minute(at) else {}

    def state(self, at: datetime) -> list[str]:
        """`at`'s gone liquidity in words, for comparing two venues."""
        return [f"{side} {rank} {volume}" for (side, rank), volume in sorted(self.at(at).items())]


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def offers(
    side: Side, street: BookSides, gone: Mapping[tuple[Side, int], Decimal], own: Iterable[Order]
) -> list[Offer]:
    """What stands on `side` (ASK = what a buyer meets), best first."""
    levels = street.asks if side is Side.ASK else street.bids
    found = [
        Offer(price, left, None, rank)
        for rank, (price, size) in enumerate(levels)
        if (left := size - gone.get((side, rank), ZERO)) > 0
    ]
    found.extend(
        Offer(order.limit, order.remaining, order, order.number)
        for order in own
        if order.side is side and order.limit is not None and order.remaining
    )
    sign = 1 if side is Side.ASK else -1
    found.sort(key=lambda offer: (sign * offer.price, offer.maker is None, offer.rank))
    return found


def by_price(found: Sequence[Offer], depth: int = BOOK_LEVELS) -> Levels:
    """`found` as the book shows it: one level a price, at most `depth` of them."""
    sizes: dict[Decimal, Decimal] = {}
    for offer in found:
        if offer.price not in sizes and len(sizes) == depth:
            break
        sizes[offer.price] = sizes.get(offer.price, ZERO) + offer.size
    return tuple(sizes.items())
