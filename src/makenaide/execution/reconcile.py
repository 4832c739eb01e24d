"""Reconcile: settle what is unsettled, then compare the books with the account, both ways."""

import logging
from dataclasses import dataclass
from decimal import Decimal

from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.exchange.venue import Trading
from makenaide.execution.submit import Desk
from makenaide.ledger.postings import difference
from makenaide.store.db import Database
from makenaide.store.journal import books
from makenaide.store.orders import unsettled_orders

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Books against balances. `equal` None means that nobody could look: that is not "equal"."""

    equal: bool | None
    differences: tuple[str, ...]
    books: dict[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What stands after reconciling: the comparison, and the markets in which an order is not at its end."""

    comparison: Comparison
    closed_markets: frozenset[Market]


def reconcile(desk: Desk, account_id: str) -> Reconciliation:
    """Settle every unsettled order, then compare; never raises for a venue that does not answer."""
    for order in unsettled_orders(desk.db, account_id):
        desk.settle(order)
    left = unsettled_orders(desk.db, account_id)
    comparison = compare(desk.db, desk.venue, account_id)
    if comparison.equal is not True:
        log.error(
            "books and balances are not known to be equal",
            extra={"action": "reconcile.differs", "differences": list(comparison.differences)},
        )
    return Reconciliation(comparison=comparison, closed_markets=frozenset(order.request.market for order in left))


def compare(db: Database, venue: Trading, account_id: str) -> Comparison:
    """The books' holdings against the account's free + locked amounts, within the ledger's tolerances."""
    held = books(db, account_id)
    try:
        balances = venue.accounts()
    except Unavailable as cause:
        return Comparison(equal=None, differences=(f"could not look: {cause}",), books=held)
    found = difference(held, {currency: balance.total for currency, balance in balances.items()})
    return Comparison(equal=not found, differences=tuple(str(each) for each in found), books=held)
