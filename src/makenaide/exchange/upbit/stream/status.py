"""How a stream is doing: a value for checks and dashboards, and the board on which its thread notes it."""

import threading
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Where a stream stands. `IDLE`: nothing is wanted of it, or it was not started."""

    IDLE = "idle"
    CONNECTING = "connecting"
    LIVE = "live"
    WAITING = "waiting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStatus:
    """A moment of a stream. Times are UTC; `connects` counts connections, the first one included."""

    state: State = State.IDLE
    connected_since: datetime | None = None
    last_frame_at: datetime | None = None
    connects: int = 0
    frames: int = 0
    garbled: int = 0
    last_error: str = ""
    last_error_at: datetime | None = None


class Board:
    """Notes kept by the stream's thread and read by others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._status = StreamStatus()
        self._frames = 0
        self._last: datetime | None = None

    def status(self) -> StreamStatus:
        """The present."""
        with self._lock:
            return replace(self._status, frames=self._frames, last_frame_at=self._last)

    def state(self, state: State) -> None:
        """The stream has come to `state`; whatever is not live has no connection."""
        with self._lock:
            self._status = replace(self._status, state=state, connected_since=None)

    def connected(self, at: datetime) -> None:
        """A connection was opened."""
        with self._lock:
            number = self._status.connects + 1
            self._status = replace(self._status, state=State.LIVE, connected_since=at, connects=number)

    def heard(self, at: datetime) -> None:
        """A message came; kept apart from the rest because it is noted hundreds of times a second."""
        with self._lock:
            self._frames += 1
            self._last = at

    def failed(self, at: datetime, error: str, *, garbled: bool = False) -> None:
        """Something went wrong; `garbled` when it was a frame that could not be read."""
        with self._lock:
            count = self._status.garbled + garbled
            self._status = replace(self._status, last_error=error, last_error_at=at, garbled=count)
