"""Orders and their events: the intent word for word, and each thing that happened to it."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from makenaide.domain.intent import Standing, StoredOrder, burn_request
from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import (
    Burning,
    Event,
    Identifier,
    Leg,
    OrderLife,
    OrderRequest,
    OrderState,
    OrderType,
    PositionId,
    Side,
    TimeInForce,
)
from makenaide.store.db import Database, Row


def commit_order(db: Database, order: StoredOrder) -> None:
    """Write the intent and its first state; call it in the transaction that makes it binding."""
    request = order.request
    db.do(
        "orders_commit",
        identifier=request.identifier,
        account_id=order.account_id,
        position_id=order.position_id,
        decision_id=order.decision_id,
        leg=order.leg,
        number=order.number,
        reason=order.reason,
        market=request.market,
        side=request.side,
        type=request.type,
        price=request.price,
        volume=request.volume,
        total=request.total,
        time_in_force=request.time_in_force,
        evidence=dict(order.evidence),
        created_at=order.created_at,
        sender=order.sender,
    )
    _put_event(db, request.identifier, order.created_at, ("Committed", order.life, {}))


def record_event(
    db: Database, identifier: Identifier, at: datetime, event: Event, life: OrderLife, **more: Any
) -> None:
    """Append `event` and the state `life` that it led to."""
    detail = {each.name: getattr(event, each.name) for each in fields(event)}
    _put_event(db, identifier, at, (type(event).__name__, life, detail | more))


def _put_event(
    db: Database, identifier: Identifier, at: datetime, what: tuple[str, OrderLife, Mapping[str, Any]]
) -> None:
    name, life, detail = what
    db.do(
        "order_event_put",
        identifier=identifier,
        at=at,
        event=name,
        state=life.state,
        doubt=life.doubt,
        uuid=life.uuid,
        spent=life.spent,
        detail=dict(detail),
    )


def get_order(db: Database, identifier: Identifier) -> StoredOrder | None:
    """The order with its present state."""
    row = db.row("orders_get", identifier=identifier)
    return None if row is None else _order(row)


def find_order(db: Database, key: str) -> Identifier | None:
    """The identifier of the order that `key` names: one of ours, an id of the venue, or a position (its entry)."""
    row = db.row("orders_find", key=key)
    return None if row is None else Identifier(row.identifier)


def unsettled_orders(db: Database, account_id: str) -> tuple[StoredOrder, ...]:
    """Every order to which something can still happen, oldest first."""
    return tuple(_order(row) for row in db.rows("orders_unsettled", account_id=account_id))


def orders_of_position(db: Database, account_id: str, position: PositionId) -> tuple[StoredOrder, ...]:
    """Entry and exits of one position, in the order of their commits."""
    rows = db.rows("orders_of_position", account_id=account_id, position_id=position)
    return tuple(_order(row) for row in rows)


def next_number(db: Database, account_id: str, position: PositionId, leg: Leg) -> int:
    """The number of the position's next order on that leg."""
    row = db.row("orders_last_number", account_id=account_id, position_id=position, leg=leg)
    return 1 + (0 if row is None else int(row.number))


def standing(db: Database, identifier: Identifier) -> Standing:
    """The facts about an order's doubt, from its stored events."""
    row = db.row("orders_standing", identifier=identifier)
    return Standing(sent_at=None, looks=0) if row is None else Standing(sent_at=row.sent_at, looks=row.looks)


def events_of(db: Database, identifier: Identifier) -> tuple[Row, ...]:
    """The order's events: at, event, state, doubt, uuid, detail."""
    return tuple(db.rows("order_events", identifier=identifier))


def _order(row: Row) -> StoredOrder:
    request = OrderRequest(
        market=Market(row.market),
        side=Side(row.side),
        type=OrderType(row.type),
        identifier=Identifier(row.identifier),
        price=None if row.price is None else Price(row.price),
        volume=None if row.volume is None else Quantity(row.volume),
        total=None if row.total is None else Krw(row.total),
        time_in_force=None if row.time_in_force is None else TimeInForce(row.time_in_force),
    )
    return StoredOrder(
        request=request,
        account_id=row.account_id,
        position_id=PositionId(row.position_id),
        decision_id=row.decision_id,
        leg=Leg(row.leg),
        number=row.number,
        reason=row.reason,
        evidence=row.evidence,
        created_at=row.created_at,
        sender=row.sender,
        burn=_burn(request, row),
        life=OrderLife(OrderState(row.state), row.doubt, row.uuid, row.spent),
    )


def _burn(request: OrderRequest, row: Row) -> OrderRequest | None:
    if row.burn_price is None:
        return None
    return burn_request(request, Burning(Price(row.burn_price), Quantity(row.burn_volume)))
