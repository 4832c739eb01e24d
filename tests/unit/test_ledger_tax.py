"""The tax export, computed by hand: moving average with fees, by position, over the turn of a year."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.clock import KST
from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import ZERO_KRW, Krw
from makenaide.domain.order import Identifier, PositionId, Side
from makenaide.ledger.fill import Fill
from makenaide.ledger.position import hold
from makenaide.ledger.tax import TaxKind, tax_rows, tax_totals, totals_by_kind
from tests.unit.ledger_fills import BTC, fill

ONE, TWO = PositionId("KRW-BTC-20261230T0900"), PositionId("KRW-BTC-20270105T0900")


def at(moment: str, made: Fill) -> Fill:
    """The fill at that moment on Korean clocks."""
    return replace(made, at=datetime.fromisoformat(moment).replace(tzinfo=KST))


# 1 at 100 and 3 at 120 with fees of 1 and 3: 4 coins cost 464, 116 each.
# Sold in 2026: 1 at 150 less 2, cost 116, profit 32. In 2027: 3 at 100 less 3, cost 348, loss 51.
STORY = (
    (ONE, at("2026-12-30T10:00", fill(Side.BID, "100", "1", "1"))),
    (ONE, at("2026-12-30T10:01", fill(Side.BID, "120", "3", "3"))),
    (ONE, at("2026-12-31T23:59:59", fill(Side.ASK, "150", "1", "2"))),
    (ONE, at("2027-01-01T00:00", fill(Side.ASK, "100", "3", "3"))),
    (TWO, at("2026-12-31T12:00", fill(Side.BID, "130", "2", "4"))),
)


def test_cost_and_profit_of_a_sale_are_those_of_the_moving_average_with_fees() -> None:
    rows = tax_rows(2026, STORY)
    assert [(row.position, row.fill.side, row.cost, row.profit) for row in rows] == [
        (ONE, Side.BID, None, None),
        (ONE, Side.BID, None, None),
        (TWO, Side.BID, None, None),
        (ONE, Side.ASK, Krw(116), Krw(32)),
    ]


def test_a_sale_of_this_year_has_its_cost_from_buys_of_the_year_before() -> None:
    (sale,) = tax_rows(2027, STORY)
    assert (sale.cost, sale.profit) == (Krw(348), Krw(-51))
    assert tax_totals([sale]).buys == 0


def test_the_year_is_that_of_korean_clocks() -> None:
    # 2026-12-31T15:00Z is the first moment of 2027 in Korea.
    assert [len(tax_rows(year, STORY)) for year in (2025, 2026, 2027, 2028)] == [0, 4, 1, 0]


def test_the_totals_add_up() -> None:
    found = tax_totals(tax_rows(2026, STORY))
    assert (found.buys, found.bought, found.buying_fees) == (3, Krw(720), Krw(8))
    assert (found.sales, found.sold, found.selling_fees) == (1, Krw(150), Krw(2))
    assert (found.cost, found.profit) == (Krw(116), Krw(32))
    assert found.profit == found.sold - found.selling_fees - found.cost
    none = tax_totals([])
    assert (none.buys, none.sales, none.profit) == (0, 0, ZERO_KRW)


def test_what_was_no_trade_of_ours_has_a_kind_and_totals_of_its_own() -> None:
    named = {
        "mk1-0001-x": TaxKind.TRADE,
        "manual-adopt:KRW-BTC-20261230T0900": TaxKind.TAKEOVER,
        "manual-resolve:7": TaxKind.WITHDRAWAL,
        "manual-0e02222a-153a": TaxKind.MANUAL,
        "manual-0e02222a-153a-2": TaxKind.MANUAL,
    }
    rows = [
        replace(row, fill=replace(row.fill, identifier=Identifier(name)))
        for name, row in zip(named, tax_rows(2026, (*STORY, *STORY))[:5], strict=True)
    ]
    assert [row.kind for row in rows] == list(named.values())
    totals = totals_by_kind(rows)
    assert list(totals) == [TaxKind.TRADE, TaxKind.MANUAL, TaxKind.TAKEOVER, TaxKind.WITHDRAWAL]
    assert totals[TaxKind.TRADE] == tax_totals(rows[:1])
    assert sum(each.buys + each.sales for each in totals.values()) == 5
    assert list(totals_by_kind([])) == [TaxKind.TRADE]


def test_a_sale_of_more_than_was_held_is_no_row() -> None:
    with pytest.raises(Inconsistent, match="were sold of"):
        tax_rows(2026, [(ONE, at("2026-05-01T10:00", fill(Side.ASK, "100", "1")))])


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 1_000), st.integers(1, 20), st.integers(0, 700)), max_size=30)
)
def test_all_years_together_are_the_books(story: list[tuple[bool, int, int, int]]) -> None:
    fills: list[Fill] = []
    for buys, price, volume, day in sorted(story, key=lambda each: each[3]):
        held = hold(BTC, fills).quantity.value
        side = Side.BID if buys or held < volume else Side.ASK
        fills.append(fill(side, str(price), str(volume), "1", day))
    books = hold(BTC, fills)
    rows = [row for year in (2025, 2026, 2027, 2028) for row in tax_rows(year, [(ONE, each) for each in fills])]
    assert [row.fill for row in rows] == fills
    totals = tax_totals(rows)
    assert totals.profit == books.realised
    assert totals.buying_fees + totals.selling_fees == books.fees
    assert totals.bought + totals.buying_fees - totals.cost == books.cost
    assert Decimal(len(fills)) == totals.buys + totals.sales
