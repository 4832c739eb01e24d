"""T020 to T034: lists of orders, and their ends (upbit-api.md sections 4.6 and 4.7)."""

from datetime import datetime, timedelta
from typing import Any

from makenaide.domain.money import Price
from makenaide.domain.order import OrderType
from makenaide.exchange.upbit.outcomes import Replaced, Replacement
from tests.contract.venue.case import World, case
from tests.contract.venue.cases_orders import D, offer, rest, uuids
from tests.contract.venue.rig import Rig
from tests.unit.upbit_desk import bid


@case("T020", "Orders by id: up to 100, by uuids or by identifiers, one of the two", "4.6")
def by_ids(rig: Rig) -> None:
    one, two = rest(rig, identifier="one")["uuid"], rest(rig, identifier="two")["uuid"]
    assert uuids(rig.get("orders/uuids", uuids=[one, two, "nope"])) == [two, one]
    assert uuids(rig.get("orders/uuids", identifiers=["one", "two"], order_by="asc")) == [one, two]
    assert uuids(rig.get("orders/uuids", uuids=[one], market="KRW-XRP")) == []
    assert rig.get("orders/uuids", uuids=[one], identifiers=["two"]).status == 400
    assert rig.get("orders/uuids", uuids=[f"{n}" for n in range(100)]).status == 200
    assert rig.get("orders/uuids", uuids=[f"{n}" for n in range(101)]).status == 400


@case("T021", "Open orders: those that wait unless told, newest first, paged by at most 100", "4.6")
def open_orders(rig: Rig) -> None:
    made = [rest(rig, volume=f"0.0001{n}")["uuid"] for n in range(5)]
    assert uuids(rig.get("orders/open")) == made[::-1]
    assert uuids(rig.get("orders/open", order_by="asc", limit=2, page=2)) == made[2:4]
    assert uuids(rig.get("orders/open", market="KRW-XRP")) == []
    for limit in ("0", "101"):
        assert rig.get("orders/open", limit=limit).status == 400
    assert {each.uuid for each in rig.client.open_orders()} == set(made)


@case("T022", "An order that watches for a price stands in lists as watch, when that is asked for", "4.6")
def watching(rig: Rig) -> None:
    body = {"market": "KRW-BTC", "side": "bid", "ord_type": "limit", "price": "50000000", "volume": "0.001"}
    watch = rig.operator.place_watch("paper", body, D(60_000_000)).uuid
    wait = rest(rig)["uuid"]
    assert uuids(rig.get("orders/open")) == [wait]
    assert uuids(rig.get("orders/open", state="watch")) == [watch]
    assert uuids(rig.get("orders/open", states=["wait", "watch"])) == [wait, watch]
    assert rig.seen(watch)["state"] == "watch"
    assert rig.delete("order", uuid=watch).status == 200
    rig.settle()
    assert rig.seen(watch)["state"] == "cancel"


@case("T023", "Closed orders: done and cancelled ones unless told, by creation, up to 1,000", "4.6")
def closed_orders(rig: Rig) -> None:
    done = offer(rig, "99999000", time_in_force="ioc")["uuid"]
    gone = rest(rig)["uuid"]
    rig.delete("order", uuid=gone)
    rest(rig)
    rig.settle()
    assert uuids(rig.get("orders/closed")) == [gone, done]
    assert uuids(rig.get("orders/closed", state="cancel")) == [gone]
    assert uuids(rig.get("orders/closed", states=["done", "cancel"], order_by="asc")) == [done, gone]
    assert rig.get("orders/closed", limit=1000).status == 200
    assert rig.get("orders/closed", limit=1001).status == 400
    assert rig.get("orders/closed", state="wait").status == 400


@case("T024", "`state` and `states[]` together are an error", "4.6")
def both_states(rig: Rig) -> None:
    assert rig.get("orders/closed", state="done", states=["done"]).status == 400
    assert rig.get("orders/open", state="wait", states=["wait"]).status == 400


@case(
    "T025", "Closed orders lie in at most 7 days: one bound gives the week after or before, none the last", "4.6"
)
def closed_window(rig: Rig) -> None:
    def ended() -> str:
        uuid: str = offer(rig, "99999000", volume="0.0001", time_in_force="ioc")["uuid"]
        return uuid

    start, day = rig.venue.now, timedelta(days=1)
    old = ended()
    rig.wait(5 * 86_400)
    middle = ended()
    rig.wait(5 * 86_400)
    new = ended()
    assert uuids(rig.get("orders/closed")) == [new, middle]

    def ms(at: datetime) -> int:
        return int(at.timestamp() * 1000)

    assert uuids(rig.get("orders/closed", start_time=ms(start))) == [middle, old]
    assert uuids(rig.get("orders/closed", end_time=(start + 6 * day).isoformat())) == [middle, old]
    assert uuids(rig.get("orders/closed", start_time=ms(start + day), end_time=ms(start + 8 * day))) == [middle]
    assert rig.get("orders/closed", start_time=ms(start), end_time=ms(start + 8 * day)).status == 400
    found = rig.client.closed_orders(start, rig.venue.now)
    assert [each.uuid for each in found] == [old, middle, new]


@case("T026", "A cancel is a request: its answer still says wait, the end comes after", "4.7")
def cancel(rig: Rig) -> None:
    order = rest(rig)
    reply = rig.delete("order", uuid=order["uuid"])
    assert (reply.status, reply.json["state"]) == (200, "wait")
    assert "trades" not in reply.json
    rig.settle()
    assert rig.seen(order["uuid"])["state"] == "cancel"
    assert rig.held("KRW") == (D(10_000_000), 0)
    assert rig.delete("order", uuid=order["uuid"]).error == (404, "order_not_found")
    assert rig.delete("order").error == (400, "bad_request")


@case("T027", "Cancels by id: up to 20, answered with what was taken and what failed", "4.7")
def cancel_by_ids(rig: Rig) -> None:
    one, two = rest(rig, identifier="one")["uuid"], rest(rig)["uuid"]
    rig.delete("order", uuid=two)
    rig.settle()
    reply = rig.delete("orders/uuids", uuids=[one, two])
    assert reply.status == 200
    assert list(reply.json) == ["success", "failed"]
    success, failed = reply.json["success"], reply.json["failed"]
    assert success == {"count": 1, "orders": [{"uuid": one, "market": "KRW-BTC", "identifier": "one"}]}
    assert failed == {"count": 1, "orders": [{"uuid": two, "market": "KRW-BTC"}]}
    assert rig.delete("orders/uuids", uuids=[f"{n}" for n in range(21)]).status == 400
    named = bid(1)
    rig.client.place(named)
    assert [each.identifier for each in rig.client.cancel_many([named.identifier]).taken] == [named.identifier]


@case("T028", "A batch cancel without parameters ends the newest 20 orders of everything", "4.7")
def cancel_everything(rig: Rig) -> None:
    made = [rest(rig, volume="0.0001")["uuid"] for _ in range(22)]
    made += [rig.order(market="KRW-XRP", side="bid", ord_type="limit", price="900", volume="6")["uuid"]]
    reply = rig.delete("orders/open")
    assert reply.json["success"]["count"] == 20
    assert reply.json["failed"] == {"count": 0, "orders": []}
    rig.settle()
    assert uuids(rig.get("orders/open")) == made[2::-1]


@case(
    "T029", "A batch cancel picks by side, pairs or quote currencies, count and order; only waiting orders", "4.7"
)
def cancel_some(rig: Rig) -> None:
    def taken(**asked: Any) -> set[str]:
        reply = rig.delete("orders/open", **asked)
        assert reply.status == 200, reply
        rig.settle()
        return {row["uuid"] for row in reply.json["success"]["orders"]}

    first, second, third = (rest(rig)["uuid"] for _ in range(3))
    ask, xrp = (
        offer(rig)["uuid"],
        rig.order(market="KRW-XRP", side="bid", ord_type="limit", price="900", volume="6")["uuid"],
    )
    assert taken(cancel_side="ask") == {ask}
    assert taken(pairs="KRW-XRP,BTC-ETH") == {xrp}
    assert taken(count=1, order_by="asc") == {first}
    assert taken(quote_currencies="BTC") == set()
    assert taken(quote_currencies="KRW,USDT", cancel_side="bid") == {second, third}
    for wrong in ({"count": 301}, {"cancel_side": "both"}, {"pairs": "KRW-BTC", "quote_currencies": "KRW"}):
        assert rig.delete("orders/open", **wrong).status == 400
    assert rig.delete("orders/open", pairs=",".join(["KRW-BTC"] * 21)).status == 400


@case("T030", "Excluded pairs win over pairs, by either spelling", "4.7", "venue.exclusion_name")
def cancel_excluded(rig: Rig) -> None:
    for name in ("excluded_pairs", "exclude_pairs"):
        rest(rig)
        assert rig.delete("orders/open", (name, "KRW-BTC"), pairs="KRW-BTC").json["success"]["count"] == 0


@case(
    "T031",
    "cancel_and_new answers with 201, the old order still waiting, and the new one's names",
    "4.7",
    "venue.cancel_and_new_status",
)
def cancel_and_new(rig: Rig) -> None:
    old = rest(rig, identifier="old")
    wish = {"new_ord_type": "limit", "new_price": "51000000", "new_volume": "0.002", "new_identifier": "new"}
    reply = rig.post("orders/cancel_and_new", {"prev_order_uuid": old["uuid"], **wish})
    assert (reply.status, reply.json["uuid"], reply.json["state"]) == (201, old["uuid"], "wait")
    assert reply.json["new_order_identifier"] == "new"
    rig.settle()
    assert rig.seen(old["uuid"])["state"] == "cancel"
    new = rig.seen(reply.json["new_order_uuid"])
    assert (new["side"], new["market"], D(new["price"]), new["identifier"]) == (
        "bid",
        "KRW-BTC",
        51_000_000,
        "new",
    )


@case("T032", "remain_only takes over what is left of the old order", "4.7")
def remain_only(rig: Rig) -> None:
    asked = bid(1)
    rig.client.place(asked)
    new = Replacement(type=OrderType.LIMIT, identifier=bid(2).identifier, price=Price("51000000"))
    done = rig.client.cancel_and_new(asked.identifier, new)
    assert isinstance(done, Replaced)
    rig.settle()
    found = rig.client.by_uuid(done.uuid)
    assert found is not None
    assert (found.volume, found.price) == (asked.volume, D(51_000_000))


@case(
    "T033",
    "If the old order fills before its cancel takes effect, no new one appears",
    "4.7",
    world=World(venue={"cancel_delay_ms": 1000}),
)
def filled_first(rig: Rig) -> None:
    old = offer(rig, "100000000", volume="0.001")
    wish = {"new_ord_type": "limit", "new_price": "150000000", "new_volume": "remain_only"}
    reply = rig.post("orders/cancel_and_new", {"prev_order_uuid": old["uuid"], **wish})
    assert reply.status in (200, 201)
    rig.order(side="bid", ord_type="price", price="5000000", key="other")
    rig.settle()
    assert rig.seen(old["uuid"])["state"] == "done"
    assert rig.get("order", uuid=reply.json["new_order_uuid"]).error == (404, "order_not_found")


@case("T034", "The deprecated list of all orders is still served", "4.6")
def deprecated_list(rig: Rig) -> None:
    one = rest(rig)["uuid"]
    assert uuids(rig.get("orders", state="wait")) == [one]
    assert uuids(rig.get("orders", states=["done", "cancel"], market="KRW-BTC", page=1, limit=10)) == []
