"""Every threshold of the risk room, with unit, default and source.

Ratios are Decimal shares of one (0.08 = 8 %); amounts are won. Defaults are starting points to be judged by
research, never tuned to a file of prices (trading.md, head).
"""

from dataclasses import dataclass
from decimal import Decimal

from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import parameter, require_in_range

_GATE = "trading.md, Market gate"
_ENTRY = "trading.md, Entry"
_SIZING = "trading.md, Sizing"
_EXITS = "trading.md, Exits"
_UNIVERSE = "trading.md, Universe"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSettings:
    """What the risk room may be told; `Misconfigured` naming the field when a value is impossible."""

    gate_open_breadth: Decimal = parameter(Decimal("0.40"), "ratio", _GATE, low=0, high=1)
    gate_shut_breadth: Decimal = parameter(Decimal("0.30"), "ratio", _GATE, low=0, high=1)

    risk_unproven: Decimal = parameter(Decimal("0.0015"), "ratio", _SIZING + " (a)", low=0.0001, high=0.02)
    risk_cap: Decimal = parameter(Decimal("0.004"), "ratio", _SIZING + " (b)", low=0.0001, high=0.02)
    market_cap: Decimal = parameter(Decimal("0.08"), "ratio", _SIZING + " (c)", low=0.001, high=1)
    total_cap: Decimal = parameter(Decimal("0.50"), "ratio", _SIZING + " (c)", low=0.001, high=1)
    turnover_share: Decimal = parameter(Decimal("0.01"), "ratio", _SIZING + " (d)", low=0.0001, high=1)
    depth_share: Decimal = parameter(Decimal("0.20"), "ratio", _SIZING + " (d)", low=0.001, high=1)
    minimum_total: Decimal = parameter(Decimal(10_000), "KRW", _SIZING, low=5_000, high=1_000_000_000)
    reserve: Decimal = parameter(Decimal(5_010), "KRW", "house.md section 5, rule 6", low=0, high=1_000_000_000)

    late_minutes: int = parameter(60, "minutes", _ENTRY, low=0, high=1_440)
    entries_per_day: int = parameter(3, "entries", _ENTRY, low=0, high=1_000)
    max_positions: int = parameter(8, "positions", _SIZING + " (c)", low=0, high=1_000)
    cooldown_days: int = parameter(10, "days", _ENTRY, low=0, high=365)
    stops_in_week: int = parameter(4, "stops", _ENTRY, low=1, high=1_000)
    stops_window_days: int = parameter(7, "days", _ENTRY, low=1, high=365)
    stops_pause_days: int = parameter(3, "days", _ENTRY, low=0, high=365)
    drawdown_limit: Decimal = parameter(Decimal("0.15"), "ratio", "mission.md, G7", low=0, high=1)
    monthly_loss_limit: Decimal = parameter(Decimal("0.05"), "ratio", "mission.md, G6", low=0, high=1)

    max_spread: Decimal = parameter(Decimal("0.005"), "ratio", _UNIVERSE, low=0, high=1)
    entry_slip: Decimal = parameter(Decimal("0.01"), "ratio", _ENTRY, low=0, high=0.2)

    hard_multiple: Decimal = parameter(Decimal("2.5"), "ATR", _EXITS, low=0.1, high=20)
    hard_low: Decimal = parameter(Decimal("0.04"), "ratio", _EXITS, low=0.001, high=0.5)
    hard_high: Decimal = parameter(Decimal("0.07"), "ratio", _EXITS, low=0.001, high=0.5)
    max_atr_percent: Decimal = parameter(Decimal(7), "percent", _EXITS, low=0.1, high=100)
    trailing_multiple: Decimal = parameter(Decimal(3), "ATR", _EXITS, low=0.1, high=20)
    trailing_low: Decimal = parameter(Decimal("0.08"), "ratio", _EXITS, low=0.001, high=0.9)
    trailing_high: Decimal = parameter(Decimal("0.15"), "ratio", _EXITS, low=0.001, high=0.9)
    trailing_arm: Decimal = parameter(Decimal("0.08"), "ratio", _EXITS, low=0, high=10)
    third_gain: Decimal = parameter(Decimal("0.20"), "ratio", _EXITS, low=0.001, high=10)
    third_minimum: Decimal = parameter(Decimal(10_000), "KRW", _EXITS, low=5_000, high=1_000_000_000)
    idle_days: int = parameter(30, "days", _EXITS, low=1, high=3_650)
    idle_gain: Decimal = parameter(Decimal("0.05"), "ratio", _EXITS, low=0, high=10)

    def __post_init__(self) -> None:
        require_in_range(self)
        for low, high in (
            ("gate_shut_breadth", "gate_open_breadth"),
            ("hard_low", "hard_high"),
            ("trailing_low", "trailing_high"),
        ):
            if getattr(self, low) > getattr(self, high):
                raise Misconfigured(
                    f"{low}: expected at most {high} ({getattr(self, high)}), got {getattr(self, low)}"
                )
