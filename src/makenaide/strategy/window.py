"""Statistics of the last n bars, for every bar and market at once.

Each function takes `(days, markets)` and returns the same shape: row t speaks of rows t-n+1 .. t, and is NaN until
that window is full and while any value in it is NaN. A cell depends on nothing but its own window, and is summed in
an order that its place and the panel's shape do not change: a cut panel gives the very same bits.
"""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from makenaide.strategy.panel import Floats

_Combine = Callable[[Floats, Floats], Floats]


def before(values: Floats) -> Floats:
    """The values of the bar before."""
    return _aligned(values[:-1], values)


def mean(values: Floats, days: int) -> Floats:
    """The mean of `days` bars."""
    return _aligned(_combined(values, days, np.add) / days, values)


def highest(values: Floats, days: int) -> Floats:
    """The largest of `days` bars."""
    return _aligned(_combined(values, days, np.maximum), values)


def lowest(values: Floats, days: int) -> Floats:
    """The smallest of `days` bars."""
    return _aligned(_combined(values, days, np.minimum), values)


def median(values: Floats, days: int) -> Floats:
    """The median of `days` bars; the mean of the middle two when `days` is even."""
    if len(values) < days:
        return np.full(values.shape, np.nan)
    ordered = np.sort(sliding_window_view(values, days, axis=0), axis=-1)
    middle = (ordered[..., (days - 1) // 2] + ordered[..., days // 2]) / 2
    # NaN sorts last, so the last place tells of all.
    return _aligned(np.where(np.isnan(ordered[..., -1]), np.nan, middle), values)


def slope(values: Floats, days: int) -> Floats:
    """The least-squares slope over `days` bars, in units of `values` a bar.

    With x = 0 .. n-1 the slope is sum((x - mean x) y) / sum((x - mean x)^2), whose denominator is n (n^2 - 1) / 12.
    The weights mirror each other, so the sum runs over pairs from both ends: a level line has a slope of exactly 0.
    """
    count = max(len(values) - days + 1, 0)
    total = np.zeros((count, values.shape[1]))
    for early in range(days // 2):
        late = days - 1 - early
        total += (late - early) / 2 * (values[late : late + count] - values[early : early + count])
    if days % 2:
        total += values[days // 2 : days // 2 + count] * 0  # the middle bar weighs nothing, but must exist
    return _aligned(total / (days * (days * days - 1) / 12), values)


def _combined(values: Floats, days: int, combine: _Combine) -> Floats:
    """`combine` over each full window, by halves: row i speaks of rows i .. i+days-1."""
    if days == 1:
        return values
    half = days // 2
    halves = _combined(values, half, combine)
    pairs = combine(halves[: max(len(halves) - half, 0)], halves[half:])
    if days % 2 == 0:
        return pairs
    return combine(pairs[: max(len(pairs) - 1, 0)], values[2 * half :])


def _aligned(windows: Floats, like: Floats) -> Floats:
    """`windows`, ending with the last bar, in the shape of `like`, NaN above."""
    whole = np.full(like.shape, np.nan)
    whole[len(like) - len(windows) :] = windows
    return whole
