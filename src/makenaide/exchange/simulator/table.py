"""Strict reading of tables that people write: scenario files and the operator's calls.

An unknown name is refused with the nearest known one, a wrong value with what was expected, and both by the place
where they stand. Times are ISO 8601 with an offset, or "+1d2h30m15s" from a given beginning.
"""

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar, get_args, get_type_hints

import msgspec

from makenaide.domain.clock import utc
from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import near, require_known

Read = TypeVar("Read")

_YEARS: Final = range(1970, 9001)
"""Beyond them lies the end of the calendar, where no window or delay can be added."""

_AFTER: Final = re.compile(r"\+(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?")


def read(kind: type[Read], table: Mapping[str, object], where: str, begin: datetime) -> Read:
    """`table` as an instance of the dataclass `kind`; `Misconfigured` names the field by its place under `where`."""
    known: dict[str, Field[Any]] = {each.name: each for each in fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    chosen: dict[str, Any] = {}
    for name, value in table.items():
        if name not in known:
            raise Misconfigured(f"{where}.{name}: unknown field{near(name, known)}")
        chosen[name] = _value(hints[name], value, f"{where}.{name}", begin)
    for name, each in known.items():
        if name not in chosen and each.default is MISSING and each.default_factory is MISSING:
            raise Misconfigured(f"{where}.{name}: is missing")
    try:
        return kind(**chosen)
    except Misconfigured as cause:
        raise Misconfigured(f"{where}: {cause}") from None


def choice(kinds: Mapping[str, Read], name: object, where: str) -> Read:
    """The one of `kinds` that is called `name`; `Misconfigured` with the nearest otherwise."""
    found = kinds.get(name) if isinstance(name, str) else None
    if found is None:
        raise Misconfigured(
            f"{where}: " + ("is missing" if name is None else f"unknown: {name}{near(str(name), kinds)}")
        )
    return found


def instant(text: str) -> datetime:
    """An ISO 8601 time with an offset as aware UTC; ValueError for anything else, and outside of `_YEARS`."""
    try:
        at = utc(datetime.fromisoformat(text))
    except OverflowError as cause:
        raise ValueError(f"beyond the calendar: {text}") from cause
    if at.year not in _YEARS:
        raise ValueError(f"beyond the years {_YEARS[0]} to {_YEARS[-1]}: {text}")
    return at


def moment(value: object, where: str, begin: datetime) -> datetime:
    """A time as aware UTC: absolute, or a span after `begin`."""
    if isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, str):
        after = _AFTER.fullmatch(value)
        if after is not None and value != "+":
            days, hours, minutes, seconds = (int(each or 0) for each in after.groups())
            return begin + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        try:
            return instant(value)
        except ValueError:
            pass
    years, example = f"{_YEARS[0]} to {_YEARS[-1]}", '2026-01-05T09:00:00+09:00 or "+2h30m"'
    raise Misconfigured(f"{where}: expected a time of the years {years} such as {example}, got {value!r}")


def _value(hint: Any, value: object, where: str, begin: datetime) -> Any:
    kinds = get_args(hint) or (hint,)
    if datetime in kinds:
        return None if value is None and type(None) in kinds else moment(value, where, begin)
    require_known(hint, value, where)
    if float in kinds and isinstance(value, Decimal):
        value = float(value)
    if Decimal in kinds and isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)  # the shortest spelling of a JSON number is the one that was written
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as cause:
        raise Misconfigured(f"{where}: {str(cause)[0].lower()}{str(cause)[1:]}, which {value!r} is not") from None
