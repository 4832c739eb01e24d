"""The official replies of the documents parse to the last digit, and wrong ones are named by call and path."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Identifier, Side
from makenaide.exchange.upbit import account, orders, quotes, wire
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.venue import Balance, Level

BTC = Market("KRW-BTC")
ETH = Market("KRW-ETH")
IDENTIFIER = Identifier("mk1-7f3a-KRW-BTC-20260105T0900-e01")

CANDLE = (
    '{"market":"KRW-BTC","candle_date_time_utc":"2025-06-30T00:00:00","candle_date_time_kst":"2025-06-30T09:00:00",'
    '"opening_price":147996000,"high_price":148480000,"low_price":145740000,"trade_price":145759000,'
    '"timestamp":1751327999833,"candle_acc_trade_price":138812096716.42776,'
    '"candle_acc_trade_volume":944.35761221,"prev_closing_price":147996000,"change_price":-2237000,'
    '"change_rate":-0.0151152734}'
)
TICKER = (
    '{"market":"KRW-ETH","trade_date":"20250704","trade_time":"051400","trade_timestamp":1751606040327,'
    '"opening_price":3518000,"trade_price":3510000,"change":"FALL","signed_change_rate":-0.0019903327,'
    '"acc_trade_price_24h":111690309851.79362,"acc_trade_volume_24h":31689.60167858,"timestamp":1751606040373}'
)
LISTING = (
    '{"market":"KRW-BTC","korean_name":"비트코인","english_name":"Bitcoin","market_event":{"warning":false,'
    '"caution":{"PRICE_FLUCTUATIONS":true,"TRADING_VOLUME_SOARING":false,"DEPOSIT_AMOUNT_SOARING":true}}}'
)
# Section 5: a market buy of 6000 at 160,594,000, which ends in "cancel" and has no volume of its own.
MARKET_BUY: dict[str, Any] = {
    "market": "KRW-BTC",
    "uuid": "u-1",
    "side": "bid",
    "ord_type": "price",
    "price": "6000",
    "state": "cancel",
    "created_at": "2025-07-04T15:00:00+09:00",
    "reserved_fee": "3",
    "remaining_fee": "0.00010408",
    "paid_fee": "2.99989592",
    "locked": "0.20826408",
    "executed_volume": "0.00003736",
    "trades_count": 1,
    "trades": [
        {
            "market": "KRW-BTC",
            "uuid": "t-1",
            "price": "160594000",
            "volume": "0.00003736",
            "funds": "5999.79184",
            "trend": "up",
            "created_at": "2025-07-04T15:00:00.123456+09:00",
            "side": "bid",
        }
    ],
}
LIMIT_SELL: dict[str, Any] = {
    "market": "KRW-BTC",
    "uuid": "cdd92199",
    "side": "ask",
    "ord_type": "limit",
    "price": "140000000",
    "state": "wait",
    "created_at": "2025-07-04T15:00:00+09:00",
    "volume": "1.0",
    "remaining_volume": "1.0",
    "reserved_fee": "70000.0",
    "paid_fee": "0.0",
    "locked": "0.0",
    "executed_volume": "0.0",
    "prevented_volume": "0",
    "trades_count": 0,
}
CHANCE: dict[str, Any] = {
    "bid_fee": "0.0005",
    "ask_fee": "0.0004",
    "maker_bid_fee": "0.0005",
    "market": {
        "id": "KRW-BTC",
        "name": "BTC/KRW",
        "order_types": [],
        "bid": {"currency": "KRW", "min_total": "5000"},
        "ask": {"currency": "BTC", "min_total": "6000.0"},
        "max_total": "1000000000",
        "state": "active",
    },
    "bid_account": {"currency": "KRW"},
}


def body(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def changed(row: str | dict[str, Any], **fields: Any) -> dict[str, Any]:
    """`row` with other fields; None as a value takes the field away."""
    whole = dict(json.loads(row) if isinstance(row, str) else row) | fields
    return {name: value for name, value in whole.items() if value is not None}


# ---- what parses ----


def test_the_official_day_candle_keeps_every_digit() -> None:
    (candle,) = quotes.day_candles("GET /c", f"[{CANDLE}]".encode(), BTC, datetime(2025, 7, 1, tzinfo=UTC))
    assert candle.start == datetime(2025, 6, 30, tzinfo=UTC)
    assert candle.minutes == 1440
    assert (candle.open, candle.high) == (Price(147996000), Price(148480000))
    assert (candle.low, candle.close) == (Price(145740000), Price(145759000))
    assert candle.turnover == Krw("138812096716.42776")
    assert candle.volume == Quantity("944.35761221")


def test_the_official_ticker_keeps_every_digit() -> None:
    ticker = quotes.tickers("GET /t", f"[{TICKER}]".encode(), [ETH])[ETH]
    assert ticker.price == Price(3510000)
    assert ticker.turnover_24h == Krw("111690309851.79362")
    assert ticker.at == datetime(2025, 7, 4, 5, 14, 0, 327000, tzinfo=UTC)


@given(digits=st.decimals(min_value="0.00000001", max_value="1e14", places=8))
def test_numbers_and_strings_of_any_spelling_keep_every_digit(digits: Decimal) -> None:
    text = format(digits, "f")
    number = CANDLE.replace("138812096716.42776", text).encode()
    (candle,) = quotes.day_candles("c", b"[" + number + b"]", BTC, datetime(2026, 1, 1, tzinfo=UTC))
    assert candle.turnover.value == digits
    held = body([{"currency": "KRW", "balance": text, "locked": "0.0", "avg_buy_price": "0"}])
    assert account.balances("a", held)["KRW"].free == digits


def test_a_listing_names_the_flags_that_are_up() -> None:
    (listing,) = quotes.listings("m", f"[{LISTING}]".encode())
    assert (listing.market, listing.korean_name, listing.english_name) == (BTC, "비트코인", "Bitcoin")
    assert not listing.warning
    assert listing.cautions == ("DEPOSIT_AMOUNT_SOARING", "PRICE_FLUCTUATIONS")


def test_a_market_of_an_unknown_quote_currency_is_left_out() -> None:
    rows = [changed(LISTING, market="USDC-BTC"), changed(LISTING), changed(LISTING, market="BTC-ETH")]
    assert [each.market for each in quotes.listings("m", body(rows))] == ["KRW-BTC", "BTC-ETH"]


def test_the_padding_of_a_thin_book_is_dropped_and_the_best_comes_first() -> None:
    units = [
        {"bid_price": 99, "bid_size": 1.5, "ask_price": 101, "ask_size": 2},
        {"bid_price": 100, "bid_size": 0.25, "ask_price": 0, "ask_size": 0},
        {"bid_price": 0, "bid_size": 0, "ask_price": 0, "ask_size": 0.0},
    ]
    row = {"market": "KRW-BTC", "timestamp": 1751606040373, "orderbook_units": units, "level": 0}
    book = quotes.books("b", body([row]), [BTC])[BTC]
    assert book.bids == (Level(Price(100), Quantity("0.25")), Level(Price(99), Quantity("1.5")))
    assert book.asks == (Level(Price(101), Quantity(2)),)
    assert book.at == datetime(2025, 7, 4, 5, 14, 0, 373000, tzinfo=UTC)
    empty = quotes.books("b", body([changed(row, orderbook_units=[])]), [BTC])[BTC]
    assert (empty.best_bid, empty.best_ask) == (None, None)


def test_instruments_state_their_step_as_text() -> None:
    row = {"market": "KRW-BTC", "quote_currency": "KRW", "tick_size": "1000", "supported_levels": ["0", "10000"]}
    assert quotes.instruments("i", body([row]), [BTC])[BTC].tick_size == Decimal(1000)


def test_balances_come_by_currency() -> None:
    rows = [
        {"currency": "KRW", "balance": "1000000.0", "locked": "0.0", "avg_buy_price": "0", "unit_currency": "KRW"},
        {"currency": "BTC", "balance": "0.5", "locked": "0.1", "avg_buy_price": "150000000"},
    ]
    found = account.balances("a", body(rows))
    assert found["BTC"] == Balance(currency="BTC", free=Decimal("0.5"), locked=Decimal("0.1"))
    assert found["KRW"].total == 1_000_000
    assert account.balances("a", b"[]") == {}


@pytest.mark.parametrize(("state", "active"), [("active", True), ("preview", False), (None, False)])
def test_chance_takes_the_larger_minimum_and_only_active_is_active(state: str | None, active: bool) -> None:
    row = changed(CHANCE, market=changed(CHANCE["market"], state=state))
    chance = account.chance("c", body(row), BTC)
    assert (chance.bid_fee, chance.ask_fee) == (Decimal("0.0005"), Decimal("0.0004"))
    assert chance.minimum_total == Krw(6000)
    assert chance.active is active


def test_the_official_market_buy_parses_without_a_volume() -> None:
    order = orders.placed_order("o", body(MARKET_BUY), IDENTIFIER)
    assert (order.type, order.side, order.state, order.closed) == ("price", Side.BID, "cancel", True)
    assert (order.price, order.volume, order.identifier) == (Decimal(6000), None, None)
    assert order.executed == Quantity("0.00003736")
    assert order.paid_fee == Krw("2.99989592")
    (trade,) = order.trades
    assert (trade.price, trade.funds) == (Price(160594000), Krw("5999.79184"))
    assert trade.at == datetime(2025, 7, 4, 6, 0, 0, 123456, tzinfo=UTC)
    assert order.created_at == datetime(2025, 7, 4, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "variant",
    [
        {"identifier": IDENTIFIER, "smp_type": "cancel_maker"},
        {"volume": "1", "executed_volume": "0", "paid_fee": "0", "trades": []},
        {"price": "140000000.00", "time_in_force": "ioc"},
    ],
)
def test_an_order_reads_the_same_however_it_is_spelt(variant: dict[str, Any]) -> None:
    order = orders.placed_order("o", body(changed(LIMIT_SELL, **variant)), IDENTIFIER)
    assert order.price == Decimal(140000000)
    assert order.volume == Quantity(1)
    assert (order.executed, order.paid_fee, order.trades, order.closed) == (Quantity(0), Krw(0), (), False)
    assert order.identifier == variant.get("identifier")


@pytest.mark.parametrize("absent", ["missing", "null"])
def test_absent_and_null_mean_the_same(absent: str) -> None:
    row = changed(LIMIT_SELL)
    for name in ("price", "volume", "identifier"):
        row.pop(name, None)
        if absent == "null":
            row[name] = None
    order = orders.placed_order("o", body(row), IDENTIFIER)
    assert (order.price, order.volume, order.identifier) == (None, None, None)


# ---- candles ----


def test_candles_come_ascending_and_closed_only() -> None:
    days = [f"2025-06-{day:02d}T00:00:00" for day in (30, 29, 27)]
    rows = [changed(CANDLE, candle_date_time_utc=day) for day in days]
    found = quotes.day_candles("c", body(rows), BTC, datetime(2025, 6, 30, tzinfo=UTC))
    assert [candle.start.day for candle in found] == [27, 29]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"high_price": 1}, r"KRW-BTC 2025-06-30.*high 1 is below low"),
        ({"opening_price": 1}, r"KRW-BTC 2025-06-30.*open 1 is outside"),
        ({"candle_acc_trade_price": -1}, r"KRW-BTC 2025-06-30.*turnover -1 is negative"),
        ({"candle_acc_trade_volume": -1}, r"KRW-BTC 2025-06-30.*candle_acc_trade_volume: a quantity is never"),
        ({"trade_price": 0}, r"KRW-BTC 2025-06-30.*trade_price: a price is above zero"),
        ({"trade_price": "NaN"}, r"KRW-BTC 2025-06-30.*trade_price: not a finite number"),
        ({"trade_price": "1e999999999"}, r"trade_price: not a sensible amount"),
        ({"low_price": "1e-99"}, r"low_price: not a sensible amount"),
        ({"trade_price": "dear"}, r"\$\[0\]\.trade_price"),
        ({"trade_price": None}, r"missing required field `trade_price`.*\$\[0\]"),
        ({"market": "KRW-ETH"}, r"\$\[0\]\.market: asked for KRW-BTC, got 'KRW-ETH'"),
        (
            {"candle_date_time_utc": "2025-06-30T09:00:00"},
            r"\$\[0\]\.candle_date_time_utc: KRW-BTC .* not the start",
        ),
        ({"candle_date_time_utc": "9999-12-31T00:00:00"}, r"not the start of a day"),
        ({"candle_date_time_utc": "2025-06-30T00:00:00Z"}, r"\$\[0\]\.candle_date_time_utc"),
        ({"candle_date_time_utc": "yesterday"}, r"\$\[0\]\.candle_date_time_utc"),
    ],
)
def test_a_bad_candle_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(VenueGarbled, match=f"(?s)GET /c: .*{words}"):
        quotes.day_candles("GET /c", body([changed(CANDLE, **fields)]), BTC, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_day_that_stands_there_twice_is_named() -> None:
    with pytest.raises(VenueGarbled, match=r"KRW-BTC 2025-06-30.*does not follow"):
        quotes.day_candles("c", f"[{CANDLE},{CANDLE}]".encode(), BTC, datetime(2026, 1, 1, tzinfo=UTC))


# ---- what does not parse ----

SHAPES = [b"", b"<html>", b"null", b"[null]", b"[[]]", b"\xff\xfe", b'{"a":', b'[{"market":1}]', b'"x"']


@pytest.mark.parametrize("raw", SHAPES)
def test_no_garbage_gets_through_any_door(raw: bytes) -> None:
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    doors: list[Callable[[], object]] = [
        lambda: quotes.listings("GET /x", raw),
        lambda: quotes.day_candles("GET /x", raw, BTC, long_ago),
        lambda: quotes.tickers("GET /x", raw, [BTC]),
        lambda: quotes.books("GET /x", raw, [BTC]),
        lambda: quotes.instruments("GET /x", raw, [BTC]),
        lambda: account.balances("GET /x", raw),
        lambda: account.chance("GET /x", raw, BTC),
        lambda: orders.placed_order("GET /x", raw, IDENTIFIER),
    ]
    for door in doors:
        with pytest.raises(VenueGarbled, match="GET /x"):
            door()
    assert wire.refusal(raw) is None
    assert wire.placed_uuid(raw) is None


def test_a_body_that_is_nested_without_end_is_garbage() -> None:
    deep = b'[{"junk":' + b"[" * 200_000
    with pytest.raises(VenueGarbled):
        account.balances("a", deep)
    assert wire.refusal(b'{"junk":' + b"[" * 200_000) is None
    assert wire.placed_uuid(b'{"junk":' + b"[" * 200_000) is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"trade_price": -1}, r"\$\[0\]\.trade_price: a price is above zero"),
        ({"acc_trade_price_24h": -5}, r"\$\[0\]\.acc_trade_price_24h: below zero: -5"),
        ({"trade_timestamp": 10**17}, r"\$\[0\]\.trade_timestamp"),
        ({"trade_timestamp": 1.5}, r"\$\[0\]\.trade_timestamp"),
    ],
)
def test_a_bad_ticker_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(VenueGarbled, match=words):
        quotes.tickers("t", body([changed(TICKER, **fields)]), [ETH])


def test_a_market_that_the_reply_leaves_out_is_named() -> None:
    with pytest.raises(VenueGarbled, match=r"t: the reply lacks KRW-BTC, KRW-XRP$"):
        quotes.tickers("t", f"[{TICKER}]".encode(), [BTC, ETH, Market("KRW-XRP")])
    with pytest.raises(VenueGarbled, match="lacks KRW-BTC"):
        quotes.books("b", b"[]", [BTC])
    with pytest.raises(VenueGarbled, match="lacks KRW-BTC"):
        quotes.instruments("i", b"[]", [BTC])


def test_an_empty_list_of_markets_is_no_list() -> None:
    with pytest.raises(VenueGarbled, match="empty"):
        quotes.listings("m", b"[]")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"market": "KRW-비트"}, r"\$\[0\]\.market"),
        ({"market_event": None}, r"missing required field `market_event`"),
        ({"market_event": {"caution": {}}}, r"missing required field `warning`"),
        ({"market_event": {"warning": "no"}}, r"\$\[0\]\.market_event\.warning"),
    ],
)
def test_a_listing_without_a_clear_warning_is_garbage(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(VenueGarbled, match=words):
        quotes.listings("m", body([changed(LISTING, **fields)]))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"currency": "KRW", "balance": "-1", "locked": "0"}], r"\$\[0\]\.balance: below zero"),
        ([{"currency": "KRW", "balance": "1", "locked": "Infinity"}], r"\$\[0\]\.locked: not a finite"),
        ([{"currency": "KRW", "balance": "1"}], "locked"),
        ([{"currency": "", "balance": "1", "locked": "0"}], r"\$\[0\]\.currency"),
        ([{"currency": "KRW", "balance": "1", "locked": "0"}] * 2, r"\$\[1\]\.currency: KRW stands there twice"),
    ],
)
def test_a_bad_account_is_named(rows: list[dict[str, str]], words: str) -> None:
    with pytest.raises(VenueGarbled, match=words):
        account.balances("a", body(rows))


def test_a_chance_of_another_market_is_garbage() -> None:
    with pytest.raises(VenueGarbled, match=r"\$\.market\.id: asked for KRW-ETH, got 'KRW-BTC'"):
        account.chance("c", body(CHANCE), ETH)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"identifier": "mk1-7f3a-KRW-BTC-20260105T0900-e02"}, r"\$\.identifier: asked for .*e01, got .*e02"),
        ({"market": "nothing"}, r"\$\.market"),
        ({"side": "both"}, r"\$\.side"),
        ({"uuid": ""}, r"\$\.uuid"),
        ({"executed_volume": "-1"}, r"\$\.executed_volume: a quantity is never negative"),
        ({"paid_fee": "-1"}, r"\$\.paid_fee: below zero"),
        ({"trades_count": -1}, r"\$\.trades_count"),
        ({"created_at": "2025-07-04T15:00:00"}, r"\$\.created_at"),
        ({"created_at": "0001-01-01T00:00:00+09:00"}, r"\$\.created_at: not a sensible time"),
        ({"trades": [{"uuid": "t"}]}, r"\$\.trades\[0\]"),
        ({"trades": [MARKET_BUY["trades"][0] | {"price": "0"}]}, r"\$\.trades\[0\]\.price: a price is above"),
    ],
)
def test_a_bad_order_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(VenueGarbled, match=words):
        orders.placed_order("o", body(changed(LIMIT_SELL, **fields)), IDENTIFIER)


@pytest.mark.parametrize(
    ("raw", "name", "message"),
    [
        (b'{"error":{"name":"order_not_found","message":"x"}}', "order_not_found", "x"),
        (b'{"error":{"name":404,"message":"Code not found"}}', "404", "Code not found"),
        (b'{"error":{"name":"nonce_used"}}', "nonce_used", ""),
    ],
)
def test_refusals_have_a_name_in_words_or_numbers(raw: bytes, name: str, message: str) -> None:
    assert wire.refusal(raw) == wire.Refused(name, message)
