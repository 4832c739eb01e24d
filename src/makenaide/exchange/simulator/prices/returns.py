"""Log returns of the generated coins: a market factor, each coin's own way beside it, fat tails, clustered noise.

Arrays are (days, slots of a day, coins) or (days, coins). A coin's return is beta times the market's, plus its own
drift of the day, plus its own noise; quiet and loud days come in clusters, for the market and for each coin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from makenaide.exchange.simulator.prices.events import NOTICE_HOUR, Life
from makenaide.exchange.simulator.prices.model import GeneratorSettings, Model
from makenaide.exchange.simulator.prices.names import STABLECOINS, Coin
from makenaide.exchange.simulator.prices.regimes import Climate
from makenaide.exchange.simulator.prices.ticks import Floats

_CALMEST, _WILDEST = 0.3, 6.0
"""Bounds of the variance multiplier, so that no cluster runs away."""

_PEG_PULL = 0.03
"""A day: how fast a stablecoin returns to its peg."""

_FIRST_DAY_LOUDNESS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Returns:
    """`slots` (days, slots, coins): log returns; `sigma` (days, coins): the day's own deviation of each coin."""

    slots: Floats
    sigma: Floats


def returns(
    rng: Generator, settings: GeneratorSettings, coins: Sequence[Coin], known: tuple[Climate, Sequence[Life]]
) -> Returns:
    """Every coin's returns over history and days."""
    climate, lives = known
    model = settings.model
    slots = 1440 // settings.base_minutes
    shape = (settings.history_days + settings.days, slots)
    market, market_loud = _noise(rng, model, (*shape, 1))
    own, own_loud = _noise(rng, model, (*shape, len(coins)))
    beta = rng.uniform(model.beta_low, model.beta_high, len(coins))
    sigma = rng.uniform(model.coin_sigma_low, model.coin_sigma_high, len(coins))
    beta[0], sigma[0] = 1.0, model.bitcoin_sigma
    drift, loudness = climate.drift.copy(), climate.loudness.copy()
    drift[:, 0], loudness[:, 0] = 0.0, 1.0
    _shape_lives(model, lives, drift, loudness)
    factor = climate.market_drift[:, None, None] / slots + model.market_sigma * market
    daily = own_loud * loudness * sigma
    moves = beta * factor + drift[:, None, :] / slots + (loudness * sigma)[:, None, :] * own
    total = np.sqrt((beta * model.market_sigma * market_loud) ** 2 + daily**2)
    for place, coin in enumerate(coins):
        if coin.code in STABLECOINS:
            moves[:, :, place] = _pegged(model, own[:, :, place])
            total[:, place] = model.peg_sigma * own_loud[:, place]
    _apply_notices(settings, lives, moves)
    return Returns(slots=moves, sigma=total)


def _noise(rng: Generator, model: Model, shape: tuple[int, int, int]) -> tuple[Floats, Floats]:
    """(noise of unit daily variance on average, the day's loudness): Student's t in GARCH(1,1) clusters."""
    degrees = model.tail_degrees
    raw = rng.standard_t(degrees, shape) * np.sqrt((degrees - 2) / degrees / shape[1])
    surprises = raw.sum(axis=1) ** 2
    shock, memory = model.cluster_shock, model.cluster_memory
    variance = np.ones((shape[0], shape[2]))
    for day in range(1, shape[0]):
        before = variance[day - 1]
        after = (1 - shock - memory) + (shock * surprises[day - 1] + memory) * before
        variance[day] = np.clip(after, _CALMEST, _WILDEST)
    loudness = np.sqrt(variance)
    return raw * loudness[:, None, :], loudness


def _shape_lives(model: Model, lives: Sequence[Life], drift: Floats, loudness: Floats) -> None:
    for place, life in enumerate(lives):
        if life.listed:
            loudness[life.listed, place] *= _FIRST_DAY_LOUDNESS
        if life.warned is not None and life.delisted is not None:
            drift[life.warned + 1 : life.delisted + 1, place] = model.doom_drift


def _apply_notices(settings: GeneratorSettings, lives: Sequence[Life], moves: Floats) -> None:
    slot = NOTICE_HOUR * 60 // settings.base_minutes
    for place, life in enumerate(lives):
        moves[: life.listed, :, place] = 0.0
        if life.warned is not None:
            moves[life.warned, slot, place] += settings.model.notice_shock


def _pegged(model: Model, noise: Floats) -> Floats:
    """Returns that are pulled back to where they started."""
    steps = noise * model.peg_sigma
    away = 0.0
    for day in range(len(steps)):
        steps[day] -= _PEG_PULL * away / steps.shape[1]
        away += float(steps[day].sum())
    return steps
