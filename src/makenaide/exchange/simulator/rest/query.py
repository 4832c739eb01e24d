"""The query of one call: names and values as sent, read the way the venue reads them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from makenaide.exchange.http import Pairs

_SPACED_OFFSET: Final = re.compile(r"(T\d\d:\d\d.*|.* \d\d:\d\d.*) (\d\d:?\d\d)")
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Query:
    """Decoded pairs in sent order; an empty value counts as absent, and the first of repeated names counts."""

    pairs: Pairs

    def one(self, *names: str) -> str | None:
        """The first value under any of `names`."""
        for name, value in self.pairs:
            if value and name in names:
                return value
        return None

    def all(self, name: str) -> tuple[str, ...]:
        """The values of the array `name` (sent as name[])."""
        return tuple(value for key, value in self.pairs if key == f"{name}[]" and value)

    def parts(self, name: str) -> tuple[str, ...]:
        """The parts of the comma list `name`; a client that repeats the name (the official one) goes on with it."""
        return tuple(part for key, value in self.pairs if key == name and value for part in value.split(","))


def moment(text: str) -> datetime:
    """An ISO time as aware UTC; without an offset it is UTC (upbit-api.md section 2.2). ValueError otherwise.

    An offset's plus sign that was not encoded arrives as a space, and is taken for what was meant.
    """
    parsed = datetime.fromisoformat(_SPACED_OFFSET.sub(r"\1+\2", text))
    try:
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except OverflowError as cause:
        raise ValueError(f"{text} lies outside the calendar") from cause


def whole(text: str) -> int | None:
    """A whole number in plain digits, at most 18 of them; None for anything else."""
    return int(text) if _WHOLE.fullmatch(text) else None
