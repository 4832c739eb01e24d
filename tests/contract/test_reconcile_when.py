"""Reconciling and time: what happened before a position was there never takes from it, and one never hides others."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.order import PositionId
from makenaide.execution.portfolio import Portfolio, Unreadable, open_positions
from makenaide.execution.reconcile import rounds
from makenaide.execution.wishes import Clerk
from makenaide.pipeline.cycle import run_cycle
from makenaide.pipeline.report import closed_trades
from makenaide.store.db import Database
from makenaide.store.journal import flaws
from makenaide.store.reconciliation import FindingKind
from makenaide.store.wishes import put_wish
from tests.contract.charts import ETH, FIRST, XRP
from tests.contract.manual import SEEING, WORLD, Person, audit, causes, reconciled, require_equal
from tests.contract.trading import Exchange, Trader, open_trader


@pytest.fixture
def trader(journal: Database) -> Trader:
    """An account with ten million won, reconciled once."""
    trader = open_trader(journal, Exchange(tape=WORLD, scopes=SEEING))
    assert reconciled(trader).comparison.equal is True
    return trader


class Seconds:
    """The venue, stamping trades to the second as Upbit does."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def by_uuid(self, uuid: str) -> Any:
        return _cut(self._inner.by_uuid(uuid))

    def order(self, name: Any) -> Any:
        return _cut(self._inner.order(name))


def _cut(placed: Any) -> Any:
    return placed and replace(
        placed, trades=tuple(replace(each, at=each.at.replace(microsecond=0)) for each in placed.trades)
    )


def adopt(trader: Trader, market: Any = ETH) -> None:
    """All of the person's coins, half a second after a full one."""
    now = trader.clock.now()
    trader.clock.sleep((now.replace(microsecond=0) + timedelta(seconds=60.5) - now).total_seconds())
    quantity = str(Person(trader).lots()[market[4:]].quantity)
    put_wish(trader.db, trader.account.account_id, ("adopt", market, {"stop": "5", "quantity": quantity}), "p")
    clerk = Clerk(desk=trader.desk, account=trader.account, quotes=trader.session.venue, risk=trader.session.risk)
    assert clerk.serve() == 1


def sell(trader: Trader, market: Any = ETH) -> None:
    keys = [each.position_id for each in trader.positions() if each.market == market]
    put_wish(trader.db, trader.account.account_id, ("sell", market, {"positions": keys}), "p")
    clerk = Clerk(desk=trader.desk, account=trader.account, quotes=trader.session.venue, risk=trader.session.risk)
    assert clerk.serve() == 1


@pytest.fixture
def adopted(trader: Trader) -> Trader:
    """One ETH was taken over, half a second after a full one, at a venue that stamps to the second."""
    Person(trader).deposit("ETH", "1")
    assert causes(trader) == ["deposit"]
    venue: Any = Seconds(trader.session.venue)
    trader.session = replace(trader.session, desk=replace(trader.desk, venue=venue))
    adopt(trader)
    assert len(trader.positions()) == 1
    return trader


def test_a_sale_in_the_second_of_the_takeover_shrinks_what_was_taken_over(adopted: Trader) -> None:
    Person(adopted).sell(ETH, "0.4")
    assert reconciled(adopted).comparison.equal is True
    assert [str(each.facts.quantity) for each in adopted.positions()] == ["0.6"]
    require_equal(adopted)


def test_a_takeover_that_is_sold_in_its_own_second_is_a_closed_trade_like_any_other(adopted: Trader) -> None:
    sell(adopted)
    assert adopted.positions() == ()
    (trade,) = closed_trades(adopted.db, adopted.account.account_id)
    assert trade.holding_days >= 0


def test_a_sale_from_before_our_entry_is_a_finding_and_takes_nothing_of_it(trader: Trader) -> None:
    trader.exchange.deposit("ETH", Decimal("0.05"))  # it leaves no record
    order = Person(trader).sell(ETH, "0.05")
    trader.clock.sleep(5)
    trader.buy(ETH, "0.1")
    state = reconciled(trader)
    (finding,) = [each for each in state.findings if each.kind is FindingKind.UNEXPLAINED]
    assert finding.evidence["order"] == order.uuid
    assert ETH in state.closed_markets
    assert [str(each.facts.quantity) for each in trader.positions()] == ["0.1"]
    assert flaws(trader.db, trader.account.account_id) == ()
    run_cycle(trader.session, FIRST)


def test_a_position_that_cannot_be_read_stops_buying_calls_once_and_mutes_no_other(
    trader: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    trader.buy(ETH, "0.1")
    bad = Unreadable(
        position_id=PositionId("KRW-XRP-20260103T0900"), market=XRP, quantity=Decimal(1), cause="sold of 0 held"
    )

    def spoilt(db: Database, account_id: str) -> Portfolio:
        return Portfolio(positions=open_positions(db, account_id), unreadable=(bad,))

    monkeypatch.setattr(rounds, "portfolio", spoilt)
    first, second = reconciled(trader), reconciled(trader)
    assert first.comparison.equal is second.comparison.equal is True
    assert not second.account_open
    assert XRP in second.closed_markets
    assert [row.detail["position"] for row in audit(trader, "alarm.position_unreadable")] == [bad.position_id]
