"""Hand-made markets: candles (hourly, or of whole days) along a line of daily moves, on the ticks, with wicks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from makenaide.domain.market import Market
from makenaide.exchange.simulator.prices.bars import Bars, bars
from makenaide.exchange.simulator.prices.moments import DAY_MS, KST_MS, MINUTE_MS, to_ms
from makenaide.exchange.simulator.prices.tape import Source, Tape, Window
from makenaide.exchange.simulator.prices.ticks import Ticks

BTC = Market("KRW-BTC")
ETH = Market("KRW-ETH")
XRP = Market("KRW-XRP")
SOL = Market("KRW-SOL")
ORIGIN = datetime(2025, 11, 24, tzinfo=UTC)
HISTORY = 40
"""Quiet days before the first slot."""

FIRST = ORIGIN + timedelta(days=HISTORY)
"""The first slot: 2026-01-03 09:00 KST."""

WICK = 0.002
DRIFT = 0.0005
TURNOVER = 10_000_000_000.0
"""Won a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One market: `HISTORY` - 1 quiet days, `last` (the move of the last history day), then the moves of `days`.

    `silent` are parts (hours) since the first slot in which nothing trades; `turnover` in won a day; `parts` candles
    a day.
    """

    market: Market
    price: float
    last: float = DRIFT
    days: Sequence[float] = ()
    silent: Iterable[int] = ()
    turnover: float = TURNOVER
    parts: int = 24
    warnings: tuple[Window, ...] = ()
    listed_at: datetime | None = None
    delisted_at: datetime | None = None

    def source(self) -> Source:
        """The candles and events for a tape."""
        return Source(
            market=self.market,
            base=self._bars(),
            korean_name="이름",
            english_name=str(self.market),
            warnings=self.warnings,
            listed_at=self.listed_at,
            delisted_at=self.delisted_at,
        )

    def _bars(self) -> Bars:
        moves = np.array([DRIFT] * (HISTORY - 1) + [self.last, *self.days])
        ends = self.price * np.cumprod(1 + moves)
        corners = np.concatenate(([self.price], ends))
        count, minutes = len(moves) * self.parts, 1440 // self.parts
        line = np.interp(np.arange(count + 1) / self.parts, np.arange(len(corners)), corners)
        start = to_ms(ORIGIN) + np.arange(count, dtype=np.int64) * minutes * MINUTE_MS
        days = (start + KST_MS) // DAY_MS
        opened, close = line[:-1], line[1:]
        top, bottom = np.maximum(opened, close) * (1 + WICK), np.minimum(opened, close) * (1 - WICK)
        ticks = Ticks(self.market)
        prices = [ticks.nearest_all(each, days) for each in (opened, top, bottom, close)]
        volume = np.round(self.turnover / self.parts / close, 8)
        volume[[HISTORY * self.parts + hour for hour in self.silent]] = 0.0
        columns = (prices[0], prices[1], prices[2], prices[3])
        return bars(minutes, start, columns, (volume, np.full(len(start), np.nan)))


def tape(*charts: Chart, maintenance: tuple[Window, ...] = ()) -> Tape:
    """These markets; trading begins at `FIRST`."""
    sources = tuple(chart.source() for chart in charts)
    return Tape(sources=sources, maintenance=maintenance, history=timedelta(days=HISTORY))


def bitcoin(days: int, parts: int = 24) -> Chart:
    """The leader of the gate: rising gently, never breaking out."""
    return Chart(market=BTC, price=150_000_000, days=[DRIFT] * days, parts=parts)


def hours(count: float) -> timedelta:
    """A time after `FIRST`."""
    return timedelta(hours=count)
