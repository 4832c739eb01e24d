"""Booking: what `GET /order` shows becomes fills, postings and a state, in one transaction.

Postings come from nowhere else (house protocol): a create reply or a stream frame merely triggers a look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from makenaide.domain.errors import Inconsistent
from makenaide.domain.intent import WITH_DUST, StoredOrder
from makenaide.domain.money import QUANTITY_STEP, ZERO_KRW, Krw, Quantity
from makenaide.domain.order import Found, Leg, PositionId
from makenaide.exchange.venue import PlacedOrder
from makenaide.execution.sameness import is_burn, require_same
from makenaide.execution.whole import require_true, whole
from makenaide.ledger.fees import share_fees
from makenaide.ledger.fill import Fill
from makenaide.ledger.postings import fill_postings
from makenaide.store.accounts import Lease
from makenaide.store.db import Database
from makenaide.store.journal import JournalFill, fills_of_order, put_fill, put_postings, shares_of_order
from makenaide.store.orders import record_event

_ENDLESS = Quantity(10**30)


def book(db: Database, lease: Lease, order: StoredOrder, placed: PlacedOrder, at: datetime) -> StoredOrder:
    """Post the trades of `placed` that are not posted yet, record its state, and return the order as it then stands.

    Everything happens in one transaction. A reply whose trades are not all listed yet is not believed: the state
    stays as it was and the caller looks again. `Inconsistent` when the venue shows another order than was asked, or
    trades that cannot be true.
    """
    require_same(order, placed)
    if placed.trades and order.leg is not Leg.ENTRY and is_burn(order, placed):
        raise Inconsistent(f"{order.identifier}: the bid that was to spend it has bought {placed.executed}")
    if not whole(placed):
        return order
    with db.transaction():
        lease.check()
        posted = fills_of_order(db, order.account_id, order.identifier)
        require_true(order.identifier, placed, posted)
        new = _new_fills(order, placed, posted)
        room = _room(db, order)
        for fill in new:
            for position, part in split(fill, room):
                entry = JournalFill(fill=part, position_id=position, reason=order.reason)
                put_fill(db, order.account_id, entry)
            put_postings(db, order.account_id, fill_postings(fill))
        found = Found(placed.uuid, placed.closed)
        after = order.after(found)
        if new or after.life != order.life:
            record_event(db, order.identifier, at, found, after.life, venue_state=placed.state, fills=len(new))
    return after


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


def _room(db: Database, order: StoredOrder) -> dict[PositionId, Quantity]:
    """How much each position may still sell by this order, its own first; one that sells alone has no bounds."""
    dust: Mapping[str, str] = order.evidence.get(WITH_DUST, {})
    if not dust or order.request.volume is None:
        return {order.position_id: _ENDLESS}
    along = {PositionId(position): Quantity(amount) for position, amount in dust.items()}
    own = order.request.volume.value - sum((each.value for each in along.values()), Decimal(0))
    sold = shares_of_order(db, order.account_id, order.identifier)
    whole = {order.position_id: Quantity(max(own, Decimal(0))), **along}
    left = {key: each.value - sold.get(key, Decimal(0)) for key, each in whole.items()}
    return {key: Quantity(max(each, Decimal(0))) for key, each in left.items()}


def split(fill: Fill, room: dict[PositionId, Quantity]) -> Sequence[tuple[PositionId, Fill]]:
    """`fill` as the parts of the positions in `room`, in order; what each takes is taken off its room.

    Funds and fee are shared by volume, truncated to 8 decimals; the last part takes the rest.
    """
    shares: list[tuple[PositionId, Quantity]] = []
    left = fill.volume
    for position, space in room.items():
        taken = min(left, space)
        if taken:
            shares.append((position, taken))
            room[position] = space - taken
            left = left - taken
    if left:
        raise Inconsistent(f"{fill.identifier}: {left} more were traded than its positions sell")
    funds = _shared(fill.funds, [each for _, each in shares])
    fees = _shared(fill.fee, [each for _, each in shares])
    return [
        (position, replace(fill, volume=volume, funds=part, fee=fee))
        for (position, volume), part, fee in zip(shares, funds, fees, strict=True)
    ]


def _shared(amount: Krw, volumes: Sequence[Quantity]) -> list[Krw]:
    whole = sum((each.value for each in volumes), Decimal(0))
    parts = [Krw((amount.value * each.value / whole).quantize(QUANTITY_STEP, ROUND_DOWN)) for each in volumes[:-1]]
    return [*parts, amount - sum(parts, ZERO_KRW)]
