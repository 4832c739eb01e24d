"""Booking: what `GET /order` shows becomes fills, postings and a state, in one transaction.

Postings come from nowhere else (house protocol): a create reply or a stream frame merely triggers a look.
"""

from datetime import datetime

from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import ZERO_KRW
from makenaide.domain.order import Found, OrderLife, OrderType, advance
from makenaide.exchange.venue import PlacedOrder
from makenaide.execution.whole import require_true, whole
from makenaide.ledger.fees import share_fees
from makenaide.ledger.fill import Fill
from makenaide.ledger.postings import fill_postings
from makenaide.store.accounts import Lease
from makenaide.store.db import Database
from makenaide.store.journal import JournalFill, fills_of_order, put_fill
from makenaide.store.orders import StoredOrder, record_event


def book(db: Database, lease: Lease, order: StoredOrder, placed: PlacedOrder, at: datetime) -> OrderLife:
    """Post the trades of `placed` that are not posted yet, record its state, and return it.

    Everything happens in one transaction. A reply whose trades are not all listed yet is not believed: the state
    stays as it was and the caller looks again. `Inconsistent` when the venue shows another order than was asked, or
    trades that cannot be true.
    """
    require_same(order, placed)
    if not whole(placed):
        return order.life
    with db.transaction():
        lease.check()
        posted = fills_of_order(db, order.account_id, order.identifier)
        require_true(order.identifier, placed, posted)
        new = _new_fills(order, placed, posted)
        for fill in new:
            entry = JournalFill(fill=fill, position_id=order.position_id, reason=order.reason)
            put_fill(db, order.account_id, entry, fill_postings(fill))
        found = Found(placed.uuid, placed.closed)
        life = advance(order.life, found)
        if new or life != order.life:
            record_event(db, order.identifier, at, found, life, venue_state=placed.state, fills=len(new))
    return life


def _new_fills(order: StoredOrder, placed: PlacedOrder, posted: tuple[Fill, ...]) -> tuple[Fill, ...]:
    known = {fill.trade_uuid for fill in posted}
    fresh = sorted((t for t in placed.trades if t.uuid not in known), key=lambda t: (t.at, t.uuid))
    paid = sum((fill.fee for fill in posted), ZERO_KRW)
    fees = share_fees([trade.funds for trade in fresh], placed.paid_fee - paid)
    return tuple(
        Fill(
            trade_uuid=trade.uuid,
            identifier=order.identifier,
            market=order.request.market,
            side=order.request.side,
            price=trade.price,
            volume=trade.volume,
            funds=trade.funds,
            fee=fee,
            at=trade.at,
        )
        for trade, fee in zip(fresh, fees, strict=True)
    )


def require_same(order: StoredOrder, placed: PlacedOrder) -> None:
    """`Inconsistent` unless the venue's order is, in market, side, type and size, the one that was committed."""
    asked = order.request
    size = (asked.volume, placed.volume)
    if asked.type is OrderType.PRICE:
        size = (None, None)
    same = (placed.market, placed.side, placed.type) == (asked.market, asked.side, asked.type.value)
    if not same or size[0] != size[1]:
        raise Inconsistent(
            f"{order.identifier}: committed {asked.side} {asked.type} {asked.market} {asked.volume}, "
            f"the venue shows {placed.side} {placed.type} {placed.market} {placed.volume}"
        )
