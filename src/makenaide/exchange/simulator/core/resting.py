"""Orders that rest in the book while time passes: met by the path of the price, cancelled by a delisting.

Whatever steps the time is moved in, the same things happen at the same moments: events are taken in the order of
time, and nothing here depends on where a step ends. A resting order fills at its own price, from the volume of the
candle that meets it; in one hour of venue time a market gives its resting orders at most one candle's volume.
Orders that watch for their trigger wait here too: they wake when somebody can be met at the trigger's price.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from typing import NamedTuple

from makenaide.domain.market import Market
from makenaide.domain.order import Side
from makenaide.exchange.simulator.core.orders import ZERO, Order, OrderStatus, truncated
from makenaide.exchange.simulator.core.settlement import Settlement
from makenaide.exchange.simulator.market import MarketData
from makenaide.exchange.simulator.prices.moments import ceil_ms, from_ms, to_ms

_HOUR = timedelta(hours=1)

Wake = Callable[[Order], None]
"""Turns an order whose trigger was reached into one like any other."""


class Event(NamedTuple):
    """`order` is met at `at` by a candle of `volume` coins; without an order, `market` is delisted.

    In the order in which they happen: by time, then the better price, then the older order.
    """

    at: datetime
    market: Market
    worse: Decimal
    number: int
    order: Order | None = None
    volume: Decimal = ZERO


class Resting:
    """The open resting and watching orders of all accounts.

    As time passes: `look` ahead once, then ask for the `next` event and let it `happen`. What was found out about
    an order holds until that event, for nothing that happens to others brings it nearer.
    """

    def __init__(self, settlement: Settlement) -> None:
        self._settlement = settlement
        self._orders: dict[Market, list[Order]] = {}
        self._used: dict[Market, tuple[datetime, Decimal]] = {}
        self._resume: dict[Market, datetime] = {}
        self._fresh: list[Order] = []
        self._ahead: list[Event] = []

    def add(self, order: Order) -> None:
        """Let `order` rest, or watch."""
        self._orders.setdefault(order.market, []).append(order)
        self._fresh.append(order)

    def watching(self, market: Market, account: str) -> int:
        """How many orders of `account` watch `market`."""
        watch = (order for order in self._orders.get(market, ()) if order.status is OrderStatus.WATCH)
        return sum(order.account == account for order in watch)

    def of(self, market: Market) -> Iterable[Order]:
        """The open resting orders of `market`."""
        return [order for order in self._orders.get(market, ()) if order.open]

    def look(self, data: MarketData, now: datetime, until: datetime) -> None:
        """Time is about to pass from `now` to `until`, and `data` tells what it brings."""
        live = {market: [each for each in orders if each.live] for market, orders in self._orders.items()}
        self._orders = {market: orders for market, orders in live.items() if orders}
        self._data, self._until = data, until
        gone = self._delistings(now) if self._orders else {}
        self._ahead = sorted(Event(at, market, Decimal("-Infinity"), 0) for market, at in gone.items())
        self._fresh = [order for orders in self._orders.values() for order in orders]

    def next(self, now: datetime, until: datetime) -> Event | None:
        """Take out what happens first of all from `now` to `until`; None when nothing does."""
        while self._fresh:
            self._expect(self._fresh.pop(), now)
        while self._ahead and self._ahead[0].at <= until:
            event = heappop(self._ahead)
            if event.order is None or (event.order.live and event.at >= self._since(event.order)):
                return event
            self._expect(event.order, now)
        return None

    def happen(self, event: Event, wake: Wake) -> None:
        """Let `event` happen."""
        if event.order is None:
            self._delist(event.market, event.at)
            return
        if event.order.status is OrderStatus.WATCH:
            wake(event.order)
        else:
            self._meet(event.order, event.volume, event.at)
        self._fresh.append(event.order)

    def state(self) -> list[str]:
        """What is used up and until when, in words, for comparing two venues."""
        used = [f"used {market} {hour} {volume}" for market, (hour, volume) in sorted(self._used.items())]
        return used + [f"resume {market} {at}" for market, at in sorted(self._resume.items())]

    def _expect(self, order: Order, now: datetime) -> None:
        """Find out when `order` is met, or wakes, if that is within the time ahead."""
        after, until = max(now, self._since(order)), self._until
        if not order.live or order.limit is None or after > until:
            return
        side, price = order.side, order.limit
        if order.status is OrderStatus.WATCH and order.trigger is not None:
            side, price = Side.ASK if order.trigger.rising else Side.BID, order.trigger.price
        met = self._data.crossing(order.market, after, until, side, price)
        if met is not None:
            worse = -order.limit if order.side is Side.BID else order.limit
            heappush(self._ahead, Event(met[0], order.market, worse, order.number, order, met[1]))

    def _since(self, order: Order) -> datetime:
        """From when on `order` can be met."""
        resume = self._resume.get(order.market)
        if resume is None or order.status is OrderStatus.WATCH:
            return order.eligible_from
        return max(resume, order.eligible_from)

    def _meet(self, order: Order, volume: Decimal, at: datetime) -> None:
        market, hour = order.market, at.replace(minute=0, second=0, microsecond=0)
        used_in, used = self._used.get(market, (hour, ZERO))
        used = used if used_in == hour else ZERO
        left = truncated(volume) - used
        filled = min(left, order.remaining or ZERO)
        if filled > 0:
            self._settlement.met(order, filled, at)
            self._used[market] = (hour, used + filled)
            if not order.remaining:
                self._settlement.close(order, at)
        if left <= filled or filled <= 0:
            self._resume[market] = hour + _HOUR

    def _delist(self, market: Market, at: datetime) -> None:
        for order in self._orders[market]:
            if order.live:
                self._settlement.close(order, at)

    def _delistings(self, now: datetime) -> dict[Market, datetime]:
        listed = {listing.market for listing in self._data.listings(self._until)}
        return {market: self._gone_at(market, now) for market in self._orders if market not in listed}

    def _gone_at(self, market: Market, now: datetime) -> datetime:
        """The first whole millisecond at which `market` is not listed; it was at `now`, is not in the end."""
        low, high = to_ms(now), ceil_ms(self._until)
        while high - low > 1:
            middle = (low + high) // 2
            if any(listing.market == market for listing in self._data.listings(from_ms(middle))):
                low = middle
            else:
                high = middle
        return from_ms(high)
