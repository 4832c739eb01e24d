"""What must not be lost unnoticed: the account's events, trades, candles, announcements, and the stream's own fate.

The queue is bounded. What does not fit is dropped, oldest first, and the next event that is taken says so: whoever
takes a `Gap` or a `Connected` asks the venue by REST what it missed.
"""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from makenaide.exchange.upbit.stream.frames import (
    AnnouncementFrame,
    CandleFrame,
    MyAssetFrame,
    MyOrderFrame,
    StreamError,
    TradeFrame,
)
from makenaide.exchange.upbit.stream.subscription import Snapshot


@dataclass(frozen=True, slots=True)
class Connected:
    """The `number`-th connection is open and subscribed: reconcile by REST now, also the first time.

    Said once more when something else has been asked for over the same connection. Orders and balances have no
    snapshot, so everything that happened before this moment is unknown here.
    """

    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone; from here to the next `Connected` nothing is heard."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Missing:
    """These types and codes sent no snapshot in time: the venue ignores codes that it does not know, silently."""

    at: datetime
    snapshots: tuple[Snapshot, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """`dropped` events were lost or unreadable before the next one: reconcile by REST."""

    dropped: int


Told = TradeFrame | CandleFrame | MyOrderFrame | MyAssetFrame | AnnouncementFrame
Event = Told | StreamError | Connected | Lost | Missing | Gap


class News:
    """A thread-safe queue of at most `capacity` events."""

    def __init__(self, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._changed = threading.Condition()
        self._events: deque[Event] = deque()
        self._dropped = 0

    def put(self, event: Event) -> None:
        """Add `event`; never waits, since a reader that is slow must not stop the pings."""
        with self._changed:
            if len(self._events) >= self._capacity:
                self._events.popleft()
                self._dropped += 1
            self._events.append(event)
            self._changed.notify()

    def skip(self) -> None:
        """Something came that could not be read: the next event to be taken is a `Gap`."""
        with self._changed:
            self._dropped += 1
            self._changed.notify()

    def take(self, seconds: float = 0.0) -> Event | None:
        """The next event, a `Gap` first if anything was lost; None when none comes within `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._dropped, timeout=max(0.0, seconds))
            if self._dropped:
                gap, self._dropped = Gap(self._dropped), 0
                return gap
            return self._events.popleft() if self._events else None
