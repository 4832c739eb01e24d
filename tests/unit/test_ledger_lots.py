"""The person's lots: quantity, and a cost that is known as long as every part's is."""

from decimal import Decimal

import pytest

from makenaide.domain.errors import Inconsistent
from makenaide.ledger.lots import Lot, LotChange


def change(quantity: str, cost: str | None) -> LotChange:
    return LotChange(currency="ETH", quantity=Decimal(quantity), cost=None if cost is None else Decimal(cost))


def test_costs_add_up_and_leave_with_their_coins_at_the_average() -> None:
    lot = Lot().after(change("2", "300")).after(change("1", "300"))
    assert lot == Lot(Decimal(3), Decimal(600))
    assert lot.part(Decimal(1)) == Decimal(200)
    assert lot.after(change("-1", "-200")) == Lot(Decimal(2), Decimal(400))


def test_the_last_coin_takes_all_of_the_cost() -> None:
    lot = Lot(Decimal("0.3"), Decimal("0.1"))
    assert lot.part(Decimal("0.3")) == Decimal("0.1")
    assert lot.part(Decimal("0.1")) == Decimal("0.03333333")


def test_a_cost_that_is_not_known_makes_the_whole_lots_unknown_until_it_is_empty() -> None:
    lot = Lot().after(change("1", "100")).after(change("1", None))
    assert lot == Lot(Decimal(2), None)
    assert lot.part(Decimal(1)) is None
    assert lot.after(change("-2", None)) == Lot(), "empty: what comes next is known again"


def test_more_than_is_there_never_goes() -> None:
    with pytest.raises(Inconsistent, match=r"1\.5 ETH of the person's 1 went"):
        Lot(Decimal(1)).after(change("-1.5", None))
