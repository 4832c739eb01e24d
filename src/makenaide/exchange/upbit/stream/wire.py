"""The way of the venue's frames into values, whatever of the four formats they come in.

Whatever does not fit raises `VenueGarbled` and nothing else: half a frame is never used. The size of a frame bounds
what it can cost.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

from makenaide.domain.clock import KST, utc
from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Side
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.rows import AccountRow, UnitRow
from makenaide.exchange.upbit.stream.frames import (
    AnnouncementFrame,
    BookFrame,
    CandleFrame,
    Frame,
    MyAssetFrame,
    MyOrderFrame,
    StreamError,
    TickerFrame,
    TradeFrame,
    Up,
)
from makenaide.exchange.upbit.stream.rows import (
    SHORT,
    AnnouncementRow,
    BookRow,
    CandleRow,
    HeadRow,
    MyAssetRow,
    MyOrderRow,
    TickerRow,
    TradeRow,
)
from makenaide.exchange.upbit.stream.settings import FRAME_LIMIT
from makenaide.exchange.upbit.wire import amount, book, instant, sensible
from makenaide.exchange.venue import Balance

Row = TypeVar("Row", bound=msgspec.Struct)

CANDLE_UNITS = ("1s", "1m", "3m", "5m", "10m", "15m", "30m", "60m", "240m")
"""The candles that the stream knows; there is no day candle among them."""

_SIDES = {"ASK": Side.ASK, "BID": Side.BID}


def parse(body: bytes | str) -> tuple[Frame, ...]:
    """The frames in one message: one, or as many as a list holds; `VenueGarbled` when any of it does not fit."""
    try:
        raw = body.encode() if isinstance(body, str) else body
        if len(raw) > FRAME_LIMIT:
            raise VenueGarbled(f"a frame of {len(raw)} bytes; expected at most {FRAME_LIMIT}")
        if raw.lstrip()[:1] == b"[":
            return tuple(_frame(bytes(each)) for each in _LIST.decode(raw))
        return (_frame(raw),)
    except (ValueError, ArithmeticError, RecursionError, UnknownMarket) as cause:
        # ValueError holds the faults of JSON, of the fields' types and of the text's encoding.
        raise VenueGarbled(f"a frame of the stream: {str(cause)[:200]}") from cause


def _frame(raw: bytes) -> Frame:
    head = _HEAD.decode(raw)
    kind = head.type or head.ty
    reader = _READERS.get(kind)
    if reader is not None:
        return reader.read(raw, short=not head.type)
    if head.error is not None:
        return StreamError(head.error.name, head.error.message)
    if head.status == "UP":
        return Up()
    raise VenueGarbled(f"a frame of the stream: unknown type {kind[:40]!r}")


_NESTED: Mapping[str, type[msgspec.Struct]] = {"orderbook_units": UnitRow, "assets": AccountRow}
_HEAD = msgspec.json.Decoder(HeadRow)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_LOOSE: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)


class _Reader(Generic[Row]):
    """One type's way from bytes to a value, by long names at full speed, by short ones through a renaming."""

    def __init__(self, kind: type[Row], build: Callable[[Row], Frame]) -> None:
        self._kind = kind
        self._build = build
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, raw: bytes, *, short: bool) -> Frame:
        if short:
            return self._build(msgspec.convert(_long(_LOOSE.decode(raw), self._kind), self._kind))
        return self._build(self._decoder.decode(raw))


def _long(row: Any, kind: type[msgspec.Struct]) -> Any:
    """`row` with the long names of `kind`; what is no object stays, for the reader to complain about."""
    if not isinstance(row, dict):
        return row
    found = {}
    for each in msgspec.structs.fields(kind):
        short = SHORT.get(each.name, each.name)
        if short in row:
            inner = _NESTED.get(each.name)
            value = row[short]
            found[each.name] = (
                [_long(part, inner) for part in value] if inner and isinstance(value, list) else value
            )
    return found


# ---- amounts and times ----


def _amount(number: Decimal) -> Decimal:
    return amount(sensible(number))


def _maybe(number: Decimal | None) -> Decimal | None:
    return None if number is None else _amount(number)


def _price(number: Decimal) -> Price:
    return Price(sensible(number))


def _quantity(number: Decimal) -> Quantity:
    return Quantity(sensible(number))


def _traded(number: Decimal | None) -> Price | None:
    """A price of the day; null or zero before the first trade of a market."""
    return None if number is None or not number else _price(number)


def _maybe_millis(millis: int | None) -> datetime | None:
    return None if millis is None else instant(millis)


def _listed(at: datetime | None) -> datetime | None:
    """The times of announcements are Korean, also where they do not say so."""
    return None if at is None else utc(at if at.tzinfo else at.replace(tzinfo=KST))


def _side(text: str) -> Side:
    side = _SIDES.get(text)
    if side is None:
        raise ValueError(f"ask_bid: expected ASK or BID, got {text[:40]!r}")
    return side


def _snapshot(row: TickerRow | TradeRow | BookRow | CandleRow) -> bool:
    return row.stream_type == "SNAPSHOT"


# ---- into values ----


def _ticker(row: TickerRow) -> TickerFrame:
    ends = row.delisting_date
    return TickerFrame(
        market=market(row.code),
        price=_traded(row.trade_price),
        opening=_traded(row.opening_price),
        high=_traded(row.high_price),
        low=_traded(row.low_price),
        turnover_24h=Krw(_amount(row.acc_trade_price_24h)),
        state=row.market_state,
        delisting=None if ends is None else date(ends.year, ends.month, ends.day),
        warning=None if row.market_warning is None else row.market_warning != "NONE",
        traded_at=instant(row.trade_timestamp),
        at=instant(row.timestamp),
        snapshot=_snapshot(row),
    )


def _trade(row: TradeRow) -> TradeFrame:
    return TradeFrame(
        market=market(row.code),
        price=_price(row.trade_price),
        volume=_quantity(row.trade_volume),
        side=_side(row.ask_bid),
        number=row.sequential_id,
        traded_at=instant(row.trade_timestamp),
        at=instant(row.timestamp),
        snapshot=_snapshot(row),
    )


def _book(row: BookRow) -> BookFrame:
    found = book(market(row.code), row.timestamp, row.orderbook_units)
    return BookFrame(book=found, level=_amount(row.level), snapshot=_snapshot(row))


def _candle(row: CandleRow) -> CandleFrame:
    opened, high, low, close = (
        _price(each) for each in (row.opening_price, row.high_price, row.low_price, row.trade_price)
    )
    if not (low <= opened <= high and low <= close <= high):
        raise ValueError(f"{row.code[:40]}: a candle whose prices leave its own range")
    return CandleFrame(
        market=market(row.code),
        unit=row.type.removeprefix("candle."),
        start=row.candle_date_time_utc.replace(tzinfo=UTC),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=_quantity(row.candle_acc_trade_volume),
        turnover=Krw(_amount(row.candle_acc_trade_price)),
        at=instant(row.timestamp),
        snapshot=_snapshot(row),
    )


def _my_order(row: MyOrderRow) -> MyOrderFrame:
    return MyOrderFrame(
        market=market(row.code),
        uuid=row.uuid,
        identifier=row.identifier,
        side=_side(row.ask_bid),
        type=row.order_type,
        time_in_force=row.time_in_force,
        state=row.state,
        trade_uuid=row.trade_uuid,
        price=_maybe(row.price),
        average=_maybe(row.avg_price),
        volume=_maybe(row.volume),
        remaining=_maybe(row.remaining_volume),
        executed=_quantity(row.executed_volume),
        executed_funds=_maybe(row.executed_funds),
        trades_count=row.trades_count,
        paid_fee=_maybe(row.paid_fee),
        locked=_maybe(row.locked),
        prevented=_maybe(row.prevented_volume),
        fee=_maybe(row.trade_fee),
        maker=row.is_maker,
        traded_at=_maybe_millis(row.trade_timestamp),
        ordered_at=_maybe_millis(row.order_timestamp),
        at=instant(row.timestamp),
    )


def _my_asset(row: MyAssetRow) -> MyAssetFrame:
    return MyAssetFrame(
        uuid=row.asset_uuid,
        balances=tuple(
            Balance(currency=each.currency, free=_amount(each.balance), locked=_amount(each.locked))
            for each in row.assets
        ),
        changed_at=instant(row.asset_timestamp),
        at=instant(row.timestamp),
    )


def _announcement(row: AnnouncementRow) -> AnnouncementFrame:
    return AnnouncementFrame(
        event=row.event_type,
        uuid=row.uuid,
        title=row.title,
        category=row.category,
        url=row.url,
        first_listed_at=_listed(row.first_listed_at),
        listed_at=_listed(row.listed_at),
        body=row.body,
        at=instant(row.timestamp),
    )


_CANDLES: _Reader[CandleRow] = _Reader(CandleRow, _candle)
_READERS: Mapping[str, _Reader[Any]] = {
    "ticker": _Reader(TickerRow, _ticker),
    "trade": _Reader(TradeRow, _trade),
    "orderbook": _Reader(BookRow, _book),
    **{f"candle.{unit}": _CANDLES for unit in CANDLE_UNITS},
    "myOrder": _Reader(MyOrderRow, _my_order),
    "myAsset": _Reader(MyAssetRow, _my_asset),
    "announcement": _Reader(AnnouncementRow, _announcement),
}
