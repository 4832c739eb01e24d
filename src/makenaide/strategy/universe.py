"""Which markets may be looked at on a day, and why the others may not (trading.md, Universe).

Spread and depth belong to the universe too, but are known only at decision time: `risk.sizing` asks them.
"""

import math
from dataclasses import dataclass

from makenaide.domain.market import Market, base_of, quote_of
from makenaide.domain.reason import Refusal
from makenaide.strategy.settings import StrategySettings

UNIVERSE_REFUSALS = frozenset(
    {Refusal.EXCLUDED, Refusal.WARNED, Refusal.UNKNOWN_DATA, Refusal.SHORT_HISTORY, Refusal.THIN_TURNOVER}
)
"""The refusals that keep a market out of the universe, and so out of its breadth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """What the venue says of a market beside its candles; `warning`: the investment warning (by notice)."""

    warning: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A market's candles up to a day: whether that day has one, how many closed days, median turnover (KRW)."""

    candle: bool
    history: int
    turnover: float


def exclusion(
    market: Market, facts: MarketFacts | None, record: Record, settings: StrategySettings
) -> Refusal | None:
    """The first rule that keeps `market` out of the universe; None when it is in. Unknown facts keep it out."""
    if quote_of(market) != "KRW" or base_of(market) in settings.exclusion:
        return Refusal.EXCLUDED
    if facts is not None and facts.warning:
        return Refusal.WARNED
    # A day without a trade and a candle that was not collected look the same here: doubt buys nothing.
    if facts is None or not record.candle:
        return Refusal.UNKNOWN_DATA
    if record.history < settings.min_history:
        return Refusal.SHORT_HISTORY
    if math.isnan(record.turnover):
        return Refusal.UNKNOWN_DATA
    if record.turnover < settings.min_turnover:
        return Refusal.THIN_TURNOVER
    return None
