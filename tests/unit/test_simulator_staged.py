"""Events laid over market data: the staged world agrees with a tape in which they really happened."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makenaide.domain.errors import Misconfigured, UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.order import Side
from makenaide.exchange.simulator.market import NO_BOOK, CandleRow, MarketData, MarketState, Standing
from makenaide.exchange.simulator.prices.incidents import (
    Caution,
    Delisting,
    Event,
    Maintenance,
    NewListing,
    Rename,
    Thin,
    TickTable,
    Warned,
)
from makenaide.exchange.simulator.prices.moments import to_ms
from makenaide.exchange.simulator.prices.staged import Staged
from makenaide.exchange.simulator.prices.tape import Tape, Window
from makenaide.exchange.venue import CandleUnit
from tests.unit.simulator_street import BEGIN, BTC, XRP, flat
from tests.unit.simulator_street import XRP as STREET_XRP
from tests.unit.simulator_tapes import ORIGIN, drawn, recorded, source, tape

HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
MINUTE, MILLISECOND = timedelta(minutes=1), timedelta(milliseconds=1)
HOURS = 24 * 5
RISE = (100.0, 106.0, 97.0, 103.0)
NEW = Market("KRW-NEW")
NONE = Market("KRW-NONE")
LONG = list(CandleUnit)[1:]

seeds = st.integers(0, 40)
moments = st.integers(0, HOURS * 3600 * 1000 - 1).map(lambda ms: ORIGIN + ms * MILLISECOND)
edges = st.lists(st.integers(0, HOURS - 1), min_size=2, max_size=2, unique=True).map(sorted)


def plain_tape(seed: int = 1) -> Tape:
    """KRW-XRP with gaps and KRW-BTC, by the hour."""
    return tape(source(drawn(seed, HOURS)), source(drawn(seed + 1, HOURS, gaps=0.0), BTC))


def staged(*events: Event, seed: int = 1) -> Staged:
    return Staged(plain_tape(seed), events)


def codes(data: MarketData, at: datetime) -> list[Market]:
    return [each.market for each in data.listings(at)]


def nearly(rows: Sequence[CandleRow]) -> list[tuple[object, ...]]:
    """What is equal to the last digit."""
    return [(r.start, r.open, r.high, r.low, r.close, r.last_tick, r.prev_close) for r in rows]


def traded(rows: Sequence[CandleRow]) -> list[float]:
    """What is equal but for the last digits."""
    return [number for row in rows for number in (row.volume, row.turnover)]


def require_same(one: MarketData, other: MarketData, at: datetime, unit: CandleUnit) -> None:
    """Both tell the same of KRW-XRP as it stands at `at`."""
    if XRP not in codes(other, at):
        assert XRP not in codes(one, at)
        return
    rows = [data.candles(XRP, unit, at + DAY, 150, at) for data in (one, other)]
    assert nearly(rows[0]) == nearly(rows[1])
    assert traded(rows[0]) == pytest.approx(traded(rows[1]), rel=1e-9, abs=1e-6)
    assert one.price(XRP, at) == other.price(XRP, at)
    assert (one.book(XRP, at) == NO_BOOK) == (other.book(XRP, at) == NO_BOOK)
    # Who took in the first trade after a gap is told by the price before it, which is not the same here and there.
    trades = [data.trades(XRP, at - 3 * HOUR, at, 20) for data in (one, other)]
    told = [[(each.at, each.price, each.volume, each.number) for each in part] for part in trades]
    assert told[0] == told[1]
    days = [data.day(XRP, at) for data in (one, other)]
    for name in ("open", "high", "low", "price", "prev_close", "high_52w", "high_52w_on", "low_52w", "low_52w_on"):
        assert getattr(days[0], name) == getattr(days[1], name), name
    for name in ("volume", "turnover", "volume_24h", "turnover_24h", "last_trade_volume"):
        assert getattr(days[0], name) == pytest.approx(getattr(days[1], name), rel=1e-6, abs=1e-3), name
    assert days[0].last_trade_at == days[1].last_trade_at


def windows_of(pairs: Sequence[tuple[datetime, datetime]]) -> tuple[Window, ...]:
    return tuple(Window(start=start, end=end) for start, end in pairs)


@settings(max_examples=60)
@given(seeds, edges, edges, moments, st.sampled_from(list(CandleUnit)))
def test_a_staged_maintenance_is_like_one_on_the_tape(
    seed: int, one: list[int], two: list[int], at: datetime, unit: CandleUnit
) -> None:
    windows = [(ORIGIN + begin * HOUR, ORIGIN + end * HOUR) for begin, end in (one, two)]
    sources = (source(drawn(seed, HOURS)), source(drawn(seed + 1, HOURS, gaps=0.0), BTC))
    if min(one + two) == 0:  # a market's first candle stays, else it is listed later on the tape
        windows = [(max(start, ORIGIN + HOUR), end + 2 * HOUR) for start, end in windows]
    really = tape(*sources, maintenance=windows_of(windows))
    played = Staged(tape(*sources), [Maintenance(start=start, end=end) for start, end in windows])
    assert played.offline(at) == really.offline(at)
    require_same(played, really, at, unit)


@settings(max_examples=40)
@given(seeds, st.integers(1, HOURS - 1), moments, st.sampled_from(list(CandleUnit)))
def test_a_staged_listing_is_like_one_on_the_tape(seed: int, hour: int, at: datetime, unit: CandleUnit) -> None:
    base = drawn(seed, HOURS, gaps=0.0)
    really = tape(source(base, listed_at=ORIGIN + hour * HOUR), source(base, BTC))
    played = Staged(tape(source(base), source(base, BTC)), [NewListing(market=XRP, at=ORIGIN + hour * HOUR)])
    assert codes(played, at) == codes(really, at)
    require_same(played, really, at, unit)


ODD = Maintenance(
    start=ORIGIN + 30 * HOUR + 17 * MINUTE + 5 * SECOND, end=ORIGIN + 33 * HOUR + 44 * MINUTE + SECOND
)


@cache
def seconds_around() -> list[CandleRow]:
    """Every second from five hours before the odd maintenance to five hours after it."""
    end = ODD.end + 5 * HOUR
    rows = staged(ODD).candles(XRP, CandleUnit.SECONDS, end, 40_000, end)
    return [row for row in rows if row.start >= ODD.start - 5 * HOUR]


@settings(max_examples=60)
@given(st.integers(-3600, 4 * 3600), st.sampled_from([each for each in LONG if each.minutes is not None]))
def test_a_candle_that_a_maintenance_cuts_is_the_sum_of_its_trades(off: int, unit: CandleUnit) -> None:
    data = staged(ODD)
    assert unit.seconds is not None
    (row,) = data.candles(XRP, unit, ODD.start + off * SECOND + MILLISECOND, 1, data.end)
    inside = [each for each in seconds_around() if row.start <= each.start < row.start + unit.seconds * SECOND]
    assert (row.open, row.close) == (inside[-1].open, inside[0].close)
    assert (row.high, row.low) == (max(each.high for each in inside), min(each.low for each in inside))
    assert row.volume == pytest.approx(sum(each.volume for each in inside), rel=1e-6)
    assert row.turnover == pytest.approx(sum(each.turnover for each in inside), rel=1e-6)
    assert row.last_tick == inside[0].last_tick


def test_nothing_is_traded_in_a_maintenance() -> None:
    data = staged(ODD)
    now = ODD.end + HOUR
    for unit in [each for each in CandleUnit if each.seconds is not None and each.seconds <= 3600]:
        length = (unit.seconds or 0) * SECOND
        rows = data.candles(BTC, unit, now, 200, now)
        assert [row for row in rows if ODD.start <= row.start and row.start + length <= ODD.end] == []
        assert rows[-1].start < ODD.start or unit is CandleUnit.SECONDS or unit.minutes == 1
    assert data.trades(BTC, ODD.start - MILLISECOND, ODD.end - MILLISECOND, 500) == []
    before, after = data.trades(BTC, ODD.start - SECOND, ODD.end, 500)[::-1]
    assert (before.at, after.at) == (to_ms(ODD.start) - 1, to_ms(ODD.end))
    for at in (ODD.start, ODD.start + HOUR, ODD.end - MILLISECOND):
        assert (data.offline(at), data.book(BTC, at)) == (True, NO_BOOK)
        assert data.price(BTC, at) == data.price(BTC, ODD.start - MILLISECOND)
        assert data.day(BTC, at).last_trade_at == ODD.start - MILLISECOND
    assert not data.offline(ODD.start - MILLISECOND)
    assert not data.offline(ODD.end)
    assert data.book(BTC, ODD.end) == data.data.book(BTC, ODD.end)


def test_a_market_without_a_trade_after_a_maintenance_stands_where_it_stood_before() -> None:
    candles = [
        (ORIGIN, RISE, 2.0),
        (ORIGIN + HOUR, (200.0, 200.0, 200.0, 200.0), 2.0),
        (ORIGIN + 9 * HOUR, RISE, 1.0),
    ]
    data = Staged(tape(source(recorded(60, candles))), [Maintenance(start=ORIGIN + HOUR, end=ORIGIN + 2 * HOUR)])
    for at in (ORIGIN + 90 * MINUTE, ORIGIN + 5 * HOUR):
        assert data.price(XRP, at) == Decimal(103)
        assert (data.day(XRP, at).high, data.day(XRP, at).volume_24h) == (106.0, 2.0)
    assert data.price(XRP, ORIGIN + 9 * HOUR) == Decimal(100)
    assert data.price(XRP, ORIGIN + 9 * HOUR + MINUTE) == Decimal(100)


def test_orders_neither_fill_nor_trip_in_a_maintenance() -> None:
    jumps = [(ORIGIN + n * HOUR, (price,) * 4, 1.0) for n, price in enumerate((100.0, 50.0, 100.0, 200.0, 100.0))]
    base = tape(source(recorded(60, [(at, (p[0], p[0], p[0], p[0]), v) for at, p, v in jumps])))
    down = Maintenance(start=ORIGIN + HOUR, end=ORIGIN + 2 * HOUR)
    up = Maintenance(start=ORIGIN + 3 * HOUR, end=ORIGIN + 4 * HOUR)
    data, until = Staged(base, [down, up]), ORIGIN + 5 * HOUR
    bid, ask = (Side.BID, Decimal(60)), (Side.ASK, Decimal(150))
    assert base.crossing(XRP, ORIGIN, until, *bid) is not None
    assert base.crossing(XRP, ORIGIN, until, *ask) is not None
    assert data.crossing(XRP, ORIGIN, until, *bid) is None
    assert data.crossing(XRP, ORIGIN, until, *ask) is None
    assert base.touch(XRP, ORIGIN, until, Decimal(60), Decimal(1000)) == down.start
    assert data.touch(XRP, ORIGIN, until, Decimal(60), Decimal(1000)) is None
    assert base.touch(XRP, ORIGIN, until, Decimal(1), Decimal(150)) == up.start
    assert data.touch(XRP, ORIGIN, until, Decimal(1), Decimal(150)) is None
    met = data.crossing(XRP, down.start, until, Side.ASK, Decimal(99))
    assert met is not None
    assert met[0] == down.end


def test_two_hundred_candles_across_a_long_maintenance_skip_it() -> None:
    window = Maintenance(start=ORIGIN + 20 * HOUR, end=ORIGIN + 100 * HOUR)
    data, now = staged(window), ORIGIN + 100 * HOUR + 50 * SECOND
    rows = data.candles(BTC, CandleUnit.SECONDS, now, 200, now)
    assert [row.start for row in rows[48:52]] == [window.end + n * SECOND for n in (1, 0)] + [
        window.start - n * SECOND for n in (1, 2)
    ]
    assert len(rows) == 200
    asked = data.candles(BTC, CandleUnit.MINUTES_1, window.end - HOUR, 1, now)
    assert asked[0].start == window.start - MINUTE


def test_warnings_and_cautions_stand_from_start_to_end() -> None:
    data = staged(
        Warned(market=XRP, start=ORIGIN + HOUR, end=ORIGIN + 2 * HOUR),
        Warned(market=XRP, start=ORIGIN + 5 * HOUR),
        Caution(market=XRP, name="TRADING_VOLUME_SOARING", start=ORIGIN + 3 * HOUR, end=ORIGIN + 6 * HOUR),
        Caution(market=XRP, name="PRICE_FLUCTUATIONS", start=ORIGIN + 5 * HOUR),
    )
    seen = [data.listings(ORIGIN + hour * HOUR) for hour in range(7)]
    assert [len(each) for each in seen] == [2] * 7
    assert [each[1].warning for each in seen] == [False, True, False, False, False, True, True]
    soaring, both = ("TRADING_VOLUME_SOARING",), ("PRICE_FLUCTUATIONS", "TRADING_VOLUME_SOARING")
    assert [each[1].cautions for each in seen] == [(), (), (), soaring, soaring, both, both[:1]]
    assert {(each[0].market, each[0].warning, each[0].cautions) for each in seen} == {(BTC, False, ())}


def test_flags_of_the_data_and_of_events_are_both_up() -> None:
    street = flat(warned=frozenset({STREET_XRP}))
    once = Staged(street, [Caution(market=STREET_XRP, name="PRICE_FLUCTUATIONS", start=BEGIN)])
    twice = Staged(once, [Caution(market=STREET_XRP, name="CONCENTRATION_OF_SMALL_ACCOUNTS", start=BEGIN)])
    (listing,) = (each for each in twice.listings(BEGIN) if each.market == STREET_XRP)
    assert listing.warning
    assert listing.cautions == ("PRICE_FLUCTUATIONS", "CONCENTRATION_OF_SMALL_ACCOUNTS")


def unknown(data: MarketData, market: Market, at: datetime) -> bool:
    """Whether every question about a market at `at` is answered with UnknownMarket."""
    asked = []
    for ask in (
        lambda: data.price(market, at),
        lambda: data.book(market, at),
        lambda: data.day(market, at),
        lambda: data.standing(market, at),
        lambda: data.candles(market, CandleUnit.DAYS, at, 1, at),
        lambda: data.trades(market, at - HOUR, at, 1),
    ):
        try:
            ask()
        except UnknownMarket:
            asked.append(True)
        else:
            asked.append(False)
    assert len(set(asked)) == 1
    return asked[0]


def test_a_delisted_market_is_warned_and_then_gone() -> None:
    event = Delisting(market=XRP, announced=ORIGIN + 10 * HOUR, at=ORIGIN + 40 * HOUR)
    data = staged(event)
    told = [data.listings(at)[1].warning for at in (event.announced - SECOND, event.announced, event.at - SECOND)]
    assert told == [False, True, True]
    assert data.standing(XRP, event.announced - SECOND) == Standing()
    assert data.standing(XRP, event.announced) == Standing(delisting_on=datetime(2025, 6, 4).date())  # noqa: DTZ001
    assert [codes(data, at) for at in (event.at - MILLISECOND, event.at)] == [[BTC, XRP], [BTC]]
    assert [unknown(data, XRP, at) for at in (event.at - MILLISECOND, event.at)] == [False, True]
    low, high = Decimal(1), Decimal(100_000)
    assert data.crossing(XRP, event.at, data.end, Side.BID, high) is None
    assert data.crossing(XRP, event.at - HOUR, data.end, Side.BID, high) is not None
    assert data.touch(XRP, event.at, data.end, high, high) is None
    assert data.touch(XRP, event.at - 5 * HOUR, event.at + HOUR, low, high) is None


def test_a_new_market_is_previewed_before_it_opens() -> None:
    preview, opens = ORIGIN + 20 * HOUR, ORIGIN + 30 * HOUR
    data = staged(NewListing(market=BTC, preview_from=preview, at=opens))
    assert [codes(data, at) for at in (preview - SECOND, preview, opens)] == [[XRP], [BTC, XRP], [BTC, XRP]]
    assert unknown(data, BTC, preview - SECOND)
    for at in (preview, opens - MILLISECOND):
        assert data.standing(BTC, at) == Standing(MarketState.PREVIEW)
        assert (data.book(BTC, at), data.trades(BTC, ORIGIN, at, 9)) == (NO_BOOK, [])
        assert [data.candles(BTC, unit, at, 9, at) for unit in CandleUnit] == [[]] * len(CandleUnit)
        stats = data.day(BTC, at)
        assert Decimal(repr(stats.price)) == data.price(BTC, at) == data.price(BTC, opens)
        assert (stats.volume, stats.volume_24h, stats.last_trade_volume) == (0.0, 0.0, 0.0)
        assert data.crossing(BTC, preview, at, Side.BID, Decimal(100_000)) is None
    assert data.standing(BTC, opens) == Standing()
    assert data.crossing(BTC, preview, opens, Side.BID, Decimal(100_000)) is not None
    rows = data.candles(BTC, CandleUnit.DAYS, data.end, 9, ORIGIN + 3 * DAY)
    assert [row.start for row in rows] == [ORIGIN + n * DAY for n in (3, 2, 1)]
    assert (rows[-1].prev_close, rows[-1].open) == (rows[-1].open, float(data.price(BTC, opens)))
    assert data.day(BTC, opens + HOUR).high_52w == data.day(BTC, opens + HOUR).high


def test_a_market_can_be_previewed_before_the_data_knows_it() -> None:
    base = drawn(2, HOURS, gaps=0.0)
    late = tape(source(base), source(base, BTC, listed_at=ORIGIN + 30 * HOUR))
    event = NewListing(market=BTC, preview_from=ORIGIN + 20 * HOUR, at=ORIGIN + 30 * HOUR)
    data, at = Staged(late, [event]), ORIGIN + 25 * HOUR
    (shown, _) = data.listings(at)
    assert (shown.market, shown.korean_name) == (BTC, "이름")
    assert data.price(BTC, at) == late.price(BTC, event.at)
    assert (data.candles(BTC, CandleUnit.DAYS, at, 5, at), data.trades(BTC, ORIGIN, at, 5)) == ([], [])
    assert data.day(BTC, at).high_52w == float(late.price(BTC, event.at))
    again = Staged(late, [Maintenance(start=ORIGIN + 10 * HOUR, end=ORIGIN + 40 * HOUR)])
    assert again.price(BTC, ORIGIN + 35 * HOUR) == late.price(BTC, ORIGIN + 40 * HOUR)
    assert again.trades(BTC, ORIGIN, ORIGIN + 40 * HOUR, 9)[-1].at == to_ms(ORIGIN + 40 * HOUR)


def test_a_renamed_market_goes_on_under_its_new_code() -> None:
    at, now = ORIGIN + 50 * HOUR, ORIGIN + 60 * HOUR
    data = staged(Rename(market=XRP, new=NEW, at=at), Warned(market=NEW, start=at + HOUR))
    assert [codes(data, when) for when in (at - MILLISECOND, at)] == [[BTC, XRP], [BTC, NEW]]
    assert [unknown(data, NEW, when) for when in (at - MILLISECOND, at)] == [True, False]
    assert [unknown(data, XRP, when) for when in (at - MILLISECOND, at)] == [False, True]
    for unit in CandleUnit:
        assert data.candles(NEW, unit, now, 200, now) == data.data.candles(XRP, unit, now, 200, now)
    assert (data.price(NEW, now), data.book(NEW, now)) == (data.data.price(XRP, now), data.data.book(XRP, now))
    assert data.day(NEW, now) == data.data.day(XRP, now)
    assert [each.warning for each in data.listings(now)] == [False, True]
    assert data.tick(NEW, Decimal(900), now) == data.tick(XRP, Decimal(900), now)
    dear = Decimal(100_000)
    assert data.crossing(NEW, ORIGIN, at - MILLISECOND, Side.BID, dear) is None
    met = data.crossing(NEW, ORIGIN, now, Side.BID, dear)
    assert met is not None
    assert met[0] >= at
    assert data.crossing(XRP, at, now, Side.BID, dear) is None


def test_a_market_can_be_renamed_twice() -> None:
    again = Market("KRW-AGAIN")
    events = [
        Rename(market=NEW, new=again, at=ORIGIN + 9 * HOUR),
        Rename(market=XRP, new=NEW, at=ORIGIN + 5 * HOUR),
    ]
    data = staged(*events)
    assert [codes(data, ORIGIN + n * HOUR)[-1] for n in (4, 5, 8)] == [XRP, NEW, NEW]
    assert codes(data, ORIGIN + 9 * HOUR) == [again, BTC]
    assert data.price(again, ORIGIN + 10 * HOUR) == data.data.price(XRP, ORIGIN + 10 * HOUR)


COARSE = ((Decimal(1000), Decimal(50)), (Decimal(0), Decimal(20)))


def test_a_new_table_of_steps_moves_the_book_onto_it() -> None:
    at = ORIGIN + 50 * HOUR
    data = staged(TickTable(quote="KRW", at=at, bands=COARSE), TickTable(quote="KRW", at=at + 9 * HOUR))
    assert data.tick(XRP, Decimal(900), at - SECOND) == Decimal("0.1")
    assert [data.tick(XRP, Decimal(price), at) for price in (1, 999, 1000)] == [20, 20, 50]
    assert data.tick(Market("BTC-ETH"), Decimal("0.03"), at) == Decimal("0.00000001")
    assert data.tick(XRP, Decimal(900), at + 9 * HOUR) == Decimal("0.1")
    for hours in range(9):
        now = at + hours * HOUR
        before, after = data.data.book(BTC, now), data.book(BTC, now)
        assert after.bids[0][0] <= before.bids[0][0] < before.asks[0][0] <= after.asks[0][0]
        assert all(price % data.tick(BTC, price, now) == 0 for price, _ in (*after.bids, *after.asks))
        assert sum(size for _, size in after.bids) == sum(size for _, size in before.bids)
        assert len(after.asks) < len(before.asks)
        assert data.price(BTC, now) == data.data.price(BTC, now)
        assert len(data.book(BTC, now, 1).bids) == 1
    assert data.book(BTC, at + 9 * HOUR) == data.data.book(BTC, at + 9 * HOUR)


@settings(max_examples=60)
@given(seeds, st.integers(0, 20), st.integers(850, 950), st.sampled_from(Side), st.integers(0, 6 * 3600))
def test_on_a_new_table_searches_find_what_the_book_shows(
    seed: int, change: int, price: int, side: Side, begin: int
) -> None:
    at = ORIGIN + 50 * HOUR + change * 13 * MINUTE
    data, limit = staged(TickTable(quote="KRW", at=at, bands=COARSE), seed=seed), Decimal(price)
    after = ORIGIN + 48 * HOUR + begin * SECOND
    until = after + 20 * MINUTE
    met = data.crossing(BTC, after, until, side, limit)
    touched = data.touch(BTC, after, until, limit, Decimal("Infinity"))
    crossed = fallen = None
    for n in range(20 * 60 + 1):
        now = after + n * SECOND
        book = data.book(BTC, now, 1)
        meets = book.asks[0][0] <= limit if side is Side.BID else book.bids[0][0] >= limit
        crossed = now if crossed is None and meets else crossed
        fallen = now if fallen is None and book.bids[0][0] <= limit else fallen
    for found, seen in ((met[0] if met else None, crossed), (touched, fallen)):
        if found is None:
            assert seen is None
        else:
            assert seen is None or seen >= found
            assert seen is not None or until - found < SECOND or data.book(BTC, found, 1) != NO_BOOK
            assert seen is None or seen - found < SECOND


def test_an_order_from_before_a_change_of_steps_still_fills() -> None:
    at = ORIGIN + 50 * HOUR
    data, off = staged(TickTable(quote="KRW", at=at, bands=COARSE)), Decimal("905.7")
    assert off % data.tick(BTC, off, at) != 0
    met = data.crossing(BTC, at, data.end, Side.ASK, off)
    assert met is not None
    assert data.book(BTC, met[0], 1).bids[0][0] >= off


def test_a_thin_book_has_few_levels_on_one_side() -> None:
    thin = Thin(market=BTC, start=ORIGIN + HOUR, end=ORIGIN + 2 * HOUR, asks=3)
    data = staged(thin, Thin(market=BTC, start=ORIGIN + 90 * MINUTE, bids=2))
    for minutes, levels in ((59, (30, 30)), (60, (30, 3)), (90, (2, 3)), (120, (2, 30))):
        now = ORIGIN + minutes * MINUTE
        book, whole = data.book(BTC, now), data.data.book(BTC, now)
        assert (book.bids, book.asks) == (whole.bids[: levels[0]], whole.asks[: levels[1]])
    assert len(data.book(BTC, ORIGIN + HOUR, 1).asks) == 1


def test_the_same_events_give_the_same_world_and_none_the_data_itself() -> None:
    events: list[Event] = [ODD, Delisting(market=XRP, announced=ORIGIN, at=ORIGIN + 90 * HOUR)]
    one, two, bare = staged(*events), staged(*events[::-1]), staged()
    now = ODD.end + 2 * HOUR
    for unit in CandleUnit:
        assert one.candles(XRP, unit, now, 50, now) == two.candles(XRP, unit, now, 50, now)
        assert bare.candles(XRP, unit, now, 50, now) == bare.data.candles(XRP, unit, now, 50, now)
    assert one.day(XRP, now) == two.day(XRP, now)
    assert bare.day(XRP, now) == bare.data.day(XRP, now)
    assert (bare.start, bare.first_slot, bare.end) == (bare.data.start, bare.data.first_slot, bare.data.end)
    assert bare.listings(now) == bare.data.listings(now)
    assert unknown(bare, NONE, now)
    with pytest.raises(UnknownMarket):
        bare.touch(NONE, ORIGIN, now, Decimal(1), Decimal(2))


T1, T2 = ORIGIN + HOUR, ORIGIN + 2 * HOUR


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([Warned(market=NONE, start=T1)], "Warned of KRW-NONE: there is no such market"),
        ([Delisting(market=NONE, announced=T1, at=T2)], "Delisting of KRW-NONE"),
        ([NewListing(market=NONE, at=T1)], "NewListing of KRW-NONE"),
        ([Rename(market=NONE, new=NEW, at=T1)], "Rename of KRW-NONE"),
        ([Thin(market=NONE, start=T1)], "Thin of KRW-NONE"),
        ([Rename(market=XRP, new=BTC, at=T1)], "Rename of KRW-XRP: KRW-BTC is a market already"),
        (
            [Rename(market=XRP, new=NEW, at=T1), Rename(market=XRP, new=NONE, at=T2)],
            "Rename of KRW-XRP: it is renamed before",
        ),
        (
            [Rename(market=XRP, new=NEW, at=T2), Delisting(market=XRP, announced=ORIGIN, at=T1)],
            "Delisting of KRW-XRP: it is delisted or renamed by another event",
        ),
        ([NewListing(market=XRP, at=T1), NewListing(market=XRP, at=T2)], "NewListing of KRW-XRP: it is listed"),
        ([NewListing(market=XRP, at=ORIGIN - DAY)], "NewListing of KRW-XRP: the data has no such market at"),
        (
            [NewListing(market=XRP, at=T2), Delisting(market=XRP, announced=ORIGIN, at=T1)],
            "KRW-XRP: the market would end before it begins",
        ),
    ],
)
def test_events_that_fit_nothing_are_named(events: list[Event], message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        staged(*events)


def spaced(*starts: tuple[str, str]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((Decimal(start), Decimal(step)) for start, step in starts)


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (Warned, {"market": XRP, "start": T2, "end": T1}, "Warned of KRW-XRP: expected its end after"),
        (Warned, {"market": XRP, "start": T1 + MILLISECOND}, "Warned of KRW-XRP: start: expected a whole second"),
        (Warned, {"market": XRP, "start": T1.replace(tzinfo=None)}, "a whole second with a zone"),
        (Caution, {"market": XRP, "name": "SOMETHING", "start": T1}, "Caution of KRW-XRP: name: expected one of"),
        (Delisting, {"market": XRP, "announced": T1, "at": T1}, "Delisting of KRW-XRP"),
        (NewListing, {"market": XRP, "at": T1, "preview_from": T2}, "NewListing of KRW-XRP"),
        (Maintenance, {"start": T2, "end": T1}, "Maintenance of the venue"),
        (Rename, {"market": XRP, "new": Market("BTC-XRP"), "at": T1}, "same quote currency"),
        (TickTable, {"quote": "EUR", "at": T1}, "TickTable of EUR: quote: expected one of"),
        (TickTable, {"quote": "KRW", "at": T1, "bands": ()}, "falling prices, the last one 0"),
        (TickTable, {"quote": "KRW", "at": T1, "bands": spaced(("10", "1"))}, "falling prices, the last one 0"),
        (TickTable, {"quote": "KRW", "at": T1, "bands": spaced(("0", "1"), ("0", "2"))}, "falling prices"),
        (TickTable, {"quote": "KRW", "at": T1, "bands": spaced(("0", "0"))}, "steps above 0"),
        (
            TickTable,
            {"quote": "KRW", "at": T1, "bands": spaced(("10", "3"), ("0", "1"))},
            "on the steps of its own",
        ),
        (TickTable, {"quote": "KRW", "at": T1, "bands": spaced(("10", "5"), ("0", "3"))}, "the one below"),
        *(
            (TickTable, {"quote": "KRW", "at": T1, "bands": spaced((far, step), ("0", "1"))}, "at most 12 digits")
            for far, step in (("1e30", "1e-9"), ("NaN", "1"), ("10", "Infinity"), ("10", "1e-13"))
        ),
        (Thin, {"market": XRP, "start": T1, "bids": 0}, "Thin of KRW-XRP: bids: expected 1 to 30 levels, got 0"),
        (Thin, {"market": XRP, "start": T1, "asks": 31}, "asks: expected 1 to 30 levels"),
    ],
)
def test_events_that_make_no_sense_are_named(kind: type[Event], values: dict[str, object], message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        kind(**values)  # type: ignore[arg-type]
