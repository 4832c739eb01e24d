"""An account's balances: free and locked per currency, with the average price paid (upbit-api.md section 4.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import plain

EXACT = Context(prec=60)
"""Products of price, volume and fee keep every digit: at most 10 + 8 + 8 + 4 of them, with room."""

_AVERAGE_STEP = Decimal("0.00000001")
_ZERO = Decimal(0)


def spelled(amount: Decimal) -> Decimal:
    """`amount` in its one spelling: what is read back from the command log is equal to the last digit."""
    return Decimal(plain(amount))


@dataclass(slots=True)
class Holding:
    """One currency: `free` may be spent, `locked` stands in open orders and withdrawals, `average` is KRW per coin.

    `pending` is the account's already but not to be seen or spent yet (upbit-api.md section 5: balances may lag).
    """

    free: Decimal = _ZERO
    locked: Decimal = _ZERO
    pending: Decimal = _ZERO
    average: Decimal = _ZERO

    @property
    def total(self) -> Decimal:
        """All that is the account's: free, locked and pending."""
        return self.free + self.locked + self.pending


class Wallet:
    """The holdings of one account; no amount ever falls below zero, `Inconsistent` where it would."""

    def __init__(self) -> None:
        self._holdings: dict[str, Holding] = {}

    def __iter__(self) -> Iterator[tuple[str, Holding]]:
        """What is held, KRW first, then in the order of the currency codes."""
        held = (item for item in self._holdings.items() if item[1].total)
        return iter(sorted(held, key=lambda item: (item[0] != "KRW", item[0])))

    def holding(self, currency: str) -> Holding:
        """The holding of `currency`; an empty one when there is none."""
        return self._holdings.get(currency) or Holding()

    def credit(self, currency: str, amount: Decimal, *, later: bool = False) -> None:
        """`amount` more is free, or pending when it comes `later`."""
        _give(self._kept(currency), amount, later)

    def arrive(self, currency: str, amount: Decimal) -> None:
        """`amount` of what is pending is free now."""
        holding = self._kept(currency)
        if not 0 <= amount <= holding.pending:
            raise Inconsistent(f"{currency}: {amount} cannot arrive, {holding.pending} is pending")
        holding.pending -= amount
        holding.free += amount

    def bought(self, currency: str, amount: Decimal, paid: Decimal, *, later: bool = False) -> None:
        """`amount` coins for `paid` KRW, which move the average (upbit-api.md section 4.1)."""
        holding = self._kept(currency)
        worth = holding.average * holding.total + paid
        _give(holding, amount, later)
        holding.average = (worth / holding.total).quantize(_AVERAGE_STEP, ROUND_HALF_EVEN, context=EXACT)

    def take(self, currency: str, amount: Decimal) -> None:
        """`amount` of what is free leaves the account."""
        self.lock(currency, amount)
        self.spend(currency, amount)

    def lock(self, currency: str, amount: Decimal) -> None:
        """Move `amount` from free to locked."""
        holding = self._kept(currency)
        if not 0 <= amount <= holding.free:
            raise Inconsistent(f"{currency}: cannot lock {amount} of {holding.free} free")
        holding.free -= amount
        holding.locked += amount

    def release(self, currency: str, amount: Decimal, *, later: bool = False) -> None:
        """Move `amount` from locked back to free, or to pending when it comes `later`."""
        holding = self._locked(currency, amount)
        holding.locked -= amount
        _give(holding, amount, later)

    def spend(self, currency: str, amount: Decimal) -> None:
        """`amount` of what is locked leaves the account."""
        holding = self._locked(currency, amount)
        holding.locked -= amount
        if not holding.total:
            holding.average = _ZERO

    def _locked(self, currency: str, amount: Decimal) -> Holding:
        holding = self._kept(currency)
        if not 0 <= amount <= holding.locked:
            raise Inconsistent(f"{currency}: cannot take {amount} of {holding.locked} locked")
        return holding

    def _kept(self, currency: str) -> Holding:
        return self._holdings.setdefault(currency, Holding())


def _give(holding: Holding, amount: Decimal, later: bool) -> None:
    if later:
        holding.pending += amount
    else:
        holding.free += amount
