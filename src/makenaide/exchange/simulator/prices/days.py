"""A market's exchange days (00:00 UTC = 09:00 KST), added up once: candles, 52-week marks, what fills its book."""

from datetime import date
from functools import cached_property

import numpy as np

from makenaide.exchange.simulator.market import CandleRow
from makenaide.exchange.simulator.prices.bars import Bars, grouped
from makenaide.exchange.simulator.prices.depth import SIGMA_FLOOR, Liquidity
from makenaide.exchange.simulator.prices.moments import DAY_MS, day_date, from_ms
from makenaide.exchange.simulator.prices.ticks import Floats

WINDOW_DAYS = 20
YEAR_DAYS = 365


class Days:
    """The days of one market, numbered from 1970-01-01, from its first to its last day of trade."""

    def __init__(self, candles: Bars) -> None:
        self._candles = candles
        days = grouped(candles, candles.start // DAY_MS)
        self._sums = days
        self.first = int(days.key[0])
        count = int(days.key[-1]) - self.first + 1
        place = days.key - self.first
        self._high, self._low = np.full(count, -np.inf), np.full(count, np.inf)
        self._high[place], self._low[place] = days.high, days.low
        turnover = np.zeros(count)
        turnover[place] = days.turnover
        close = days.close[np.searchsorted(days.key, np.arange(count) + self.first, side="right") - 1]
        self._turnover_20 = _past_mean(turnover)
        self._sigma_20 = _past_sigma(np.log(close))

    def liquidity(self, day: int) -> Liquidity:
        """What the last 20 whole days before `day` say (fewer at the start; the first day stands for itself)."""
        index = min(day - self.first, len(self._turnover_20) - 1)
        return Liquidity(float(self._turnover_20[index]), float(self._sigma_20[index]))

    @cached_property
    def rows(self) -> list[CandleRow]:
        """The day candles, ascending, as they stand once closed; days without a trade have none."""
        sums = self._sums
        last = (self._candles.end[sums.last] - 1).tolist()
        previous = [float(sums.open[0]), *sums.close.tolist()]
        columns = (sums.open, sums.high, sums.low, sums.close, np.round(sums.volume, 8), sums.turnover)
        values = zip(sums.key.tolist(), *(column.tolist() for column in columns), last, previous, strict=False)
        return [
            CandleRow(
                start=from_ms(day * DAY_MS),
                open=opened,
                high=high,
                low=low,
                close=close,
                volume=volume,
                turnover=turnover,
                last_tick=tick,
                prev_close=before,
            )
            for day, opened, high, low, close, volume, turnover, tick, before in values
        ]

    def rows_before(self, day: int) -> int:
        """How many rows belong to days before `day`."""
        return int(self._sums.key.searchsorted(day, "left"))

    def marks(self, day: int) -> tuple[tuple[float, date], tuple[float, date]] | None:
        """(highest price, its day) and (lowest price, its day) of the 364 days before `day`; None without any."""
        begin, end = max(0, day - self.first - YEAR_DAYS + 1), min(day - self.first, len(self._high))
        if begin >= end or not np.isfinite(self._high[begin:end]).any():
            return None
        top = begin + int(np.argmax(self._high[begin:end]))
        bottom = begin + int(np.argmin(self._low[begin:end]))
        return (
            (float(self._high[top]), day_date(self.first + top)),
            (float(self._low[bottom]), day_date(self.first + bottom)),
        )


def _past_mean(values: Floats) -> Floats:
    """Entry d: the mean of the up to 20 values before d, for d = 0 .. n; entry 0 is the first value itself."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(0, ends - WINDOW_DAYS)
    means = (sums[ends] - sums[begins]) / (ends - begins)
    return np.concatenate((values[:1], means))


def _past_sigma(logs: Floats) -> Floats:
    """Entry d: the sample deviation of the up to 20 daily changes before d, for d = 0 .. n; never below the floor."""
    changes = np.diff(logs)
    ones, squares = (np.concatenate(([0.0], np.cumsum(each))) for each in (changes, changes**2))
    ends = np.maximum(0, np.arange(len(logs) + 1) - 1)
    begins = np.maximum(0, ends - WINDOW_DAYS)
    count = np.maximum(2, ends - begins)
    total = ones[ends] - ones[begins]
    variance = (squares[ends] - squares[begins] - total**2 / count) / (count - 1)
    enough = (ends - begins) >= 2
    return np.maximum(SIGMA_FLOOR, np.sqrt(np.maximum(0.0, np.where(enough, variance, 0.0))))
