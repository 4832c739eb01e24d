"""What one look brought: the verdict, the value that was seen, where, when, and for how long it counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from makenaide.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for people: `check.said.<key>` in the catalogue with its parameters.

    Parameters may hold words from outside (names, titles, causes): whoever prints them makes them harmless. `more`:
    the parts that are N/A, each with the line that says so.
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    more: "tuple[Said, ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One look. `value` is plain JSON; `source` says where was looked ("table candle", "file /x/y", "GET /v1/...").

    `taken_at` is UTC, in the time of the world that was looked at; after `valid_for` it counts no more.
    """

    verdict: Verdict
    value: Any
    source: str
    taken_at: datetime
    valid_for: timedelta
    said: Said

    @property
    def valid_until(self) -> datetime:
        """The last moment at which it counts (UTC)."""
        return self.taken_at + self.valid_for
