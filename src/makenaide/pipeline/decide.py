"""Deciding: stored candles in, one judged signal a market and the market gate out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from makenaide.domain.clock import DAY, trading_day
from makenaide.domain.market import Market
from makenaide.domain.reason import Refusal
from makenaide.exchange.venue import Listing
from makenaide.pipeline.session import Session
from makenaide.risk.gate import GateReason, GateState, next_gate
from makenaide.store.runs import latest_gate
from makenaide.strategy.features import Features, compute
from makenaide.strategy.panel import build_panel
from makenaide.strategy.signal import Signal, breadth, btc_stage, judge
from makenaide.strategy.universe import MarketFacts

_MISSING_MARKETS = 0.10
"""Share of the listed markets whose candle of the day may be missing before breadth counts as unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What one slot thinks of the markets: a signal each, and whether buying is allowed at all."""

    day: date
    signals: tuple[Signal, ...]
    gate: GateState


def features_of(session: Session, markets: Iterable[Market], slot: datetime) -> Features | None:
    """The features of `markets` up to the last day that closed before `slot`; None without any stored candle."""
    last = trading_day(slot) - DAY
    series = session.history.series(markets, last)
    return compute(build_panel(series, last), session.strategy) if series else None


def outlook(session: Session, listings: Iterable[Listing], held: frozenset[Market], slot: datetime) -> Outlook:
    """Judge every listed market of which candles are stored, and move the gate by the slot's inputs."""
    known = tuple(listings)
    facts = {listing.market: MarketFacts(warning=listing.warning) for listing in known}
    features = features_of(session, facts, slot)
    previous = _previous_gate(session, slot)
    day = trading_day(slot) - DAY
    if features is None:
        gate = next_gate(previous, None, None, session.risk)
        return Outlook(day=day, signals=(), gate=gate)
    row = len(features.panel.days) - 1
    signals = judge(features, row, facts, held)
    share = breadth(features, row, signals) if _enough(facts, signals) else None
    gate = next_gate(previous, int(btc_stage(features, row)) or None, share, session.risk)
    return Outlook(day=day, signals=signals, gate=gate)


def _enough(facts: Mapping[Market, MarketFacts], signals: tuple[Signal, ...]) -> bool:
    """Whether the day's candles of nearly all listed markets are there: breadth over a rest would mislead."""
    known = sum(1 for signal in signals if signal.refusal is not Refusal.UNKNOWN_DATA)
    return len(facts) - known <= _MISSING_MARKETS * len(facts)


def _previous_gate(session: Session, slot: datetime) -> GateState | None:
    row = latest_gate(session.db, session.account.account_id, slot)
    if row is None:
        return None
    return GateState(open=row.open, reason=GateReason(row.reason))
