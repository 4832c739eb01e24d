"""Eyes on the real clock: the best bids once a second, until a fence is touched or the time has come."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from makenaide.domain.clock import Clock
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.exchange.venue import Fence, Quotation, Sighting


@dataclass(frozen=True, slots=True, kw_only=True)
class PollingWatcher:
    """A `Watcher` over a venue's order books; `stopping` ends a wait early. All markets in one call."""

    quotation: Quotation
    clock: Clock
    stopping: Callable[[], bool]
    seconds: float = 1.0

    def wait(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
        """Return at `until`, or earlier when a best bid is at or below its floor or above its peak."""
        while True:
            bids = self._bids(fences)
            touched = any(bid <= fences[market].floor or bid > fences[market].peak for market, bid in bids.items())
            left = (until - self.clock.now()).total_seconds()
            if touched or left <= 0 or self.stopping():
                return Sighting(at=self.clock.now(), bids=bids)
            self.clock.sleep(min(self.seconds, left))

    def _bids(self, fences: Mapping[Market, Fence]) -> dict[Market, Price]:
        books = self.quotation.books(sorted(fences), depth=1) if fences else {}
        return {market: book.best_bid for market, book in books.items() if book.best_bid is not None}
