"""The person's own coins beside the system's: quantity and, where it is known, what they cost. Pure.

A cost is known only as long as every part's is: coins that came by a transfer have none, and mixed with others they
take theirs away.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import plain
from makenaide.ledger.fees import EXACT_DIGITS

_COST_STEP = Decimal("0.00000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class LotChange:
    """`quantity` coins that came (above zero) or went; `cost` in won with the same sign, None = not known."""

    currency: str
    quantity: Decimal
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Lot:
    """The person's coins of one currency at moving average cost in won; None = what they cost is not known."""

    quantity: Decimal = Decimal(0)
    cost: Decimal | None = Decimal(0)

    def after(self, change: LotChange) -> "Lot":
        """This lot after `change`; `Inconsistent` when more goes than is there. An empty one costs nothing again."""
        with localcontext(prec=EXACT_DIGITS):
            quantity = self.quantity + change.quantity
            if quantity < 0:
                raise Inconsistent(
                    f"{plain(-change.quantity)} {change.currency} of the person's {plain(self.quantity)} went"
                )
            if not quantity:
                return Lot()
            known = self.cost is not None and change.cost is not None
            return Lot(quantity, self.cost + change.cost if known else None)  # type: ignore[operator]

    def part(self, quantity: Decimal) -> Decimal | None:
        """What `quantity` of the coins cost at the average; all of it for the last coin."""
        if self.cost is None or quantity == self.quantity:
            return self.cost
        with localcontext(prec=EXACT_DIGITS):
            return (self.cost * quantity / self.quantity).quantize(_COST_STEP, ROUND_HALF_EVEN)
