"""Candle files of the form KRW-BTC_60m.csv: `timestamp,open,high,low,close,volume` and, if known, `turnover`.

`timestamp` is the candle's start, UTC unless it carries an offset; rows ascend. The name gives the market and the
length: a number and m, h or d.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from makenaide.domain.errors import BadCandles, UnknownMarket
from makenaide.domain.market import Market, market
from makenaide.exchange.simulator.prices.rows import COLUMNS, Rows, milliseconds, require_candles, require_minutes
from makenaide.exchange.simulator.prices.ticks import Floats

_NAME = re.compile(r"(?P<market>[^_]+)_(?P<count>\d{1,4})(?P<unit>[mhd])\.csv(\.gz)?")
_MINUTES = {"m": 1, "h": 60, "d": 1440}
_HEADER = ("timestamp", *COLUMNS)

_Value = TypeVar("_Value", int, float)


def csv_rows(name: str, file: str, text: str) -> Rows:
    """The candles of a file called `name`; `file` is what errors call it. `BadCandles` names the line and field."""
    code, minutes = _market_and_minutes(name, file)
    lines = text.removeprefix("\ufeff").splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise BadCandles(f"{file}, line 1: the file is empty")
    width = _width(lines[0], file)
    if len(lines) == 1:
        raise BadCandles(f"{file}, line 2: no candle follows the header")
    cells = [line.split(",") for line in lines[1:]]
    for number, row in enumerate(cells, start=2):
        if len(row) != width:
            raise BadCandles(f"{file}, line {number}: expected {width} columns, got {len(row)}")
    columns = list(zip(*cells, strict=True))
    start = _converted(columns[0], milliseconds, file, "timestamp", "an ISO time")
    values = np.full((len(cells), len(COLUMNS)), np.nan)
    for place, field in enumerate(_HEADER[1:width]):
        values[:, place] = _converted(columns[place + 1], _number, file, field, "a number")
        if field == "turnover":
            _require_recorded(values[:, place], file)
    rows = Rows(
        file=file,
        market=code,
        minutes=minutes,
        places=[f"line {number}" for number in range(2, len(lines) + 1)],
        start=np.array(start, dtype=np.int64),
        values=values,
    )
    return require_candles(rows)


def _market_and_minutes(name: str, file: str) -> tuple[Market, int]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise BadCandles(f"{file}: expected a name such as KRW-BTC_60m.csv or KRW-BTC_60m.csv.gz")
    try:
        code = market(match["market"])
    except UnknownMarket as cause:
        raise BadCandles(f"{file}: {cause}") from cause
    return code, require_minutes(int(match["count"]) * _MINUTES[match["unit"]], file)


def _width(header: str, file: str) -> int:
    names = [name.strip() for name in header.split(",")]
    for place, expected in enumerate(_HEADER[:-1]):
        if place >= len(names) or names[place] != expected:
            got = repr(names[place]) if place < len(names) else "nothing"
            raise BadCandles(f"{file}, line 1: expected column {place + 1} to be {expected}, got {got}")
    extra = names[len(_HEADER) - 1 :]
    if extra not in ([], ["turnover"]):
        raise BadCandles(f"{file}, line 1: expected nothing or turnover after volume, got {','.join(extra)}")
    return len(names)


def _number(text: str) -> float:
    if "_" in text:
        raise ValueError(text)
    return float(text)


def _converted(
    cells: Sequence[str], convert: Callable[[str], _Value], file: str, field: str, expected: str
) -> list[_Value]:
    converted: list[_Value] = []
    try:
        for cell in cells:
            converted.append(convert(cell))
    except ValueError as cause:
        line = len(converted) + 2
        raise BadCandles(f"{file}, line {line}, {field}: expected {expected}, got {cells[line - 2]!r}") from cause
    return converted


def _require_recorded(turnover: Floats, file: str) -> None:
    missing = np.flatnonzero(np.isnan(turnover))
    if len(missing):
        raise BadCandles(f"{file}, line {int(missing[0]) + 2}, turnover: nan is not a finite number")
