"""The venue's clock against ours, from the `Date` headers of its replies.

The header is cut to whole seconds, so one reply only brackets the offset: the venue wrote `date` at some moment
between `sent` and `received` of our clock, while its own clock stood in [date, date + 1 s). Hence

    date - received  <=  venue's clock - ours  <=  date + 1 s - sent

and replies at different phases of the second narrow each other down, to the span of a round trip at best.
"""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from makenaide.domain.clock import utc

_SECOND = timedelta(seconds=1)
_KEPT = 32
_AGE = timedelta(minutes=10)
"""Older replies say nothing of a clock that has been set or has drifted since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOffset:
    """The venue's clock minus ours lies from `low` to `high`; `at` (our clock) is the newest reply that says so."""

    low: timedelta
    high: timedelta
    at: datetime

    @property
    def middle(self) -> timedelta:
        """The best single guess."""
        return (self.low + self.high) / 2


class Offsets:
    """The brackets of the latest replies. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[ClockOffset] = deque(maxlen=_KEPT)

    def heard(self, date: str, sent: datetime, received: datetime) -> None:
        """Learn from a reply's `Date` header; what is no date of a zone, or was measured backwards, is ignored."""
        try:
            there = utc(parsedate_to_datetime(date))
        except (ValueError, TypeError, IndexError, OverflowError):
            return
        if received < sent:
            return
        # The differences first: the last second of the calendar has none after it.
        bracket = ClockOffset(low=there - received, high=there - sent + _SECOND, at=received)
        with self._lock:
            self._kept.append(bracket)

    def estimate(self) -> ClockOffset | None:
        """The common part of the latest brackets; None before the first.

        From the newest backwards, until one is too old or contradicts: then somebody set a clock in between.
        """
        with self._lock:
            kept = list(self._kept)
        if not kept:
            return None
        newest = kept[-1]
        low, high = newest.low, newest.high
        for each in reversed(kept):
            if abs(newest.at - each.at) > _AGE or each.low > high or each.high < low:
                break
            low, high = max(low, each.low), min(high, each.high)
        return ClockOffset(low=low, high=high, at=newest.at)
