"""Trades inside a candle: every part's turnover is a mean of its own prices, and parts add up to the whole."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from makenaide.domain.market import Market
from makenaide.exchange.simulator.market import CandleRow
from makenaide.exchange.simulator.prices.files import load
from makenaide.exchange.simulator.prices.generator import generate
from makenaide.exchange.simulator.prices.leg import UNITS, Leg, tidy, trades_before
from makenaide.exchange.simulator.prices.model import GeneratorSettings
from makenaide.exchange.simulator.prices.path import Walk
from makenaide.exchange.simulator.prices.tape import Tape
from makenaide.exchange.simulator.prices.ticks import Ticks
from makenaide.exchange.venue import CandleUnit
from tests.unit.simulator_tapes import day_number

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "upbit"
DAY = day_number(date(2025, 9, 1))
TICKS = Ticks(Market("KRW-XRP"))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FINE = [
    CandleUnit.SECONDS,
    CandleUnit.MINUTES_1,
    CandleUnit.MINUTES_3,
    CandleUnit.MINUTES_5,
    CandleUnit.MINUTES_15,
    CandleUnit.MINUTES_60,
    CandleUnit.MINUTES_240,
]
FLOATS = 1e-12


@st.composite
def legs(draw: st.DrawFn, least: float = 0.0, most: float = 1.0) -> tuple[Leg, float, float]:
    """(a leg, its volume, its turnover); the turnover lies between these shares of the way from low to high."""
    scale = draw(st.sampled_from([1e-6, 0.1, 1.0, 1000.0, 1e5]))
    low = draw(st.integers(900, 1100))
    high = low + draw(st.sampled_from([0, 1, 2, 15, 200]))
    opened, close = draw(st.integers(low, high)), draw(st.integers(low, high))
    prices = [TICKS.nearest(each * scale, DAY) for each in (opened, high, low, close)]
    length = draw(st.sampled_from([1, 3, 15, 60, 240])) * 60_000
    volume = draw(st.sampled_from([1e-7, 1e-5, 0.00123457, 1.0, 6543.21, 3e7, 4e12])) * draw(st.integers(1, 99))
    share = draw(st.floats(least, most))
    turnover = volume * (prices[2] + share * (prices[1] - prices[2]))
    opened_at, top, bottom, closed_at = prices
    there = Walk(length, opened_at, top, bottom, closed_at, TICKS, DAY)
    return Leg(there, volume, turnover), volume, turnover


def count_of(leg: Leg) -> int:
    return trades_before(leg.walk.length)


def price_of(leg: Leg, place: int) -> float:
    return leg.walk.at(place // 2 * 1000 + place % 2 * 999)


def require_mean(leg: Leg, first: int, behind: int) -> None:
    """Turnover over volume of a part lies within the prices of its own trades."""
    begin, end = (place // 2 * 1000 + place % 2 * 999 for place in (first, behind - 1))
    high, low = leg.walk.extremes(begin, end + 1)
    mean = leg.turnover(first, behind) / leg.volume(first, behind)
    assert low * (1 - FLOATS) <= mean <= high * (1 + FLOATS)


@given(legs(), st.lists(st.floats(0, 1), max_size=4))
def test_parts_add_up_and_each_is_a_mean_of_its_own_prices(
    drawn: tuple[Leg, float, float], shares: list[float]
) -> None:
    leg, volume, turnover = drawn
    count = count_of(leg)
    cuts = sorted({0, *(int(share * count) for share in shares), count})
    parts = [(leg.volume(*part), leg.turnover(*part)) for part in pairwise(cuts)]
    assert sum(coins for coins, _ in parts) == pytest.approx(volume, rel=1e-12)
    # Whole units of coins cannot have every turnover; a block may hold all but a billionth of the coins.
    apart = (leg.walk.high - leg.walk.low) * (2 / UNITS * 2 + 1e-9 * volume)
    assert sum(won for _, won in parts) == pytest.approx(turnover, rel=FLOATS, abs=apart)
    for part in pairwise(cuts):
        require_mean(leg, *part)


@settings(max_examples=40)
@given(legs(), st.integers(0, 119), st.integers(1, 6))
def test_a_part_is_the_sum_of_its_trades(drawn: tuple[Leg, float, float], first: int, number: int) -> None:
    leg, volume, _ = drawn
    count = count_of(leg)
    for wanted in (first, count // 12 + first - 60, count - number - first):
        begin = min(max(wanted, 0), count - number)
        trades = range(begin, begin + number)
        coins = [leg.volume(place, place + 1) for place in trades]
        assert all(each > 0 for each in coins)
        assert leg.volume(begin, begin + number) == pytest.approx(sum(coins), rel=1e-9)
        won = sum(each * price_of(leg, place) for each, place in zip(coins, trades, strict=True))
        assert leg.turnover(begin, begin + number) == pytest.approx(won, rel=1e-9)
        assert leg.turnover(begin, begin) == leg.volume(begin, begin) == 0.0
        units = sum(coins) * UNITS
        if volume * UNITS > 200 * count and volume < 1e6 and coins[0] * UNITS > 1.5:
            assert units == pytest.approx(round(units), abs=1e-3)


@given(legs(least=-0.5, most=1.5))
@example((Leg(Walk(60_000, 100.0, 103.0, 97.0, 101.0, TICKS, DAY), 2.0, 0.0), 2.0, 0.0))
@example((Leg(Walk(60_000, 100.0, 103.0, 97.0, 101.0, TICKS, DAY), 2.0, 1e300), 2.0, 1e300))
@example((Leg(Walk(60_000, 100.0, 103.0, 97.0, 101.0, TICKS, DAY), 5e-324, 1.0), 5e-324, 1.0))
def test_a_turnover_that_cannot_be_leaves_sound_parts(drawn: tuple[Leg, float, float]) -> None:
    leg, volume, _ = drawn
    count = count_of(leg)
    for part in ((0, count // 2), (count // 2, count), (0, 2), (count - 2, count), (2, count)):
        if volume > 1e-300:
            require_mean(leg, *part)
        assert 0 <= leg.volume(*part) <= volume * (1 + FLOATS)


@pytest.mark.parametrize("turnover", [0.0, 193.9, 206.1, 1e300])
def test_a_turnover_that_cannot_be_is_left_to_the_whole_candle(turnover: float) -> None:
    leg = Leg(Walk(60_000, 100.0, 103.0, 97.0, 101.0, TICKS, DAY), 2.4, turnover * 1.2)
    assert {leg.volume(place, place + 1) for place in range(120)} == {0.02}


def test_a_candle_of_one_price_has_exactly_price_times_volume() -> None:
    leg = Leg(Walk(60_000, 107.0, 107.0, 107.0, 107.0, TICKS, DAY), 0.5, 50.0)
    for part in ((0, 1), (0, 120), (17, 44), (119, 120)):
        assert leg.turnover(*part) == pytest.approx(107.0 * leg.volume(*part), rel=1e-15)
    assert leg.volume(0, 120) == pytest.approx(0.5)


def test_one_block_at_the_extreme_makes_the_turnover_come_out() -> None:
    there = Walk(3_600_000, 100.0, 106.0, 97.0, 103.0, TICKS, DAY)
    for mean, extreme in ((102.0, 106.0), (100.5, 97.0)):
        leg = Leg(there, 72.0, 72.0 * mean)
        prices = [price_of(leg, place) for place in range(7200)]
        coins = [leg.volume(place, place + 1) for place in range(7200)]
        block = max(range(7200), key=coins.__getitem__)
        assert block == prices.index(extreme)
        others = sorted(coins[:block] + coins[block + 1 :])
        assert coins[0] == pytest.approx(0.01)
        assert 0.005 < others[0] < others[-1] < 0.0101


def test_the_open_needs_no_look_at_the_path_and_gives_way_where_it_must() -> None:
    there = Walk(60_000, 101.0, 101.0, 100.0, 100.0, TICKS, DAY)
    for mean, even in ((100.3, True), (100.01, False)):
        leg = Leg(there, 1.2, 1.2 * mean)
        assert (leg.volume(0, 1) == pytest.approx(0.01)) is even
        assert leg.turnover(0, 30) + leg.turnover(30, 120) == pytest.approx(1.2 * mean, rel=1e-9)


@pytest.mark.parametrize(
    ("offset", "trades"), [(0, 0), (1, 1), (999, 1), (1000, 2), (1001, 3), (1999, 3), (2000, 4), (60_000, 120)]
)
def test_a_second_has_two_trades(offset: int, trades: int) -> None:
    assert trades_before(offset) == trades


@pytest.mark.parametrize(
    ("volume", "shown"), [(0.1 + 0.2, 0.3), (0.0, 0.0), (1.4e-11, 1.4e-11), (0.123456784, 0.123456784)]
)
def test_a_volume_loses_only_what_floats_added(volume: float, shown: float) -> None:
    assert tidy(volume) == shown


def require_inside(rows: Sequence[CandleRow]) -> None:
    for row in rows:
        assert row.low * (1 - FLOATS) <= row.turnover / row.volume <= row.high * (1 + FLOATS), row


def require_sum(whole: CandleRow, parts: Sequence[CandleRow]) -> None:
    assert sum(row.volume for row in parts) == pytest.approx(whole.volume, rel=1e-9)
    assert sum(row.turnover for row in parts) == pytest.approx(whole.turnover, rel=1e-9)


def require_sound(tape: Tape, market: Market, now: datetime) -> None:
    """All that is told of the four hours and more before `now`, a moment that is no round one."""
    for unit in FINE:
        require_inside(tape.candles(market, unit, now, 200, now))
    begun = now.replace(minute=0, second=0, microsecond=0)
    for hour in tape.candles(market, CandleUnit.MINUTES_60, begun, 3, now):
        end = hour.start + HOUR
        minutes = [
            row for row in tape.candles(market, CandleUnit.MINUTES_1, end, 60, now) if row.start >= hour.start
        ]
        require_sum(hour, minutes)
        minute = minutes[len(minutes) // 2]
        end = minute.start + MINUTE
        seconds = tape.candles(market, CandleUnit.SECONDS, end, 60, end)
        require_sum(minute, seconds)
        trades = tape.trades(
            market, minute.start - timedelta(milliseconds=1), end - timedelta(milliseconds=1), 200
        )
        assert all(minute.low <= trade.price <= minute.high for trade in trades)
        # Trades are told in whole units, at least one.
        apart = max(1e-9 * minute.volume, 1.2 * len(trades) / UNITS)
        assert sum(trade.volume for trade in trades) == pytest.approx(minute.volume, abs=apart)
        won = sum(trade.volume * trade.price for trade in trades)
        assert won == pytest.approx(minute.turnover, rel=1e-9, abs=apart * minute.high)


@cache
def world(seed: int, minutes: int) -> Tape:
    return generate(
        GeneratorSettings(
            seed=seed, markets=30, history_days=5, days=3, first_day=date(2026, 1, 5), base_minutes=minutes
        )
    )


@settings(max_examples=60)
@given(st.integers(1, 3), st.sampled_from([15, 60, 240]), st.integers(0, 1000), st.integers(0, 3 * 24 * 3600 - 1))
def test_generated_candles_are_sound(seed: int, minutes: int, place: int, second: int) -> None:
    tape = world(seed, minutes)
    now = tape.first_slot + timedelta(seconds=second, milliseconds=second % 1000)
    listed = tape.listings(now)
    require_sound(tape, listed[place % len(listed)].market, now)


def test_the_generated_worlds_hold_low_priced_coins() -> None:
    tape = world(1, 60)
    prices = [tape.price(each.market, tape.first_slot) for each in tape.listings(tape.first_slot)]
    assert min(prices) < 1
    assert sum(price < 200 for price in prices) >= 3


@settings(max_examples=20)
@given(st.integers(1, 3), st.sampled_from([15, 60]), st.integers(0, 1000), st.integers(0, 23 * 3600))
def test_a_days_turnover_never_falls(seed: int, minutes: int, place: int, second: int) -> None:
    tape = world(seed, minutes)
    begin = tape.first_slot + timedelta(days=1)
    listed = tape.listings(begin + timedelta(days=1))
    market = listed[place % len(listed)].market
    edge = begin + timedelta(seconds=second // (60 * minutes) * 60 * minutes)
    moments = [begin + timedelta(seconds=second, milliseconds=137 * n) for n in range(60)]
    moments += [edge + timedelta(milliseconds=n) for n in range(-1001, 1010, 67)]
    moments += [begin + timedelta(minutes=7 * n) for n in range(200)]
    days = [tape.day(market, at) for at in sorted(moments) if at >= begin]
    assert all(before.turnover <= after.turnover for before, after in pairwise(days))
    assert all(before.volume <= after.volume for before, after in pairwise(days))


@cache
def recordings() -> dict[str, Tape]:
    """Recorded hours and recorded minutes, each alone, and replies of the venue as they came."""
    both = load(DATA)
    hours = tuple(replace(each, finer=()) for each in both.sources)
    minutes = tuple(replace(each, base=each.finer[0], finer=()) for each in both.sources if each.finer)
    return {"hours": Tape(sources=hours), "minutes": Tape(sources=minutes), "wire": load(DATA / "wire")}


@pytest.mark.skipif(not DATA.is_dir(), reason="no recorded candles beside the repository")
@settings(max_examples=60)
@given(st.sampled_from(["hours", "minutes", "wire"]), st.integers(0, 2), st.floats(0, 1))
@example("wire", 0, 0.9)
def test_recorded_candles_are_sound(name: str, place: int, share: float) -> None:
    tape = recordings()[name]
    now = tape.end - share * min(timedelta(days=29), tape.end - tape.start - 5 * HOUR) - timedelta(seconds=17.5)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    markets = tape.listings(now)
    require_sound(tape, markets[place % len(markets)].market, now)
