"""Candle files as Upbit itself replies (upbit-api.md section 2.2): a JSON list of minute or day candles.

Market and length are those of the rows; the rows may run newest first, as the venue sends them, or ascending.
"""

import json
from typing import Any

import numpy as np

from makenaide.domain.errors import BadCandles, UnknownMarket
from makenaide.domain.market import Market, market
from makenaide.exchange.simulator.prices.rows import COLUMNS, Rows, milliseconds, require_candles, require_minutes

_FIELDS = {
    "open": "opening_price",
    "high": "high_price",
    "low": "low_price",
    "close": "trade_price",
    "volume": "candle_acc_trade_volume",
    "turnover": "candle_acc_trade_price",
}
_TIME = "candle_date_time_utc"
_DAY_MINUTES = 1440
_FAR = 1e300
"""Beyond it, and for NaN, a number is nonsense; a whole number may be too long for a float."""


def json_rows(file: str, text: str) -> Rows:
    """The candles of one reply; `BadCandles` names the row, counted from 0 as the file has them, and the field."""
    if not text.strip():
        raise BadCandles(f"{file}, line 1: the file is empty")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as cause:
        raise BadCandles(f"{file}, line {cause.lineno}: not JSON: {cause.msg}") from cause
    except (ValueError, RecursionError) as cause:
        raise BadCandles(f"{file}, line 1 or later: not JSON that can be read: {cause}") from cause
    if not isinstance(found, list) or not found:
        raise BadCandles(f"{file}, row 0: expected a list of candles")
    kinds = [_kind(row, file, index) for index, row in enumerate(found)]
    other = next((index for index, kind in enumerate(kinds) if kind != kinds[0]), None)
    if other is not None:
        raise BadCandles(
            f"{file}, row {other}, market: expected {kinds[0]} like the first row, got {kinds[other]}"
        )
    start = [_moment(row, file, index) for index, row in enumerate(found)]
    values = [[_number(row, field, file, index) for field in COLUMNS] for index, row in enumerate(found)]
    order = slice(None, None, -1 if start[0] > start[-1] else 1)
    rows = Rows(
        file=file,
        market=kinds[0][0],
        minutes=require_minutes(kinds[0][1], file),
        places=[f"row {index}" for index in range(len(found))][order],
        start=np.array(start, dtype=np.int64)[order],
        values=np.array(values, dtype=np.float64)[order],
    )
    return require_candles(rows, {**_FIELDS, "timestamp": _TIME})


def _kind(row: Any, file: str, index: int) -> tuple[Market, int]:
    if not isinstance(row, dict):
        raise BadCandles(f"{file}, row {index}: expected a candle object, got {type(row).__name__}")
    try:
        code = market(str(row.get("market")))
    except UnknownMarket as cause:
        raise BadCandles(f"{file}, row {index}, {cause}") from cause
    unit = row.get("unit", _DAY_MINUTES if "prev_closing_price" in row else None)
    if type(unit) is not int:
        raise BadCandles(f"{file}, row {index}, unit: expected minutes or a day candle, got {unit!r}")
    return code, unit


def _moment(row: dict[str, Any], file: str, index: int) -> int:
    text = row.get(_TIME)
    try:
        return milliseconds(str(text))
    except ValueError as cause:
        raise BadCandles(f"{file}, row {index}, {_TIME}: expected an ISO time, got {text!r}") from cause


def _number(row: dict[str, Any], field: str, file: str, index: int) -> float:
    name = _FIELDS[field]
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _FAR:
        raise BadCandles(f"{file}, row {index}, {name}: expected a number, got {value!r}")
    return float(value)
