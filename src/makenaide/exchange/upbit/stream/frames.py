"""What the venue's stream says, as values (upbit-api.md, section 9.2 and 9.3).

Every time is aware UTC. `snapshot` is true for the frame that answers a subscription, false for news.
A frame is a reason to look, never a record: nothing here is posted to any book.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Side
from makenaide.exchange.venue import Balance, Book


@dataclass(frozen=True, slots=True, kw_only=True)
class TickerFrame:
    """A market's day, in its quote currency. A price is None before the first trade of a new market.

    `state` is PREVIEW, ACTIVE or DELISTED; `delisting` the KST date on which the market ends, once announced;
    `warning` None when the venue does not say (its field is going away).
    """

    market: Market
    price: Price | None
    opening: Price | None
    high: Price | None
    low: Price | None
    turnover_24h: Krw
    state: str
    delisting: date | None
    warning: bool | None
    traded_at: datetime
    at: datetime
    snapshot: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFrame:
    """One public trade. `side` is the taker's; `number` tells trades apart, it does not count them."""

    market: Market
    price: Price
    volume: Quantity
    side: Side
    number: int
    traded_at: datetime
    at: datetime
    snapshot: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFrame:
    """A market's whole book; `level` is the price grouping (0 = none). The book's own time may be minutes old."""

    book: Book
    level: Decimal
    snapshot: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleFrame:
    """The candle that is forming; sent again and again, the last one wins. `unit` is "1s" .. "240m"."""

    market: Market
    unit: str
    start: datetime
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Quantity
    turnover: Krw
    at: datetime
    snapshot: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MyOrderFrame:
    """News of one of our orders. While `state` is "trade", `price` and `volume` are those of the trade itself.

    `fee` and `maker` belong to that trade too, and are None otherwise. There is no snapshot of orders.
    """

    market: Market
    uuid: str
    identifier: str | None
    side: Side
    type: str
    time_in_force: str | None
    state: str
    trade_uuid: str | None
    price: Decimal | None
    average: Decimal | None
    volume: Decimal | None
    remaining: Decimal | None
    executed: Quantity
    executed_funds: Decimal | None
    trades_count: int
    paid_fee: Decimal | None
    locked: Decimal | None
    prevented: Decimal | None
    fee: Decimal | None
    maker: bool | None
    traded_at: datetime | None
    ordered_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MyAssetFrame:
    """The new balances of the currencies that changed. There is no snapshot of balances."""

    uuid: str
    balances: tuple[Balance, ...]
    changed_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementFrame:
    """A notice of the venue: `event` is CREATED or UPDATED, `body` None when not asked for or too large."""

    event: str
    uuid: str
    title: str
    category: str
    url: str
    first_listed_at: datetime | None
    listed_at: datetime | None
    body: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Up:
    """The answer to the text PING, sent again every 10 s from then on."""


@dataclass(frozen=True, slots=True)
class StreamError:
    """The venue refuses something by `name`, and closes the connection soon after."""

    name: str
    message: str

    @property
    def blocked(self) -> bool:
        """Too many connections or messages: going on would only make the block longer."""
        return self.name.lower().replace("_", " ") in ("too many requests", "i'm a teapot")


MarketFrame = TickerFrame | TradeFrame | BookFrame | CandleFrame
AccountFrame = MyOrderFrame | MyAssetFrame
Frame = MarketFrame | AccountFrame | AnnouncementFrame | Up | StreamError
