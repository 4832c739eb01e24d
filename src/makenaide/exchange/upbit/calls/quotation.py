"""Market data calls: public, of the groups that are counted by address (upbit-api.md, section 2)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from makenaide.domain.candle import Candle
from makenaide.domain.clock import day_start, trading_day, utc
from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market
from makenaide.exchange.http import Pairs
from makenaide.exchange.upbit import quotes
from makenaide.exchange.upbit.errors import VenueRefused
from makenaide.exchange.upbit.line import Call, Line
from makenaide.exchange.venue import Bar, Book, CandleUnit, Instrument, Listing, MarketTrade, Ticker

MOST_CANDLES = 200
MOST_LEVELS = 30
MOST_TRADES = 500
MOST_DAYS_AGO = 7


class QuotationCalls:
    """Public market data, and what the port `Quotation` asks for."""

    __slots__ = ()
    _line: Line

    def markets(self) -> Sequence[Listing]:
        """Every listed market with its warning and the cautions that are up."""
        name, body = self._quote("/v1/market/all", (("is_details", "true"),), ())
        return quotes.listings(name, body)

    def day_candles(self, market: Market, before: datetime, count: int) -> Sequence[Candle]:
        """Up to `count` (1 to 200) day candles that are closed at `before`, ascending; days without trades lack.

        The candle that is still forming at `before` is never among them.
        """
        # `to` excludes candles by their start, so the day's start leaves the forming one out.
        to = day_start(trading_day(before))
        name, body = self._candles((market, CandleUnit.DAYS), to, count)
        return quotes.day_candles(name, body, market, to)[-count:]

    def candles(self, market: Market, unit: CandleUnit, before: datetime, count: int) -> Sequence[Bar]:
        """Up to `count` (1 to 200) candles that start before `before`, ascending; slots without trades lack.

        The newest may still be forming. Seconds reach back three months only.
        """
        # The venue counts `to` in whole seconds: rounded up, no candle that starts before it is lost.
        to = utc(before)
        to = to if to.microsecond == 0 else to.replace(microsecond=0) + timedelta(seconds=1)
        name, body = self._candles((market, unit), to, count)
        return quotes.bars(name, body, (market, unit), to)[-count:]

    def trades(
        self, market: Market, count: int = 100, *, cursor: int | None = None, days_ago: int | None = None
    ) -> Sequence[MarketTrade]:
        """Up to `count` (1 to 500) trades of the market, newest first.

        `cursor` (a trade's `number`) goes on before it; `days_ago` (1 to 7) takes them of an earlier day in UTC.
        """
        _require("count", count, MOST_TRADES)
        query: Pairs = (("market", market), ("count", str(count)))
        if cursor is not None:
            query += (("cursor", str(cursor)),)
        if days_ago is not None:
            _require("days_ago", days_ago, MOST_DAYS_AGO)
            query += (("days_ago", str(days_ago)),)
        name, body = self._quote("/v1/trades/ticks", query, (market,))
        return quotes.market_trades(name, body, market)

    def tickers(self, markets: Sequence[Market]) -> Mapping[Market, Ticker]:
        """The latest trade of each market; a market that was never traded is absent.

        `UnknownMarket`, naming all that were asked, when one is not listed.
        """
        if not markets:
            return {}
        name, body = self._quote("/v1/ticker", (("markets", ",".join(markets)),), markets)
        return quotes.tickers(name, body, markets)

    def tickers_of(self, currencies: Sequence[str]) -> Mapping[Market, Ticker]:
        """The latest trade of every market that is written in one of `currencies`, such as "KRW"; in one call.

        A market that was never traded is absent.
        """
        if not currencies:
            return {}
        name, body = self._quote("/v1/ticker/all", (("quote_currencies", ",".join(currencies)),), ())
        return quotes.all_tickers(name, body, currencies)

    def books(self, markets: Sequence[Market], depth: int = MOST_LEVELS) -> Mapping[Market, Book]:
        """The order book of each market, up to `depth` (1 to 30) levels a side; `UnknownMarket` as in `tickers`."""
        _require("depth", depth, MOST_LEVELS)
        if not markets:
            return {}
        query = (("markets", ",".join(markets)), ("count", str(depth)))
        name, body = self._quote("/v1/orderbook", query, markets)
        return quotes.books(name, body, markets)

    def instruments(self, markets: Sequence[Market]) -> Mapping[Market, Instrument]:
        """The price step of each market at its present price; `UnknownMarket` as in `tickers`."""
        if not markets:
            return {}
        query = (("markets", ",".join(markets)),)
        name, body = self._quote("/v1/orderbook/instruments", query, markets)
        return quotes.instruments(name, body, markets)

    def _candles(self, asked: tuple[Market, CandleUnit], to: datetime, count: int) -> tuple[str, bytes]:
        _require("count", count, MOST_CANDLES)
        market, unit = asked
        # With an explicit Z: a bare time is read as UTC by some and as Korean time by others (section 11, pitfall 1).
        query = (("market", market), ("to", f"{to:%Y-%m-%dT%H:%M:%SZ}"), ("count", str(count)))
        return self._quote(f"/v1/candles/{unit}", query, (market,))

    def _quote(self, path: str, query: Pairs, markets: Sequence[Market]) -> tuple[str, bytes]:
        """Name and body of a market-data call; its 404 with a number as name means an unknown market."""
        call = Call(method="GET", path=path, query=query)
        try:
            return call.name, self._line.read(call).body
        except VenueRefused as refused:
            if refused.status == 404 and refused.name.isdigit() and markets:
                raise UnknownMarket(
                    f"{call.name}: the venue does not list one of {', '.join(markets)}"
                ) from refused
            raise


def _require(name: str, number: int, most: int) -> None:
    if not 1 <= number <= most:
        raise ValueError(f"{name}: expected 1..{most}, got {number}")
