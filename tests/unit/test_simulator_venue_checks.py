"""Which rule of the simulated venue speaks first, and the open points of taking orders that are settings."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market
from makenaide.exchange.simulator.market import MarketState, Standing
from makenaide.exchange.simulator.settings import Check, SelfMatch, TakingPostOnly, VenueSettings
from tests.unit.simulator_street import (
    BTC,
    ETH_BTC,
    XRP,
    Customer,
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

FORM = Check.FORM
ORDERS: Mapping[str, Sequence[Check]] = {
    "as documented": tuple(Check),
    "identifier first": (Check.IDENTIFIER, *(each for each in Check if each is not Check.IDENTIFIER)),
    "identifier last": (*(each for each in Check if each is not Check.IDENTIFIER), Check.IDENTIFIER),
    "funds before price": (
        *(Check.MAINTENANCE, Check.FORM, Check.FUNDS, Check.MARKET, Check.PRICE, Check.TOTAL),
        *(Check.IDENTIFIER, Check.DEPTH),
    ),
    "backwards": (
        Check.IDENTIFIER,
        FORM,
        *(each for each in reversed(Check) if each not in (FORM, Check.IDENTIFIER)),
    ),
}
RICH = {"KRW": "20000000000", "BTC": "50"}
GOOD = limit("bid", "90000000", "0.01")


@pytest.mark.parametrize("checks", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({**GOOD, "side": "buy"}, "validation_error"),
        ({**GOOD, "market": "KRW-NONE"}, "notfoundmarket"),
        ({**GOOD, "identifier": 5}, "validation_error"),
        ({**GOOD, "identifier": "used"}, "duplicated_identifier"),
        ({**GOOD, "price": "90000001"}, "invalid_price_bid"),
        ({**GOOD, "volume": "0.00005"}, "under_min_total_bid"),
        ({**GOOD, "volume": "11.2"}, "over_krw_funds_bid"),
        (limit("ask", "110000000", "9.1"), "volume_too_large"),
        (limit("ask", "1000", "10", market=XRP), "insufficient_funds_ask"),
        (sell("2"), "volume_too_large"),
    ],
)
def test_a_single_fault_has_the_same_name_in_whatever_order_the_rules_are_asked(
    checks: tuple[Check, ...], body: Mapping[str, object], name: str
) -> None:
    venue = opened(flat(size=Decimal("0.06")), settings=VenueSettings(checks=tuple(checks)), **RICH)
    someone = Customer(faced(venue))
    assert someone.post("/v1/orders", {**GOOD, "identifier": "used"}).status == 201
    assert error_name(someone.post("/v1/orders", body)) == name
    assert someone.post("/v1/orders", buy("6000")).status == 201


@pytest.mark.parametrize(("total", "status"), [("1000000000", 201), ("1000000001", 400)])
def test_an_order_may_be_worth_the_maximum_and_no_won_more(total: str, status: int) -> None:
    someone = Customer(faced(opened(flat(), settings=VenueSettings(), **RICH)))
    assert someone.post("/v1/orders", buy(total)).status == status


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("identifier first", ("duplicated_identifier",) * 3),
        ("as documented", ("invalid_price_bid", "under_min_total_bid", "duplicated_identifier")),
        ("identifier last", ("invalid_price_bid", "under_min_total_bid", "insufficient_funds_bid")),
        ("funds before price", ("invalid_price_bid", "under_min_total_bid", "insufficient_funds_bid")),
        ("backwards", ("duplicated_identifier",) * 3),
    ],
)
def test_of_two_faults_the_first_rule_in_the_set_order_speaks(order: str, names: tuple[str, ...]) -> None:
    someone = Customer(faced(opened(flat(), settings=VenueSettings(checks=tuple(ORDERS[order])))))
    body = {**GOOD, "identifier": "used"}
    assert someone.post("/v1/orders", body).status == 201
    bodies = [body | fault for fault in ({"price": "90000001"}, {"volume": "0.00005"}, {"volume": "1"})]
    assert tuple(error_name(someone.post("/v1/orders", each)) for each in bodies) == names


def test_funds_can_be_asked_before_the_price_step() -> None:
    dear = limit("bid", "90000001", "1")
    names = [
        error_name(
            Customer(faced(opened(flat(), settings=VenueSettings(checks=tuple(each))))).post("/v1/orders", dear)
        )
        for each in (ORDERS["as documented"], ORDERS["funds before price"])
    ]
    assert names == ["invalid_price_bid", "insufficient_funds_bid"]


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ({"checks": tuple(Check)[1:]}, "each of"),
        ({"checks": (*tuple(Check)[2:], Check.MAINTENANCE, Check.FORM)}, "can come before form"),
        (
            {"beyond_book": "volume_to_large"},
            "beyond_book: unknown error name volume_to_large; did you mean volume_too_large",
        ),
        ({"far_price_ratio": Decimal("0.5")}, "at least 1"),
        ({"cancel_delay_ms": -1}, "cancel_delay_ms"),
        ({"cancel_and_new_status": 202}, "cancel_and_new_status"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: Mapping[str, object], problem: str) -> None:
    with pytest.raises(Misconfigured, match=problem):
        opened(flat(), settings=VenueSettings(**setting))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("price", "far"), [("49999000", True), ("50000000", False), ("200000000", False), ("200001000", True)]
)
def test_limits_far_from_the_market_can_be_refused(price: str, far: bool) -> None:
    settings = VenueSettings(far_price_ratio=Decimal(2))
    someone = Customer(faced(opened(flat(), settings=settings, BTC="1", KRW="10000000")))
    for side in ("bid", "ask"):
        reply = someone.post("/v1/orders", limit(side, price, "0.01", time_in_force="post_only"))
        assert (reply.status == 400 and error_name(reply) == f"invalid_price_{side}") == far
    assert Customer(faced(opened(flat()))).post("/v1/orders", limit("bid", "1000000", "0.1")).status == 201


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_a_post_only_order_that_would_take_is_refused_if_so_set(side: str) -> None:
    settings = VenueSettings(taking_post_only=TakingPostOnly.REFUSED)
    someone = Customer(faced(opened(flat(), settings=settings, BTC="1", KRW="10000000")))
    rests, takes = ("99999000", "100000000") if side == "bid" else ("100000000", "99999000")
    reply = someone.post("/v1/orders", limit(side, takes, "0.01", time_in_force="post_only"))
    assert (reply.status, error_name(reply)) == (400, "invalid_post_only")
    placed = someone.post("/v1/orders", limit(side, rests, "0.01", time_in_force="post_only", smp_type="none"))
    assert placed.status == 201


def test_the_missing_consent_has_the_status_that_is_set() -> None:
    settings = VenueSettings(unconsented=("paper",), consent_status=403)
    reply = Customer(faced(opened(flat(), settings=settings))).post(
        "/v1/orders", limit("bid", "0.03", "0.1", market=ETH_BTC)
    )
    assert (reply.status, error_name(reply)) == (403, "thirdparty_agreement_required")


def test_a_market_that_has_not_opened_takes_no_order() -> None:
    class Preview(Street):
        def standing(self, market: Market, at: object) -> Standing:
            return Standing(MarketState.PREVIEW)

    street = flat()
    someone = Customer(faced(opened(Preview(steps=street.steps))))
    reply = someone.post("/v1/orders", GOOD)
    assert (reply.status, error_name(reply)) == (403, "market_offline")
    assert decoded(someone.get("/v1/orders/chance", ("market", BTC)))["market"]["state"] == "preview"


@pytest.mark.parametrize(("tick", "price", "taken"), [("0", "1400.5", False), ("0.5", "1400.5", True)])
def test_the_stable_coins_can_have_their_own_step(tick: str, price: str, taken: bool) -> None:
    usdt = Market("KRW-USDT")
    street = Street(steps={usdt: [(seconds(0), Decimal(1400))]})
    someone = Customer(faced(opened(street, settings=VenueSettings(stable_tick=Decimal(tick)))))
    reply = someone.post("/v1/orders", limit("bid", price, "100", market=usdt))
    assert (reply.status == 201) == taken
    shown = decoded(someone.get("/v1/orderbook/instruments", ("markets", usdt)))[0]["tick_size"]
    assert shown == ("0.5" if taken else "1")


@pytest.mark.parametrize(("price", "own"), [("999", False), ("1000", True), ("9999", True), ("10000", False)])
def test_the_stable_coins_own_step_holds_from_a_thousand_won_to_below_ten_thousand(price: str, own: bool) -> None:
    usdt, step = Market("KRW-USDT"), Decimal("0.5")
    street = Street(steps={usdt: [(seconds(0), Decimal(price))]})
    venue = opened(street, settings=VenueSettings(stable_tick=step))
    assert (venue.floor.tick(usdt, Decimal(price)) == step) == own


@pytest.mark.parametrize("default", SelfMatch)
def test_an_omitted_smp_type_means_what_is_set_and_is_shown_unless_set_otherwise(default: SelfMatch) -> None:
    for shown in (True, False):
        settings = VenueSettings(self_match=default, self_match_shown=shown)
        reply = Customer(faced(opened(flat(), settings=settings))).post("/v1/orders", GOOD)
        expected = default.value if shown or default is not SelfMatch.NONE else None
        assert decoded(reply).get("smp_type") == expected


def test_a_post_only_order_may_leave_smp_type_out() -> None:
    someone = Customer(faced(opened(flat())))
    assert someone.post("/v1/orders", {**GOOD, "time_in_force": "post_only"}).status == 201


def test_the_test_call_can_burn_its_identifier_if_so_set() -> None:
    someone = Customer(faced(opened(flat(), settings=VenueSettings(test_burns_identifier=True))))
    body = {**GOOD, "identifier": "tested"}
    assert someone.post("/v1/orders/test", body).status == 201
    assert error_name(someone.post("/v1/orders", body)) == "duplicated_identifier"
