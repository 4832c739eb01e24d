"""What must be true of all that comes out: finite, bounded, with times that know their zone; errors in few words."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

_DIGITS = 200


def require_sound(value: object) -> None:
    """AssertionError naming the first part of `value` that is not."""
    match value:
        case Decimal():
            assert value.is_finite(), value
            assert len(value.as_tuple().digits) < _DIGITS, value
            assert not value or abs(value.adjusted()) < _DIGITS, value
        case datetime():
            assert value.tzinfo is not None, value
        case str() | bytes():
            return
        case Mapping():
            for name, part in value.items():
                require_sound(name)
                require_sound(part)
        case tuple() | list():
            for part in value:
                require_sound(part)
        case _ if is_dataclass(value) and not isinstance(value, type):
            for each in fields(value):
                require_sound(getattr(value, each.name))


def require_words(error: Exception, most: int = 500) -> str:
    """What `error` says: something, in at most `most` characters."""
    words = str(error)
    assert 0 < len(words) <= most, len(words)
    return words


def read_json(raw: bytes) -> Any:
    """`raw` as strict JSON, without NaN and its like."""
    return json.loads(raw, parse_constant=_no_number)


def _no_number(words: str) -> None:
    raise AssertionError(f"{words} is no JSON")
