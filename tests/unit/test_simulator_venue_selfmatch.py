"""Self-match prevention of the simulated venue: four wishes, both sides, whole and partial overlaps."""

from decimal import Decimal

import pytest

from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.settings import SelfMatch, VenueSettings
from tests.unit.simulator_street import Customer, buy, decoded, faced, flat, limit, opened, sell
from tests.unit.test_simulator_venue_money import assert_locks_match, place, shown

FIELDS = ("state", "executed_volume", "prevented_volume", "prevented_locked")
RICH = {"KRW": "10000000", "BTC": "1"}


def desk(*names: str, size: str = "1", settings: VenueSettings | None = None) -> Venue:
    return opened(flat("100002000", size=Decimal(size)), *names, settings=settings, **RICH)


@pytest.mark.parametrize(
    ("smp", "maker", "taker"),
    [
        ("cancel_maker", ("cancel", "0", "0.01", "1000510.005"), ("done", "0.02", "0", "0")),
        ("cancel_taker", ("wait", "0", "0", "0"), ("cancel", "0", "0.02", "0.02")),
        ("reduce", ("cancel", "0", "0.01", "1000510.005"), ("cancel", "0.01", "0.01", "0.01")),
        ("none", ("done", "0.01", "0", "0"), ("done", "0.02", "0", "0")),
    ],
)
def test_a_selling_taker_meets_its_own_bid(smp: str, maker: tuple[str, ...], taker: tuple[str, ...]) -> None:
    venue = desk()
    resting = place(venue, limit("bid", "100001000", "0.01"))
    coming = place(venue, limit("ask", "99950000", "0.02", smp_type=smp))
    assert tuple(shown(resting, *FIELDS).values()) == maker
    assert tuple(shown(coming, *FIELDS).values()) == taker
    assert_locks_match(venue)


@pytest.mark.parametrize(("side", "price"), [("bid", "100001000"), ("ask", "100002000")])
@pytest.mark.parametrize(
    ("smp", "maker", "taker"),
    [
        ("cancel_maker", ("cancel", "0", "0.03"), ("done", "0.01", "0")),
        ("cancel_taker", ("wait", "0", "0"), ("cancel", "0", "0.01")),
        ("reduce", ("wait", "0", "0.01"), ("cancel", "0", "0.01")),
        ("none", ("wait", "0.01", "0"), ("done", "0.01", "0")),
    ],
)
def test_a_taker_that_is_smaller_than_its_own_maker(
    smp: str, maker: tuple[str, ...], taker: tuple[str, ...], side: str, price: str
) -> None:
    venue = desk()
    other = "ask" if side == "bid" else "bid"
    resting = place(venue, limit(side, price, "0.03"))
    coming = place(venue, limit(other, price, "0.01", smp_type=smp))
    assert tuple(shown(resting, *FIELDS[:3]).values()) == maker
    assert tuple(shown(coming, *FIELDS[:3]).values()) == taker
    assert_locks_match(venue)


@pytest.mark.parametrize("smp", ["cancel_maker", "cancel_taker", "reduce", "none"])
def test_it_is_the_takers_wish_that_counts_and_only_within_an_account(smp: str) -> None:
    venue = desk("one", "two")
    place(venue, limit("ask", "100002000", "0.01", smp_type="cancel_taker"), "one")
    coming = place(venue, limit("bid", "100002000", "0.01", smp_type=smp), "two")
    assert (coming.status.value, coming.prevented_volume) == ("done", Decimal(0))
    place(venue, limit("ask", "100002000", "0.01", smp_type="cancel_taker"), "one")
    assert place(venue, limit("bid", "100002000", "0.01", smp_type="cancel_maker"), "one").status == "done"


def test_several_makers_of_ones_own_are_cleared_out_of_the_way_one_by_one() -> None:
    venue = desk(size="0.005")
    makers = [place(venue, limit("ask", price, "0.004")) for price in ("100002000", "100002000", "100003000")]
    coming = place(venue, limit("bid", "100003000", "0.01"))
    assert [maker.status.value for maker in makers] == ["cancel"] * 3
    assert (coming.status, coming.executed, len(coming.trades)) == ("done", Decimal("0.01"), 2)
    assert_locks_match(venue)


@pytest.mark.parametrize("smp", ["cancel_maker", "cancel_taker", "reduce", "none"])
def test_a_sell_at_any_price_that_meets_itself(smp: str) -> None:
    venue = desk()
    resting = place(venue, limit("bid", "100001000", "0.01"))
    coming = place(venue, sell("0.02", smp_type=smp))
    expected = {
        "cancel_maker": ("cancel", "done", "0.02"),
        "cancel_taker": ("wait", "cancel", "0"),
        "reduce": ("cancel", "cancel", "0.01"),
        "none": ("done", "done", "0.02"),
    }
    assert (resting.status, coming.status, coming.executed) == (*expected[smp][:2], Decimal(expected[smp][2]))
    assert_locks_match(venue)


def test_with_another_default_an_omitted_smp_type_lets_the_account_trade_with_itself() -> None:
    for default, state in ((SelfMatch.CANCEL_MAKER, "cancel"), (SelfMatch.NONE, "done")):
        settings = VenueSettings(self_match=default)
        someone = Customer(faced(desk(settings=settings)))
        resting = decoded(someone.post("/v1/orders", limit("ask", "100002000", "0.01")))
        assert resting["smp_type"] == default.value
        someone.post("/v1/orders", buy("2000000"))
        assert decoded(someone.get("/v1/order", ("uuid", resting["uuid"])))["state"] == state
