"""The market gate: whether buying is allowed at all today. Exits never ask it.

Source: trading.md, Market gate.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from makenaide.risk.settings import RiskSettings

_FALLING = 4
_HEALTHY = (1, 2)
_STAGES = (1, 2, 3, 4)


class GateReason(StrEnum):
    """Why the gate stands as it stands."""

    INPUT_MISSING = "input_missing"
    BTC_DECLINING = "btc_declining"
    BREADTH_LOW = "breadth_low"
    OPENED = "opened"
    KEPT = "kept"
    NEVER_OPENED = "never_opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """The gate after one decision; `breadth` is the share of the universe above its moving average."""

    open: bool
    reason: GateReason
    btc_stage: int | None = None
    breadth: float | None = None


def next_gate(
    previous: GateState | None, btc_stage: int | None, breadth: float | None, settings: RiskSettings
) -> GateState:
    """The gate after a day with these inputs; None, NaN or stage 0 (unknown) is a missing input and shuts it.

    It starts shut. Between its two thresholds it keeps its last state, so that it does not flutter.
    """
    share = _share(breadth)
    if btc_stage not in _STAGES or share is None:
        return GateState(open=False, reason=GateReason.INPUT_MISSING, btc_stage=btc_stage, breadth=breadth)
    if btc_stage == _FALLING:
        verdict = (False, GateReason.BTC_DECLINING)
    elif share < settings.gate_shut_breadth:
        verdict = (False, GateReason.BREADTH_LOW)
    elif btc_stage in _HEALTHY and share >= settings.gate_open_breadth:
        verdict = (True, GateReason.OPENED)
    elif previous is None:
        verdict = (False, GateReason.NEVER_OPENED)
    else:
        verdict = (previous.open, GateReason.KEPT)
    return GateState(open=verdict[0], reason=verdict[1], btc_stage=btc_stage, breadth=breadth)


def _share(breadth: float | None) -> Decimal | None:
    # By its shortest text: the float 0.3 lies a hair below the decimal 0.3 and would shut a gate at exactly 30 %.
    share = None if breadth is None else Decimal(str(breadth))
    return share if share is not None and share.is_finite() else None
