"""Every error name that the order calls of the simulated venue can give, and what becomes of identifiers."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.simulator.settings import FaceSettings, RejectedIdentifier, VenueSettings
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
    sell,
)

Change = Mapping[str, Any]
PATHS = ("/v1/orders", "/v1/orders/test")


def customer(settings: VenueSettings | None = None, **balances: str) -> Customer:
    held = balances or {"KRW": "10000000", "BTC": "50"}
    return Customer(faced(opened(flat(), settings=settings, **held)))


def without(body: Mapping[str, str], field: str) -> dict[str, str]:
    return {name: value for name, value in body.items() if name != field}


LIMIT = limit("bid", "90000000", "0.01")
ASK = limit("ask", "110000000", "0.01")
BEST = {"market": BTC, "side": "bid", "ord_type": "best", "price": "6000", "time_in_force": "ioc"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "name"),
    [
        (without(LIMIT, "market"), "validation_error"),
        (without(LIMIT, "side"), "validation_error"),
        (without(LIMIT, "ord_type"), "validation_error"),
        (LIMIT | {"side": "buy"}, "validation_error"),
        (LIMIT | {"ord_type": "stop"}, "validation_error"),
        (LIMIT | {"market": 5}, "validation_error"),
        (LIMIT | {"volume": "1e-05"}, "validation_error"),
        (LIMIT | {"volume": "-1"}, "validation_error"),
        (LIMIT | {"volume": "NaN"}, "validation_error"),
        (LIMIT | {"volume": "٠.٠١"}, "validation_error"),
        (LIMIT | {"price": True}, "validation_error"),
        (LIMIT | {"price": ["1"]}, "validation_error"),
        (LIMIT | {"smp_type": "always"}, "validation_error"),
        (LIMIT | {"identifier": "x" * 65}, "validation_error"),
        (LIMIT | {"identifier": ""}, "validation_error"),
        (LIMIT | {"identifier": 7}, "validation_error"),
        (LIMIT | {"market": "KRW-BTCs"}, "notfoundmarket"),
        (LIMIT | {"market": "bitcoin"}, "notfoundmarket"),
        (without(LIMIT, "price"), "create_bid_error"),
        (without(ASK, "volume"), "create_ask_error"),
        (buy("6000") | {"volume": "1"}, "create_bid_error"),
        (buy("6000") | {"side": "ask"}, "create_ask_error"),
        (sell("1") | {"price": "6000"}, "create_ask_error"),
        (sell("1") | {"side": "bid"}, "create_bid_error"),
        (BEST | {"volume": "1"}, "create_bid_error"),
        (without(BEST, "time_in_force"), "invalid_time_in_force"),
        (BEST | {"time_in_force": "post_only"}, "invalid_time_in_force"),
        (LIMIT | {"time_in_force": "gtc"}, "invalid_time_in_force"),
        (buy("6000") | {"time_in_force": "ioc"}, "invalid_time_in_force"),
        (LIMIT | {"time_in_force": "post_only", "smp_type": "reduce"}, "invalid_post_only"),
        (LIMIT | {"price": "90000001"}, "invalid_price_bid"),
        (LIMIT | {"price": "0"}, "invalid_price_bid"),
        (ASK | {"price": "110000000.5"}, "invalid_price_ask"),
        (LIMIT | {"volume": "0.000000001"}, "invalid_volume_bid"),
        (ASK | {"volume": "0"}, "invalid_volume_ask"),
        (LIMIT | {"volume": "0.00005555"}, "under_min_total_bid"),
        (ASK | {"volume": "0.00001"}, "under_min_total_ask"),
        (buy("4999.99"), "under_min_total_bid"),
        (sell("0.00004999"), "under_min_total_ask"),
        (LIMIT | {"volume": "11.2"}, "over_krw_funds_bid"),
        (buy("1000000001"), "over_krw_funds_bid"),
        (ASK | {"volume": "10"}, "volume_too_large"),
        (LIMIT | {"market": ETH_BTC, "price": "0.03", "volume": "400"}, "over_krw_funds_bid"),
        (LIMIT | {"volume": "0.12"}, "insufficient_funds_bid"),
        (buy("9995003"), "insufficient_funds_bid"),
        (limit("ask", "1000", "10", market=XRP), "insufficient_funds_ask"),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused_by_the_rules_name(path: str, body: Change, name: str) -> None:
    reply = customer().post(path, body)
    assert (reply.status, error_name(reply)) == (400, name)


def test_messages_name_the_field_as_the_venue_does() -> None:
    reply = customer().post("/v1/orders", without(LIMIT, "side"))
    assert decoded(reply)["error"]["message"] == "side is missing, side does not have a valid value"
    reply = customer().post("/v1/orders", LIMIT | {"volume": "0.12"})
    assert decoded(reply)["error"]["message"] == "주문 가능한 금액(KRW)이 부족합니다."
    reply = customer().post("/v1/orders", buy("1000000001"))
    assert "1000000000 KRW" in decoded(reply)["error"]["message"]


def test_the_whole_balance_less_its_fee_can_be_spent() -> None:
    assert customer().post("/v1/orders", buy("9995002")).status == 201


@pytest.mark.parametrize("body", [buy("5000000"), sell("0.05")])
def test_an_order_at_any_price_must_fit_into_thirty_levels(body: Change) -> None:
    thin = opened(replace(flat(), levels=4, size=flat().size / 100), KRW="10000000", BTC="1")
    reply = Customer(faced(thin)).post("/v1/orders", body)
    assert (reply.status, error_name(reply)) == (400, "volume_too_large")


@pytest.mark.parametrize("body", [buy("2000010"), sell("0.02")])
def test_an_order_at_any_price_may_take_all_that_its_side_of_the_book_holds(body: Change) -> None:
    thin = opened(replace(flat(), levels=2, size=flat().size / 100), KRW="10000000", BTC="1")
    assert Customer(faced(thin)).post("/v1/orders", body).status == 201


@pytest.mark.parametrize(("side", "body"), [("ask", sell("0.03")), ("bid", buy("2500000"))])
def test_what_others_offer_on_the_orders_own_side_is_nothing_to_take(side: str, body: Change) -> None:
    thin = replace(flat(), levels=2, size=flat().size / 100)
    venue = opened(thin, "maker", "paper", KRW="10000000", BTC="1")
    price = "100001000" if side == "ask" else "99998000"
    assert Customer(faced(venue), "maker").post("/v1/orders", limit(side, price, "0.05")).status == 201
    reply = Customer(faced(venue)).post("/v1/orders", body)
    assert (reply.status, error_name(reply)) == (400, "volume_too_large")


def test_the_thirty_level_refusal_has_the_name_that_is_set() -> None:
    settings = VenueSettings(beyond_book="invalid_parameter")
    empty = opened(replace(flat(), levels=0), settings=settings)
    assert error_name(Customer(faced(empty)).post("/v1/orders", buy("6000"))) == "invalid_parameter"


def test_a_young_market_takes_limit_orders_only() -> None:
    someone = customer(VenueSettings(limit_only=(BTC,)))
    assert error_name(someone.post("/v1/orders", buy("6000"))) == "not_supported_ord_type"
    assert someone.post("/v1/orders", LIMIT).status == 201
    chance = decoded(someone.get("/v1/orders/chance", ("market", BTC)))
    assert chance["market"]["bid_types"] == ["limit"]


@pytest.mark.parametrize("code", ["krw-btc", "KRW-BTX", "nonsense"])
def test_a_young_market_that_there_is_not_is_named(code: str) -> None:
    with pytest.raises(Misconfigured, match=f"limit_only: unknown market {code}; .*KRW-BTC"):
        opened(flat(), settings=VenueSettings(limit_only=(code,)))


def test_a_status_is_one_of_the_two_that_there_may_be() -> None:
    with pytest.raises(Misconfigured, match="consent_status: expected 400 or 403, got 401"):
        VenueSettings(consent_status=401)
    with pytest.raises(Misconfigured, match="out_of_scope_status: expected 401 or 403, got 402"):
        FaceSettings(out_of_scope_status=402)


def test_coin_markets_want_a_consent() -> None:
    someone = customer(VenueSettings(unconsented=("paper",)))
    reply = someone.post("/v1/orders", limit("bid", "0.03", "0.1", market=ETH_BTC))
    assert error_name(reply) == "thirdparty_agreement_required"


def test_during_maintenance_orders_and_cancels_are_refused_and_the_rest_answers() -> None:
    street = replace(flat(), closed=(BEGIN + timedelta(hours=1), BEGIN + timedelta(hours=4)))
    someone = Customer(faced(opened(street)))
    body = LIMIT | {"identifier": "kept"}
    assert someone.post("/v1/orders", LIMIT | {"identifier": "resting"}).status == 201
    reply = someone.post("/v1/orders", body, at=timedelta(hours=2))
    assert (reply.status, error_name(reply)) == (403, "market_offline")
    assert error_name(someone.delete("/v1/order", ("identifier", "resting"))) == "market_offline"
    assert someone.get("/v1/accounts").status == 200
    assert someone.get("/v1/order", ("identifier", "resting")).status == 200
    assert {row["wallet_state"] for row in decoded(someone.get("/v1/status/wallet"))} == {"paused"}
    # What was refused unseen can be sent again once the venue is back.
    assert someone.post("/v1/orders", body, at=timedelta(hours=4)).status == 201


@pytest.mark.parametrize(
    ("query", "status", "name"),
    [
        ((), 400, "bad_request"),
        ((("uuid", "no-such"),), 404, "order_not_found"),
        ((("identifier", "no-such"),), 404, "order_not_found"),
    ],
)
def test_an_order_that_is_not_there_is_not_found(query: tuple[Any, ...], status: int, name: str) -> None:
    someone = customer()
    for reply in (someone.get("/v1/order", *query), someone.delete("/v1/order", *query)):
        assert (reply.status, error_name(reply)) == (status, name)


def test_a_closed_order_cannot_be_cancelled_again() -> None:
    someone = customer()
    uuid = decoded(someone.post("/v1/orders", LIMIT))["uuid"]
    assert decoded(someone.delete("/v1/order", ("uuid", uuid)))["state"] == "wait"
    assert decoded(someone.get("/v1/order", ("uuid", uuid)))["state"] == "cancel"
    assert error_name(someone.delete("/v1/order", ("uuid", uuid))) == "order_not_found"


def test_accounts_do_not_see_each_others_orders() -> None:
    face = faced(opened(flat(), "one", "two"))
    uuid = decoded(Customer(face, "one").post("/v1/orders", LIMIT))["uuid"]
    assert Customer(face, "two").get("/v1/order", ("uuid", uuid)).status == 404


def test_an_identifier_is_unique_for_ever() -> None:
    someone = customer()
    body = LIMIT | {"identifier": "mk1-once"}
    accepted = decoded(someone.post("/v1/orders", body))
    assert accepted["identifier"] == "mk1-once"
    assert error_name(someone.post("/v1/orders", body)) == "duplicated_identifier"
    someone.delete("/v1/order", ("identifier", "mk1-once"))
    reply = someone.post("/v1/orders", body, at=timedelta(days=20))
    assert (reply.status, error_name(reply)) == (400, "duplicated_identifier")


@pytest.mark.parametrize("bad", [{"volume": "5"}, {"price": "90000001"}, {"side": "buy"}])
@pytest.mark.parametrize(
    ("rejected", "then"),
    [(RejectedIdentifier.BURNT, "duplicated_identifier"), (RejectedIdentifier.FREE, None)],
)
def test_a_refused_order_burns_its_identifier_unless_set_free(
    bad: Change, rejected: RejectedIdentifier, then: str | None
) -> None:
    someone = customer(VenueSettings(rejected_identifier=rejected))
    body = LIMIT | {"identifier": "mk1-refused"}
    assert someone.post("/v1/orders", {**body, **bad}).status == 400
    assert someone.get("/v1/order", ("identifier", "mk1-refused")).status == 404
    again = someone.post("/v1/orders", body)
    assert (None if again.status == 201 else error_name(again)) == then


def test_the_test_call_uses_no_identifier_up() -> None:
    someone = customer()
    body = LIMIT | {"identifier": "mk1-tested"}
    assert someone.post("/v1/orders/test", body).status == 201
    assert someone.post("/v1/orders/test", body | {"volume": "5"}).status == 400
    assert someone.get("/v1/order", ("identifier", "mk1-tested")).status == 404
    assert someone.post("/v1/orders", body).status == 201


@pytest.mark.parametrize("number", [15, 1.5, 0.0])
@pytest.mark.parametrize("field", ["market", "identifier", "time_in_force"])
def test_a_number_is_no_text_with_a_fraction_or_without(field: str, number: float) -> None:
    reply = customer().post("/v1/orders", LIMIT | {field: number})
    name = "invalid_time_in_force" if field == "time_in_force" else "validation_error"
    assert (reply.status, error_name(reply)) == (400, name)


def test_numbers_may_come_as_json_numbers() -> None:
    reply = customer().post("/v1/orders", LIMIT | {"price": 90000000, "volume": 0.01})
    assert decoded(reply)["volume"] == "0.01"
    assert error_name(customer().post("/v1/orders", LIMIT | {"volume": 1e-05})) == "validation_error"
