"""What is left to sell of a position: from what the books knew, and what the guard's exits have sold since. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from makenaide.domain.intent import WITH_DUST, StoredOrder
from makenaide.domain.money import Quantity
from makenaide.domain.order import PositionId
from makenaide.execution.guard.stops import GuardedStop, PublishedExit

_ZERO = Decimal(0)
_NOTHING = PublishedExit(own=Quantity(0), along=Quantity(0), ended=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What is left: `own` of the position, and of each `dust` that goes along."""

    own: Quantity
    dust: Mapping[PositionId, Quantity]

    @property
    def total(self) -> Quantity:
        """All of it."""
        return Quantity(self.own.value + sum((each.value for each in self.dust.values()), _ZERO))


def tally(about: GuardedStop, sold: Mapping[int, tuple[StoredOrder, Quantity]], bought: Quantity) -> Tally:
    """What is left of `bought`. `sold`, by exit number: the guard's own orders with what the venue showed as sold.

    An exit that both sides know counts once, by the larger of the two: what is booked of it, or what was seen.
    """
    own, unbooked = bought.value - about.gone.value, _ZERO
    for number in {*about.exits, *sold}:
        booked = about.exits.get(number, _NOTHING)
        mine, along = booked.own.value, booked.along.value
        if number in sold:
            order, executed = sold[number]
            total = max(executed.value, mine + along)
            mine = max(mine, min(total, own_volume(order)))
            unbooked += max(total - mine - along, _ZERO)
        own -= mine
    return Tally(own=Quantity(max(own, _ZERO)), dust=_less(about.dust, unbooked) if own > 0 else {})


def own_volume(order: StoredOrder) -> Decimal:
    """What an exit sells of its own position: its volume without the dust that goes along."""
    along: Mapping[str, str] = order.evidence.get(WITH_DUST, {})
    volume = order.request.volume.value if order.request.volume is not None else _ZERO
    return max(volume - sum((Decimal(each) for each in along.values()), _ZERO), _ZERO)


def _less(dust: Mapping[PositionId, Quantity], sold: Decimal) -> dict[PositionId, Quantity]:
    """`dust` after `sold` was taken of it, in its order."""
    left: dict[PositionId, Quantity] = {}
    for position, quantity in dust.items():
        taken = min(quantity.value, sold)
        sold -= taken
        if quantity.value > taken:
            left[position] = Quantity(quantity.value - taken)
    return left
