"""M7 on real books beside the simulated venue: every loss, forgery and difference is found and named."""
# ruff: noqa: S608 - every statement is a text of these tests

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.domain.money import Krw
from makenaide.exchange.venue import Balance, Venue
from makenaide.execution.reconcile.look import PATIENCE
from makenaide.ops.checks.continuity import continuity
from makenaide.ops.evidence import Evidence
from makenaide.store.db import Database, Role
from makenaide.store.runs import (
    AuditEntry,
    EquityRow,
    Run,
    finish_run,
    mark_missed,
    open_run,
    put_audit,
    put_equity,
)
from makenaide.store.surroundings import world_now
from tests.contract.charts import ETH, FIRST, XRP, Chart, bitcoin, tape
from tests.contract.conftest import Connect
from tests.contract.faults import Fault, Kind
from tests.contract.manual import Person, reconciled
from tests.contract.trading import NAME, Exchange, Trader, open_trader
from tests.unit.morning_scene import HandMade, said, scene

DAY = timedelta(days=1)
Look = Callable[..., Evidence]


def valued(trader: Trader, run: Run) -> None:
    """End `run` as the cycle does."""
    row = EquityRow(slot=run.slot, valued_at=run.slot, equity=Krw(1), cash=Krw(1), flow=Krw(0), bitcoin=None)
    with trader.db.transaction():
        put_equity(trader.db, trader.account.account_id, row, {})
        finish_run(trader.db, run, run.slot)


@pytest.fixture
def days(trader: Trader) -> list[Run]:
    """Three slots with a run each, up to the trader's present."""
    trader.clock.move_to(FIRST + 2 * DAY + timedelta(minutes=30))
    trader.exchange.venue.advance(trader.clock.now())
    runs = [open_run(trader.db, trader.account.account_id, FIRST + n * DAY, FIRST + n * DAY) for n in range(3)]
    for each in runs:
        valued(trader, each)
    return runs


@pytest.fixture
def look(trader: Trader, days: list[Run], connect: Connect) -> Look:
    """The check, a minute later."""

    def new(venue: Venue | None = trader.session.venue, **more: Any) -> Evidence:
        trader.clock.sleep(60)
        about: dict[str, Any] = {
            "now": trader.clock.now(),
            "books": lambda: connect(Role.READER),
            "account": trader.account,
            "venue": venue,
        }
        return continuity(scene(HandMade(), **(about | more)))

    return new


def forge(connect: Connect, *commands: str) -> None:
    """Run `commands` with every trigger silenced, as only a superuser can."""
    db = connect()
    db.connection.execute(b"reset role")
    with db.transaction():
        db.connection.execute(b"set local session_replication_role = replica")
        for command in commands:
            db.connection.execute(command.encode())


def first(found: Evidence) -> str:
    return str(found.said.values["first"])


# ---- good ----


def test_books_without_a_gap_that_the_venue_confirms_are_good(trader: Trader, look: Look) -> None:
    trader.buy(ETH, "0.1")
    found = look()
    assert said(found) == ("PASS", "m7_good")
    assert found.said.values["runs"] == 3
    assert (found.value["orders"], found.value["venue"]["orders"]) == (1, 1)
    assert found.value["fills"] > 0


def test_a_look_changes_neither_the_books_nor_the_venue(trader: Trader, person: Person, look: Look) -> None:
    person.deposit("KRW", "1000")
    person.buy(XRP, "100000")
    before = trader.db.row("look_changed", account_id=trader.account.account_id)
    placed, balances = trader.exchange.placed(), trader.exchange.balances()
    look()
    assert trader.db.row("look_changed", account_id=trader.account.account_id) == before
    assert (trader.exchange.placed(), trader.exchange.balances()) == (placed, balances)


# ---- the books alone ----


def test_a_run_that_was_deleted_is_a_named_gap(look: Look, days: list[Run], connect: Connect) -> None:
    forge(connect, f"delete from run where run_id = {days[1].run_id}")
    found = look()
    assert said(found) == ("FAIL", "m7_gap")
    assert found.said.values == {"count": 1, "slots": "2026-01-04 09:00 KST"}
    assert "venue" not in found.value, "wrong books need no second witness"


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(0, id="the first"),
        pytest.param(2, id="the newest"),
    ],
)
def test_a_run_at_either_end_is_missed_by_what_it_left_behind(
    look: Look, days: list[Run], connect: Connect, number: int
) -> None:
    forge(connect, f"delete from run where run_id = {days[number].run_id}")
    assert said(look()) == ("FAIL", "m7_gap")


def test_a_missed_slot_is_a_warning(trader: Trader, look: Look) -> None:
    mark_missed(trader.db, trader.account.account_id, FIRST + 3 * DAY, FIRST + 3 * DAY)
    trader.clock.move_to(FIRST + 3 * DAY + timedelta(hours=2))
    assert said(look()) == ("WARN", "m7_missed")


def test_nothing_that_ran_is_unknown(look: Look, connect: Connect) -> None:
    forge(connect, "delete from run", "delete from equity")
    assert said(look()) == ("UNKNOWN", "m7_none")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("update fill set price = price + 1 where chain_number = 1", "chain fill: link 1 is altered"),
        ("update posting set at = at + interval '1 s' where chain_number = 2", "chain posting: link 2 is altered"),
        ("update orders set reason = 'other'", "chain orders: link 1 is altered"),
        ("delete from stop", "has no stop"),
        ("delete from order_event where event = 'Committed'", "has no event of its commit"),
        ("delete from fill where chain_number = 1", "has postings and no fill"),
        ("update orders set number = 2", "order e01 of position KRW-ETH-20260103T0900 is missing"),
    ],
)
def test_what_is_changed_behind_the_triggers_back_is_named(
    trader: Trader, look: Look, connect: Connect, damage: str, told: str
) -> None:
    trader.buy(ETH, "0.1")
    forge(connect, damage)
    found = look()
    assert said(found) == ("FAIL", "m7_books")
    assert told in "; ".join(found.value["flaws"])


def test_a_fill_that_is_missing_is_named_by_its_order_too(trader: Trader, look: Look, connect: Connect) -> None:
    order = trader.buy(ETH, "0.1")
    forge(connect, "delete from posting where source in (select trade_uuid from fill)", "delete from fill")
    found = look()
    assert said(found) == ("FAIL", "m7_books")
    assert f"order {order.identifier}: its events tell of" in "; ".join(found.value["flaws"])


def test_the_audit_trail_of_the_installation_belongs_to_it(trader: Trader, look: Look, connect: Connect) -> None:
    put_audit(
        trader.db, AuditEntry(account_id=None, at=trader.clock.now(), actor="person", action="halt", detail={})
    )
    assert said(look()) == ("PASS", "m7_good")
    forge(connect, "update audit set actor = 'nobody' where account_id is null")
    found = look()
    assert said(found) == ("FAIL", "m7_books")
    assert first(found) == "chain audit: link 1 is altered"


# ---- the venue ----


def foreign_hand(trader: Trader, name: str) -> None:
    """Somebody uses our names at the venue: a market buy that the books know nothing of."""
    trader.exchange.venue.advance(trader.clock.now())
    body = {"market": XRP, "side": "bid", "ord_type": "price", "price": "10000", "identifier": name}
    trader.exchange.venue.place(NAME, body)


def test_an_order_under_our_name_that_the_books_do_not_know_is_named(trader: Trader, look: Look) -> None:
    name = f"mk1-{trader.account.installation}-KRW-XRP-20260103T0900-e01"
    foreign_hand(trader, name)
    assert said(look()) == ("UNKNOWN", "m7_moving"), "a fresh one may stand in the guard's journal"
    trader.clock.sleep(PATIENCE.total_seconds())
    found = look()
    assert said(found) == ("FAIL", "m7_venue")
    assert first(found).startswith(f"order {name} (bid ")


def test_an_order_that_the_venue_does_not_know_is_named(trader: Trader, look: Look) -> None:
    order = trader.buy(ETH, "0.1")
    found = look(cast(Venue, Forgetful(trader.session.venue)))
    assert said(found) == ("FAIL", "m7_venue")
    assert first(found) == f"order {order.identifier} is in the books, the venue does not know it"


class Forgetful:
    """A venue that has lost every order."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def __getattr__(self, name: str) -> Any:
        lost: dict[str, Callable[..., Any]] = {
            "closed_orders": lambda *_: (),
            "open_orders": lambda: (),
            "orders": lambda _: {},
        }
        return lost.get(name) or getattr(self._venue, name)


class Miscounting:
    """A venue that shows another trade of each order than there was."""

    def __init__(self, venue: Venue, more: int) -> None:
        self._venue = venue
        self._by = more

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    def closed_orders(self, *span: Any) -> Any:
        return [self._more(each) for each in self._venue.closed_orders(*span)]

    def order(self, name: Any) -> Any:
        placed = self._venue.order(name)
        assert placed is not None
        more = replace(placed.trades[0], uuid="one-more")
        trades = (*placed.trades, more) if self._by > 0 else placed.trades[1:]
        return replace(self._more(placed), trades=trades)

    def _more(self, placed: Any) -> Any:
        return replace(placed, trades_count=placed.trades_count + self._by)


def test_a_trade_that_only_the_venue_knows_is_named(trader: Trader, look: Look) -> None:
    order = trader.buy(ETH, "0.1")
    found = look(cast(Venue, Miscounting(trader.session.venue, 1)))
    assert said(found) == ("FAIL", "m7_venue")
    assert first(found) == f"trade one-more of order {order.identifier} is at the venue, not in the books"


def test_a_trade_that_only_the_books_know_is_named(trader: Trader, look: Look) -> None:
    order = trader.buy(ETH, "0.1")
    found = look(cast(Venue, Miscounting(trader.session.venue, -1)))
    assert said(found) == ("FAIL", "m7_venue")
    assert first(found).endswith(f" of order {order.identifier} is in the books, not at the venue")


class Restless:
    """A venue whose balances are never the same twice."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._looks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    def accounts(self) -> Any:
        self._looks += 1
        return {"KRW": Balance(currency="KRW", free=Decimal(self._looks), locked=Decimal(0))}


def test_balances_that_move_are_neither_equal_nor_different(trader: Trader, look: Look) -> None:
    found = look(cast(Venue, Restless(trader.session.venue)))
    assert said(found) == ("UNKNOWN", "m7_moving")
    assert found.said.values == {"cause": "the balances move"}


def test_a_balance_that_nothing_explains_is_named(trader: Trader, look: Look) -> None:
    trader.exchange.deposit("XRP", trader.exchange.won)
    found = look()
    assert said(found) == ("FAIL", "m7_venue")
    assert first(found) == "XRP: 0 in the books, 10000000 at the venue"


def test_what_a_person_did_is_told_until_it_is_booked(trader: Trader, person: Person, look: Look) -> None:
    person.deposit("KRW", "500000")
    person.buy(XRP, "100000")
    assert said(look()) == ("WARN", "m7_unbooked")
    assert reconciled(trader).comparison.equal is True
    assert said(look()) == ("PASS", "m7_good")


def test_a_deposit_does_not_excuse_another_difference(trader: Trader, person: Person, look: Look) -> None:
    person.deposit("KRW", "500000")
    trader.exchange.deposit("KRW", trader.exchange.won)
    found = look()
    assert said(found) == ("FAIL", "m7_venue")
    assert first(found).startswith("KRW: ")


def test_a_venue_that_cannot_be_asked_is_unknown_but_wrong_books_are_wrong(
    trader: Trader, look: Look, connect: Connect
) -> None:
    found = look(None)
    assert said(found) == ("UNKNOWN", "m7_blind")
    assert found.said.values == {"cause": "nobody answers"}
    trader.wire.faults += [Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/accounts", times=99)]
    assert said(look()) == ("UNKNOWN", "m7_blind")
    forge(connect, "update posting set at = at + interval '1 s' where chain_number = 2")
    assert said(look(None)) == ("FAIL", "m7_books")


def test_an_account_is_needed(look: Look) -> None:
    with pytest.raises(Misconfigured, match="no account yet"):
        look(account=None)


def test_a_run_that_bought_and_was_stopped_out_is_continuous_to_the_last_trade(
    journal: Database, connect: Connect
) -> None:
    days = [0.01, 0.02, -0.3, 0.0, 0.0]
    world = tape(bitcoin(6), Chart(market=ETH, price=5_000_000, last=0.06, days=days))
    trader = open_trader(journal, Exchange(tape=world), last_slot=FIRST + 4 * DAY)
    assert trader.run()
    about = scene(
        now=world_now(journal, trader.account.account_id) or FIRST,
        books=lambda: connect(Role.READER),
        account=trader.account,
        venue=trader.session.venue,
    )
    found = continuity(about)
    assert said(found) == ("PASS", "m7_good")
    assert (found.value["runs"], found.value["orders"]) == (5, 2)
    assert found.value["venue"]["orders"] == 1, "the entry is older than the window"
    assert about.stepped
