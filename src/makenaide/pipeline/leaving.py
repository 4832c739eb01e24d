"""Leaving by the closed candle: stage, time, a third of the profit, a warning. Before any entry, each on its own."""

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from makenaide.domain.clock import trading_day
from makenaide.domain.errors import Inconsistent, Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.execution.leave import leave
from makenaide.execution.portfolio import Position, open_positions
from makenaide.pipeline.collect import Markets
from makenaide.pipeline.decide import features_of
from makenaide.pipeline.session import Session
from makenaide.risk.exits import CloseFacts, exits_at_close

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Close:
    price: Price | None
    stage: int | None


def leave_at_close(session: Session, markets: Markets, slot: datetime) -> dict[str, str]:
    """Sell what the last closed candle calls for; returns position -> exit rule. Needs the held candles stored.

    Whatever is missing mutes only the rule that needs it, and one position's failure never another's exit.
    """
    positions = open_positions(session.db, session.account.account_id)
    closes = _closes(session, positions, slot)
    warned = {listing.market: listing.warning for listing in markets.listings}
    left: dict[str, str] = {}
    for position in positions:
        close = closes.get(position.market, _Close(price=None, stage=None))
        if close.price is not None and position.dust(close.price):
            continue  # the venue takes no order that small: it goes with the next exit of its market
        facts = CloseFacts(
            today=trading_day(slot),
            close=close.price,
            stage=close.stage,
            warning=warned.get(position.market),
        )
        for signal in exits_at_close(position.facts, facts, session.risk):
            try:
                leave(session.desk, session.account, position, signal)
            except (Unavailable, Inconsistent) as cause:
                log.exception(
                    "could not leave",
                    extra={"action": "position.stuck", "position": position.position_id, "cause": str(cause)},
                )
            else:
                left[position.position_id] = signal.kind
    return left


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
