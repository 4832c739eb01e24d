"""Orders by name and in lists: chunked, paged and walked to their ends, against the simulated venue."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.order import Identifier
from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.upbit.calls.looking import CLOSED_WINDOW, MOST_CLOSED, MOST_OPEN
from makenaide.exchange.upbit.errors import VenueGarbled, VenueRefused
from tests.unit.simulator_street import BEGIN, BTC, XRP, flat, limit, opened
from tests.unit.test_upbit_wire import LIMIT_SELL, changed
from tests.unit.upbit_desk import desk, taking
from tests.unit.upbit_script import refused, reply, stand

DAY = timedelta(days=1)


def row(number: int, at: datetime, **more: Any) -> dict[str, Any]:
    """An order object with a number in its names."""
    names = {"uuid": f"u-{number:05d}", "identifier": f"i-{number}", "created_at": at.isoformat()}
    return changed(LIMIT_SELL, **(names | more))


# ---- by name ----


def test_orders_are_looked_up_by_their_names_a_hundred_a_call() -> None:
    at = desk()
    known = [at.rest(number) for number in range(3)]
    missing = [Identifier(f"never-{number}") for number in range(198)]
    found = at.client.orders([*known, *missing, known[0]])
    assert set(found) == set(known)
    assert [order.trades for order in found.values()] == [(), (), ()]
    sizes = [len(request.query) for request in at.wire.sent if request.path == "/v1/orders/uuids"]
    assert sizes == [100, 100, 1], "each name once"
    by_uuid = at.client.orders_by_uuid([order.uuid for order in found.values()])
    assert list(by_uuid.values()) == list(found.values())


def test_nothing_is_asked_about_no_order() -> None:
    at = desk()
    assert (at.client.orders([]), at.client.orders_by_uuid([])) == ({}, {})
    assert at.paths() == []


def test_an_order_is_found_by_the_venues_own_id_with_its_trades() -> None:
    at = desk()
    at.client.place(taking(1))
    by_identifier = at.client.order(taking(1).identifier)
    assert by_identifier is not None
    assert at.client.by_uuid(by_identifier.uuid) == by_identifier
    assert len(by_identifier.trades) == 1
    assert at.client.by_uuid("00000000-0000-4000-8000-000000000000") is None


def test_a_reply_about_an_order_that_was_not_asked_for_is_garbage() -> None:
    strange = [row(7, BEGIN)]
    with pytest.raises(VenueGarbled, match="not asked for"):
        stand([reply(strange)]).client.orders([Identifier("i-8")])
    with pytest.raises(VenueGarbled, match="not asked for"):
        stand([reply(strange)]).client.orders_by_uuid(["u-00008"])
    with pytest.raises(VenueGarbled, match="twice"):
        stand([reply(strange * 2)]).client.orders([Identifier("i-7")])
    with pytest.raises(VenueGarbled, match="asked for u-1"):
        stand([reply(strange[0])]).client.by_uuid("u-1")
    with pytest.raises(VenueRefused):
        stand([refused(404, "order_not_found")]).client.orders([Identifier("i-7"), Identifier("i-8")])


# ---- open orders ----


def test_open_orders_are_those_that_wait_or_watch() -> None:
    venue = opened(flat())
    at = desk(venue)
    waiting = at.rest(1)
    at.client.place(taking(2))
    watching = Operator(venue).place_watch("paper", limit("bid", "90000000", "0.0001"), Decimal(95_000_000))
    found = at.client.open_orders()
    assert {each.uuid for each in found} == {at.client.orders([waiting])[waiting].uuid, watching.uuid}
    assert {each.state for each in found} == {"wait", "watch"}
    assert at.client.open_orders(XRP) == ()


@dataclass
class Sliding:
    """A venue with many open orders, some of which end between two pages."""

    rows: list[dict[str, Any]]
    ends: Sequence[Sequence[int]]
    asked: list[int] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        query = dict(request.query)
        assert query["order_by"] == "asc"
        page, size = int(query["page"]), int(query["limit"])
        shown = self.rows[(page - 1) * size : page * size]
        gone = {f"u-{number:05d}" for number in next(iter(self.ends[len(self.asked) :]), ())}
        self.asked.append(page)
        self.rows = [each for each in self.rows if each["uuid"] not in gone]
        return reply(shown)


@pytest.mark.parametrize("many", [0, 1, MOST_OPEN - 1, MOST_OPEN, MOST_OPEN + 1, 3 * MOST_OPEN])
def test_every_page_of_the_open_orders_is_read(many: int) -> None:
    at = stand([], carrier=Sliding([row(number, BEGIN) for number in range(many)], []))
    assert [each.uuid for each in at.client.open_orders()] == [f"u-{number:05d}" for number in range(many)]


@pytest.mark.parametrize(
    "ends",
    [
        [range(50)],
        [range(100), range(100, 150)],
        [(0, 1, 2), (120, 121), range(3, 90)],
        [(), range(90), range(90, 130)],
        [(), (), range(150), range(150, 230)],
    ],
)
def test_an_order_that_stays_open_is_never_missed_when_others_end_between_the_pages(
    ends: Sequence[Sequence[int]],
) -> None:
    venue = Sliding([row(number, BEGIN) for number in range(350)], ends)
    at = stand([], carrier=venue)
    found = {each.uuid for each in at.client.open_orders()}
    assert found >= {each["uuid"] for each in venue.rows}


def test_pages_without_an_end_are_garbled() -> None:
    same = [row(number, BEGIN) for number in range(MOST_OPEN)]
    at = stand([reply(same)])
    with pytest.raises(VenueGarbled, match="page 2 is full, and the pages do not end"):
        at.client.open_orders()
    assert len(at.sent) == 2

    class Endless(Sliding):
        def send(self, request: Request) -> Response:
            page = int(dict(request.query)["page"])
            self.asked.append(page)
            return reply([row(page * MOST_OPEN + number, BEGIN) for number in range(MOST_OPEN)])

    endless = Endless([], [])
    with pytest.raises(VenueGarbled, match="page 1000 is full"):
        stand([], carrier=endless).client.open_orders()
    assert len(endless.asked) == 1000


# ---- closed orders ----


def test_closed_orders_are_found_over_many_weeks() -> None:
    venue = opened(flat())
    at = desk(venue)
    for number, day in enumerate((0, 3, 6, 7, 14, 20), start=1):
        venue.advance(BEGIN + day * DAY + timedelta(seconds=5))
        at.client.place(taking(number, "0.0001"))
    at.rest(9)
    found = at.client.closed_orders(BEGIN, BEGIN + 21 * DAY)
    assert [each.identifier for each in found] == [taking(number).identifier for number in range(1, 7)]
    assert at.paths().count("/v1/orders/closed") == 3
    assert len(at.client.closed_orders(BEGIN + DAY, BEGIN + 7 * DAY)) == 2
    assert at.client.closed_orders(BEGIN, BEGIN + 21 * DAY, XRP) == ()


@dataclass
class Crowded:
    """A venue with closed orders at given milliseconds; `counts` are the edges of a window that it counts in."""

    moments: Sequence[int]
    windows: list[tuple[int, int]] = field(default_factory=list)
    counts: str = "both"

    def send(self, request: Request) -> Response:
        query = dict(request.query)
        since, until = int(query["start_time"]), int(query["end_time"])
        assert until - since <= CLOSED_WINDOW
        assert query["limit"] == str(MOST_CLOSED)
        self.windows.append((since, until))
        inside = [
            row(number, datetime.fromtimestamp(at / 1000, UTC), state="done")
            for number, at in enumerate(self.moments)
            if since <= at <= until
            and (at != since or self.counts in ("both", "start"))
            and (at != until or self.counts in ("both", "end"))
        ]
        return reply(inside[:MOST_CLOSED])


def test_a_window_with_more_orders_than_a_reply_holds_is_halved_until_it_fits() -> None:
    start = int(BEGIN.timestamp() * 1000)
    venue = Crowded([start + 40 * number for number in range(2500)])
    at = stand([], carrier=venue)
    found = at.client.closed_orders(BEGIN, BEGIN + DAY)
    assert [each.uuid for each in found] == [f"u-{number:05d}" for number in range(2500)]
    assert len(venue.windows) > 3


@pytest.mark.parametrize("counts", ["both", "start", "end"])
def test_an_order_at_the_edge_of_two_windows_is_found_whichever_edge_the_venue_counts_in(counts: str) -> None:
    start = int(BEGIN.timestamp() * 1000)
    venue = Crowded([start + 2 * number for number in range(1, 2500)], counts=counts)
    assert len(stand([], carrier=venue).client.closed_orders(BEGIN, BEGIN + DAY)) == 2499
    edges = {edge for window in venue.windows for edge in window}
    assert edges & set(venue.moments), "some order lies at an edge"


def test_more_orders_in_a_second_than_a_reply_holds_are_not_passed_over() -> None:
    start = int(BEGIN.timestamp() * 1000)
    at = stand([], carrier=Crowded([start + 1] * MOST_CLOSED))
    with pytest.raises(VenueGarbled, match="within one second"):
        at.client.closed_orders(BEGIN, BEGIN + DAY)


def test_an_order_of_the_last_part_of_a_millisecond_is_not_missed() -> None:
    venue = opened(flat())
    at = desk(venue)
    venue.advance(BEGIN + timedelta(seconds=5, microseconds=1500))
    at.client.place(taking(1, "0.0001"))
    assert len(at.client.closed_orders(BEGIN, venue.now)) == 1
    assert len(at.client.closed_orders(venue.now, venue.now)) == 1


def test_a_moment_is_a_span_too_and_a_span_has_its_direction() -> None:
    at = stand([], carrier=Crowded([int(BEGIN.timestamp() * 1000)]))
    assert len(at.client.closed_orders(BEGIN, BEGIN, BTC)) == 1
    with pytest.raises(ValueError, match="before"):
        at.client.closed_orders(BEGIN, BEGIN - DAY)
    with pytest.raises(ValueError, match="zone"):
        at.client.closed_orders(datetime(2026, 1, 5), BEGIN)  # noqa: DTZ001 - that is the point
