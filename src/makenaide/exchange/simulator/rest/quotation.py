"""The public calls for markets, candles and tickers; numbers are JSON numbers (upbit-api.md section 2)."""

from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec
from msgspec import Raw

from makenaide.domain.market import Market, quote_of
from makenaide.exchange.simulator.core.errors import bad_quotation
from makenaide.exchange.simulator.core.floor import Floor
from makenaide.exchange.simulator.prices.moments import from_ms, last_trade_at, to_ms
from makenaide.exchange.simulator.rest import rows
from makenaide.exchange.simulator.rest.asked import MARKET, MARKETS, many_markets, number, one_market
from makenaide.exchange.simulator.rest.query import Query, moment
from makenaide.exchange.simulator.rest.route import Kind, Open, Parameter, Public
from makenaide.exchange.simulator.rest.rows import Json
from makenaide.exchange.simulator.rest.shelf import Shelf
from makenaide.exchange.venue import CandleUnit

MOST_CANDLES: Final = 200

_TICK: Final = timedelta(microseconds=1)

_QUOTES: Final = Parameter("quote_currencies", required=True)
_DETAILS: Final = Parameter("is_details", Kind.BOOLEAN, choices=("true", "false"))
_CANDLES: Final = (MARKET, Parameter("to"), Parameter("count", Kind.INTEGER, minimum=1, maximum=MOST_CANDLES))
_CONVERTED: Final = Parameter("converting_price_unit", choices=("KRW",))

_Row = tuple[str, str, Public, tuple[Parameter, ...]]


class Quotation:
    """Answers public calls from the trading floor; `Refused` with an integer name when a parameter is wrong."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._shelf = Shelf()
        self._tickers: dict[Market, tuple[int, Raw]] = {}

    def routes(self) -> list[Open]:
        """Every public call."""
        table: list[_Row] = [
            ("market/all", "market", self.markets, (_DETAILS,)),
            ("ticker", "ticker", self.tickers, (MARKETS,)),
            ("ticker/all", "ticker", self.all_tickers, (_QUOTES,)),
        ]
        for unit in CandleUnit:
            more = (_CONVERTED,) if unit is CandleUnit.DAYS else ()
            table.append((f"candles/{unit}", "candle", partial(self.candles, unit=unit), (*_CANDLES, *more)))
        return [
            Open(method="GET", path=f"/v1/{path}", group=group, handler=handler, parameters=parameters)
            for path, group, handler, parameters in table
        ]

    def markets(self, query: Query) -> list[Json]:
        """GET /v1/market/all; older libraries say isDetails."""
        details = (query.one("is_details", "isDetails") or "false").lower()
        if details not in ("true", "false"):
            raise bad_quotation("mismatch")
        return [rows.listing(each, details == "true") for each in self._floor.listed().values()]

    def candles(self, query: Query, unit: CandleUnit) -> list[Json] | list[Raw]:
        """GET /v1/candles/...: newest first, the forming one included, `to` exclusive."""
        market = one_market(query, self._floor)
        count = number(query, "count", 1, (1, MOST_CANDLES))
        converting = query.one("converting_price_unit", "convertingPriceUnit")
        if converting is not None and (unit is not CandleUnit.DAYS or converting != "KRW"):
            raise bad_quotation("invalid")
        now = self._floor.now
        found = self._floor.data.candles(market, unit, _before(query, now), count, now)
        if converting is None:
            return self._shelf.encoded(market, unit, found)
        shaped = [rows.candle(market, unit, row) for row in found]
        return [each | {"converted_trade_price": each["trade_price"]} for each in shaped]

    def tickers(self, query: Query) -> list[Raw]:
        """GET /v1/ticker: the markets asked, in the order asked."""
        return [self._ticker(market) for market in many_markets(query, self._floor)]

    def all_tickers(self, query: Query) -> list[Raw]:
        """GET /v1/ticker/all: every market of the quote currencies."""
        wanted = {quote.strip().upper() for quote in query.parts("quote_currencies")}
        if not wanted:
            raise bad_quotation("missing")
        return [self._ticker(market) for market in self._floor.listed() if quote_of(market) in wanted]

    def _ticker(self, market: Market) -> Raw:
        """The row as of the last moment at which it can have changed; written once for that moment."""
        at = last_trade_at(to_ms(self._floor.now))
        known = self._tickers.get(market)
        if known is None or known[0] != at:
            asked = from_ms(at)
            row = rows.ticker(market, self._floor.data.day(market, asked), asked)
            known = self._tickers[market] = at, Raw(msgspec.json.encode(row))
        return known[1]


def _before(query: Query, now: datetime) -> datetime:
    to = query.one("to")
    if to is None:
        return now + _TICK
    try:
        # No candle starts later than now.
        return min(moment(to), now + _TICK)
    except ValueError:
        raise bad_quotation("invalid") from None
