"""Fixed shares by role: whatever each process does by itself, together they stay within the venue's limits."""

import math

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.upbit.limiter import VENUE_LIMITS, Group, LimiterSettings, NoTurn, VenueLimit, group_of
from makenaide.exchange.upbit.shares import Place, Role
from tests.unit.test_upbit_limiter import answered, limiter, turn
from tests.unit.upbit_script import START, StepClock


def fullest(rate: float, limit: VenueLimit) -> int:
    """The most calls that an even pace of `rate` can fit into one window of the venue, whatever its phase."""
    spacing = (1 + LimiterSettings().margin) / rate if rate else math.inf
    return math.floor(limit.seconds / spacing) + (rate > 0)


@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize("group", Group)
def test_the_shares_of_all_roles_together_stay_within_the_venues_limit(place: Place, group: Group) -> None:
    rates = [LimiterSettings().within(role, place).rate(group) for role in Role]
    limit = VENUE_LIMITS[group]
    assert sum(rates) <= limit.calls / limit.seconds
    assert sum(fullest(rate, limit) for rate in rates) <= limit.calls, "in the worst window"


def test_the_shares_are_those_of_the_house_rules() -> None:
    guard, trader = (LimiterSettings().within(role) for role in (Role.GUARD, Role.TRADER))
    assert (guard.order, guard.default, guard.ticker) == (4, 8, 1)
    assert (trader.order, trader.default) == (7, 20)
    assert trader == LimiterSettings(), "the defaults are the trading process's"
    away = [LimiterSettings().within(role, Place.AWS).candle for role in (Role.COLLECTOR, Role.TRADER, Role.GUARD)]
    assert away == [6, 2, 1]
    person = LimiterSettings().within(Role.PERSON)
    assert (person.order, person.default, person.ticker) == (1, 2, 2), "the rest"


def test_a_paper_accounts_venue_asks_for_lists_and_books_and_nothing_else() -> None:
    for place in Place:
        paper = LimiterSettings().within(Role.PAPER, place)
        assert {group for group in Group if paper.rate(group)} == {Group.MARKET, Group.ORDERBOOK}
    assert (LimiterSettings().orderbook, LimiterSettings().candle) == (5, 7), "the trader lends it its books alone"


def test_a_share_never_raises_what_was_set_lower() -> None:
    slow = LimiterSettings(candle=0.5, margin=0.02).within(Role.PERSON)
    assert (slow.candle, slow.ticker, slow.margin) == (0.5, 2, 0.02)


def test_a_group_without_a_share_is_never_called() -> None:
    collector = limiter(StepClock(), LimiterSettings().within(Role.COLLECTOR, Place.AWS))
    assert turn(collector, Group.CANDLE).group is Group.CANDLE
    with pytest.raises(Misconfigured, match="order: this process has no share"):
        collector.take(Group.ORDER, 1)


@pytest.mark.parametrize("path", ["/websocket/v1", "/websocket/v1/private"])
def test_a_block_of_the_sockets_shuts_no_rest_call_and_the_other_way_round(path: str) -> None:
    pacer = limiter(StepClock())
    assert group_of("GET", path) is Group.WEBSOCKET_CONNECT
    pacer.heard(turn(pacer, Group.WEBSOCKET_CONNECT), answered(None, 418))
    assert isinstance(pacer.take(Group.WEBSOCKET_CONNECT, 5), NoTurn)
    assert [turn(pacer, group, 0).group for group in (Group.TICKER, Group.ORDER)] == [Group.TICKER, Group.ORDER]
    pacer.heard(turn(pacer, Group.DEFAULT), answered(None, 418))
    assert isinstance(pacer.take(Group.ORDER, 5), NoTurn), "the same pocket"
    assert turn(pacer, Group.CANDLE, 0).sent == START
