"""What the client asks of the venue, and what it makes of the replies."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import jwt
import pytest

from makenaide.domain.errors import Misconfigured, Unavailable, UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import (
    Accepted,
    Answer,
    Duplicate,
    Identifier,
    NoAnswer,
    NotAccepted,
    NotSent,
    OrderRequest,
    OrderType,
    Rejected,
    Side,
    TimeInForce,
)
from makenaide.exchange.http import Interrupted, NotConnected, Request
from makenaide.exchange.upbit.errors import VenueGarbled, VenueRefused, VenueUnavailable
from makenaide.exchange.upbit.retry import RetrySettings
from makenaide.exchange.upbit.transport import target
from makenaide.exchange.venue import Venue
from tests.unit.simulator_street import hashed
from tests.unit.test_upbit_wire import CANDLE, CHANCE, LIMIT_SELL, LISTING, MARKET_BUY, TICKER, changed
from tests.unit.upbit_script import KEYS, START, Step, refused, reply, stand

BTC, ETH = Market("KRW-BTC"), Market("KRW-ETH")
IDENTIFIER = Identifier("mk1-7f3a-KRW-BTC-20260105T0900-e01")
ENTRY = OrderRequest(
    market=BTC,
    side=Side.BID,
    type=OrderType.LIMIT,
    identifier=IDENTIFIER,
    price=Price(155772000),
    volume=Quantity("0.0001"),
    time_in_force=TimeInForce.IOC,
)
ONCE = RetrySettings(attempts=1)


def claims(request: Request) -> dict[str, Any]:
    token = request.headers["authorization"].removeprefix("Bearer ")
    read: dict[str, Any] = jwt.decode(token, KEYS.secret, algorithms=["HS512"])
    return read


def test_the_client_is_a_venue() -> None:
    venue: Venue = stand([reply([])]).client
    assert venue.accounts() == {}


# ---- market data ----


def test_market_data_is_asked_for_compressed_and_unsigned() -> None:
    at = stand([reply([json.loads(LISTING)])], keys=None)
    (listing,) = at.client.markets()
    assert listing.market == "KRW-BTC"
    (request,) = at.sent
    assert (request.method, request.path, request.query) == ("GET", "/v1/market/all", (("is_details", "true"),))
    assert request.headers == {"accept-encoding": "gzip"}
    assert request.body is None


def test_day_candles_are_asked_for_by_the_start_of_the_day_with_a_zone() -> None:
    at = stand([reply([json.loads(CANDLE)])])
    before = datetime(2025, 7, 1, 13, 45, 12, 345, tzinfo=UTC)
    (candle,) = at.client.day_candles(BTC, before, 200)
    assert candle.start == datetime(2025, 6, 30, tzinfo=UTC)
    (request,) = at.sent
    assert request.path == "/v1/candles/days"
    assert request.query == (("market", "KRW-BTC"), ("to", "2025-07-01T00:00:00Z"), ("count", "200"))


def test_the_candle_that_is_still_forming_is_never_returned() -> None:
    forming = changed(CANDLE, candle_date_time_utc="2025-07-01T00:00:00")
    at = stand([reply([forming, json.loads(CANDLE)])])
    candles = at.client.day_candles(BTC, datetime(2025, 7, 1, 23, 59, tzinfo=UTC), 5)
    assert [candle.start.day for candle in candles] == [30]


def test_no_more_candles_than_asked_and_the_latest_of_them() -> None:
    rows = [changed(CANDLE, candle_date_time_utc=f"2025-06-{day}T00:00:00") for day in (30, 29, 28)]
    candles = stand([reply(rows)]).client.day_candles(BTC, datetime(2025, 7, 1, tzinfo=UTC), 2)
    assert [candle.start.day for candle in candles] == [29, 30]


def test_no_candles_is_an_answer() -> None:
    assert stand([reply([])]).client.day_candles(BTC, START, 1) == ()


@pytest.mark.parametrize("count", [0, 201, -1])
def test_more_candles_than_the_venue_serves_are_not_asked_for(count: int) -> None:
    at = stand([reply([])])
    with pytest.raises(ValueError, match="count"):
        at.client.day_candles(BTC, START, count)
    with pytest.raises(ValueError, match="zone"):
        at.client.day_candles(BTC, datetime(2025, 7, 1), 1)  # noqa: DTZ001 - that is the point
    assert at.sent == []


def test_tickers_books_and_instruments_are_asked_for_in_one_call_each() -> None:
    book = {"market": "KRW-ETH", "timestamp": 1, "orderbook_units": []}
    steps = [reply([json.loads(TICKER)]), reply([book]), reply([{"market": "KRW-ETH", "tick_size": "1000"}])]
    at = stand(steps)
    assert at.client.tickers([ETH])[ETH].price == Price(3510000)
    assert at.client.books([ETH], 5)[ETH].best_bid is None
    assert at.client.instruments([ETH])[ETH].tick_size == 1000
    asked = [(request.path, request.query) for request in at.sent]
    assert asked == [
        ("/v1/ticker", (("markets", "KRW-ETH"),)),
        ("/v1/orderbook", (("markets", "KRW-ETH"), ("count", "5"))),
        ("/v1/orderbook/instruments", (("markets", "KRW-ETH"),)),
    ]


def test_nothing_is_asked_about_no_market() -> None:
    at = stand([reply([])])
    assert (at.client.tickers([]), at.client.books([]), at.client.instruments([])) == ({}, {}, {})
    assert at.sent == []


@pytest.mark.parametrize("depth", [0, 31])
def test_a_depth_that_the_venue_does_not_have_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="depth"):
        stand([reply([])]).client.books([BTC], depth)


def test_an_unknown_market_is_named_with_all_that_were_asked() -> None:
    client = stand([refused(404, 404, "Code not found")]).client
    doors: list[Callable[[], object]] = [
        lambda: client.tickers([BTC, ETH]),
        lambda: client.books([BTC, ETH]),
        lambda: client.instruments([BTC, ETH]),
    ]
    for door in doors:
        with pytest.raises(UnknownMarket, match="KRW-BTC, KRW-ETH"):
            door()
    with pytest.raises(UnknownMarket, match="KRW-BTC"):
        client.day_candles(BTC, START, 1)


def test_an_unknown_path_is_no_unknown_market() -> None:
    client = stand([refused(404, "not_found", "no Route matched with those values")]).client
    with pytest.raises(VenueRefused, match="no Route"):
        client.tickers([BTC])
    with pytest.raises(VenueRefused):
        stand([refused(404, 404)]).client.markets()


# ---- the account ----


def test_a_call_without_parameters_is_signed_without_a_hash() -> None:
    at = stand([reply([{"currency": "KRW", "balance": "10.5", "locked": "0"}])])
    assert at.client.accounts()["KRW"].free == Krw("10.5").value
    (request,) = at.sent
    assert claims(request) == {"access_key": KEYS.access, "nonce": "nonce-1"}
    assert request.headers["accept-encoding"] == "identity"


def test_a_query_is_signed_as_it_is_sent_but_decoded() -> None:
    at = stand([reply(changed(MARKET_BUY))])
    found = at.client.order(IDENTIFIER)
    assert found is not None
    assert found.executed == Quantity("0.00003736")
    (request,) = at.sent
    sent = unquote(target(request.path, request.query)).partition("?")[2]
    assert sent == f"identifier={IDENTIFIER}"
    assert claims(request)["query_hash"] == hashed(sent)


def test_the_fees_of_a_market_are_read() -> None:
    at = stand([reply(CHANCE)])
    assert at.client.chance(BTC).minimum_total == Krw(6000)
    assert at.sent[0].path == "/v1/orders/chance"


def test_a_chance_in_an_unknown_market_says_so() -> None:
    with pytest.raises(UnknownMarket, match="KRW-BTC"):
        stand([refused(400, "notfoundmarket")]).client.chance(BTC)
    with pytest.raises(VenueRefused, match="out_of_scope"):
        stand([refused(403, "out_of_scope")]).client.chance(BTC)


def test_an_order_that_the_venue_does_not_know_is_none_and_nothing_else_is() -> None:
    assert stand([refused(404, "order_not_found")]).client.order(IDENTIFIER) is None
    for step in (refused(404, "pocket_not_found"), refused(400, "order_not_found"), reply(b"", 404)):
        with pytest.raises(VenueRefused):
            stand([step]).client.order(IDENTIFIER)
    with pytest.raises(VenueGarbled):
        stand([reply(b"<html>")]).client.order(IDENTIFIER)
    with pytest.raises(VenueUnavailable):
        stand([reply(b"<html>", 502)], settings=ONCE).client.order(IDENTIFIER)


def test_a_cancellation_is_asked_for_once() -> None:
    at = stand([reply(LIMIT_SELL)])
    assert at.client.cancel(IDENTIFIER)
    (request,) = at.sent
    assert (request.method, request.path, request.body) == ("DELETE", "/v1/order", None)
    assert claims(request)["query_hash"] == hashed(f"identifier={IDENTIFIER}")
    assert stand([refused(404, "order_not_found")]).client.cancel(IDENTIFIER) is False


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (NotConnected("refused"), VenueUnavailable),
        (Interrupted("reset"), VenueUnavailable),
        (reply(b"", 500), VenueUnavailable),
        (reply(b"Too many API requests.", 429), VenueUnavailable),
        (reply(b"", 418), VenueUnavailable),
        (refused(400, "bad_request"), VenueRefused),
        (refused(404, "pocket_not_found"), VenueRefused),
    ],
)
def test_a_cancellation_in_doubt_is_raised_and_not_repeated(step: Step, error: type[Unavailable]) -> None:
    at = stand([step])
    with pytest.raises(error, match="DELETE /v1/order"):
        at.client.cancel(IDENTIFIER)
    assert len(at.sent) == 1


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (reply({"uuid": "u-1"}, 201), Accepted("u-1")),
        (NotConnected("refused"), NotSent("refused")),
        (Interrupted("ReadTimeoutError: late"), NoAnswer("ReadTimeoutError: late")),
        (refused(400, "duplicated_identifier"), Duplicate()),
        (refused(400, "insufficient_funds_bid", "부족"), Rejected("insufficient_funds_bid", "부족")),
        (refused(403, "market_offline"), Rejected("market_offline", "words")),
        (refused(401, "jwt_verification"), Rejected("jwt_verification", "words")),
        (reply(b"<html>", 502), NoAnswer("answered 502")),
        (reply(b"garbage", 201), NoAnswer("answered 201 without an order id")),
    ],
)
def test_an_order_is_sent_once_whatever_comes_of_it(step: Step, expected: Answer) -> None:
    at = stand([step])
    assert at.client.place(ENTRY) == expected
    assert len(at.sent) == 1


def test_an_order_is_a_compact_json_body_signed_in_its_own_order() -> None:
    at = stand([reply({"uuid": "u-1"}, 201)])
    at.client.place(ENTRY)
    (request,) = at.sent
    assert (request.method, request.path, request.query) == ("POST", "/v1/orders", ())
    assert request.body == (
        b'{"market":"KRW-BTC","side":"bid","ord_type":"limit","volume":"0.0001","price":"155772000",'
        b'"time_in_force":"ioc","identifier":"mk1-7f3a-KRW-BTC-20260105T0900-e01"}'
    )
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    text = "&".join(f"{name}={value}" for name, value in json.loads(request.body).items())
    assert claims(request)["query_hash"] == hashed(text)


def test_every_send_has_a_nonce_of_its_own() -> None:
    at = stand([reply(b"", 500), reply([]), reply({"uuid": "u"}, 201)])
    at.client.accounts()
    at.client.place(ENTRY)
    assert [claims(request)["nonce"] for request in at.sent] == ["nonce-1", "nonce-2", "nonce-3"]


def test_a_429_says_how_long_to_wait_and_within_that_nothing_is_sent() -> None:
    at = stand([reply(b"Too many API requests.", 429, retry_after="30"), reply({"uuid": "u-1"}, 201)])
    assert at.client.place(ENTRY) == NotAccepted(30)
    again = at.client.place(ENTRY)
    assert isinstance(again, NotAccepted)
    assert again.wait == pytest.approx(30, abs=0.01)
    assert len(at.sent) == 1
    at.clock.sleep(again.wait)
    assert at.client.place(ENTRY) == Accepted("u-1")


def test_a_cancellation_does_not_wait_out_a_block_either() -> None:
    at = stand([reply(b"", 418, retry_after="60")])
    with pytest.raises(VenueUnavailable):
        at.client.cancel(IDENTIFIER)
    with pytest.raises(VenueUnavailable, match="no turn"):
        at.client.cancel(IDENTIFIER)
    assert len(at.sent) == 1


def test_without_keys_the_account_is_a_matter_of_settings() -> None:
    at = stand([reply([])], keys=None)
    for door in (at.client.accounts, lambda: at.client.place(ENTRY), lambda: at.client.cancel(IDENTIFIER)):
        with pytest.raises(Misconfigured, match="keys"):
            door()
    assert at.sent == []


# ---- what the client knows of the line ----


def test_the_offset_of_the_venues_clock_comes_from_its_dates() -> None:
    at = stand([reply([], date="Mon, 05 Jan 2026 00:00:13 GMT")], latency=0.2)
    assert at.client.clock_offset() is None
    at.client.accounts()
    offset = at.client.clock_offset()
    assert offset is not None
    assert (offset.low, offset.high) == (timedelta(seconds=2.8), timedelta(seconds=4))
    assert offset.at == at.clock.now()


def test_calls_are_measured_by_endpoint() -> None:
    at = stand([reply(b"", 500), reply([]), reply(b"", 201), Interrupted("x")], latency=0.25)
    at.client.accounts()
    at.client.place(ENTRY)
    at.client.place(ENTRY)
    accounts, orders = at.client.calls["GET /v1/accounts"], at.client.calls["POST /v1/orders"]
    for measure in (accounts, orders):
        assert (measure.count, measure.failures) == (2, 1)
        assert measure.seconds == pytest.approx(0.5)
