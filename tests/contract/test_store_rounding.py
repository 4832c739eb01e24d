"""Rounding against stored books: which fills still answer for it, and what the KST day has used up."""

from datetime import datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from makenaide.domain.clock import KST
from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import ZERO_KRW, Price
from makenaide.ledger.postings import difference
from makenaide.ledger.rounding import BeyondTolerance, Room, Rounded, round_off
from makenaide.store.db import Database
from makenaide.store.journal import books, flaws, put_postings
from makenaide.store.rounding import rounding_room
from tests.contract.charts import ETH, XRP, Chart, bitcoin, tape
from tests.contract.trading import Exchange, Trader, open_trader

WORLD = tape(
    bitcoin(2),
    Chart(market=ETH, price=5_000_000, days=[0.0005, 0.0005]),
    Chart(market=XRP, price=3_000, days=[0.0005, 0.0005]),
)
PRICES = {"ETH": Price(5_000_000), "XRP": Price(3_000)}


@pytest.fixture
def trader(journal: Database) -> Trader:
    """An account that has not traded yet."""
    return open_trader(journal, Exchange(tape=WORLD))


def room(trader: Trader, since: int = 0) -> Room:
    """The room now."""
    return rounding_room(trader.db, trader.account.account_id, trader.clock.now(), since)


def rounded(trader: Trader) -> Rounded | BeyondTolerance:
    """Books against balances, and what there is between them rounded off and posted."""
    key = trader.account.account_id
    apart = difference(books(trader.db, key), trader.exchange.balances(), Decimal(0), Decimal(0))
    found = round_off(apart, room(trader), PRICES, trader.clock.now())
    if isinstance(found, Rounded):
        with trader.db.transaction():
            put_postings(trader.db, key, found.postings)
    return found


def test_without_a_fill_nothing_is_rounded_away(trader: Trader) -> None:
    trader.exchange.deposit("KRW", Decimal("0.001"))
    assert room(trader) == Room(upto=0, fills={}, booked={})
    assert isinstance(rounded(trader), BeyondTolerance)


def test_a_fill_answers_once_for_its_coin_and_for_won(trader: Trader) -> None:
    trader.buy(ETH, "1.5", price="5200000")
    assert room(trader) == Room(upto=2, fills={"ETH": 2, "KRW": 2}, booked={})
    trader.exchange.deposit("KRW", Decimal("-0.02"))
    trader.exchange.deposit("ETH", Decimal("0.00000002"))
    assert isinstance(rounded(trader), Rounded)
    assert flaws(trader.db, trader.account.account_id) == ()
    assert rounded(trader) == Rounded(postings=(), value=ZERO_KRW)
    assert room(trader).fills == {}
    assert room(trader).booked == {"ETH": Decimal("2E-8"), "KRW": Decimal("0.02")}
    trader.exchange.deposit("KRW", Decimal("-0.0001"))
    assert isinstance(rounded(trader), BeyondTolerance)
    trader.buy(XRP, "10")
    assert room(trader).fills == {"XRP": 1, "KRW": 1}
    assert isinstance(rounded(trader), Rounded)


def test_an_equal_comparison_answers_for_the_fills_before_it(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    equal_at = room(trader).upto
    assert room(trader, equal_at).fills == {}
    trader.buy(XRP, "10")
    assert room(trader, equal_at).fills == {"XRP": 1, "KRW": 1}


def test_the_day_is_that_of_korean_clocks(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    trader.exchange.deposit("KRW", Decimal("0.01"))
    assert isinstance(rounded(trader), Rounded)
    today = trader.clock.now().astimezone(KST)
    midnight = datetime(today.year, today.month, today.day, tzinfo=KST)
    key = trader.account.account_id
    for moment, used in ((0, True), (86_399, True), (-1, False), (86_400, False)):
        at = midnight + timedelta(seconds=moment)
        assert bool(rounding_room(trader.db, key, at).booked) is used


def test_the_same_fills_can_not_be_used_twice_even_by_mistake(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    early = room(trader)
    trader.exchange.deposit("KRW", Decimal("0.01"))
    assert isinstance(rounded(trader), Rounded)
    (apart,) = difference({"KRW": Decimal(0)}, {"KRW": Decimal("0.005")}, Decimal(0), Decimal(0))
    again = round_off([apart], early, PRICES, trader.clock.now())
    assert isinstance(again, Rounded)
    with pytest.raises((Inconsistent, psycopg.errors.UniqueViolation)):
        put_postings(trader.db, trader.account.account_id, again.postings)
