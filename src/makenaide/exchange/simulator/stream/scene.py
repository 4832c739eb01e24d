"""The street at one moment, as frames: each is written once, however many watch."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from makenaide.domain.errors import MakenaideError
from makenaide.domain.market import Market
from makenaide.exchange.simulator.core.floor import Floor
from makenaide.exchange.simulator.core.prints import Prints
from makenaide.exchange.simulator.market import BookSides, CandleRow, DayStats, PublicTrade
from makenaide.exchange.simulator.rest.books import levels
from makenaide.exchange.simulator.rest.rows import grouped
from makenaide.exchange.simulator.stream import frames
from makenaide.exchange.simulator.stream.frames import Heading, TickerFacts, TradeFacts
from makenaide.exchange.simulator.stream.request import CANDLES, Format
from makenaide.exchange.simulator.stream.session import Frame, Want
from makenaide.exchange.simulator.stream.spelling import DEFAULT, SIMPLE, Spelling
from makenaide.exchange.venue import Listing

SNAPSHOT: Final = "SNAPSHOT"
REALTIME: Final = "REALTIME"

_MOMENT: Final = timedelta(microseconds=1)
_LAST_TRADE: Final = timedelta(days=1)
_MOST_TRADES: Final = 1000


class Scene:
    """The markets at the floor's present moment, which must not move on while the scene is used."""

    def __init__(self, floor: Floor, prints: Prints, grid_ms: int) -> None:
        self._floor = floor
        self._prints = prints
        self.now = floor.now
        self._grid_ms = grid_ms
        self._days: dict[Market, DayStats] = {}
        self._books: dict[Market, BookSides] = {}
        self._written: dict[tuple[object, ...], Frame | None] = {}

    def snapshot(self, want: Want, shape: Format) -> Frame | None:
        """The snapshot of one code; None where there is nothing to show."""
        market, kind = want.code.market, want.subscription.type
        try:
            if market not in self._floor.listed():
                return None
            if kind == "ticker":
                return self.ticker(market, shape, SNAPSHOT)
            if kind == "trade":
                last = self._last(market)
                return None if last is None else self.trade(market, last, shape, SNAPSHOT)
            if kind == "orderbook":
                return self.book(want, shape, SNAPSHOT)
            newest = self.candle_rows(market, kind, 1)
            return self.candle(market, kind, newest[0], (shape, SNAPSHOT)) if newest else None
        except MakenaideError:
            return None  # live prices that cannot be had just now

    def ticker(self, market: Market, shape: Format, stream: str) -> Frame | None:
        """A ticker frame."""

        def values() -> list[str]:
            last = self._last(market)
            facts = TickerFacts(
                day=self._day(market),
                standing=self._floor.data.standing(market, self.now),
                warned=self._floor.listed()[market].warning,
                taker="BID" if last is None else last.taker.name,
            )
            return frames.ticker(self._heading(market, stream), facts, _spelling(shape))

        return self._once("ticker", (market, stream), shape, values)

    def trade(self, market: Market, done: PublicTrade, shape: Format, stream: str) -> Frame | None:
        """A trade frame."""

        def values() -> list[str]:
            facts = TradeFacts(trade=done, prev_close=self._day(market).prev_close, book=self._book(market))
            return frames.trade(self._heading(market, stream), facts, _spelling(shape))

        return self._once("trade", (market, stream, done.number, done.at), shape, values)

    def book(self, want: Want, shape: Format, stream: str) -> Frame | None:
        """An order book frame; a level that the market does not have gives nothing."""
        market, level = want.code.market, want.subscription.level
        if level != "0" and level not in levels(market, self._floor):
            return None

        def values() -> list[str]:
            step, depth, whole = Decimal(level), want.code.depth, self._book(market)
            seen = grouped(whole, step, depth) if step else BookSides(whole.bids[:depth], whole.asks[:depth])
            at = self.now - timedelta(milliseconds=frames.milliseconds(self.now) % self._grid_ms)
            head = Heading(code=market, at=at, stream=stream)
            return frames.orderbook(head, seen, step, shape, _spelling(shape))

        return self._once("orderbook", (market, stream, want.code.depth, level), shape, values)

    def candle_rows(self, market: Market, kind: str, count: int) -> list[CandleRow]:
        """The latest candles that exist, newest first."""
        return self._floor.data.candles(market, CANDLES[kind], self.now + _MOMENT, count, self.now)

    def candle(self, market: Market, kind: str, row: CandleRow, how: tuple[Format, str]) -> Frame | None:
        """A candle frame, in a format and as snapshot or live."""
        shape, stream = how
        return self._once(
            kind,
            (market, stream),
            shape,
            lambda: frames.candle(kind, self._heading(market, stream), row, _spelling(shape)),
        )

    @property
    def grid(self) -> int:
        """The number of the moment's place on the grid of order books."""
        return frames.milliseconds(self.now) // self._grid_ms

    def listed(self) -> Mapping[Market, Listing]:
        """The markets that are listed."""
        return self._floor.listed()

    def price(self, market: Market) -> Decimal:
        """Where the street's book stands."""
        return self._floor.price(market)

    def trades(self, market: Market, after: datetime, until: datetime) -> list[PublicTrade]:
        """The street's trades in (`after`, `until`], oldest first."""
        return self._floor.data.trades(market, after, until, _MOST_TRADES)[::-1]

    def _once(
        self, kind: str, key: tuple[object, ...], shape: Format, values: Callable[[], list[str]]
    ) -> Frame | None:
        whole = (kind, *key, shape)
        if whole not in self._written:
            self._written[whole] = Frame(kind, str(key[0]), frames.written(kind, values(), shape))
        return self._written[whole]

    def _heading(self, market: Market, stream: str) -> Heading:
        return Heading(code=market, at=self.now, stream=stream)

    def _day(self, market: Market) -> DayStats:
        if market not in self._days:
            self._days[market] = self._floor.data.day(market, self.now)
        return self._days[market]

    def _book(self, market: Market) -> BookSides:
        if market not in self._books:
            self._books[market] = self._floor.book(market)
        return self._books[market]

    def _last(self, market: Market) -> PublicTrade | None:
        after = self.now - _LAST_TRADE
        street = self._floor.data.trades(market, after, self.now, 1)
        own = self._prints.between(market, after, self.now)[-1:]
        return max((*street, *own), key=lambda each: each.number, default=None)


def _spelling(shape: Format) -> Spelling:
    return SIMPLE if shape.short else DEFAULT
