"""Fences and resting orders: the searches against a look at every moment."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makenaide.domain.order import Side
from makenaide.exchange.simulator.prices.tape import Tape
from makenaide.exchange.venue import CandleUnit
from tests.unit.simulator_street import XRP
from tests.unit.simulator_tapes import ORIGIN, drawn, moment, recorded, seconds, source, tape

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MILLISECOND = timedelta(milliseconds=1)
NEVER = Decimal(10**9)
RISE = (100.0, 106.0, 97.0, 103.0)
FALL = (103.0, 104.0, 95.0, 96.0)

Times = tuple[datetime, datetime]


def bid(data: Tape, at: datetime) -> Decimal | None:
    bids = data.book(XRP, at, 1).bids
    return bids[0][0] if bids else None


def ask(data: Tape, at: datetime) -> Decimal | None:
    asks = data.book(XRP, at, 1).asks
    return asks[0][0] if asks else None


@st.composite
def stretches(draw: st.DrawFn) -> Times:
    begin = ORIGIN + draw(st.integers(0, 90)) * MINUTE + draw(st.integers(0, 59_999)) * MILLISECOND
    return begin, begin + draw(st.integers(0, 150)) * MINUTE


def short(seed: int) -> Tape:
    """Some hours in candles of five minutes, of which some are missing."""
    return tape(source(drawn(seed, 60, minutes=5, gaps=0.2)))


def mixed(seed: int) -> Tape:
    """The same prices: hours at the base, refined by minutes that add up to them."""
    fine, end = drawn(seed, 6 * 60, minutes=1, gaps=0.3), ORIGIN + 6 * HOUR
    newest_first = tape(source(fine)).candles(XRP, CandleUnit.MINUTES_60, end + HOUR, 99, end)
    hours = [(row.start, (row.open, row.high, row.low, row.close), row.volume) for row in reversed(newest_first)]
    return tape(source(recorded(60, hours), finer=(fine,)))


tapes = st.builds(lambda make, seed: make(seed), st.sampled_from([short, mixed]), st.integers(0, 40))


@settings(max_examples=20)
@given(tapes, stretches(), st.integers(-60, 10))
def test_a_floor_is_touched_where_a_look_at_every_second_says(data: Tape, times: Times, below: int) -> None:
    after, until = times
    floor = Decimal(repr(round(float(data.price(XRP, after)) * (1 + below / 1000), 1)))
    found = data.touch(XRP, after, until, floor, NEVER)
    low = [at for at in seconds(after, until) if (seen := bid(data, at)) is not None and seen <= floor]
    if found is None:
        assert low == []
        return
    assert after <= found <= until
    assert (bid(data, found) or NEVER) <= floor
    assert found == after or (bid(data, found - MILLISECOND) or NEVER) > floor
    assert all(found <= at for at in low)


@settings(max_examples=20)
@given(tapes, stretches(), st.integers(-20, 60))
def test_a_peak_is_seen_where_a_rise_ends_above_it(data: Tape, times: Times, above: int) -> None:
    after, until = times
    peak = Decimal(repr(round(float(data.price(XRP, after)) * (1 + above / 1000), 1)))
    found = data.touch(XRP, after, until, Decimal(0), peak)
    horizon = until if found is None else found
    higher = [seen for at in seconds(after, horizon) if (seen := bid(data, at)) is not None and seen > peak]
    if found is not None:
        assert after < found <= until
        top = bid(data, found)
        assert top is not None
        assert top > peak
        assert data.price(XRP, found + MILLISECOND) <= data.price(XRP, found)
    elif higher:
        assert above < 0 or data.price(XRP, until) > data.price(XRP, after)


@settings(max_examples=20)
@given(tapes, stretches(), st.sampled_from(list(Side)), st.integers(-40, 40))
def test_a_resting_order_is_met_where_a_look_at_every_second_says(
    data: Tape, times: Times, side: Side, away: int
) -> None:
    after, until = times
    limit = Decimal(repr(round(float(data.price(XRP, after)) * (1 + away / 1000), 1)))

    def met(at: datetime) -> bool:
        if side is Side.BID:
            return (ask(data, at) or NEVER) <= limit
        return (bid(data, at) or Decimal(0)) >= limit

    found = data.crossing(XRP, after, until, side, limit)
    seen = [at for at in seconds(after, until) if met(at)]
    if found is None:
        assert seen == []
        return
    assert after <= found[0] <= until
    assert found[1] > 0
    assert met(found[0])
    assert found[0] == after or not met(found[0] - MILLISECOND)
    assert all(found[0] <= at for at in seen)


def hourly(*candles: tuple[float, float, float, float]) -> Tape:
    return tape(source(recorded(60, [(ORIGIN + n * HOUR, each, 5.0) for n, each in enumerate(candles)])))


@pytest.mark.parametrize(
    ("candles", "peak", "minutes"),
    [
        ([RISE, FALL], 101, 45.0),
        ([(100.0, 103.0, 97.0, 103.0), (105.0, 105.0, 95.0, 95.0)], 101, 45.0),
        ([(101.0, 101.0, 95.0, 100.0), (104.0, 104.0, 95.0, 95.0)], 101, 60.0),
        ([RISE, FALL], 106, None),
        ([(100.0, 100.0, 90.0, 99.0), (99.0, 99.0, 99.0, 99.0)], 97, 60.0 - 1 / 60_000),
    ],
    ids=["at the high", "at the close that is the high", "at a jump", "never above", "at the close"],
)
def test_rises_end_at_these_minutes(
    candles: list[tuple[float, float, float, float]], peak: int, minutes: float | None
) -> None:
    found = hourly(*candles).touch(XRP, ORIGIN, ORIGIN + 2 * HOUR, Decimal(1), Decimal(peak))
    assert found == (None if minutes is None else ORIGIN + timedelta(minutes=minutes))


def test_a_rise_that_goes_on_in_the_next_candle_has_not_ended() -> None:
    data = hourly((100.0, 100.0, 90.0, 99.0), (100.0, 100.0, 90.0, 90.0))
    assert data.touch(XRP, ORIGIN, ORIGIN + 2 * HOUR, Decimal(1), Decimal(97)) == ORIGIN + HOUR


def test_the_first_of_floor_and_peak_counts() -> None:
    data = hourly(RISE)
    fallen = ORIGIN + timedelta(minutes=24, seconds=38, milliseconds=1)
    assert data.touch(XRP, ORIGIN, ORIGIN + HOUR, Decimal(97), Decimal(101)) == fallen
    assert data.touch(XRP, ORIGIN + 26 * MINUTE, ORIGIN + HOUR, Decimal(96), Decimal(101)) == ORIGIN + 45 * MINUTE


def test_a_floor_already_broken_counts_at_once() -> None:
    data, after = hourly(RISE), ORIGIN + 25 * MINUTE + timedelta(microseconds=700)
    assert data.touch(XRP, after, after + HOUR, Decimal(200), NEVER) == after
    assert data.crossing(XRP, after, after + HOUR, Side.BID, Decimal(200)) == (after, Decimal(5))


def test_nothing_is_touched_while_there_is_no_book() -> None:
    base = recorded(60, [(ORIGIN, RISE, 5.0), (ORIGIN + 3 * HOUR, FALL, 5.0)])
    data = tape(source(base))
    gap = ORIGIN + HOUR
    assert data.touch(XRP, gap, ORIGIN + 3 * HOUR - MILLISECOND, Decimal(500), NEVER) is None
    assert data.touch(XRP, gap, ORIGIN + 9 * HOUR, Decimal(500), NEVER) == ORIGIN + 3 * HOUR
    assert data.crossing(XRP, gap, ORIGIN + 9 * HOUR, Side.ASK, Decimal(1)) == (ORIGIN + 3 * HOUR, Decimal(5))


def test_ticks_that_change_at_korean_midnight_inside_a_candle_are_minded() -> None:
    flat = (150.4, 150.4, 150.4, 150.4)
    data = tape(source(recorded(1440, [(moment("2025-07-30"), flat, 5.0)])))
    midnight = moment("2025-07-30 15:00")
    assert bid(data, midnight - MILLISECOND) == Decimal("150.3")
    assert bid(data, midnight) == Decimal(149)
    assert data.touch(XRP, moment("2025-07-30"), midnight + HOUR, Decimal("149.5"), NEVER) == midnight
