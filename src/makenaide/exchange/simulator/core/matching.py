"""Matching: an incoming order against the offers before it, with self-match prevention (upbit-api.md section 5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from makenaide.domain.order import OrderType, TimeInForce
from makenaide.exchange.simulator.core.book import Offer
from makenaide.exchange.simulator.core.orders import ZERO, Order, truncated
from makenaide.exchange.simulator.core.settlement import Deal, Settlement
from makenaide.exchange.simulator.settings import SelfMatch

Took = Callable[[int, Decimal], None]
"""Told of the street's liquidity that was taken: the level's place from the best, and the volume."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where matching books what it does, and when it does it."""

    settlement: Settlement
    took: Took
    at: datetime

    def close(self, order: Order) -> None:
        """End `order` now."""
        self.settlement.close(order, self.at)


def execute(order: Order, against: Sequence[Offer], desk: Desk) -> None:
    """Let `order` take what it may of `against` (best first); close it unless the rest of it may rest."""
    if order.ticket.type is OrderType.BEST:
        order.limit = against[0].price if against else ZERO
    if _may_take(order, against):
        _take(order, against, desk)
    if order.open and (
        order.complete or not order.ticket.rests or not order.remaining or would_take(order, against)
    ):
        desk.close(order)


def would_take(order: Order, against: Sequence[Offer]) -> bool:
    """Whether `order` is post_only and would take the best of `against`."""
    post_only = order.ticket.time_in_force is TimeInForce.POST_ONLY
    return post_only and bool(against) and not order.refuses(against[0].price)


def _may_take(order: Order, against: Sequence[Offer]) -> bool:
    match order.ticket.time_in_force:
        case TimeInForce.POST_ONLY:
            return False
        case TimeInForce.FOK:
            return _fillable(order, against)
        case _:
            return True


def _fillable(order: Order, against: Sequence[Offer]) -> bool:
    volume, funds = ZERO, ZERO
    for offer in against:
        if order.refuses(offer.price):
            return False
        if _own(order, offer):
            if order.ticket.self_match is SelfMatch.CANCEL_MAKER:
                continue
            return False
        volume += offer.size
        if order.ticket.volume is not None:
            enough = volume >= order.ticket.volume
        else:
            # By total: this level must hold all that the rest of the money buys at its price.
            wanted = truncated((order.ticket.funds - funds) / offer.price)
            enough = wanted <= offer.size
            funds += offer.size * offer.price
        if enough:
            return True
    return False


def _own(order: Order, offer: Offer) -> bool:
    same = offer.maker is not None and offer.maker.account == order.account
    return same and order.ticket.self_match is not SelfMatch.NONE


def _take(order: Order, against: Sequence[Offer], desk: Desk) -> None:
    for offer in against:
        wanted = order.wanted(offer.price)
        if wanted <= 0 or order.refuses(offer.price):
            return
        if offer.maker is not None and _own(order, offer):
            if order.ticket.self_match is SelfMatch.CANCEL_TAKER:
                _prevent_rest(order, offer.price, desk)
                return
            _prevent(order, offer.maker, (offer.price, min(wanted, offer.size)), desk)
            continue
        volume = min(wanted, offer.size)
        desk.settlement.take(order, offer.maker, (offer.price, volume), desk.at)
        if offer.maker is None:
            desk.took(offer.rank, volume)
        elif not offer.maker.remaining:
            desk.close(offer.maker)


def _prevent(order: Order, maker: Order, overlap: Deal, desk: Desk) -> None:
    if order.ticket.self_match is SelfMatch.CANCEL_MAKER:
        _prevent_rest(maker, overlap[0], desk)
        return
    desk.settlement.prevent(order, overlap, desk.at)
    desk.settlement.prevent(maker, overlap, desk.at)
    if not maker.remaining:
        desk.close(maker)


def _prevent_rest(order: Order, price: Decimal, desk: Desk) -> None:
    desk.settlement.prevent(order, (price, order.wanted(price)), desk.at)
    desk.close(order)
