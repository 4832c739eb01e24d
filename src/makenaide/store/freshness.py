"""How new the candles of the listed markets are."""

from dataclasses import dataclass
from datetime import datetime

from makenaide.domain.market import Market
from makenaide.store.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketAge:
    """One listed market: when it was first and last seen in the venue's list, and where its newest candle starts."""

    market: Market
    first_seen: datetime
    last_seen: datetime
    newest: datetime | None


def market_ages(db: Database, feed: str, until: datetime) -> tuple[MarketAge, ...]:
    """Every market of `feed` that has not left the list, with its newest day candle that starts by `until` (UTC)."""
    rows = db.rows("freshness_markets", feed=feed, until=until)
    return tuple(
        MarketAge(market=Market(row.market), first_seen=row.first_seen, last_seen=row.last_seen, newest=row.newest)
        for row in rows
    )
