"""Double-entry postings: every fill and every transfer as amounts that cancel out, currency by currency.

Books: what the system holds (assets), the coins of the person that lie beside it (owner), what it cost to trade
(fees), what was swapped for what (trading), what the person brought (capital), what rounding made of it (rounding),
and what a person decided or a takeover revalued (adjustment). An amount above zero is a debit: assets grow by it.
Assets and owner together are what the venue holds for the account.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from enum import StrEnum

from makenaide.domain.errors import Inconsistent
from makenaide.domain.market import base_of, quote_of
from makenaide.domain.money import Krw, plain
from makenaide.domain.order import Side
from makenaide.ledger.fees import EXACT_DIGITS
from makenaide.ledger.fill import Fill

COIN_TOLERANCE = Decimal("0.00000001")
KRW_TOLERANCE = Decimal("0.01")


class Book(StrEnum):
    """The books."""

    ASSETS = "assets"
    OWNER = "owner"
    FEES = "fees"
    TRADING = "trading"
    CAPITAL = "capital"
    ROUNDING = "rounding"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One line; unique by (source, book, currency). `source` is a trade's uuid or a transfer's id; `at` aware."""

    source: str
    book: Book
    currency: str
    amount: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A currency of which the books and the account tell different amounts."""

    currency: str
    books: Decimal
    balance: Decimal

    def __str__(self) -> str:
        return f"{self.currency}: books {plain(self.books)}, account {plain(self.balance)}"


def fill_postings(fill: Fill) -> tuple[Posting, ...]:
    """The lines of one trade; lines of nothing are left out.

    A buy of 0.1 BTC for 9,000,000 KRW with a fee of 4,500: assets +0.1 BTC and -9,004,500 KRW, trading -0.1 BTC
    and +9,000,000 KRW, fees +4,500 KRW. A sale the other way round, its fee taken from the proceeds.
    """
    coin, won = base_of(fill.market), quote_of(fill.market)
    sign = 1 if fill.side is Side.BID else -1
    with localcontext(prec=EXACT_DIGITS):
        coins, funds, fee = sign * fill.volume.value, sign * fill.funds.value, fill.fee.value
        lines = (
            (Book.ASSETS, coin, coins),
            (Book.TRADING, coin, -coins),
            (Book.ASSETS, won, -funds - fee),
            (Book.TRADING, won, funds),
            (Book.FEES, won, fee),
        )
    return tuple(
        Posting(source=fill.trade_uuid, book=book, currency=currency, amount=amount, at=fill.at)
        for book, currency, amount in lines
        if amount
    )


def cash_postings(source: str, amount: Krw, at: datetime) -> tuple[Posting, ...]:
    """The lines of a deposit of `amount` won, or of a withdrawal when it is below zero."""
    return tuple(
        Posting(source=source, book=book, currency="KRW", amount=each, at=at)
        for book, each in ((Book.ASSETS, amount.value), (Book.CAPITAL, -amount.value))
    )


def require_balanced(postings: Iterable[Posting]) -> None:
    """`Inconsistent`, naming source and currency, unless the lines of each source cancel out per currency."""
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    with localcontext(prec=EXACT_DIGITS):
        for posting in postings:
            sums[posting.source, posting.currency] += posting.amount
    for (source, currency), left in sums.items():
        if left:
            raise Inconsistent(f"postings of {source} leave {plain(left)} {currency} over")


def books(postings: Iterable[Posting]) -> Mapping[str, Decimal]:
    """What the books say is held, by currency; a currency that came and went stays with zero."""
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    with localcontext(prec=EXACT_DIGITS):
        for posting in postings:
            if posting.book in (Book.ASSETS, Book.OWNER):
                held[posting.currency] += posting.amount
    return dict(held)


def difference(
    held: Mapping[str, Decimal],
    balances: Mapping[str, Decimal],
    coin_tolerance: Decimal = COIN_TOLERANCE,
    krw_tolerance: Decimal = KRW_TOLERANCE,
) -> tuple[Difference, ...]:
    """Where the books and the account (free + locked) differ by more than the tolerance, in currency order.

    Looked at both ways: a coin that only one side knows counts as zero on the other.
    """
    zero = Decimal(0)
    found = []
    for currency in sorted({*held, *balances}):
        ours, theirs = held.get(currency, zero), balances.get(currency, zero)
        tolerance = krw_tolerance if currency == "KRW" else coin_tolerance
        if abs(ours - theirs) > tolerance:
            found.append(Difference(currency=currency, books=ours, balance=theirs))
    return tuple(found)
