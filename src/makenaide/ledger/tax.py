"""The fills of one calendar year with the cost and profit of its sales, for a tax adviser.

By the books' own method (trading.md, Exits): moving average with fees, position by position. A sale's cost stems from
the buys before it, in whatever year they were. What the law asks for in a year is for a person to check.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from makenaide.domain.clock import KST
from makenaide.domain.money import ZERO_KRW, Krw
from makenaide.domain.order import PositionId, Side
from makenaide.ledger.fill import Fill
from makenaide.ledger.position import Holding, apply


class TaxKind(StrEnum):
    """What a fill is: traded by Makenaide, sold by a person, taken over from the person, or left without a sale.

    Of the last two no trade was made at the venue: their amounts are what the books value the coins at.
    """

    TRADE = "trade"
    MANUAL = "manual"
    TAKEOVER = "takeover"
    WITHDRAWAL = "withdrawal"


_NAMED = (
    ("manual-adopt:", TaxKind.TAKEOVER),
    ("manual-resolve:", TaxKind.WITHDRAWAL),
    ("manual-", TaxKind.MANUAL),
)
"""By how the order's identifier begins; the first that fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRow:
    """One fill; of a sale also the `cost` of its coins, buying fees included, and `profit` = funds - fee - cost."""

    position: PositionId
    fill: Fill
    cost: Krw | None = None
    profit: Krw | None = None

    @property
    def kind(self) -> TaxKind:
        """What it is."""
        name = self.fill.identifier
        return next((kind for begun, kind in _NAMED if name.startswith(begun)), TaxKind.TRADE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxTotals:
    """Sums over the rows of a year, in won; `profit` = sold - selling fees - cost."""

    buys: int
    bought: Krw
    buying_fees: Krw
    sales: int
    sold: Krw
    selling_fees: Krw
    cost: Krw
    profit: Krw


def tax_rows(year: int, fills: Iterable[tuple[PositionId, Fill]]) -> tuple[TaxRow, ...]:
    """The fills of the KST calendar `year`, ascending in time.

    `fills` are all that the account ever had, by position and within one as they happened. `Inconsistent` for a sale
    of more than its position held.
    """
    start, end = (datetime(each, 1, 1, tzinfo=KST) for each in (year, year + 1))
    rows = [row for position, group in groupby(fills, lambda each: each[0]) for row in _rows(position, group)]
    return tuple(sorted((row for row in rows if start <= row.fill.at < end), key=lambda row: row.fill.at))


def _rows(position: PositionId, fills: Iterable[tuple[PositionId, Fill]]) -> Iterable[TaxRow]:
    holding: Holding | None = None
    for _, fill in fills:
        before = holding or Holding(market=fill.market)
        holding = apply(before, fill)
        if fill.side is Side.BID:
            yield TaxRow(position=position, fill=fill)
        else:
            profit = holding.realised - before.realised
            yield TaxRow(position=position, fill=fill, cost=before.cost - holding.cost, profit=profit)


def tax_totals(rows: Iterable[TaxRow]) -> TaxTotals:
    """The sums of `rows`."""
    every = tuple(rows)
    bought = [row for row in every if row.fill.side is Side.BID]
    sold = [row for row in every if row.fill.side is Side.ASK]
    return TaxTotals(
        buys=len(bought),
        bought=_sum(row.fill.funds for row in bought),
        buying_fees=_sum(row.fill.fee for row in bought),
        sales=len(sold),
        sold=_sum(row.fill.funds for row in sold),
        selling_fees=_sum(row.fill.fee for row in sold),
        cost=_sum(row.cost for row in sold),
        profit=_sum(row.profit for row in sold),
    )


def totals_by_kind(rows: Iterable[TaxRow]) -> Mapping[TaxKind, TaxTotals]:
    """The sums of `rows` kind by kind: those of trades always, of others where there are any."""
    every = tuple(rows)
    there = {TaxKind.TRADE, *(row.kind for row in every)}
    return {kind: tax_totals(row for row in every if row.kind is kind) for kind in TaxKind if kind in there}


def _sum(amounts: Iterable[Krw | None]) -> Krw:
    return sum((each for each in amounts if each is not None), ZERO_KRW)
