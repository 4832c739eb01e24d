"""Whether a connection is still alive, as values of the monotonic clock in seconds; no clock, no socket.

The venue closes idle connections without a close frame, and a dead network says nothing at all (upbit-api.md,
section 11, pitfall 15). So silence is judged here, by two measures: a ping without any sign of life after it, and no
frame for longer than what is subscribed can be silent.
"""

from collections.abc import Callable

from makenaide.exchange.upbit.stream.frames import Frame
from makenaide.exchange.upbit.stream.settings import StreamSettings
from makenaide.exchange.upbit.stream.subscription import Snapshot, Subscription, snapshot_of


class Pulse:
    """The signs of life of one connection."""

    def __init__(self, settings: StreamSettings, now: float) -> None:
        self._settings = settings
        self._busy = False
        self._heard = now
        self._data = now
        self._pinged = now
        self._pong: Callable[[], bool] | None = None

    def asked(self, now: float, *, busy: bool) -> None:
        """Something new was subscribed; `busy` when market data that is never silent for long is in it."""
        self._busy = busy
        self._heard = self._data = now

    def heard(self, now: float, *, data: bool) -> None:
        """A frame came; `data` unless it was the answer to a text PING."""
        self._heard = now
        if data:
            self._data = now

    def due(self, now: float) -> bool:
        """Whether it is time to ping again."""
        return now - self._pinged >= self._settings.ping

    def pinged(self, now: float, pong: Callable[[], bool]) -> None:
        """A ping was sent; `pong` tells whether it was answered."""
        self._pinged, self._pong = now, pong

    def death(self, now: float) -> str | None:
        """Why the connection must be held for dead; None while it is alive."""
        if self._pong is not None and now - self._pinged >= self._settings.pong and self._heard < self._pinged:
            if not self._pong():
                return f"no sign of life for {now - self._pinged:.1f} s after a ping"
            self._pong = None
        silent = now - (self._data if self._busy else self._heard)
        if silent >= self._settings.stale:
            return f"no frame for {silent:.1f} s"
        return None


class Owed:
    """The snapshots that the venue has yet to send for the latest request."""

    def __init__(self) -> None:
        self._open: set[Snapshot] = set()
        self._until = 0.0

    def ask(self, subscription: Subscription, until: float) -> None:
        """A request was sent; its snapshots are due by `until`."""
        self._open = set(subscription.snapshots)
        self._until = until

    def seen(self, frame: Frame) -> None:
        """A frame came: its market is known to the venue."""
        if self._open:
            snapshot = snapshot_of(frame)
            if snapshot is not None:
                self._open.discard(snapshot)

    def overdue(self, now: float) -> tuple[Snapshot, ...]:
        """What has not come by its time, once."""
        if not self._open or now < self._until:
            return ()
        late, self._open = tuple(sorted(self._open)), set()
        return late
