"""The venue's contract as numbered cases; `CASES` holds all of them by number."""

from tests.contract.venue import cases_candles
from tests.contract.venue.case import CASES

__all__ = ["CASES", "cases_candles"]
