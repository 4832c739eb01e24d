"""Sizing: the smallest of five bounds, never rounded up (trading.md, Sizing; flaw 23)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.money import Krw
from makenaide.domain.reason import Refusal
from makenaide.risk.settings import RiskSettings
from makenaide.risk.sizing import Bound, Size, SizeRefusal, SizingInputs, candidates, size, smallest_account

SETTINGS = RiskSettings()
RICH = SizingInputs(
    equity=Krw(10_000_000),
    free=Krw(10_000_000),
    stop_distance=Decimal("0.05"),
    turnover20=Krw(5_000_000_000),
    visible_depth=Krw(100_000_000),
    exposure=Krw(0),
    fee=Decimal("0.0005"),
)


def sized(settings: RiskSettings = SETTINGS, **change: Any) -> Size | SizeRefusal:
    """The size of the rich account with a change."""
    return size(replace(RICH, **change), settings)


@pytest.mark.parametrize(
    ("change", "total", "bound"),
    [
        # 0.15 % of 10 M over 5 %
        ({}, 300_000, Bound.UNPROVEN),
        # over 7 %: 214,285.71..., the won are cut off
        ({"stop_distance": Decimal("0.07")}, 214_285, Bound.UNPROVEN),
        # 50 % of 10 M less what is already in
        ({"exposure": Krw(4_800_000)}, 200_000, Bound.TOTAL_CAP),
        # 1 % of 20 M
        ({"turnover20": Krw(20_000_000)}, 200_000, Bound.TURNOVER),
        # 20 % of 1.2 M
        ({"visible_depth": Krw(1_200_000)}, 240_000, Bound.DEPTH),
        # (105,010 - 5,010) / 1.0005 = 99,950.02...
        ({"free": Krw(105_010)}, 99_950, Bound.CASH),
    ],
)
def test_the_smallest_bound_sets_the_size(change: dict[str, Any], total: int, bound: Bound) -> None:
    result = sized(**change)
    assert isinstance(result, Size)
    assert (result.total, result.bound) == (Krw(total), bound)
    assert result.evidence["bound"] == bound


def test_the_risk_cap_and_the_market_cap_bind_when_the_unproven_risk_is_set_higher() -> None:
    bold = RiskSettings(risk_unproven=Decimal("0.02"))
    capped = sized(bold)
    assert isinstance(capped, Size)
    # 0.4 % over 5 % and 8 % of equity are the same amount: the rule that comes first is named.
    assert (capped.total, capped.bound) == (Krw(800_000), Bound.RISK_CAP)
    near = sized(bold, stop_distance=Decimal("0.04"))
    assert isinstance(near, Size)
    assert (near.total, near.bound) == (Krw(800_000), Bound.MARKET_CAP)


@pytest.mark.parametrize(
    ("change", "refusal", "bound"),
    [
        ({"equity": Krw(333_333), "free": Krw(333_333)}, Refusal.BELOW_MINIMUM, Bound.UNPROVEN),
        ({"turnover20": Krw(999_999)}, Refusal.BELOW_MINIMUM, Bound.TURNOVER),
        ({"visible_depth": Krw(49_999)}, Refusal.SHALLOW_BOOK, Bound.DEPTH),
        ({"visible_depth": Krw(0)}, Refusal.SHALLOW_BOOK, Bound.DEPTH),
        ({"free": Krw(15_014)}, Refusal.NO_CASH, Bound.CASH),
        ({"free": Krw(0)}, Refusal.NO_CASH, Bound.CASH),
        ({"exposure": Krw(4_990_001)}, Refusal.EXPOSURE_LIMIT, Bound.TOTAL_CAP),
        ({"exposure": Krw(5_000_000)}, Refusal.EXPOSURE_LIMIT, Bound.TOTAL_CAP),
        # the limit speaks before a bound that would allow even less
        ({"exposure": Krw(5_000_000), "free": Krw(0)}, Refusal.EXPOSURE_LIMIT, Bound.TOTAL_CAP),
        ({"equity": Krw(0), "free": Krw(0)}, Refusal.NO_CASH, None),
        ({"equity": Krw(-1), "free": Krw(-1)}, Refusal.NO_CASH, None),
    ],
)
def test_what_is_too_small_is_refused_by_the_rule_that_made_it_small(
    change: dict[str, Any], refusal: Refusal, bound: Bound | None
) -> None:
    result = sized(**change)
    assert isinstance(result, SizeRefusal)
    assert (result.refusal, result.bound) == (refusal, bound)


@pytest.mark.parametrize(
    "change",
    [
        {"turnover20": Krw(1_000_000)},
        {"visible_depth": Krw(50_000)},
        {"free": Krw("15015")},
        {"exposure": Krw(4_990_000)},
    ],
)
def test_exactly_the_minimum_is_enough(change: dict[str, Any]) -> None:
    result = sized(**change)
    assert isinstance(result, Size)
    assert result.total == Krw(10_000)


def test_the_evidence_tells_every_number_that_was_compared() -> None:
    evidence = size(RICH, SETTINGS).evidence
    assert evidence["allowed_unproven"] == "300000"
    assert evidence["allowed_risk_cap"] == "800000"
    assert evidence["allowed_market_cap"] == "800000"
    assert evidence["allowed_total_cap"] == "5000000"
    assert evidence["allowed_turnover"] == "50000000"
    assert evidence["allowed_depth"] == "20000000"
    assert evidence["allowed_cash"] == "9989995"  # (10,000,000 - 5,010) / 1.0005 = 9,989,995.002..., cut at 0.01
    assert {"equity", "free", "stop_distance", "fee", "entry_weeks", "limit_minimum_total"} <= set(evidence)


def test_more_entry_weeks_prove_nothing_yet() -> None:
    few, many = sized(entry_weeks=0), sized(entry_weeks=500)
    assert isinstance(few, Size)
    assert isinstance(many, Size)
    assert few.total == many.total
    assert many.evidence["entry_weeks"] == "500"


@pytest.mark.parametrize("distance", ["0", "-0.05", "1", "1.5"])
def test_a_stop_distance_is_a_ratio_between_nothing_and_all(distance: str) -> None:
    with pytest.raises(ValueError, match="stop_distance"):
        replace(RICH, stop_distance=Decimal(distance))


MONEY = st.integers(0, 10**11).map(Krw)
INPUTS = st.builds(
    SizingInputs,
    equity=MONEY,
    free=MONEY,
    stop_distance=st.decimals("0.04", "0.07", places=4),
    turnover20=MONEY,
    visible_depth=MONEY,
    exposure=MONEY,
    fee=st.sampled_from([Decimal(0), Decimal("0.0005"), Decimal("0.0025")]),
)


@given(INPUTS)
def test_no_size_ever_passes_a_bound_or_falls_below_the_minimum(inputs: SizingInputs) -> None:
    result = size(inputs, SETTINGS)
    if isinstance(result, SizeRefusal):
        return
    total = result.total.value
    assert total >= SETTINGS.minimum_total
    assert all(total <= allowed for allowed in candidates(inputs, SETTINGS).values())
    assert total * inputs.stop_distance <= SETTINGS.risk_unproven * inputs.equity.value
    assert total * (1 + inputs.fee) + SETTINGS.reserve <= inputs.free.value
    assert total + inputs.exposure.value <= SETTINGS.total_cap * inputs.equity.value


@given(INPUTS, st.sampled_from(["equity", "free", "turnover20", "visible_depth"]), st.integers(0, 10**10))
def test_more_of_anything_never_makes_the_size_smaller(inputs: SizingInputs, name: str, more: int) -> None:
    before = size(inputs, SETTINGS)
    change: dict[str, Any] = {name: getattr(inputs, name) + Krw(more)}
    after = size(replace(inputs, **change), SETTINGS)
    if isinstance(before, Size):
        assert isinstance(after, Size)
        assert before.total <= after.total


def test_the_smallest_account_by_default() -> None:
    assert smallest_account(SETTINGS, Krw(10_000)) == Krw(466_667)


@pytest.mark.parametrize(
    ("change", "least"),
    [
        ({"market_cap": Decimal("0.01")}, 1_000_000),
        ({"total_cap": Decimal("0.01")}, 1_000_000),
        ({"risk_cap": Decimal("0.001")}, 700_000),
    ],
)
def test_the_smallest_account_follows_the_bound_that_binds(change: dict[str, Any], least: int) -> None:
    assert smallest_account(RiskSettings(**change), Krw(10_000)) == Krw(least)


@given(
    st.decimals("0.0005", "0.02", places=4), st.decimals("0.01", "0.2", places=3), st.integers(5_000, 1_000_000)
)
def test_the_smallest_account_can_just_trade(risk: Decimal, cap: Decimal, minimum: int) -> None:
    settings = RiskSettings(risk_unproven=risk, market_cap=cap, minimum_total=Decimal(minimum))
    least = smallest_account(settings, Krw(minimum))
    at_least = replace(RICH, equity=least, stop_distance=settings.hard_high, free=least + Krw(10**9))
    assert isinstance(size(at_least, settings), Size)
    assert isinstance(size(replace(at_least, equity=least - Krw(1)), settings), SizeRefusal)
