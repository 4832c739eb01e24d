"""The street's trades, candles of a second and longer candles tell one story of a market."""

import time
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makenaide.domain.order import Side
from makenaide.exchange.simulator.market import CandleRow, PublicTrade
from makenaide.exchange.simulator.prices.candles import SECONDS_KEPT
from makenaide.exchange.simulator.prices.moments import from_ms, to_ms
from makenaide.exchange.simulator.prices.tape import Tape, Window
from makenaide.exchange.venue import CandleUnit
from tests.unit.simulator_street import XRP
from tests.unit.simulator_tapes import ORIGIN, drawn, recorded, source, tape

HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
RISE = (100.0, 106.0, 97.0, 103.0)
STEEP = (900.0, 980.0, 850.0, 870.0)
SOME = 10_000

seeds = st.integers(0, 50)
MINUTES = [each for each in CandleUnit if each.minutes is not None and each.minutes <= 30]


def seconds_of(data: Tape, begin: datetime, end: datetime, now: datetime | None = None) -> list[CandleRow]:
    rows = data.candles(XRP, CandleUnit.SECONDS, end, SOME, now or end)
    return [row for row in rows if row.start >= begin]


def trades_of(data: Tape, begin: datetime, end: datetime) -> list[PublicTrade]:
    """The trades in [begin, end)."""
    return data.trades(XRP, begin - MILLISECOND, end - MILLISECOND, SOME)


def require_one_story(whole: CandleRow, parts: list[CandleRow], trades: list[PublicTrade]) -> None:
    """`parts` and `trades` (newest first) are those of `whole`."""
    assert (parts[-1].open, parts[0].close) == (whole.open, whole.close)
    assert (max(row.high for row in parts), min(row.low for row in parts)) == (whole.high, whole.low)
    assert sum(row.volume for row in parts) == pytest.approx(whole.volume, rel=1e-9)
    assert sum(row.turnover for row in parts) == pytest.approx(whole.turnover, rel=1e-9)
    assert (trades[-1].price, trades[0].price) == (whole.open, whole.close)
    assert {max(each.price for each in trades), min(each.price for each in trades)} == {whole.high, whole.low}
    assert sum(each.volume for each in trades) == pytest.approx(whole.volume, rel=1e-9)
    assert sum(each.volume * each.price for each in trades) == pytest.approx(whole.turnover, rel=1e-9)
    assert trades[0].at == parts[0].last_tick == whole.last_tick


@settings(max_examples=25)
@given(seeds, st.integers(0, 29 * 60 + 59), st.sampled_from(MINUTES), st.sampled_from([3, 15, 60]))
def test_trades_and_seconds_add_up_to_every_candle_of_minutes(
    seed: int, minute: int, unit: CandleUnit, base: int
) -> None:
    data = tape(source(drawn(seed, 30 * 60 // base, minutes=base)))
    (whole,) = data.candles(XRP, unit, ORIGIN + minute * timedelta(minutes=1) + MILLISECOND, 1, data.end)
    assert unit.seconds is not None
    begin, end = whole.start, whole.start + unit.seconds * SECOND
    require_one_story(whole, seconds_of(data, begin, end), trades_of(data, begin, end))


@settings(max_examples=25)
@given(seeds, st.integers(0, 60 * 60))
def test_every_trade_lies_in_the_candle_of_its_second(seed: int, second: int) -> None:
    data = tape(source(drawn(seed, 3)))
    begin = ORIGIN + second * SECOND
    trades: dict[datetime, list[PublicTrade]] = defaultdict(list)
    for trade in trades_of(data, begin, begin + 20 * SECOND):
        trades[from_ms(trade.at).replace(microsecond=0)].append(trade)
    rows = seconds_of(data, begin, begin + 20 * SECOND)
    assert {row.start for row in rows} == set(trades)
    for row in rows:
        last, first = trades[row.start]
        assert (first.price, last.price) == (row.open, row.close)
        assert {row.low, row.high} == {min(first.price, last.price), max(first.price, last.price)}
        assert first.volume + last.volume == pytest.approx(row.volume, abs=1e-12)


@settings(max_examples=25)
@given(seeds, st.integers(0, 3 * 3600 * 1000 - 1))
def test_the_ticker_tells_the_latest_trade(seed: int, milliseconds: int) -> None:
    data, now = tape(source(drawn(seed, 3))), ORIGIN + milliseconds * MILLISECOND
    stats, (trade,) = data.day(XRP, now), data.trades(XRP, ORIGIN - DAY, now, 1)
    assert (to_ms(stats.last_trade_at), stats.last_trade_volume) == (trade.at, trade.volume)
    (second,) = data.candles(XRP, CandleUnit.SECONDS, data.end, 1, now)
    assert second.last_tick == trade.at


def test_a_trade_is_told_after_it_happened_and_only_once() -> None:
    data = tape(source(drawn(3, 2)))
    everything = trades_of(data, ORIGIN, ORIGIN + 10 * SECOND)
    assert [each.at - to_ms(ORIGIN) for each in everything[::-1]][:4] == [0, 999, 1000, 1999]
    assert len({each.number for each in everything}) == len(everything) == 20
    cuts = [ORIGIN - MILLISECOND + n * timedelta(milliseconds=137) for n in range(73)] + [
        ORIGIN + 10 * SECOND - MILLISECOND
    ]
    pieces = [data.trades(XRP, one, two, SOME) for one, two in pairwise(cuts)]
    assert [each for piece in pieces for each in piece[::-1]] == everything[::-1]
    assert data.trades(XRP, ORIGIN, ORIGIN, SOME) == []


def test_a_buyer_takes_where_the_price_rises_and_a_seller_where_it_falls() -> None:
    rising, falling = (100.0, 3700.0, 100.0, 3700.0), (3700.0, 3700.0, 100.0, 100.0)
    data = tape(source(recorded(60, [(ORIGIN, rising, 7200.0), (ORIGIN + HOUR, falling, 7200.0)])))
    for begin, taker in ((ORIGIN + HOUR / 2, Side.BID), (ORIGIN + 3 * HOUR / 2, Side.ASK)):
        found = trades_of(data, begin, begin + 9 * SECOND)[::-1]
        moved = [later.taker for before, later in pairwise(found) if later.price != before.price]
        assert moved == [taker] * 9
    still = trades_of(data, ORIGIN, ORIGIN + 4 * SECOND)[::-1]
    assert [each.taker for each in still] == [Side.BID, Side.BID, Side.ASK, Side.ASK] * 2


def test_a_second_without_a_trade_has_no_candle_and_no_trade() -> None:
    data = tape(source(recorded(60, [(ORIGIN, RISE, 2.0), (ORIGIN + 3 * HOUR, STEEP, 1.0)])))
    reopening = ORIGIN + 3 * HOUR
    for now in (ORIGIN + 2 * HOUR, reopening - MILLISECOND):
        assert data.candles(XRP, CandleUnit.SECONDS, now, 1, now)[0].start == ORIGIN + HOUR - SECOND
        assert data.trades(XRP, ORIGIN, now, 1)[0].at == to_ms(ORIGIN + HOUR) - 1
        assert data.trades(XRP, ORIGIN + HOUR, now, SOME) == []
    starts = [row.start for row in data.candles(XRP, CandleUnit.SECONDS, reopening + 2 * SECOND, 4, data.end)]
    assert starts == [reopening + SECOND, reopening, ORIGIN + HOUR - SECOND, ORIGIN + HOUR - 2 * SECOND]
    assert len(data.trades(XRP, ORIGIN - DAY, ORIGIN + SECOND, SOME)) == 3


def test_to_is_exclusive_for_seconds_too() -> None:
    data, now = tape(source(drawn(1, 5))), ORIGIN + 2 * HOUR
    for before, newest in ((now, now - SECOND), (now + MILLISECOND / 10, now), (now + DAY, now)):
        assert data.candles(XRP, CandleUnit.SECONDS, before, 1, now)[0].start == newest


def test_the_forming_second_grows_with_the_time() -> None:
    data, begin = tape(source(recorded(60, [(ORIGIN, RISE, 3600.0)]))), ORIGIN + 2 * SECOND
    nows = [begin + n * MILLISECOND for n in (0, 499, 999)]
    rows = [data.candles(XRP, CandleUnit.SECONDS, data.end, 1, now)[0] for now in nows]
    assert [row.volume for row in rows] == [0.5, 0.5, 1.0]
    assert [row.last_tick - to_ms(begin) for row in rows] == [0, 0, 999]
    assert {row.start for row in rows} == {begin}


def test_only_the_last_three_months_of_seconds_are_served() -> None:
    data = tape(source(recorded(1440, [(ORIGIN + n * DAY, RISE, 86400.0) for n in range(200)])))
    now = ORIGIN + 150 * DAY
    oldest = now - SECONDS_KEPT
    kept = data.candles(XRP, CandleUnit.SECONDS, oldest + 3 * SECOND, 200, now)
    assert [row.start for row in kept] == [oldest + n * SECOND for n in (2, 1, 0)]
    assert data.candles(XRP, CandleUnit.SECONDS, oldest, 200, now) == []
    assert len(data.candles(XRP, CandleUnit.MINUTES_1, oldest, 200, now)) == 200
    assert len(data.candles(XRP, CandleUnit.SECONDS, oldest, 200, now - SECOND)) == 1


def test_tiny_volumes_still_trade() -> None:
    data = tape(source(recorded(60, [(ORIGIN, RISE, 1e-7)])))
    assert [each.volume for each in data.trades(XRP, ORIGIN, ORIGIN + SECOND, 9)] == [1e-8, 1e-8]
    now = ORIGIN + HOUR
    minutes = data.candles(XRP, CandleUnit.MINUTES_1, now, 60, now)
    assert all(row.volume > 0 for row in minutes)
    assert sum(row.volume for row in minutes) == pytest.approx(1e-7)


def fastest(ask: object) -> float:
    """Seconds of the fastest of a few goes: the others were interrupted."""
    times = []
    for _ in range(7):
        begun = time.perf_counter()
        assert callable(ask)
        assert len(ask()) == 200
        times.append(time.perf_counter() - begun)
    return min(times)


def test_two_hundred_seconds_or_trades_are_cheap_even_across_a_long_gap() -> None:
    candles = [(ORIGIN + n * HOUR, RISE, 1.0) for n in range(48)] + [(ORIGIN + 80 * DAY, RISE, 1.0)]
    window = Window(start=ORIGIN + 40 * HOUR, end=ORIGIN + 44 * HOUR)
    data = tape(source(recorded(60, candles)), maintenance=(window,))
    nows = [ORIGIN + 20 * HOUR, ORIGIN + 44 * HOUR + 5 * SECOND, ORIGIN + 70 * DAY, ORIGIN + 80 * DAY + 3 * SECOND]
    for now in nows:
        slowest = 0.05  # ten times the promise: the machine of a test may be slow and busy
        assert fastest(lambda now=now: data.candles(XRP, CandleUnit.SECONDS, now, 200, now)) < slowest
        assert fastest(lambda now=now: data.trades(XRP, ORIGIN, now, 200)) < slowest
