"""The rows of the venue's frames: only the fields that are used, by their long names, and the table of short names.

Numbers are JSON numbers here, `1.16539E8` and `7.9276E-4` among them; they become Decimal straight from their digits.
"""

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from makenaide.exchange.upbit.rows import AccountRow, Count, Millis, Naive, Text, UnitRow


class ErrorRow(Struct):
    """What stands in an error frame."""

    name: str
    message: str = ""


class HeadRow(Struct):
    """As much of a frame as tells what it is; `type` in long and `ty` in short frames."""

    type: str = ""
    ty: str = ""
    status: str = ""
    error: ErrorRow | None = None


class DateRow(Struct):
    """`delisting_date`."""

    year: int
    month: int
    day: int


class Coded(Struct):
    """Any row about one market."""

    type: str
    code: str
    timestamp: Millis


class TickerRow(Coded):
    """ticker."""

    trade_timestamp: Millis
    market_state: str
    acc_trade_price_24h: Decimal
    trade_price: Decimal | None = None
    opening_price: Decimal | None = None
    high_price: Decimal | None = None
    low_price: Decimal | None = None
    delisting_date: DateRow | None = None
    market_warning: str | None = None
    stream_type: str = ""


class TradeRow(Coded):
    """trade."""

    trade_timestamp: Millis
    trade_price: Decimal
    trade_volume: Decimal
    ask_bid: str
    sequential_id: Count
    stream_type: str = ""


class BookRow(Coded):
    """orderbook."""

    orderbook_units: list[UnitRow]
    level: Decimal = Decimal(0)
    stream_type: str = ""


class CandleRow(Coded):
    """candle.1s to candle.240m."""

    candle_date_time_utc: Naive
    opening_price: Decimal
    high_price: Decimal
    low_price: Decimal
    trade_price: Decimal
    candle_acc_trade_volume: Decimal
    candle_acc_trade_price: Decimal
    stream_type: str = ""


class MyOrderRow(Coded):
    """myOrder. What does not apply to an order's kind or state is null or absent."""

    uuid: Text
    ask_bid: str
    order_type: Text
    state: Text
    executed_volume: Decimal
    trades_count: Count
    trade_uuid: str | None = None
    price: Decimal | None = None
    avg_price: Decimal | None = None
    volume: Decimal | None = None
    remaining_volume: Decimal | None = None
    executed_funds: Decimal | None = None
    paid_fee: Decimal | None = None
    locked: Decimal | None = None
    prevented_volume: Decimal | None = None
    time_in_force: str | None = None
    trade_fee: Decimal | None = None
    is_maker: bool | None = None
    identifier: str | None = None
    trade_timestamp: Millis | None = None
    order_timestamp: Millis | None = None


class MyAssetRow(Struct):
    """myAsset."""

    asset_uuid: Text
    assets: list[AccountRow]
    asset_timestamp: Millis
    timestamp: Millis


class AnnouncementRow(Struct):
    """announcement."""

    event_type: Text
    uuid: Text
    title: str
    category: Text
    timestamp: Millis
    url: str = ""
    first_listed_at: datetime | None = None
    listed_at: datetime | None = None
    body: str | None = None


SHORT: dict[str, str] = dict(
    pair.split(":")
    for pair in """
    type:ty code:cd timestamp:tms stream_type:st trade_timestamp:ttms
    opening_price:op high_price:hp low_price:lp trade_price:tp acc_trade_price_24h:atp24h
    market_state:ms delisting_date:dd market_warning:mw
    trade_volume:tv ask_bid:ab sequential_id:sid
    orderbook_units:obu ask_price:ap bid_price:bp ask_size:as bid_size:bs level:lv
    candle_date_time_utc:cdttmu candle_acc_trade_volume:catv candle_acc_trade_price:catp
    uuid:uid order_type:ot state:s trade_uuid:tuid price:p avg_price:ap volume:v remaining_volume:rv
    executed_volume:ev trades_count:tc paid_fee:pf locked:l executed_funds:ef time_in_force:tif trade_fee:tf
    is_maker:im identifier:id prevented_volume:pv order_timestamp:otms
    asset_uuid:astuid assets:ast currency:cu balance:b asset_timestamp:asttms
    event_type:et title:tt category:cat first_listed_at:flat listed_at:lat body:bd
    """.split()
)
"""Long to short names. The other way is not a table: `ap` is the ask price of a book and the average of an order."""
