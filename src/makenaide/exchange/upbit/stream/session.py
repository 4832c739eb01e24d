"""One connection, from its first request to its end."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from makenaide.domain.clock import Clock
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.limiter import Limiter
from makenaide.exchange.upbit.stream.connection import Closed, Opener, Socket
from makenaide.exchange.upbit.stream.frames import BookFrame, Frame, StreamError, TickerFrame, Up
from makenaide.exchange.upbit.stream.latest import Latest
from makenaide.exchange.upbit.stream.liveness import Owed, Pulse
from makenaide.exchange.upbit.stream.news import Connected, Missing, News
from makenaide.exchange.upbit.stream.settings import StreamSettings
from makenaide.exchange.upbit.stream.status import Board
from makenaide.exchange.upbit.stream.subscription import Subscription
from makenaide.exchange.upbit.stream.wire import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamParts:
    """What a stream is given: the way to the wire, time, chance, names, and where its frames go.

    `monotonic` counts seconds that never go back; `ids` makes fresh tickets and nonces; `keys` are needed for the
    account's news only; `stopping` ends the stream from outside; a `limiter` shared with others paces the connects.
    """

    opener: Opener
    clock: Clock
    monotonic: Callable[[], float]
    rng: random.Random
    ids: Callable[[], str]
    stopping: Callable[[], bool]
    latest: Latest
    news: News
    keys: Keys | None = None
    limiter: Limiter | None = None
    settings: StreamSettings = field(default_factory=StreamSettings)


@dataclass(frozen=True, slots=True)
class Ended:
    """Why a connection ended: `blocked` when the venue wants fewer of them, no `fault` when we ended it."""

    reason: str
    blocked: bool = False
    fault: bool = True


class Session:
    """Asks, reads and pings over one open socket, in one thread."""

    def __init__(self, socket: Socket, parts: StreamParts, board: Board, *, private: bool) -> None:
        self._socket = socket
        self._private = private
        self._parts = parts
        self._settings = parts.settings
        self._board = board
        self._asked: Subscription | None = None
        self._asked_at = self._free = now = parts.monotonic()
        self._pulse = Pulse(parts.settings, now)
        self._owed = Owed()
        self._heard = False
        self._announced = False
        self._unread = 0

    def run(self, wanted: Callable[[], Subscription], over: Callable[[], bool]) -> Ended:
        """Until the connection ends, `over` says so, or what is `wanted` cannot be had over this endpoint."""
        try:
            while not over():
                subscription = wanted()
                if subscription is not self._asked:
                    if not subscription or subscription.private != self._private:
                        return Ended("something else is wanted", fault=False)
                    self._ask(subscription)
                body = self._socket.receive(self._settings.slice)
                ended = (None if body is None else self._take(body)) or self._check()
                if ended is not None:
                    return ended
        except Closed as cause:
            return Ended(str(cause) or "closed")
        return Ended("stopped", fault=False)

    def _ask(self, subscription: Subscription) -> None:
        now = self._parts.monotonic()
        if now < self._free:
            return  # later: what changes now may change again at once
        busy = subscription.busy(self._settings.heartbeat)
        self._say(subscription.request(self._parts.ids()), *(() if busy else ("PING",)))
        self._asked, self._asked_at = subscription, now
        # What the new request adds was not heard of before it: whoever keeps orders or balances must look again.
        self._announced = False
        self._parts.latest.keep(subscription.includes)
        self._pulse.asked(now, busy=busy)
        self._owed.ask(subscription, now + self._settings.snapshot)

    def _say(self, *texts: str) -> None:
        """Send `texts`, not before `_free`: the venue counts messages by connection."""
        for text in texts:
            self._socket.send(text)
        self._free = self._parts.monotonic() + len(texts) * self._settings.message

    def _take(self, body: bytes) -> Ended | None:
        now, at = self._parts.monotonic(), self._parts.clock.now()
        self._board.heard(at)
        try:
            frames = parse(body)
        except VenueGarbled as cause:
            return self._garbled(str(cause), at)
        self._unread, self._heard = 0, True
        for frame in frames:
            if isinstance(frame, StreamError):
                self._parts.news.put(frame)
                return Ended(f"{frame.name}: {frame.message}"[:200], blocked=frame.blocked)
            self._pulse.heard(now, data=not isinstance(frame, Up))
            self._deliver(frame, now)
        return None

    def _deliver(self, frame: Frame, now: float) -> None:
        if isinstance(frame, Up | StreamError) or self._asked is None or not self._asked.includes(frame):
            return
        self._owed.seen(frame)
        if isinstance(frame, BookFrame | TickerFrame):
            self._parts.latest.put(frame, now)
        else:
            self._parts.latest.beat(now)
            self._parts.news.put(frame)

    def _garbled(self, cause: str, at: datetime) -> Ended | None:
        self._board.failed(at, cause, garbled=True)
        self._unread += 1
        # It may have been news of an order; of a book or a ticker the next frame is enough.
        self._parts.news.skip()
        if self._unread >= self._settings.garbled:
            return Ended(f"{self._unread} unreadable frames in a row, the last: {cause}"[:200])
        return None

    def _check(self) -> Ended | None:
        now = self._parts.monotonic()
        reason = self._pulse.death(now)
        if reason is not None:
            return Ended(reason)
        if self._pulse.due(now):
            self._pulse.pinged(now, self._socket.ping())
            quiet = self._asked is not None and not self._asked.busy(self._settings.heartbeat)
            if quiet and now >= self._free:  # too early only just after a request, which has brought one along
                self._say("PING")
        late = self._owed.overdue(now)
        if late:
            self._parts.news.put(Missing(self._parts.clock.now(), late))
        if self._heard and not self._announced and now - self._asked_at >= self._settings.settle:
            self._announced = True
            self._parts.news.put(Connected(self._parts.clock.now(), self._board.status().connects))
        return None
