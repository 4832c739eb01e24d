"""Market data: the venue's replies into domain values (upbit-api.md, section 2)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from makenaide.domain.candle import DAY_MINUTES, Candle, require_sound
from makenaide.domain.clock import DAY
from makenaide.domain.errors import BadCandles
from makenaide.domain.market import Market, quote_of
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Side
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.rows import (
    BookRow,
    CandleRow,
    InstrumentRow,
    Marketed,
    MarketRow,
    TickerRow,
    TickRow,
)
from makenaide.exchange.upbit.wire import EPOCH, amount, book, coded, instant, read, valued
from makenaide.exchange.venue import Bar, Book, CandleUnit, Instrument, Listing, MarketTrade, Ticker

Row = TypeVar("Row", bound=Marketed)


def _asked(call: str, rows: Iterable[Row], markets: Sequence[Market]) -> dict[Market, tuple[str, Row]]:
    """Row and JSON path of each market asked; `VenueGarbled` names the markets that the reply leaves out."""
    found = {row.market: (f"{call}: $[{index}]", row) for index, row in enumerate(rows)}
    missing = [code for code in markets if code not in found]
    if missing:
        raise VenueGarbled(f"{call}: the reply lacks {', '.join(missing)}")
    return {code: found[code] for code in markets}


def listings(call: str, body: bytes) -> tuple[Listing, ...]:
    """Every listed market that is written in won, bitcoin or tether; `VenueGarbled` when there is none.

    A market of a quote currency that Makenaide does not know is left out: it cannot be traded here.
    """
    rows = read(call, body, list[MarketRow])
    found = []
    for index, row in enumerate(rows):
        if row.market.partition("-")[0] not in ("KRW", "BTC", "USDT"):
            continue
        found.append(_listing(row, f"{call}: $[{index}]"))
    if not found:
        raise VenueGarbled(f"{call}: the list of markets is empty")
    return tuple(found)


def _listing(row: MarketRow, at: str) -> Listing:
    return Listing(
        market=coded(row.market, at),
        korean_name=row.korean_name,
        english_name=row.english_name,
        warning=row.market_event.warning,
        cautions=tuple(sorted(name for name, up in row.market_event.caution.items() if up)),
    )


def bars(call: str, body: bytes, asked: tuple[Market, CandleUnit], before: datetime) -> tuple[Bar, ...]:
    """The candles of a market and unit that start before `before`, ascending; sound, or `VenueGarbled` names it."""
    code, unit = asked
    rows = read(call, body, list[CandleRow])
    found = [_bar(row, asked, f"{call}: $[{index}]") for index, row in enumerate(rows)]
    early = sorted((each for each in found if each.start < before), key=lambda each: each.start)
    try:
        # The laws of a candle do not depend on its length.
        require_sound(_candle(each, 1) for each in early)
    except BadCandles as cause:
        raise VenueGarbled(f"{call}: {code} {unit}: {cause}") from cause
    return tuple(early)


def day_candles(call: str, body: bytes, code: Market, before: datetime) -> tuple[Candle, ...]:
    """The day candles of `code` that are closed at `before`, ascending; each is sound, or `VenueGarbled` names it."""
    days = [_candle(each, DAY_MINUTES) for each in bars(call, body, (code, CandleUnit.DAYS), before)]
    return tuple(each for each in days if each.end <= before)


def _candle(bar: Bar, minutes: int) -> Candle:
    return Candle(
        market=bar.market,
        start=bar.start,
        minutes=minutes,
        open=bar.open,
        high=bar.high,
        low=bar.low,
        close=bar.close,
        volume=bar.volume,
        turnover=bar.turnover,
    )


def _bar(row: CandleRow, asked: tuple[Market, CandleUnit], at: str) -> Bar:
    code, unit = asked
    start = row.candle_date_time_utc.replace(tzinfo=UTC)
    if row.market != code:
        raise VenueGarbled(f"{at}.market: asked for {code}, got {row.market!r}")
    if not _begins(unit, start) or start.year > 9998:
        raise VenueGarbled(f"{at}.candle_date_time_utc: {code} {start.isoformat()} is not the start of {unit.one}")
    named = f"{at} ({code} {start.isoformat()})"
    return Bar(
        market=code,
        unit=unit,
        start=start,
        open=valued(Price, row.opening_price, f"{named}.opening_price"),
        high=valued(Price, row.high_price, f"{named}.high_price"),
        low=valued(Price, row.low_price, f"{named}.low_price"),
        close=valued(Price, row.trade_price, f"{named}.trade_price"),
        volume=valued(Quantity, row.candle_acc_trade_volume, f"{named}.candle_acc_trade_volume"),
        turnover=valued(Krw, row.candle_acc_trade_price, f"{named}.candle_acc_trade_price"),
    )


def _begins(unit: CandleUnit, start: datetime) -> bool:
    """Whether a candle of `unit` may start there.

    Only what is known: the weekday of a week and the phase of 240 minutes are not (upbit-api.md section 2.2).
    """
    if unit is CandleUnit.SECONDS:
        return start.microsecond == 0
    minutes = unit.minutes
    step = DAY if minutes is None else timedelta(minutes=min(minutes, 60))
    if (unit is CandleUnit.MONTHS and start.day > 1) or (
        unit is CandleUnit.YEARS and start.timetuple().tm_yday > 1
    ):
        return False
    return (start - EPOCH) % step == timedelta(0)


def tickers(call: str, body: bytes, markets: Sequence[Market]) -> dict[Market, Ticker]:
    """The ticker of each of `markets` that was ever traded."""
    rows = _asked(call, read(call, body, list[TickerRow]), markets)
    found = {code: _ticker(code, row, at) for code, (at, row) in rows.items()}
    return {code: ticker for code, ticker in found.items() if ticker is not None}


def _ticker(code: Market, row: TickerRow, at: str) -> Ticker | None:
    """None before the first trade: a new market must not spoil the tickers of the others."""
    if not row.trade_price:
        return None
    turnover, moment = row.acc_trade_price_24h, row.trade_timestamp
    if turnover is None or moment is None:
        raise VenueGarbled(f"{at}: a price without acc_trade_price_24h or trade_timestamp")
    return Ticker(
        market=code,
        price=valued(Price, row.trade_price, f"{at}.trade_price"),
        turnover_24h=Krw(valued(amount, turnover, f"{at}.acc_trade_price_24h")),
        at=instant(moment),
    )


def all_tickers(call: str, body: bytes, quotes: Sequence[str]) -> dict[Market, Ticker]:
    """The ticker of every market that is written in one of `quotes` and was ever traded.

    `VenueGarbled` when another market stands there.
    """
    found: dict[Market, Ticker | None] = {}
    for index, row in enumerate(read(call, body, list[TickerRow])):
        at = f"{call}: $[{index}]"
        code = coded(row.market, at)
        if quote_of(code) not in quotes or code in found:
            raise VenueGarbled(f"{at}.market: asked for {', '.join(quotes)}, got {row.market!r}")
        found[code] = _ticker(code, row, at)
    return {code: ticker for code, ticker in found.items() if ticker is not None}


def books(call: str, body: bytes, markets: Sequence[Market]) -> dict[Market, Book]:
    """The book of each of `markets`, best first, without the padding of thin sides."""
    rows = _asked(call, read(call, body, list[BookRow]), markets)
    return {code: _book(code, row, at) for code, (at, row) in rows.items()}


def _book(code: Market, row: BookRow, at: str) -> Book:
    try:
        return book(code, row.timestamp, row.orderbook_units)
    except ValueError as cause:
        raise VenueGarbled(f"{at}.orderbook_units: {cause}") from cause


def instruments(call: str, body: bytes, markets: Sequence[Market]) -> dict[Market, Instrument]:
    """The price step of each of `markets`."""
    rows = _asked(call, read(call, body, list[InstrumentRow]), markets)
    return {
        code: Instrument(market=code, tick_size=valued(Price, row.tick_size, f"{at}.tick_size").value)
        for code, (at, row) in rows.items()
    }


def market_trades(call: str, body: bytes, code: Market) -> tuple[MarketTrade, ...]:
    """The trades of `code`, in the order in which the venue lists them: newest first."""
    return tuple(
        _market_trade(row, code, f"{call}: $[{index}]")
        for index, row in enumerate(read(call, body, list[TickRow]))
    )


def _market_trade(row: TickRow, code: Market, at: str) -> MarketTrade:
    if row.market != code:
        raise VenueGarbled(f"{at}.market: asked for {code}, got {row.market!r}")
    return MarketTrade(
        market=code,
        at=instant(row.timestamp),
        price=valued(Price, row.trade_price, f"{at}.trade_price"),
        volume=valued(Quantity, row.trade_volume, f"{at}.trade_volume"),
        taker=Side(row.ask_bid.lower()),
        number=row.sequential_id,
    )
