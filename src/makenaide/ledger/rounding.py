"""Rounding: the last digits by which books and balances differ after fills, booked openly and within narrow bounds.

Source: the execution issue, "Tolerance 1e-8 coin and 0.01 KRW a fill, booked to a rounding account, 1 KRW a day at
most". Only a fill can leave such digits, so that nothing is rounded away without one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from makenaide.domain.money import Krw, Price, plain
from makenaide.ledger.fees import EXACT_DIGITS
from makenaide.ledger.postings import COIN_TOLERANCE, KRW_TOLERANCE, Book, Difference, Posting

DAILY_LIMIT = Krw(1)
"""What may be rounded away on one KST day in all, in won, gains and losses added up without their signs."""

SOURCE = "rounding:"
"""A rounding's source is this and the number of the last fill that it answers for: no fill answers twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What there is to round with. `fills`: by currency, the fills not answered for yet, the last one `upto`.

    `booked`: by currency, what was rounded away on this KST day already, without signs.
    """

    upto: int
    fills: Mapping[str, int]
    booked: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounded:
    """The postings after which books equal balances, worth `value` won without signs; none for no difference."""

    postings: tuple[Posting, ...]
    value: Krw


@dataclass(frozen=True, slots=True, kw_only=True)
class BeyondTolerance:
    """Nothing may be rounded: each reason names its currency and what was exceeded."""

    reasons: tuple[str, ...]


def round_off(
    differences: Sequence[Difference], room: Room, prices: Mapping[str, Price], at: datetime
) -> Rounded | BeyondTolerance:
    """The postings that make the books equal the balances, or why that would be no rounding; all or nothing.

    `differences` are those at rest, without any tolerance (`difference(held, balances, Decimal(0), Decimal(0))`);
    `prices` (won for one coin) value the coins of the differences and of `room.booked`; `at` is aware.
    """
    with localcontext(prec=EXACT_DIGITS):
        off = {each.currency: each.balance - each.books for each in differences if each.balance != each.books}
        reasons = [reason for currency, amount in off.items() if (reason := _excess(currency, amount, room))]
        unpriced = sorted(({*off, *room.booked} - {"KRW"}) - prices.keys()) if off else []
        reasons += [f"{currency}: no price to value its rounding at" for currency in unpriced]
        if reasons:
            return BeyondTolerance(reasons=tuple(reasons))
        value = _worth(off, prices)
        today = value + (_worth(room.booked, prices) if off else Krw(0))
        if today > DAILY_LIMIT:
            return BeyondTolerance(reasons=(f"{today} KRW rounded in one day, more than {DAILY_LIMIT}",))
        return Rounded(postings=_postings(off, room.upto, at), value=value)


def _excess(currency: str, amount: Decimal, room: Room) -> str | None:
    fills = room.fills.get(currency, 0)
    bound = fills * (KRW_TOLERANCE if currency == "KRW" else COIN_TOLERANCE)
    if abs(amount) <= bound:
        return None
    return f"{currency}: off by {plain(amount)}, more than {plain(bound)} for {fills} fills"


def _worth(amounts: Mapping[str, Decimal], prices: Mapping[str, Price]) -> Krw:
    worth = (abs(each) * (1 if key == "KRW" else prices[key].value) for key, each in amounts.items())
    return Krw(sum(worth, Decimal(0)))


def _postings(off: Mapping[str, Decimal], upto: int, at: datetime) -> tuple[Posting, ...]:
    return tuple(
        Posting(source=f"{SOURCE}{upto}", book=book, currency=currency, amount=each, at=at)
        for currency, amount in off.items()
        for book, each in ((Book.ASSETS, amount), (Book.ROUNDING, -amount))
    )
