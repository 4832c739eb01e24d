"""Holdings by moving average cost with fees, and closed trades."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.domain.errors import Inconsistent
from makenaide.domain.market import Market
from makenaide.domain.money import ZERO_KRW, ZERO_QUANTITY, Krw, Price, Quantity
from makenaide.domain.order import PositionId, Side
from makenaide.domain.reason import Exit
from makenaide.ledger.fill import Fill
from makenaide.ledger.position import Holding, apply, closed_trade, hold
from tests.unit.ledger_fills import BTC, START, fill

POSITION = PositionId("KRW-BTC-20260105T0900")
FIRST = fill(Side.BID, "100", "100", fee="10")
SECOND = fill(Side.BID, "120", "100", fee="20", day=1)
PART = fill(Side.ASK, "150", "50", fee="5", day=2)
REST = fill(Side.ASK, "90", "150", fee="15", day=9)


def test_the_cost_of_a_buy_includes_its_fee() -> None:
    holding = hold(BTC, [FIRST])
    assert holding.cost == Krw(10_010)
    assert holding.quantity == Quantity(100)
    assert holding.average_entry == Price(100)  # the price that exits measure from knows no fee
    assert holding.average_exit is None
    assert holding.unrealised(Price(110)) == Krw(990)


def test_a_second_buy_moves_the_average() -> None:
    holding = hold(BTC, [FIRST, SECOND])
    assert holding.cost == Krw(22_030)
    assert holding.average_entry == Price(110)
    assert holding.fees == Krw(30)


def test_a_sale_realises_proceeds_less_fee_less_its_share_of_the_cost() -> None:
    holding = hold(BTC, [FIRST, SECOND, PART])
    # a quarter of 22,030 is 5,507.5; 50 x 150 - 5 - 5,507.5 = 1,987.5
    assert holding.realised == Krw("1987.5")
    assert holding.cost == Krw("16522.5")
    assert holding.quantity == Quantity(150)
    assert holding.average_exit == Price(150)
    assert holding.average_entry == Price(110)  # selling never moves it


def test_the_last_sale_leaves_neither_coins_nor_cost() -> None:
    holding = hold(BTC, [FIRST, SECOND, PART, REST])
    assert (holding.quantity, holding.cost) == (ZERO_QUANTITY, ZERO_KRW)
    # 7,500 - 5 + 13,500 - 15 - 22,030
    assert holding.realised == Krw(-1_050)
    assert holding.average_exit == Price(105)


def test_nothing_held_has_no_average() -> None:
    empty = Holding(market=BTC)
    assert empty.average_entry is None
    assert empty.unrealised(Price(1)) == ZERO_KRW
    assert hold(BTC, []) == empty


@pytest.mark.parametrize("sale", [fill(Side.ASK, "100", "100.00000001"), fill(Side.ASK, "1", "200")])
def test_more_than_is_held_cannot_be_sold(sale: Fill) -> None:
    with pytest.raises(Inconsistent, match="were sold of 100 held"):
        hold(BTC, [FIRST, sale])


def test_another_markets_fill_is_refused() -> None:
    with pytest.raises(Inconsistent, match="a fill of KRW-BTC met the holding of KRW-ETH"):
        apply(Holding(market=Market("KRW-ETH")), FIRST)


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 10**10), st.integers(1, 10**8)), max_size=16))
def test_realised_profit_and_cost_left_always_tell_the_cash(moves: list[tuple[Side, int, int]]) -> None:
    holding, cash = Holding(market=BTC), ZERO_KRW
    for side, units, price in moves:
        volume = Quantity(Decimal(units) / 10**8)
        if side is Side.ASK and volume > holding.quantity:
            continue
        each = replace(fill(side, str(price), str(volume)), fee=Krw("0.12345678"))
        holding = apply(holding, each)
        cash = cash + (-each.funds if side is Side.BID else each.funds) - each.fee
        # Every won is either still in the cost of what is held, or realised.
        assert holding.realised - holding.cost == cash
        assert holding.cost.value >= 0
        assert bool(holding.quantity) or not holding.cost


def test_a_closed_trade_tells_what_the_position_came_to() -> None:
    trade = closed_trade(POSITION, [FIRST, SECOND, PART, REST], [Exit.THIRD, Exit.TRAILING_STOP])
    assert trade.position == POSITION
    assert (trade.opened, trade.closed, trade.holding_days) == (START, START + timedelta(days=9), 9)
    assert (trade.entry, trade.exit, trade.quantity) == (Price(110), Price(105), Quantity(200))
    assert (trade.cost, trade.proceeds, trade.pnl, trade.fees) == (
        Krw(22_030),
        Krw(20_980),
        Krw(-1_050),
        Krw(50),
    )
    assert trade.gain == Decimal(-1_050) / 22_030
    assert trade.exits == (Exit.THIRD, Exit.TRAILING_STOP)
    assert trade.pnl == hold(BTC, [FIRST, SECOND, PART, REST]).realised


@pytest.mark.parametrize("fills", [[], [FIRST], [FIRST, PART]])
def test_what_is_not_wholly_sold_is_no_closed_trade(fills: list[Fill]) -> None:
    with pytest.raises(Inconsistent, match=POSITION):
        closed_trade(POSITION, fills, [])
