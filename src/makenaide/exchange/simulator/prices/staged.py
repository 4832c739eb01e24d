"""Any market data with events added to it: the data of a world in which more happens."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from makenaide.domain.clock import kst
from makenaide.domain.market import Market
from makenaide.domain.order import Side
from makenaide.exchange.simulator.market import (
    BOOK_LEVELS,
    BookSides,
    CandleRow,
    DayStats,
    MarketData,
    MarketState,
    PublicTrade,
    Standing,
)
from makenaide.exchange.simulator.prices.cast import Cast
from makenaide.exchange.simulator.prices.incidents import Event, Maintenance
from makenaide.exchange.venue import CandleUnit, Listing


class Staged:
    """`data` with `events` added to what happens in it already; itself `MarketData`, to be staged again or not.

    Inside a maintenance nothing was traded: no candle of seconds or minutes lies in it, longer ones count only what
    is outside, and prices stand at the last trade before it. A new listing has no past. A delisted or renamed
    market is unknown from that moment on; a renamed one goes on under its new code with all its history, its price
    steps and whatever the data has in store for it. A new table of price steps moves the street's book onto them,
    never a trade. An event that fits neither data nor the others raises `Misfit`.
    """

    def __init__(self, data: MarketData, events: Sequence[Event]) -> None:
        self.data = data
        self.events = tuple(events)
        self._cast = Cast(data, self.events)
        self._downs = tuple(each for each in self.events if isinstance(each, Maintenance))

    @property
    def start(self) -> datetime:
        """Start of the data's first candle."""
        return self.data.start

    @property
    def first_slot(self) -> datetime:
        """The first moment at which trading may begin."""
        return self.data.first_slot

    @property
    def end(self) -> datetime:
        """From here on there is no data."""
        return self.data.end

    def listings(self, at: datetime) -> tuple[Listing, ...]:
        """The markets listed at `at`, in code order."""
        return self._cast.listings(at)

    def offline(self, at: datetime) -> bool:
        """Whether the venue is down, by the data or by an event."""
        return any(each.start <= at < each.end for each in self._downs) or self.data.offline(at)

    def price(self, market: Market, at: datetime) -> Decimal:
        """Where the street's book stands; of a previewed market the price at which it will open."""
        return self._cast.market(market, at).price(at)

    def book(self, market: Market, at: datetime, depth: int = BOOK_LEVELS) -> BookSides:
        """The data's book on the steps in force, with as few levels as an event leaves."""
        grid, shown = self._cast.grid(market, at), self._cast.market(market, at)
        sides = shown.book(at, depth) if grid is None else grid.book(shown.book(at, BOOK_LEVELS), depth)
        return self._cast.thinned(market, at, sides)

    def candles(
        self, market: Market, unit: CandleUnit, before: datetime, count: int, now: datetime
    ) -> list[CandleRow]:
        """Up to `count` candles that start before `before`, newest first, as they stand at `now`."""
        return self._cast.market(market, now).candles(unit, before, count, now)

    def day(self, market: Market, at: datetime) -> DayStats:
        """The ticker at `at`."""
        return self._cast.market(market, at).day(at)

    def standing(self, market: Market, at: datetime) -> Standing:
        """The state and the announced end, by the data or by an event."""
        role = self._cast.listed(market, at)
        if role.previewed(at):
            return Standing(MarketState.PREVIEW)
        if role.leaves is not None and role.leaves <= at:
            return Standing(delisting_on=kst(role.closes).date())
        return self.data.standing(role.source, at)

    def tick(self, market: Market, price: Decimal, at: datetime) -> Decimal:
        """The price step by the latest added table, else by the data."""
        grid = self._cast.grid(market, at)
        return self.data.tick(self._cast.role(market).source, price, at) if grid is None else grid.step(price)

    def trades(self, market: Market, after: datetime, until: datetime, count: int) -> list[PublicTrade]:
        """Up to `count` trades of the street in (`after`, `until`], newest first."""
        return self._cast.market(market, until).trades(after, until, count)

    def touch(
        self, market: Market, after: datetime, until: datetime, floor: Decimal, peak: Decimal
    ) -> datetime | None:
        """The first moment at which a watcher of the best bid must look."""
        role = self._cast.role(market)
        for begin, end in self._cast.eras(role, after, until):
            grid = self._cast.grid(market, begin)
            marks = (floor, peak) if grid is None else (grid.mark(floor), grid.mark(peak))
            found = self._cast.source(role).touch(begin, end, *marks)
            if found is not None:
                return found
        return None

    def crossing(
        self, market: Market, after: datetime, until: datetime, side: Side, limit: Decimal
    ) -> tuple[datetime, Decimal] | None:
        """When a resting order is first met, and the coins of the candle in which it happens."""
        role = self._cast.role(market)
        for begin, end in self._cast.eras(role, after, until):
            grid = self._cast.grid(market, begin)
            found = self._cast.source(role).crossing(
                begin, end, side, limit if grid is None else grid.limit(side, limit)
            )
            if found is not None:
                return found
        return None
