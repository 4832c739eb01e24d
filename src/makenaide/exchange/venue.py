"""The venue port: what the trading side asks of an exchange, in domain values.

`exchange.upbit.client.UpbitClient` implements it over HTTP. Every method may raise `Unavailable`;
`place` alone never does: its doubts are values (`domain.order.Answer`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from makenaide.domain.candle import Candle
from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Answer, Identifier, OrderRequest, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One market of the venue's list. `cautions` are the names of the automatic flags that are up."""

    market: Market
    korean_name: str
    english_name: str
    warning: bool
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """The latest trade of a market; `turnover_24h` in the quote currency."""

    market: Market
    price: Price
    turnover_24h: Krw
    at: datetime


@dataclass(frozen=True, slots=True)
class Level:
    """One price level of a book."""

    price: Price
    size: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A market's order book, best first on both sides; a side is empty when nobody stands there."""

    market: Market
    at: datetime
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    @property
    def best_bid(self) -> Price | None:
        """The highest price that somebody pays."""
        return self.bids[0].price if self.bids else None

    @property
    def best_ask(self) -> Price | None:
        """The lowest price that somebody sells for."""
        return self.asks[0].price if self.asks else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A market's price step at its present price."""

    market: Market
    tick_size: Decimal


class CandleUnit(StrEnum):
    """The candle lengths of the venue; the value is the path below `/v1/candles/` (upbit-api.md section 2.2)."""

    SECONDS = "seconds"
    MINUTES_1 = "minutes/1"
    MINUTES_3 = "minutes/3"
    MINUTES_5 = "minutes/5"
    MINUTES_10 = "minutes/10"
    MINUTES_15 = "minutes/15"
    MINUTES_30 = "minutes/30"
    MINUTES_60 = "minutes/60"
    MINUTES_240 = "minutes/240"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"

    @property
    def minutes(self) -> int | None:
        """The length in minutes; None for seconds, days and longer."""
        family, _, count = self.value.partition("/")
        return int(count) if family == "minutes" else None

    @property
    def seconds(self) -> int | None:
        """The length in seconds; None for days and longer."""
        if self is CandleUnit.SECONDS:
            return 1
        return None if self.minutes is None else self.minutes * 60

    @property
    def one(self) -> str:
        """In words: "a day", "5 minutes"."""
        return f"a {self[:-1]}" if self.minutes is None else f"{self.minutes} minutes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One candle of any unit; the newest may still be forming. Prices and `turnover` in the quote currency, UTC."""

    market: Market
    unit: CandleUnit
    start: datetime
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Quantity
    turnover: Krw


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketTrade:
    """One trade of a market, by anybody. `number` is unique, but says nothing about the order of trades."""

    market: Market
    at: datetime
    price: Price
    volume: Quantity
    taker: Side
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One currency of the account: `free` may be spent, `locked` stands in open orders."""

    currency: str
    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        """Free and locked together."""
        return self.free + self.locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """What the account may do in a market: fee ratios a side, minimum total, whether it is open."""

    market: Market
    bid_fee: Decimal
    ask_fee: Decimal
    minimum_total: Krw
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trade of an order. `fee` is not here: the venue states only an order's `paid_fee`."""

    uuid: str
    price: Price
    volume: Quantity
    funds: Krw
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedOrder:
    """An order as the venue shows it; in lists without its `trades`.

    `closed` once done or cancelled; judge by `executed`, never by state.
    """

    uuid: str
    identifier: Identifier | None
    market: Market
    side: Side
    type: str
    price: Decimal | None
    volume: Quantity | None
    state: str
    executed: Quantity
    paid_fee: Krw
    trades_count: int
    trades: tuple[Trade, ...]
    created_at: datetime

    @property
    def closed(self) -> bool:
        """Nothing more can happen to it at the venue."""
        return self.state in ("done", "cancel")


class WalletState(StrEnum):
    """What a wallet lets through (upbit-api.md, section 4.8); OTHER is a word that this version does not know."""

    WORKING = "working"
    WITHDRAW_ONLY = "withdraw_only"
    DEPOSIT_ONLY = "deposit_only"
    PAUSED = "paused"
    UNSUPPORTED = "unsupported"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """One network of a currency at the venue. `blocks` is the chain's state in the venue's words, None = not said."""

    currency: str
    network: str
    state: WalletState
    blocks: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyTerm:
    """One API key of the account, by its public half, and when it ends (UTC); it cannot be prolonged."""

    access: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A deposit or a withdrawal; `state` in the venue's words, `done_at` None = under way or given up (UTC)."""

    uuid: str
    currency: str
    network: str
    amount: Decimal
    fee: Decimal
    state: str
    txid: str | None
    created_at: datetime
    done_at: datetime | None


class OutOfScope(Unavailable):
    """The venue lets this key not look there: another key would be needed, waiting helps nothing."""


class Quotation(Protocol):
    """Public market data."""

    def markets(self) -> Sequence[Listing]:
        """Every market that is listed now."""
        ...

    def day_candles(self, market: Market, before: datetime, count: int) -> Sequence[Candle]:
        """Up to `count` (at most 200) day candles that start before `before`, ascending."""
        ...

    def tickers(self, markets: Sequence[Market]) -> Mapping[Market, Ticker]:
        """The latest trade of each market, absent when there was none; UnknownMarket when one is not listed."""
        ...

    def books(self, markets: Sequence[Market], depth: int = 30) -> Mapping[Market, Book]:
        """The order book of each market, up to `depth` levels a side."""
        ...

    def instruments(self, markets: Sequence[Market]) -> Mapping[Market, Instrument]:
        """The price step of each market at its present price."""
        ...


class Trading(Protocol):
    """The account."""

    def accounts(self) -> Mapping[str, Balance]:
        """The balance of every currency held, by currency."""
        ...

    def chance(self, market: Market) -> Chance:
        """Fees and limits of the account in `market`."""
        ...

    def place(self, request: OrderRequest) -> Answer:
        """Send the order once, exactly as it is; never retried here."""
        ...

    def order(self, identifier: Identifier) -> PlacedOrder | None:
        """The order of that identifier with its trades, or None when the venue does not know it."""
        ...

    def by_uuid(self, uuid: str) -> PlacedOrder | None:
        """The order of the venue's own id with its trades, or None when the venue does not know it."""
        ...

    def cancel(self, identifier: Identifier) -> bool:
        """Ask for the order's cancellation; False when there is none to cancel: it never was, or it has ended."""
        ...

    def orders(self, identifiers: Sequence[Identifier]) -> Mapping[Identifier, PlacedOrder]:
        """Those of `identifiers` that the venue knows, without their trades."""
        ...

    def open_orders(self, market: Market | None = None) -> Sequence[PlacedOrder]:
        """Every order that stays open during the whole call (and perhaps others), without their trades."""
        ...

    def closed_orders(self, start: datetime, end: datetime, market: Market | None = None) -> Sequence[PlacedOrder]:
        """Every done or cancelled order created from `start` to `end`, oldest first, without their trades."""
        ...

    def deposits(self, currency: str | None = None, most: int = 1000) -> Sequence[Transfer]:
        """The latest deposits, newest first, up to `most`; `OutOfScope` when the key may not look."""
        ...

    def withdrawals(self, currency: str | None = None, most: int = 1000) -> Sequence[Transfer]:
        """The latest withdrawals, as `deposits`."""
        ...

    def wallets(self) -> Sequence[Wallet]:
        """The wallets of every currency, one for each network."""
        ...

    def api_keys(self) -> Sequence[ApiKeyTerm]:
        """The account's API keys with their ends."""
        ...


class Venue(Quotation, Trading, Protocol):
    """An exchange: market data and the account."""


@dataclass(frozen=True, slots=True)
class Fence:
    """Wake the watcher when the best bid is at or below `floor`, or has turned above `peak`."""

    floor: Price
    peak: Price

    def touched(self, bid: Price) -> bool:
        """Whether a best bid of `bid` wakes the watcher."""
        return bid <= self.floor or bid > self.peak


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What a watcher saw: the time, and the best bid of each watched market (missing = could not look)."""

    at: datetime
    bids: Mapping[Market, Price]


class Watcher(Protocol):
    """Eyes on the price between the slots; the only thing that lets time pass in a stepped run."""

    def wait(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
        """Return at `until`, or earlier as soon as a fence is touched."""
        ...
