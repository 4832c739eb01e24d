"""The tape: candles of every length, tickers, listings, maintenance, the edges of a market's life."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makenaide.domain.errors import Misconfigured, UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.order import Side
from makenaide.exchange.simulator.market import NO_BOOK, CandleRow, MarketData
from makenaide.exchange.simulator.prices.candles import period_start
from makenaide.exchange.simulator.prices.moments import from_ms, to_ms
from makenaide.exchange.simulator.prices.tape import Tape, Window
from makenaide.exchange.venue import CandleUnit
from tests.unit.simulator_street import BTC, XRP
from tests.unit.simulator_tapes import ORIGIN, drawn, moment, recorded, source, tape

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)
FLAT = (100.0, 100.0, 100.0, 100.0)
RISE = (100.0, 106.0, 97.0, 103.0)
COUNT = 24 * 4

UNITS = list(CandleUnit)[1:]
"""Every length but seconds, of which there are too many to ask for all: test_simulator_trades.py has them."""
seeds = st.integers(0, 50)
moments = st.integers(0, COUNT * 3600 * 1000 - 1).map(lambda ms: ORIGIN + timedelta(milliseconds=ms))


def hours(seed: int = 1) -> Tape:
    return tape(source(drawn(seed, COUNT)))


def rows(data: Tape, unit: CandleUnit, now: datetime, before: datetime | None = None) -> list[CandleRow]:
    return data.candles(XRP, unit, before or now + 400 * DAY, 10_000, now)


def summed(inside: list[CandleRow]) -> tuple[float, float, float, float]:
    return inside[-1].open, max(r.high for r in inside), min(r.low for r in inside), inside[0].close


def slot(at: datetime, unit: CandleUnit) -> datetime:
    """The start of the slot that holds `at`."""
    if unit.minutes is not None:
        return at - (at - ORIGIN) % timedelta(minutes=unit.minutes)
    day = at.replace(hour=0, minute=0)
    return day if unit is CandleUnit.DAYS else period_start(day, unit)


def test_a_tape_is_market_data() -> None:
    data: MarketData = hours()
    assert (data.start, data.end) == (ORIGIN, ORIGIN + timedelta(hours=COUNT))
    assert data.first_slot == ORIGIN + DAY


def test_trading_begins_after_the_history_that_the_strategy_wants() -> None:
    long = tape(source(recorded(1440, [(ORIGIN + n * DAY, FLAT, 1.0) for n in range(300)])))
    assert long.first_slot == ORIGIN + 260 * DAY
    assert Tape(sources=long.sources, history=10 * DAY).first_slot == ORIGIN + 10 * DAY
    short = tape(source(recorded(60, [(ORIGIN, FLAT, 1.0)])))
    assert short.first_slot == short.end == ORIGIN + HOUR


def require_sums(data: Tape, now: datetime, short: CandleUnit, long: CandleUnit) -> None:
    parts, wholes = rows(data, short, now), rows(data, long, now)
    for row in wholes:
        inside = [each for each in parts if slot(each.start, long) == row.start]
        assert (row.open, row.high, row.low, row.close) == summed(inside)
        assert row.volume == pytest.approx(sum(each.volume for each in inside), abs=1e-6)
        assert row.turnover == pytest.approx(sum(each.turnover for each in inside))
        assert row.last_tick == inside[0].last_tick
    assert {slot(each.start, long) for each in parts} == {row.start for row in wholes}


@settings(max_examples=15)
@given(seeds, st.integers(0, 30 * 3600 * 1000), st.sampled_from(UNITS[:8]))
def test_minutes_add_up_to_every_length(seed: int, milliseconds: int, unit: CandleUnit) -> None:
    data = tape(source(drawn(seed, 30)))
    require_sums(data, ORIGIN + milliseconds * MILLISECOND, CandleUnit.MINUTES_1, unit)


@settings(max_examples=15)
@given(seeds, st.integers(0, 200 * 24 * 60), st.sampled_from(UNITS[7:]))
def test_hours_add_up_to_every_longer_length(seed: int, minutes: int, unit: CandleUnit) -> None:
    data = tape(source(drawn(seed, 200 * 6, minutes=240)))
    require_sums(data, ORIGIN + timedelta(minutes=minutes), CandleUnit.MINUTES_240, unit)


@settings(max_examples=10)
@given(seeds, st.integers(0, 20 * 3600), st.sampled_from([CandleUnit.MINUTES_5, CandleUnit.MINUTES_10]))
def test_lengths_that_do_not_nest_in_the_base_add_up_too(seed: int, seconds: int, unit: CandleUnit) -> None:
    data = tape(source(drawn(seed, 400, minutes=3)))
    require_sums(data, ORIGIN + timedelta(seconds=seconds), CandleUnit.MINUTES_1, unit)


@given(moments, st.sampled_from(UNITS), st.integers(0, 60 * 24))
@settings(max_examples=40)
def test_before_is_exclusive_and_rows_run_newest_first(now: datetime, unit: CandleUnit, back: int) -> None:
    data = hours()
    everything = rows(data, unit, now)
    starts = [row.start for row in everything]
    assert starts == sorted(set(starts), reverse=True)
    assert starts[0] <= now
    before = slot(now - timedelta(minutes=back), unit)
    assert rows(data, unit, now, before) == [row for row in everything if row.start < before]
    assert rows(data, unit, now, before + MILLISECOND / 10) == [row for row in everything if row.start <= before]
    assert data.candles(XRP, unit, before, 2, now) == rows(data, unit, now, before)[:2]


@given(moments, st.sampled_from([CandleUnit.SECONDS, *UNITS]))
@settings(max_examples=60)
def test_a_forming_candle_and_the_ticker_end_with_the_last_trade(now: datetime, unit: CandleUnit) -> None:
    data = hours()
    (last,) = data.trades(XRP, ORIGIN - MILLISECOND, now, 1)
    (newest,) = data.candles(XRP, unit, now + MILLISECOND, 1, now)
    ticker = data.day(XRP, now)
    assert (newest.close, newest.last_tick) == (last.price, last.at)
    assert (ticker.price, ticker.last_trade_at) == (last.price, from_ms(last.at))


@pytest.mark.parametrize(
    ("milliseconds", "traded"), [(10_000, 10_000), (10_400, 10_000), (10_998, 10_000), (10_999, 10_999)]
)
@pytest.mark.parametrize(
    "unit", [CandleUnit.SECONDS, CandleUnit.MINUTES_1, CandleUnit.MINUTES_60, CandleUnit.DAYS]
)
def test_a_candle_that_rises_with_every_millisecond_stands_at_the_trades(
    unit: CandleUnit, milliseconds: int, traded: int
) -> None:
    data = tape(source(recorded(1, [(ORIGIN, (1000.0, 2000.0, 1000.0, 2000.0), 60.0)])))
    now = ORIGIN + (25_000 + milliseconds) * MILLISECOND
    (newest,) = data.candles(XRP, unit, now + MILLISECOND, 1, now)
    prices = {10_000: 1500.0, 10_999: 1550.0}
    assert (newest.close, newest.high) == (prices[traded], prices[traded])
    assert newest.last_tick == to_ms(ORIGIN) + 25_000 + traded
    assert data.day(XRP, now).price == prices[traded]


@given(moments)
@settings(max_examples=40)
def test_a_forming_candle_has_no_price_at_which_nobody_traded(now: datetime) -> None:
    data = hours()
    (newest,) = data.candles(XRP, CandleUnit.MINUTES_1, now + MILLISECOND, 1, now)
    inside = [each.price for each in data.trades(XRP, newest.start - MILLISECOND, now, 120)]
    assert (newest.high, newest.low) == (max(inside), min(inside))


@given(moments)
@settings(max_examples=30)
def test_the_forming_candle_holds_nothing_later(now: datetime) -> None:
    data = hours()
    newest = rows(data, CandleUnit.MINUTES_60, now)[0]
    later = rows(data, CandleUnit.MINUTES_60, now + HOUR, newest.start + MILLISECOND)[0]
    assert newest.volume <= later.volume
    assert later.low <= newest.low <= newest.high <= later.high
    assert newest.open == later.open
    assert newest.last_tick <= int(now.timestamp() * 1000)


def test_a_slot_without_a_trade_has_no_candle() -> None:
    data = tape(source(recorded(60, [(ORIGIN, RISE, 2.0), (ORIGIN + 3 * HOUR, FLAT, 1.0)])))
    now = ORIGIN + 2 * HOUR
    assert [row.start for row in rows(data, CandleUnit.MINUTES_60, now)] == [ORIGIN]
    assert [row.start for row in rows(data, CandleUnit.MINUTES_60, now + HOUR)] == [ORIGIN + 3 * HOUR, ORIGIN]
    assert (
        rows(data, CandleUnit.DAYS, ORIGIN + 2 * DAY)[0].last_tick == int((now + 2 * HOUR).timestamp() * 1000) - 1
    )
    assert data.price(XRP, now) == Decimal("103.0")
    assert data.book(XRP, now) == NO_BOOK
    assert data.book(XRP, now + HOUR) != NO_BOOK


def test_a_slot_whose_first_trade_is_yet_to_come_has_no_candle() -> None:
    data = tape(source(recorded(60, [(ORIGIN, RISE, 2.0), (ORIGIN + 6 * HOUR, FLAT, 1.0)])))
    starts = [[row.start for row in rows(data, CandleUnit.MINUTES_240, ORIGIN + n * HOUR)] for n in (5, 6)]
    assert starts == [[ORIGIN], [ORIGIN + 4 * HOUR, ORIGIN]]


def test_weeks_start_on_monday_months_and_years_on_the_first() -> None:
    data = tape(source(recorded(1440, [(moment("2024-12-28") + n * DAY, FLAT, 1.0) for n in range(8)])))
    now = moment("2025-01-05")
    for unit, starts in {
        CandleUnit.WEEKS: ["2024-12-30", "2024-12-23"],
        CandleUnit.MONTHS: ["2025-01-01", "2024-12-01"],
        CandleUnit.YEARS: ["2025-01-01", "2024-01-01"],
    }.items():
        assert [row.start for row in rows(data, unit, now)] == [moment(start) for start in starts]


def test_day_candles_carry_the_close_before() -> None:
    candles = [(ORIGIN, RISE, 1.0), (ORIGIN + 2 * DAY, (110.0, 110.0, 110.0, 110.0), 1.0)]
    data = tape(source(recorded(1440, candles)))
    forming = rows(data, CandleUnit.DAYS, ORIGIN + 2 * DAY)
    assert [row.prev_close for row in forming] == [103.0, 100.0]
    assert [row.prev_close for row in rows(data, CandleUnit.DAYS, ORIGIN + 9 * DAY)] == [103.0, 100.0]
    assert [row.prev_close for row in rows(data, CandleUnit.MINUTES_60, ORIGIN + 2 * DAY)][:1] == [None]


def test_minutes_inside_an_hour_follow_its_path() -> None:
    data = tape(source(recorded(60, [(ORIGIN, RISE, 60.0)])))
    minutes = rows(data, CandleUnit.MINUTES_5, ORIGIN + HOUR - MILLISECOND)[::-1]
    assert len(minutes) == 12
    assert {(row.open, row.high, row.low, row.close) for row in minutes[:1]} == {FLAT}
    assert min(row.low for row in minutes[4:6]) == 97.0
    assert max(row.high for row in minutes[8:10]) == 106.0
    volumes = [row.volume for row in minutes]
    assert volumes[0] == pytest.approx(5.0, rel=0.01)
    assert sum(volumes) == pytest.approx(60.0)
    assert max(volumes) == volumes[8] > 3 * max(volumes[1:8] + volumes[9:])  # what turned over at the high


def test_finer_candles_refine_the_path() -> None:
    falls, rises = (100.0, 100.0, 97.0, 97.0), (106.0, 106.0, 103.0, 103.0)
    minutes = [(ORIGIN, falls, 1.0), (ORIGIN + 59 * HOUR / 60, rises, 1.0)]
    data = tape(source(recorded(60, [(ORIGIN, RISE, 4.0)]), finer=(recorded(1, minutes),)))
    assert data.price(XRP, ORIGIN + HOUR / 2) == Decimal("97.0")
    assert data.book(XRP, ORIGIN + HOUR / 2) != NO_BOOK
    assert [row.volume for row in rows(data, CandleUnit.MINUTES_1, ORIGIN + HOUR)] == [2.0, 2.0]


def test_the_ticker_tells_the_day_so_far() -> None:
    data = tape(source(drawn(1, 24 * 12)))
    now = ORIGIN + 9 * DAY + 7 * HOUR + timedelta(minutes=12)
    stats, day = data.day(XRP, now), rows(data, CandleUnit.DAYS, now)
    assert (stats.open, stats.high, stats.low, stats.price) == (day[0].open, day[0].high, day[0].low, day[0].close)
    assert (stats.volume, stats.turnover, stats.prev_close) == (day[0].volume, day[0].turnover, day[1].close)
    assert (stats.high_52w, stats.low_52w) == (max(r.high for r in day), min(r.low for r in day))
    assert stats.high_52w_on == next(r.start.date() for r in day[::-1] if r.high == stats.high_52w)
    minutes = [r for r in rows(data, CandleUnit.MINUTES_1, now) if r.start > now - DAY]
    assert stats.volume_24h == pytest.approx(sum(r.volume for r in minutes), rel=0.01)
    assert stats.last_trade_at <= now
    assert 0 < stats.last_trade_volume < stats.volume


def test_the_ticker_before_a_days_first_trade_stands_at_the_last_price() -> None:
    data = tape(source(recorded(60, [(ORIGIN, RISE, 3600.0), (ORIGIN + 5 * DAY, FLAT, 1.0)])))
    stats = data.day(XRP, ORIGIN + 2 * DAY)
    assert {stats.open, stats.high, stats.low, stats.price, stats.prev_close} == {103.0}
    assert (stats.volume, stats.turnover, stats.volume_24h, stats.turnover_24h) == (0.0, 0.0, 0.0, 0.0)
    assert (stats.high_52w, stats.low_52w) == (106.0, 97.0)
    (trade,) = data.trades(XRP, ORIGIN, ORIGIN + 2 * DAY, 1)
    assert stats.last_trade_at == ORIGIN + HOUR - MILLISECOND
    assert 0 < stats.last_trade_volume == trade.volume < 0.5


def test_the_first_day_marks_its_own_year() -> None:
    stats = tape(source(recorded(60, [(ORIGIN, RISE, 3600.0)]))).day(XRP, ORIGIN)
    assert (stats.high_52w, stats.high_52w_on, stats.prev_close) == (100.0, date(2025, 6, 2), 100.0)


def test_a_year_later_the_old_marks_are_forgotten() -> None:
    data = tape(source(recorded(1440, [(ORIGIN, RISE, 1.0), (ORIGIN + 500 * DAY, FLAT, 1.0)])))
    assert data.day(XRP, ORIGIN + 400 * DAY).high_52w == 103.0
    assert data.day(XRP, ORIGIN + 500 * DAY).high_52w == 100.0


def test_prices_are_turned_into_decimals_digit_by_digit() -> None:
    data = tape(source(recorded(60, [(ORIGIN, (0.1, 0.3, 0.1, 0.3), 1.0)])))
    assert data.price(XRP, ORIGIN) == Decimal("0.1")
    assert data.price(XRP, ORIGIN + 2 * HOUR) == Decimal("0.3")


def test_books_are_filled_by_the_twenty_days_before() -> None:
    base = recorded(1440, [(ORIGIN + n * DAY, FLAT, 10.0 ** (3 + n)) for n in range(3)])
    data = tape(source(base))
    best = [data.book(XRP, ORIGIN + n * DAY).bids[0] for n in range(3)]
    held = [float(price * size) for price, size in best]
    assert held == pytest.approx([50.0, 50.0, 275.0], rel=1e-6)


def test_maintenance_takes_candles_and_books_away() -> None:
    window = Window(start=ORIGIN + HOUR, end=ORIGIN + 2 * HOUR)
    base = recorded(60, [(ORIGIN + n * HOUR, FLAT, 1.0) for n in range(4)])
    data = tape(source(base), maintenance=(window,))
    assert [data.offline(ORIGIN + n * HOUR) for n in range(4)] == [False, True, False, False]
    assert [data.book(XRP, ORIGIN + n * HOUR) == NO_BOOK for n in range(4)] == [False, True, False, False]
    assert len(rows(data, CandleUnit.MINUTES_60, ORIGIN + 4 * HOUR)) == 3
    endless = Window(start=ORIGIN + HOUR, end=None)
    assert tape(source(base), maintenance=(endless,)).end == ORIGIN + HOUR


def test_maintenance_that_cuts_a_long_candle_takes_its_book_away() -> None:
    window = Window(start=ORIGIN - HOUR, end=ORIGIN)
    data = tape(source(recorded(60, [(ORIGIN, FLAT, 1.0)])), maintenance=(window,))
    assert (data.offline(ORIGIN - HOUR), data.offline(ORIGIN)) == (True, False)


def listed() -> Tape:
    """KRW-BTC all the time; KRW-XRP from the second hour to the fifth, warned in between."""
    base = recorded(60, [(ORIGIN + n * HOUR, FLAT, 1.0) for n in range(8)])
    warned = (Window(start=ORIGIN + 2 * HOUR, end=ORIGIN + 3 * HOUR), Window(start=ORIGIN + 4 * HOUR, end=None))
    life = {"listed_at": ORIGIN + HOUR, "warnings": warned, "delisted_at": ORIGIN + 5 * HOUR}
    return tape(source(base, XRP, **life), source(base, BTC))


def test_listings_follow_a_markets_life() -> None:
    data = listed()
    seen = [[(each.market, each.warning) for each in data.listings(ORIGIN + n * HOUR)] for n in range(-1, 7)]
    calm, warned = [(BTC, False), (XRP, False)], [(BTC, False), (XRP, True)]
    assert seen == [[], calm[:1], calm, warned, calm, warned, calm[:1], calm[:1]]


@pytest.mark.parametrize("hour", [0, 5, 6])
def test_a_market_that_is_not_listed_is_unknown(hour: int) -> None:
    data, at = listed(), ORIGIN + hour * HOUR
    for ask in (data.price, data.book, data.day):
        with pytest.raises(UnknownMarket, match="KRW-XRP"):
            ask(XRP, at)
    with pytest.raises(UnknownMarket, match="KRW-XRP"):
        data.candles(XRP, CandleUnit.DAYS, at, 1, at)


def test_a_market_that_never_was_is_unknown_even_to_a_search() -> None:
    data, never = listed(), Market("KRW-NONE")
    with pytest.raises(UnknownMarket, match="KRW-NONE"):
        data.touch(never, ORIGIN, ORIGIN + HOUR, Decimal(1), Decimal(2))
    with pytest.raises(UnknownMarket, match="KRW-NONE"):
        data.crossing(never, ORIGIN, ORIGIN + HOUR, Side.BID, Decimal(1))


def test_searches_find_nothing_after_a_delisting() -> None:
    data, late = listed(), ORIGIN + 5 * HOUR
    assert data.touch(XRP, late, late + DAY, Decimal(1000), Decimal(2000)) is None
    assert data.crossing(XRP, late, late + DAY, Side.ASK, Decimal(1)) is None


def test_a_tape_needs_a_candle() -> None:
    empty = recorded(60, [(ORIGIN, FLAT, 0.0)])
    with pytest.raises(Misconfigured, match="candle with volume"):
        tape(source(empty))


@pytest.mark.parametrize(
    ("start", "hours", "first"),
    [
        ("2025-06-02 00:00", 60, "2025-06-03 00:00"),  # no day is closed before the second opening
        ("2025-06-02 15:00", 21, "2025-06-03 00:00"),  # less than a day, but a day opens within
        ("2025-06-02 15:00", 5, "2025-06-02 20:00"),  # no day opens within: the end
        ("2025-06-02 15:00", 24 * 300, "2026-02-18 00:00"),  # 260 days later, and then the next opening
        ("2025-06-02 00:00", 24 * 300, "2026-02-17 00:00"),
    ],
)
def test_trading_begins_at_the_opening_of_a_day_with_all_the_history_there_is(
    start: str, hours: int, first: str
) -> None:
    candles = [(moment(start) + timedelta(hours=n), (900.0, 900.0, 900.0, 900.0), 1.0) for n in range(hours)]
    assert tape(source(recorded(60, candles))).first_slot == moment(first)
