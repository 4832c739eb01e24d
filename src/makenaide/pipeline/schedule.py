"""The schedule: slots in KST, and which of them are due or were missed."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from makenaide.domain.clock import last_slot, next_slot, slot_time
from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import parameter, require_in_range

DECISION_SLOT = time(9, 0)
"""The only slot that enters: right after the day candle closes, 09:00 KST (trading.md, Entry)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings:
    """When the cycle runs."""

    slots: tuple[str, ...] = parameter(("09:00",), "KST times", "trading.md, Entry: the day closes at 09:00 KST")
    delay_seconds: float = parameter(10.0, "s", "let the venue close its candle first", low=0, high=600)

    def __post_init__(self) -> None:
        require_in_range(self)
        for slot in self.slots:
            try:
                slot_time(slot)
            except ValueError as cause:
                raise Misconfigured(f"slots: {slot!r} is no time of day: {cause}") from None
        if DECISION_SLOT not in self.times:
            raise Misconfigured(f"slots: expected {DECISION_SLOT:%H:%M} among them, got {', '.join(self.slots)}")

    @property
    def times(self) -> tuple[time, ...]:
        """The slots as times of day in KST, ascending."""
        return tuple(sorted(slot_time(slot) for slot in self.slots))

    @property
    def delay(self) -> timedelta:
        """How long after its slot a cycle starts."""
        return timedelta(seconds=self.delay_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is to be done now: the slots that nobody ran, and the one to run late or on time (None: nothing yet)."""

    missed: tuple[datetime, ...]
    slot: datetime | None


def due(settings: ScheduleSettings, now: datetime, done: datetime | None) -> Due:
    """What is due at `now` when `done` is the newest slot with a run; all UTC.

    Only the newest slot that has passed is run (catch-up); older ones are recorded as missed. With no run at
    all nothing was missed: the newest passed slot is run.
    """
    newest = last_slot(now, settings.times)
    if done is not None and newest <= done:
        return Due(missed=(), slot=None)
    missed = []
    slot = newest if done is None else next_slot(done, settings.times)
    while slot < newest:
        missed.append(slot)
        slot = next_slot(slot, settings.times)
    return Due(missed=tuple(missed), slot=newest)
