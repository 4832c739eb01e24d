"""The frames of the streams: which fields each type has, under which long and short keys (upbit-api.md section 9).

A frame's values are JSON texts in the order of its fields; `written` puts keys to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from makenaide.exchange.simulator.core.feed import AnnouncementHappening, AssetHappening, OrderHappening
from makenaide.exchange.simulator.market import BookSides, CandleRow, DayStats, PublicTrade, Standing
from makenaide.exchange.simulator.prices.moments import to_ms
from makenaide.exchange.simulator.stream.request import Format, Subscription
from makenaide.exchange.simulator.stream.spelling import Number, Spelling, double

_KST = timedelta(hours=9)
_ZERO = Decimal(0)
_NULL: Final = "null"

_FIELDS: Final[dict[str, str]] = {
    "ticker": "type:ty code:cd opening_price:op high_price:hp low_price:lp trade_price:tp prev_closing_price:pcp "
    "change:c change_price:cp signed_change_price:scp change_rate:cr signed_change_rate:scr trade_volume:tv "
    "acc_trade_volume:atv acc_trade_volume_24h:atv24h acc_trade_price:atp acc_trade_price_24h:atp24h trade_date:tdt "
    "trade_time:ttm trade_timestamp:ttms ask_bid:ab acc_ask_volume:aav acc_bid_volume:abv "
    "highest_52_week_price:h52wp highest_52_week_date:h52wdt lowest_52_week_price:l52wp "
    "lowest_52_week_date:l52wdt market_state:ms is_trading_suspended:its delisting_date:dd market_warning:mw "
    "timestamp:tms stream_type:st",
    "trade": "type:ty code:cd timestamp:tms trade_date:td trade_time:ttm trade_timestamp:ttms trade_price:tp "
    "trade_volume:tv ask_bid:ab prev_closing_price:pcp change:c change_price:cp sequential_id:sid best_ask_price:bap "
    "best_ask_size:bas best_bid_price:bbp best_bid_size:bbs stream_type:st",
    "orderbook": "type:ty code:cd timestamp:tms total_ask_size:tas total_bid_size:tbs orderbook_units:obu "
    "stream_type:st level:lv",
    "candle": "type:ty code:cd candle_date_time_utc:cdttmu candle_date_time_kst:cdttmk opening_price:op "
    "high_price:hp low_price:lp trade_price:tp candle_acc_trade_volume:catv candle_acc_trade_price:catp "
    "timestamp:tms stream_type:st",
    "myOrder": "type:ty code:cd uuid:uid ask_bid:ab order_type:ot state:s trade_uuid:tuid price:p avg_price:ap "
    "volume:v remaining_volume:rv executed_volume:ev trades_count:tc reserved_fee:rsf remaining_fee:rmf paid_fee:pf "
    "locked:l executed_funds:ef time_in_force:tif trade_fee:tf is_maker:im identifier:id smp_type:smpt "
    "prevented_volume:pv prevented_locked:pl trade_timestamp:ttms order_timestamp:otms timestamp:tms stream_type:st",
    "myAsset": "type:ty asset_uuid:astuid assets:ast asset_timestamp:asttms timestamp:tms stream_type:st",
    "announcement": "type:ty event_type:et uuid:uid title:tt category:cat url:url first_listed_at:flat "
    "listed_at:lat body:bd timestamp:tms stream_type:st",
    "unit": "ask_price:ap bid_price:bp ask_size:as bid_size:bs",
    "asset": "currency:cu balance:b locked:l",
    "listing": "method:mthd result:rslt ticket:tckt",
    "subscription": "type:ty codes:cds level:lv",
}


def _keys(table: str, short: bool) -> tuple[str, ...]:
    pairs = (each.split(":") for each in table.split())
    return tuple(f'"{pair[1 if short else 0]}":' for pair in pairs)


_KEYS: Final = {(name, short): _keys(_FIELDS[name], short) for name in _FIELDS for short in (False, True)}


def fields(kind: str, *, short: bool = False) -> list[str]:
    """The keys of a frame of type `kind`, in order."""
    name = "candle" if kind.startswith("candle.") else kind
    return [key[1:-2] for key in _KEYS[name, short]]


def written(kind: str, values: Sequence[str], shape: Format) -> bytes:
    """The frame of type `kind` in UTF-8 JSON."""
    name = "candle" if kind.startswith("candle.") else kind
    text = _object(name, values, short=shape.short)
    return (f"[{text}]" if shape.listed else text).encode()


def _object(name: str, values: Sequence[str], *, short: bool) -> str:
    return "{" + ",".join([key + value for key, value in zip(_KEYS[name, short], values, strict=True)]) + "}"


def quoted(text: str | None) -> str:
    """A JSON string, or null."""
    return _NULL if text is None else msgspec.json.encode(text).decode()


milliseconds: Final = to_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What every frame of the street has: its market, its time, and whether it is a snapshot."""

    code: str
    at: datetime
    stream: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TickerFacts:
    """A ticker's content; `taker` is the side that took in the last trade, "ASK" or "BID"."""

    day: DayStats
    standing: Standing
    warned: bool
    taker: str


def ticker(head: Heading, facts: TickerFacts, spell: Spelling) -> list[str]:
    """The values of a ticker frame.

    Of the day's volume half counts as sold, half as bought: takers are known trade by trade alone.
    """
    day, price = facts.day, spell.price
    sold = round(day.volume / 2, 8)
    change = round(day.price - day.prev_close, 8)
    rate = round(change / day.prev_close, 10) if day.prev_close else 0.0
    last, gone = day.last_trade_at, facts.standing.delisting_on
    date = _NULL if gone is None else f'{{"year":{gone.year},"month":{gone.month},"day":{gone.day}}}'
    return [
        '"ticker"',
        f'"{head.code}"',
        *(price(each) for each in (day.open, day.high, day.low, day.price, day.prev_close)),
        _change(change),
        price(abs(change)),
        price(change),
        double(abs(rate)),
        double(rate),
        spell.size(day.last_trade_volume),
        spell.size(day.volume),
        spell.size(day.volume_24h),
        price(day.turnover),
        price(day.turnover_24h),
        f'"{last:%Y%m%d}"',
        f'"{last:%H%M%S}"',
        str(milliseconds(last)),
        f'"{facts.taker}"',
        spell.size(sold),
        spell.size(round(day.volume - sold, 8)),
        price(day.high_52w),
        f'"{day.high_52w_on}"',
        price(day.low_52w),
        f'"{day.low_52w_on}"',
        f'"{facts.standing.state.value}"',
        "false",
        date,
        '"CAUTION"' if facts.warned else '"NONE"',
        str(milliseconds(head.at)),
        f'"{head.stream}"',
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFacts:
    """A trade's content, with the day's base and the best of both sides."""

    trade: PublicTrade
    prev_close: float
    book: BookSides


def trade(head: Heading, facts: TradeFacts, spell: Spelling) -> list[str]:
    """The values of a trade frame."""
    done, when = facts.trade, datetime.fromtimestamp(facts.trade.at / 1000, UTC)
    change = round(done.price - facts.prev_close, 8)
    best = [side[0] if side else (_ZERO, _ZERO) for side in (facts.book.asks, facts.book.bids)]
    return [
        '"trade"',
        f'"{head.code}"',
        str(milliseconds(head.at)),
        f'"{when:%Y-%m-%d}"',
        f'"{when:%H:%M:%S}"',
        str(done.at),
        spell.price(done.price),
        spell.size(done.volume),
        f'"{done.taker.name}"',
        spell.price(facts.prev_close),
        _change(change),
        spell.price(abs(change)),
        str(done.number),
        *(text for price, size in best for text in (spell.price(price), spell.size(size))),
        f'"{head.stream}"',
    ]


def orderbook(head: Heading, book: BookSides, level: Decimal, shape: Format, spell: Spelling) -> list[str]:
    """The values of an order book frame; the shorter side is padded with zeros, as on the wire."""
    rows = max(len(book.bids), len(book.asks))
    asks, bids = (side + ((_ZERO, _ZERO),) * (rows - len(side)) for side in (book.asks, book.bids))
    price, size = spell.price, spell.size
    units = [
        _object("unit", (price(ask[0]), price(bid[0]), size(ask[1]), size(bid[1])), short=shape.short)
        for ask, bid in zip(asks, bids, strict=True)
    ]
    totals = (sum((each for _, each in side), _ZERO) for side in (book.asks, book.bids))
    return [
        '"orderbook"',
        f'"{head.code}"',
        str(milliseconds(head.at)),
        *(size(each) for each in totals),
        f"[{','.join(units)}]",
        f'"{head.stream}"',
        price(level) if level else "0",
    ]


def candle(kind: str, head: Heading, row: CandleRow, spell: Spelling) -> list[str]:
    """The values of a candle frame of type `kind`, such as "candle.1m"."""
    return [
        f'"{kind}"',
        f'"{head.code}"',
        f'"{row.start.isoformat()[:19]}"',
        f'"{(row.start + _KST).isoformat()[:19]}"',
        *(spell.price(each) for each in (row.open, row.high, row.low, row.close)),
        spell.size(row.volume),
        spell.price(row.turnover),
        str(milliseconds(head.at)),
        f'"{head.stream}"',
    ]


def my_order(happening: OrderHappening, now: datetime) -> list[str]:
    """The values of a myOrder frame; numbers are JSON doubles in every format."""
    order, trade, ticket = happening.order, happening.trade, happening.order.ticket
    asked = ticket.price if ticket.total is None else ticket.total
    force = ticket.time_in_force
    return [
        '"myOrder"',
        f'"{order.market}"',
        quoted(order.uuid),
        f'"{order.side.name}"',
        f'"{ticket.type.value}"',
        f'"{happening.news.value}"',
        quoted(None if trade is None else trade.uuid),
        _number(asked if trade is None else trade.price),
        _number(happening.average),
        _number(ticket.volume if trade is None else trade.volume),
        _number(order.remaining),
        _number(order.executed),
        str(happening.trades),
        *(_number(each) for each in (order.reserved_fee, order.remaining_fee, order.paid_fee)),
        _number(order.locked),
        _number(order.funds),
        quoted(None if force is None else force.value),
        _number(None if trade is None else trade.fee),
        _NULL if happening.is_maker is None else str(happening.is_maker).lower(),
        quoted(ticket.identifier),
        quoted(ticket.self_match.value),
        _number(order.prevented_volume),
        _number(order.prevented_locked),
        _NULL if trade is None else str(milliseconds(trade.at)),
        str(milliseconds(order.created_at)),
        str(milliseconds(now)),
        '"REALTIME"',
    ]


def my_asset(happening: AssetHappening, uuid: str, now: datetime, shape: Format) -> list[str]:
    """The values of a myAsset frame."""
    rows = ((quoted(currency), _number(free), _number(locked)) for currency, free, locked in happening.holdings)
    assets = ",".join(_object("asset", row, short=shape.short) for row in rows)
    return [
        '"myAsset"',
        quoted(uuid),
        f"[{assets}]",
        str(milliseconds(happening.at)),
        str(milliseconds(now)),
        '"REALTIME"',
    ]


def announcement(happening: AnnouncementHappening, now: datetime, *, include_body: bool) -> list[str]:
    """The values of an announcement frame; times are KST."""
    notice = happening.announcement
    first, last = (
        (at + _KST).isoformat(timespec="seconds")[:19] + "+09:00" for at in (happening.first_at, happening.at)
    )
    return [
        '"announcement"',
        '"UPDATED"' if happening.updated else '"CREATED"',
        quoted(happening.uuid),
        quoted(notice.title),
        quoted(notice.category),
        quoted(notice.url),
        quoted(first),
        quoted(last),
        quoted(notice.body if include_body else None),
        str(milliseconds(now)),
        '"REALTIME"',
    ]


def listing(ticket: str, subscriptions: Sequence[Subscription], shape: Format) -> bytes:
    """The answer to LIST_SUBSCRIPTIONS."""
    rows = []
    for each in subscriptions:
        codes = ",".join(quoted(code.text) for code in each.codes)
        values = [quoted(each.type), f"[{codes}]", str(each.level)]
        keys = _KEYS["subscription", shape.short][: 3 if each.type == "orderbook" else 2]
        rows.append("{" + ",".join(key + value for key, value in zip(keys, values, strict=False)) + "}")
    values = ['"LIST_SUBSCRIPTIONS"', f"[{','.join(rows)}]", quoted(ticket)]
    return written("listing", values, shape)


def error(name: str, message: str) -> bytes:
    """An error frame; it has one form in every format."""
    return msgspec.json.encode({"error": {"name": name, "message": message}})


UP: Final = b'{"status":"UP"}'


def _change(change: float) -> str:
    return '"RISE"' if change > 0 else '"FALL"' if change < 0 else '"EVEN"'


def _number(value: Number | None) -> str:
    return _NULL if value is None else double(value)
