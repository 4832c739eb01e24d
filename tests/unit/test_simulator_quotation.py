"""The public calls of the simulator: parameters, refusals and JSON shapes."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from makenaide.domain.market import Market
from makenaide.domain.order import Side
from makenaide.exchange.http import Pairs
from makenaide.exchange.simulator.core.prints import Prints
from makenaide.exchange.simulator.market import CandleRow
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.rest.shelf import MOST_ROWS, MOST_SERIES, Shelf
from makenaide.exchange.venue import CandleUnit
from tests.unit.simulator_street import (
    BEGIN,
    BTC,
    ETH_BTC,
    XRP,
    Customer,
    Street,
    ask,
    buy,
    decoded,
    error_name,
    faced,
    flat,
    limit,
    opened,
    seconds,
    sell,
)


def test_markets_are_listed_with_their_flags_when_asked() -> None:
    face = faced(opened(replace(flat(), warned=frozenset({XRP}))))
    assert decoded(ask("/v1/market/all", face=face))[1] == {
        "market": "KRW-BTC",
        "korean_name": "한 KRW-BTC",
        "english_name": "KRW-BTC",
    }
    for name in ("is_details", "isDetails"):
        rows = decoded(ask("/v1/market/all", (name, "true"), face=face))
        assert [row["market_event"]["warning"] for row in rows] == [False, False, True]
        assert rows[0]["market_event"]["caution"] == {
            "PRICE_FLUCTUATIONS": False,
            "TRADING_VOLUME_SOARING": False,
            "DEPOSIT_AMOUNT_SOARING": False,
            "GLOBAL_PRICE_DIFFERENCES": False,
            "CONCENTRATION_OF_SMALL_ACCOUNTS": False,
        }


def test_a_minute_candle_has_the_documented_fields() -> None:
    reply = ask("/v1/candles/minutes/60", ("market", "krw-btc"), ("to", "2026-01-04T09:00:00+09:00"))
    assert reply.status == 200
    assert decoded(reply) == []
    [row] = decoded(ask("/v1/candles/minutes/60", ("market", "krw-btc"), ("to", "2026-01-04 12:00:00")))
    assert row == {
        "market": "KRW-BTC",
        "candle_date_time_utc": "2026-01-04T11:00:00",
        "candle_date_time_kst": "2026-01-04T20:00:00",
        "opening_price": 100000000,
        "high_price": 100000000,
        "low_price": 100000000,
        "trade_price": 100000000,
        "timestamp": int(datetime(2026, 1, 4, 11, 0, 59, tzinfo=UTC).timestamp() * 1000),
        "candle_acc_trade_price": 150000000.0,
        "candle_acc_trade_volume": 1.5,
        "unit": 60,
    }


def test_a_day_candle_tells_its_change_and_converts_when_asked() -> None:
    days = ask("/v1/candles/days", ("market", BTC), ("count", "2"), ("converting_price_unit", "KRW"))
    newest = decoded(days)[0]
    assert newest["candle_date_time_utc"] == "2026-01-05T00:00:00"
    fields = ("prev_closing_price", "change_price", "change_rate", "converted_trade_price")
    assert [newest[name] for name in fields] == [200000000, -100000000, -0.5, 100000000]
    assert len(decoded(days)) == 2


@pytest.mark.parametrize("unit", [CandleUnit.WEEKS, CandleUnit.MONTHS, CandleUnit.YEARS])
def test_longer_candles_tell_the_first_day_of_their_period(unit: CandleUnit) -> None:
    [row] = decoded(ask(f"/v1/candles/{unit}", ("market", BTC)))
    assert row["first_day_of_period"] == row["candle_date_time_utc"][:10]


@pytest.mark.parametrize(
    "to",
    [
        *("2026-01-04T12:00:00Z", "2026-01-04 12:00:00", "2026-01-04T12:00:00", "2026-01-04T21:00:00+09:00"),
        *("2026-01-04T21:00:00 09:00", "2026-01-04 21:00:00 09:00"),
    ],
)
def test_to_is_exclusive_and_utc_without_an_offset(to: str) -> None:
    rows = decoded(ask("/v1/candles/minutes/1", ("market", BTC), ("to", to), ("count", "2")))
    assert [row["candle_date_time_utc"] for row in rows] == ["2026-01-04T11:59:00", "2026-01-04T11:58:00"]


@pytest.mark.parametrize(
    ("path", "query", "error"),
    [
        ("/v1/market/all", (("is_details", "yes"),), "Type mismatch"),
        ("/v1/candles/days", (), "Missing request parameter"),
        ("/v1/candles/days", (("market", "KRW-NONE"),), "Code not found"),
        ("/v1/candles/days", (("market", "nonsense"),), "Code not found"),
        ("/v1/candles/days", (("market", BTC), ("count", "201")), "Invalid parameter"),
        ("/v1/candles/days", (("market", BTC), ("count", "0")), "Invalid parameter"),
        ("/v1/candles/days", (("market", BTC), ("count", "x")), "Type mismatch"),
        ("/v1/candles/days", (("market", BTC), ("count", "9" * 5000)), "Type mismatch"),
        ("/v1/candles/days", (("market", BTC), ("count", "²")), "Type mismatch"),
        ("/v1/candles/days", (("market", BTC), ("to", "noon")), "Invalid parameter"),
        ("/v1/candles/days", (("market", BTC), ("to", "0001-01-01T00:00:00+09:00")), "Invalid parameter"),
        ("/v1/candles/days", (("market", BTC), ("convertingPriceUnit", "krw")), "Invalid parameter"),
        ("/v1/candles/weeks", (("market", BTC), ("converting_price_unit", "KRW")), "Invalid parameter"),
        ("/v1/trades/ticks", (), "Missing request parameter"),
        ("/v1/trades/ticks", (("market", "KRW-NONE"),), "Code not found"),
        ("/v1/trades/ticks", (("market", BTC), ("count", "501")), "Invalid parameter"),
        ("/v1/trades/ticks", (("market", BTC), ("days_ago", "8")), "Invalid parameter"),
        ("/v1/trades/ticks", (("market", BTC), ("days_ago", "0")), "Invalid parameter"),
        ("/v1/trades/ticks", (("market", BTC), ("cursor", "x")), "Type mismatch"),
        ("/v1/trades/ticks", (("market", BTC), ("cursor", "-1")), "Invalid parameter"),
        ("/v1/trades/ticks", (("market", BTC), ("to", "25:00:00")), "Invalid parameter"),
        ("/v1/trades/ticks", (("market", BTC), ("to", "noon")), "Invalid parameter"),
        ("/v1/candles/days", (("market", BTC), ("converting_price_unit", "BTC")), "Invalid parameter"),
        ("/v1/candles/minutes/7", (("market", BTC),), "Invalid parameter"),
        ("/v1/ticker", (), "Missing request parameter"),
        ("/v1/ticker", (("markets", "KRW-BTC,KRW-NONE"),), "Code not found"),
        ("/v1/ticker/all", (), "Missing request parameter"),
        ("/v1/orderbook", (("markets", BTC), ("count", "abc")), "Type mismatch"),
        ("/v1/orderbook", (("markets", BTC), ("count", "0")), "Invalid parameter"),
        ("/v1/orderbook", (("markets", BTC), ("level", "x")), "Type mismatch"),
        ("/v1/orderbook", (("markets", BTC), ("level", "NaN")), "Type mismatch"),
        ("/v1/orderbook", (("markets", BTC), ("level", "1e999999999")), "Type mismatch"),
        ("/v1/orderbook/supported_levels", (), "Missing request parameter"),
    ],
)
def test_quotation_errors_have_integer_names(path: str, query: Pairs, error: str) -> None:
    reply = ask(path, *query)
    assert (reply.status, error_name(reply)) == ((404, 404) if error == "Code not found" else (400, 400))
    assert decoded(reply)["error"]["message"].startswith(error)
    assert "remaining-req" in reply.headers


def test_a_ticker_changes_when_the_street_may_have_traded_and_only_then() -> None:
    face = faced(opened(flat()))
    seen = {}
    for millisecond in (0, 1, 500, 998, 999, 1000, 1500):
        face.venue.advance(BEGIN + timedelta(milliseconds=millisecond))
        [row] = decoded(ask("/v1/ticker", ("markets", BTC), face=face))
        seen[millisecond] = row["timestamp"] - round(BEGIN.timestamp() * 1000)
    assert seen == {0: 0, 1: 0, 500: 0, 998: 0, 999: 999, 1000: 1000, 1500: 1000}


def test_a_ticker_has_the_documented_fields() -> None:
    at = BEGIN + timedelta(hours=16, milliseconds=40)
    face = faced(opened(flat()))
    face.venue.advance(at)
    [row] = decoded(ask("/v1/ticker", ("markets", BTC), face=face))
    # A ticker is as of the last moment at which the street may have traded.
    stamp = round(at.replace(microsecond=0).timestamp() * 1000)
    assert row == {
        "market": "KRW-BTC",
        "trade_date": "20260105",
        "trade_time": "160000",
        "trade_date_kst": "20260106",
        "trade_time_kst": "010000",
        "trade_timestamp": stamp,
        "opening_price": 100000000,
        "high_price": 100000000,
        "low_price": 100000000,
        "trade_price": 100000000,
        "prev_closing_price": 125000000,
        "change": "FALL",
        "change_price": 25000000,
        "change_rate": 0.2,
        "signed_change_price": -25000000,
        "signed_change_rate": -0.2,
        "trade_volume": 0.5,
        "acc_trade_price": 12.5,
        "acc_trade_price_24h": 25.0,
        "acc_trade_volume": 1.25,
        "acc_trade_volume_24h": 2.5,
        "highest_52_week_price": 200000000,
        "highest_52_week_date": "2026-01-05",
        "lowest_52_week_price": 50000000,
        "lowest_52_week_date": "2026-01-05",
        "timestamp": stamp,
    }


def test_all_tickers_of_a_quote_currency_come_in_one_call() -> None:
    for quotes, count in (("KRW", 2), ("krw,BTC", 3), ("USDT", 0)):
        assert len(decoded(ask("/v1/ticker/all", ("quote_currencies", quotes)))) == count


def test_a_book_has_the_documented_fields_and_pads_the_thin_side() -> None:
    face = faced(opened(replace(flat(), levels=1)))
    Customer(face).post("/v1/orders", limit("bid", "90000000", "0.05"))
    face.venue.advance(BEGIN + timedelta(milliseconds=1234))
    [book] = decoded(ask("/v1/orderbook", ("markets", BTC), ("count", "50"), face=face))
    assert book == {
        "market": "KRW-BTC",
        "timestamp": int(BEGIN.timestamp() * 1000) + 1200,
        "total_ask_size": 1,
        "total_bid_size": 1.05,
        "orderbook_units": [
            {"bid_price": 99999000, "bid_size": 1, "ask_price": 100000000, "ask_size": 1},
            {"bid_price": 90000000, "bid_size": 0.05, "ask_price": 0, "ask_size": 0},
        ],
        "level": 0,
    }


def test_a_book_can_be_cut_and_grouped() -> None:
    [cut] = decoded(ask("/v1/orderbook", ("markets", BTC), ("count", "5")))
    assert len(cut["orderbook_units"]) == 5
    [grouped] = decoded(ask("/v1/orderbook", ("markets", BTC), ("count", "2"), ("level", "10000")))
    assert grouped["orderbook_units"] == [
        {"bid_price": 99990000, "bid_size": 10, "ask_price": 100000000, "ask_size": 1},
        {"bid_price": 99980000, "bid_size": 10, "ask_price": 100010000, "ask_size": 10},
    ]
    assert decoded(ask("/v1/orderbook", ("markets", ETH_BTC), ("level", "10000"))) == []
    assert decoded(ask("/v1/orderbook", ("markets", BTC), ("level", "7"))) == []
    rows = decoded(ask("/v1/orderbook", ("markets", f"{ETH_BTC},{XRP},{BTC}"), ("level", "10000")))
    assert [row["market"] for row in rows] == [BTC]


def test_supported_levels_are_the_groupings_as_numbers() -> None:
    rows = decoded(ask("/v1/orderbook/supported_levels", ("markets", f"{XRP},{ETH_BTC}")))
    assert rows == [
        {"market": "KRW-XRP", "supported_levels": [0, 10, 100, 1000]},
        {"market": "BTC-ETH", "supported_levels": [0]},
    ]


def test_a_market_named_twice_is_answered_once() -> None:
    rows = decoded(ask("/v1/ticker", ("markets", "krw-xrp,KRW-BTC,KRW-XRP")))
    assert [row["market"] for row in rows] == ["KRW-XRP", "KRW-BTC"]


def test_a_repeated_parameter_is_a_list_of_markets() -> None:
    rows = decoded(ask("/v1/ticker", ("markets", "KRW-XRP"), ("markets", "KRW-BTC,KRW-XRP")))
    assert [row["market"] for row in rows] == ["KRW-XRP", "KRW-BTC"]


def test_a_repeated_parameter_is_a_list_of_quote_currencies() -> None:
    query = (("quote_currencies", "KRW"), ("quote_currencies", "BTC"))
    assert len(decoded(ask("/v1/ticker/all", *query))) == 3


def trades(face: Face, *query: tuple[str, str]) -> Any:
    return decoded(ask("/v1/trades/ticks", ("market", "krw-btc"), *query, face=face))


def test_trades_are_the_newest_of_the_day_with_the_documented_fields() -> None:
    face = faced(opened(flat()))
    face.venue.advance(BEGIN + timedelta(hours=2, seconds=10))
    assert trades(face) == [
        {
            "market": "KRW-BTC",
            "trade_date_utc": "2026-01-05",
            "trade_time_utc": "02:00:10",
            "timestamp": int(BEGIN.timestamp() + 7210) * 1000,
            "trade_price": 100000000,
            "trade_volume": 0.01,
            "prev_closing_price": 200000000,
            "change_price": -100000000,
            "ask_bid": "BID",
            "sequential_id": int(BEGIN.timestamp() + 7210) * 10**7,
        }
    ]
    assert len(trades(face, ("count", "500"))) == 500


@pytest.mark.parametrize(
    ("query", "times"),
    [
        ((("count", "2"),), ["2026-01-05T02:00:10", "2026-01-05T02:00:09"]),
        ((("count", "2"), ("to", "01:00:00")), ["2026-01-05T01:00:00", "2026-01-05T00:59:59"]),
        ((("count", "2"), ("to", "000001")), ["2026-01-05T00:00:01", "2026-01-05T00:00:00"]),
        ((("count", "5"), ("to", "000000")), ["2026-01-05T00:00:00"]),
        ((("count", "1"), ("to", "23:59:59")), ["2026-01-05T02:00:10"]),
        ((("count", "1"), ("days_ago", "1")), ["2026-01-04T23:59:59"]),
        ((("count", "1"), ("days_ago", "1"), ("to", "12:34:56")), ["2026-01-04T12:34:56"]),
        ((("cursor", "0"),), []),
        ((("cursor", "9" * 18),), ["2026-01-05T02:00:10"]),
    ],
)
def test_trades_are_those_of_one_day_up_to_a_time(query: Pairs, times: list[str]) -> None:
    face = faced(opened(flat()))
    face.venue.advance(BEGIN + timedelta(hours=2, seconds=10))
    rows = trades(face, *query)
    assert [f"{row['trade_date_utc']}T{row['trade_time_utc']}" for row in rows] == times


def test_a_cursor_pages_through_the_trades_of_street_and_accounts_without_gap_or_repeat() -> None:
    face = faced(opened(flat()))
    someone = Customer(face)
    for second in (3, 3, 7):
        assert someone.post("/v1/orders", buy("6000"), at=seconds(second)).status == 201
    someone.post("/v1/orders", sell("0.0001"), at=seconds(8.5))
    face.venue.advance(BEGIN + timedelta(seconds=10))
    whole = trades(face, ("count", "500"))
    own = [row for row in whole if row["trade_volume"] != 0.01]
    assert [(row["trade_time_utc"], row["ask_bid"]) for row in own] == [
        *(("00:00:08", "ASK"), ("00:00:07", "BID"), ("00:00:03", "BID"), ("00:00:03", "BID"))
    ]
    assert own[1]["trade_volume"] == 0.00006
    assert trades(face, ("to", "00:00:08")) == own[:1], "to the end of that second"
    numbers = [row["sequential_id"] for row in whole]
    assert len(set(numbers)) == len(numbers) == 11 + 4
    paged, cursor = [], str(10**18 - 1)
    while rows := trades(face, ("count", "2"), ("cursor", cursor)):
        paged += rows
        cursor = str(rows[-1]["sequential_id"])
    assert paged == whole


def test_a_second_candle_has_no_unit_and_no_period() -> None:
    [row] = decoded(ask("/v1/candles/seconds", ("market", BTC)))
    assert list(row)[-1] == "candle_acc_trade_volume"


def test_instruments_tell_the_price_step_in_strings() -> None:
    rows = decoded(ask("/v1/orderbook/instruments", ("markets", f"{BTC},{XRP},{ETH_BTC}")))
    assert rows[0] == {
        "market": "KRW-BTC",
        "quote_currency": "KRW",
        "tick_size": "1000",
        "supported_levels": ["0", "10000", "100000", "1000000", "10000000", "100000000"],
    }
    assert [row["tick_size"] for row in rows[1:]] == ["1", "0.00000001"]
    assert rows[2]["supported_levels"] == ["0"]


def test_candles_on_the_shelf_are_those_of_the_data_and_few() -> None:
    shelf, street = Shelf(), flat()
    for number in range(MOST_SERIES + 10):
        shelf.encoded(Market(f"KRW-X{number}"), CandleUnit.DAYS, [])
    assert len(shelf._series) == MOST_SERIES
    now = BEGIN + timedelta(hours=20)
    rows = street.candles(BTC, CandleUnit.MINUTES_1, now, 200, now)
    changed = [replace(row, close=1.0) for row in rows]
    for asked in (rows, rows[:3], changed, rows):
        written = json.loads(msgspec.json.encode(shelf.encoded(BTC, CandleUnit.MINUTES_1, asked)))
        assert [row["trade_price"] for row in written] == [row.close for row in asked]
    for back in range(20):
        page = street.candles(BTC, CandleUnit.MINUTES_1, now - timedelta(minutes=50 * back), 50, now)
        shelf.encoded(BTC, CandleUnit.MINUTES_1, page)
    assert len(shelf._series[BTC, CandleUnit.MINUTES_1]) <= MOST_ROWS


class _Silent(Street):
    """A street on which nothing was ever traded, or nothing since the day before."""

    def candles(
        self, market: Market, unit: CandleUnit, before: datetime, count: int, now: datetime
    ) -> list[CandleRow]:
        rows = super().candles(market, unit, before, count, now)
        return [replace(row, start=row.start - timedelta(days=1)) for row in rows] if self.levels == 1 else []


@pytest.mark.parametrize("levels", [1, 2])
def test_where_the_street_had_no_trade_that_day_the_last_price_is_the_previous_close(levels: int) -> None:
    face = faced(opened(_Silent(steps=flat().steps, levels=levels)))
    [row] = trades(face)
    assert (row["prev_closing_price"], row["change_price"]) == (100000000, 0)


def test_the_accounts_trades_have_numbers_of_their_own_and_are_kept_for_nine_days() -> None:
    prints = Prints()
    deal = Decimal(1000), Decimal("0.5")
    made = [prints.add(BTC, deal, Side.BID, BEGIN) for _ in range(10_500)]
    assert len({each.number for each in made}) == 10_500
    assert all(each.number % 10_000 for each in made)
    for day in range(1000):
        prints.add(XRP, deal, Side.ASK, BEGIN + timedelta(days=day))
    kept = prints.between(XRP, BEGIN - timedelta(days=1), BEGIN + timedelta(days=2000))
    assert [each.at for each in kept] == [
        int((BEGIN + timedelta(days=day)).timestamp() * 1000) for day in range(991, 1000)
    ]
    assert [
        each.volume for each in prints.between(XRP, BEGIN + timedelta(days=998), BEGIN + timedelta(days=999))
    ] == [0.5]
