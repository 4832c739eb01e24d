"""Faults over a real loopback socket: what a client sees there is what it sees in process."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from queue import Queue

import pytest

from makenaide.exchange.http import Interrupted, Request, Response, Transport
from makenaide.exchange.simulator.faults.courier import Courier
from makenaide.exchange.simulator.faults.plan import Faults, Form, Kind, Rule
from makenaide.exchange.simulator.faults.transport import DoorTransport
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.server import Server
from makenaide.exchange.simulator.settings import ApiKey, FaceSettings, Pace, QuotaSettings, VenueSettings
from makenaide.exchange.upbit.settings import TransportSettings
from makenaide.exchange.upbit.transport import UrllibTransport
from tests.contract.serving import RunningClock, running
from tests.unit.simulator_street import BEGIN, SECRET, buy, faced, flat, opened, seconds, token

pytestmark = pytest.mark.sockets
PATIENCE = TransportSettings(connect=1.0, read=0.6, total=1.0)
RULES = (
    Rule(kind=Kind.REQUEST_LOST, calls="POST /v1/orders", every=7),
    Rule(kind=Kind.REPLY_LOST, calls="POST /v1/orders", probability=0.2),
    Rule(kind=Kind.LATE, calls="POST /v1/orders", probability=0.2, delay=3),
    Rule(kind=Kind.TWICE, calls="POST /v1/orders", probability=0.2, unchecked=True),
    Rule(kind=Kind.SERVER_ERROR, group="default", probability=0.2, status=502, form=Form.HTML),
    Rule(kind=Kind.CUT, group="default", probability=0.2, cut_at=5),
    Rule(kind=Kind.SKEW, group="default", seconds=-2),
)


@contextmanager
def served(courier: Courier) -> Iterator[UrllibTransport]:
    """A client of a server behind `courier`."""
    with (
        running(Server(courier.face, door=courier)) as port,
        closing(UrllibTransport(f"http://127.0.0.1:{port}", PATIENCE)) as transport,
    ):
        yield transport


def behind(*rules: Rule, seed: int = 1) -> Courier:
    """A courier before a small market."""
    return Courier(faced(opened(flat())), Faults(rules, seed))


def order(number: int, **more: str) -> Request:
    """A signed market buy, stamped with its second."""
    body = buy("6000", identifier=f"n{number}", **more)
    text = "&".join(f"{name}={value}" for name, value in body.items())
    headers = {
        "authorization": token("paper", text, f"nonce {number}"),
        "content-type": "application/json; charset=utf-8",
        "makenaide-time": (BEGIN + seconds(number)).isoformat(),
    }
    return Request(method="POST", path="/v1/orders", headers=headers, body=json.dumps(body).encode())


def accounts(number: int) -> Request:
    """A signed look at the balances."""
    headers = {"authorization": token("paper", "", f"look {number}")}
    return Request(method="GET", path="/v1/accounts", headers=headers)


def told(transport: Transport, request: Request) -> tuple[int, bytes, str | None] | str:
    """What came of it, in words that do not depend on the wire."""
    try:
        reply = transport.send(request)
    except Interrupted:
        return "interrupted"
    return reply.status, reply.body, reply.headers.get("date")


@pytest.mark.parametrize("seed", [1, 2])
def test_over_a_socket_the_same_happens_as_in_process(seed: int) -> None:
    inside, outside = behind(*RULES, seed=seed), behind(*RULES, seed=seed)
    calls = [each for number in range(60) for each in (order(number), accounts(number))]
    expected = [told(DoorTransport(door=inside), each) for each in calls]
    with served(outside) as transport:
        assert [told(transport, each) for each in calls] == expected
    assert outside.face.venue.state() == inside.face.venue.state()
    assert [(each.seen, each.struck) for each in outside.faults.listed()] == [
        (each.seen, each.struck) for each in inside.faults.listed()
    ]
    assert min(each.struck for each in inside.faults.listed()) > 0


@pytest.mark.parametrize(
    "rule",
    [
        Rule(kind=Kind.REPLY_LOST),
        Rule(kind=Kind.REQUEST_LOST),
        Rule(kind=Kind.NOT_CONNECTED),
        Rule(kind=Kind.CUT, cut_at=0),
        Rule(kind=Kind.CUT, cut_at=30),
        Rule(kind=Kind.STALL, seconds=30),
        Rule(kind=Kind.STALL, seconds=0.1),
        Rule(kind=Kind.SLOW, speed=10),
    ],
    ids=lambda rule: f"{rule.kind} {rule.cut_at} {rule.seconds}",
)
def test_a_client_gets_no_whole_reply_and_the_server_goes_on(rule: Rule) -> None:
    courier = behind(rule)
    with served(courier) as transport:
        with pytest.raises(Interrupted):
            transport.send(accounts(1))
        courier.faults.clear()
        assert transport.send(accounts(2)).status == 200


def test_a_slow_body_comes_at_its_pace_and_others_are_served_meanwhile() -> None:
    courier = behind(Rule(kind=Kind.SLOW, calls="GET /v1/accounts", speed=200))
    replies: Queue[Response] = Queue()
    with served(courier) as transport:
        began = time.monotonic()
        slow = threading.Thread(target=lambda: replies.put(transport.send(accounts(1))))
        slow.start()
        assert transport.send(Request(method="GET", path="/v1/market/all")).status == 200
        quick = time.monotonic() - began
        slow.join()
        taken = time.monotonic() - began
    body = replies.get(timeout=1).body
    assert json.loads(body)
    assert taken >= len(body) / 200 * 0.9
    assert quick < taken / 2


def test_a_body_that_is_slow_and_cut_ends_where_it_is_cut() -> None:
    face = faced(opened(flat()))

    class Both(Courier):
        def deliver(self, request: Request, peer: str = "127.0.0.1"):  # type: ignore[no-untyped-def]
            from dataclasses import replace  # noqa: PLC0415

            return replace(super().deliver(request, peer), cut_at=10, speed=200)

    with (
        running(Server(face, door=Both(face))) as port,
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection,
    ):
        connection.request("GET", "/v1/market/all")
        with pytest.raises(http.client.IncompleteRead) as caught:
            connection.getresponse().read()
    assert len(caught.value.partial) == 10


def test_on_the_wall_clock_a_late_request_arrives_though_nobody_calls() -> None:
    clock = RunningClock()
    venue = opened(flat(), settings=VenueSettings(pace=Pace.REAL))
    key = ApiKey(access="paper", secret=SECRET, account="paper")
    face = Face(venue, [key], FaceSettings(quota=QuotaSettings(enforced=False)), clock)
    courier = Courier(face, Faults([Rule(kind=Kind.LATE, delay=0.2, times=1)]), clock)
    orders = venue.accounts["paper"].orders
    with served(courier) as transport:
        with pytest.raises(Interrupted):
            transport.send(order(1))
        assert len(orders) == 0
        tries = count()
        while not orders and next(tries) < 100:
            time.sleep(0.02)
    assert len(orders) == 1
