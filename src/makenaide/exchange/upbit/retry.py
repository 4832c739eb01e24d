"""When a read is asked again, and when asking stops for a while.

Only reads are ever repeated here (mission.md, X7 and flaw 25): an order goes out again only by the order protocol,
with its own identifier.
"""

import random
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from makenaide.domain.clock import Clock
from makenaide.domain.parameter import parameter, require_in_range
from makenaide.exchange.upbit.errors import VenueUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySettings:
    """How often a read is tried, how long is waited between, and when a group is left alone."""

    attempts: int = parameter(4, "tries of one read", "mission.md, X7", low=1, high=20)
    base: float = parameter(0.25, "s", "first span of the full jitter", low=0, high=60)
    cap: float = parameter(4.0, "s", "widest span of the full jitter", low=0, high=600)
    patience: float = parameter(30.0, "s", "longest wait of a read for its turn", low=0, high=3600)
    order_patience: float = parameter(2.0, "s", "house.md, section 5, rule 2: a commit ages 2 s", low=0, high=60)
    breaker_failures: int = parameter(5, "reads failed in a row", "mission.md, X7", low=1, high=1000)
    breaker_pause: float = parameter(15.0, "s", "mission.md, X7", low=0, high=3600)

    def __post_init__(self) -> None:
        require_in_range(self)


def delay(settings: RetrySettings, attempt: int, rng: random.Random) -> float:
    """Seconds before try `attempt` + 1: anything from 0 to base * 2^(attempt-1), at most `cap` (full jitter)."""
    return rng.uniform(0, min(settings.cap, settings.base * 2.0 ** min(attempt - 1, 30)))


class Breaker:
    """Fails fast, for a pause, after so many failed reads in a row; then lets reads through again. Thread-safe."""

    def __init__(self, settings: RetrySettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._until: datetime | None = None

    def require_closed(self, call: str) -> None:
        """`VenueUnavailable` while the pause lasts."""
        with self._lock:
            now = self._clock.now()
            pause = timedelta(seconds=self._settings.breaker_pause)
            # A clock that was set back must not stretch the pause.
            if self._until is not None and now < self._until <= now + pause:
                left = (self._until - now).total_seconds()
                raise VenueUnavailable(f"{call}: {self._failed} reads failed in a row, next try in {left:.1f} s")

    def passed(self) -> None:
        """A read was answered."""
        with self._lock:
            self._failed, self._until = 0, None

    def failed(self) -> None:
        """A read failed with all its tries; from the limit on, each failure starts a pause."""
        with self._lock:
            self._failed += 1
            if self._failed >= self._settings.breaker_failures:
                self._until = self._clock.now() + timedelta(seconds=self._settings.breaker_pause)
