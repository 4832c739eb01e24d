"""The venue's contract as numbered cases; `CASES` holds all of them by number."""

from tests.contract.venue import (
    cases_candles,
    cases_entry,
    cases_events,
    cases_limits,
    cases_lists,
    cases_money,
    cases_orders,
    cases_private,
    cases_quotation,
    cases_stream,
    cases_transfers,
)
from tests.contract.venue.case import CASES

__all__ = [
    "CASES",
    "cases_candles",
    "cases_entry",
    "cases_events",
    "cases_limits",
    "cases_lists",
    "cases_money",
    "cases_orders",
    "cases_private",
    "cases_quotation",
    "cases_stream",
    "cases_transfers",
]
