"""One cycle, in the order of the main path (docs/why/0001-rooms.md): every step stored, none repeated.

reconcile -> leave by the closed candle -> collect -> decide -> enter -> report

Exits come before entries, and need no more than the candles of what is held. A second call for the same slot finds
the run's row and goes on where it stopped.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from makenaide.domain.clock import kst
from makenaide.domain.errors import MakenaideError
from makenaide.execution.reconcile import Reconciliation
from makenaide.monitoring.measures import CYCLE, Name, flush
from makenaide.pipeline.collect import Markets, collect, refresh_listings
from makenaide.pipeline.decide import Outlook, outlook
from makenaide.pipeline.entering import enter, held_markets
from makenaide.pipeline.gauges import tell_standing
from makenaide.pipeline.interlude import compared
from makenaide.pipeline.leaving import leave_at_close
from makenaide.pipeline.schedule import DECISION_SLOT
from makenaide.pipeline.session import Session
from makenaide.pipeline.unfinished import LEAVE
from makenaide.pipeline.valuation import Valuation, flow_since, value_account
from makenaide.store.candles import last_days
from makenaide.store.runs import (
    AuditEntry,
    EquityRow,
    Run,
    equity_rows,
    finish_run,
    finish_step,
    open_run,
    put_audit,
    put_decisions,
    put_equity,
    put_gate,
)
from makenaide.strategy.signal import BTC

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleResult:
    """What a person watching wants to know of a slot."""

    slot: datetime
    equity: EquityRow | None


def run_cycle(session: Session, slot: datetime, *, closing: bool = False) -> CycleResult:
    """Run (or resume) the cycle of `slot`; a finished one is left alone.

    `closing` is the last slot of a run with an end: it reconciles, collects and values, and enters nothing.
    """
    run = open_run(session.db, session.account.account_id, slot, session.clock.now())
    if run.status == "done":
        return CycleResult(slot=slot, equity=None)
    begun = session.measures.timer()
    try:
        return CycleResult(slot=slot, equity=_run(session, run, begun, closing=closing))
    except MakenaideError:
        session.measures.note(Name.WORK, CYCLE, session.measures.timer() - begun, failed=True)
        raise


def _run(session: Session, run: Run, begun: float, *, closing: bool) -> EquityRow:
    slot = run.slot
    log.info("cycle", extra={"action": "cycle.start", "slot": kst(slot).isoformat(), "resumed": bool(run.steps)})
    session.note_halt()
    state = compared(session)
    _note_difference(session, state)
    markets = refresh_listings(session, session.clock.now())
    _step(session, run, LEAVE, lambda: _leave(session, markets, slot))
    _step(session, run, "collect", lambda: _collect(session, markets, slot))
    if not closing and kst(slot).time() == DECISION_SLOT:
        _decide_and_enter(session, run, (markets, state))
    return _report(session, run, begun)


def _step(session: Session, run: Run, name: str, work: Any) -> None:
    if name in run.steps:
        return
    detail: Mapping[str, Any] = work()
    with session.db.transaction():
        session.lease.check()
        finish_step(session.db, run, name, session.clock.now(), detail)
    log.info("step", extra={"action": f"cycle.{name}", "detail": dict(detail)})


def _leave(session: Session, markets: Markets, slot: datetime) -> Mapping[str, Any]:
    held = held_markets(session)
    got = collect(session, sorted(held), slot)
    return {"held": len(held), "failed": got.failed, **leave_at_close(session, markets, slot)}


def _collect(session: Session, markets: Markets, slot: datetime) -> Mapping[str, Any]:
    got = collect(session, markets.codes, slot)
    return {"markets": len(markets.codes), "candles": got.candles, "failed": got.failed}


def _decide_and_enter(session: Session, run: Run, known: tuple[Markets, Reconciliation]) -> None:
    markets, state = known
    if "enter" in run.steps:
        return
    thinking = outlook(session, markets.listings, held_markets(session), run.slot)
    if "decide" not in run.steps:
        _store_outlook(session, run, thinking)
    _look_anew(session)
    _step(session, run, "enter", lambda: enter(session, run, thinking, state))


def _look_anew(session: Session) -> None:
    """The evidence that buying needs, taken anew. Without it nothing is bought; all else goes on (law 1)."""
    if session.ready is None:
        return
    try:
        session.ready.renew()
    except MakenaideError as cause:
        log.warning("not looked anew", extra={"action": "gate.unrenewed", "cause": str(cause)})


def _store_outlook(session: Session, run: Run, thinking: Outlook) -> None:
    """The gate and every refusal so far; the candidates are decided one by one when they are entered."""
    gate = thinking.gate
    refused = [(s.market, s.refusal, {"features": dict(s.evidence)}) for s in thinking.signals if s.refusal]
    with session.db.transaction():
        session.lease.check()
        put_gate(
            session.db,
            run,
            {"open": gate.open, "reason": gate.reason},
            {"btc_stage": gate.btc_stage, "breadth": gate.breadth},
        )
        put_decisions(session.db, run, refused)
        wanted = len(thinking.signals) - len(refused)
        finish_step(session.db, run, "decide", session.clock.now(), {"candidates": wanted})


def _report(session: Session, run: Run, begun: float) -> EquityRow:
    """Value the account and close the run, in one transaction; then what was measured is kept."""
    db, account = session.db, session.account
    valuation = value_account(db, session.venue, account)
    before = equity_rows(db, account.account_id)
    newest = last_days(db, account.feed, BTC, run.slot, 1)
    bitcoin: Decimal | None = newest[0].close.value if newest else None
    now = session.clock.now()
    row = EquityRow(
        slot=run.slot,
        valued_at=now,
        equity=valuation.equity,
        cash=valuation.cash,
        flow=flow_since(db, account, before),
        bitcoin=bitcoin,
    )
    with db.transaction():
        session.lease.check()
        put_equity(db, account.account_id, row, {str(k): str(v) for k, v in valuation.marks.items()})
        finish_run(db, run, now)
    session.measures.note(Name.WORK, CYCLE, session.measures.timer() - begun)
    _measure(session, (*before, row), valuation)
    return row


def _measure(session: Session, rows: Sequence[EquityRow], valuation: Valuation) -> None:
    """Keep what was measured since the run before; the run is closed, and no fault of this opens it again."""
    try:
        tell_standing(session, rows, valuation)
        flush(session.db, session.account.account_id, session.measures, session.clock.now())
    except MakenaideError as cause:
        log.warning("measures wait", extra={"action": "measures.kept", "cause": str(cause)})


def _note_difference(session: Session, state: Reconciliation) -> None:
    if state.comparison.equal is not None:
        return  # what differs has become a finding, with an alarm of its own
    with session.db.transaction():
        session.lease.check()
        put_audit(
            session.db,
            AuditEntry(
                account_id=session.account.account_id,
                at=session.clock.now(),
                actor="reconcile",
                action="alarm.not_reconciled",
                detail={"differences": list(state.comparison.differences)},
            ),
        )
