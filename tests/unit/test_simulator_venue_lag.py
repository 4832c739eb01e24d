"""Balances that arrive late, averages with the fee, and orders that watch for a price, in the simulated venue."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from makenaide.domain.errors import Inconsistent, Misconfigured
from makenaide.exchange.simulator.core.errors import Refused
from makenaide.exchange.simulator.core.feed import AssetHappening, Happening, OrderHappening
from makenaide.exchange.simulator.core.operator import MOST_WATCHING, Operator
from makenaide.exchange.simulator.core.orders import Order
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.core.wallet import Wallet
from makenaide.exchange.simulator.settings import VenueSettings
from tests.unit.simulator_street import (
    BEGIN,
    BTC,
    XRP,
    Customer,
    Step,
    Street,
    buy,
    decoded,
    error_name,
    faced,
    flat,
    limit,
    opened,
    seconds,
    sell,
)
from tests.unit.test_simulator_venue_money import assert_locks_match

LATE = VenueSettings(balance_lag_ms=1500)
PATH: list[Step] = [
    (seconds(0), Decimal(100_000_000)),
    (seconds(10), Decimal(90_000_000)),
    (seconds(20), Decimal(105_000_000)),
]


def path(**more: object) -> Street:
    return Street(steps={BTC: PATH, XRP: [(seconds(0), Decimal(1000))]}, **more)  # type: ignore[arg-type]


def balances(someone: Customer, at: timedelta | None = None) -> dict[str, tuple[str, str]]:
    rows = decoded(someone.get("/v1/accounts", at=at))
    return {row["currency"]: (row["balance"], row["locked"]) for row in rows}


def test_what_was_bought_is_seen_and_can_be_sold_only_after_the_lag() -> None:
    someone = Customer(faced(opened(flat(), settings=LATE)))
    uuid = decoded(someone.post("/v1/orders", limit("bid", "100000000", "0.01", time_in_force="ioc")))["uuid"]
    assert decoded(someone.get("/v1/order", ("uuid", uuid)))["state"] == "done"
    assert balances(someone) == {"KRW": ("8999500", "0")}
    assert error_name(someone.post("/v1/orders", sell("0.01"))) == "insufficient_funds_ask"
    assert balances(someone, seconds(1.499)) == {"KRW": ("8999500", "0")}
    assert balances(someone, seconds(1.5)) == {"KRW": ("8999500", "0"), "BTC": ("0.01", "0")}
    assert someone.post("/v1/orders", sell("0.01")).status == 201
    assert balances(someone) == {"KRW": ("8999500", "0")}
    assert balances(someone, seconds(3)) == {"KRW": ("9998990.005", "0")}


def test_what_a_cancel_releases_comes_after_the_lag_too() -> None:
    venue = opened(flat(), settings=LATE)
    someone = Customer(faced(venue))
    uuid = decoded(someone.post("/v1/orders", limit("bid", "90000000", "0.1")))["uuid"]
    someone.delete("/v1/order", ("uuid", uuid))
    assert balances(someone) == {"KRW": ("995500", "0")}
    assert_locks_match(venue)
    assert balances(someone, seconds(2)) == {"KRW": ("10000000", "0")}


def feed_of(venue: Venue) -> list[Happening]:
    feed = venue.settlement.feed.since(0)
    assert feed is not None
    return feed


def told(venue: Venue) -> list[object]:
    """All that the private streams are told; orders, which are compared by identity, in words."""
    return [
        (each.at, each.news, str(each.order), each.trade) if isinstance(each, OrderHappening) else each
        for each in feed_of(venue)
    ]


def test_a_fill_on_the_way_arrives_its_lag_later_in_whatever_steps_time_passes() -> None:
    states = []
    for steps in ((30,), (11, 12, 30), (10, 11.4, 11.5, 30)):
        venue = opened(path(), settings=LATE)
        venue.place("paper", limit("bid", "95000000", "0.01"))
        for step in steps:
            venue.advance(BEGIN + seconds(step))
            seen = venue.accounts["paper"].wallet.holding("BTC")
            early = 10 <= step < 11.5
            assert (seen.pending if early else seen.free) == Decimal("0.01")
            assert (seen.free if early else seen.pending) == 0
        states.append((venue.state(), told(venue)))
    assert states[0] == states[1] == states[2]


def test_what_lags_arrives_before_a_later_fill_though_time_jumps_over_both() -> None:
    venue = opened(path(), settings=LATE, BTC="1")
    for price in ("100500000", "104000000"):
        venue.place("paper", limit("ask", price, "0.01"))
    venue.place("paper", sell("0.02"))
    venue.advance(BEGIN + seconds(30))
    moved = [(each.at - BEGIN, each.holdings) for each in feed_of(venue) if isinstance(each, AssetHappening)]
    assert [at for at, _ in moved] == sorted(at for at, _ in moved)
    assert [at.total_seconds() for at, _ in moved] == [0, 0, 0, 0, 1.5, 20, 20, 21.5, 21.5]


def test_nothing_arrives_that_was_not_pending() -> None:
    wallet = Wallet()
    wallet.credit("KRW", Decimal(5), later=True)
    with pytest.raises(Inconsistent, match="6 cannot arrive, 5 is pending"):
        wallet.arrive("KRW", Decimal(6))
    wallet.arrive("KRW", Decimal(5))
    assert wallet.holding("KRW").free == 5


@pytest.mark.parametrize(("with_fee", "average"), [(False, "100000000"), (True, "100050000")])
def test_the_average_price_is_without_the_fee_unless_set(with_fee: bool, average: str) -> None:
    venue = opened(flat(), settings=VenueSettings(average_with_fee=with_fee))
    venue.place("paper", limit("bid", "100000000", "0.01"))
    assert venue.accounts["paper"].wallet.holding("BTC").average == Decimal(average)


def conditional(venue: Venue, body: Mapping[str, object], trigger: str) -> Order:
    uuid = Operator(venue).place_watch("paper", body, Decimal(trigger)).uuid
    return venue.accounts["paper"].orders[uuid]


def test_a_watching_order_is_listed_apart_and_locks_its_funds() -> None:
    venue = opened(path())
    someone = Customer(faced(venue))
    order = conditional(venue, limit("bid", "92000000", "0.01"), "93000000")
    assert decoded(someone.get("/v1/orders/open")) == []
    [row] = decoded(someone.get("/v1/orders/open", ("state", "watch")))
    assert (row["uuid"], row["state"], row["locked"]) == (order.uuid, "watch", "920460")
    assert venue.floor.book(BTC, 1).bids[0][0] == 99_999_000
    assert_locks_match(venue)


@pytest.mark.parametrize(
    ("body", "trigger", "wakes", "filled"),
    [
        (limit("bid", "92000000", "0.01"), "93000000", 10, 10),
        (limit("bid", "80000000", "0.01"), "93000000", 10, None),
        (limit("bid", "106000000", "0.01"), "101000000", 20, 20),
        (limit("ask", "99000000", "0.01"), "101000000", 20, 20),
        (limit("ask", "95000000", "0.01"), "93000000", 10, 20),
    ],
)
def test_a_watching_order_wakes_at_its_trigger_and_is_like_any_other(
    body: Mapping[str, str], trigger: str, wakes: int, filled: int | None
) -> None:
    venue = opened(path(), KRW="10000000", BTC="1")
    order = conditional(venue, body, trigger)
    venue.advance(BEGIN + seconds(wakes - 0.001))
    assert order.status == "watch"
    venue.advance(BEGIN + seconds(wakes))
    assert order.status == ("done" if filled == wakes else "wait")
    venue.advance(BEGIN + seconds(500))
    assert [trade.at for trade in order.trades] == ([] if filled is None else [BEGIN + seconds(filled)])
    assert_locks_match(venue)


def test_a_watching_order_that_never_sees_its_price_waits_and_can_be_cancelled() -> None:
    venue = opened(path())
    someone = Customer(faced(venue))
    orders = [conditional(venue, limit("bid", "80000000", "0.01"), "85000000") for _ in range(2)]
    venue.advance(BEGIN + seconds(1000))
    assert decoded(someone.delete("/v1/orders/open"))["success"]["count"] == 0
    assert decoded(someone.delete("/v1/order", ("uuid", orders[0].uuid)))["state"] == "watch"
    assert decoded(someone.delete("/v1/orders/uuids", ("uuids[]", orders[1].uuid)))["success"]["count"] == 1
    assert [order.status.value for order in orders] == ["cancel", "cancel"]
    replaced = {"prev_order_uuid": orders[0].uuid, "new_ord_type": "limit", "new_price": "1", "new_volume": "1"}
    assert error_name(someone.post("/v1/orders/cancel_and_new", replaced)) == "order_not_found"
    assert balances(someone) == {"KRW": ("10000000", "0")}


def test_twenty_orders_of_an_account_may_watch_a_market() -> None:
    venue = opened(path(), "paper", "other")
    body = limit("bid", "80000000", "0.0001")
    for _ in range(MOST_WATCHING):
        conditional(venue, body, "85000000")
    with pytest.raises(Refused, match="bad_request"):
        conditional(venue, body, "85000000")
    assert Operator(venue).place_watch("other", body, Decimal(85_000_000)).status == "watch"
    conditional(venue, limit("bid", "900", "10", market=XRP), "950")


@pytest.mark.parametrize(
    ("body", "trigger", "name"),
    [
        (buy("6000"), "90000000", "not_supported_ord_type"),
        (limit("bid", "80000000", "0.01", time_in_force="ioc"), "90000000", "not_supported_ord_type"),
        (limit("bid", "80000000", "0.01"), "90000001", "invalid_price_bid"),
        (limit("bid", "80000000", "0.01"), "0", "invalid_price_bid"),
        (limit("bid", "80000000", "1"), "90000000", "insufficient_funds_bid"),
    ],
)
def test_a_watching_order_obeys_the_rules_of_orders(body: Mapping[str, str], trigger: str, name: str) -> None:
    with pytest.raises(Refused, match=name):
        conditional(opened(path()), body, trigger)


def test_only_an_account_that_there_is_can_watch() -> None:
    with pytest.raises(Misconfigured, match="account nobody"):
        Operator(opened(path())).place_watch("nobody", limit("bid", "80000000", "0.01"), Decimal(90_000_000))


def test_a_delisting_ends_a_watching_order() -> None:
    gone = BEGIN + seconds(100)
    venue = opened(path(delisted={XRP: gone}))
    order = conditional(venue, limit("bid", "900", "10", market=XRP), "950")
    venue.advance(gone - timedelta(milliseconds=1))
    assert order.status == "watch"
    venue.advance(gone)
    assert order.status == "cancel"
    assert venue.accounts["paper"].wallet.holding("KRW").free == 10_000_000


@pytest.mark.parametrize("step", [0.7, 3, 9.9])
def test_with_delays_and_triggers_the_steps_in_which_time_moves_change_nothing(step: float) -> None:
    def run(length: float) -> list[object]:
        settings = VenueSettings(balance_lag_ms=1200, cancel_delay_ms=2500)
        venue = opened(path(volume=Decimal("0.008")), settings=settings, KRW="10000000", BTC="0.2")
        first = venue.place("paper", limit("bid", "95000000", "0.02", identifier="first")).uuid
        conditional(venue, limit("bid", "92000000", "0.01"), "93000000")
        conditional(venue, limit("ask", "104000000", "0.01"), "104000000")
        wish = {"ord_type": "limit", "price": "91000000", "volume": "remain_only", "identifier": "second"}
        moments = {9.0: lambda: venue.replace(venue.accounts["paper"].orders[first], wish)}
        now = 0.0
        for at in sorted({*moments, 40.0}):
            while now + length < at:
                now += length
                venue.advance(BEGIN + seconds(now))
            now = at
            venue.advance(BEGIN + seconds(at))
            moments.get(at, lambda: None)()
        return [*venue.state(), *told(venue)]

    assert run(step) == run(1000)
