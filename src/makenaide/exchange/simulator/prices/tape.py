"""`MarketData` from recorded or generated candles, listing events and maintenance windows."""

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

import numpy as np

from makenaide.domain.clock import kst
from makenaide.domain.errors import Misconfigured, UnknownMarket
from makenaide.domain.market import Market, tick_size
from makenaide.domain.order import Side
from makenaide.exchange.simulator.market import (
    BOOK_LEVELS,
    CAUTIONS,
    NO_BOOK,
    BookSides,
    CandleRow,
    DayStats,
    PublicTrade,
    Standing,
)
from makenaide.exchange.simulator.prices.bars import Bars
from makenaide.exchange.simulator.prices.candles import forming_day, rows
from makenaide.exchange.simulator.prices.closed import ClosedCandles
from makenaide.exchange.simulator.prices.days import Days
from makenaide.exchange.simulator.prices.depth import book
from makenaide.exchange.simulator.prices.moments import (
    DAY_MS,
    MINUTE_MS,
    ceil_ms,
    from_ms,
    kst_day,
    last_trade_at,
    to_ms,
    utc_date,
)
from makenaide.exchange.simulator.prices.search import first_crossing, first_touch
from makenaide.exchange.simulator.prices.track import Track
from makenaide.exchange.simulator.prices.trades import street_trades
from makenaide.exchange.venue import CandleUnit, Listing

HISTORY = timedelta(days=260)
"""Closed candles that the strategy wants before it trades (trading.md, Universe)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time [start, end); `end` None = for ever."""

    start: datetime
    end: datetime | None

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


Flag = tuple[str, Window]
"""(one of the five cautions, when it is up)."""

_Steps = list[tuple[datetime, tuple[str, ...]]]

_REMEMBERED = 16
"""Lists of markets that are kept: cautions change them too often to keep all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """What is known of one market: candles, names, and the events of its life.

    Finer candles refine the path of a base candle where they add up to its four prices, and count nowhere else. A
    market is listed from `listed_at`, though not before its first trade, until `delisted_at`; `warnings` are the
    times under notice, `cautions` the automatic flags.
    """

    market: Market
    base: Bars
    finer: tuple[Bars, ...] = ()
    korean_name: str
    english_name: str
    listed_at: datetime | None = None
    warnings: tuple[Window, ...] = ()
    cautions: tuple[Flag, ...] = ()
    delisted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    """A market on the tape: its source, cut to the life of the market, ready for questions."""

    source: Source
    track: Track
    days: Days
    life: Window
    cautions: _Steps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tape:
    """Every market's prices over one stretch of time; `Misconfigured` without a single candle.

    Candles outside a market's life or inside a maintenance window are left out: nobody could trade then.
    """

    sources: tuple[Source, ...]
    maintenance: tuple[Window, ...] = ()
    history: timedelta | None = None
    start: datetime = field(init=False)
    first_slot: datetime = field(init=False)
    end: datetime = field(init=False)
    _markets: dict[Market, _Held] = field(init=False, repr=False)
    _closed: ClosedCandles = field(init=False, repr=False, default_factory=ClosedCandles)
    _changes: tuple[datetime, ...] = field(init=False, repr=False)
    _listings: dict[int, tuple[Listing, ...]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        held = [_held(source, self.maintenance) for source in sorted(self.sources, key=lambda each: each.market)]
        markets = {each.source.market: each for each in held if each is not None}
        if not markets:
            raise Misconfigured("simulator: no market has a single candle with volume")
        start = from_ms(min(each.track.start for each in markets.values()))
        end = from_ms(max(each.track.end for each in markets.values()))
        changes = sorted(_changes_of(markets.values()))
        assign = object.__setattr__
        assign(self, "_markets", markets)
        assign(self, "start", start)
        assign(self, "end", end)
        assign(self, "first_slot", self._first_slot(start, end))
        assign(self, "_changes", tuple(changes))

    def _first_slot(self, start: datetime, end: datetime) -> datetime:
        """The first opening of a day (00:00 UTC = 09:00 KST) with as much history behind it as there is."""
        wanted = self.history
        if wanted is None:
            wanted = HISTORY if end - start > HISTORY else timedelta(0)
        opening = _opening(start + wanted)
        return min(end, opening if start < opening else opening + timedelta(days=1))

    def listings(self, at: datetime) -> tuple[Listing, ...]:
        """The markets listed at `at`, in code order."""
        place = bisect_right(self._changes, at)
        known = self._listings.get(place)
        if known is None:
            if len(self._listings) >= _REMEMBERED:
                self._listings.clear()
            known = self._listings[place] = _listings_at(self._markets.values(), at)
        return known

    def offline(self, at: datetime) -> bool:
        """Whether `at` lies in a maintenance window."""
        return any(at in window for window in self.maintenance)

    def price(self, market: Market, at: datetime) -> Decimal:
        """Where the street's book stands, with exactly the digits that were recorded.

        That is the price of the last trade at each second's begin and end, and on the way to the next one in between.
        """
        return Decimal(repr(self._listed(market, at).track.price(to_ms(at))))

    def book(self, market: Market, at: datetime, depth: int = BOOK_LEVELS) -> BookSides:
        """The synthetic book of `depth.py` around the last price."""
        held, moment = self._listed(market, at), to_ms(at)
        if not held.track.traded(moment) or self.offline(at):
            return NO_BOOK
        liquidity = held.days.liquidity(moment // DAY_MS)
        return book(held.track.ticks, held.track.price(moment), kst_day(moment), liquidity, depth)

    def candles(
        self, market: Market, unit: CandleUnit, before: datetime, count: int, now: datetime
    ) -> list[CandleRow]:
        """Up to `count` candles that start before `before`, newest first, as they stand at `now`."""
        held, span = self._listed(market, now), (ceil_ms(before), last_trade_at(to_ms(now)))
        if unit.minutes is not None:
            return self._closed.page(held.track, unit.minutes * MINUTE_MS, span, count)
        return list(islice(rows(held.track, held.days, unit, *span), count))

    def day(self, market: Market, at: datetime) -> DayStats:
        """The ticker at `at`."""
        held, moment = self._listed(market, at), last_trade_at(to_ms(at))
        row = forming_day(held.track, held.days, moment)
        price = row.close if row else held.track.price(moment)
        high, low = row.high if row else price, row.low if row else price
        rolling = held.track.span(moment + 1 - DAY_MS, moment + 1)
        today = utc_date(moment)
        top, bottom = held.days.marks(moment // DAY_MS) or ((high, today), (low, today))
        if row is not None:
            top, bottom = max(top, (high, today), key=_price), min(bottom, (low, today), key=_price)
        traded_at, coins = held.track.last_trade(moment)
        return DayStats(
            open=row.open if row else price,
            high=high,
            low=low,
            prev_close=row.prev_close if row and row.prev_close is not None else price,
            price=price,
            turnover=row.turnover if row else 0.0,
            volume=row.volume if row else 0.0,
            turnover_24h=rolling.turnover if rolling else 0.0,
            volume_24h=rolling.volume if rolling else 0.0,
            high_52w=top[0],
            high_52w_on=top[1],
            low_52w=bottom[0],
            low_52w_on=bottom[1],
            last_trade_at=from_ms(traded_at),
            last_trade_volume=coins,
        )

    def standing(self, market: Market, at: datetime) -> Standing:
        """Active; the end is announced by the notice that the delisting follows."""
        source = self._listed(market, at).source
        announced = source.delisted_at is not None and any(at in window for window in source.warnings)
        return Standing(delisting_on=kst(source.delisted_at).date() if announced and source.delisted_at else None)

    def tick(self, market: Market, price: Decimal, at: datetime) -> Decimal:
        """The published table of the Korean date of `at`."""
        return tick_size(market, price, kst(at).date())

    def trades(self, market: Market, after: datetime, until: datetime, count: int) -> list[PublicTrade]:
        """One trade at the begin and one at the end of each second of a candle with volume, newest first."""
        track = self._listed(market, until).track
        return list(islice(street_trades(track, to_ms(after), to_ms(until)), count))

    def touch(
        self, market: Market, after: datetime, until: datetime, floor: Decimal, peak: Decimal
    ) -> datetime | None:
        """The first moment at which a watcher of the best bid must look."""
        found = first_touch(self._known(market).track, to_ms(after), to_ms(until), float(floor), float(peak))
        return None if found is None else max(after, from_ms(found))

    def crossing(
        self, market: Market, after: datetime, until: datetime, side: Side, limit: Decimal
    ) -> tuple[datetime, Decimal] | None:
        """When a resting order is first met, and the coins of the candle in which it happens."""
        found = first_crossing(self._known(market).track, to_ms(after), to_ms(until), side, float(limit))
        if found is None:
            return None
        return max(after, from_ms(found[0])), Decimal(repr(round(found[1], 8)))

    def _known(self, market: Market) -> _Held:
        held = self._markets.get(market)
        if held is None:
            raise UnknownMarket(f"simulator: {market} is not on this tape")
        return held

    def _listed(self, market: Market, at: datetime) -> _Held:
        held = self._known(market)
        if at not in held.life:
            raise UnknownMarket(f"simulator: {market} is not listed at {at.isoformat()}")
        return held


def _price(mark: tuple[float, object]) -> float:
    return mark[0]


def _held(source: Source, maintenance: tuple[Window, ...]) -> _Held | None:
    base = source.base
    keep = np.ones(len(base), dtype=np.bool_)
    if source.listed_at is not None:
        keep &= base.start >= to_ms(source.listed_at)
    if source.delisted_at is not None:
        keep &= base.end <= to_ms(source.delisted_at)
    for window in maintenance:
        outside = base.end <= to_ms(window.start)
        if window.end is not None:
            outside |= base.start >= to_ms(window.end)
        keep &= outside
    cut = base.where(keep)
    if not len(cut):
        return None
    track = Track(source.market, cut, source.finer)
    life = Window(start=from_ms(track.start), end=source.delisted_at)
    return _Held(source, track, Days(track.candles), life, _steps(source.cautions))


def _changes_of(markets: Collection[_Held]) -> set[datetime]:
    windows = [window for held in markets for window in (held.life, *held.source.warnings)]
    ends = {window.end for window in windows if window.end is not None}
    return {window.start for window in windows} | ends | {at for held in markets for at, _ in held.cautions}


def _listings_at(markets: Collection[_Held], at: datetime) -> tuple[Listing, ...]:
    return tuple(
        Listing(
            market=held.source.market,
            korean_name=held.source.korean_name,
            english_name=held.source.english_name,
            warning=any(at in window for window in held.source.warnings),
            cautions=_up(held.cautions, at),
        )
        for held in markets
        if at in held.life
    )


def _steps(flags: tuple[Flag, ...]) -> _Steps:
    """The names that are up from each moment on at which one goes up or down."""
    turns = [(window.start, name, 1) for name, window in flags]
    turns += [(window.end, name, -1) for name, window in flags if window.end is not None]
    up = dict.fromkeys(CAUTIONS, 0)
    steps: _Steps = []
    for at, name, turn in sorted(turns):
        up[name] += turn
        steps.append((at, tuple(each for each in CAUTIONS if up[each] > 0)))
    return steps


def _up(steps: _Steps, at: datetime) -> tuple[str, ...]:
    place = bisect_right(steps, at, key=_moment)
    return steps[place - 1][1] if place else ()


def _moment(step: tuple[datetime, tuple[str, ...]]) -> datetime:
    return step[0]


def _opening(at: datetime) -> datetime:
    """The first opening of a day at or after `at`."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == at else midnight + timedelta(days=1)
