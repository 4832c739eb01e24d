"""Taking over: only what was meant, only what is there, never unguarded; a command leaves no wish behind."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from makenaide.cli.wishing import What, make, serve_now
from makenaide.domain.errors import DiskFull
from makenaide.execution import wishes
from makenaide.execution.guard.guard import STOPS
from makenaide.execution.guard.stops import decode
from makenaide.execution.wishes import Clerk
from makenaide.pipeline.interlude import compared
from makenaide.store.db import Database
from makenaide.store.wishes import open_wishes, put_wish
from tests.contract.charts import ETH, XRP
from tests.contract.faults import Fault, Kind
from tests.contract.manual import SEEING, Person, audit, reconciled
from tests.contract.test_wishes import WORLD, clerk, outcome, wish
from tests.contract.trading import Exchange, Trader, open_trader


@pytest.fixture
def trader(journal: Database) -> Trader:
    """An account with ten million won whose key sees transfers."""
    return open_trader(journal, Exchange(tape=WORLD, scopes=SEEING))


def test_a_takeover_looks_first_and_never_takes_what_a_person_sold_meanwhile(trader: Trader) -> None:
    person = Person(trader)
    trader.buy(XRP, "100")
    person.deposit("ETH", "1")
    assert reconciled(trader).comparison.equal is True
    number = wish(trader, "adopt", ETH, stop="5")
    person.sell(ETH, "0.4")
    trader.clock.sleep(30)
    assert clerk(trader).serve() == 1
    assert "0.6 now, 1 were meant" in outcome(trader, number).detail["cause"]
    assert [each.market for each in trader.positions()] == [XRP]
    assert person.lots()["ETH"].quantity == Decimal("0.6")
    assert reconciled(trader).comparison.equal is True


def test_coins_of_which_books_and_balance_differ_are_not_taken_over(trader: Trader) -> None:
    Person(trader).deposit("ETH", "1")
    assert reconciled(trader).comparison.equal is True
    trader.exchange.deposit("ETH", Decimal("-0.3"))
    number = wish(trader, "adopt", ETH, stop="5")
    trader.clock.sleep(30)
    assert clerk(trader).serve() == 1
    assert "KRW-ETH: finding" in outcome(trader, number).detail["cause"]
    assert trader.positions() == ()


def test_an_old_wish_never_takes_over_what_came_later_and_none_waits_for_ever(
    trader: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person(trader)
    person.deposit("ETH", "0.2")
    assert reconciled(trader).comparison.equal is True
    old = wish(trader, "adopt", ETH, stop="5")
    person.deposit("ETH", "3")
    assert reconciled(trader).comparison.equal is True
    assert clerk(trader).serve() == 1
    assert "3.2 now, 0.2 were meant" in outcome(trader, old).detail["cause"]
    unnamed = put_wish(trader.db, trader.account.account_id, ("adopt", ETH, {"stop": "5"}), "person test")
    clerk(trader).serve()
    assert "no quantity" in outcome(trader, unnamed).detail["cause"]
    late = wish(trader, "adopt", ETH, stop="5")
    monkeypatch.setattr(wishes, "PATIENCE", timedelta(0))
    assert clerk(trader).serve() == 1
    assert "nobody could carry it out" in outcome(trader, late).detail["cause"]
    assert trader.positions() == ()


def test_coins_that_an_open_order_of_the_persons_holds_are_not_taken_over(trader: Trader) -> None:
    person = Person(trader)
    person.deposit("ETH", "0.2")
    reconciled(trader)
    person.sell(ETH, "0.1", price="6000000")
    reconciled(trader)
    number = wish(trader, "adopt", ETH, stop="5")
    assert clerk(trader).serve() == 1
    assert "0.1 are locked" in outcome(trader, number).detail["cause"]


def test_the_guard_is_told_of_what_was_taken_over_before_the_wish_ends(trader: Trader) -> None:
    compared(trader.session)
    Person(trader).deposit("ETH", "0.2")
    reconciled(trader)
    trader.session.keeper.publish()
    wish(trader, "adopt", ETH, stop="5")
    assert clerk(trader).serve() == 1
    file = decode((trader.exchange.guard / STOPS).read_bytes(), b"k" * 32)
    assert [each.position_id for each in file.stops] == [each.position_id for each in trader.positions()] != []


def test_a_takeover_that_the_guard_cannot_be_told_of_does_not_happen(trader: Trader) -> None:
    Person(trader).deposit("ETH", "0.2")
    reconciled(trader)
    wish(trader, "adopt", ETH, stop="5")

    def full() -> None:
        raise DiskFull("no space")

    desk = replace(trader.desk, settled=full)
    told = Clerk(desk=desk, account=trader.account, quotes=trader.session.venue, risk=trader.session.risk)
    assert told.serve() == 0
    assert trader.positions() == ()
    assert len(open_wishes(trader.db, trader.account.account_id)) == 1


# ---- by a command ----


@pytest.mark.parametrize("kind", ["adopt", "sell"])
def test_a_command_that_could_not_carry_a_wish_out_leaves_none_behind(trader: Trader, kind: str) -> None:
    trader.buy(ETH, "0.1")
    Person(trader).deposit("XRP", "1000")
    reconciled(trader)
    what: dict[str, What] = {
        "adopt": ("adopt", XRP, {"stop": "5", "quantity": "1000"}),
        "sell": ("sell", ETH, {"positions": [each.position_id for each in trader.positions()]}),
    }
    (number,) = make(trader.db, trader.account, [what[kind]], trader.clock.now())
    assert [row.detail["wish"] for row in audit(trader, "wish.made")] == [number]
    trader.wire.faults.append(Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/", times=999))
    serve_now(trader.session, [number])
    assert outcome(trader, number).detail["unavailable"] is True
    trader.wire.faults.clear()
    trader.clock.sleep(600)
    assert clerk(trader).serve() == 0
    assert [each.market for each in trader.positions()] == [ETH]
