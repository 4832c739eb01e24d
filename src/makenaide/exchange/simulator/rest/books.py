"""The public calls for books (upbit-api.md sections 2.5 and 2.6)."""

import re
from decimal import Decimal
from typing import Final

import msgspec

from makenaide.domain.market import Market, quote_of
from makenaide.domain.money import plain
from makenaide.exchange.simulator.core.errors import bad_quotation
from makenaide.exchange.simulator.core.floor import Floor
from makenaide.exchange.simulator.core.wallet import spelled
from makenaide.exchange.simulator.market import BOOK_LEVELS, BookSides
from makenaide.exchange.simulator.rest import rows
from makenaide.exchange.simulator.rest.asked import MARKETS, many_markets, number
from makenaide.exchange.simulator.rest.query import Query
from makenaide.exchange.simulator.rest.route import Kind, Open, Parameter
from makenaide.exchange.simulator.rest.rows import Json

_LEVEL: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,8})?")
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_BOOKS: Final = (MARKETS, Parameter("count", Kind.INTEGER, minimum=1), Parameter("level", Kind.NUMBER, minimum=0))


class Books:
    """Answers from the trading floor what stands in the books, and in which steps."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._written: dict[tuple[Market, int], tuple[BookSides, Json]] = {}

    def routes(self) -> list[Open]:
        """Every call for books."""
        table = [
            ("orderbook", self.books, _BOOKS),
            ("orderbook/instruments", self.instruments, (MARKETS,)),
            ("orderbook/supported_levels", self.supported_levels, (MARKETS,)),
        ]
        return [
            Open(method="GET", path=f"/v1/{path}", group="orderbook", handler=handler, parameters=parameters)
            for path, handler, parameters in table
        ]

    def books(self, query: Query) -> list[Json]:
        """GET /v1/orderbook: up to 30 levels, whatever more is asked; a `level` groups prices.

        A market that has no such grouping is left out, as every one outside KRW is.
        """
        markets = many_markets(query, self._floor)
        depth = min(number(query, "count", BOOK_LEVELS, (1, None)), BOOK_LEVELS)
        asked = query.one("level") or "0"
        if not _LEVEL.fullmatch(asked):
            raise bad_quotation("mismatch")
        level = spelled(Decimal(asked))
        if not level:
            return [self._book(market, depth) for market in markets]
        wanted = [market for market in markets if plain(level) in levels(market, self._floor)]
        return [self._grouped_book(market, depth, level) for market in wanted]

    def instruments(self, query: Query) -> list[Json]:
        """GET /v1/orderbook/instruments: the price step at the present price; values are strings."""
        return [self._instrument(market) for market in many_markets(query, self._floor)]

    def supported_levels(self, query: Query) -> list[Json]:
        """GET /v1/orderbook/supported_levels: deprecated; the groupings alone, as numbers."""
        return [
            {"market": market, "supported_levels": [Decimal(level) for level in levels(market, self._floor)]}
            for market in many_markets(query, self._floor)
        ]

    def _book(self, market: Market, depth: int) -> Json:
        """The row; what was written of the very same sides before is only dated anew."""
        sides = self._floor.book(market, depth)
        known = self._written.get((market, depth))
        if known is None or known[0] is not sides:
            row = rows.book(market, sides, Decimal(0), self._floor.now)
            row["orderbook_units"] = msgspec.Raw(_ENCODER.encode(row["orderbook_units"]))
            known = self._written[market, depth] = sides, row
        return known[1] | {"timestamp": rows.book_time(self._floor.now)}

    def _grouped_book(self, market: Market, depth: int, level: Decimal) -> Json:
        return rows.book(market, rows.grouped(self._floor.book(market), level, depth), level, self._floor.now)

    def _instrument(self, market: Market) -> Json:
        return {
            "market": market,
            "quote_currency": quote_of(market),
            "tick_size": plain(self._tick(market)),
            "supported_levels": levels(market, self._floor),
        }

    def _tick(self, market: Market) -> Decimal:
        return self._floor.tick(market, self._floor.price(market))


def levels(market: Market, floor: Floor) -> list[str]:
    """The groupings that the book of `market` offers now; "0" is none."""
    if quote_of(market) != "KRW":
        return ["0"]
    price = floor.price(market)
    return rows.levels(floor.tick(market, price), price)
