"""The public calls: markets, candles, tickers, books; numbers are JSON numbers (upbit-api.md section 2)."""

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import partial

from makenaide.domain.clock import kst
from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market, quote_of, tick_size
from makenaide.domain.market import market as market_code
from makenaide.domain.money import plain
from makenaide.exchange.simulator.core.errors import bad_quotation
from makenaide.exchange.simulator.core.floor import Floor
from makenaide.exchange.simulator.market import BOOK_LEVELS, BookSides, CandleRow, CandleUnit, DayStats
from makenaide.exchange.simulator.rest.query import Query, moment
from makenaide.exchange.simulator.rest.route import Open, Public
from makenaide.exchange.venue import Listing

Json = dict[str, object]
Sized = tuple[tuple[Decimal, Decimal], ...]

MOST_CANDLES = 200
CAUTIONS = (
    "PRICE_FLUCTUATIONS",
    "TRADING_VOLUME_SOARING",
    "DEPOSIT_AMOUNT_SOARING",
    "GLOBAL_PRICE_DIFFERENCES",
    "CONCENTRATION_OF_SMALL_ACCOUNTS",
)
_KST = timedelta(hours=9)
_TICK = timedelta(microseconds=1)
_ZERO = Decimal(0)


class Quotation:
    """Answers public calls from the trading floor; `Refused` with an integer name when a parameter is wrong."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def routes(self) -> list[Open]:
        """Every public call."""
        table: list[tuple[str, str, Public]] = [
            ("market/all", "market", self.markets),
            ("ticker", "ticker", self.tickers),
            ("ticker/all", "ticker", self.all_tickers),
            ("orderbook", "orderbook", self.books),
            ("orderbook/instruments", "orderbook", self.instruments),
        ]
        table += [(f"candles/{unit}", "candle", partial(self.candles, unit=unit)) for unit in CandleUnit]
        return [
            Open(method="GET", path=f"/v1/{path}", group=group, handler=handler) for path, group, handler in table
        ]

    def markets(self, query: Query) -> list[Json]:
        """GET /v1/market/all."""
        details = (query.one("is_details", "isDetails") or "false").lower()
        if details not in ("true", "false"):
            raise bad_quotation("mismatch")
        return [_listing(each, details == "true") for each in self._floor.listed().values()]

    def candles(self, query: Query, unit: CandleUnit) -> list[Json]:
        """GET /v1/candles/...: newest first, the forming one included, `to` exclusive."""
        market = self._market(query)
        count = _count(query, 1)
        if not 1 <= count <= MOST_CANDLES:
            raise bad_quotation("invalid")
        converting = query.one("converting_price_unit", "convertingPriceUnit")
        if converting is not None and (unit is not CandleUnit.DAYS or converting != "KRW"):
            raise bad_quotation("invalid")
        now = self._floor.now
        rows = self._floor.data.candles(market, unit, _before(query, now), count, now)
        shaped = [_candle(market, unit, row) for row in rows]
        if converting is not None:
            for each in shaped:
                each["converted_trade_price"] = each["trade_price"]
        return shaped

    def tickers(self, query: Query) -> list[Json]:
        """GET /v1/ticker: the markets asked, in the order asked."""
        return [self._ticker(market) for market in self._markets(query)]

    def all_tickers(self, query: Query) -> list[Json]:
        """GET /v1/ticker/all: every market of the quote currencies."""
        quotes = query.one("quote_currencies")
        if quotes is None:
            raise bad_quotation("missing")
        wanted = {quote.strip().upper() for quote in quotes.split(",")}
        return [self._ticker(market) for market in self._floor.listed() if quote_of(market) in wanted]

    def books(self, query: Query) -> list[Json]:
        """GET /v1/orderbook: up to 30 levels; a `level` groups prices, in KRW markets only."""
        markets = self._markets(query)
        depth = _count(query, BOOK_LEVELS)
        if depth < 1:
            raise bad_quotation("invalid")
        try:
            level = Decimal(query.one("level") or 0)
        except ArithmeticError:
            raise bad_quotation("mismatch") from None
        if level and any(quote_of(market) != "KRW" for market in markets):
            return []
        return [self._book(market, min(depth, BOOK_LEVELS), level) for market in markets]

    def instruments(self, query: Query) -> list[Json]:
        """GET /v1/orderbook/instruments: the price step at the present price; values are strings."""
        return [self._instrument(market) for market in self._markets(query)]

    def _market(self, query: Query) -> Market:
        code = query.one("market")
        if code is None:
            raise bad_quotation("missing")
        return self._listed(code)

    def _markets(self, query: Query) -> list[Market]:
        codes = query.one("markets")
        if codes is None:
            raise bad_quotation("missing")
        return [self._listed(code) for code in codes.split(",")]

    def _listed(self, code: str) -> Market:
        try:
            market = market_code(code)
        except UnknownMarket:
            raise bad_quotation("unknown") from None
        if market not in self._floor.listed():
            raise bad_quotation("unknown")
        return market

    def _ticker(self, market: Market) -> Json:
        return _ticker(market, self._floor.data.day(market, self._floor.now), self._floor.now)

    def _book(self, market: Market, depth: int, level: Decimal) -> Json:
        if level:
            if plain(level) not in _levels(self._tick(market), self._floor.price(market)):
                raise bad_quotation("invalid")
            whole = self._floor.book(market)
            sides = BookSides(
                _grouped(whole.bids, level, ROUND_FLOOR)[:depth],
                _grouped(whole.asks, level, ROUND_CEILING)[:depth],
            )
        else:
            sides = self._floor.book(market, depth)
        return _book(market, sides, level, self._floor.now)

    def _instrument(self, market: Market) -> Json:
        tick = self._tick(market)
        levels = _levels(tick, self._floor.price(market)) if quote_of(market) == "KRW" else ["0"]
        return {
            "market": market,
            "quote_currency": quote_of(market),
            "tick_size": plain(tick),
            "supported_levels": levels,
        }

    def _tick(self, market: Market) -> Decimal:
        return tick_size(market, self._floor.price(market), kst(self._floor.now).date())


def _listing(each: Listing, details: bool) -> Json:
    row: Json = {
        "market": each.market,
        "korean_name": each.korean_name,
        "english_name": each.english_name,
    }
    if details:
        cautions = {name: name in each.cautions for name in CAUTIONS}
        row["market_event"] = {"warning": each.warning, "caution": cautions}
    return row


def _candle(market: Market, unit: CandleUnit, row: CandleRow) -> Json:
    shape: Json = {
        "market": market,
        "candle_date_time_utc": row.start.isoformat()[:19],
        "candle_date_time_kst": (row.start + _KST).isoformat()[:19],
        "opening_price": _number(row.open),
        "high_price": _number(row.high),
        "low_price": _number(row.low),
        "trade_price": _number(row.close),
        "timestamp": row.last_tick,
        "candle_acc_trade_price": row.turnover,
        "candle_acc_trade_volume": row.volume,
    }
    if unit.minutes is not None:
        shape["unit"] = unit.minutes
    elif unit is CandleUnit.DAYS:
        before = row.open if row.prev_close is None else row.prev_close
        shape["prev_closing_price"] = _number(before)
        shape["change_price"] = _number(round(row.close - before, 8))
        shape["change_rate"] = round((row.close - before) / before, 10)
    else:
        shape["first_day_of_period"] = row.start.date().isoformat()
    return shape


def _ticker(market: Market, day: DayStats, now: datetime) -> Json:
    change = round(day.price - day.prev_close, 8)
    rate = round((day.price - day.prev_close) / day.prev_close, 10)
    last, local = day.last_trade_at, day.last_trade_at + _KST
    return {
        "market": market,
        "trade_date": f"{last:%Y%m%d}",
        "trade_time": f"{last:%H%M%S}",
        "trade_date_kst": f"{local:%Y%m%d}",
        "trade_time_kst": f"{local:%H%M%S}",
        "trade_timestamp": milliseconds(last),
        "opening_price": _number(day.open),
        "high_price": _number(day.high),
        "low_price": _number(day.low),
        "trade_price": _number(day.price),
        "prev_closing_price": _number(day.prev_close),
        "change": "RISE" if change > 0 else "FALL" if change < 0 else "EVEN",
        "change_price": _number(abs(change)),
        "change_rate": abs(rate),
        "signed_change_price": _number(change),
        "signed_change_rate": rate,
        "trade_volume": day.last_trade_volume,
        "acc_trade_price": day.turnover,
        "acc_trade_price_24h": day.turnover_24h,
        "acc_trade_volume": day.volume,
        "acc_trade_volume_24h": day.volume_24h,
        "highest_52_week_price": _number(day.high_52w),
        "highest_52_week_date": day.high_52w_on.isoformat(),
        "lowest_52_week_price": _number(day.low_52w),
        "lowest_52_week_date": day.low_52w_on.isoformat(),
        "timestamp": milliseconds(now),
    }


def _book(market: Market, sides: BookSides, level: Decimal, now: datetime) -> Json:
    rows = max(len(sides.bids), len(sides.asks))
    pad = (_ZERO, _ZERO)
    # A side that is shorter than the other is padded with zeros, as on the wire.
    bids, asks = (side + (pad,) * (rows - len(side)) for side in (sides.bids, sides.asks))
    return {
        "market": market,
        "timestamp": milliseconds(now) // 100 * 100,
        "total_ask_size": sum((size for _, size in sides.asks), _ZERO),
        "total_bid_size": sum((size for _, size in sides.bids), _ZERO),
        "orderbook_units": [
            {"bid_price": bid[0], "bid_size": bid[1], "ask_price": ask[0], "ask_size": ask[1]}
            for bid, ask in zip(bids, asks, strict=True)
        ],
        "level": level,
    }


def _grouped(side: Sized, level: Decimal, rounding: str) -> Sized:
    groups: dict[Decimal, Decimal] = {}
    for price, size in side:
        group = (price / level).to_integral_value(rounding) * level
        groups[group] = groups.get(group, _ZERO) + size
    return tuple(groups.items())


def _levels(tick: Decimal, price: Decimal) -> list[str]:
    """The groupings that a KRW book offers: tens of ticks up to the price's own size."""
    levels, step = ["0"], tick * 10
    while step <= price:
        levels.append(plain(step))
        step *= 10
    return levels


def _before(query: Query, now: datetime) -> datetime:
    to = query.one("to")
    if to is None:
        return now + _TICK
    try:
        return moment(to)
    except ValueError:
        raise bad_quotation("invalid") from None


def _count(query: Query, default: int) -> int:
    count = query.one("count")
    if count is None:
        return default
    if not count.lstrip("-").isdecimal():
        raise bad_quotation("mismatch")
    return int(count)


def _number(value: float) -> int | float:
    """A whole price is written without a fraction, as on the wire."""
    return int(value) if value.is_integer() else value


def milliseconds(at: datetime) -> int:
    """Unix milliseconds."""
    return int(at.timestamp() * 1000 + 0.5)
