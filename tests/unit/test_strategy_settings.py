"""The strategy's settings: the numbers of trading.md, and what is refused."""

from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.strategy.settings import StrategySettings


def test_the_defaults_are_those_of_the_strategy() -> None:
    settings = StrategySettings()
    assert (settings.ma_days, settings.slope_days, settings.slope_on, settings.dwell) == (210, 20, 2.0, 5)
    assert (settings.atr_days, settings.pivot_days, settings.volume_days) == (14, 60, 20)
    assert (settings.volume_multiple, settings.reach) == (1.4, 5.0)
    assert (settings.range_days, settings.range_limit) == (20, 0.4)
    assert (settings.turnover_days, settings.min_history, settings.min_turnover) == (20, 260, 300_000_000)
    assert set(settings.exclusion) == set("USDT USDC DAI TUSD USDS USD1 USDE PYUSD FDUSD RLUSD".split())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ma_days", 1),
        ("slope_days", 1),
        ("dwell", 0),
        ("slope_on", -0.1),
        ("range_limit", 0),
        ("min_turnover", -1),
    ],
)
def test_an_impossible_value_is_refused_by_name(field: str, value: float) -> None:
    change: dict[str, Any] = {field: value}
    with pytest.raises(Misconfigured, match=f"^{field}: expected"):
        StrategySettings(**change)


def test_a_history_shorter_than_the_turnover_window_is_refused() -> None:
    with pytest.raises(Misconfigured, match="min_history: expected at least turnover_days = 30, got 29"):
        StrategySettings(min_history=29, turnover_days=30)
