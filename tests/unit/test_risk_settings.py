"""Risk thresholds: defaults as specified, impossible values refused by name."""

from dataclasses import FrozenInstanceError, fields
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import Parameter
from makenaide.risk.settings import RiskSettings
from tests.unit.thresholds import require_golden


def test_no_threshold_changes_without_a_line_that_says_so(rewrite_golden: bool) -> None:
    require_golden(RiskSettings, "risk_settings.txt", rewrite_golden)


def test_settings_are_frozen_and_take_names_only() -> None:
    settings = RiskSettings()
    with pytest.raises(FrozenInstanceError):
        settings.risk_cap = Decimal("0.02")  # type: ignore[misc]
    with pytest.raises(TypeError):
        RiskSettings(Decimal("0.4"))  # type: ignore[call-arg]


def test_every_threshold_carries_unit_range_and_source() -> None:
    for each in fields(RiskSettings):
        about: Parameter = each.metadata["parameter"]
        assert about.unit
        assert about.source.startswith(("trading.md", "mission.md", "house.md"))
        assert about.low is not None
        assert about.high is not None


@pytest.mark.parametrize(
    "made",
    [
        {"risk_unproven": Decimal("0.05")},
        {"market_cap": Decimal("1.01")},
        {"minimum_total": Decimal(4_999)},
        {"max_positions": -1},
        {"stops_in_week": 0},
        {"hard_multiple": Decimal(0)},
    ],
)
def test_a_value_out_of_range_is_refused_by_name(made: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match=f"^{next(iter(made))}: expected"):
        RiskSettings(**made)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            {"gate_shut_breadth": Decimal("0.41")},
            r"gate_shut_breadth: expected at most gate_open_breadth \(0.40\)",
        ),
        ({"hard_low": Decimal("0.08")}, r"hard_low: expected at most hard_high \(0.07\)"),
        ({"trailing_high": Decimal("0.07")}, r"trailing_low: expected at most trailing_high \(0.07\), got 0.08"),
    ],
)
def test_a_lower_threshold_is_not_above_its_upper_one(made: dict[str, Any], message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        RiskSettings(**made)


def test_both_thresholds_of_a_pair_may_be_equal() -> None:
    assert RiskSettings(gate_shut_breadth=Decimal("0.4")).gate_open_breadth == Decimal("0.4")
