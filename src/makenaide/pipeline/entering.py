"""Entering: the day's candidates, best first, sized one by one; each a buy or a refusal with the rule that spoke."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from makenaide.domain.clock import kst, trading_day
from makenaide.domain.errors import Unavailable, UnknownMarket
from makenaide.domain.intent import StoredOrder
from makenaide.domain.market import Market, base_of
from makenaide.domain.money import Krw, Price
from makenaide.domain.order import (
    Leg,
    OrderRequest,
    OrderType,
    Side,
    TimeInForce,
    identifier,
    position_id,
)
from makenaide.domain.reason import Refusal
from makenaide.exchange.venue import Book
from makenaide.execution.permit import Forbidden
from makenaide.execution.portfolio import watched_positions
from makenaide.execution.reconcile import Reconciliation
from makenaide.ledger.performance import drawdown_now, month_to_date
from makenaide.pipeline.collect import working_wallets
from makenaide.pipeline.decide import Outlook
from makenaide.pipeline.session import Session
from makenaide.pipeline.valuation import Valuation, equity_points, value_account
from makenaide.risk.entry import EntryFacts, EntryPlan, book_refusal, entry_plan, visible_depth
from makenaide.risk.exits import PositionFacts, hard_distance, initial_stop
from makenaide.risk.limits import AccountFacts, CandidateFacts, limit, limit_evidence
from makenaide.risk.sizing import SizeRefusal, SizingInputs, size
from makenaide.store.journal import StoredStop, put_stop, stop_exits
from makenaide.store.runs import Run, decisions_of, put_decisions
from makenaide.store.wishes import paused_markets
from makenaide.strategy.signal import Signal, candidates

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An entry that every rule let pass, with all that was asked on the way; `book` is what it was priced on."""

    signal: Signal
    entry: EntryPlan
    book: Book
    atr_percent: Decimal
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The rule that spoke, and what it looked at."""

    refusal: Refusal
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The slot, how much was bought in it already, what reconciling showed, and which wallets work, by currency."""

    slot: datetime
    bought_today: int
    state: Reconciliation
    wallets: Mapping[str, bool]


def enter(session: Session, run: Run, thinking: Outlook, state: Reconciliation) -> dict[str, str]:
    """Decide and carry out every candidate that has no decision yet; returns market -> "bought" or the refusal."""
    outcome: dict[str, str] = {}
    decided = decisions_of(session.db, run)
    bought = sum(1 for row in decided.values() if row.refusal is None)
    wanted = [signal for signal in candidates(thinking.signals) if signal.market not in decided]
    wallets = working_wallets(session) if wanted else {}
    for signal in wanted:
        context = Context(slot=run.slot, bought_today=bought, state=state, wallets=wallets)
        verdict = consider(session, thinking, signal, context)
        if isinstance(verdict, Refused):
            outcome[signal.market] = _refuse(session, run, signal.market, verdict)
            continue
        order = session.desk.submit(lambda plan=verdict: _commit(session, run, plan))  # type: ignore[misc]
        if isinstance(order, Forbidden):
            refused = Refused(refusal=order.refusal, evidence={**verdict.evidence, "forbidden": order.cause})
            outcome[signal.market] = _refuse(session, run, signal.market, refused)
            continue
        bought += 1
        outcome[signal.market] = "bought" if order.life.state.terminal else str(order.life.state)
        if not order.life.state.terminal:
            state = replace(state, closed_markets=state.closed_markets | {signal.market})
    return outcome


def _refuse(session: Session, run: Run, market: Market, refused: Refused) -> str:
    with session.db.transaction():
        session.lease.check()
        put_decisions(session.db, run, [(market, refused.refusal, refused.evidence)])
    return refused.refusal


def consider(session: Session, thinking: Outlook, signal: Signal, context: Context) -> Plan | Refused:
    """Put one candidate before the limits, the book and the sizing; nothing is sent or stored here."""
    features: dict[str, Any] = {"features": dict(signal.evidence)}
    if signal.market in paused_markets(session.db, session.account.account_id):
        return Refused(refusal=Refusal.PAUSED, evidence=features)
    try:
        valuation = value_account(session.db, session.venue, session.account)
        account = _account_facts(session, thinking, context, valuation)
        candidate = _candidate_facts(session, signal, context)
        features["limits"] = dict(limit_evidence(account, candidate))
        spoken = limit(account, candidate, session.risk)
        if spoken is not None or candidate.atr_percent is None:
            return Refused(refusal=spoken or Refusal.UNKNOWN_DATA, evidence=features)
        return _price(session, signal, (valuation, candidate.atr_percent), features)
    except (Unavailable, UnknownMarket) as cause:
        return Refused(refusal=Refusal.MARKET_CLOSED, evidence=features | {"cause": str(cause)})


def _price(
    session: Session, signal: Signal, known: tuple[Valuation, Decimal], evidence: dict[str, Any]
) -> Plan | Refused:
    valuation, atr_percent = known
    book = session.venue.books([signal.market])[signal.market]
    facts = _entry_facts(signal, book)
    refused = book_refusal(facts, session.risk)
    if refused is not None:
        return Refused(refusal=refused.refusal, evidence=evidence | {"entry": dict(refused.evidence)})
    chance = session.venue.chance(signal.market)
    if not chance.active:
        return Refused(refusal=Refusal.MARKET_CLOSED, evidence=evidence)
    inputs = SizingInputs(
        equity=valuation.equity,
        free=valuation.cash - valuation.pending,
        stop_distance=hard_distance(atr_percent, session.risk),
        turnover20=Krw(_decimal(signal.evidence["turnover20"])),
        visible_depth=visible_depth(facts.asks),
        exposure=valuation.invested + valuation.pending,
        fee=chance.bid_fee,
    )
    sized = size(inputs, session.risk)
    evidence = evidence | {"sizing": dict(sized.evidence)}
    if isinstance(sized, SizeRefusal):
        return Refused(refusal=sized.refusal, evidence=evidence)
    plan = entry_plan(facts, sized.total, session.risk)
    evidence = evidence | {"entry": dict(plan.evidence)}
    if not isinstance(plan, EntryPlan):
        return Refused(refusal=plan.refusal, evidence=evidence)
    return Plan(signal=signal, entry=plan, book=book, atr_percent=atr_percent, evidence=evidence)


def _entry_facts(signal: Signal, book: Book) -> EntryFacts:
    return EntryFacts(
        market=signal.market,
        day=kst(book.at).date(),
        close=Price(_decimal(signal.evidence["close"])),
        bids=[(level.price, level.size) for level in book.bids],
        asks=[(level.price, level.size) for level in book.asks],
    )


def _account_facts(session: Session, thinking: Outlook, context: Context, valuation: Valuation) -> AccountFacts:
    risk = session.risk
    memory = timedelta(days=risk.stops_window_days + risk.stops_pause_days)
    stops = stop_exits(session.db, session.account.account_id, context.slot - memory)
    points = equity_points(session.db, session.account, valuation, session.clock.now())
    return AccountFacts(
        slot=context.slot,
        now=session.clock.now(),
        gate_open=thinking.gate.open,
        stops=tuple(at for _, at in stops),
        month_return=month_to_date(points, context.slot),
        drawdown=drawdown_now(points),
        entries_today=context.bought_today,
        open_positions=valuation.positions,
        exposure=valuation.invested + valuation.pending,
        equity=valuation.equity,
        books_equal=context.state.account_open,
    )


def _candidate_facts(session: Session, signal: Signal, context: Context) -> CandidateFacts:
    memory = timedelta(days=session.risk.cooldown_days)
    stops = stop_exits(session.db, session.account.account_id, context.slot - memory)
    atr_percent = signal.evidence["atr_percent"]
    return CandidateFacts(
        atr_percent=None if atr_percent is None else _decimal(atr_percent),
        last_stop=max((at for market, at in stops if market == signal.market), default=None),
        market_free=signal.market not in context.state.closed_markets,
        wallet_working=context.wallets.get(base_of(signal.market)),
    )


def _commit(session: Session, run: Run, plan: Plan) -> StoredOrder:
    """Write decision and stop, and return the order that is committed with them: a fill can't be without a stop."""
    market = plan.signal.market
    position = position_id(market, run.slot)
    put_decisions(session.db, run, [(market, None, plan.evidence)])
    stop = _first_stop(session, plan)
    put_stop(session.db, session.account.account_id, position, stop)
    request = OrderRequest(
        market=market,
        side=Side.BID,
        type=OrderType.LIMIT,
        identifier=identifier(session.account.installation, position, Leg.ENTRY, 1),
        price=plan.entry.price,
        volume=plan.entry.volume,
        time_in_force=TimeInForce.IOC,
    )
    return StoredOrder(
        request=request,
        account_id=session.account.account_id,
        position_id=position,
        decision_id=decisions_of(session.db, run)[market].decision_id,
        leg=Leg.ENTRY,
        number=1,
        reason="entry",
        evidence={"atr_percent": str(plan.atr_percent), "stop": str(stop.price), **plan.entry.evidence},
        created_at=session.clock.now(),
    )


def _first_stop(session: Session, plan: Plan) -> StoredStop:
    """The hard stop below the best ask, the least that the entry can cost; it rises to the fill's own at once."""
    best_ask: Price = plan.book.asks[0].price
    facts = PositionFacts(
        market=plan.signal.market,
        entry=best_ask,
        atr_percent=plan.atr_percent,
        opened_on=trading_day(session.clock.now()),
        quantity=plan.entry.volume,
        initial_quantity=plan.entry.volume,
    )
    stop = initial_stop(facts, kst(session.clock.now()).date(), session.risk)
    return StoredStop(at=session.clock.now(), price=stop.price, kind=stop.kind, high_water=stop.high_water)


def _decimal(value: object) -> Decimal:
    return Decimal(str(value))


def held_markets(session: Session) -> frozenset[Market]:
    """The markets in which something is held that takes a slot: not those of mere dust."""
    return frozenset(each.market for each in watched_positions(session.db, session.account.account_id))
