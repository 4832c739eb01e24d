"""Exits that closed candles called for and that are not done: tried again between the slots until the next one.

What was called for is stored with the slot's step, so that a restart knows it. Whether it is done is told by the
books alone: nothing is left of the position (or dust), or the third is taken. A new slot decides anew.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from makenaide.domain.errors import Halted, MakenaideError
from makenaide.domain.intent import StoredOrder
from makenaide.domain.money import Quantity
from makenaide.domain.order import Leg, OrderState, PositionId
from makenaide.domain.reason import Exit
from makenaide.execution.leave import leave
from makenaide.execution.portfolio import Position, held_now, open_positions
from makenaide.pipeline.session import Session
from makenaide.risk.exits import ExitSignal
from makenaide.store.orders import events_of, orders_of_position, unsettled_orders
from makenaide.store.runs import AuditEntry, latest_step, put_audit

log = logging.getLogger(__name__)

LEAVE = "leave"
"""The slot's step that makes these exits."""

GONE = "alarm.market_gone"
"""A market that is held is not listed (any more): nothing can be sold there, a person is called."""

_UNKNOWN_MARKET = "notfoundmarket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One exit that was called for."""

    position_id: PositionId
    signal: ExitSignal

    def stored(self) -> dict[str, Any]:
        """As the step's detail keeps it."""
        return {
            "position": self.position_id,
            "kind": str(self.signal.kind),
            "quantity": str(self.signal.quantity),
            "evidence": dict(self.signal.evidence),
        }


def wanted_of(row: Mapping[str, Any]) -> Wanted:
    """What `stored` made."""
    signal = ExitSignal(kind=Exit(row["kind"]), quantity=Quantity(row["quantity"]), evidence=row["evidence"])
    return Wanted(position_id=PositionId(row["position"]), signal=signal)


def try_leaving(session: Session, position: Position, signal: ExitSignal) -> bool:
    """Make one exit; whether some of it was sold. One that cannot be made is told in the log, never raised.

    `InUse` when another process has taken the account over.
    """
    key, account = position.position_id, session.account.account_id
    try:
        order = leave(session.desk, session.account, position, signal)
        if order is not None:
            _note_refusal(session, position, order)
    except Halted:
        raise
    except MakenaideError as cause:
        sold = held_now(session.db, account, key) < position.facts.quantity
        # After the sale something else may fail, such as telling the guard of it: that is not a stuck exit.
        action = "position.left_late" if sold else "position.stuck"
        log.exception(
            "left, with trouble" if sold else "could not leave",
            extra={"action": action, "position": key, "cause": str(cause)},
        )
    return held_now(session.db, account, key) < position.facts.quantity


def unfinished(session: Session) -> tuple[tuple[Position, ExitSignal], ...]:
    """The exits of the newest slot that are not done and that can still be made."""
    account = session.account.account_id
    detail = latest_step(session.db, account, LEAVE) or {}
    rows: Sequence[Mapping[str, Any]] = detail.get("wanted", ())
    if not rows:
        return ()
    held = {each.position_id: each for each in open_positions(session.db, account)}
    found = []
    for want in map(wanted_of, rows):
        position = held.get(want.position_id)
        if position is None or position.dust or _nowhere(session, position, detail["slot"]):
            continue
        signal = _still(position, want.signal)
        if signal is not None:
            found.append((position, signal))
    return tuple(found)


def try_again(session: Session) -> None:
    """Make the exits that are not done. One whose order is in doubt waits: settling it goes first."""
    doubt = {
        order.position_id
        for order in unsettled_orders(session.db, session.account.account_id)
        if order.leg is Leg.EXIT
    }
    for position, signal in unfinished(session):
        if position.position_id not in doubt and not session.stopping():
            try_leaving(session, position, signal)


def note_gone(session: Session, position: Position, cause: str) -> None:
    """Call a person, once a position: its market is not there any more. The position stays in the books."""
    account, key = session.account.account_id, position.position_id
    if any(row.detail["position"] == key for row in session.db.rows("audit_of", account_id=account, action=GONE)):
        return
    log.error("market gone", extra={"action": GONE, "position": key, "cause": cause})
    entry = AuditEntry(
        account_id=account,
        at=session.clock.now(),
        actor="pipeline",
        action=GONE,
        detail={"position": key, "market": position.market, "cause": cause},
    )
    with session.db.transaction():
        session.lease.check()
        put_audit(session.db, entry)


def _nowhere(session: Session, position: Position, since: str) -> bool:
    """Whether the venue has said, since the slot, that it has no such market: the next slot's list tells more."""
    orders = orders_of_position(session.db, session.account.account_id, position.position_id)
    last = orders[-1] if orders else None
    if last is None or last.created_at < datetime.fromisoformat(since):
        return False
    return _UNKNOWN_MARKET in _refusals(session, last)


def _refusals(session: Session, order: StoredOrder) -> list[str]:
    if order.life.state is not OrderState.REJECTED:
        return []
    return [row.detail["name"] for row in events_of(session.db, order.identifier) if row.event == "Rejected"]


def _still(position: Position, signal: ExitSignal) -> ExitSignal | None:
    """What of `signal` is to be done now: all that is left, or the third, once, while more than that is held."""
    quantity = position.facts.quantity
    if signal.kind is not Exit.THIRD:
        return ExitSignal(kind=signal.kind, quantity=quantity, evidence=signal.evidence)
    return None if position.facts.third_taken or signal.quantity >= quantity else signal


def _note_refusal(session: Session, position: Position, order: StoredOrder) -> None:
    names = _refusals(session, order)
    if _UNKNOWN_MARKET in names:
        note_gone(session, position, f"{order.identifier}: {_UNKNOWN_MARKET}")
    elif names:
        log.warning(
            "refused",
            extra={"action": "position.refused", "identifier": order.identifier, "cause": ", ".join(names)},
        )
