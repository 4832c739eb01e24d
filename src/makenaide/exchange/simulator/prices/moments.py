"""Moments as whole milliseconds since 1970 (UTC), the form in which the simulator's arrays keep time."""

from datetime import UTC, date, datetime, timedelta

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
DAY_MS = 1440 * MINUTE_MS
KST_MS = 9 * 60 * MINUTE_MS

NUMBERS_A_MS = 10_000
"""The number of a public trade begins with its milliseconds; so many numbers belong to each of them."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def to_ms(moment: datetime) -> int:
    """`moment` (aware) in milliseconds, rounded down."""
    delta = moment - EPOCH
    return delta.days * DAY_MS + delta.seconds * SECOND_MS + delta.microseconds // 1000


def ceil_ms(moment: datetime) -> int:
    """`moment` (aware) in milliseconds, rounded up."""
    return to_ms(moment + timedelta(microseconds=999))


def last_trade_at(at: int) -> int:
    """The last millisecond up to `at` at which the street may have traded: a second's first or last."""
    return at if at % SECOND_MS == SECOND_MS - 1 else at // SECOND_MS * SECOND_MS


def from_ms(value: int) -> datetime:
    """The moment at `value`, aware UTC."""
    return EPOCH + timedelta(milliseconds=value)


def utc_date(value: int) -> date:
    """The exchange's day at `value`: the UTC date."""
    return date.fromordinal(_EPOCH_ORDINAL + value // DAY_MS)


def kst_day(value: int) -> int:
    """The Korean calendar day at `value`, counted from 1970-01-01: tick tables change at Korean midnight."""
    return (value + KST_MS) // DAY_MS


def day_date(day: int) -> date:
    """The date of a day counted from 1970-01-01."""
    return date.fromordinal(_EPOCH_ORDINAL + day)
