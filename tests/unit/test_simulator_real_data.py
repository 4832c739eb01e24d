"""Recorded candles of Upbit, where they lie beside the repository."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from makenaide.domain.market import Market
from makenaide.exchange.simulator.market import CandleRow
from makenaide.exchange.simulator.prices.files import load
from makenaide.exchange.simulator.prices.tape import Tape
from makenaide.exchange.venue import CandleUnit

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "upbit"
BTC = Market("KRW-BTC")
END = datetime(2025, 9, 30, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no recorded candles beside the repository")


@cache
def recorded() -> Tape:
    return load(DATA)


def rows(unit: CandleUnit, before: datetime = END, count: int = 5000) -> list[CandleRow]:
    return recorded().candles(BTC, unit, before, count, END)


def test_the_tape_spans_what_was_recorded() -> None:
    tape = recorded()
    assert (tape.start, tape.end) == (datetime(2022, 1, 1, tzinfo=UTC), END)
    assert tape.first_slot == tape.start + timedelta(days=260)
    assert [str(each.market) for each in tape.listings(tape.first_slot)] == ["KRW-BTC", "KRW-ETH", "KRW-XRP"]


def test_hours_add_up_to_all_1368_days() -> None:
    days = rows(CandleUnit.DAYS)
    assert len(days) == 1368
    assert (days[0].start, days[-1].start) == (datetime(2025, 9, 29, tzinfo=UTC), datetime(2022, 1, 1, tzinfo=UTC))
    hours = rows(CandleUnit.MINUTES_60, count=24)
    assert (days[0].open, days[0].close) == (hours[-1].open, hours[0].close)
    assert (days[0].high, days[0].low) == (max(row.high for row in hours), min(row.low for row in hours))
    assert all(newer.prev_close == older.close for newer, older in pairwise(days))


def test_minutes_refine_hours_and_leave_them_as_they_were() -> None:
    at = datetime(2025, 9, 20, 3, tzinfo=UTC)
    minutes = rows(CandleUnit.MINUTES_1, at, 60)
    (hour,) = rows(CandleUnit.MINUTES_60, at, 1)
    assert len(minutes) == 60
    assert (minutes[-1].open, minutes[0].close) == (hour.open, hour.close)
    assert max(row.high for row in minutes) == hour.high
    assert sum(row.volume for row in minutes) == pytest.approx(hour.volume)


def test_the_quarterly_audit_is_a_gap() -> None:
    starts = [row.start for row in rows(CandleUnit.MINUTES_60, datetime(2025, 7, 1, tzinfo=UTC), 8)]
    assert datetime(2025, 6, 30, 18, tzinfo=UTC) not in starts
    assert recorded().book(BTC, datetime(2025, 6, 30, 18, 30, tzinfo=UTC)).bids == ()


def test_unaltered_replies_of_the_venue_are_replayed() -> None:
    tape = load(DATA / "wire")
    assert tape.start == datetime(2020, 2, 19, 15, tzinfo=UTC)
    at = datetime(2020, 2, 20, 10, 59, tzinfo=UTC)
    assert len(tape.candles(BTC, CandleUnit.MINUTES_3, at, 200, at)) == 200
