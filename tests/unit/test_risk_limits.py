"""The locks and brakes on buying (trading.md, Entry; mission.md, G6 and G7)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.money import Krw
from makenaide.domain.reason import Refusal
from makenaide.risk.limits import (
    AccountFacts,
    CandidateFacts,
    cooling_until,
    limit,
    limit_evidence,
    paused_until,
)
from makenaide.risk.settings import RiskSettings

SETTINGS = RiskSettings()
SLOT = datetime(2026, 1, 5, tzinfo=UTC)
FREE = AccountFacts(
    slot=SLOT,
    now=SLOT + timedelta(seconds=40),
    gate_open=True,
    stops=(),
    month_return=Decimal(0),
    drawdown=Decimal(0),
    entries_today=0,
    open_positions=0,
    exposure=Krw(0),
    equity=Krw(1_000_000),
    books_equal=True,
)
CALM = CandidateFacts(atr_percent=Decimal(4), last_stop=None)


def days(count: float) -> timedelta:
    """So many days."""
    return timedelta(days=count)


FOUR_STOPS = tuple(SLOT - days(each) for each in (1, 2, 3, 8))

ACCOUNT_CASES: list[tuple[dict[str, Any], Refusal | None]] = [
    ({}, None),
    ({"now": SLOT + timedelta(minutes=60)}, None),
    ({"now": SLOT + timedelta(minutes=60, microseconds=1)}, Refusal.LATE),
    ({"gate_open": False}, Refusal.GATE_SHUT),
    ({"stops": FOUR_STOPS}, Refusal.STOPPED_OUT),
    ({"stops": FOUR_STOPS[:3]}, None),
    ({"month_return": Decimal("-0.05")}, None),
    ({"month_return": Decimal("-0.0501")}, Refusal.MONTHLY_LOSS),
    ({"month_return": None}, Refusal.MONTHLY_LOSS),
    ({"drawdown": Decimal("0.15")}, None),
    ({"drawdown": Decimal("0.1501")}, Refusal.DRAWDOWN),
    ({"drawdown": None}, Refusal.DRAWDOWN),
    ({"entries_today": 2}, None),
    ({"entries_today": 3}, Refusal.DAILY_LIMIT),
    ({"open_positions": 7}, None),
    ({"open_positions": 8}, Refusal.POSITION_LIMIT),
    ({"exposure": Krw(499_999)}, None),
    ({"exposure": Krw(500_000)}, Refusal.EXPOSURE_LIMIT),
    ({"equity": Krw(0)}, None),
    ({"books_equal": False}, Refusal.BOOKS_DIFFER),
]
CANDIDATE_CASES: list[tuple[dict[str, Any], Refusal | None]] = [
    ({"atr_percent": Decimal(7)}, None),
    ({"atr_percent": Decimal("7.01")}, Refusal.TOO_VOLATILE),
    ({"atr_percent": None}, Refusal.TOO_VOLATILE),
    ({"atr_percent": Decimal("NaN")}, Refusal.TOO_VOLATILE),
    ({"last_stop": SLOT - days(10)}, None),
    ({"last_stop": SLOT - days(9.9)}, Refusal.COOLING_DOWN),
    ({"market_free": False}, Refusal.MARKET_CLOSED),
    ({"wallet_working": False}, Refusal.WALLET_SHUT),
    ({"wallet_working": None}, Refusal.WALLET_SHUT),
]


@pytest.mark.parametrize(("change", "refusal"), ACCOUNT_CASES)
def test_an_account_is_held_back_at_the_edge_of_each_limit(
    change: dict[str, Any], refusal: Refusal | None
) -> None:
    assert limit(replace(FREE, **change), CALM, SETTINGS) is refusal


@pytest.mark.parametrize(("change", "refusal"), CANDIDATE_CASES)
def test_a_market_is_held_back_at_the_edge_of_each_limit(change: dict[str, Any], refusal: Refusal | None) -> None:
    assert limit(FREE, replace(CALM, **change), SETTINGS) is refusal


def test_limits_speak_in_the_order_of_the_list_of_refusals() -> None:
    account, candidate = FREE, CALM
    breaking: dict[Refusal, dict[str, Any]] = {}
    for change, refusal in (*ACCOUNT_CASES, *CANDIDATE_CASES):
        if refusal is not None:
            breaking.setdefault(refusal, change)
    order = sorted(breaking, key=list(Refusal).index)
    for refusal in reversed(order):
        change = breaking[refusal]
        if hasattr(account, next(iter(change))):
            account = replace(account, **change)
        else:
            candidate = replace(candidate, **change)
        assert limit(account, candidate, SETTINGS) is refusal
    assert len(order) == 13


def test_a_slot_that_is_asked_early_is_not_late() -> None:
    assert limit(replace(FREE, now=SLOT - days(1)), CALM, SETTINGS) is None


def test_a_stop_of_the_afternoon_cools_the_market_for_eleven_slots() -> None:
    stop = SLOT - days(10) + timedelta(hours=6)
    assert cooling_until(stop, SETTINGS) == SLOT + timedelta(hours=6)
    assert limit(FREE, replace(CALM, last_stop=stop), SETTINGS) is Refusal.COOLING_DOWN
    assert limit(replace(FREE, slot=SLOT + days(1)), replace(CALM, last_stop=stop), SETTINGS) is None


@pytest.mark.parametrize(
    ("ago", "until"),
    [
        ([], None),
        ([1, 2, 3], None),
        ([0, 1, 2, 7], 3),  # the edge of the window counts
        ([0, 1, 2, 7.01], None),
        ([2, 3, 4, 5], 1),
        ([2, 3, 4, 5, 6, 7], 1),
        ([0, 3, 6, 9, 12], None),  # five stops, but never four within seven days
        ([0, 20, 21, 22, 23], -17),  # an old pause has run out by itself
    ],
)
def test_four_stops_in_seven_days_call_for_three_days_of_rest(ago: list[float], until: float | None) -> None:
    stops = [SLOT - days(each) for each in ago]
    expected = None if until is None else SLOT + days(until)
    assert paused_until(stops, SETTINGS) == expected
    assert paused_until(stops[::-1], SETTINGS) == expected


def test_the_rest_ends_three_days_after_the_fourth_stop() -> None:
    stops = tuple(SLOT - days(each) for each in (3, 4, 5, 6))
    assert limit(replace(FREE, stops=stops), CALM, SETTINGS) is None
    before = replace(FREE, stops=stops, slot=SLOT - timedelta(minutes=1))
    assert limit(before, CALM, SETTINGS) is Refusal.STOPPED_OUT


def test_a_stop_between_the_slot_and_its_decision_completes_the_count() -> None:
    earlier, just_now = FOUR_STOPS[:3], SLOT + timedelta(seconds=30)
    assert limit(replace(FREE, stops=(*earlier, just_now)), CALM, SETTINGS) is Refusal.STOPPED_OUT
    assert limit(replace(FREE, stops=(*earlier, SLOT + timedelta(seconds=41))), CALM, SETTINGS) is None


def test_stops_of_the_future_do_not_count_in_a_slot_that_is_caught_up() -> None:
    stops = tuple(SLOT + days(each) for each in (-1, 1, 2, 3))
    assert limit(replace(FREE, stops=stops), CALM, SETTINGS) is None


def test_the_evidence_tells_every_input_and_what_is_unknown() -> None:
    facts = limit_evidence(replace(FREE, month_return=None), CandidateFacts(atr_percent=None, last_stop=SLOT))
    assert facts["month_return"] == facts["atr_percent"] == "unknown"
    assert facts["last_stop"] == SLOT.isoformat()
    assert facts["gate_open"] == facts["books_equal"] == facts["wallet_working"] == "true"
    doubt = CandidateFacts(atr_percent=None, last_stop=SLOT, wallet_working=None)
    assert limit_evidence(FREE, doubt)["wallet_working"] == "unknown"
    calm = limit_evidence(FREE, CALM)
    assert (calm["last_stop"], calm["atr_percent"], calm["drawdown"]) == ("never", "4", "0")
    assert len(calm) == 15
