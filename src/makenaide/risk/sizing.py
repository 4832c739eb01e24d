"""How many won an entry may spend: the smallest of five bounds, never rounded up.

Source: trading.md, Sizing (a)-(e). Flaw 23 (system-facts.md section 7): a floor means "do not trade".
The measured Kelly share of (a) comes with the strategy issue; until then every entry is *unproven*.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from enum import StrEnum

from makenaide.domain.money import Krw, plain
from makenaide.domain.reason import Refusal
from makenaide.risk.settings import RiskSettings

_WON = Decimal(1)
_SHOWN = Decimal("0.01")


class Bound(StrEnum):
    """The rule that set the size; in the order of (a)-(e), which also breaks ties."""

    UNPROVEN = "unproven"
    RISK_CAP = "risk_cap"
    MARKET_CAP = "market_cap"
    TOTAL_CAP = "total_cap"
    TURNOVER = "turnover"
    DEPTH = "depth"
    CASH = "cash"


_TOO_SMALL = {
    Bound.TOTAL_CAP: Refusal.EXPOSURE_LIMIT,
    Bound.DEPTH: Refusal.SHALLOW_BOOK,
    Bound.CASH: Refusal.NO_CASH,
}
"""What a size below the minimum is called, by the bound that made it small; else `BELOW_MINIMUM`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingInputs:
    """What sizing looks at.

    `equity` = free won + own lots at the best bid; `exposure` = those lots alone; `stop_distance` and `fee` are
    ratios (0.05 = 5 %); `turnover20` = median daily turnover of 20 days; `visible_depth` = all asks shown;
    `entry_weeks` = weeks with entries behind the pattern (under 30: unproven).
    """

    equity: Krw
    free: Krw
    stop_distance: Decimal
    turnover20: Krw
    visible_depth: Krw
    exposure: Krw
    fee: Decimal
    entry_weeks: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.stop_distance < 1:
            raise ValueError(f"stop_distance: expected a ratio between 0 and 1, got {self.stop_distance}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Spend at most `total` won before fees; `evidence` holds every candidate number, as text."""

    total: Krw
    bound: Bound
    evidence: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRefusal:
    """No entry; `bound` is the rule that spoke, None when there is no equity at all."""

    refusal: Refusal
    bound: Bound | None
    evidence: Mapping[str, str]


def candidates(inputs: SizingInputs, settings: RiskSettings) -> Mapping[Bound, Decimal]:
    """The won that each bound alone would allow, in the order (a)-(e); may be negative."""
    equity = inputs.equity.value
    return {
        Bound.UNPROVEN: settings.risk_unproven * equity / inputs.stop_distance,
        Bound.RISK_CAP: settings.risk_cap * equity / inputs.stop_distance,
        Bound.MARKET_CAP: settings.market_cap * equity,
        Bound.TOTAL_CAP: settings.total_cap * equity - inputs.exposure.value,
        Bound.TURNOVER: settings.turnover_share * inputs.turnover20.value,
        Bound.DEPTH: settings.depth_share * inputs.visible_depth.value,
        Bound.CASH: (inputs.free.value - settings.reserve) / (1 + inputs.fee),
    }


def size(inputs: SizingInputs, settings: RiskSettings) -> Size | SizeRefusal:
    """The size of an entry in whole won, or the refusal that stands in its place.

    With 1,000,000 KRW and a stop 5 % away the unproven risk of 0.15 % allows 30,000 KRW.
    """
    allowed = candidates(inputs, settings)
    bound = min(allowed, key=lambda each: allowed[each])
    total = allowed[bound].quantize(_WON, ROUND_DOWN)
    evidence = _evidence(inputs, allowed, bound, settings)
    if inputs.equity.value <= 0:
        return SizeRefusal(refusal=Refusal.NO_CASH, bound=None, evidence=evidence)
    if allowed[Bound.TOTAL_CAP] <= 0:
        return SizeRefusal(refusal=Refusal.EXPOSURE_LIMIT, bound=Bound.TOTAL_CAP, evidence=evidence)
    if total < settings.minimum_total:
        refusal = _TOO_SMALL.get(bound, Refusal.BELOW_MINIMUM)
        return SizeRefusal(refusal=refusal, bound=bound, evidence=evidence)
    return Size(total=Krw(total), bound=bound, evidence=evidence)


def _evidence(
    inputs: SizingInputs, allowed: Mapping[Bound, Decimal], bound: Bound, settings: RiskSettings
) -> Mapping[str, str]:
    shown = {
        "equity": str(inputs.equity),
        "free": str(inputs.free),
        "exposure": str(inputs.exposure),
        "stop_distance": plain(inputs.stop_distance),
        "turnover20": str(inputs.turnover20),
        "visible_depth": str(inputs.visible_depth),
        "fee": plain(inputs.fee),
        "entry_weeks": str(inputs.entry_weeks),
        "limit_minimum_total": plain(settings.minimum_total),
    }
    allowances = {f"allowed_{rule}": plain(won.quantize(_SHOWN, ROUND_DOWN)) for rule, won in allowed.items()}
    return {**shown, **allowances, "bound": str(bound)}


def smallest_account(settings: RiskSettings, minimum: Krw) -> Krw:
    """The least equity, in whole won, with which an order of `minimum` passes the bounds that follow equity.

    Taken at the widest stop, with nothing else held and deep books; `config check` prints it. By default the
    unproven risk binds: 10,000 x 7 % / 0.15 % = 466,667 KRW.
    """
    needs = (
        minimum.value * settings.hard_high / settings.risk_unproven,
        minimum.value * settings.hard_high / settings.risk_cap,
        minimum.value / settings.market_cap,
        minimum.value / settings.total_cap,
    )
    return Krw(max(needs).quantize(_WON, ROUND_CEILING))
