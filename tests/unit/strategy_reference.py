"""The features once more: one market, one bar, plain loops over what trading.md says, and no numpy.

Bars are tuples of plain numbers; None stands where nothing can be computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from statistics import fmean, linear_regression, median

from makenaide.strategy.settings import StrategySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One listed day of one market."""

    high: float
    low: float
    close: float
    volume: float
    turnover: float


def moving_average(bars: Sequence[Bar], at: int, settings: StrategySettings) -> float | None:
    """The mean of the closes of a full window."""
    first = at - settings.ma_days + 1
    return fmean(bar.close for bar in bars[first : at + 1]) if first >= 0 else None


def slope(bars: Sequence[Bar], at: int, settings: StrategySettings) -> float | None:
    """The regression slope of the average's logarithm, % per 20 bars."""
    places = range(at - settings.slope_days + 1, at + 1)
    averages = [moving_average(bars, place, settings) if place >= 0 else None for place in places]
    known = [log(average) for average in averages if average is not None]
    if len(known) < settings.slope_days:
        return None
    return linear_regression(list(range(len(known))), known).slope * 20 * 100


def atr_percent(bars: Sequence[Bar], at: int, settings: StrategySettings) -> float | None:
    """Wilder's average true range in % of the close."""
    ranges = [bars[0].high - bars[0].low]
    for yesterday, today in pairwise(bars):
        up, down = abs(today.high - yesterday.close), abs(today.low - yesterday.close)
        ranges.append(max(today.high - today.low, up, down))
    days = settings.atr_days
    if at < days - 1:
        return None
    average = fmean(ranges[:days])
    for one in ranges[days : at + 1]:
        average = (average * (days - 1) + one) / days
    return average / bars[at].close * 100


def average_volume(bars: Sequence[Bar], at: int, settings: StrategySettings) -> float | None:
    """The mean volume of the bars before."""
    first = at - settings.volume_days
    return fmean(bar.volume for bar in bars[first:at]) if first >= 0 else None


def pivot(bars: Sequence[Bar], at: int, settings: StrategySettings) -> float | None:
    """The highest high of the bars before."""
    first = at - settings.pivot_days
    return max(bar.high for bar in bars[first:at]) if first >= 0 else None


def base_range(bars: Sequence[Bar], at: int, settings: StrategySettings) -> float | None:
    """The height of the bars before."""
    first = at - settings.range_days
    if first < 0:
        return None
    top = max(bar.high for bar in bars[first:at])
    return (top - min(bar.low for bar in bars[first:at])) / top


def quality(bars: Sequence[Bar], at: int, settings: StrategySettings) -> float | None:
    """How tight the base was."""
    height = base_range(bars, at, settings)
    return None if height is None else max(0.0, min(1.0, 1 - height / settings.range_limit))


def turnover(bars: Sequence[Bar], at: int, settings: StrategySettings) -> float | None:
    """The median turnover with this bar."""
    first = at - settings.turnover_days + 1
    return median(bar.turnover for bar in bars[first : at + 1]) if first >= 0 else None


def breaks_out(bars: Sequence[Bar], at: int, settings: StrategySettings) -> bool:
    """The four conditions of a high breakout."""
    level, volume = pivot(bars, at, settings), average_volume(bars, at, settings)
    if level is None or volume is None:
        return False
    bar = bars[at]
    if bars[at - 1].close > level or bar.close <= level:
        return False
    return bar.volume >= settings.volume_multiple * volume and bar.close <= (1 + settings.reach / 100) * level


def table(above: bool, direction: int, came_from: int) -> int:
    """The stage that follows `came_from`, before the dwell."""
    if above and direction > 0:
        return 2
    if not above and direction < 0:
        return 4
    if direction == 0:
        return 1 if came_from in (4, 1) else 3
    if above and direction < 0:
        return 1 if came_from in (4, 1) else 3
    return 3 if came_from in (2, 3) else 1


def directions(slopes: Sequence[float | None], settings: StrategySettings) -> list[int]:
    """The slope class of every bar, 0 where unknown."""
    found: list[int] = []
    for value in slopes:
        was = found[-1] if found else 0
        if value is None:
            found.append(0)
        elif value > settings.slope_on or (was == 1 and value >= 0):
            found.append(1)
        elif value < -settings.slope_on or (was == -1 and value <= 0):
            found.append(-1)
        else:
            found.append(0)
    return found


def stages(bars: Sequence[Bar], settings: StrategySettings) -> list[tuple[int, int, int]]:
    """Slope class, stage and days in stage of every bar."""
    slopes = [slope(bars, at, settings) for at in range(len(bars))]
    result = []
    stage, days = 3, 0
    wanted: list[int] = []
    for at, (value, direction) in enumerate(zip(slopes, directions(slopes, settings), strict=True)):
        average = moving_average(bars, at, settings)
        if value is None or average is None:
            result.append((direction, 0, 0))
            continue
        wanted.append(table(bars[at].close > average, direction, stage))
        days += 1
        ready = wanted[-1] in (3, 4) or wanted[-settings.dwell :] == [wanted[-1]] * settings.dwell
        if wanted[-1] != stage and ready:
            stage, days, wanted = wanted[-1], 1, []
        result.append((direction, stage, days))
    return result
