"""The fee of each trade, which the venue states only as an order's `paid_fee`."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal, localcontext

from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import Krw

FEE_STEP = Decimal("0.00000001")
"""Fees are kept to 8 decimals (upbit-api.md section 5); the last share of a group may have more."""

EXACT_DIGITS = 100
"""Precision that keeps every digit of price x volume x fee; Decimal's own 28 can be short of it at tiny prices."""


def share_fees(funds: Sequence[Krw], fee: Krw) -> tuple[Krw, ...]:
    """`fee`, the growth of an order's `paid_fee`, shared over its new trades by their `funds`, in order.

    Each share is truncated to 8 decimals and the last takes the rest, so that they add up to `fee` exactly and
    none is negative. `Inconsistent` when a fee was paid without a trade, or shrank.
    """
    if fee.value < 0:
        raise Inconsistent(f"an order's paid fee shrank by {-fee}")
    if not funds:
        if fee:
            raise Inconsistent(f"a fee of {fee} was paid without a trade")
        return ()
    with localcontext(prec=EXACT_DIGITS):
        total = sum((part.value for part in funds), Decimal(0))
        if total <= 0:
            raise Inconsistent(f"trades worth {total} cannot carry a fee")
        shares = [(fee.value * part.value / total).quantize(FEE_STEP, ROUND_DOWN) for part in funds[:-1]]
        rest = fee.value - sum(shares, Decimal(0))
    return (*(Krw(share) for share in shares), Krw(rest))
