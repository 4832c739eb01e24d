"""What the simulated venue knows of its markets: the `MarketData` port and its values.

Prices and volumes of candles and day statistics are floats, as the venue's quotation replies are JSON numbers;
what an order is matched against (`price`, `book`, `touch`, `crossing`) is Decimal. Every time is aware UTC, every
method is a pure function of its arguments: the same question always gets the same answer.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.order import Side
from makenaide.exchange.venue import CandleUnit, Listing

BOOK_LEVELS = 30
"""Levels a side of the venue's book since 2025-05-07 (upbit-api.md, changes)."""

CAUTIONS = (
    "PRICE_FLUCTUATIONS",
    "TRADING_VOLUME_SOARING",
    "DEPOSIT_AMOUNT_SOARING",
    "GLOBAL_PRICE_DIFFERENCES",
    "CONCENTRATION_OF_SMALL_ACCOUNTS",
)
"""The automatic flags of a market, in the venue's order (upbit-api.md section 2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleRow:
    """One candle as the venue shows it; the last one may still be forming.

    `start` is the slot's first moment, `last_tick` the Unix milliseconds of its last trade so far, `turnover` in the
    quote currency. `prev_close` is set on day candles only: the close of the day candle before, or the day's own
    open on a market's first day.
    """

    start: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    last_tick: int
    prev_close: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayStats:
    """A market's ticker: the day since 00:00 UTC, the last 24 hours, 52 weeks and the last trade.

    Before a day's first trade `open`, `high`, `low` and `price` all stand at the last price. Turnovers are in the
    quote currency, volumes in coins; the dates are UTC days.
    """

    open: float
    high: float
    low: float
    prev_close: float
    price: float
    turnover: float
    volume: float
    turnover_24h: float
    volume_24h: float
    high_52w: float
    high_52w_on: date
    low_52w: float
    low_52w_on: date
    last_trade_at: datetime
    last_trade_volume: float


@dataclass(frozen=True, slots=True)
class BookSides:
    """Both sides of a book, best first, as (price, size); both are empty when nothing can be traded."""

    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


NO_BOOK = BookSides((), ())


class MarketState(StrEnum):
    """Where a market stands in its life, as the WebSocket ticker tells it (upbit-api.md section 9.2)."""

    PREVIEW = "PREVIEW"
    ACTIVE = "ACTIVE"
    DELISTED = "DELISTED"


@dataclass(frozen=True, slots=True)
class Standing:
    """A market's state, and the KST date of its announced end (None: none is announced)."""

    state: MarketState = MarketState.ACTIVE
    delisting_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTrade:
    """One trade of the street; `at` in Unix milliseconds, `taker` the side that took.

    `number` is the venue's sequential_id: unique in its market, not an order of trades.
    """

    at: int
    price: float
    volume: float
    taker: Side
    number: int


class MarketData(Protocol):
    """Prices over time.

    A market that is not listed at the time asked for raises `UnknownMarket`; `touch` and `crossing`, which ask for a
    stretch of time, do so only for a market that is never listed, and find nothing while a market has no book.
    """

    @property
    def start(self) -> datetime:
        """Start of the first candle of any market."""
        ...

    @property
    def first_slot(self) -> datetime:
        """The first moment at which trading may begin: what lies before is history."""
        ...

    @property
    def end(self) -> datetime:
        """From here on there is no data."""
        ...

    def listings(self, at: datetime) -> tuple[Listing, ...]:
        """The markets listed at `at`, in code order; `warning` is true from its notice until it is lifted."""
        ...

    def offline(self, at: datetime) -> bool:
        """Whether the venue is down for maintenance at `at`."""
        ...

    def price(self, market: Market, at: datetime) -> Decimal:
        """The price around which the street's book stands; at a trade's own moment that of the trade."""
        ...

    def book(self, market: Market, at: datetime, depth: int = BOOK_LEVELS) -> BookSides:
        """The synthetic book, up to `depth` levels a side.

        Both sides are empty during maintenance and while the candle at `at` is missing or has no volume.
        """
        ...

    def candles(
        self, market: Market, unit: CandleUnit, before: datetime, count: int, now: datetime
    ) -> list[CandleRow]:
        """Up to `count` candles that start before `before`, newest first, as they stand at `now`.

        The forming candle is included with what has traded up to `now`; a slot without a trade has no candle.
        """
        ...

    def day(self, market: Market, at: datetime) -> DayStats:
        """The ticker at `at`."""
        ...

    def standing(self, market: Market, at: datetime) -> Standing:
        """The market's state and announced end at `at`."""
        ...

    def tick(self, market: Market, price: Decimal, at: datetime) -> Decimal:
        """The venue's price step of `market` at `price` on the Korean date of `at`."""
        ...

    def trades(self, market: Market, after: datetime, until: datetime, count: int) -> list[PublicTrade]:
        """Up to `count` trades of the street in (`after`, `until`], newest first.

        They add up to the candles: at most two a second of a candle with volume, at the prices with which that
        second begins and ends.
        """
        ...

    def touch(
        self, market: Market, after: datetime, until: datetime, floor: Decimal, peak: Decimal
    ) -> datetime | None:
        """The first moment at which a watcher of the best bid must look, in whole milliseconds; None if none is.

        That is the first moment in [`after`, `until`] with best bid <= `floor`, or in (`after`, `until`] at which the
        best bid stands above `peak` and an up-leg of the price has just ended there.
        """
        ...

    def crossing(
        self, market: Market, after: datetime, until: datetime, side: Side, limit: Decimal
    ) -> tuple[datetime, Decimal] | None:
        """When a resting order of `side` at `limit` is first met in [`after`, `until`], and for how many coins.

        A bid is met when the best ask is at or below `limit`, an ask when the best bid is at or above it; the
        coins are the volume of the candle in which it happens.
        """
        ...


def ever_listed(data: MarketData, market: Market) -> bool:
    """Whether `data` does not rule out that `market` is listed at some time."""
    try:
        data.crossing(market, data.start, data.start, Side.BID, Decimal(1))
    except UnknownMarket:
        return False
    return True
