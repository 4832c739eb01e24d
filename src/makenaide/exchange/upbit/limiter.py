"""Pacing: one evenly spaced limiter per rate group of the venue (upbit-api.md, section 7).

Why even spacing and not a bucket: the venue counts in fixed one-second windows of its own clock, so a burst that is
legal here can straddle an edge there. Calls that are `spacing` apart, with

    spacing = (1 + margin) / rate

fit into every window, whatever its phase, even if each arrives up to `margin` windows later than another: the
(n+1)-th call after one arrives at least n * spacing - jitter >= 1 window later, for n = rate.

Rates are fixed shares of the venue's limits by role (house.md, section 5, rule 9): no coordination between processes.
"""

import random
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from makenaide.domain.clock import Clock
from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import parameter, require_in_range
from makenaide.exchange.http import Response
from makenaide.exchange.upbit.shares import Place, Role, shares

TOO_MANY = 429
BLOCKED = 418

_REMAINING = re.compile(r"group=([a-z\-]+); min=([0-9]+); sec=([0-9]+)")
# Bounded, and never begun in the midst of a number: a body of nothing but digits must not take quadratic time.
_SECONDS = re.compile(r"(?<![\d.])([0-9]{1,9}(?:\.[0-9]{1,9})?)\s{0,3}(?:s\b|sec|초)", re.IGNORECASE)
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


class Group(StrEnum):
    """The venue's rate groups, by the names of its rate-limit page.

    But for the messages of a stream: they are counted by connection, so each connection paces its own.
    """

    MARKET = "market"
    CANDLE = "candle"
    TRADE = "trade"
    TICKER = "ticker"
    ORDERBOOK = "orderbook"
    DEFAULT = "default"
    ORDER = "order"
    ORDER_TEST = "order-test"
    ORDER_CANCEL_ALL = "order-cancel-all"
    WEBSOCKET_CONNECT = "websocket-connect"

    @property
    def quotation(self) -> bool:
        """Market data over REST, counted by address."""
        return self in _QUOTATION

    @property
    def kin(self) -> frozenset["Group"]:
        """The groups that a block of this one shuts: those that are counted at the same place."""
        return next(kin for kin in _COUNTED if self in kin)


_QUOTATION = frozenset({Group.MARKET, Group.CANDLE, Group.TRADE, Group.TICKER, Group.ORDERBOOK})
_CONNECTS = frozenset({Group.WEBSOCKET_CONNECT})
_COUNTED = (_QUOTATION, _CONNECTS, frozenset(Group) - _QUOTATION - _CONNECTS)
"""By address; connects for themselves (by address or pocket); the rest by pocket."""


@dataclass(frozen=True, slots=True)
class VenueLimit:
    """At most `calls` in each window of `seconds`, over everybody who shares the address or the pocket."""

    calls: int
    seconds: int


VENUE_LIMITS: Mapping[Group, VenueLimit] = {
    Group.MARKET: VenueLimit(10, 1),
    Group.CANDLE: VenueLimit(10, 1),
    Group.TRADE: VenueLimit(10, 1),
    Group.TICKER: VenueLimit(10, 1),
    Group.ORDERBOOK: VenueLimit(10, 1),
    Group.DEFAULT: VenueLimit(30, 1),
    Group.ORDER: VenueLimit(12, 1),
    Group.ORDER_TEST: VenueLimit(8, 1),
    Group.ORDER_CANCEL_ALL: VenueLimit(1, 2),
    Group.WEBSOCKET_CONNECT: VenueLimit(5, 1),
}
"""The published limits (upbit-api.md, section 7, copy of 2026-09-08)."""

_PATHS: tuple[tuple[str, str, Group], ...] = (
    ("POST", "/v1/orders/test", Group.ORDER_TEST),
    ("POST", "/v1/orders", Group.ORDER),
    ("DELETE", "/v1/orders/open", Group.ORDER_CANCEL_ALL),
    ("GET", "/v1/market/", Group.MARKET),
    ("GET", "/v1/candles/", Group.CANDLE),
    ("GET", "/v1/trades/", Group.TRADE),
    ("GET", "/v1/ticker", Group.TICKER),
    ("GET", "/v1/orderbook", Group.ORDERBOOK),
    ("GET", "/websocket/", Group.WEBSOCKET_CONNECT),
)


def group_of(method: str, path: str) -> Group:
    """The group that counts a request. By path: the names in the reply's header have differed from the page."""
    for verb, prefix, group in _PATHS:
        if method == verb and path.startswith(prefix):
            return group
    return Group.DEFAULT


_OURS = shares(Role.TRADER, Place.HOME)


def _share(group: Group) -> Any:
    limit = VENUE_LIMITS[group]
    source = "house.md, section 5, rule 9; upbit-api.md, section 7"
    return parameter(_OURS[_field(group)], "calls/s", source, low=0, high=limit.calls / limit.seconds)


def _field(group: Group) -> str:
    return group.replace("-", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterSettings:
    """The share of each group that this process takes; 0 = none, and a call of that group is refused here.

    The defaults are the trading process's shares at home; `within` gives everybody's.
    """

    market: float = _share(Group.MARKET)
    candle: float = _share(Group.CANDLE)
    trade: float = _share(Group.TRADE)
    ticker: float = _share(Group.TICKER)
    orderbook: float = _share(Group.ORDERBOOK)
    default: float = _share(Group.DEFAULT)
    order: float = _share(Group.ORDER)
    order_test: float = _share(Group.ORDER_TEST)
    order_cancel_all: float = _share(Group.ORDER_CANCEL_ALL)
    websocket_connect: float = _share(Group.WEBSOCKET_CONNECT)
    margin: float = parameter(0.04, "of a window", "arrival jitter that is absorbed", low=0, high=0.05)
    penalty_base: float = parameter(0.5, "s", "after 429: first span of the full jitter", low=0, high=60)
    penalty_cap: float = parameter(8.0, "s", "after 429: widest span of the full jitter", low=0, high=600)
    block_first: float = parameter(10.0, "s", "upbit-api.md, section 7: first block of a 418", low=1, high=600)
    block_cap: float = parameter(3600.0, "s", "longest wait after a 418", low=1, high=86400)

    def __post_init__(self) -> None:
        require_in_range(self)

    def within(self, role: Role, place: Place = Place.HOME) -> Self:
        """These settings, with no more of each group than the fixed share of `role`."""
        most = shares(role, place)
        return replace(self, **{name: min(getattr(self, name), share) for name, share in most.items()})

    def rate(self, group: Group) -> float:
        """This process's calls a second in `group`."""
        return float(getattr(self, _field(group)))


@dataclass(frozen=True, slots=True)
class Turn:
    """Leave to send one request in `group`, given at `sent`; hand it back with the reply to `Limiter.heard`."""

    group: Group
    sent: datetime


@dataclass(frozen=True, slots=True)
class NoTurn:
    """Nothing may be sent within the patience asked: the earliest turn is `wait` seconds away."""

    wait: float


@dataclass(slots=True, kw_only=True)
class _Pace:
    """One group's plan. `free` is the next turn, `shut` the moment before which nothing goes."""

    spacing: timedelta
    window: timedelta
    share: int
    free: datetime = _NEVER
    shut: datetime = _NEVER
    opened: datetime = _NEVER
    left: int | None = None
    own: int = 0
    hits: int = 0
    blocks: int = 0

    def shift(self, by: timedelta) -> None:
        self.free, self.shut, self.opened = self.free + by, self.shut + by, self.opened + by

    def count(self, sent: datetime, left: int) -> None:
        """Learn from "`left` more in this window".

        Within a window the number only falls, so one that does not fall opens a window, at `sent` at the latest.
        An empty window that holds our whole share is the pace at work: the next turn is beyond its end anyway. One
        that holds less was emptied by somebody else, and then not even its start is certain: a whole window's pause.
        """
        if self.left is None or left >= self.left or sent >= self.opened + self.window:
            self.opened, self.own = sent, 0
        self.left = left
        self.own += 1
        if left == 0:
            since = self.opened if self.own >= self.share else sent
            self.shut = max(self.shut, since + self.window)


class Limiter:
    """Turns to send, by group. Thread-safe; time and chance are arguments.

    The sleeps of `clock` must not be cut short by a stop: who is in a hurry asks with little patience instead.
    """

    def __init__(self, settings: LimiterSettings, clock: Clock, rng: random.Random) -> None:
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._lock = threading.Lock()
        self._latest = clock.now()
        # A sleep that ends late may eat half of the margin; the other half is left to the network.
        self._slack = timedelta(seconds=settings.margin / 2)
        self._paces = {group: self._pace(group) for group in Group if settings.rate(group) > 0}

    def take(self, group: Group, patience: float) -> Turn | NoTurn:
        """Sleep until the next turn of `group` and return it; `NoTurn`, at once, when over `patience` s away.

        `Misconfigured` when this process has no share of the group.
        """
        self.require_share(group)
        pace = self._paces[group]
        give_up: datetime | None = None
        while True:
            with self._lock:
                now = self._now()
                # Counted from the moment of the first look: without any patience a turn that is free now is taken.
                give_up = give_up or now + timedelta(seconds=patience)
                slot = max(now, pace.free, pace.shut)
                if slot > give_up:
                    return NoTurn((slot - now).total_seconds())
                pace.free = slot + pace.spacing
            if slot > now:
                self._clock.sleep((slot - now).total_seconds())
            with self._lock:
                now = self._now()
                if pace.shut <= max(slot, now):
                    pace.free = max(pace.free, now + pace.spacing - self._slack)
                    return Turn(group, now)
            # A penalty was set while this caller slept: queue again.

    def require_share(self, group: Group) -> None:
        """`Misconfigured` when this process has no share of the group."""
        if group not in self._paces:
            raise Misconfigured(f"{group}: this process has no share of the venue's limit")

    def heard(self, turn: Turn, response: Response) -> float:
        """Learn from the reply to `turn`; the seconds for which its group is shut after a 429 or 418, else 0."""
        with self._lock:
            now = self._now()
            pace = self._paces[turn.group]
            if response.status == TOO_MANY:
                return self._too_many(pace, now, response)
            if response.status == BLOCKED:
                return self._blocked(turn.group, now, response)
            pace.hits = pace.blocks = 0
            left = remaining(response.headers)
            if left is not None:
                pace.count(turn.sent, left)
            return 0.0

    def _pace(self, group: Group) -> _Pace:
        rate, stretch = self._settings.rate(group), 1 + self._settings.margin
        seconds = VENUE_LIMITS[group].seconds
        return _Pace(
            spacing=timedelta(seconds=stretch / rate),
            window=timedelta(seconds=seconds * stretch),
            share=max(1, int(rate * seconds)),
        )

    def _too_many(self, pace: _Pace, now: datetime, response: Response) -> float:
        span = _doubled(self._settings.penalty_base, pace.hits, self._settings.penalty_cap)
        pace.hits += 1
        wait = pace.window.total_seconds() + self._rng.uniform(0, span)
        return _shut([pace], now, max(wait, _told(response, self._settings.block_cap) or 0.0))

    def _blocked(self, group: Group, now: datetime, response: Response) -> float:
        pace = self._paces[group]
        grown = _doubled(self._settings.block_first, pace.blocks, self._settings.block_cap)
        pace.blocks += 1
        wait = (_told(response, self._settings.block_cap) or grown) + self._rng.uniform(0, 1)
        # A block is of the address or of the pocket, so it shuts every group that is counted there.
        kin = (each for name, each in self._paces.items() if name in group.kin)
        return _shut(kin, now, wait)

    def _now(self) -> datetime:
        now = self._clock.now()
        back = now - self._latest
        if back < timedelta(seconds=-1):
            # The clock was set back: the plan moves with it, or the caller would wait out the difference.
            for pace in self._paces.values():
                pace.shift(back)
            self._latest = now
        self._latest = max(self._latest, now)
        return now


def remaining(headers: Mapping[str, str]) -> int | None:
    """How many calls the venue still allows in this window, by `Remaining-Req`; None when it does not say."""
    match = _REMAINING.search(headers.get("remaining-req", ""))
    return int(match[3][:9]) if match else None


def _doubled(base: float, times: int, cap: float) -> float:
    return float(min(cap, base * 2 ** min(times, 30)))


def _shut(paces: Iterable[_Pace], now: datetime, wait: float) -> float:
    for pace in paces:
        pace.shut = max(pace.shut, now + timedelta(seconds=wait))
    return wait


def _told(response: Response, cap: float) -> float | None:
    """The wait that a refusal states, in its `Retry-After` or as "<number> seconds" in its body; at most `cap`."""
    header = response.headers.get("retry-after", "").strip()
    if header.isascii() and header.isdigit():
        return min(float(header), cap)
    match = _SECONDS.search(response.body[:4096].decode(errors="replace"))
    return min(float(match[1]), cap) if match else None
