"""Amounts that come from outside: which of them the venue's books can count."""

from decimal import Decimal

_WHOLE, _DECIMALS = 20, 20
"""Digits on either side of the point: sums and products of such stay within `core.wallet.EXACT`."""


def countable(amount: Decimal) -> bool:
    """Whether `amount` can be added to any balance without losing a digit: finite, below 10^20, 20 decimals."""
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_DECIMALS:
        return False
    return exponent < _WHOLE and (not amount or amount.adjusted() < _WHOLE)
