"""Candles and listings: what is known of a feed's markets. Raw closed candles only, kept for ever."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from makenaide.domain.candle import DAY_MINUTES, Candle
from makenaide.domain.clock import day_start
from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.store.db import Database
from makenaide.strategy.panel import Series

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownListing:
    """A market as last seen in the venue's list; `gone_at` once it left it."""

    market: Market
    korean_name: str
    english_name: str
    warning: bool
    first_seen: datetime
    last_seen: datetime
    gone_at: datetime | None


def put_candles(db: Database, feed: str, candles: Sequence[Candle]) -> None:
    """Store closed candles; one that is already there stays as it is."""
    db.do_many(
        "candle_put",
        [
            {
                "feed": feed,
                "market": c.market,
                "minutes": c.minutes,
                "start": c.start,
                "open": c.open.value,
                "high": c.high.value,
                "low": c.low.value,
                "close": c.close.value,
                "volume": c.volume.value,
                "turnover": c.turnover.value,
            }
            for c in candles
        ],
    )


def day_series(db: Database, feed: str, first: date | None, last: date) -> dict[Market, Series]:
    """Every stored day candle from `first` (None = the oldest) to `last`, both inclusive, as float arrays."""
    after = datetime(1970, 1, 1, tzinfo=UTC) if first is None else day_start(first) - timedelta(seconds=1)
    before = day_start(last) + timedelta(seconds=1)
    rows = db.rows("candle_series", feed=feed, after=after, before=before)
    return {
        Market(row.market): Series(
            days=np.array(row.days, dtype=np.int64) + _EPOCH,
            open=np.array(row.open, dtype=np.float64),
            high=np.array(row.high, dtype=np.float64),
            low=np.array(row.low, dtype=np.float64),
            close=np.array(row.close, dtype=np.float64),
            volume=np.array(row.volume, dtype=np.float64),
            turnover=np.array(row.turnover, dtype=np.float64),
        )
        for row in rows
    }


def last_days(db: Database, feed: str, market: Market, before: datetime, many: int) -> tuple[Candle, ...]:
    """The `many` newest stored day candles of `market` that start before `before`, ascending."""
    rows = db.rows("candle_last", feed=feed, market=market, before=before, many=many)
    return tuple(
        Candle(
            market=Market(row.market),
            start=row.start,
            minutes=DAY_MINUTES,
            open=Price(row.open),
            high=Price(row.high),
            low=Price(row.low),
            close=Price(row.close),
            volume=Quantity(row.volume),
            turnover=Krw(row.turnover),
        )
        for row in reversed(rows)
    )


def put_listings(db: Database, feed: str, listings: Sequence[Mapping[str, object]], at: datetime) -> None:
    """Store the venue's list as seen at `at`: rows with market, korean_name, english_name, warning."""
    db.do_many("listing_put", [{**listing, "feed": feed, "at": at} for listing in listings])


def mark_gone(db: Database, feed: str, markets: Sequence[Market], at: datetime) -> None:
    """Mark `markets` as having left the list."""
    if markets:
        db.do("listing_gone", feed=feed, markets=list(markets), at=at)


def known_listings(db: Database, feed: str) -> dict[Market, KnownListing]:
    """Every market ever seen in this feed."""
    rows = db.rows("listing_all", feed=feed)
    return {Market(row.market): KnownListing(**row._asdict()) for row in rows}
