"""Cancels of the simulated venue: by id, in batches, with a replacement, and on their way for a while."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.exchange.http import Pairs
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.settings import ExclusionName, RejectedIdentifier, VenueSettings
from tests.unit.simulator_street import (
    BEGIN,
    BTC,
    ETH_BTC,
    XRP,
    Customer,
    Step,
    Street,
    decoded,
    error_name,
    faced,
    flat,
    limit,
    opened,
    seconds,
)
from tests.unit.test_simulator_venue_money import assert_locks_match

HELD = {"KRW": "10000000", "BTC": "1", "XRP": "1000"}
FALLING: list[Step] = [(seconds(0), Decimal(100_000_000)), (seconds(2), Decimal(90_000_000))]


def desk(settings: VenueSettings | None = None, street: Street | None = None) -> tuple[Venue, Customer]:
    venue = opened(street or flat(), settings=settings, **HELD)
    return venue, Customer(faced(venue))


def falling() -> Street:
    return Street(steps={BTC: FALLING, XRP: [(seconds(0), Decimal(1000))]})


def several(someone: Customer) -> dict[str, str]:
    """Five open orders by name, oldest first: their uuids."""
    bodies = {
        "bid": limit("bid", "90000000", "0.001", identifier="bid"),
        "ask": limit("ask", "110000000", "0.001"),
        "xrp-bid": limit("bid", "900", "10", market=XRP),
        "xrp-ask": limit("ask", "1100", "10", market=XRP),
        "eth": limit("bid", "0.02", "0.1", market=ETH_BTC),
    }
    return {name: decoded(someone.post("/v1/orders", body))["uuid"] for name, body in bodies.items()}


@pytest.mark.parametrize(
    ("query", "gone"),
    [
        ((), ["eth", "xrp-ask", "xrp-bid", "ask", "bid"]),
        ((("cancel_side", "all"), ("order_by", "asc")), ["bid", "ask", "xrp-bid", "xrp-ask", "eth"]),
        ((("cancel_side", "bid"),), ["eth", "xrp-bid", "bid"]),
        ((("cancel_side", "ask"),), ["xrp-ask", "ask"]),
        ((("pairs", "KRW-BTC"),), ["ask", "bid"]),
        ((("pairs", "krw-btc,KRW-XRP"), ("cancel_side", "ask")), ["xrp-ask", "ask"]),
        ((("quote_currencies", "KRW"),), ["xrp-ask", "xrp-bid", "ask", "bid"]),
        ((("quote_currencies", "BTC,USDT"),), ["eth"]),
        ((("excluded_pairs", "KRW-BTC"),), ["eth", "xrp-ask", "xrp-bid"]),
        ((("exclude_pairs", "KRW-BTC,BTC-ETH"),), ["xrp-ask", "xrp-bid"]),
        ((("excluded_pairs", "KRW-BTC,BTC-XRP"),), ["eth", "xrp-ask", "xrp-bid"]),
        ((("pairs", "KRW-BTC,KRW-XRP"), ("excluded_pairs", "KRW-XRP")), ["ask", "bid"]),
        ((("count", "2"),), ["eth", "xrp-ask"]),
        ((("count", "1"), ("order_by", "asc")), ["bid"]),
    ],
)
def test_a_batch_cancel_takes_the_orders_that_are_meant_newest_first(query: Pairs, gone: list[str]) -> None:
    venue, someone = desk()
    placed = several(someone)
    reply = someone.delete("/v1/orders/open", *query)
    body = decoded(reply)
    assert (reply.status, body["failed"], body["success"]["count"]) == (200, {"count": 0, "orders": []}, len(gone))
    assert [row["uuid"] for row in body["success"]["orders"]] == [placed[name] for name in gone]
    named = [row for row in body["success"]["orders"] if "identifier" in row]
    assert named == ([{"uuid": placed["bid"], "market": BTC, "identifier": "bid"}] if "bid" in gone else [])
    left = {row["uuid"] for row in decoded(someone.get("/v1/orders/open"))}
    assert left == {uuid for name, uuid in placed.items() if name not in gone}
    assert_locks_match(venue)


def test_a_batch_cancel_without_parameters_takes_the_newest_twenty_and_never_more_than_asked() -> None:
    _, someone = desk()
    for _ in range(25):
        someone.post("/v1/orders", limit("bid", "90000000", "0.0001"))
    assert decoded(someone.delete("/v1/orders/open"))["success"]["count"] == 20
    assert decoded(someone.delete("/v1/orders/open", ("count", "300")))["success"]["count"] == 5


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ((("count", "301"),), "validation_error"),
        ((("count", "0"),), "validation_error"),
        ((("cancel_side", "buy"),), "validation_error"),
        ((("order_by", "up"),), "validation_error"),
        ((("quote_currencies", "EUR"),), "validation_error"),
        ((("pairs", ",".join(["KRW-BTC"] * 21)),), "validation_error"),
        ((("excluded_pairs", "KRW-BTC,,"),), "validation_error"),
        ((("pairs", "KRW-NONE"),), "notfoundmarket"),
        ((("excluded_pairs", "KRW-BTC,XRP"),), "notfoundmarket"),
        ((("exclude_pairs", "KRW"),), "notfoundmarket"),
        ((("pairs", "KRW-BTC"), ("quote_currencies", "KRW")), "bad_request"),
    ],
)
def test_a_batch_cancel_that_is_not_understood_cancels_nothing(query: Pairs, name: str) -> None:
    _, someone = desk()
    several(someone)
    reply = someone.delete("/v1/orders/open", *query)
    assert (reply.status, error_name(reply)) == (400, name)
    assert len(decoded(someone.get("/v1/orders/open"))) == 5


@pytest.mark.parametrize(
    ("heard", "excluded_pairs", "exclude_pairs"),
    [(ExclusionName.BOTH, 3, 3), (ExclusionName.EXCLUDED_PAIRS, 3, 5), (ExclusionName.EXCLUDE_PAIRS, 5, 3)],
)
def test_which_spelling_of_the_exclusion_is_heard_is_a_setting(
    heard: ExclusionName, excluded_pairs: int, exclude_pairs: int
) -> None:
    for name, count in (("excluded_pairs", excluded_pairs), ("exclude_pairs", exclude_pairs)):
        _, someone = desk(VenueSettings(exclusion_name=heard))
        several(someone)
        assert decoded(someone.delete("/v1/orders/open", (name, "KRW-BTC")))["success"]["count"] == count


def test_a_cancel_by_ids_tells_which_orders_were_closed_already() -> None:
    _, someone = desk()
    placed = several(someone)
    someone.delete("/v1/order", ("uuid", placed["ask"]))
    query = [("uuids[]", placed[name]) for name in ("ask", "eth", "eth")]
    body = decoded(someone.delete("/v1/orders/uuids", *query, ("uuids[]", "no-such")))
    assert [row["uuid"] for row in body["success"]["orders"]] == [placed["eth"]]
    assert [row["uuid"] for row in body["failed"]["orders"]] == [placed["ask"]]


def replacing(**more: str) -> dict[str, str]:
    return {"prev_order_identifier": "old", "new_ord_type": "limit"} | {f"new_{k}": v for k, v in more.items()}


OLD = limit("bid", "90000000", "0.01", identifier="old")


@pytest.mark.parametrize("status", [201, 200])
def test_a_replacement_answers_with_the_old_order_and_the_new_ones_name(status: int) -> None:
    venue, someone = desk(VenueSettings(cancel_and_new_status=status))
    old = decoded(someone.post("/v1/orders", OLD))
    reply = someone.post(
        "/v1/orders/cancel_and_new",
        replacing(price="91000000", volume="0.02", identifier="new", smp_type="reduce"),
    )
    body = decoded(reply)
    assert reply.status == status
    assert body == old | {"new_order_uuid": body["new_order_uuid"], "new_order_identifier": "new"}
    assert decoded(someone.get("/v1/order", ("uuid", old["uuid"])))["state"] == "cancel"
    new = decoded(someone.get("/v1/order", ("identifier", "new")))
    assert (new["uuid"], new["state"], new["market"], new["side"]) == (body["new_order_uuid"], "wait", BTC, "bid")
    assert (new["price"], new["volume"], new["smp_type"]) == ("91000000", "0.02", "reduce")
    assert_locks_match(venue)


def test_a_replacement_may_use_what_the_old_order_had_locked() -> None:
    venue, someone = desk()
    all_of_it = limit("bid", "99000000", "0.1009", identifier="old")
    assert someone.post("/v1/orders", all_of_it).status == 201
    too_much = replacing(price="99000000", volume="0.102")
    assert error_name(someone.post("/v1/orders/cancel_and_new", too_much)) == "insufficient_funds_bid"
    assert decoded(someone.get("/v1/order", ("identifier", "old")))["state"] == "wait"
    assert someone.post("/v1/orders/cancel_and_new", replacing(price="99001000", volume="0.1009")).status == 201
    assert_locks_match(venue)


def test_remain_only_replaces_what_is_left() -> None:
    _, someone = desk(street=flat(size=Decimal("0.004")))
    someone.post("/v1/orders", limit("bid", "100000000", "0.01", identifier="old"))
    wish = replacing(price="90000000", volume="remain_only", identifier="new")
    body = decoded(someone.post("/v1/orders/cancel_and_new", wish))
    assert (body["executed_volume"], body["remaining_volume"]) == ("0.004", "0.006")
    assert decoded(someone.get("/v1/order", ("identifier", "new")))["volume"] == "0.006"


def test_a_replacement_can_take_the_market_at_once() -> None:
    _, someone = desk()
    someone.post("/v1/orders", OLD)
    wish = {
        "prev_order_identifier": "old",
        "new_ord_type": "price",
        "new_price": "900000",
        "new_identifier": "new",
    }
    assert someone.post("/v1/orders/cancel_and_new", wish).status == 201
    assert decoded(someone.get("/v1/order", ("identifier", "new")))["executed_volume"] == "0.009"


@pytest.mark.parametrize(
    ("wish", "status", "name"),
    [
        ({"new_ord_type": "limit", "new_price": "1", "new_volume": "1"}, 400, "bad_request"),
        (replacing(price="91000000", volume="0.02") | {"prev_order_identifier": "none"}, 404, "order_not_found"),
        (replacing(price="91000000", volume="0.02") | {"prev_order_uuid": 5}, 400, "validation_error"),
        ({"prev_order_identifier": "old"}, 400, "validation_error"),
        (replacing(price="91000000"), 400, "create_bid_error"),
        (replacing(price="91000001", volume="0.02"), 400, "invalid_price_bid"),
        (replacing(price="91000000", volume="some"), 400, "validation_error"),
        (replacing(price="91000000", volume="0.02", identifier="old"), 400, "duplicated_identifier"),
        (replacing(price="91000000", volume="1"), 400, "insufficient_funds_bid"),
    ],
)
def test_a_wrong_replacement_leaves_the_old_order(wish: Mapping[str, Any], status: int, name: str) -> None:
    _, someone = desk()
    someone.post("/v1/orders", OLD)
    reply = someone.post("/v1/orders/cancel_and_new", wish)
    assert (reply.status, error_name(reply)) == (status, name)
    assert decoded(someone.get("/v1/order", ("identifier", "old")))["state"] == "wait"


@pytest.mark.parametrize("rejected", RejectedIdentifier)
def test_a_refused_replacement_burns_its_identifier_unless_set_free(rejected: RejectedIdentifier) -> None:
    _, someone = desk(VenueSettings(rejected_identifier=rejected))
    someone.post("/v1/orders", OLD)
    wish = replacing(price="91000000", volume="0.02", identifier="new")
    assert someone.post("/v1/orders/cancel_and_new", wish | {"new_price": "91000001"}).status == 400
    again = someone.post("/v1/orders/cancel_and_new", wish)
    assert again.status == (201 if rejected is RejectedIdentifier.FREE else 400)


def test_a_closed_order_is_not_replaced() -> None:
    _, someone = desk()
    uuid = decoded(someone.post("/v1/orders", OLD))["uuid"]
    someone.delete("/v1/order", ("uuid", uuid))
    wish = replacing(price="91000000", volume="0.02") | {"prev_order_uuid": uuid}
    assert error_name(someone.post("/v1/orders/cancel_and_new", wish)) == "order_not_found"


SLOW = VenueSettings(cancel_delay_ms=3000)


class Notes:
    """Satisfies `Journal`: the commands that it was given."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def append(self, _at: object, command: str, _body: object) -> None:
        self.commands.append(command)


def test_a_cancel_is_on_its_way_for_a_while_and_can_be_asked_for_twice() -> None:
    venue, someone = desk(SLOW)
    notes = venue.journal = Notes()
    uuid = decoded(someone.post("/v1/orders", OLD))["uuid"]
    assert someone.delete("/v1/order", ("uuid", uuid), at=seconds(1)).status == 200
    assert someone.delete("/v1/order", ("uuid", uuid), at=seconds(2)).status == 200
    assert decoded(someone.delete("/v1/orders/open"))["success"]["count"] == 1
    assert [each for each in notes.commands if "cancel" in each] == ["cancel"], "on its way once"
    assert decoded(someone.get("/v1/order", ("uuid", uuid), at=seconds(3.999)))["state"] == "wait"
    assert_locks_match(venue)
    assert decoded(someone.get("/v1/order", ("uuid", uuid), at=seconds(4)))["state"] == "cancel"
    assert error_name(someone.delete("/v1/order", ("uuid", uuid))) == "order_not_found"
    assert_locks_match(venue)


def test_an_order_can_still_fill_while_its_cancel_is_on_its_way() -> None:
    _, someone = desk(SLOW, falling())
    uuid = decoded(someone.post("/v1/orders", limit("bid", "95000000", "0.01")))["uuid"]
    assert decoded(someone.delete("/v1/order", ("uuid", uuid)))["state"] == "wait"
    order = decoded(someone.get("/v1/order", ("uuid", uuid), at=seconds(10)))
    assert (order["state"], order["executed_volume"]) == ("done", "0.01")


def test_if_the_old_order_fills_first_no_new_one_appears_and_its_identifier_is_used_up() -> None:
    _, someone = desk(SLOW, falling())
    someone.post("/v1/orders", limit("bid", "95000000", "0.01", identifier="old"))
    wish = replacing(price="80000000", volume="0.02", identifier="new")
    reply = someone.post("/v1/orders/cancel_and_new", wish)
    assert reply.status == 201
    later = seconds(10)
    assert decoded(someone.get("/v1/order", ("identifier", "old"), at=later))["state"] == "done"
    for query in (("identifier", "new"), ("uuid", decoded(reply)["new_order_uuid"])):
        assert someone.get("/v1/order", query).status == 404
    again = someone.post("/v1/orders", limit("bid", "80000000", "0.01", identifier="new"))
    assert error_name(again) == "duplicated_identifier"


def test_a_replacement_is_made_when_the_cancel_takes_effect_with_what_is_left_then() -> None:
    settings = VenueSettings(cancel_delay_ms=3000, balance_lag_ms=60_000)
    # Just what the old order locks: its heir has nothing else to live on, and does not wait for the lag.
    venue = opened(Street(steps={BTC: FALLING}, volume=Decimal("0.004")), settings=settings, KRW="950475")
    someone = Customer(faced(venue))
    someone.post("/v1/orders", limit("bid", "95000000", "0.01", identifier="old"))
    someone.post("/v1/orders/cancel_and_new", replacing(price="80000000", volume="remain_only", identifier="new"))
    assert someone.get("/v1/order", ("identifier", "new"), at=seconds(2.9)).status == 404
    new = decoded(someone.get("/v1/order", ("identifier", "new"), at=seconds(60)))
    assert (new["state"], new["volume"], new["created_at"]) == ("wait", "0.006", "2026-01-05T09:00:03+09:00")
    assert_locks_match(venue)


def test_a_replacement_that_has_become_impossible_is_not_made() -> None:
    venue, someone = desk(SLOW)
    someone.post("/v1/orders", OLD)
    wish = replacing(price="99000000", volume="0.1", identifier="new")
    assert someone.post("/v1/orders/cancel_and_new", wish).status == 201
    assert someone.post("/v1/orders", limit("bid", "90000000", "0.05")).status == 201
    assert someone.get("/v1/order", ("identifier", "new"), at=seconds(9)).status == 404
    assert decoded(someone.get("/v1/order", ("identifier", "old")))["state"] == "cancel"
    assert_locks_match(venue)


def test_no_cancel_of_any_kind_is_taken_during_maintenance() -> None:
    street = flat(closed=(BEGIN + timedelta(hours=1), BEGIN + timedelta(hours=4)))
    _, someone = desk(street=street)
    someone.post("/v1/orders", OLD)
    at = timedelta(hours=2)
    replies = [
        someone.delete("/v1/orders/open", at=at),
        someone.delete("/v1/orders/uuids", ("identifiers[]", "old")),
        someone.post("/v1/orders/cancel_and_new", replacing(price="91000000", volume="0.02")),
    ]
    assert [(reply.status, error_name(reply)) for reply in replies] == [(403, "market_offline")] * 3
