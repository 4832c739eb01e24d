"""Time: aware UTC inside, KST at the edges, and the clock as an argument.

KST is a fixed +09:00. The exchange's day starts 00:00 UTC = 09:00 KST, so a day is named by its UTC date.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Protocol

KST = timezone(timedelta(hours=9), "KST")
DAY = timedelta(days=1)


class Clock(Protocol):
    """What every shell takes instead of reading the wall clock."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return `seconds` later by this clock; at once when not above zero."""
        ...


def utc(moment: datetime) -> datetime:
    """`moment` in UTC; ValueError when it has no zone (a naive time is a bug, never a guess)."""
    if moment.tzinfo is None:
        raise ValueError(f"a time needs a zone: {moment.isoformat()}")
    return moment.astimezone(UTC)


def day_start(day: date) -> datetime:
    """The moment at which the exchange's `day` opens: 00:00 UTC = 09:00 KST."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def trading_day(moment: datetime) -> date:
    """The exchange's day that `moment` falls in."""
    return utc(moment).date()


def kst(moment: datetime) -> datetime:
    """`moment` on Korean clocks."""
    return utc(moment).astimezone(KST)


def slot_time(text: str) -> time:
    """ "HH:MM" (KST) as a time; ValueError otherwise."""
    hour, colon, minute = text.partition(":")
    if not (colon and len(hour) == 2 and len(minute) == 2 and hour.isdigit() and minute.isdigit()):
        raise ValueError(f"expected HH:MM, got {text!r}")
    return time(int(hour), int(minute))


def next_slot(after: datetime, slots: tuple[time, ...]) -> datetime:
    """The first scheduled slot strictly after `after`, in UTC; `slots` are KST times of day."""
    local = kst(after)
    for days in (0, 1):
        day = local.date() + timedelta(days=days)
        for slot in sorted(slots):
            moment = datetime.combine(day, slot, KST)
            if moment > after:
                return moment.astimezone(UTC)
    raise ValueError("a schedule needs at least one slot")


def last_slot(at: datetime, slots: tuple[time, ...]) -> datetime:
    """The last scheduled slot at or before `at`, in UTC; `slots` are KST times of day."""
    local = kst(at)
    for days in (0, 1):
        day = local.date() - timedelta(days=days)
        for slot in sorted(slots, reverse=True):
            moment = datetime.combine(day, slot, KST)
            if moment <= at:
                return moment.astimezone(UTC)
    raise ValueError("a schedule needs at least one slot")
