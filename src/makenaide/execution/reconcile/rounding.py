"""Whether a difference is the venue's rounding: a port, because the ledger owns the rule."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from makenaide.ledger.postings import COIN_TOLERANCE, KRW_TOLERANCE

DAILY_KRW = Decimal(1)
"""No more won than this are rounded away in a day (issue 4, ledger)."""


class Rounding(Protocol):
    """The rule."""

    def dust(self, currency: str, difference: Decimal, trades: int, rounded: Decimal) -> bool:
        """Whether `difference` (either sign) may come from `trades` trades, `rounded` being today's so far."""
        ...


@dataclass(frozen=True, slots=True)
class RoundingByTrade:
    """1e-8 coin and 0.01 KRW a trade (one at least: a transfer rounds as well), 1 KRW a day at most."""

    def dust(self, currency: str, difference: Decimal, trades: int, rounded: Decimal) -> bool:
        """Whether the difference is dust."""
        size, count = abs(difference), max(trades, 1)
        if currency == "KRW":
            return size <= KRW_TOLERANCE * count and size + rounded <= DAILY_KRW
        return size <= COIN_TOLERANCE * count
