"""Every threshold of the strategy room: named, with unit, range and source."""

from dataclasses import dataclass

from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import parameter, require_in_range

STABLECOINS = ("USDT", "USDC", "DAI", "TUSD", "USDS", "USD1", "USDE", "PYUSD", "FDUSD", "RLUSD")
"""Coins that follow another currency: no trend of their own to ride."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySettings:
    """What the strategy asks of a market; `Misconfigured`, naming the field, outside the ranges."""

    ma_days: int = parameter(210, "days", "trading.md, Stage: 30 weeks of 7 days", low=2, high=1000)
    slope_days: int = parameter(20, "days", "trading.md, Stage", low=2, high=250)
    slope_on: float = parameter(2.0, "% per 20 bars", "trading.md, Stage", low=0, high=100)
    dwell: int = parameter(5, "bars", "trading.md, Stage", low=1, high=60)
    atr_days: int = parameter(14, "days", "trading.md, Exits; Wilder 1978", low=1, high=250)
    pivot_days: int = parameter(60, "days", "trading.md, Patterns: high breakout", low=1, high=1000)
    volume_multiple: float = parameter(1.4, "x v20", "trading.md, Patterns", low=0, high=100)
    reach: float = parameter(5.0, "% above the pivot", "trading.md, Patterns", low=0, high=100)
    volume_days: int = parameter(20, "days", "trading.md, Patterns: v20", low=1, high=250)
    range_days: int = parameter(20, "days", "trading.md, Patterns: quality", low=1, high=250)
    range_limit: float = parameter(0.4, "ratio", "trading.md, Patterns: quality", low=0.01, high=1)
    turnover_days: int = parameter(20, "days", "trading.md, Universe", low=1, high=250)
    min_history: int = parameter(260, "closed candles", "trading.md, Universe", low=1, high=5000)
    min_turnover: int = parameter(300_000_000, "KRW a day, median", "trading.md, Universe", low=0)
    exclusion: tuple[str, ...] = parameter(STABLECOINS, "coin codes", "trading.md, Universe")

    def __post_init__(self) -> None:
        require_in_range(self)
        if self.min_history < self.turnover_days:
            raise Misconfigured(
                f"min_history: expected at least turnover_days = {self.turnover_days}, got {self.min_history}"
            )
