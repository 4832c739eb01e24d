"""What is new on the street, and who is told: live frames of tickers, trades, books and candles."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial

from makenaide.domain.errors import MakenaideError
from makenaide.domain.market import Market
from makenaide.exchange.simulator.market import CandleRow, PublicTrade
from makenaide.exchange.simulator.stream.frames import milliseconds
from makenaide.exchange.simulator.stream.request import CANDLES, Format
from makenaide.exchange.simulator.stream.scene import REALTIME, Scene
from makenaide.exchange.simulator.stream.session import Frame, Session, Want
from makenaide.exchange.venue import Listing

Watchers = dict[str, list[tuple[Session, Want]]]
"""Who wants a market, by type of frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is to be told: what lies in (`after`, `until`], and what the accounts did meanwhile.

    `prints` are their own trades, `stirred` the markets in which their orders came, went or traded.
    """

    after: datetime
    until: datetime
    prints: Mapping[Market, Sequence[PublicTrade]]
    stirred: frozenset[Market]


@dataclass(slots=True)
class _Told:
    """What was last told of a market, and what is still to be told.

    `refill` is the minute at whose end the street's liquidity that the accounts took comes back.
    """

    listing: Listing
    price: Decimal
    grid: int = -1
    refill: datetime | None = None
    book_due: bool = False
    candles: dict[str, tuple[CandleRow, int]] = field(default_factory=dict)
    candles_due: set[str] = field(default_factory=set)


class Street:
    """Watches the markets that somebody wants live."""

    def __init__(self) -> None:
        self._watchers: dict[Market, Watchers] = {}
        self._told: dict[Market, _Told] = {}

    def watch(self, sessions: Iterable[Session]) -> None:
        """From now on look at what these `sessions` want."""
        self._watchers = {}
        for session in sessions:
            for want in session.wants:
                if want.since is not None:
                    kinds = self._watchers.setdefault(want.code.market, {})
                    kinds.setdefault(want.subscription.type, []).append((session, want))
        self._told = {market: told for market, told in self._told.items() if market in self._watchers}

    def tell(self, scenes: Callable[[], Scene], news: News, chunk: int) -> Iterator[None]:
        """Put `news` into the outboxes; yields after each `chunk` of markets, and asks for a new scene then."""
        markets = list(self._watchers)
        for start in range(0, len(markets), chunk):
            if start:
                yield None
            scene = scenes()
            try:
                listed = scene.listed()
            except MakenaideError:
                return
            for market in markets[start : start + chunk]:
                watchers, listing = self._watchers.get(market), listed.get(market)
                if watchers is None or listing is None:
                    continue
                try:
                    told = self._told.get(market)
                    if told is None:
                        told = self._told[market] = _Told(listing, scene.price(market))
                    _Market(scene, market, watchers, told).tell(news, listing)
                except MakenaideError:
                    continue  # live prices that cannot be had just now: the next pulse asks again


@dataclass(slots=True)
class _Market:
    """One market at one moment, with those who want it."""

    scene: Scene
    market: Market
    watchers: Watchers
    told: _Told

    def tell(self, news: News, listing: Listing) -> None:
        scene, market = self.scene, self.market
        done = self._done(news)
        if "trade" in self.watchers:
            for each in done:
                self._send("trade", partial(self._trade, each))
        if "ticker" in self.watchers and (done or listing != self.told.listing):
            self._send("ticker", lambda _want, shape: scene.ticker(market, shape, REALTIME))
        self.told.listing = listing
        if "orderbook" in self.watchers:
            self._book(bool(done) or market in news.stirred, refilled=self._refilled(news))
        for kind in [each for each in self.watchers if each in CANDLES]:
            if done:
                self.told.candles_due.add(kind)
            if kind in self.told.candles_due:
                self._candle(kind)

    def _trade(self, done: PublicTrade, _want: Want, shape: Format) -> Frame | None:
        return self.scene.trade(self.market, done, shape, REALTIME)

    def _done(self, news: News) -> Sequence[PublicTrade]:
        street = self.scene.trades(self.market, news.after, news.until) if news.after < news.until else []
        prints = news.prints.get(self.market)
        return sorted([*street, *prints], key=lambda each: each.at) if prints else street

    def _refilled(self, news: News) -> bool:
        minute, before = self.scene.now.replace(second=0, microsecond=0), self.told.refill
        self.told.refill = minute if self.market in news.prints else before
        if before is None or minute == before:
            return False
        if self.market not in news.prints:
            self.told.refill = None
        return True

    def _book(self, stirred: bool, *, refilled: bool) -> None:
        price, grid = self.scene.price(self.market), self.scene.grid
        if stirred or refilled or price != self.told.price:
            self.told.book_due = True
        self.told.price = price
        if self.told.book_due and grid > self.told.grid:
            self.told.book_due, self.told.grid = False, grid
            self._send("orderbook", lambda want, shape: self.scene.book(want, shape, REALTIME))

    def _candle(self, kind: str) -> None:
        """Tell a candle, at most one in each second: the last state of the one that has ended, then the newest."""
        before, second = self.told.candles.get(kind), milliseconds(self.scene.now) // 1000
        if before is not None and second <= before[1]:
            return
        self.told.candles_due.discard(kind)
        rows = self.scene.candle_rows(self.market, kind, 2)
        if not rows:
            return
        row = rows[0]
        if before is not None:
            ended = rows[-1]
            if ended.start < row.start and before[0].start <= ended.start and ended != before[0]:
                row = ended
                self.told.candles_due.add(kind)
            if row == before[0]:
                return
        self.told.candles[kind] = row, second
        self._send(kind, lambda _want, shape: self.scene.candle(self.market, kind, row, (shape, REALTIME)))

    def _send(self, kind: str, frame: Callable[[Want, Format], Frame | None]) -> None:
        for session, want in self.watchers[kind]:
            if want.since is not None and self.scene.now >= want.since:
                made = frame(want, session.format)
                if made is not None:
                    session.outbox.append(made)
