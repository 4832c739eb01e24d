"""Ties and amounts below one won: what the figures say where two numbers are equal or nearly nothing."""

from dataclasses import replace
from decimal import ROUND_UP, Decimal, localcontext

from makenaide.domain.money import Krw
from makenaide.domain.order import PositionId, Side
from makenaide.ledger.performance import exposure, statistics, worst_trade
from makenaide.ledger.position import closed_trade, hold
from makenaide.ledger.postings import Book, cash_postings
from tests.unit.ledger_fills import BTC, START, fill, trade


def test_of_equally_bad_trades_the_first_by_name_is_told() -> None:
    closed = [trade("KRW-ETH-1", 1_000, -50), trade("KRW-BTC-1", 1_000, -50)]
    assert worst_trade(closed, {}) == ("KRW-BTC-1", Decimal("-0.05"))
    assert worst_trade(closed, {PositionId("KRW-ADA-1"): Decimal("-0.05")}) == ("KRW-ADA-1", Decimal("-0.05"))


def test_a_closed_trade_is_of_its_market() -> None:
    fills = [fill(Side.BID, "100", "1"), fill(Side.ASK, "110", "1", day=1)]
    assert closed_trade(PositionId("KRW-BTC-1"), fills, []).market == BTC


def test_a_transfer_is_posted_under_its_own_name_and_time() -> None:
    made = cash_postings("deposit-1", Krw(5), START)
    assert [(each.source, each.book, each.currency, each.at) for each in made] == [
        ("deposit-1", Book.ASSETS, "KRW", START),
        ("deposit-1", Book.CAPITAL, "KRW", START),
    ]


def test_the_cost_of_a_part_does_not_follow_the_callers_rounding() -> None:
    third = [fill(Side.BID, "100", "3"), fill(Side.ASK, "110", "1", day=1)]
    odd = [replace(third[0], funds=Krw(100)), third[1]]
    with localcontext(rounding=ROUND_UP):
        assert hold(BTC, odd).cost == Krw("66.66666667")


def test_less_than_a_won_is_equity_as_well() -> None:
    assert exposure(Krw("0.25"), Krw("0.5")) == Decimal("0.5")


def test_less_than_a_won_is_won_or_lost_as_well() -> None:
    won = replace(trade("a", 1_000, 0), pnl=Krw("0.5"))
    lost = replace(trade("b", 1_000, 0), pnl=Krw("-0.25"))
    found = statistics([won, lost])
    assert (found.wins, found.losses, found.profit_factor) == (1, 1, Decimal(2))
