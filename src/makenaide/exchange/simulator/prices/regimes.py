"""The weather of the generated venue: bull, flat and bear markets, and each coin's own bases, advances, declines.

The market's regimes follow a fixed round whose lengths are drawn. Trading begins inside a bull market that is old
enough for a long moving average to rise; a pause, a second leg, a top, a bear market and a base follow.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from makenaide.exchange.simulator.prices.model import Model
from makenaide.exchange.simulator.prices.ticks import Floats

States = NDArray[np.int8]


class Weather(IntEnum):
    """The regime of the whole market."""

    FLAT = 0
    BULL = 1
    BEAR = 2


class Phase(IntEnum):
    """The regime of one coin, beside the market."""

    BASE = 0
    ADVANCE = 1
    DECLINE = 2


_ROUND = (
    (Weather.BULL, 60, 100),
    (Weather.FLAT, 15, 30),
    (Weather.BULL, 50, 80),
    (Weather.FLAT, 20, 40),
    (Weather.BEAR, 70, 120),
    (Weather.FLAT, 40, 70),
)
"""(regime, shortest, longest) in days, from the first day of trading on, over and over."""

_BEFORE = (
    (Weather.BULL, 80, 110),
    (Weather.FLAT, 70, 110),
    (Weather.BEAR, 70, 120),
    (Weather.FLAT, 30, 60),
    (Weather.BULL, 80, 150),
)
"""The same backwards from the day before, over and over."""

_LENGTHS = {Phase.BASE: (30, 105), Phase.ADVANCE: (35, 85), Phase.DECLINE: (18, 50)}
"""Days a phase lasts."""

_PLATEAU = (110, 190)
"""Days of a base that follows an advance and lasts until the long moving average has caught up with the price."""

_NEXT = {
    (Phase.BASE, Weather.BULL): (0.15, 0.80, 0.05),
    (Phase.BASE, Weather.FLAT): (0.40, 0.35, 0.25),
    (Phase.BASE, Weather.BEAR): (0.40, 0.10, 0.50),
    (Phase.ADVANCE, Weather.BULL): (0.70, 0.00, 0.30),
    (Phase.ADVANCE, Weather.FLAT): (0.50, 0.00, 0.50),
    (Phase.ADVANCE, Weather.BEAR): (0.25, 0.00, 0.75),
    (Phase.DECLINE, Weather.BULL): (0.70, 0.30, 0.00),
    (Phase.DECLINE, Weather.FLAT): (0.90, 0.10, 0.00),
    (Phase.DECLINE, Weather.BEAR): (0.80, 0.00, 0.20),
}
"""Chance of (base, advance, decline) after a phase that ends in this weather."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Climate:
    """A day's regimes and what they do, by day or by (day, coin); drifts in log return a day."""

    weather: States
    market_drift: Floats
    phase: States
    drift: Floats
    loudness: Floats


def climate(rng: Generator, model: Model, history: int, days: int, coins: int) -> Climate:
    """The regimes of `history` days before and `days` from the first day of trading."""
    past = _drawn(rng, _BEFORE, history)[::-1]
    weather = np.concatenate((past, _drawn(rng, _ROUND, days)))
    by_weather = np.array([model.flat_drift, model.bull_drift, model.bear_drift])
    own = [_phases(rng, model, weather) for _ in range(coins)]
    phase = np.stack([states for states, _ in own], axis=1)
    loudness = np.array([model.quiet_base, 1.0, model.loud_decline])[phase]
    return Climate(
        weather=weather,
        market_drift=by_weather[weather],
        phase=phase,
        drift=np.stack([drift for _, drift in own], axis=1),
        loudness=loudness,
    )


def _drawn(rng: Generator, order: tuple[tuple[Weather, int, int], ...], days: int) -> States:
    drawn = np.zeros(days, dtype=np.int8)
    day = place = 0
    while day < days:
        weather, shortest, longest = order[place % len(order)]
        length = int(rng.integers(shortest, longest + 1))
        drawn[day : day + length] = weather
        day, place = day + length, place + 1
    return drawn


def _phases(rng: Generator, model: Model, weather: States) -> tuple[States, Floats]:
    phases, drift = np.zeros(len(weather), dtype=np.int8), np.zeros(len(weather))
    before, phase, day, level = Phase.BASE, Phase.BASE, -int(rng.integers(0, 40)), 0.0
    temper = float(rng.uniform(model.temper_low, model.temper_high))
    while day < len(weather):
        plateau = before is Phase.ADVANCE and phase is Phase.BASE and rng.random() < model.plateau_share
        shortest, longest = _PLATEAU if plateau else _LENGTHS[phase]
        length = int(rng.integers(shortest, longest + 1))
        here = slice(max(0, day), max(0, day + length))
        phases[here] = phase
        total = temper * _total(rng, model, phase)
        drift[here] = total / length
        day, level = day + length, level + total
        ends_in = Weather(int(weather[min(max(day - 1, 0), len(weather) - 1)]))
        drawn = Phase(int(rng.choice(3, p=_NEXT[phase, ends_in])))
        before, phase = phase, _turned(drawn, phase, level, model.stretch)
    return phases, drift


def _turned(drawn: Phase, before: Phase, level: float, stretch: float) -> Phase:
    """`drawn`, unless it would carry a coin further that stands far from where it began."""
    if level > stretch and drawn is Phase.ADVANCE:
        return Phase.DECLINE if before is Phase.BASE else Phase.BASE
    if level < -stretch and drawn is Phase.DECLINE:
        return Phase.ADVANCE if before is Phase.BASE else Phase.BASE
    return drawn


def _total(rng: Generator, model: Model, phase: Phase) -> float:
    """The log return of a whole phase, beside the market's."""
    match phase:
        case Phase.ADVANCE:
            return float(np.log1p(rng.uniform(model.advance_low, model.advance_high)))
        case Phase.DECLINE:
            return float(np.log1p(-rng.uniform(model.decline_low, model.decline_high)))
        case Phase.BASE:
            return 0.0
