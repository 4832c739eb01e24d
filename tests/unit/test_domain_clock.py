"""Zones, exchange days and slots."""

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.clock import KST, day_start, kst, last_slot, next_slot, slot_time, trading_day, utc

SLOTS = (time(9, 0), time(21, 0))
FIRST, LAST = datetime(2018, 1, 1), datetime(2030, 1, 1)  # noqa: DTZ001 (hypothesis wants naive bounds)
MOMENTS = st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC))
SCHEDULES = st.lists(st.times().map(lambda at: at.replace(second=0, microsecond=0)), min_size=1, max_size=6).map(
    tuple
)


def test_the_exchange_day_starts_at_nine_in_korea() -> None:
    start = day_start(date(2026, 1, 5))
    assert start == datetime(2026, 1, 5, tzinfo=UTC)
    assert kst(start) == datetime(2026, 1, 5, 9, tzinfo=KST)
    assert trading_day(start) == date(2026, 1, 5)
    assert trading_day(start - timedelta(microseconds=1)) == date(2026, 1, 4)


def test_korea_is_nine_hours_ahead_all_year() -> None:
    for month in (1, 7):
        assert kst(datetime(2026, month, 1, tzinfo=UTC)).utcoffset() == timedelta(hours=9)


def test_any_zone_becomes_utc_and_none_is_refused() -> None:
    there = datetime(2026, 1, 5, 4, tzinfo=timezone(timedelta(hours=4)))
    assert utc(there) == datetime(2026, 1, 5, tzinfo=UTC)
    assert utc(there).tzinfo is UTC
    with pytest.raises(ValueError, match="needs a zone"):
        utc(datetime(2026, 1, 5))  # noqa: DTZ001


@pytest.mark.parametrize(("text", "at"), [("09:00", time(9)), ("23:59", time(23, 59)), ("00:00", time(0))])
def test_a_slot_is_written_in_hours_and_minutes(text: str, at: time) -> None:
    assert slot_time(text) == at


@pytest.mark.parametrize("text", ["9:00", "09-00", "0900", "09:0", "24:00", "12:60", "ab:cd", ""])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected HH:MM|must be in"):
        slot_time(text)


@pytest.mark.parametrize(
    ("now", "following", "before"),
    [
        ("2026-01-05T08:59", "2026-01-05T09:00", "2026-01-04T21:00"),
        ("2026-01-05T09:00", "2026-01-05T21:00", "2026-01-05T09:00"),
        ("2026-01-05T20:59", "2026-01-05T21:00", "2026-01-05T09:00"),
        ("2026-01-05T23:00", "2026-01-06T09:00", "2026-01-05T21:00"),
        ("2026-12-31T22:00", "2027-01-01T09:00", "2026-12-31T21:00"),
    ],
)
def test_slots_are_korean_times_of_day(now: str, following: str, before: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=KST)
    assert next_slot(at, SLOTS) == datetime.fromisoformat(following).replace(tzinfo=KST)
    assert last_slot(at, SLOTS) == datetime.fromisoformat(before).replace(tzinfo=KST)
    assert next_slot(at, SLOTS).tzinfo is UTC


@given(MOMENTS, SCHEDULES)
def test_the_next_slot_is_after_now_and_the_last_is_not(at: datetime, slots: tuple[time, ...]) -> None:
    following, before = next_slot(at, slots), last_slot(at, slots)
    assert before <= at < following
    assert following - at <= timedelta(days=1)
    assert last_slot(following, slots) == following
    assert next_slot(before, slots) == following


def test_a_schedule_needs_a_slot() -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    with pytest.raises(ValueError, match="at least one slot"):
        next_slot(at, ())
    with pytest.raises(ValueError, match="at least one slot"):
        last_slot(at, ())
