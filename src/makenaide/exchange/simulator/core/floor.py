"""The trading floor at one moment: which markets are listed, and what stands in their books."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext

from makenaide.domain.clock import utc
from makenaide.domain.market import Market
from makenaide.domain.order import Side
from makenaide.exchange.simulator.core.book import Offer, Taken, by_price, offers
from makenaide.exchange.simulator.core.resting import Resting
from makenaide.exchange.simulator.core.wallet import EXACT
from makenaide.exchange.simulator.market import BOOK_LEVELS, BookSides, MarketData
from makenaide.exchange.venue import Listing

_ZERO = Decimal(0)
_STABLE = ("KRW-USDT", "KRW-USDC")
_STABLE_BAND = (Decimal(1000), Decimal(10_000))


class Floor:
    """What can be seen and met at `now`; only the venue moves `now`."""

    def __init__(self, data: MarketData, resting: Resting, stable_tick: Decimal = _ZERO) -> None:
        self.data = data
        self._stable_tick = stable_tick
        self.now = utc(data.first_slot)
        self._resting = resting
        self._taken: dict[Market, Taken] = {}
        self._listed: tuple[tuple[Listing, ...], dict[Market, Listing]] | None = None

    def restage(self, data: MarketData) -> None:
        """From now on `data` tells what happens; it agrees with the data so far about all that has happened."""
        self.data = data
        self._listed = None

    @property
    def offline(self) -> bool:
        """Whether the venue is down for maintenance."""
        return self.data.offline(self.now)

    def listed(self) -> Mapping[Market, Listing]:
        """The markets that are listed, in code order."""
        rows = self.data.listings(self.now)
        # The list changes a few times a year and is asked for by every call.
        if self._listed is None or self._listed[0] is not rows:
            self._listed = rows, {each.market: each for each in rows}
        return self._listed[1]

    def price(self, market: Market) -> Decimal:
        """Where the street's book stands now; trades lie on it, twice a second (`MarketData.price`)."""
        return self.data.price(market, self.now)

    def tick(self, market: Market, price: Decimal) -> Decimal:
        """The price step of `market` at `price`; the stable coins' own step in its band, if one is set."""
        if self._stable_tick and market in _STABLE and _STABLE_BAND[0] <= price < _STABLE_BAND[1]:
            return self._stable_tick
        return self.data.tick(market, price, self.now)

    def offers(self, market: Market, side: Side) -> list[Offer]:
        """What stands on one `side` of `market`, best first: accounts' orders and what is left of the street."""
        return self._merged(market, side, self.data.book(market, self.now, BOOK_LEVELS))

    def book(self, market: Market, depth: int = BOOK_LEVELS) -> BookSides:
        """The book of `market` as everybody sees it, up to `depth` levels a side."""
        touched = market in self._taken
        street = self.data.book(market, self.now, BOOK_LEVELS if touched else depth)
        if not touched and not self._resting.of(market):
            return street
        with localcontext(EXACT):
            bids, asks = (by_price(self._merged(market, side, street), depth) for side in (Side.BID, Side.ASK))
        return BookSides(bids, asks)

    def best_bids(self, markets: Iterable[Market]) -> dict[Market, Decimal]:
        """The street's best bid of each listed market that has one: what a watcher of fences sees."""
        sides = {each: self.data.book(each, self.now, 1).bids for each in markets if each in self.listed()}
        return {market: bids[0][0] for market, bids in sides.items() if bids}

    def take(self, market: Market, side: Side, rank: int, volume: Decimal) -> None:
        """`volume` of the street's level `rank` on `side` is gone for this minute."""
        self._taken.setdefault(market, Taken()).add(self.now, side, rank, volume)

    def state(self) -> list[str]:
        """The moment and the gone liquidity in words, for comparing two venues."""
        lines = [f"now {self.now.isoformat()}"]
        for market, taken in sorted(self._taken.items()):
            lines += [f"{market} taken {line}" for line in taken.state(self.now)]
        return lines

    def _merged(self, market: Market, side: Side, street: BookSides) -> list[Offer]:
        taken = self._taken.get(market)
        return offers(side, street, {} if taken is None else taken.at(self.now), self._resting.of(market))
