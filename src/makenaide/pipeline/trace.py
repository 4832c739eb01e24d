"""Traceability (P3): one trade from its candles to its postings, from stored rows alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from makenaide.domain.candle import Candle
from makenaide.domain.errors import Misconfigured
from makenaide.domain.intent import StoredOrder
from makenaide.domain.money import plain
from makenaide.ledger.fill import Fill
from makenaide.ledger.postings import Posting
from makenaide.store.accounts import Account, find_account
from makenaide.store.candles import last_days
from makenaide.store.db import Database
from makenaide.store.journal import StoredStop, fills_of_order, postings_of, stop_history
from makenaide.store.orders import events_of, find_order, get_order, orders_of_position

CANDLES = 80
"""How many day candles before the decision are shown: the pivot's 60 days and the 20 before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTrace:
    """One order of the position: the intent, its events, its fills and their postings."""

    order: StoredOrder
    events: tuple[dict[str, Any], ...]
    fills: tuple[Fill, ...]
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The position that an order belongs to. `evidence` is what the decision saw: features, limits, book, size."""

    asked: str
    account: Account
    slot: datetime | None
    candles: tuple[Candle, ...]
    evidence: dict[str, Any]
    gate: dict[str, Any]
    orders: tuple[OrderTrace, ...]
    stops: tuple[StoredStop, ...]


def trace_order(db: Database, key: str) -> Trace:
    """Everything about the trade of the order `key`: our identifier or the venue's id; `Misconfigured` if unknown."""
    with db.snapshot():
        identifier = find_order(db, key)
        order = None if identifier is None else get_order(db, identifier)
        account = None if order is None else find_account(db, order.account_id)
        if order is None or account is None:
            raise Misconfigured(f"order: {key!r} is neither an identifier of ours nor an order id of the venue")
        family = orders_of_position(db, order.account_id, order.position_id)
        decision_id = next((each.decision_id for each in family if each.decision_id is not None), None)
        decision = None if decision_id is None else db.row("decision_get", decision_id=decision_id)
        slot = None if decision is None else decision.slot
        return Trace(
            asked=key,
            account=account,
            slot=slot,
            candles=() if slot is None else last_days(db, account.feed, order.request.market, slot, CANDLES),
            evidence={} if decision is None else decision.evidence,
            gate={} if slot is None else _gate(db, account, slot),
            orders=tuple(_order(db, each) for each in family),
            stops=stop_history(db, order.account_id, order.position_id),
        )


def _gate(db: Database, account: Account, slot: datetime) -> dict[str, Any]:
    row = db.row("gate_latest", account_id=account.account_id, slot=slot)
    return {} if row is None else {"open": row.open, "reason": row.reason, **row.evidence}


def _order(db: Database, order: StoredOrder) -> OrderTrace:
    fills = fills_of_order(db, order.account_id, order.identifier)
    return OrderTrace(
        order=order,
        events=tuple(row._asdict() for row in events_of(db, order.identifier)),
        fills=fills,
        postings=postings_of(db, order.account_id, [fill.trade_uuid for fill in fills]),
    )


def trace_data(trace: Trace) -> dict[str, Any]:
    """`trace` as plain values, in the order of cause and effect."""
    return {
        "asked": trace.asked,
        "account": trace.account.account_id,
        "slot": trace.slot,
        "candles": [_candle(each) for each in trace.candles],
        "features": trace.evidence.get("features", {}),
        "signal": {"verdict": "buy" if trace.evidence else "unknown"},
        "gate": trace.gate,
        "limits": trace.evidence.get("limits", {}),
        "size": trace.evidence.get("sizing", {}),
        "entry": trace.evidence.get("entry", {}),
        "orders": [_order_data(each) for each in trace.orders],
        "stops": [
            {"at": s.at, "price": s.price.value, "kind": str(s.kind), "high_water": s.high_water.value}
            for s in trace.stops
        ],
    }


def _candle(candle: Candle) -> dict[str, Any]:
    prices = {name: getattr(candle, name).value for name in ("open", "high", "low", "close", "volume", "turnover")}
    return {"start": candle.start} | prices


def _order_data(each: OrderTrace) -> dict[str, Any]:
    request = each.order.request
    return {
        "intent": {
            "identifier": each.order.identifier,
            "reason": each.order.reason,
            "market": request.market,
            "side": str(request.side),
            "type": str(request.type),
            "price": None if request.price is None else request.price.value,
            "volume": None if request.volume is None else request.volume.value,
            "time_in_force": None if request.time_in_force is None else str(request.time_in_force),
            "committed_at": each.order.created_at,
            "evidence": dict(each.order.evidence),
        },
        "events": list(each.events),
        "fills": [
            {
                "trade": fill.trade_uuid,
                "price": fill.price.value,
                "volume": fill.volume.value,
                "funds": fill.funds.value,
                "fee": fill.fee.value,
                "at": fill.at,
            }
            for fill in each.fills
        ],
        "postings": [
            {"source": p.source, "book": str(p.book), "currency": p.currency, "amount": plain(p.amount)}
            for p in each.postings
        ],
    }
