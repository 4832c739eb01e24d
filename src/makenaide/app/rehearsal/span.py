"""The busiest span of generated prices: where the operator's own strategy finds the most to do.

Only the prices are chosen, never the rules: the strategy and risk settings are the operator's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from makenaide.domain.clock import DAY
from makenaide.domain.market import Market, quote_of
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.prices.tape import Tape
from makenaide.exchange.venue import CandleUnit
from makenaide.risk.gate import GateState, next_gate
from makenaide.risk.settings import RiskSettings
from makenaide.strategy.features import Features, compute
from makenaide.strategy.panel import Series, build_panel
from makenaide.strategy.settings import StrategySettings
from makenaide.strategy.signal import breadth, btc_stage, candidates, judge
from makenaide.strategy.universe import MarketFacts

_SEARCHED = 120
"""Days in which the busiest span is looked for."""

_EXTRA = 2
"""Days of prices behind the last slot."""

_COLUMNS = ("open", "high", "low", "close", "volume", "turnover")
_NOBODY: frozenset[Market] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Prices, and the slots [first, last] of a run over them; UTC.

    `chances`: by the number of a day from the first slot, the markets that could be bought on it.
    """

    tape: Tape
    first: datetime
    last: datetime
    chances: Mapping[int, tuple[Market, ...]]


def busy_span(market: GeneratorSettings, rules: tuple[StrategySettings, RiskSettings], days: int) -> Span:
    """The prices of `market` with its first slot moved to where, within 120 days, most can be bought in `days`.

    The history is what the strategy needs and no more. Pure: the same settings give the same span.
    """
    strategy, _ = rules
    history = max(strategy.min_history, strategy.ma_days) + 2 * strategy.slope_days
    settings = replace(market, history_days=history, days=_SEARCHED + days + _EXTRA)
    whole = generate(settings)
    entries = _entries(whole, rules)
    begin = whole.first_slot.date().toordinal()
    # What is bought early has the time to be sold again.
    worth = [
        sum(len(entries.get(begin + at + day, ())) * (days - day) for day in range(days))
        for at in range(_SEARCHED)
    ]
    offset = int(np.argmax(worth))
    first = whole.first_slot + timedelta(days=offset)
    # A tape that opens later: what lies before is history.
    tape = Tape(sources=whole.sources, maintenance=whole.maintenance, history=first - whole.start)
    chances = {day - begin - offset: entries[day] for day in sorted(entries) if 0 <= day - begin - offset < days}
    return Span(tape=tape, first=first, last=first + timedelta(days=days), chances=chances)


def _entries(tape: Tape, rules: tuple[StrategySettings, RiskSettings]) -> Mapping[int, tuple[Market, ...]]:
    """By day (its ordinal): the markets that could be bought in its slot."""
    strategy, risk = rules
    last = tape.end.date() - DAY
    features = compute(build_panel(_series(tape, last), last), strategy)
    gate: GateState | None = None
    found: dict[int, tuple[Market, ...]] = {}
    for row, closed in enumerate(features.panel.days):
        slot = closed + DAY
        if row < strategy.min_history:
            continue
        gate, wanted = _judged(tape, features, row, (gate, risk))
        if gate.open and wanted:
            found[slot.toordinal()] = wanted
    return found


def _judged(
    tape: Tape, features: Features, row: int, known: tuple[GateState | None, RiskSettings]
) -> tuple[GateState, tuple[Market, ...]]:
    previous, risk = known
    at = datetime.combine(features.panel.days[row] + DAY, datetime.min.time(), UTC)
    facts = {each.market: MarketFacts(warning=each.warning) for each in tape.listings(at)}
    signals = judge(features, row, facts, _NOBODY)
    gate = next_gate(previous, int(btc_stage(features, row)) or None, breadth(features, row, signals), risk)
    return gate, tuple(signal.market for signal in candidates(signals))


def _series(tape: Tape, last: date) -> Mapping[Market, Series]:
    end = datetime.combine(last + DAY, datetime.min.time(), UTC)
    days = (end - tape.start).days + 1
    found: dict[Market, Series] = {}
    for each in tape.listings(end - timedelta(seconds=1)):
        if quote_of(each.market) != "KRW":
            continue
        rows = tape.candles(each.market, CandleUnit.DAYS, end, days, end)[::-1]
        found[each.market] = Series(
            days=np.array([row.start.date().toordinal() for row in rows], dtype=np.int64),
            **{name: np.array([getattr(row, name) for row in rows], dtype=np.float64) for name in _COLUMNS},
        )
    return found
