"""Weinstein's four stages as one state machine with memory a market (trading.md, Stage)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from makenaide.strategy.settings import StrategySettings


class Stage(IntEnum):
    """Where a market stands in its cycle; UNKNOWN while the history is too short."""

    UNKNOWN = 0
    BASING = 1
    ADVANCING = 2
    TOPPING = 3
    DECLINING = 4


class SlopeClass(IntEnum):
    """The direction of the moving average, with hysteresis."""

    FALLING = -1
    FLAT = 0
    RISING = 1


# What follows stage 1, 2, 3 and 4 while average and price do not agree: a base, or a top.
_EITHER = (Stage.BASING, Stage.TOPPING, Stage.TOPPING, Stage.BASING)

# An enum's hash costs more than the whole step, so the cells are found by place: [above][slope class][from - 1];
# Python's last place, -1, is FALLING's.
_TABLE = (
    (_EITHER, _EITHER, (Stage.DECLINING,) * 4),
    (_EITHER, (Stage.ADVANCING,) * 4, _EITHER),
)


@dataclass(frozen=True, slots=True)
class Memory:
    """What the machine remembers of a market: its stage, and the stage that it waits for since `waited` bars."""

    stage: Stage = Stage.TOPPING
    waiting_for: Stage = Stage.UNKNOWN
    waited: int = 0


_START = Memory()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One market's stages, bar by bar. `days` counts from 1 on the bar of a change; all 0 while UNKNOWN."""

    slope_class: list[int]
    stage: list[int]
    days: list[int]


def classify(previous: SlopeClass, slope: float, on: float) -> SlopeClass:
    """Rising from > +`on` until < 0, falling from < -`on` until > 0, else flat; `slope` in % per 20 bars.

    `classify(SlopeClass.RISING, 0.5, 2.0)` is RISING: a market that rose once keeps rising until the slope is lost.
    """
    if slope > on:
        return SlopeClass.RISING
    if slope < -on:
        return SlopeClass.FALLING
    if (previous is SlopeClass.RISING and slope >= 0) or (previous is SlopeClass.FALLING and slope <= 0):
        return previous
    return SlopeClass.FLAT


def candidate(above: bool, slope: SlopeClass, came_from: Stage) -> Stage:
    """The stage that the table names, before any dwell; `came_from` is a known stage.

    above, rising: 2; below, falling: 4; all else: 1 out of 4 or 1, and 3 out of 2 or 3.
    """
    return _TABLE[above][slope][came_from - 1]


def step(memory: Memory, wanted: Stage, dwell: int) -> Memory:
    """One bar further: 3 and 4 act at once, 1 and 2 only when wanted for `dwell` bars in a row."""
    if wanted is memory.stage:
        return memory if memory.waited == 0 else Memory(wanted)
    if wanted in (Stage.TOPPING, Stage.DECLINING):
        return Memory(wanted)
    waited = memory.waited + 1 if wanted is memory.waiting_for else 1
    return Memory(wanted) if waited >= dwell else Memory(memory.stage, wanted, waited)


def fold(above: Sequence[bool], slopes: Sequence[float], settings: StrategySettings) -> Fold:
    """The stages of one market from its first bar; `above` tells close > average, `slopes` are % per 20 bars.

    A slope of NaN is UNKNOWN and forgets all: the next computable bar starts from stage 3, as the first one does.
    """
    result = Fold(slope_class=[], stage=[], days=[])
    memory, slope_class, days = _START, SlopeClass.FLAT, 0
    for is_above, slope in zip(above, slopes, strict=True):
        if slope != slope:  # noqa: PLR0124 - NaN, at a third of the price of math.isnan
            memory, slope_class, days, stage = _START, SlopeClass.FLAT, 0, Stage.UNKNOWN
        else:
            slope_class = classify(slope_class, slope, settings.slope_on)
            after = step(memory, candidate(is_above, slope_class, memory.stage), settings.dwell)
            days = days + 1 if after.stage is memory.stage else 1
            memory, stage = after, after.stage
        result.slope_class.append(slope_class)
        result.stage.append(stage)
        result.days.append(days)
    return result
