"""Balances that may be compared: read in a calm, and the same a few times over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from makenaide.execution.submit import Desk
from makenaide.store.reconciliation import last_change

_MOST_READS = 4
"""Times the number of equal reads that are asked for: balances that move all the time can't be compared."""


@dataclass(frozen=True, slots=True)
class NotComparable:
    """Something is moving: nothing can be said yet, and that is no finding."""

    cause: str


def rest(desk: Desk, account_id: str) -> datetime | None:
    """Wait until the last state change is long enough ago, once; the moment of that change."""
    changed = last_change(desk.db, account_id)
    if changed is not None:
        calm = timedelta(seconds=desk.settings.rest_seconds)
        desk.clock.sleep(min((changed + calm - desk.clock.now()), calm).total_seconds())
    return changed


def steady_balances(
    desk: Desk, account_id: str, changed: datetime | None
) -> Mapping[str, Decimal] | NotComparable:
    """Free and locked by currency, `balance_reads` times the same; `NotComparable` when they, or our orders, moved.

    `changed` is the newest state change from before. Raises `Unavailable` when the venue does not answer.
    """
    settings = desk.settings
    seen: Mapping[str, Decimal] | None = None
    equal = 0
    for read in range(settings.balance_reads * _MOST_READS):
        if read:
            desk.clock.sleep(settings.balance_pause)
        now = {currency: each.total for currency, each in desk.venue.accounts().items() if each.total}
        equal = equal + 1 if now == seen else 1
        seen = now
        if equal == settings.balance_reads:
            break
    if equal < settings.balance_reads:
        return NotComparable("the balances move")
    if last_change(desk.db, account_id) != changed:
        return NotComparable("an order moved while the balances were read")
    return seen or {}
