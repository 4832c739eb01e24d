"""Matching: an incoming order against the offers before it, with self-match prevention (upbit-api.md section 5)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from makenaide.domain.order import OrderType, TimeInForce
from makenaide.exchange.simulator.core.book import Offer
from makenaide.exchange.simulator.core.orders import ZERO, Order, SelfMatch, truncated
from makenaide.exchange.simulator.core.settlement import Settlement

Took = Callable[[int, Decimal], None]
"""Told of the street's liquidity that was taken: the level's place from the best, and the volume."""


def execute(order: Order, against: Sequence[Offer], settlement: Settlement, took: Took, at: datetime) -> None:
    """Let `order` take what it may of `against` (best first); close it unless the rest of it may rest."""
    if order.ticket.type is OrderType.BEST:
        order.limit = against[0].price if against else ZERO
    if _may_take(order, against):
        _take(order, against, settlement, took, at)
    if order.open and (
        order.complete or not order.ticket.rests or not order.remaining or _unwelcome(order, against)
    ):
        settlement.close(order)


def _unwelcome(order: Order, against: Sequence[Offer]) -> bool:
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


def _take(order: Order, against: Sequence[Offer], settlement: Settlement, took: Took, at: datetime) -> None:
    for offer in against:
        wanted = order.wanted(offer.price)
        if wanted <= 0 or order.refuses(offer.price):
            return
        if offer.maker is not None and _own(order, offer):
            if order.ticket.self_match is SelfMatch.CANCEL_TAKER:
                _prevent_rest(order, offer.price, settlement)
                return
            _prevent(order, offer.maker, min(wanted, offer.size), offer.price, settlement)
            continue
        volume = min(wanted, offer.size)
        settlement.take(order, offer.maker, offer.price, volume, at)
        if offer.maker is None:
            took(offer.rank, volume)
        elif not offer.maker.remaining:
            settlement.close(offer.maker)


def _prevent(order: Order, maker: Order, overlap: Decimal, price: Decimal, settlement: Settlement) -> None:
    if order.ticket.self_match is SelfMatch.CANCEL_MAKER:
        _prevent_rest(maker, price, settlement)
        return
    settlement.prevent(order, overlap, price)
    settlement.prevent(maker, overlap, price)
    if not maker.remaining:
        settlement.close(maker)


def _prevent_rest(order: Order, price: Decimal, settlement: Settlement) -> None:
    settlement.prevent(order, order.wanted(price), price)
    settlement.close(order)
