"""The way of the venue's replies into domain values.

Whatever does not fit raises `VenueGarbled`, naming the call and the JSON path: half a reply is never used.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import msgspec

from makenaide.domain.candle import DAY_MINUTES, Candle, require_sound
from makenaide.domain.clock import DAY, utc
from makenaide.domain.errors import BadCandles, UnknownMarket
from makenaide.domain.market import Market, market
from makenaide.domain.money import Krw, Price, Quantity, exact
from makenaide.domain.order import Identifier
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.rows import (
    AccountRow,
    BookRow,
    CandleRow,
    ChanceRow,
    InstrumentRow,
    Marketed,
    MarketRow,
    OrderRow,
    PlacedRow,
    RefusalBody,
    TickerRow,
    TradeRow,
)
from makenaide.exchange.venue import Balance, Book, Chance, Instrument, Level, Listing, PlacedOrder, Ticker, Trade

T = TypeVar("T")
Row = TypeVar("Row", bound=Marketed)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = 30
"""Amounts have fewer digits than this on either side of the point: 1e999999999 is garbage, and a memory bomb."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An error object of the venue, its name as text (quotation errors carry a number there)."""

    name: str
    message: str


# ---- reading ----


def read(call: str, body: bytes, kind: type[T]) -> T:
    """`body` as `kind`; `VenueGarbled` naming `call` and the JSON path."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise VenueGarbled(f"{call}: {cause}") from cause


def refusal(body: bytes) -> Refused | None:
    """The error object in `body`; None when there is none (plain text, HTML, nothing)."""
    try:
        error = msgspec.json.decode(body, type=RefusalBody).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Refused(str(error.name), error.message)


def placed_uuid(body: bytes) -> str | None:
    """The venue's id of a new order; None when the reply does not carry one."""
    try:
        return msgspec.json.decode(body, type=PlacedRow).uuid
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _as(kind: Callable[[Decimal], T], number: Decimal, at: str) -> T:
    try:
        return kind(_sensible(number))
    except ValueError as cause:
        raise VenueGarbled(f"{at}: {cause}") from cause


def _sensible(number: Decimal) -> Decimal:
    # Finite first: a NaN has no magnitude.
    if exact(number) and not -_DIGITS < number.adjusted() < _DIGITS:
        raise ValueError(f"not a sensible amount: {number}")
    return number


def _amount(number: Decimal) -> Decimal:
    if number < 0:
        raise ValueError(f"below zero: {number}")
    return number


def _moment(at: datetime, where: str) -> datetime:
    try:
        return utc(at)
    except OverflowError as cause:
        raise VenueGarbled(f"{where}: not a sensible time: {at}") from cause


def _millis(millis: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=millis)


def _asked(call: str, rows: Iterable[Row], markets: Sequence[Market]) -> dict[Market, tuple[str, Row]]:
    """Row and JSON path of each market asked; `VenueGarbled` names the markets that the reply leaves out."""
    found = {row.market: (f"{call}: $[{index}]", row) for index, row in enumerate(rows)}
    missing = [code for code in markets if code not in found]
    if missing:
        raise VenueGarbled(f"{call}: the reply lacks {', '.join(missing)}")
    return {code: found[code] for code in markets}


# ---- into the domain: market data ----


def listings(call: str, body: bytes) -> tuple[Listing, ...]:
    """Every listed market that is written in won, bitcoin or tether; `VenueGarbled` when there is none.

    A market of a quote currency that Makenaide does not know is left out: it cannot be traded here.
    """
    rows = read(call, body, list[MarketRow])
    found = []
    for index, row in enumerate(rows):
        if row.market.partition("-")[0] not in ("KRW", "BTC", "USDT"):
            continue
        found.append(_listing(row, f"{call}: $[{index}].market"))
    if not found:
        raise VenueGarbled(f"{call}: the list of markets is empty")
    return tuple(found)


def _listing(row: MarketRow, at: str) -> Listing:
    try:
        code = market(row.market)
    except UnknownMarket as cause:
        raise VenueGarbled(f"{at}: {cause}") from cause
    return Listing(
        market=code,
        korean_name=row.korean_name,
        english_name=row.english_name,
        warning=row.market_event.warning,
        cautions=tuple(sorted(name for name, up in row.market_event.caution.items() if up)),
    )


def day_candles(call: str, body: bytes, code: Market, before: datetime) -> tuple[Candle, ...]:
    """The day candles of `code` that are closed at `before`, ascending; each is sound, or `VenueGarbled` names it."""
    rows = read(call, body, list[CandleRow])
    candles = [_day_candle(row, code, f"{call}: $[{index}]") for index, row in enumerate(rows)]
    closed = sorted((each for each in candles if each.end <= before), key=lambda each: each.start)
    try:
        require_sound(closed)
    except BadCandles as cause:
        raise VenueGarbled(f"{call}: {cause}") from cause
    return tuple(closed)


def _day_candle(row: CandleRow, code: Market, at: str) -> Candle:
    start = row.candle_date_time_utc.replace(tzinfo=UTC)
    if row.market != code:
        raise VenueGarbled(f"{at}.market: asked for {code}, got {row.market!r}")
    if (start - _EPOCH) % DAY or start.year > 9998:
        raise VenueGarbled(f"{at}.candle_date_time_utc: {code} {start.isoformat()} is not the start of a day")
    named = f"{at} ({code} {start.isoformat()})"
    return Candle(
        market=code,
        start=start,
        minutes=DAY_MINUTES,
        open=_as(Price, row.opening_price, f"{named}.opening_price"),
        high=_as(Price, row.high_price, f"{named}.high_price"),
        low=_as(Price, row.low_price, f"{named}.low_price"),
        close=_as(Price, row.trade_price, f"{named}.trade_price"),
        volume=_as(Quantity, row.candle_acc_trade_volume, f"{named}.candle_acc_trade_volume"),
        turnover=_as(Krw, row.candle_acc_trade_price, f"{named}.candle_acc_trade_price"),
    )


def tickers(call: str, body: bytes, markets: Sequence[Market]) -> dict[Market, Ticker]:
    """The ticker of each of `markets`."""
    rows = _asked(call, read(call, body, list[TickerRow]), markets)
    return {
        code: Ticker(
            market=code,
            price=_as(Price, row.trade_price, f"{at}.trade_price"),
            turnover_24h=Krw(_as(_amount, row.acc_trade_price_24h, f"{at}.acc_trade_price_24h")),
            at=_millis(row.trade_timestamp),
        )
        for code, (at, row) in rows.items()
    }


def books(call: str, body: bytes, markets: Sequence[Market]) -> dict[Market, Book]:
    """The book of each of `markets`, best first, without the padding of thin sides."""
    rows = _asked(call, read(call, body, list[BookRow]), markets)
    return {code: _book(code, row, at) for code, (at, row) in rows.items()}


def _book(code: Market, row: BookRow, at: str) -> Book:
    bids: list[Level] = []
    asks: list[Level] = []
    for index, unit in enumerate(row.orderbook_units):
        where = f"{at}.orderbook_units[{index}]"
        for side, name, price, size in (
            (bids, "bid", unit.bid_price, unit.bid_size),
            (asks, "ask", unit.ask_price, unit.ask_size),
        ):
            if price and size:
                cost = _as(Price, price, f"{where}.{name}_price")
                side.append(Level(cost, _as(Quantity, size, f"{where}.{name}_size")))
    bids.sort(key=lambda level: level.price, reverse=True)
    asks.sort(key=lambda level: level.price)
    return Book(market=code, at=_millis(row.timestamp), bids=tuple(bids), asks=tuple(asks))


def instruments(call: str, body: bytes, markets: Sequence[Market]) -> dict[Market, Instrument]:
    """The price step of each of `markets`."""
    rows = _asked(call, read(call, body, list[InstrumentRow]), markets)
    return {
        code: Instrument(market=code, tick_size=_as(Price, row.tick_size, f"{at}.tick_size").value)
        for code, (at, row) in rows.items()
    }


# ---- into the domain: the account ----


def balances(call: str, body: bytes) -> Mapping[str, Balance]:
    """Free and locked amount by currency."""
    found: dict[str, Balance] = {}
    for index, row in enumerate(read(call, body, list[AccountRow])):
        at = f"{call}: $[{index}]"
        if row.currency in found:
            raise VenueGarbled(f"{at}.currency: {row.currency} stands there twice")
        free, locked = _as(_amount, row.balance, f"{at}.balance"), _as(_amount, row.locked, f"{at}.locked")
        found[row.currency] = Balance(currency=row.currency, free=free, locked=locked)
    return found


def chance(call: str, body: bytes, code: Market) -> Chance:
    """Fees and limits in `code`; the minimum total is the larger one of the two sides."""
    row = read(call, body, ChanceRow)
    if row.market.id != code:
        raise VenueGarbled(f"{call}: $.market.id: asked for {code}, got {row.market.id!r}")
    totals = [
        _as(_amount, row.market.bid.min_total, f"{call}: $.market.bid.min_total"),
        _as(_amount, row.market.ask.min_total, f"{call}: $.market.ask.min_total"),
    ]
    return Chance(
        market=code,
        bid_fee=_as(_amount, row.bid_fee, f"{call}: $.bid_fee"),
        ask_fee=_as(_amount, row.ask_fee, f"{call}: $.ask_fee"),
        minimum_total=Krw(max(totals)),
        active=row.market.state == "active",
    )


def placed_order(call: str, body: bytes, identifier: Identifier) -> PlacedOrder:
    """The order of `identifier`; `VenueGarbled` when the reply speaks of another one."""
    row = read(call, body, OrderRow)
    if row.identifier is not None and row.identifier != identifier:
        raise VenueGarbled(f"{call}: $.identifier: asked for {identifier}, got {row.identifier!r}")
    try:
        code = market(row.market)
    except UnknownMarket as cause:
        raise VenueGarbled(f"{call}: $.market: {cause}") from cause
    return PlacedOrder(
        uuid=row.uuid,
        identifier=None if row.identifier is None else identifier,
        market=code,
        side=row.side,
        type=row.ord_type,
        price=None if row.price is None else _as(_amount, row.price, f"{call}: $.price"),
        volume=None if row.volume is None else _as(Quantity, row.volume, f"{call}: $.volume"),
        state=row.state,
        executed=_as(Quantity, row.executed_volume, f"{call}: $.executed_volume"),
        paid_fee=Krw(_as(_amount, row.paid_fee, f"{call}: $.paid_fee")),
        trades_count=row.trades_count,
        trades=tuple(_trade(each, f"{call}: $.trades[{index}]") for index, each in enumerate(row.trades)),
        created_at=_moment(row.created_at, f"{call}: $.created_at"),
    )


def _trade(row: TradeRow, at: str) -> Trade:
    return Trade(
        uuid=row.uuid,
        price=_as(Price, row.price, f"{at}.price"),
        volume=_as(Quantity, row.volume, f"{at}.volume"),
        funds=Krw(_as(_amount, row.funds, f"{at}.funds")),
        at=_moment(row.created_at, f"{at}.created_at"),
    )
