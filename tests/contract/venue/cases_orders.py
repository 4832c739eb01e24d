"""T001 to T019: orders (upbit-api.md sections 4.3 to 4.5)."""

from decimal import Decimal
from typing import Any

from makenaide.domain.clock import kst
from makenaide.domain.order import Accepted, Duplicate
from makenaide.exchange.upbit.outcomes import Passed
from tests.contract.venue.case import case
from tests.contract.venue.rig import Rig
from tests.unit.upbit_desk import bid

D: Any = Decimal
FEES = ("reserved_fee", "remaining_fee", "paid_fee")
STRINGS = ("price", "volume", "remaining_volume", *FEES, "locked", "executed_volume", "prevented_volume")
LIMIT = {
    *STRINGS,
    *("market", "uuid", "side", "ord_type", "state", "created_at", "trades_count", "prevented_locked", "smp_type"),
}
TRADE = {"market", "uuid", "price", "volume", "funds", "trend", "created_at", "side"}


def rest(rig: Rig, price: str = "50000000", volume: str = "0.001", **more: Any) -> Any:
    """A limit bid that nobody meets."""
    return rig.order(side="bid", ord_type="limit", price=price, volume=volume, **more)


def offer(rig: Rig, price: str = "150000000", volume: str = "0.001", **more: Any) -> Any:
    """A limit ask that nobody meets."""
    return rig.order(side="ask", ord_type="limit", price=price, volume=volume, **more)


def uuids(reply: Any) -> list[str]:
    assert reply.status == 200, reply
    return [row["uuid"] for row in reply.json]


@case(
    "T001",
    "A limit order is answered with 201 and the documented fields, amounts as strings",
    "4.3",
    "venue.self_match_shown",
)
def create(rig: Rig) -> None:
    order = rest(rig)
    assert set(order) == LIMIT
    assert all(type(order[name]) is str and D(order[name]) >= 0 for name in STRINGS)
    assert (order["market"], order["side"], order["ord_type"], order["state"]) == (
        "KRW-BTC",
        "bid",
        "limit",
        "wait",
    )
    assert order["trades_count"] == 0
    assert D(order["remaining_volume"]) == D(order["volume"]) == D("0.001")


@case("T002", "What was not set is absent: time in force, identifier", "4.3")
def absent(rig: Rig) -> None:
    plain = rest(rig)
    assert not {"time_in_force", "identifier"} & set(plain)
    full = rest(rig, identifier="one", time_in_force="ioc")
    assert (full["identifier"], full["time_in_force"]) == ("one", "ioc")


@case("T003", "Times of orders are KST with their offset, in seconds; those of trades in microseconds", "4.3")
def created_at(rig: Rig) -> None:
    rig.wait(1.5)
    order = rig.order(side="bid", ord_type="price", price="6000")
    assert order["created_at"] == kst(rig.venue.now).isoformat(timespec="seconds")
    assert order["created_at"].endswith("+09:00")
    (trade,) = rig.seen(order["uuid"])["trades"]
    assert trade["created_at"] == kst(rig.venue.now).isoformat(timespec="microseconds")


@case("T004", "The answer to an order that fills at once still says wait, with nothing executed", "4.3")
def still_wait(rig: Rig) -> None:
    order = rig.order(side="bid", ord_type="price", price="6000")
    assert (order["state"], D(order["executed_volume"]), order["trades_count"]) == ("wait", 0, 0)
    assert D(rig.seen(order["uuid"])["executed_volume"]) > 0


@case("T005", "Each order type takes exactly its own amounts, and misses or surplus are create_*_error", "4.3")
def forms(rig: Rig) -> None:
    price, total, volume = {"price": "100000000"}, {"price": "6000"}, {"volume": "0.001"}
    best = {"time_in_force": "ioc"}
    good = [
        {"side": "bid", "ord_type": "limit", **price, **volume},
        {"side": "ask", "ord_type": "limit", **price, **volume},
        {"side": "bid", "ord_type": "price", **total},
        {"side": "ask", "ord_type": "market", **volume},
        {"side": "bid", "ord_type": "best", **total, **best},
        {"side": "ask", "ord_type": "best", **volume, **best},
    ]
    for body in good:
        rig.order(**body)
        other = {name: value for name, value in body.items() if name not in ("price", "volume")}
        for amounts in ({}, price, volume, price | volume):
            if set(amounts) != set(body) & {"price", "volume"}:
                assert rig.refusal(**other, **amounts) == (400, f"create_{body['side']}_error"), (body, amounts)
    for side, kind in (("ask", "price"), ("bid", "market")):
        status, name = rig.refusal(side=side, ord_type=kind, **total, **volume)
        assert (status, name) == (400, f"create_{side}_error")


@case(
    "T006",
    "Time in force: ioc, fok and post_only for limits, ioc or fok needed for best, none for the others",
    "4.3",
)
def times_in_force(rig: Rig) -> None:
    limit = {"side": "bid", "ord_type": "limit", "price": "50000000", "volume": "0.001"}
    for force in ("ioc", "fok", "post_only"):
        assert rig.order(**limit, time_in_force=force)["time_in_force"] == force
    wrong = (400, "invalid_time_in_force")
    assert rig.refusal(**limit, time_in_force="gtc") == wrong
    best: dict[str, Any] = {"side": "bid", "ord_type": "best", "price": "6000"}
    assert rig.refusal(**best) == wrong
    assert rig.refusal(**best, time_in_force="post_only") == wrong
    assert rig.refusal(side="bid", ord_type="price", price="6000", time_in_force="ioc") == wrong


@case("T007", "ioc fills what it can at its limit and cancels the rest", "4.3")
def immediate_or_cancel(rig: Rig) -> None:
    order = rig.order(side="bid", ord_type="limit", price="100000000", volume="0.05", time_in_force="ioc")
    assert rig.seen(order["uuid"])["state"] == "done"
    order = rig.order(
        side="ask", ord_type="limit", price="99999000", volume="0.9", time_in_force="ioc", key="other"
    )
    assert rig.seen(order["uuid"], "other")["state"] == "done"
    rest_of = rig.order(side="ask", ord_type="limit", price="99999000", volume="0.5", time_in_force="ioc")
    seen = rig.seen(rest_of["uuid"])
    assert (seen["state"], D(seen["executed_volume"])) == ("cancel", D("0.1"))


@case("T008", "fok fills all or nothing", "4.3")
def fill_or_kill(rig: Rig) -> None:
    rig.order(side="ask", ord_type="market", volume="0.6", key="other")
    order = rig.order(side="ask", ord_type="limit", price="99999000", volume="0.5", time_in_force="fok")
    seen = rig.seen(order["uuid"])
    assert (seen["state"], D(seen["executed_volume"]), seen["trades"]) == ("cancel", 0, [])
    order = rig.order(side="ask", ord_type="limit", price="99999000", volume="0.4", time_in_force="fok")
    assert rig.seen(order["uuid"])["state"] == "done"


@case("T009", "post_only that would take is taken with 201 and cancelled", "4.3", "venue.taking_post_only")
def post_only(rig: Rig) -> None:
    order = rig.order(side="bid", ord_type="limit", price="100000000", volume="0.01", time_in_force="post_only")
    seen = rig.seen(order["uuid"])
    assert (order["state"], seen["state"], seen["trades_count"]) == ("wait", "cancel", 0)


@case("T010", "best takes the opposite best price as its limit and goes no further", "4.3")
def best(rig: Rig) -> None:
    order = rig.order(side="ask", ord_type="best", volume="0.5", time_in_force="ioc")
    seen = rig.seen(order["uuid"])
    assert [D(trade["price"]) for trade in seen["trades"]] == [99_999_000]
    order = rig.order(side="ask", ord_type="best", volume="1", time_in_force="ioc", key="other")
    seen = rig.seen(order["uuid"], "other")
    assert (seen["state"], D(seen["executed_volume"])) == ("cancel", D("0.5"))


@case("T011", "Amounts may be sent as JSON numbers", "4.3")
def numbers(rig: Rig) -> None:
    order = rig.order(side="bid", ord_type="limit", price=50_000_000, volume=0.001)
    assert (D(order["price"]), D(order["volume"])) == (50_000_000, D("0.001"))


@case("T012", "A used identifier is refused as duplicated_identifier for ever, filled, cancelled or open", "4.3")
def identifiers(rig: Rig) -> None:
    rest(rig, identifier="open")
    rig.delete("order", uuid=rest(rig, identifier="cancelled")["uuid"])
    rig.order(side="bid", ord_type="price", price="6000", identifier="filled")
    rig.wait(86_400 * 20)
    for name in ("open", "cancelled", "filled"):
        assert rig.refusal(side="bid", ord_type="price", price="6000", identifier=name) == (
            400,
            "duplicated_identifier",
        )
    rig.order(side="bid", ord_type="price", price="6000", identifier="open", key="other")


@case("T013", "The identifier of a refused order is used up too", "4.3", "venue.rejected_identifier")
def burnt_identifiers(rig: Rig) -> None:
    assert rig.refusal(side="bid", ord_type="price", price="1", identifier="one")[1] == "under_min_total_bid"
    assert rig.refusal(side="bid", ord_type="price", price="6000", identifier="one")[1] == "duplicated_identifier"
    assert rig.get("order", identifier="one").error == (404, "order_not_found")


@case("T014", "An identifier has at most 64 characters", "4.3")
def long_identifiers(rig: Rig) -> None:
    assert rest(rig, identifier="x" * 64)["identifier"] == "x" * 64
    assert rig.refusal(side="bid", ord_type="price", price="6000", identifier="x" * 65)[1] == "validation_error"


@case("T015", "Our client's repeat of an order is a duplicate, and finds the first one", "4.3")
def repeated(rig: Rig) -> None:
    asked = bid(1)
    first = rig.client.place(asked)
    assert isinstance(first, Accepted)
    assert isinstance(rig.client.place(asked), Duplicate)
    found = rig.client.order(asked.identifier)
    assert found is not None
    assert (found.uuid, found.volume) == (first.uuid, asked.volume)


@case("T016", "A test order is answered with 201 like a real one, and makes none", "4.4")
def test_orders(rig: Rig) -> None:
    before = rig.held("KRW")
    body = {"market": "KRW-BTC", "side": "bid", "ord_type": "limit", "price": "50000000", "volume": "0.001"}
    reply = rig.post("orders/test", body)
    assert (reply.status, reply.json["state"]) == (201, "wait")
    assert set(reply.json) >= LIMIT - {"smp_type"}
    uuid = reply.json["uuid"]
    assert rig.get("order", uuid=uuid).error == (404, "order_not_found")
    assert rig.delete("order", uuid=uuid).error == (404, "order_not_found")
    assert rig.held("KRW") == before
    assert isinstance(rig.client.test_order(bid(1)), Passed)


@case(
    "T017",
    "A test order is refused for what a real one would be, and leaves the identifier free",
    "4.4",
    "venue.test_burns_identifier",
)
def refused_tests(rig: Rig) -> None:
    body = {"market": "KRW-BTC", "side": "bid", "ord_type": "price", "price": "20000000"}
    assert rig.post("orders/test", body).error == (400, "insufficient_funds_bid")
    fine = {**body, "price": "6000", "identifier": "one"}
    assert rig.post("orders/test", fine).status == 201
    assert rig.post("orders", fine).status == 201


@case("T018", "An order is found by uuid or identifier, with its trades", "4.5")
def one_order(rig: Rig) -> None:
    uuid = rig.order(side="bid", ord_type="price", price="600000", identifier="one")["uuid"]
    seen = rig.seen(uuid)
    assert rig.get("order", identifier="one").json == seen
    assert len(seen["trades"]) == seen["trades_count"] == 1
    (trade,) = seen["trades"]
    assert set(trade) == TRADE
    assert (trade["trend"], trade["side"]) == ("up", "bid")
    assert D(trade["funds"]) == D(trade["price"]) * D(trade["volume"])
    found = rig.client.by_uuid(uuid)
    assert found is not None
    assert [each.uuid for each in found.trades] == [trade["uuid"]]


@case("T019", "An unknown order is 404 order_not_found, as is somebody else's; none named is 400", "4.5")
def unknown_order(rig: Rig) -> None:
    reply = rig.get("order", uuid="00000000-0000-0000-0000-000000000000")
    assert reply.error == (404, "order_not_found")
    assert reply.json["error"]["message"] == "주문을 찾지 못했습니다."
    assert rig.get("order", uuid=rest(rig)["uuid"], key="other").error == (404, "order_not_found")
    assert rig.get("order").status == 400
