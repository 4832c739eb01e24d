"""The venue's clock is bracketed by its dates, and the bracket always holds the truth."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.exchange.upbit.offset import ClockOffset, Offsets
from tests.unit.upbit_script import START

SECOND = timedelta(seconds=1)


def header(at: datetime) -> str:
    """The `Date` header that a venue sends at `at` of its own clock: cut to seconds."""
    return format_datetime(at.replace(microsecond=0), usegmt=True)


def heard(offsets: Offsets, true: timedelta, sent: datetime, there: float, back: float) -> None:
    """A call that is `there` s under way to the venue and `back` s home again; the venue is `true` ahead of us."""
    written = sent + timedelta(seconds=there)
    offsets.heard(header(written + true), sent, written + timedelta(seconds=back))


def estimate(offsets: Offsets) -> ClockOffset:
    found = offsets.estimate()
    assert found is not None
    return found


@given(
    true=st.floats(-100, 100),
    calls=st.lists(st.tuples(st.floats(0, 3), st.floats(0, 2), st.floats(0, 2)), min_size=1, max_size=60),
)
def test_the_bracket_holds_the_truth_and_never_widens(
    true: float, calls: list[tuple[float, float, float]]
) -> None:
    offsets, at, ahead = Offsets(), START, timedelta(seconds=true)
    for pause, there, back in calls:
        at += timedelta(seconds=pause)
        heard(offsets, ahead, at, there, back)
        found = estimate(offsets)
        assert found.low <= ahead <= found.high
        assert found.high - found.low <= SECOND + timedelta(seconds=there + back, microseconds=2)
        assert found.low <= found.middle <= found.high


def test_replies_at_many_phases_narrow_the_bracket_to_a_round_trip() -> None:
    offsets, ahead = Offsets(), timedelta(seconds=2.34)
    for step in range(30):
        heard(offsets, ahead, START + timedelta(seconds=step * 1.05), 0.02, 0.02)
    found = estimate(offsets)
    assert found.high - found.low <= timedelta(seconds=0.1)
    assert abs(found.middle - ahead) <= timedelta(seconds=0.05)


def test_a_clock_that_was_set_is_believed_at_once() -> None:
    offsets = Offsets()
    for step in range(10):
        heard(offsets, timedelta(0), START + step * SECOND, 0.1, 0.1)
    late = START + 11 * SECOND
    heard(offsets, timedelta(seconds=30), late, 0.1, 0.1)
    found = estimate(offsets)
    assert found.low <= timedelta(seconds=30) <= found.high
    assert found.at == late + timedelta(seconds=0.2)


def test_old_replies_are_no_evidence() -> None:
    offsets = Offsets()
    for step in range(20):
        heard(offsets, timedelta(0), START + step * 1.05 * SECOND, 0, 0)
    narrow = estimate(offsets)
    heard(offsets, timedelta(0), START + timedelta(minutes=11), 0, 0)
    wide = estimate(offsets)
    assert narrow.high - narrow.low < timedelta(seconds=0.2)
    assert wide.high - wide.low == SECOND


@pytest.mark.parametrize(
    "date",
    ["", "soon", "Mon, 05 Jan 2026 00:00:13 -0000", "Mon, 05 Jan 99999999999 00:00:13 GMT", "\x00", "1 2 3 4 5 6"],
)
def test_what_is_no_date_teaches_nothing(date: str) -> None:
    offsets = Offsets()
    offsets.heard(date, START, START + SECOND)
    assert offsets.estimate() is None


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"])
def test_the_ends_of_the_calendar_are_dates_like_any_other(date: str) -> None:
    offsets = Offsets()
    offsets.heard(date, START, START + SECOND)
    assert estimate(offsets).high - estimate(offsets).low == 2 * SECOND


def test_a_measure_taken_backwards_teaches_nothing() -> None:
    offsets = Offsets()
    offsets.heard(header(START), START, START - SECOND)
    assert offsets.estimate() is None


@given(st.text(max_size=60))
def test_any_text_is_survived(text: str) -> None:
    offsets = Offsets()
    offsets.heard(text, START, START + SECOND)
    offsets.heard(header(datetime(2026, 1, 5, tzinfo=UTC)), START, START + SECOND)
    assert offsets.estimate() is not None


def test_threads_may_listen_at_once() -> None:
    offsets = Offsets()

    def listen() -> None:
        for step in range(200):
            heard(offsets, timedelta(0), START + timedelta(milliseconds=step), 0.01, 0.01)
            estimate(offsets)

    threads = [Thread(target=listen) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert estimate(offsets).low <= timedelta(0) <= estimate(offsets).high
