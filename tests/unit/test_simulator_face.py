"""The HTTP face of the simulator: paths, parameters, JSON shapes and the stepping of time."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import Pairs, Request, Response
from makenaide.exchange.simulator.market import CandleUnit
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import FaceSettings, Pace, QuotaSettings, VenueSettings
from tests.unit.simulator_street import (
    BEGIN,
    BTC,
    ETH_BTC,
    XRP,
    Customer,
    buy,
    decoded,
    error_name,
    faced,
    flat,
    limit,
    opened,
    seconds,
)

MINUTE = 60


def ask(path: str, *query: tuple[str, str], face: Face | None = None, **headers: str) -> Response:
    face = face or faced(opened(flat()))
    return face.handle(Request(method="GET", path=path, query=query, headers=headers))


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


@pytest.mark.parametrize("to", ["2026-01-04T12:00:00Z", "2026-01-04 12:00:00", "2026-01-04T21:00:00+09:00"])
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
        ("/v1/candles/days", (("market", BTC), ("to", "noon")), "Invalid parameter"),
        ("/v1/candles/days", (("market", BTC), ("converting_price_unit", "BTC")), "Invalid parameter"),
        ("/v1/candles/minutes/7", (("market", BTC),), "Invalid parameter"),
        ("/v1/ticker", (), "Missing request parameter"),
        ("/v1/ticker", (("markets", "KRW-BTC,KRW-NONE"),), "Code not found"),
        ("/v1/ticker/all", (), "Missing request parameter"),
        ("/v1/orderbook", (("markets", BTC), ("count", "abc")), "Type mismatch"),
        ("/v1/orderbook", (("markets", BTC), ("count", "0")), "Invalid parameter"),
        ("/v1/orderbook", (("markets", BTC), ("level", "x")), "Type mismatch"),
        ("/v1/orderbook", (("markets", BTC), ("level", "7")), "Invalid parameter"),
    ],
)
def test_quotation_errors_have_integer_names(path: str, query: Pairs, error: str) -> None:
    reply = ask(path, *query)
    assert (reply.status, error_name(reply)) == ((404, 404) if error == "Code not found" else (400, 400))
    assert decoded(reply)["error"]["message"].startswith(error)
    assert "remaining-req" in reply.headers


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/nothing"), ("PUT", "/v1/orders"), ("POST", "/v1/ticker")]
)
def test_an_unknown_path_has_no_route(method: str, path: str) -> None:
    reply = faced(opened(flat())).handle(Request(method=method, path=path))
    assert (reply.status, error_name(reply)) == (404, "not_found")
    assert decoded(reply)["error"]["message"] == "no Route matched with those values"


def test_a_ticker_has_the_documented_fields() -> None:
    at = BEGIN + timedelta(hours=16, milliseconds=40)
    face = faced(opened(flat()))
    face.venue.advance(at)
    [row] = decoded(ask("/v1/ticker", ("markets", BTC), face=face))
    stamp = round(at.timestamp() * 1000)
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


def test_accounts_and_chance_have_the_documented_fields() -> None:
    someone = Customer(faced(opened(flat(), BTC="2", KRW="1000000.5", DOGE="0")))
    rows = decoded(someone.get("/v1/accounts"))
    assert [row["currency"] for row in rows] == ["KRW", "BTC"]
    assert rows[0] == {
        "currency": "KRW",
        "balance": "1000000.5",
        "locked": "0",
        "avg_buy_price": "0",
        "avg_buy_price_modified": False,
        "unit_currency": "KRW",
    }
    chance = decoded(someone.get("/v1/orders/chance", ("market", BTC)))
    assert [chance[f"{who}_fee"] for who in ("bid", "ask", "maker_bid", "maker_ask")] == ["0.0005"] * 4
    market = chance["market"]
    assert (market["id"], market["name"], market["state"]) == ("KRW-BTC", "BTC/KRW", "active")
    assert (market["bid"]["min_total"], market["max_total"]) == ("5000", "1000000000")
    assert (chance["bid_account"], chance["ask_account"]) == (rows[0], rows[1])
    assert error_name(someone.get("/v1/orders/chance")) == "validation_error"
    assert error_name(someone.get("/v1/orders/chance", ("market", "KRW-NONE"))) == "notfoundmarket"
    assert error_name(someone.get("/v1/orders/chance", ("market", "none"))) == "notfoundmarket"


def test_wallets_are_working() -> None:
    rows = decoded(Customer(faced(opened(flat()))).get("/v1/status/wallet"))
    assert [(row["currency"], row["wallet_state"]) for row in rows] == [
        ("BTC", "working"),
        ("ETH", "working"),
        ("XRP", "working"),
    ]


def listed() -> tuple[Customer, list[str]]:
    """A customer with five orders an hour apart: three open, one done, one cancelled; their uuids."""
    someone = Customer(faced(opened(flat())))
    bodies = [
        limit("bid", "90000000", "0.001", identifier="first"),
        limit("bid", "900", "10", market=XRP),
        buy("6000"),
        limit("bid", "91000000", "0.001", time_in_force="post_only"),
        limit("bid", "91000000", "0.001", identifier="last"),
    ]
    uuids = []
    for hour, body in enumerate(bodies):
        reply = someone.post("/v1/orders", body, at=timedelta(hours=hour))
        assert reply.status == 201
        uuids.append(decoded(reply)["uuid"])
    someone.delete("/v1/order", ("identifier", "first"))
    return someone, uuids


def found(someone: Customer, uuids: list[str], path: str, *query: tuple[str, str]) -> Any:
    reply = someone.get(path, *query)
    return [uuids.index(row["uuid"]) for row in decoded(reply)] if reply.status == 200 else error_name(reply)


@pytest.mark.parametrize(
    ("path", "query", "rows"),
    [
        ("open", (), [4, 3, 1]),
        ("open", (("order_by", "asc"),), [1, 3, 4]),
        ("open", (("market", "krw-xrp"),), [1]),
        ("open", (("limit", "2"), ("page", "2")), [1]),
        ("open", (("states[]", "watch"),), []),
        ("open", (("states[]", "wait"), ("states[]", "watch")), [4, 3, 1]),
        ("open", (("state", "wait"),), [4, 3, 1]),
        ("open", (("state", "done"),), "validation_error"),
        ("open", (("state", "wait"), ("states[]", "wait")), "validation_error"),
        ("open", (("limit", "101"),), "validation_error"),
        ("open", (("page", "x"),), "validation_error"),
        ("open", (("order_by", "up"),), "validation_error"),
        ("closed", (), [2, 0]),
        ("closed", (("state", "done"),), [2]),
        ("closed", (("states[]", "cancel"),), [0]),
        ("closed", (("limit", "1"),), [2]),
        ("closed", (("start_time", "2026-01-05T10:00:00+09:00"),), [2]),
        ("closed", (("end_time", "2026-01-05T01:00:00Z"),), [0]),
        ("closed", (("start_time", str(int(BEGIN.timestamp() * 1000))), ("end_time", "2026-01-05T00:30:00")), [0]),
        (
            "closed",
            (("start_time", "2026-01-01T00:00:00Z"), ("end_time", "2026-01-09T00:00:00Z")),
            "validation_error",
        ),
        ("closed", (("start_time", "noon"),), "validation_error"),
        ("closed", (("start_time", "9" * 30),), "validation_error"),
        ("uuids", (("identifiers[]", "first"), ("identifiers[]", "last")), [4, 0]),
        ("uuids", (("identifiers[]", "unheard"),), []),
        ("uuids", (), "bad_request"),
        ("uuids", (("uuids[]", "a"), ("identifiers[]", "b")), "bad_request"),
        ("uuids", tuple(("uuids[]", str(n)) for n in range(101)), "validation_error"),
    ],
)
def test_orders_are_listed_as_asked(path: str, query: Pairs, rows: Any) -> None:
    someone, uuids = listed()
    assert found(someone, uuids, f"/v1/orders/{path}", *query) == rows


def test_orders_are_found_and_cancelled_by_their_uuids() -> None:
    someone, uuids = listed()
    ids = [("uuids[]", uuid) for uuid in uuids]
    assert found(someone, uuids, "/v1/orders/uuids", *ids, ("market", XRP)) == [1]
    reply = decoded(someone.delete("/v1/orders/uuids", *ids))
    assert (reply["success"]["count"], reply["failed"]["count"]) == (3, 2)
    assert reply["success"]["orders"][2] == {"uuid": uuids[4], "market": "KRW-BTC", "identifier": "last"}
    assert error_name(someone.delete("/v1/orders/uuids", *(("uuids[]", str(n)) for n in range(21)))) == (
        "validation_error"
    )


def test_a_batch_cancel_stops_at_maintenance() -> None:
    street = replace(flat(), closed=(BEGIN + timedelta(hours=1), BEGIN + timedelta(hours=2)))
    someone = Customer(faced(opened(street)))
    uuid = decoded(someone.post("/v1/orders", limit("bid", "90000000", "0.001")))["uuid"]
    reply = someone.delete("/v1/orders/uuids", ("uuids[]", uuid), at=timedelta(hours=1))
    assert (reply.status, error_name(reply)) == (403, "market_offline")


def test_the_header_moves_the_venues_time_and_never_back() -> None:
    face = faced(opened(flat()))
    reply = ask("/v1/market/all", face=face, **{"Makenaide-Time": "2026-01-05T09:00:10.250000+09:00"})
    assert face.venue.now == BEGIN + timedelta(seconds=10, milliseconds=250)
    assert reply.headers["date"] == "Mon, 05 Jan 2026 00:00:10 GMT"
    ask("/v1/market/all", face=face, **{"makenaide-time": "2026-01-05T00:00:00+00:00"})
    assert face.venue.now == BEGIN + timedelta(seconds=10, milliseconds=250)
    for wrong in ("soon", "2026-01-05T00:00:00"):
        assert error_name(ask("/v1/market/all", face=face, **{"Makenaide-Time": wrong})) == "validation_error"


def test_the_clock_tells_the_range_of_the_data() -> None:
    assert decoded(ask("/simulator/clock")) == {
        "now": "2026-01-05T00:00:00.000000+00:00",
        "first_slot": "2026-01-05T00:00:00.000000+00:00",
        "end": "2026-02-04T00:00:00.000000+00:00",
    }


def test_advance_sleeps_until_a_fence_is_touched() -> None:
    street = flat()
    street = replace(
        street, steps={**street.steps, BTC: [*street.steps[BTC], (seconds(700), street.size * 90000000)]}
    )
    someone = Customer(faced(opened(street)))
    fences = {BTC: {"floor": "95000000", "peak": "120000000"}, "KRW-GONE": {"floor": "1", "peak": "2"}}
    body = {"until": "2026-01-05T12:00:00.000000+09:00", "fences": fences}
    assert decoded(someone.post("/simulator/advance", body)) == {
        "at": "2026-01-05T00:11:40.000000+00:00",
        "bids": {"KRW-BTC": "89999000"},
    }
    reply = decoded(someone.post("/simulator/advance", {"until": "2026-01-05T00:20:00Z"}))
    assert reply == {"at": "2026-01-05T00:20:00.000000+00:00", "bids": {}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "until"),
        ({"until": 5}, "until"),
        ({"until": "later"}, "until"),
        ({"until": "2026-01-05T00:00:00Z", "fences": "all"}, "fences"),
        ({"until": "2026-01-05T00:00:00Z", "fences": {"BTC": {}}}, "fences.BTC"),
        ({"until": "2026-01-05T00:00:00Z", "fences": {BTC: {"floor": "1"}}}, "fences.KRW-BTC"),
        ({"until": "2026-01-05T00:00:00Z", "fences": {BTC: {"floor": "0", "peak": "1"}}}, "fences.KRW-BTC"),
        ({"until": "2026-01-05T00:00:00Z", "fences": {BTC: 5}}, "fences.KRW-BTC"),
    ],
)
def test_a_wrong_advance_names_its_field(body: dict[str, object], field: str) -> None:
    reply = Customer(faced(opened(flat()))).post("/simulator/advance", body)
    assert (reply.status, error_name(reply)) == (400, "validation_error")
    assert field in decoded(reply)["error"]["message"]


class _Wall:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = BEGIN

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def test_in_real_pace_the_wall_clock_moves_the_venue_and_nobody_else() -> None:
    venue = opened(flat(), settings=VenueSettings(pace=Pace.REAL))
    with pytest.raises(Misconfigured, match="real needs a clock"):
        Face(venue, [])
    wall = _Wall()
    face = Face(venue, [], FaceSettings(quota=QuotaSettings()), wall)
    wall.sleep(5)
    ask("/v1/market/all", face=face, **{"Makenaide-Time": "2026-01-06T00:00:00+00:00"})
    assert venue.now == BEGIN + timedelta(seconds=5)
    assert ask("/simulator/clock", face=face).status == 404
    assert face.handle(Request(method="POST", path="/simulator/advance")).status == 404


def test_the_same_calls_get_the_same_bytes() -> None:
    def run() -> list[tuple[int, bytes]]:
        someone, _ = listed()
        replies = [someone.get("/v1/orders/open"), someone.get("/v1/orders/closed"), someone.get("/v1/accounts")]
        return [(reply.status, reply.body) for reply in replies]

    assert run() == run()


def test_another_seed_gives_other_ids() -> None:
    one, two = (opened(flat(), settings=VenueSettings(seed=seed)) for seed in (1, 2))
    assert one.place("paper", buy("6000")).uuid != two.place("paper", buy("6000")).uuid


def test_a_face_in_the_same_process_is_a_transport() -> None:
    assert json.loads(faced(opened(flat())).send(Request(method="GET", path="/v1/market/all")).body)
