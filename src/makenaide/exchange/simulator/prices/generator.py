"""A whole venue out of a seed: markets, prices, volumes and events, as a `Tape`.

The same settings always give the same tape (NumPy's PCG64 and nothing else draws). Prices lie on the ticks of their
Korean date. Generated prices say nothing about profit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from makenaide.domain.clock import day_start
from makenaide.exchange.simulator.prices.bars import Bars, bars
from makenaide.exchange.simulator.prices.cautions import cautions
from makenaide.exchange.simulator.prices.events import delisting, lives, maintenance, notices
from makenaide.exchange.simulator.prices.model import GeneratorSettings, Model
from makenaide.exchange.simulator.prices.moments import DAY_MS, KST_MS, MINUTE_MS, to_ms
from makenaide.exchange.simulator.prices.names import STABLECOINS, Coin, coins
from makenaide.exchange.simulator.prices.regimes import climate
from makenaide.exchange.simulator.prices.returns import Returns, returns
from makenaide.exchange.simulator.prices.tape import Source, Tape, Window
from makenaide.exchange.simulator.prices.ticks import Floats, Ints, Ticks

Mask = NDArray[np.bool_]

_HIGH_DAYS = 60
"""Days whose highest close a break-out exceeds."""

_BUSIEST_KST_HOUR = 22
_VOLUME_MEMORY = 0.6
_RANK_NOISE = 0.35


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Drawn:
    """What has been drawn for all coins; (days, slots, coins) except where said."""

    logs: Floats
    moves: Floats
    wicks: tuple[Floats, Floats]
    gaps: Floats
    turnover: Floats
    empty: Floats


def generate(settings: GeneratorSettings) -> Tape:
    """The venue of these settings; trading may begin at its `first_slot`, the start of `first_day`."""
    rng = Generator(PCG64(settings.seed))
    origin = day_start(settings.first_day) - timedelta(days=settings.history_days)
    end = day_start(settings.first_day) + timedelta(days=settings.days)
    listed = coins(settings.markets)
    weather = climate(rng, settings.model, settings.history_days, settings.days, len(listed))
    fates = lives(rng, settings, listed, weather.phase)
    windows = maintenance(origin, end)
    moves = returns(rng, settings, listed, (weather, fates))
    starts = to_ms(origin) + np.arange(moves.slots.shape[0] * moves.slots.shape[1]) * (
        settings.base_minutes * MINUTE_MS
    )
    drawn = _drawn(rng, settings.model, listed, moves, _down(starts, windows).reshape(moves.slots.shape[:2]))
    candles = [_bars(settings, coin, place, starts, drawn) for place, coin in enumerate(listed)]
    sources = tuple(
        Source(
            market=coin.market,
            base=candles[place],
            korean_name=coin.korean,
            english_name=coin.english,
            listed_at=origin + timedelta(days=fates[place].listed),
            warnings=notices(fates[place], origin),
            cautions=cautions(settings.seed, place, candles[place]),
            delisted_at=delisting(fates[place], origin),
        )
        for place, coin in enumerate(listed)
    )
    return Tape(sources=sources, maintenance=windows, history=timedelta(days=settings.history_days))


def _down(starts: Ints, windows: Sequence[Window]) -> Floats:
    """1.0 where a slot starts inside a maintenance window."""
    down = np.zeros(len(starts))
    for window in windows:
        inside = (starts >= to_ms(window.start)) & (starts < to_ms(window.end or window.start))
        down[inside] = 1.0
    return down


def _drawn(rng: Generator, model: Model, listed: Sequence[Coin], moves: Returns, down: Floats) -> _Drawn:
    shape = moves.slots.shape
    thin = np.zeros(len(listed), dtype=np.bool_)
    candidates = [i for i, coin in enumerate(listed) if i > 0 and coin.code not in STABLECOINS]
    chosen = candidates[len(candidates) - round(model.thin_share * len(listed)) :]
    thin[chosen] = True
    empty = np.where(thin & (rng.random(shape) < model.thin_gaps), 1.0, down[:, :, None])
    steps = np.where(empty > 0, 0.0, moves.slots)
    logs = np.cumsum(steps.reshape(-1, shape[2]), axis=0).reshape(shape)
    slot_sigma = (moves.sigma / np.sqrt(shape[1]))[:, None, :] * model.wick
    return _Drawn(
        logs=logs,
        moves=steps,
        wicks=(rng.standard_exponential(shape) * slot_sigma, rng.standard_exponential(shape) * slot_sigma),
        gaps=rng.standard_normal(shape) * model.gap,
        turnover=_turnover(rng, model, thin, (logs, steps, moves.sigma)),
        empty=empty,
    )


def _turnover(rng: Generator, model: Model, thin: Mask, series: tuple[Floats, Floats, Floats]) -> Floats:
    """Won traded in each slot: the coin's level, more on days of large moves and new highs, spread over the day."""
    logs, steps, sigma = series
    days, slots, count = logs.shape
    close = logs[:, -1, :]
    surprise = np.abs(steps.sum(axis=1)) / sigma
    daily = np.log(_levels(rng, model, thin, count)) + model.volume_surprise * (surprise - 0.8)
    if days > _HIGH_DAYS:
        highest = sliding_window_view(close, _HIGH_DAYS, axis=0).max(axis=-1)[:-1]
        daily[_HIGH_DAYS:] += np.where(close[_HIGH_DAYS:] > highest, np.log(model.volume_breakout), 0.0)
    noise = rng.standard_normal((days, count)) * model.volume_noise
    for day in range(1, days):
        noise[day] += _VOLUME_MEMORY * noise[day - 1]
    hours = (np.arange(slots) * 24 / slots + 9) % 24
    profile = 1 + 0.4 * np.cos((hours - _BUSIEST_KST_HOUR) / 24 * 2 * np.pi)
    bustle = 0.5 + np.abs(steps) / (sigma / np.sqrt(slots))[:, None, :]
    weights = profile[:, None] * bustle * np.exp(rng.standard_normal(logs.shape) * 0.4)
    spread: Floats = np.exp(daily + noise)[:, None, :] * weights / weights.sum(axis=1, keepdims=True)
    return spread


def _levels(rng: Generator, model: Model, thin: Mask, count: int) -> Floats:
    """Each coin's usual turnover a day."""
    ranked = model.turnover_top / np.arange(1, count + 1) ** model.turnover_fall
    ranked *= np.exp(rng.standard_normal(count) * _RANK_NOISE)
    levels: Floats = np.where(
        thin, rng.uniform(model.thin_low, model.thin_high, count), np.maximum(ranked, model.turnover_floor)
    )
    return levels


def _bars(settings: GeneratorSettings, coin: Coin, place: int, starts: Ints, drawn: _Drawn) -> Bars:
    """One coin's candles, rounded to the ticks of their dates, turnover along the path that `path.py` walks."""
    logs = drawn.logs[:, :, place].ravel()
    raw_close = coin.price * np.exp(logs)
    raw_open = np.concatenate(([coin.price], raw_close[:-1])) * np.exp(drawn.gaps[:, :, place].ravel())
    raw_high = np.maximum(raw_open, raw_close) * np.exp(drawn.wicks[0][:, :, place].ravel())
    raw_low = np.minimum(raw_open, raw_close) * np.exp(-drawn.wicks[1][:, :, place].ravel())
    days = (starts + KST_MS) // DAY_MS
    stacked = np.concatenate((raw_open, raw_high, raw_low, raw_close))
    opened, high, low, close = np.split(Ticks(coin.market).nearest_all(stacked, np.tile(days, 4)), 4)
    first, second = np.where(close >= opened, low, high), np.where(close >= opened, high, low)
    mean = (opened + (opened + first) * 2 + (first + second) * 2 + (second + close) * 1.5) / 12
    volume: Floats = np.where(
        drawn.empty[:, :, place].ravel() > 0, 0.0, drawn.turnover[:, :, place].ravel() / mean
    )
    coins_traded: Floats = np.round(volume, 8)
    traded = (coins_traded, coins_traded * mean)
    return bars(settings.base_minutes, starts, (opened, high, low, close), traded)
