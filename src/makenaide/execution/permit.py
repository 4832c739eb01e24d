"""Permits: what may forbid an entry, asked in its commit and again right before its send. No exit ever asks.

Halt, live limits and the guard's silence are all of this one kind (house protocol, points 2 and 8; law 1: doubt
blocks buys, never exits).
"""

from dataclasses import dataclass
from typing import Protocol

from makenaide.domain.intent import StoredOrder
from makenaide.domain.reason import Refusal


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Why an entry may not go out now: the rule that spoke, and what it saw."""

    refusal: Refusal
    cause: str


class Permit(Protocol):
    """One thing that may forbid buying."""

    def forbids(self, order: StoredOrder | None) -> Forbidden | None:
        """Why `order` (None: any entry at all) may not be sent now; None when it may. Never raises for doubt."""
        ...
