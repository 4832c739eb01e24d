"""Lists of orders of the simulated venue: windows, caps, pages, the deprecated one, and that they look at no more."""

from datetime import timedelta
from typing import Any

import pytest

from makenaide.exchange.http import Pairs
from makenaide.exchange.simulator.core.orders import Order
from tests.unit.simulator_street import (
    BEGIN,
    XRP,
    Customer,
    buy,
    decoded,
    error_name,
    faced,
    flat,
    limit,
    opened,
)

DAY = timedelta(days=1)


def traded() -> tuple[Customer, dict[str, str]]:
    """Orders on four days: done and cancelled ones, and two that are open; their uuids by name."""
    someone = Customer(faced(opened(flat(), KRW="100000000", BTC="1")))
    placed = {
        "done": someone.post("/v1/orders", limit("bid", "100000000", "0.01", identifier="done")),
        "cancel": someone.post("/v1/orders", buy("6000.5"), at=1 * DAY),
        "wait": someone.post("/v1/orders", limit("bid", "90000000", "0.01"), at=9 * DAY),
        "xrp": someone.post("/v1/orders", limit("bid", "900", "10", market=XRP)),
        "late": someone.post("/v1/orders", limit("ask", "99000000", "0.01"), at=10 * DAY),
    }
    return someone, {name: decoded(reply)["uuid"] for name, reply in placed.items()}


@pytest.mark.parametrize(
    ("path", "query", "rows"),
    [
        ("orders", (), ["xrp", "wait"]),
        ("orders", (("order_by", "asc"),), ["wait", "xrp"]),
        ("orders", (("market", "KRW-BTC"), ("state", "wait"), ("page", "1"), ("limit", "100")), ["wait"]),
        ("orders", (("state", "done"),), ["late", "done"]),
        ("orders", (("state", "cancel"),), ["cancel"]),
        ("orders", (("states[]", "done"), ("states[]", "wait")), ["late", "xrp", "wait", "done"]),
        ("orders", (("states[]", "done"), ("states[]", "cancel"), ("limit", "2"), ("page", "2")), ["done"]),
        ("orders", (("identifiers[]", "done"), ("state", "done")), ["done"]),
        ("orders", (("uuids[]", "{late}"), ("uuids[]", "{done}"), ("state", "done")), ["late", "done"]),
        ("orders", (("uuids[]", "{late}"),), []),
        ("orders/open", (("limit", "1"),), ["xrp"]),
        ("orders/open", (("limit", "1"), ("page", "2")), ["wait"]),
        ("orders/open", (("limit", "1"), ("page", "3")), []),
        ("orders/open", (("market", "krw-xrp"),), ["xrp"]),
        ("orders/closed", (), ["late"]),
        ("orders/closed", (("start_time", "2026-01-05T09:00:00+09:00"),), ["cancel", "done"]),
        ("orders/closed", (("start_time", "2026-01-05T09:00:01+09:00"),), ["cancel"]),
        ("orders/closed", (("end_time", "2026-01-06T00:00:00Z"), ("order_by", "asc")), ["done", "cancel"]),
        ("orders/closed", (("start_time", "1767571200000"), ("end_time", "1767571200000")), ["done"]),
        ("orders/closed", (("end_time", "1767657600000"), ("limit", "1")), ["cancel"]),
        ("orders/closed", (("end_time", "1767657600000"), ("state", "done")), ["done"]),
    ],
)
def test_a_list_shows_what_is_asked(path: str, query: Pairs, rows: list[str]) -> None:
    someone, placed = traded()
    asked = [(name, value.format(**placed)) for name, value in query]
    found = [row["uuid"] for row in decoded(someone.get(f"/v1/{path}", *asked))]
    assert found == [placed[row] for row in rows]


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        ("orders", (("state", "gone"),), "validation_error"),
        ("orders", (("state", "wait"), ("states[]", "wait")), "validation_error"),
        ("orders", (("uuids[]", "a"), ("identifiers[]", "b")), "bad_request"),
        ("orders", (("limit", "101"),), "validation_error"),
        ("orders/open", (("state", "done"),), "validation_error"),
        ("orders/open", (("page", "x"),), "validation_error"),
        ("orders/open", (("page", "1000001"),), "validation_error"),
        ("orders/closed", (("limit", "1001"),), "validation_error"),
        ("orders/closed", (("start_time", "yesterday"),), "validation_error"),
        ("orders/closed", (("start_time", "9" * 18),), "validation_error"),
        ("orders/closed", (("end_time", "0001-01-01T00:00:00Z"),), "validation_error"),
        ("orders/closed", (("start_time", "2026-01-01"), ("end_time", "2026-01-09")), "validation_error"),
        ("orders/closed", (("start_time", "2026-01-02"), ("end_time", "2026-01-01")), "validation_error"),
        ("orders/uuids", (), "bad_request"),
        ("orders/uuids", tuple(("uuids[]", str(number)) for number in range(101)), "validation_error"),
    ],
)
def test_a_list_that_is_asked_for_wrongly_is_refused(path: str, query: Pairs, name: str) -> None:
    reply = traded()[0].get(f"/v1/{path}", *query)
    assert (reply.status, error_name(reply)) == (400, name)


def test_closed_orders_come_a_hundred_at_a_time_unless_more_are_asked_for() -> None:
    someone = Customer(faced(opened(flat())))
    for _ in range(101):
        someone.post("/v1/orders", buy("5000"))
    assert len(decoded(someone.get("/v1/orders/closed"))) == 100
    assert len(decoded(someone.get("/v1/orders/closed", ("limit", "1000")))) == 101


def test_lists_look_at_the_orders_of_their_window_only() -> None:
    venue = opened(flat(), KRW="100000000")
    seen: list[Order] = []

    class Watched(list[Order]):
        def __iter__(self) -> Any:
            raise AssertionError("a list went through every order ever")

        def __reversed__(self) -> Any:
            for order in super().__reversed__():
                seen.append(order)
                yield order

        def __getitem__(self, index: Any) -> Any:
            found = super().__getitem__(index)
            seen.extend(found if isinstance(index, slice) else [found])
            return found

    someone = Customer(faced(venue))
    for number in range(300):
        someone.post("/v1/orders", buy("5000"), at=timedelta(hours=number))
    account = venue.accounts["paper"]
    account.history = Watched(account.history)
    query = (("start_time", (BEGIN + 2 * DAY).isoformat()), ("end_time", (BEGIN + 3 * DAY).isoformat()))
    assert len(decoded(someone.get("/v1/orders/closed", *query))) == 25
    assert len(decoded(someone.get("/v1/orders", ("state", "done"), ("limit", "1")))) == 1
    assert len(seen) < 80
    assert decoded(someone.get("/v1/orders/open")) == []
