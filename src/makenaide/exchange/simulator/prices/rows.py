"""Candle rows as they were read from one file, and the laws that they must keep before anybody uses them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from makenaide.domain.errors import BadCandles
from makenaide.domain.market import Market
from makenaide.exchange.simulator.prices.moments import DAY_MS, MINUTE_MS, from_ms, to_ms
from makenaide.exchange.simulator.prices.ticks import Floats, Ints

PRICES = ("open", "high", "low", "close")
COLUMNS = (*PRICES, "volume", "turnover")

_EARLIEST = to_ms(datetime(2000, 1, 1, tzinfo=UTC))
_LATEST = to_ms(datetime(2200, 1, 1, tzinfo=UTC))
_FAR = 1e18
"""Beyond a day's turnover in any money, and with room for the sums and ratios that are made of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The candles of one market and length out of one file, ascending.

    `places` says where each stands in the file ("line 7", "row 0"); `values` has the columns of `COLUMNS`, of which
    only turnover may be NaN (not recorded); `start` in milliseconds since 1970 (UTC).
    """

    file: str
    market: Market
    minutes: int
    places: Sequence[str]
    start: Ints
    values: Floats

    def column(self, name: str) -> Floats:
        """One column by its name."""
        column: Floats = self.values[:, COLUMNS.index(name)]
        return column

    def fault(self, index: int, field: str, words: str) -> BadCandles:
        """The error that names this file, the candle's place in it, and the field."""
        return BadCandles(f"{self.file}, {self.places[index]}, {field}: {words}")


def require_candles(rows: Rows, names: dict[str, str] | None = None) -> Rows:
    """`rows` themselves; `BadCandles` naming file, place and field of the first candle that breaks a law.

    `names` are the file's own words for the columns.
    """
    first: tuple[int, str, str] | None = None
    for field, broken, words in (*_value_laws(rows), *_shape_laws(rows), *_time_laws(rows)):
        found = int(np.argmax(broken))
        if broken[found] and (first is None or found < first[0]):
            first = (found, field, words)
    if first is None:
        return rows
    index, field, words = first
    value = from_ms(int(rows.start[index])).isoformat() if field == "timestamp" else rows.column(field)[index]
    raise rows.fault(index, (names or {}).get(field, field), f"{value} {words}")


_Law = tuple[str, NDArray[np.bool_], str]
"""(field, which candles break it, what is wrong with them)"""


def _value_laws(rows: Rows) -> list[_Law]:
    laws: list[_Law] = []
    for name in COLUMNS:
        column = rows.column(name)
        infinite = np.isinf(column) if name == "turnover" else ~np.isfinite(column)
        laws.append((name, infinite, "is not a finite number"))
        laws.append((name, column > _FAR, "is too large for a market"))
        if name in PRICES:
            laws.append((name, column <= 0, "is not above zero"))
        else:
            laws.append((name, column < 0, "is negative"))
    return laws


def _shape_laws(rows: Rows) -> list[_Law]:
    high, low = rows.column("high"), rows.column("low")
    outside = {name: (rows.column(name) > high) | (rows.column(name) < low) for name in ("open", "close")}
    return [
        ("high", high < low, "is below the low"),
        *((name, broken, "is outside low .. high") for name, broken in outside.items()),
    ]


def _time_laws(rows: Rows) -> list[_Law]:
    off_grid = rows.start % (rows.minutes * MINUTE_MS) != 0
    steps = np.diff(rows.start, prepend=rows.start[0] - 1)
    return [
        ("timestamp", (rows.start < _EARLIEST) | (rows.start >= _LATEST), "lies outside the years 2000 to 2199"),
        ("timestamp", off_grid, f"is off the grid of {rows.minutes} minutes"),
        ("timestamp", steps == 0, "is there twice"),
        ("timestamp", steps < 0, "is earlier than the one before"),
    ]


def require_minutes(minutes: int, file: str) -> int:
    """`minutes`, if candles of that length fill a day; else `BadCandles`."""
    if minutes <= 0 or (DAY_MS // MINUTE_MS) % minutes:
        raise BadCandles(f"{file}: candles of {minutes} minutes do not fill a day")
    return minutes


def milliseconds(text: str) -> int:
    """An ISO time in milliseconds; without an offset it is UTC (upbit-api.md section 11, pitfall 1)."""
    moment = datetime.fromisoformat(text)
    try:
        return to_ms(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
    except OverflowError as cause:
        raise ValueError(f"{text} lies outside the calendar") from cause
