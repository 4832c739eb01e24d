"""The query of one call: names and values as sent, read the way the venue reads them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from makenaide.exchange.http import Pairs


@dataclass(frozen=True, slots=True)
class Query:
    """Decoded pairs in sent order; an empty value counts as absent."""

    pairs: Pairs

    def one(self, *names: str) -> str | None:
        """The first value under any of `names`."""
        return next((value for name, value in self.pairs if name in names and value), None)

    def all(self, name: str) -> tuple[str, ...]:
        """The values of the array `name` (sent as name[])."""
        return tuple(value for key, value in self.pairs if key == f"{name}[]" and value)


def moment(text: str) -> datetime:
    """An ISO time as aware UTC; without an offset it is UTC (upbit-api.md section 2.2). ValueError otherwise."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
