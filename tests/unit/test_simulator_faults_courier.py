"""What each fault looks like to a caller in the same process, and what it did to the venue."""

import json
from dataclasses import dataclass
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from makenaide.exchange.http import Interrupted, NotConnected, Request, Response
from makenaide.exchange.simulator.core.orders import Order
from makenaide.exchange.simulator.faults.courier import Courier
from makenaide.exchange.simulator.faults.plan import Faults, Form, Kind, Rule, Told
from makenaide.exchange.simulator.faults.transport import DoorTransport
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, Pace, QuotaSettings, VenueSettings
from tests.unit.simulator_listener import Watch
from tests.unit.simulator_street import (
    BEGIN,
    BTC,
    SECRET,
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

ORDERS = "POST /v1/orders"


@dataclass
class Wire:
    """Satisfies what a `Customer` asks of a face, through a transport with faults."""

    transport: DoorTransport

    def handle(self, request: Request) -> Response:
        return self.transport.send(request)


def calling(*rules: Rule, seed: int = 1, patience: float = 10.0) -> tuple[Customer, Courier, list[float]]:
    """A customer behind the faults, the courier, and what the customer waited for."""
    courier = Courier(faced(opened(flat())), Faults(rules, seed))
    waited: list[float] = []
    transport = DoorTransport(door=courier, patience=patience, wait=waited.append)
    return Customer(Wire(transport)), courier, waited  # type: ignore[arg-type]


def orders(courier: Courier) -> list[Order]:
    """What the venue holds of the one account."""
    return list(courier.face.venue.accounts["paper"].orders.values())


def body(**more: str) -> dict[str, str]:
    """A market buy."""
    return buy("6000", **more)


@pytest.mark.parametrize(
    ("kind", "more", "fault", "performed"),
    [
        (Kind.NOT_CONNECTED, {}, NotConnected, 0),
        (Kind.REQUEST_LOST, {}, Interrupted, 0),
        (Kind.REPLY_LOST, {}, Interrupted, 1),
        (Kind.LATE, {}, Interrupted, 0),
        (Kind.STALL, {}, Interrupted, 0),
        (Kind.STALL, {"performed": True}, Interrupted, 1),
        (Kind.CUT, {"cut_at": 3}, Interrupted, 1),
        (Kind.SLOW, {"speed": 1}, Interrupted, 1),
    ],
)
def test_no_whole_reply_comes(kind: Kind, more: dict[str, Any], fault: type[Exception], performed: int) -> None:
    customer, courier, _ = calling(Rule(kind=kind, calls=ORDERS, times=1, **more))
    with pytest.raises(fault):
        customer.post("/v1/orders", body())
    assert len(orders(courier)) == performed
    assert customer.post("/v1/orders", body()).status == 201


@pytest.mark.parametrize(
    ("kind", "more", "status", "text", "performed"),
    [
        (Kind.SERVER_ERROR, {}, 500, b'"internal_server_error"', 0),
        (Kind.SERVER_ERROR, {"performed": True}, 500, b'"internal_server_error"', 1),
        (Kind.SERVER_ERROR, {"status": 502, "form": Form.HTML}, 502, b"<h1>Bad Gateway</h1>", 0),
        (Kind.SERVER_ERROR, {"status": 503, "form": Form.TEXT}, 503, b"Service Temporarily Unavailable", 0),
        (Kind.SERVER_ERROR, {"status": 504, "form": Form.EMPTY}, 504, b"", 0),
        (Kind.SERVER_ERROR, {"status": 502}, 502, b'"message":"Bad Gateway"', 0),
        (Kind.OFFLINE, {}, 403, b'"market_offline"', 0),
        (Kind.TOO_MANY, {}, 429, b"Too many API requests.", 0),
        (Kind.TOO_MANY, {"form": Form.JSON}, 429, b'"too_many_requests"', 0),
        (Kind.BLOCKED, {"seconds": 12}, 418, b"Too many API requests. Blocked for 12 seconds.", 0),
        (Kind.HTML, {}, 200, b"<html>", 1),
        (Kind.EMPTY, {}, 201, b"", 1),
    ],
)
def test_another_reply_comes(kind: Kind, more: dict[str, Any], status: int, text: bytes, performed: int) -> None:
    customer, courier, _ = calling(Rule(kind=kind, calls=ORDERS, times=1, **more))
    reply = customer.post("/v1/orders", body())
    assert (reply.status, text in reply.body, len(reply.body) > 0) == (status, True, bool(text))
    assert reply.headers["date"] == "Mon, 05 Jan 2026 00:00:00 GMT"
    assert len(orders(courier)) == performed


def test_a_storm_names_the_group_that_it_pretends_to_count() -> None:
    customer, _, _ = calling(Rule(kind=Kind.TOO_MANY))
    assert customer.post("/v1/orders", body()).headers["remaining-req"] == "group=order; min=1800; sec=0"
    assert customer.get("/v1/market/all").headers["remaining-req"] == "group=market; min=600; sec=0"
    assert "remaining-req" not in customer.get("/v1/unheard").headers


def test_what_comes_twice_is_refused_for_its_nonce_or_performed_twice() -> None:
    customer, courier, _ = calling(
        Rule(kind=Kind.TWICE, calls=ORDERS, times=1),
        Rule(kind=Kind.TWICE, calls=ORDERS, times=1, told=Told.FIRST),
        Rule(kind=Kind.TWICE, calls=ORDERS, times=1, unchecked=True, told=Told.FIRST),
        Rule(kind=Kind.TWICE, calls=ORDERS, times=1, unchecked=True),
    )
    assert error_name(customer.post("/v1/orders", body())) == "nonce_used"
    assert customer.post("/v1/orders", body()).status == 201
    assert len(orders(courier)) == 2
    assert decoded(customer.post("/v1/orders", body()))["uuid"] == orders(courier)[2].uuid
    assert len(orders(courier)) == 4
    assert error_name(customer.post("/v1/orders", body(identifier="once"))) == "duplicated_identifier"
    assert len(orders(courier)) == 5


def test_a_public_call_and_an_unreadable_token_may_come_twice_as_well() -> None:
    customer, courier, _ = calling(Rule(kind=Kind.TWICE, unchecked=True))
    assert customer.get("/v1/market/all").status == 200
    request = Request(method="GET", path="/v1/accounts", headers={"Authorization": "Bearer x.y.z"})
    reply = courier.deliver(request).response
    assert reply is not None
    assert error_name(reply) == "jwt_verification"


def test_a_late_request_is_performed_at_its_time_and_later_ones_go_first() -> None:
    customer, courier, _ = calling(Rule(kind=Kind.LATE, calls=ORDERS, times=1, delay=5))
    with pytest.raises(Interrupted):
        customer.post("/v1/orders", body(identifier="late"), at=seconds(1))
    assert customer.post("/v1/orders", body(identifier="early"), at=seconds(3)).status == 201
    courier.settle()
    assert [order.ticket.identifier for order in orders(courier)] == ["early"]
    customer.get("/v1/accounts", at=seconds(60))
    late = orders(courier)[1]
    assert (late.ticket.identifier, late.created_at) == ("late", BEGIN + seconds(6))


def test_a_late_request_is_performed_at_its_time_within_an_advance_too() -> None:
    customer, courier, _ = calling(Rule(kind=Kind.LATE, calls=ORDERS, times=2, delay=5))
    for after in (3, 1):
        with pytest.raises(Interrupted):
            customer.post("/v1/orders", body(), at=seconds(after))
    fences: dict[str, object] = {BTC: {"floor": "1", "peak": "999000000"}}
    for after, placed in ((7, [6]), (3600, [6, 8])):
        until = (BEGIN + seconds(after)).isoformat()
        reached = decoded(customer.post("/simulator/advance", {"until": until, "fences": fences}))
        assert reached["at"] == (BEGIN + seconds(after)).isoformat(timespec="microseconds")
        assert [order.created_at for order in orders(courier)] == [BEGIN + seconds(at) for at in placed]


def test_a_late_request_waits_for_so_many_others() -> None:
    customer, courier, _ = calling(Rule(kind=Kind.LATE, calls=ORDERS, times=1, delay=0, behind=2))
    with pytest.raises(Interrupted):
        customer.post("/v1/orders", body())
    for expected in (0, 1, 1):
        customer.get("/v1/accounts")
        assert len(orders(courier)) == expected


def test_a_late_request_arrives_by_itself_on_the_wall_clock() -> None:
    clock = Watch()
    venue = opened(flat(), settings=VenueSettings(pace=Pace.REAL))
    key = ApiKey(access="paper", secret=SECRET, account="paper")
    face = Face(venue, [key], FaceSettings(quota=QuotaSettings(enforced=False)), clock)
    courier = Courier(face, Faults([Rule(kind=Kind.LATE, calls=ORDERS, times=1, delay=2)]), clock)
    customer = Customer(Wire(DoorTransport(door=courier)))  # type: ignore[arg-type]
    with pytest.raises(Interrupted):
        customer.post("/v1/orders", body())
    clock.sleep(1.9)
    courier.settle()
    assert orders(courier) == []
    clock.sleep(0.1)
    courier.settle()
    assert [order.created_at for order in orders(courier)] == [BEGIN + seconds(2)]


def test_a_slow_reply_takes_its_time_and_a_short_one_is_not_cut() -> None:
    customer, _, waited = calling(
        Rule(kind=Kind.SLOW, calls="GET /v1/accounts", speed=100), Rule(kind=Kind.CUT, cut_at=100_000)
    )
    reply = customer.get("/v1/accounts")
    assert waited == [len(reply.body) / 100]
    assert customer.get("/v1/market/all").status == 200


def test_patience_bounds_every_wait() -> None:
    rules = (Rule(kind=Kind.STALL, seconds=30, times=1), Rule(kind=Kind.SLOW, speed=1))
    customer, _, waited = calling(*rules, patience=4)
    for words in ("no reply came", "took longer than 4 s"):
        with pytest.raises(Interrupted, match=words):
            customer.get("/v1/market/all")
    assert waited == [4, 4]


@pytest.mark.parametrize("skew", [-7.0, 3600.0])
def test_the_venues_clock_seems_wrong(skew: float) -> None:
    customer, courier, _ = calling(Rule(kind=Kind.SKEW, seconds=skew))
    dated = parsedate_to_datetime(customer.get("/v1/market/all").headers["date"])
    assert dated == BEGIN + seconds(skew)
    courier.faults.add(Rule(kind=Kind.REQUEST_LOST))
    with pytest.raises(Interrupted):
        customer.get("/v1/market/all")


def test_the_simulators_own_calls_always_arrive() -> None:
    customer, _, _ = calling(Rule(kind=Kind.REQUEST_LOST))
    assert customer.get("/simulator/clock").status == 200


def test_a_call_that_is_stamped_with_a_time_gone_by_meets_the_faults_of_the_venues_time() -> None:
    customer, _, _ = calling(
        Rule(kind=Kind.OFFLINE, calls="GET /v1/market/all", end=BEGIN + seconds(5)),
        Rule(kind=Kind.SERVER_ERROR, calls="GET /v1/ticker/all", start=BEGIN + seconds(5)),
    )
    assert customer.get("/v1/market/all", at=seconds(1)).status == 403
    customer.get("/v1/accounts", at=seconds(10))
    assert customer.get("/v1/market/all", at=seconds(1)).status == 200
    assert customer.get("/v1/ticker/all", ("quote_currencies", "KRW"), at=seconds(1)).status == 500


@pytest.mark.parametrize("moment", ["noon", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_cannot_be_read_is_refused_by_the_face(moment: str) -> None:
    courier = Courier(faced(opened(flat())), Faults([Rule(kind=Kind.SKEW)]))
    reply = courier.deliver(
        Request(method="GET", path="/v1/market/all", headers={"Makenaide-Time": moment})
    ).response
    assert reply is not None
    assert reply.status == 400


def test_the_same_seed_and_calls_meet_the_same_faults() -> None:
    rules = [
        Rule(kind=Kind.REPLY_LOST, calls=ORDERS, probability=0.3),
        Rule(kind=Kind.LATE, calls=ORDERS, probability=0.3, delay=3),
        Rule(kind=Kind.SERVER_ERROR, probability=0.2, performed=True),
    ]

    def seen(seed: int) -> list[str]:
        customer, courier, _ = calling(*rules, seed=seed)
        told = []
        for number in range(60):
            try:
                reply = customer.post("/v1/orders", body(identifier=f"n{number}"), at=seconds(number))
                told.append(json.dumps([reply.status, dict(reply.headers), reply.body.decode()]))
            except Interrupted as fault:
                told.append(str(fault))
        return told + courier.face.venue.state()

    assert seen(7) == seen(7)
    assert seen(7) != seen(8)


def test_an_order_gets_its_share_of_the_street_and_rests_with_the_remainder() -> None:
    settings = VenueSettings(book_share=Decimal("0.25"))
    venue = opened(flat(levels=1), "paper", "other", settings=settings, KRW="1000000000", BTC="1")
    paper, other = Customer(faced(venue)), Customer(faced(venue), "other")
    uuid = decoded(paper.post("/v1/orders", limit("bid", "100000000", "0.8")))["uuid"]
    order = venue.accounts["paper"].orders[uuid]
    assert (order.executed, order.open) == (Decimal("0.25"), True)
    assert other.post("/v1/orders", limit("ask", "100000000", "0.4")).status == 201
    assert order.executed == Decimal("0.65")


@pytest.mark.parametrize("kind", [Kind.LATE, Kind.SKEW, Kind.TOO_MANY])
@pytest.mark.parametrize("time", ["9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59-10:00"])
def test_a_time_at_the_end_of_the_calendar_breaks_no_fault(kind: Kind, time: str) -> None:
    more = {"delay": 86_400.0} if kind is Kind.LATE else {"seconds": 1e6} if kind is Kind.SKEW else {}
    courier = Courier(faced(opened(flat())), Faults([Rule(kind=kind, **more)]))  # type: ignore[arg-type]
    request = Request(method="GET", path="/v1/market/all", headers={"Makenaide-Time": time})
    response = courier.deliver(request).response
    assert response is None or response.status in (400, 429)
    assert courier.face.venue.now == BEGIN


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/v1/orderbook", "group=orderbook; min=600; sec=0"),
        ("/v1/orders", "group=order; min=1800; sec=0"),
        ("/v1/trades/ticks", "group=crix-trades; min=600; sec=0"),
    ],
)
def test_a_refusal_on_request_has_the_header_that_the_quota_would_give(path: str, header: str) -> None:
    face = faced(opened(flat()), quota=QuotaSettings(header_names=(("trade", "crix-trades"),)))
    courier = Courier(face, Faults([Rule(kind=Kind.TOO_MANY)]))
    method = "POST" if path == "/v1/orders" else "GET"
    response = courier.deliver(Request(method=method, path=path)).response
    assert response is not None
    assert response.headers["remaining-req"] == header
