"""Leaving by the closed candle: stage, time, a third of the profit, a warning. Before any entry, each on its own."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from makenaide.domain.clock import trading_day
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.execution.portfolio import Position, open_positions
from makenaide.pipeline.collect import Markets
from makenaide.pipeline.decide import features_of
from makenaide.pipeline.session import Session
from makenaide.pipeline.unfinished import Wanted, note_gone, try_leaving
from makenaide.risk.exits import CloseFacts, exits_at_close
from makenaide.store.journal import Dust, put_dust
from makenaide.store.runs import AuditEntry, put_audit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Close:
    price: Price | None
    stage: int | None


def leave_at_close(session: Session, markets: Markets, slot: datetime) -> dict[str, Any]:
    """Sell what the last closed candle calls for; needs the held candles stored.

    Returns what the step keeps: `left` (position -> exit rule, where something was sold) and `wanted`, all that was
    called for: what is not done is tried again until the next slot (`pipeline.unfinished`). Whatever is missing
    mutes only the rule that needs it, and one position's failure never another's exit. A position whose market is
    not listed any more cannot be sold: a person is called, once.
    """
    positions = open_positions(session.db, session.account.account_id)
    closes = _closes(session, positions, slot)
    warned = {listing.market: listing.warning for listing in markets.listings}
    ends = session.notices.delistings([each.market for each in positions]) if session.notices else {}
    left: dict[str, str] = {}
    wanted: list[dict[str, Any]] = []
    for position in positions:
        close = closes.get(position.market, _Close(price=None, stage=None))
        if position.dust:
            continue  # the venue takes no order that small: it goes with the next exit of its market
        if position.market not in warned:
            note_gone(session, position, "not in the venue's list")
            continue
        facts = CloseFacts(
            today=trading_day(slot),
            close=close.price,
            stage=close.stage,
            warning=warned[position.market],
            delisting=ends.get(position.market),
        )
        for signal in exits_at_close(position.facts, facts, session.risk):
            if close.price is not None and not position.sellable(close.price):
                _turn_to_dust(session, position, close.price)
                break
            wanted.append(Wanted(position_id=position.position_id, signal=signal).stored())
            if try_leaving(session, position, signal):
                left[position.position_id] = signal.kind
    return {"left": left, "wanted": wanted, "slot": slot.isoformat()}


def _turn_to_dust(session: Session, position: Position, bid: Price) -> None:
    """What is to be sold is too small for the venue: it has no stop and takes no slot from now on."""
    now = session.clock.now()
    dust = Dust(position_id=position.position_id, at=now, quantity=position.facts.quantity, bid=bid)
    entry = AuditEntry(
        account_id=session.account.account_id,
        at=now,
        actor="pipeline",
        action="position.dust",
        detail={"position": position.position_id, "quantity": str(dust.quantity), "bid": str(bid)},
    )
    with session.db.transaction():
        session.lease.check()
        put_dust(session.db, session.account.account_id, dust)
        put_audit(session.db, entry)
    session.keeper.publish()


def _closes(session: Session, positions: tuple[Position, ...], slot: datetime) -> dict[Market, _Close]:
    """Of each held market the close and the stage of the last closed day; a day without a candle tells nothing."""
    features = features_of(session, {position.market for position in positions}, slot) if positions else None
    if features is None:
        return {}
    row = len(features.panel.days) - 1
    return {
        market: _Close(
            price=Price(Decimal(repr(float(features.panel.close[row, column])))),
            stage=int(features.stage[row, column]) or None,
        )
        for column, market in enumerate(features.panel.markets)
        if not features.panel.filled[row, column]
    }
