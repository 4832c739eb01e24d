"""What is left to sell: every exit counted once, whoever knows of it."""

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.intent import WITH_DUST, StoredOrder
from makenaide.domain.market import Market
from makenaide.domain.money import Price, Quantity
from makenaide.domain.order import Leg, OrderRequest, OrderType, PositionId, Side, identifier
from makenaide.domain.reason import Exit
from makenaide.execution.guard.stops import GuardedStop, PublishedExit
from makenaide.execution.guard.tally import tally
from makenaide.risk.exits import StopState

ETH = Market("KRW-ETH")
KEY, OLD = PositionId("KRW-ETH-20260104T0900"), PositionId("KRW-ETH-20260103T0900")
PARTS = st.lists(st.tuples(st.integers(1, 50), st.sampled_from(["booked", "seen", "both"])), max_size=6)


def order(number: int, own: int, along: int) -> StoredOrder:
    """An exit of the guard's."""
    request = OrderRequest(
        market=ETH,
        side=Side.ASK,
        type=OrderType.MARKET,
        identifier=identifier("0001", KEY, Leg.EXIT, number),
        volume=Quantity(own + along),
    )
    return StoredOrder(
        request=request,
        account_id="a",
        position_id=KEY,
        decision_id=None,
        leg=Leg.EXIT,
        number=number,
        reason=Exit.HARD_STOP,
        evidence={WITH_DUST: {OLD: str(along)}} if along else {},
        created_at=datetime(2026, 1, 4, tzinfo=UTC),
    )


def stop(bought: int, gone: int, exits: dict[int, PublishedExit], dust: int) -> GuardedStop:
    """As it is published."""
    return GuardedStop(
        position_id=KEY,
        market=ETH,
        entry=Price(100),
        atr_percent=Decimal(1),
        opened_on=date(2026, 1, 4),
        bought=Quantity(bought),
        gone=Quantity(gone),
        exits=exits,
        stop=StopState(price=Price(95), kind=Exit.HARD_STOP, high_water=Price(100)),
        pending=None,
        dust={OLD: Quantity(dust)} if dust else {},
        coins=Decimal(bought),
    )


@given(parts=PARTS, gone=st.integers(0, 50), rest=st.integers(1, 50), dust=st.integers(0, 9))
def test_what_is_left_and_all_that_was_sold_is_what_was_bought(
    parts: list[tuple[int, str]], gone: int, rest: int, dust: int
) -> None:
    bought = sum(each for each, _ in parts) + gone + rest
    exits, sold = {}, {}
    for number, (own, known) in enumerate(parts, 1):
        if known != "seen":
            exits[number] = PublishedExit(own=Quantity(own), along=Quantity(0), ended=True)
        if known != "booked":
            sold[number] = (order(number, own, 0), Quantity(own))
    left = tally(stop(bought, gone, exits, dust), sold, Quantity(bought))
    assert left.total.value + gone + sum(each for each, _ in parts) == bought + dust


@given(own=st.integers(1, 50), dust=st.integers(1, 9), seen=st.integers(0, 59), booked=st.integers(0, 50))
def test_a_sale_takes_the_own_coins_first_and_never_leaves_less_than_nothing(
    own: int, dust: int, seen: int, booked: int
) -> None:
    seen, booked = min(seen, own + dust), min(booked, own)
    exits = {1: PublishedExit(own=Quantity(booked), along=Quantity(0), ended=False)}
    left = tally(stop(own, 0, exits, dust), {1: (order(1, own, dust), Quantity(seen))}, Quantity(own))
    assert left.own.value == own - min(own, max(seen, booked))
    assert left.total.value >= 0
    if left.own:
        assert left.total.value + max(seen, booked) == own + dust
