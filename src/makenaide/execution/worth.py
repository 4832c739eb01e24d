"""What a coin is taken to be worth once its market has left the venue."""

from datetime import date
from decimal import Decimal

from makenaide.domain.clock import day_start
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.store.candles import last_days
from makenaide.store.db import Database

DELISTED = Decimal("0.8")
"""A held market that left the venue is worth its last price less 20 % (trading.md, Path and book)."""

_END_OF_TIME = day_start(date.max)


def last_close(db: Database, feed: str, market: Market) -> Price | None:
    """The last stored close; None without any."""
    found = last_days(db, feed, market, _END_OF_TIME, 1)
    return found[0].close if found else None


def delisted_price(db: Database, feed: str, market: Market) -> Price | None:
    """The last stored close less 20 %; None without any."""
    close = last_close(db, feed, market)
    return None if close is None else close.scale(DELISTED)
