"""Orders that rest in the book while time passes: met by the path of the price, cancelled by a delisting.

Whatever steps the time is moved in, the same things happen at the same moments: events are taken in the order of
time, and nothing here depends on where a step ends. A resting order fills at its own price, from the volume of the
candle that meets it; in one hour of venue time a market gives its resting orders at most one candle's volume.
Orders that watch for their trigger wait here too: they wake when somebody can be met at the trigger's price.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from makenaide.domain.market import Market
from makenaide.domain.order import Side
from makenaide.exchange.simulator.core.orders import ZERO, Order, OrderStatus, truncated
from makenaide.exchange.simulator.core.settlement import Settlement
from makenaide.exchange.simulator.market import MarketData

_HOUR = timedelta(hours=1)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Wake = Callable[[Order, datetime], None]
"""Turns an order whose trigger was reached into one like any other."""


@dataclass(frozen=True, slots=True)
class _Event:
    """`order` is met at `at` by a candle of `volume` coins; without an order, `market` is delisted."""

    at: datetime
    market: Market
    order: Order | None
    volume: Decimal

    @property
    def key(self) -> tuple[datetime, Market, Decimal, int]:
        if self.order is None or self.order.limit is None:
            return self.at, self.market, Decimal("-Infinity"), 0
        better = -self.order.limit if self.order.side is Side.BID else self.order.limit
        return self.at, self.market, better, self.order.number


class Resting:
    """The open resting and watching orders of all accounts."""

    def __init__(self, data: MarketData, settlement: Settlement) -> None:
        self._data = data
        self._settlement = settlement
        self._orders: dict[Market, list[Order]] = {}
        self._used: dict[Market, tuple[datetime, Decimal]] = {}
        self._resume: dict[Market, datetime] = {}

    def restage(self, data: MarketData) -> None:
        """From now on `data` tells what happens to the orders."""
        self._data = data

    def add(self, order: Order) -> None:
        """Let `order` rest, or watch."""
        self._orders.setdefault(order.market, []).append(order)

    def watching(self, market: Market, account: str) -> int:
        """How many orders of `account` watch `market`."""
        watch = (order for order in self._orders.get(market, ()) if order.status is OrderStatus.WATCH)
        return sum(order.account == account for order in watch)

    def of(self, market: Market) -> Iterable[Order]:
        """The open resting orders of `market`."""
        return [order for order in self._orders.get(market, ()) if order.open]

    def run(self, now: datetime, until: datetime, wake: Wake) -> None:
        """Let everything happen that happens to the orders between `now` and `until`."""
        self._forget_closed()
        if not self._orders:
            return
        gone = self._delistings(now, until)
        while (event := self._next(now, until, gone)) is not None:
            now = event.at
            if event.order is None:
                self._delist(event.market, now)
            elif event.order.status is OrderStatus.WATCH:
                wake(event.order, now)
            else:
                self._meet(event.order, event.volume, now)
            self._forget_closed()

    def state(self) -> list[str]:
        """What is used up and until when, in words, for comparing two venues."""
        used = [f"used {market} {hour} {volume}" for market, (hour, volume) in sorted(self._used.items())]
        return used + [f"resume {market} {at}" for market, at in sorted(self._resume.items())]

    def _forget_closed(self) -> None:
        left = {market: [each for each in orders if each.live] for market, orders in self._orders.items()}
        self._orders = {market: orders for market, orders in left.items() if orders}

    def _next(self, now: datetime, until: datetime, gone: dict[Market, datetime]) -> _Event | None:
        events = []
        for market, orders in self._orders.items():
            if market in gone:
                events.append(_Event(gone[market], market, None, ZERO))
            horizon = gone[market] - _MILLISECOND if market in gone else until
            resume = self._resume.get(market, now)
            for order in orders:
                since = now if order.status is OrderStatus.WATCH else max(now, resume)
                met = self._crossing(order, max(since, order.eligible_from), horizon)
                if met is not None:
                    events.append(_Event(met[0], market, order, met[1]))
        return min(events, key=lambda event: event.key, default=None)

    def _crossing(self, order: Order, after: datetime, until: datetime) -> tuple[datetime, Decimal] | None:
        if order.limit is None or after > until:
            return None
        if order.status is OrderStatus.WATCH and order.trigger is not None:
            side = Side.ASK if order.trigger.rising else Side.BID
            return self._data.crossing(order.market, after, until, side, order.trigger.price)
        return self._data.crossing(order.market, after, until, order.side, order.limit)

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
            self._settlement.close(order, at)

    def _delistings(self, now: datetime, until: datetime) -> dict[Market, datetime]:
        listed = {listing.market for listing in self._data.listings(until)}
        return {market: self._gone_at(market, now, until) for market in self._orders if market not in listed}

    def _gone_at(self, market: Market, now: datetime, until: datetime) -> datetime:
        """The first whole millisecond at which `market` is not listed; it was at `now`, is not at `until`."""
        low, high = (now - _EPOCH) // _MILLISECOND, -((_EPOCH - until) // _MILLISECOND)
        while high - low > 1:
            middle = (low + high) // 2
            at = _EPOCH + middle * _MILLISECOND
            if any(listing.market == market for listing in self._data.listings(at)):
                low = middle
            else:
                high = middle
        return _EPOCH + high * _MILLISECOND
