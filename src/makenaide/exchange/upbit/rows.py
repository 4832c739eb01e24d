"""The rows of the venue's replies: only the fields that are used, typed (upbit-api.md, sections 2, 4 and 6).

What replies and frames of the stream have in common stands here too.

Numbers become Decimal straight from their digits, whether the venue spells them as JSON numbers (quotation) or as
strings (exchange): "0", "0.0" and "7.7886" are all the same kind of thing.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from makenaide.domain.order import Side

Count = Annotated[int, Meta(ge=0)]
Millis = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]
Naive = Annotated[datetime, Meta(tz=False)]
Aware = Annotated[datetime, Meta(tz=True)]
Text = Annotated[str, Meta(min_length=1)]


class Marketed(Struct):
    """Any row about one market."""

    market: str


class EventRow(Struct):
    """Warning (by notice) and cautions (automatic) of a market."""

    warning: bool
    caution: dict[str, bool] = {}


class MarketRow(Marketed):
    """GET /v1/market/all with details. `market_event` is required: a missing warning is not "no warning"."""

    korean_name: str
    english_name: str
    market_event: EventRow


class CandleRow(Marketed):
    """GET /v1/candles of any unit."""

    candle_date_time_utc: Naive
    opening_price: Decimal
    high_price: Decimal
    low_price: Decimal
    trade_price: Decimal
    candle_acc_trade_price: Decimal
    candle_acc_trade_volume: Decimal


class TickerRow(Marketed):
    """GET /v1/ticker and /v1/ticker/all; before a market's first trade there is no price, and need be no more."""

    trade_price: Decimal | None = None
    acc_trade_price_24h: Decimal | None = None
    trade_timestamp: Millis | None = None


class UnitRow(Struct):
    """One bid and one ask of a book, in the venue's order of names; a thin side is padded with zeros."""

    ask_price: Decimal
    bid_price: Decimal
    ask_size: Decimal
    bid_size: Decimal


class BookRow(Marketed):
    """GET /v1/orderbook."""

    timestamp: Millis
    orderbook_units: list[UnitRow]


class InstrumentRow(Marketed):
    """GET /v1/orderbook/instruments."""

    tick_size: Decimal


class TickRow(Marketed):
    """GET /v1/trades/ticks; `ask_bid` is the taker's side."""

    timestamp: Millis
    trade_price: Decimal
    trade_volume: Decimal
    ask_bid: Literal["ASK", "BID"]
    sequential_id: int


class AccountRow(Struct):
    """GET /v1/accounts, and one currency in myAsset; `balance` leaves out what is `locked`."""

    currency: Text
    balance: Decimal
    locked: Decimal


class SideRow(Struct):
    """A side's limits in `chance`."""

    min_total: Decimal


class ChanceMarketRow(Struct):
    """The market in `chance`; `state` may be missing from old copies, and is then not "active"."""

    id: str
    bid: SideRow
    ask: SideRow
    state: str = ""


class ChanceRow(Struct):
    """GET /v1/orders/chance."""

    bid_fee: Decimal
    ask_fee: Decimal
    market: ChanceMarketRow


class TradeRow(Struct):
    """One trade of GET /v1/order."""

    uuid: Text
    price: Decimal
    volume: Decimal
    funds: Decimal
    created_at: Aware


class OrderRow(Marketed):
    """GET /v1/order. Prices, volumes and `identifier` are absent or null for some kinds of order (section 4.3)."""

    uuid: Text
    side: Side
    ord_type: Text
    state: Text
    created_at: Aware
    executed_volume: Decimal
    paid_fee: Decimal
    trades_count: Count
    price: Decimal | None = None
    volume: Decimal | None = None
    identifier: str | None = None
    trades: list[TradeRow] = []


class WalletRow(Struct):
    """GET /v1/status/wallet; one coin may have several networks. A state may be a word that is new to us."""

    currency: Text
    wallet_state: Text
    block_state: str | None = None
    net_type: str | None = None


class ApiKeyRow(Struct):
    """GET /v1/api_keys."""

    access_key: Text
    expire_at: Aware


class TransferRow(Struct):
    """GET /v1/deposits and /v1/withdraws."""

    uuid: Text
    currency: Text
    amount: Decimal
    fee: Decimal
    state: Text
    created_at: Aware
    net_type: str | None = None
    txid: str | None = None
    done_at: Aware | None = None


class CancelledRow(Marketed):
    """An order that a cancellation by list speaks of."""

    uuid: Text
    identifier: str | None = None


class CancelledPart(Struct):
    """One half of the reply to a cancellation by list."""

    orders: list[CancelledRow] = []


class CancelsRow(Struct):
    """DELETE /v1/orders/uuids and /v1/orders/open. Both halves must be there: a missing one is not "none"."""

    success: CancelledPart
    failed: CancelledPart


class ReplacedRow(Struct):
    """What POST /v1/orders/cancel_and_new adds to the old order."""

    new_order_uuid: Text


class PlacedRow(Struct):
    """What must be in the reply to POST /v1/orders; the identifier may be left out."""

    uuid: Text
    identifier: str | None = None


class RefusalRow(Struct):
    """The venue's error; quotation errors carry a number as their name."""

    name: str | int
    message: str = ""


class RefusalBody(Struct):
    """A refused call's whole body."""

    error: RefusalRow
