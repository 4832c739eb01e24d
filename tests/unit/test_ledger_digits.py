"""Amounts to their last digit: nothing of a fee, a share or a posting is lost to Decimal's own 28 digits."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from makenaide.domain.money import ZERO_KRW, Krw
from makenaide.domain.order import Side
from makenaide.ledger.fees import share_fees
from makenaide.ledger.performance import EquityPoint
from makenaide.ledger.postings import Book, fill_postings, require_balanced
from tests.unit.ledger_fills import fill

LONG = Decimal("1234567.000000000000000000000000000000000000000001")
"""49 digits: what price x volume x fee may have at the tiniest prices."""


def test_the_last_share_of_a_fee_keeps_every_digit() -> None:
    first, last = share_fees([Krw(1), Krw(1)], Krw(LONG))
    assert first == Krw("617283.5")
    assert str(last) == "617283.500000000000000000000000000000000000000001"


def test_a_trade_of_many_digits_is_posted_to_the_last() -> None:
    long = replace(fill(Side.BID, "100", "1"), funds=Krw("100"), fee=Krw(LONG))
    postings = fill_postings(long)
    require_balanced(postings)
    (paid,) = (each.amount for each in postings if (each.book, each.currency) == (Book.ASSETS, "KRW"))
    assert str(paid) == "-1234667.000000000000000000000000000000000000000001"


def test_nothing_has_flowed_unless_it_is_said() -> None:
    assert EquityPoint(at=datetime(2026, 1, 5, tzinfo=UTC), equity=Krw(5)).flow == ZERO_KRW
