"""Limits for real money: what is committed, doubtful or held counts; nothing passes a limit."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from makenaide.domain.money import ZERO_KRW, Krw
from makenaide.risk.budget import Breach, Commitment, Limit, Limits, Spending, breach, most, spending

DAY = datetime(2026, 1, 5, tzinfo=UTC)
LIMITS = Limits(order=Krw(100), day=Krw(250), total=Krw(400))


def commitment(at: datetime = DAY, *, dearest: int = 100, spent: int = 0, ended: bool = False) -> Commitment:
    return Commitment(at=at, most=Krw(dearest), spent=Krw(spent), ended=ended)


@pytest.mark.parametrize(
    ("order", "day", "invested", "expected"),
    [
        (100, 0, 0, None),
        (101, 0, 0, Limit.ORDER),
        (100, 150, 0, None),
        (100, 151, 0, Limit.DAY),
        (100, 0, 300, None),
        (100, 0, 301, Limit.TOTAL),
        (101, 250, 400, Limit.ORDER),
        (100, 250, 400, Limit.DAY),
        (0, 250, 400, None),
    ],
)
def test_the_first_limit_that_would_be_passed_speaks(
    order: int, day: int, invested: int, expected: Limit | None
) -> None:
    spent = Spending(order=Krw(order), day=Krw(day), invested=Krw(invested))
    spoken = breach(LIMITS, spent, required=True)
    assert (None if spoken is None else spoken.limit) == expected


@pytest.mark.parametrize("limits", [Limits(), Limits(order=Krw(1), day=Krw(1)), Limits(total=Krw(1), day=Krw(1))])
def test_with_real_money_a_limit_that_is_not_set_forbids_everything(limits: Limits) -> None:
    spent = Spending(order=ZERO_KRW, day=ZERO_KRW, invested=ZERO_KRW)
    spoken = breach(limits, spent, required=True)
    assert spoken == Breach(limit=Limit.UNSET, allowed=ZERO_KRW, wanted=ZERO_KRW)
    assert str(spoken) == "no limits are set for real money"
    assert breach(limits, spent, required=False) is None


def test_on_paper_only_the_limits_that_are_set_speak() -> None:
    spent = Spending(order=Krw(10**9), day=Krw(300), invested=Krw(10**9))
    spoken = breach(Limits(day=Krw(250)), spent, required=False)
    assert spoken is not None
    assert str(spoken) == "the limit per day is 250 KRW, this would make 1000000300 KRW"


def test_a_doubtful_entry_counts_with_all_it_can_cost_and_an_ended_one_with_what_it_did() -> None:
    others = [
        commitment(),  # planned, sent, unknown: all of it
        commitment(dearest=100, spent=40),  # partly filled and still open
        commitment(dearest=100, spent=60, ended=True),
        commitment(dearest=100, ended=True),  # never filled
        commitment(dearest=100, spent=101),  # cost more than was thought
    ]
    found = spending(Krw(7), others, held=Krw(201), day_start=DAY)
    assert found == Spending(order=Krw(7), day=Krw(100 + 100 + 60 + 0 + 101), invested=Krw(201 + 100 + 60))


def test_a_trading_day_begins_at_nine_in_seoul_and_what_is_pending_from_before_is_still_invested() -> None:
    before = commitment(DAY - timedelta(microseconds=1))
    found = spending(ZERO_KRW, [before, commitment(DAY)], held=ZERO_KRW, day_start=DAY)
    assert (found.day, found.invested) == (Krw(100), Krw(200))


def test_the_fee_belongs_to_what_an_entry_can_cost() -> None:
    assert most(Krw(10_000), Decimal("0.0025")) == Krw(10_025)


def test_a_breach_names_its_limit_what_it_allows_and_what_it_would_have_come_to() -> None:
    spoken = breach(LIMITS, Spending(order=Krw(60), day=Krw(200), invested=ZERO_KRW), required=True)
    assert str(spoken) == "the limit per day is 250 KRW, this would make 260 KRW"
    unset = breach(Limits(), Spending(order=Krw(60), day=ZERO_KRW, invested=ZERO_KRW), required=True)
    assert unset == Breach(limit=Limit.UNSET, allowed=ZERO_KRW, wanted=Krw(60))


def test_no_limit_is_set_by_itself() -> None:
    assert Limits() == Limits(order=ZERO_KRW, day=ZERO_KRW, total=ZERO_KRW)
    assert [each.value for each in Limits().unset] == ["order", "day", "total"]
    assert Limit.UNSET.value == "unset"
