"""Moments as whole milliseconds since 1970 (UTC), the form in which the simulator's arrays keep time."""

from datetime import UTC, date, datetime, timedelta

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
DAY_MS = 1440 * MINUTE_MS
KST_MS = 9 * 60 * MINUTE_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def to_ms(moment: datetime) -> int:
    """`moment` (aware) in milliseconds, rounded down."""
    delta = moment - _EPOCH
    return delta.days * DAY_MS + delta.seconds * SECOND_MS + delta.microseconds // 1000


def ceil_ms(moment: datetime) -> int:
    """`moment` (aware) in milliseconds, rounded up."""
    return to_ms(moment + timedelta(microseconds=999))


def from_ms(value: int) -> datetime:
    """The moment at `value`, aware UTC."""
    return _EPOCH + timedelta(milliseconds=value)


def utc_date(value: int) -> date:
    """The exchange's day at `value`: the UTC date."""
    return date.fromordinal(_EPOCH_ORDINAL + value // DAY_MS)


def kst_day(value: int) -> int:
    """The Korean calendar day at `value`, counted from 1970-01-01: tick tables change at Korean midnight."""
    return (value + KST_MS) // DAY_MS


def day_date(day: int) -> date:
    """The date of a day counted from 1970-01-01."""
    return date.fromordinal(_EPOCH_ORDINAL + day)


def day_number(day: date) -> int:
    """`day` counted from 1970-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL
