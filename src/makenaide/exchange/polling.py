"""Eyes on the real clock: the best bids once a second, until a fence is touched or the time has come."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from makenaide.domain.clock import Clock
from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.exchange.venue import Book, Fence, Quotation, Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class PollingWatcher:
    """A `Watcher` over a venue's order books; `stopping` ends a wait early.

    All markets in one call; one by one while the venue refuses the call because one of them is not listed (any
    more), so that a delisted market never blinds the stops of the others.
    """

    quotation: Quotation
    clock: Clock
    stopping: Callable[[], bool]
    seconds: float = 1.0

    def wait(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
        """Return at `until`, or earlier when a best bid is at or below its floor or above its peak."""
        while True:
            bids = self._bids(fences)
            touched = any(fences[market].touched(bid) for market, bid in bids.items())
            left = (until - self.clock.now()).total_seconds()
            if touched or left <= 0 or self.stopping():
                return Sighting(at=self.clock.now(), bids=bids)
            self.clock.sleep(min(self.seconds, left))

    def _bids(self, fences: Mapping[Market, Fence]) -> dict[Market, Price]:
        books = self._books(sorted(fences))
        return {market: book.best_bid for market, book in books.items() if book.best_bid is not None}

    def _books(self, markets: Sequence[Market]) -> Mapping[Market, Book]:
        try:
            return self.quotation.books(markets, depth=1) if markets else {}
        except UnknownMarket:
            if len(markets) == 1:
                return {}
            return {code: book for each in markets for code, book in self._books([each]).items()}
