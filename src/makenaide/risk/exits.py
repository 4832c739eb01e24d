"""Stops that only ever rise, and the exits that closed candles call for.

Source: trading.md, Exits. The trailing distance is measured from the stored high-water mark, never from the
entry (flaws 16 and 17 of system-facts.md section 7). ATR% is in percent of the price and frozen at entry.
The price that stops look at is the best bid, for trigger and high-water mark alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal

from makenaide.domain.market import Market, round_up
from makenaide.domain.money import QUANTITY_STEP, Price, Quantity, plain
from makenaide.domain.reason import Exit
from makenaide.risk.settings import RiskSettings

_PERCENT = Decimal(100)
_SHOWN = Decimal("0.000001")
_LEAVING_STAGES = (3, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFacts:
    """An open position as its exits see it: `entry` is the average fill price, `opened_on` the UTC day of entry."""

    market: Market
    entry: Price
    atr_percent: Decimal
    opened_on: date
    quantity: Quantity
    initial_quantity: Quantity
    third_taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StopState:
    """A position's stop: its price on the tick, the rule that set it, and the highest best bid seen."""

    price: Price
    kind: Exit
    high_water: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseFacts:
    """What the closed candle of yesterday says, asked in the slot of `today` (UTC day); None = not known.

    `delisting` is the day on which the venue has announced to close the market (KST), None = nothing announced.
    """

    today: date
    close: Price | None
    stage: int | None
    warning: bool | None
    delisting: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitSignal:
    """Sell `quantity` at the market because of `kind`; `evidence` tells what was compared."""

    kind: Exit
    quantity: Quantity
    evidence: Mapping[str, str]


def too_volatile(atr_percent: Decimal, settings: RiskSettings) -> bool:
    """Whether no allowed stop distance fits the market: ATR% above 7, or no number at all."""
    return not atr_percent.is_finite() or atr_percent <= 0 or atr_percent > settings.max_atr_percent


def hard_distance(atr_percent: Decimal, settings: RiskSettings) -> Decimal:
    """The hard stop's distance below the entry as a ratio: clamp(2.5 ATR%, 4 %, 7 %)."""
    return _clamp(settings.hard_multiple * atr_percent / _PERCENT, settings.hard_low, settings.hard_high)


def trailing_distance(atr_percent: Decimal, settings: RiskSettings) -> Decimal:
    """The trailing stop's distance below the high-water mark as a ratio: clamp(3 ATR%, 8 %, 15 %)."""
    return _clamp(
        settings.trailing_multiple * atr_percent / _PERCENT, settings.trailing_low, settings.trailing_high
    )


def arming_price(entry: Price, settings: RiskSettings) -> Price:
    """The high-water mark from which the trailing stop works: entry + 8 %."""
    return entry.scale(1 + settings.trailing_arm)


def initial_stop(facts: PositionFacts, day: date, settings: RiskSettings) -> StopState:
    """The hard stop of a new position, rounded up to the tick of `day`; its high-water mark is the entry."""
    price = facts.entry.scale(1 - hard_distance(facts.atr_percent, settings))
    return StopState(price=_on_tick(facts.market, price, day), kind=Exit.HARD_STOP, high_water=facts.entry)


def raise_stop(state: StopState, facts: PositionFacts, bid: Price, day: date, settings: RiskSettings) -> StopState:
    """`state` after the best bid was `bid`: stop = max(previous, hard, trailing); neither it nor the mark falls.

    The kind is that of the rule that set the price; on a tie the earlier one stays.
    """
    high_water = max(state.high_water, bid)
    price, kind = state.price, state.kind
    hard = initial_stop(facts, day, settings).price
    if hard > price:
        price, kind = hard, Exit.HARD_STOP
    if high_water >= arming_price(facts.entry, settings):
        distance = trailing_distance(facts.atr_percent, settings)
        trailing = _on_tick(facts.market, high_water.scale(1 - distance), day)
        if trailing > price:
            price, kind = trailing, Exit.TRAILING_STOP
    return StopState(price=price, kind=kind, high_water=high_water)


def touched(state: StopState, bid: Price) -> bool:
    """Whether the best bid has come down to the stop."""
    return bid <= state.price


def stop_exit(state: StopState, facts: PositionFacts, bid: Price) -> ExitSignal | None:
    """The sale of the whole position when `bid` touches its stop, else None."""
    if not touched(state, bid):
        return None
    evidence = {
        "bid": str(bid),
        "stop": str(state.price),
        "high_water": str(state.high_water),
        "entry": str(facts.entry),
        "atr_percent": plain(facts.atr_percent),
    }
    return ExitSignal(kind=state.kind, quantity=facts.quantity, evidence=evidence)


def exits_at_close(facts: PositionFacts, close: CloseFacts, settings: RiskSettings) -> tuple[ExitSignal, ...]:
    """At most one sale that the closed candle calls for.

    DELISTING, WARNING, STAGE and NO_PROGRESS sell all, the first that speaks gives its name; THIRD sells a third
    once and is swallowed by a full exit. Each rule stands alone: a missing input mutes only the rule that needs it.
    All rules that spoke are in the evidence under "spoke".
    """
    third = _third(facts, close, settings)
    full = [kind for kind, speaks in _full_exits(facts, close, settings) if speaks]
    spoke = [*full, *([Exit.THIRD] if third is not None else [])]
    evidence = {**_evidence(facts, close), "spoke": ",".join(spoke)}
    if full:
        return (ExitSignal(kind=full[0], quantity=facts.quantity, evidence=evidence),)
    if third is not None:
        return (ExitSignal(kind=Exit.THIRD, quantity=third, evidence=evidence),)
    return ()


def _full_exits(facts: PositionFacts, close: CloseFacts, settings: RiskSettings) -> tuple[tuple[Exit, bool], ...]:
    return (
        (Exit.DELISTING, close.delisting is not None),
        (Exit.WARNING, close.warning is True),
        (Exit.STAGE, close.stage in _LEAVING_STAGES),
        (Exit.NO_PROGRESS, _idle(facts, close, settings)),
    )


def _idle(facts: PositionFacts, close: CloseFacts, settings: RiskSettings) -> bool:
    # Counted in exchange days: the entry came some seconds after its slot, thirty slots later is thirty days.
    old = (close.today - facts.opened_on).days >= settings.idle_days
    return old and close.close is not None and close.close < facts.entry.scale(1 + settings.idle_gain)


def _third(facts: PositionFacts, close: CloseFacts, settings: RiskSettings) -> Quantity | None:
    if facts.third_taken or close.close is None or close.close < facts.entry.scale(1 + settings.third_gain):
        return None
    part = Quantity((facts.initial_quantity.value / 3).quantize(QUANTITY_STEP, ROUND_DOWN))
    if part >= facts.quantity:
        return None
    rest = facts.quantity - part
    if min((close.close * part).value, (close.close * rest).value) < settings.third_minimum:
        return None
    return part


def _evidence(facts: PositionFacts, close: CloseFacts) -> dict[str, str]:
    gain = None if close.close is None else close.close / facts.entry - 1
    return {
        "entry": str(facts.entry),
        "close": "unknown" if close.close is None else str(close.close),
        "gain": "unknown" if gain is None else plain(gain.quantize(_SHOWN)),
        "stage": "unknown" if close.stage is None else str(int(close.stage)),
        "warning": "unknown" if close.warning is None else str(close.warning).lower(),
        "days": str((close.today - facts.opened_on).days),
        **({} if close.delisting is None else {"delisting": close.delisting.isoformat()}),
    }


def _on_tick(market: Market, price: Price, day: date) -> Price:
    return round_up(market, price.value, day)


def _clamp(value: Decimal, low: Decimal, high: Decimal) -> Decimal:
    return max(low, min(value, high))
