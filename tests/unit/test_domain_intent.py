"""A committed order and what happens to it: its life, its request once another sends it, the bid that burns it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from makenaide.domain.errors import Inconsistent
from makenaide.domain.intent import WITH_DUST, StoredOrder
from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import (
    Burning,
    Identifier,
    Leg,
    OrderLife,
    OrderRequest,
    OrderState,
    OrderType,
    Overtaken,
    PositionId,
    Sending,
    Side,
    TimeInForce,
)

REQUEST = OrderRequest(
    market=Market("KRW-BTC"),
    side=Side.ASK,
    type=OrderType.MARKET,
    identifier=Identifier("mk1-7f3a-KRW-BTC-20260105T0900-x01"),
    volume=Quantity("0.5"),
)
ORDER = StoredOrder(
    request=REQUEST,
    account_id="7f3a00000000",
    position_id=PositionId("KRW-BTC-20260105T0900"),
    decision_id=None,
    leg=Leg.EXIT,
    number=1,
    reason="stage",
    evidence={"stage": "4"},
    created_at=datetime(2026, 1, 6, tzinfo=UTC),
)


def test_a_new_order_is_planned_by_the_trader_and_nothing_else() -> None:
    assert (ORDER.sender, ORDER.burn, ORDER.life) == ("trader", None, OrderLife())
    assert ORDER.identifier == REQUEST.identifier


def test_an_event_changes_the_life_and_nothing_else() -> None:
    assert ORDER.after(Sending()) == replace(ORDER, life=OrderLife(OrderState.SENT))


def test_an_event_that_cannot_follow_is_refused() -> None:
    ended = replace(ORDER, life=OrderLife(OrderState.CLOSED))
    with pytest.raises(Inconsistent, match="an order that is closed met"):
        ended.after(Sending())


def test_an_overtaken_order_is_the_other_senders_with_its_volume_reason_and_dust() -> None:
    dust = {"KRW-BTC-20260101T0900": "0.00001"}
    after = ORDER.after(Overtaken("guard", Quantity("0.3"), "hard_stop", dust))
    assert after == replace(
        ORDER,
        request=replace(REQUEST, volume=Quantity("0.3")),
        sender="guard",
        reason="hard_stop",
        evidence={"stage": "4", "with_dust": dust},
    )
    assert WITH_DUST == "with_dust"


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST,
        OrderRequest(
            market=Market("KRW-BTC"),
            side=Side.BID,
            type=OrderType.PRICE,
            identifier=Identifier("mk1-7f3a-KRW-BTC-20260105T0900-e01"),
            total=Krw(50_000),
        ),
    ],
)
def test_the_bid_that_burns_is_a_limit_order_that_never_takes_under_the_same_identifier(
    request_: OrderRequest,
) -> None:
    doubtful = replace(ORDER, request=request_, life=OrderLife(OrderState.UNKNOWN, doubt=True))
    after = doubtful.after(Burning(Price(1_000), Quantity(5)))
    assert after.request == request_, "what was meant stays known"
    assert after.life == OrderLife(OrderState.SENT, doubt=True)
    assert after.burn == OrderRequest(
        market=request_.market,
        side=Side.BID,
        type=OrderType.LIMIT,
        identifier=request_.identifier,
        price=Price(1_000),
        volume=Quantity(5),
        time_in_force=TimeInForce.POST_ONLY,
    )
