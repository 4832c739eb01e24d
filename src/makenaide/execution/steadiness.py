"""Has time gone on evenly? A machine that slept, or whose clock was set, may not buy before it has reconciled.

The wall clock and the steady one (monotonic, which stands still while the machine sleeps) must advance alike. Where
they part, whatever was known before is of another time: the venue has gone on, and a slot may long be over.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from makenaide.domain.intent import StoredOrder
from makenaide.domain.reason import Refusal
from makenaide.execution.permit import Forbidden

Reading = tuple[datetime, float]
"""The wall clock (UTC) and the steady one (s) at one moment."""


class Steadiness:
    """Two clocks side by side since the last time that everything was compared. Thread-safe."""

    def __init__(self, wall: Callable[[], datetime], steady: Callable[[], float], limit: float) -> None:
        """`wall` gives UTC; `steady` seconds that nobody sets; they may be `limit` seconds apart."""
        self._wall = wall
        self._steady = steady
        self._limit = limit
        self._lock = threading.Lock()
        self._since: Reading = (wall(), steady())

    def parted(self) -> float:
        """Seconds by which the wall clock has run ahead (or, below zero, behind) since `anchor`."""
        with self._lock:
            wall, steady = self._since
        return (self._wall() - wall).total_seconds() - (self._steady() - steady)

    @property
    def broken(self) -> bool:
        """Whether they are further apart than they may be."""
        return abs(self.parted()) > self._limit

    def reading(self) -> Reading:
        """Both clocks now: taken before a comparison begins, and anchored when it is done."""
        return self._wall(), self._steady()

    def anchor(self, moment: Reading) -> None:
        """Books and venue were compared, beginning at `moment`: count from there.

        From its beginning: a machine that slept while it compared has compared what was before.
        """
        with self._lock:
            self._since = moment


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyTime:
    """Forbids every entry while the clocks of `steadiness` are further apart than they may be."""

    steadiness: Steadiness

    def forbids(self, order: StoredOrder | None) -> Forbidden | None:  # noqa: ARG002 - one answer for all
        """NOT_READY with how far time has parted."""
        if not self.steadiness.broken:
            return None
        parted = self.steadiness.parted()
        cause = (
            f"the clock has jumped by {parted:+.1f} s (a sleep, or it was set), and nobody has reconciled since"
        )
        return Forbidden(Refusal.NOT_READY, cause)
