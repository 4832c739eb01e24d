"""The guard of a rehearsal: it shares a process with the trader there, and can die, and live on, without him."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from makenaide.app.rehearsal.fuse import SimulatedCrash
from makenaide.domain.clock import Clock
from makenaide.execution.guard.guard import Ack, Guard

_RESTART_SECONDS = 3.0
"""Until whoever watches over the guard has started it again."""


@dataclass(slots=True, kw_only=True)
class Watchman:
    """`Vigil` and `Link` over a guard that `make` opens. `alone`: whether a death inside it is the guard's only."""

    make: Callable[[], Guard]
    clock: Clock
    alone: Callable[[], bool] = lambda: False
    deaths: int = 0
    _guard: Guard | None = field(init=False, default=None)

    def ack(self) -> Ack | None:
        """What the guard holds, once it has taken up what is published; None while it is dead."""
        try:
            return self._living().reload()
        except SimulatedCrash as death:
            self._mourn(death)
            return None

    def until(self, moment: datetime, stopping: Callable[[], bool]) -> None:
        """As the guard's own; a guard that died is started again."""
        try:
            self._living().until(moment, stopping)
        except SimulatedCrash as death:
            self._mourn(death)
            self.clock.sleep(_RESTART_SECONDS)

    def holds(self) -> frozenset[str]:
        """The positions that the guard has in its hands; none while it is dead."""
        watched = () if self._guard is None else self._guard.watched()
        return frozenset(str(each.about.position_id) for each in watched)

    def _living(self) -> Guard:
        if self._guard is None:
            self._guard = self.make()
        return self._guard

    def _mourn(self, death: SimulatedCrash) -> None:
        self._guard = None  # what was in its memory is gone in any case
        if not self.alone():
            raise death
        self.deaths += 1
