"""Small tapes for the tests of the simulator's market data: drawn from a seed, on the ticks of their dates."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from makenaide.domain.market import Market
from makenaide.exchange.simulator.prices.bars import Bars, bars
from makenaide.exchange.simulator.prices.moments import DAY_MS, KST_MS, MINUTE_MS, from_ms, to_ms
from makenaide.exchange.simulator.prices.tape import Source, Tape, Window
from makenaide.exchange.simulator.prices.ticks import Ticks
from makenaide.exchange.simulator.prices.track import Track
from tests.unit.simulator_street import XRP

ORIGIN = datetime(2025, 6, 2, tzinfo=UTC)
"""A Monday, 00:00 UTC."""

Ohlc = tuple[float, float, float, float]


def moment(text: str) -> datetime:
    """ "2025-06-02 01:30" as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def day_number(day: date) -> int:
    """`day` counted from 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def recorded(minutes: int, candles: Sequence[tuple[datetime, Ohlc, float]]) -> Bars:
    """Candles given one by one as (start, (open, high, low, close), volume); turnover is not recorded."""
    prices = np.array([ohlc for _, ohlc, _ in candles])
    volume = np.array([coins for _, _, coins in candles])
    start = np.array([to_ms(at) for at, _, _ in candles], dtype=np.int64)
    columns = (prices[:, 0], prices[:, 1], prices[:, 2], prices[:, 3])
    return bars(minutes, start, columns, (volume, np.full(len(candles), np.nan)))


def drawn(seed: int, count: int, minutes: int = 60, price: float = 900.0, gaps: float = 0.1) -> Bars:
    """`count` candles of KRW-XRP from ORIGIN on: a random walk over band edges, with a share of missing slots."""
    rng = np.random.Generator(np.random.PCG64(seed))
    start = to_ms(ORIGIN) + np.arange(count, dtype=np.int64) * minutes * MINUTE_MS
    close = price * np.exp(np.cumsum(rng.normal(0, 0.012, count)))
    opened = np.concatenate(([price], close[:-1])) * np.exp(rng.normal(0, 0.001, count))
    high = np.maximum(opened, close) * np.exp(rng.exponential(0.004, count))
    low = np.minimum(opened, close) * np.exp(-rng.exponential(0.004, count))
    days = (start + KST_MS) // DAY_MS
    ticks = Ticks(XRP)
    rounded = [ticks.nearest_all(each, days) for each in (opened, high, low, close)]
    volume = np.where(rng.random(count) < gaps, 0.0, np.round(rng.lognormal(8, 1, count), 8))
    volume[0] = 1000.0
    columns = (rounded[0], rounded[1], rounded[2], rounded[3])
    return bars(minutes, start, columns, (volume, np.full(count, np.nan)))


def track(base: Bars, *finer: Bars, market: Market = XRP) -> Track:
    """A track of these candles."""
    return Track(market, base, finer)


def source(base: Bars, market: Market = XRP, **events: object) -> Source:
    """A source with plain names; `events` are its listing events and finer candles."""
    return Source(market=market, base=base, korean_name="이름", english_name="Name", **events)  # type: ignore[arg-type]


def tape(*sources: Source, maintenance: tuple[Window, ...] = ()) -> Tape:
    """A tape of these sources."""
    return Tape(sources=sources, maintenance=maintenance)


def seconds(after: datetime, until: datetime) -> list[datetime]:
    """Every second in [after, until]."""
    return [after + timedelta(seconds=n) for n in range(int((until - after).total_seconds()) + 1)]


def at(milliseconds: int) -> datetime:
    """The moment, for messages."""
    return from_ms(milliseconds)
