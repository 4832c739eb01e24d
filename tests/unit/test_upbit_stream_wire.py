"""Frames become values to the last digit, in each of the four formats; everything else is garbled, never a crash."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Side
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.stream import wire
from makenaide.exchange.upbit.stream.frames import (
    AnnouncementFrame,
    BookFrame,
    CandleFrame,
    MyAssetFrame,
    MyOrderFrame,
    StreamError,
    TickerFrame,
    TradeFrame,
    Up,
)
from makenaide.exchange.upbit.stream.settings import FRAME_LIMIT
from makenaide.exchange.venue import Balance, Book, Level
from tests.unit.upbit_frames import ALL, ANNOUNCEMENT, BOOK, CANDLE, MY_ASSET, MY_ORDER, TICKER, TRADE, short

BTC = Market("KRW-BTC")
AT = datetime(2025, 7, 4, 5, 14, 0, 373_000, tzinfo=UTC)
TRADED = datetime(2025, 7, 4, 5, 14, 0, 327_000, tzinfo=UTC)


def one(text: str | bytes) -> Any:
    (frame,) = wire.parse(text)
    return frame


def test_a_ticker_tells_price_day_state_and_end() -> None:
    assert one(TICKER) == TickerFrame(
        market=BTC,
        price=Price("116539000"),
        opening=Price("116000000"),
        high=Price("116999000"),
        low=Price("115000000"),
        turnover_24h=Krw("155463546231.39948"),
        state="ACTIVE",
        delisting=date(2026, 2, 3),
        warning=True,
        traded_at=TRADED,
        at=AT,
        snapshot=True,
    )


@pytest.mark.parametrize("price", ["null", "0", "0E-8"])
def test_a_new_market_has_no_price_before_its_first_trade(price: str) -> None:
    frame = one(TICKER.replace("1.16539E8", price).replace("ACTIVE", "PREVIEW"))
    assert (frame.price, frame.state) == (None, "PREVIEW")


def test_a_ticker_without_the_warning_field_does_not_say_that_there_is_none() -> None:
    assert one(TICKER.replace('"market_warning":"CAUTION",', "")).warning is None
    assert one(TICKER.replace("CAUTION", "NONE")).warning is False


def test_a_trade_keeps_the_digits_of_its_exponent() -> None:
    assert one(TRADE) == TradeFrame(
        market=Market("KRW-ETH"),
        price=Price(3510000),
        volume=Quantity("0.00079276"),
        side=Side.ASK,
        number=17516060403270000,
        traded_at=TRADED,
        at=datetime(2025, 7, 4, 5, 14, 0, 400_000, tzinfo=UTC),
        snapshot=False,
    )


def test_a_book_is_whole_best_first_and_without_padding() -> None:
    bids = [("116539000", "0.25"), ("116538000", "0.5"), ("116537000", "0.00012")]
    asks = [("116540000", "0.1"), ("116541000", "1.4")]
    assert one(BOOK) == BookFrame(
        book=Book(
            market=BTC,
            at=AT,
            bids=tuple(Level(Price(price), Quantity(size)) for price, size in bids),
            asks=tuple(Level(Price(price), Quantity(size)) for price, size in asks),
        ),
        level=Decimal(0),
        snapshot=False,
    )


def test_a_book_in_any_order_and_padded_on_either_field_is_the_same_book() -> None:
    row = json.loads(BOOK)
    units = row["orderbook_units"][::-1]
    padding = {"ask_price": 1.5e8, "bid_price": 1.5e8, "ask_size": 0, "bid_size": 0}
    shuffled = row | {"orderbook_units": [padding, *units, padding | {"ask_price": 0, "ask_size": 1}]}
    assert one(json.dumps(shuffled)) == one(BOOK)


def test_a_candle_starts_in_utc() -> None:
    assert one(CANDLE) == CandleFrame(
        market=BTC,
        unit="1s",
        start=datetime(2025, 7, 4, 5, 14, tzinfo=UTC),
        open=Price(116000000),
        high=Price(117000000),
        low=Price(115000000),
        close=Price(116539000),
        volume=Quantity("0.12"),
        turnover=Krw(13984680),
        at=AT,
        snapshot=False,
    )


def test_news_of_an_order_carries_its_trade() -> None:
    assert one(MY_ORDER) == MyOrderFrame(
        market=BTC,
        uuid="u-1",
        identifier="mk1-7f3a-KRW-BTC-20260105T0900-e01",
        side=Side.BID,
        type="limit",
        time_in_force="ioc",
        state="trade",
        trade_uuid="t-1",
        price=Decimal(116539000),
        average=Decimal(116539000),
        volume=Decimal("0.001"),
        remaining=Decimal("0.002"),
        executed=Quantity("0.001"),
        executed_funds=Decimal(116539),
        trades_count=1,
        paid_fee=Decimal("58.2695"),
        locked=Decimal("233194.539"),
        prevented=Decimal(0),
        fee=Decimal("58.2695"),
        maker=False,
        traded_at=TRADED,
        ordered_at=datetime(2025, 7, 4, 5, 14, tzinfo=UTC),
        at=AT,
    )


def test_news_of_an_order_may_leave_out_what_does_not_apply() -> None:
    absent = "trade_uuid price volume trade_fee is_maker trade_timestamp identifier".split()
    row = json.loads(MY_ORDER) | dict.fromkeys(absent)
    frame = one(json.dumps(row))
    assert (frame.trade_uuid, frame.price, frame.fee, frame.maker, frame.traded_at) == (None,) * 5


def test_news_of_balances() -> None:
    assert one(MY_ASSET) == MyAssetFrame(
        uuid="a-1",
        balances=(
            Balance(currency="KRW", free=Decimal("1386929.37"), locked=Decimal("10329.67")),
            Balance(currency="BTC", free=Decimal("0.00000001"), locked=Decimal(0)),
        ),
        changed_at=TRADED,
        at=AT,
    )


def test_an_announcement_is_listed_in_korean_time_whether_it_says_so_or_not() -> None:
    listed = datetime(2026, 8, 31, 1, tzinfo=UTC)
    assert one(ANNOUNCEMENT) == AnnouncementFrame(
        event="CREATED",
        uuid="n-1",
        title="거래지원 종료 안내",
        category="trade",
        url="https://upbit.com/service_center/notice?id=1",
        first_listed_at=listed,
        listed_at=listed,
        body=None,
        at=AT,
    )


@pytest.mark.parametrize("kind", ALL)
def test_all_four_formats_say_the_same(kind: str) -> None:
    expected = wire.parse(ALL[kind])
    assert wire.parse(ALL[kind].encode()) == expected
    assert wire.parse(short(ALL[kind])) == expected
    assert wire.parse(f"[{ALL[kind]}]") == expected
    assert wire.parse(f" [{short(ALL[kind])},{ALL[kind]}]") == expected * 2


def test_the_short_form_of_a_frame_is_really_another_text() -> None:
    assert '"obu":[{"ap":1.1654E8,"bp":1.16539E8,"as":0.10000000,"bs":0.25}' in short(BOOK)


def test_the_answer_to_ping_and_errors_are_frames_too() -> None:
    assert one('{"status":"UP"}') == Up()
    assert one('{"error":{"name":"NO_CODES","message":"words"}}') == StreamError("NO_CODES", "words")


@pytest.mark.parametrize(
    ("name", "blocked"), [("Too Many Requests", True), ("I'm a teapot", True), ("INVALID_AUTH", False)]
)
def test_only_errors_about_limits_mean_a_block(name: str, blocked: bool) -> None:
    assert StreamError(name, "").blocked is blocked


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        "\ud800",
        "null",
        "[null]",
        "5",
        "<html></html>",
        "{}",
        '{"status":"DOWN"}',
        '{"type":"myTrade","code":"KRW-BTC"}',
        '{"type":5}',
        '{"type":"candle.1d","code":"KRW-BTC"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"ty":"trade","x":' + b"[" * 100_000,
        TICKER + " " * FRAME_LIMIT,
        TICKER.replace("KRW-BTC", "BTC"),
        TICKER.replace("1.16539E8", "-1"),
        TICKER.replace('"month":2', '"month":13'),
        TRADE.replace('"ASK"', '"BUY"'),
        TRADE.replace("1751606040327", "99999999999999999"),
        BOOK.replace("1.1654E8", '"NaN"'),
        BOOK.replace("1.1654E8", '"sNaN"'),
        BOOK.replace("1.1654E8", "1e999999999"),
        BOOK.replace("1.1654E8", "1e99999999999999999999"),
        short(BOOK).replace("1.1654E8", "1e99999999999999999999"),
        BOOK.replace("1.1654E8", "0." + "1" * 100),
        short(MY_ASSET).replace('"ast":[', '"ast":[5,'),
        BOOK.replace('"bid_size":0.25', '"bid_size":-0.25'),
        CANDLE.replace("1.17E8", "1.165E8"),
        ANNOUNCEMENT.replace("2026-08-31T10:00:00+09:00", "0001-01-01T00:00:00+09:00"),
        MY_ASSET.replace("1386929.37", "-1"),
    ],
)
def test_what_does_not_fit_is_garbled(body: str | bytes) -> None:
    with pytest.raises(VenueGarbled) as caught:
        wire.parse(body)
    assert len(str(caught.value)) < 400


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_garbled(body: bytes) -> None:
    survive(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(ALL)), st.booleans(), st.data())
def test_any_frame_with_one_wrong_field_parses_or_is_garbled(kind: str, brief: bool, data: st.DataObject) -> None:
    row = json.loads(short(ALL[kind]) if brief else ALL[kind])
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(JSON)
    survive(json.dumps(row).encode())
    survive(json.dumps([row]).encode())


def survive(body: bytes) -> None:
    try:
        frames = wire.parse(body)
    except VenueGarbled:
        return
    assert all(frames)
