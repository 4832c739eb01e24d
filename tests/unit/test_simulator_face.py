"""The HTTP face of the simulator: paths, parameters, JSON shapes and the stepping of time."""

import gzip
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import Pairs, Request
from makenaide.exchange.simulator.rest.compression import Compression, weak_tag
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import FaceSettings, Pace, QuotaSettings, VenueSettings
from makenaide.exchange.simulator.stream import frames
from tests.unit.simulator_listener import Watch
from tests.unit.simulator_street import (
    BEGIN,
    BTC,
    SECRET,
    XRP,
    Customer,
    ask,
    buy,
    decoded,
    error_name,
    faced,
    flat,
    limit,
    opened,
    seconds,
    token,
)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("GET", "/v1/nothing"),
            ("PUT", "/v1/orders"),
            ("POST", "/v1/ticker"),
            ("GET", ""),
            ("GET", "/v1/ticker/"),
        ),
        *(("HEAD", "/v1/ticker"), ("OPTIONS", "/v1/orders"), ("POST", "/v1/candles/minutes/1"), ("GET", "*")),
    ],
)
def test_an_unknown_path_has_no_route(method: str, path: str) -> None:
    reply = faced(opened(flat())).handle(Request(method=method, path=path))
    assert (reply.status, error_name(reply)) == (404, "not_found")
    assert decoded(reply)["error"]["message"] == "no Route matched with those values"
    assert "remaining-req" not in reply.headers


def test_quotation_replies_are_tagged_and_packed_for_who_asks() -> None:
    plain = ask("/v1/ticker", ("markets", BTC))
    assert plain.headers["cache-control"].startswith("no-cache")
    assert plain.headers["limit-by-ip"] == "Yes"
    assert plain.headers["etag"].startswith(f'W/"{len(plain.body):x}-')
    assert "content-encoding" not in plain.headers
    face = faced(opened(flat()))
    for accepted in ("gzip", "deflate, gzip;q=1.0", "*", "GZIP, br", "gzip; q=0.5"):
        reply = ask("/v1/ticker", ("markets", BTC), face=face, **{"Accept-Encoding": accepted})
        assert reply.headers["content-encoding"] == "gzip"
        assert gzip.decompress(reply.body) == plain.body
        assert reply.headers["etag"] == plain.headers["etag"]
    for accepted in ("identity", "br", "gzip;q=0", "gzip; q=0.000", ""):
        reply = ask("/v1/ticker", ("markets", BTC), face=face, **{"Accept-Encoding": accepted})
        assert reply.body == plain.body


def test_nothing_else_is_packed() -> None:
    someone = Customer(faced(opened(flat())))
    headers = {"accept-encoding": "gzip"}
    for path in ("/v1/ticker", "/v1/unheard", "/simulator/clock"):
        reply = ask(path, face=someone.face, **headers)
        assert "content-encoding" not in reply.headers
        assert "etag" not in reply.headers
    signed = {"authorization": token("paper", "", "1")} | headers
    accounts = ask("/v1/accounts", face=someone.face, **signed)
    assert (accounts.status, "content-encoding" in accounts.headers) == (200, False)


def test_a_tag_changes_with_the_body() -> None:
    face = faced(opened(flat()))
    first, again = (ask("/v1/orderbook", ("markets", BTC), face=face).headers["etag"] for _ in range(2))
    face.venue.advance(BEGIN + timedelta(seconds=1))
    assert first == again
    assert ask("/v1/orderbook", ("markets", BTC), face=face).headers["etag"] != first


def test_only_the_last_packed_bodies_are_remembered() -> None:
    compression = Compression()
    for number in range(200):
        body = str(number).encode() * 100
        assert gzip.decompress(compression.packed(body, weak_tag(body))) == body
    assert len(compression._packed) == 64


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
    for wrong in ("soon", "2026-01-05T00:00:00", "9999-12-31T00:00:00Z", "0001-01-01T00:00:00+09:00"):
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
    fences = {BTC: {"floor": "95000000", "peak": "120000000"}, "KRW-GONE": {"floor": 0.5, "peak": 2}}
    body = {"until": "2026-01-05T12:00:00.000000+09:00", "fences": fences}
    assert decoded(someone.post("/simulator/advance", body)) == {
        "at": "2026-01-05T00:11:40.000000+00:00",
        "bids": {"KRW-BTC": "89999000"},
    }
    reply = decoded(someone.post("/simulator/advance", {"until": "2026-01-05T00:20:00Z"}))
    assert reply == {"at": "2026-01-05T00:20:00.000000+00:00", "bids": {}}


def test_a_moment_is_the_same_millisecond_wherever_it_is_told() -> None:
    venue = opened(flat())
    someone = Customer(faced(venue))
    venue.advance(BEGIN + timedelta(microseconds=999_600))
    venue.place("paper", limit("bid", "100000000", "0.01"))
    [order] = venue.accounts["paper"].history
    [trade] = decoded(someone.get("/v1/trades/ticks", ("market", BTC)))
    [book] = decoded(someone.get("/v1/orderbook", ("markets", BTC)))
    told = (trade["timestamp"], book["timestamp"], frames.milliseconds(order.trades[0].at))
    assert told == (1767571200999, 1767571200900, 1767571200999)


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


def test_in_real_pace_the_wall_clock_moves_the_venue_and_nobody_else() -> None:
    venue = opened(flat(), settings=VenueSettings(pace=Pace.REAL))
    with pytest.raises(Misconfigured, match="real needs a clock"):
        Face(venue, [])
    wall = Watch()
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


def test_what_no_reply_can_hold_is_refused_in_other_words() -> None:
    text = "market=\ud800"
    payload = {"access_key": "paper", "nonce": "n", "query_hash_alg": "SHA512"}
    payload["query_hash"] = hashlib.sha512(text.encode("utf-8", "surrogatepass")).hexdigest()
    headers = {"Authorization": "Bearer " + jwt.encode(payload, SECRET, algorithm="HS512")}
    request = Request(method="GET", path="/v1/orders/chance", query=(("market", "\ud800"),), headers=headers)
    reply = faced(opened(flat())).handle(request)
    assert (reply.status, error_name(reply)) == (400, "notfoundmarket")
