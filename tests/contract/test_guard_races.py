"""Two processes, one sequence of exits: what one of them does while the other is in the middle of something."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from makenaide.domain.intent import GUARD
from makenaide.domain.order import OrderState
from makenaide.domain.reason import Exit
from makenaide.exchange.simulator.settings import Check, VenueSettings
from makenaide.execution.leave import leave
from makenaide.execution.reconcile import reconcile
from makenaide.pipeline.interlude import compared, interlude, take_in
from makenaide.store.db import Database
from makenaide.store.journal import flaws
from makenaide.store.orders import unsettled_orders
from tests.contract.charts import ETH, FIRST, bitcoin, hours, tape
from tests.contract.faults import Fault, Kind
from tests.contract.guarding import (
    SLUMP,
    exits,
    fallen,
    guarded,
    leave_all,
    never,
    race,
    rounds,
    stops_file,
    third,
)
from tests.contract.manual import Person
from tests.contract.trading import Exchange, Trader, open_trader, whole

FUNDS_FIRST = VenueSettings(
    checks=(
        Check.MAINTENANCE,
        Check.FORM,
        Check.MARKET,
        Check.PRICE,
        Check.TOTAL,
        Check.FUNDS,
        Check.IDENTIFIER,
        Check.DEPTH,
    )
)
"""A venue that misses the coins before it notices that the identifier was used."""

LOST = Fault(kind=Kind.REQUEST_LOST, times=100_000, about="KRW-ETH")
POST = ("POST", "/v1/orders")


def lost() -> Fault:
    """No order for ETH reaches the venue."""
    return replace(LOST)


def opened(journal: Database) -> Trader:
    """0.1 ETH at the venue that looks at funds first."""
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), SLUMP), settings=FUNDS_FIRST))
    trader.buy(ETH, "0.1")
    return trader


def test_a_refusal_is_not_believed_while_the_venue_shows_a_sale_under_the_number(journal: Database) -> None:
    """The trader's x01 is refused, and before it can look the guard sells under x01; the rest is a person's own."""
    trader = fallen(journal)
    trader.exchange.deposit("ETH", Decimal(1))
    trader.wire.answered = race(trader, *POST)
    trader.wire.faults.append(Fault(kind=Kind.OFFLINE))
    sale = leave(trader.desk, trader.account, trader.positions()[0], third(trader))
    assert sale is not None
    assert "Rejected" not in trader.events(sale), "the number was used, whoever used it"
    rounds(trader, 3, minutes=2)
    assert trader.exchange.balances()["ETH"] == 1
    assert trader.positions() == ()


def test_a_venue_that_misses_the_coins_first_hides_no_sale_of_the_guards(journal: Database) -> None:
    trader = opened(journal)
    trader.clock.move_to(FIRST + hours(23))
    trader.wire.seen = race(trader, *POST)
    leave_all(trader)
    rounds(trader, 3, minutes=2)
    (sale,) = exits(trader)
    assert (sale.sender, sale.life.state) == (GUARD, OrderState.CLOSED)
    trader.laws()


def test_a_refusal_behind_which_nobody_could_look_proves_nothing(journal: Database) -> None:
    trader = fallen(journal)
    blind = Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/order", times=100, skip=1)
    trader.wire.faults += [Fault(kind=Kind.OFFLINE, times=100), blind]
    sale = leave_all(trader)
    assert sale is not None
    assert sale.life.state is OrderState.UNKNOWN


def test_an_exit_booked_before_its_entry_is_not_made_again(journal: Database) -> None:
    """The entry is in doubt while the guard sells what it bought; the trader sees the exit first, then the entry."""
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), SLUMP)))
    trader.exchange.deposit("ETH", Decimal(1))
    unseen = Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/order", times=60)
    trader.wire.faults += [Fault(kind=Kind.REPLY_LOST), unseen]
    entry = trader.buy(ETH, "0.1")
    assert entry.life.state.doubtful
    trader.wire.faults.clear()
    trader.clock.move_to(FIRST + hours(23))
    trader.guard.until(trader.clock.now(), never)
    hidden = Fault(kind=Kind.NO_TRADES, method="GET", path="/v1/order", times=200, about=entry.identifier)
    trader.wire.faults.append(hidden)
    take_in(trader.session)
    trader.wire.faults.clear()
    (stop,) = stops_file(trader).stops
    assert (stop.pending, str(stop.exits[1].own)) == (entry.identifier, "0.1"), "the guard is told of its exit"
    guarded(trader.guard, trader.clock.now() + timedelta(minutes=2))
    assert trader.exchange.balances()["ETH"] == 1


def test_a_guard_that_never_heard_of_a_sale_sells_none_of_a_persons_coins(journal: Database) -> None:
    trader = opened(journal)
    trader.exchange.deposit("ETH", Decimal("0.05"))
    position = trader.positions()[0]
    quiet = replace(trader.desk, settled=lambda: None)  # the trading process dies before it publishes
    leave(quiet, trader.account, position, whole(position))
    guarded(trader.guard, FIRST + hours(24))
    assert trader.exchange.balances()["ETH"] == Decimal("0.05")


def test_a_sale_of_the_guards_in_the_middle_of_comparing_is_no_difference(journal: Database) -> None:
    trader = fallen(journal)
    trader.wire.seen = race(trader, "GET", "/v1/orders/closed")
    assert compared(trader.session).account_open
    assert trader.exchange.balances().keys() == {"KRW"}
    assert trader.alarms() == []


def test_a_sale_that_the_guard_made_first_bears_the_guards_reason(journal: Database) -> None:
    trader = fallen(journal)
    trader.wire.seen = race(trader, *POST)
    leave_all(trader)
    take_in(trader.session)
    assert [each.reason for each in exits(trader)] == [Exit.HARD_STOP]


def test_an_exit_in_doubt_comes_to_its_end_though_a_person_sold_the_coins(journal: Database) -> None:
    trader = fallen(journal)
    trader.wire.faults.append(lost())
    rounds(trader, 1, seconds=3)
    trader.wire.faults.clear()
    Person(trader).sell(ETH, "0.1")
    trader.clock.sleep(30)
    reconcile(trader.desk, trader.account.account_id)
    trader.session.keeper.publish()
    rounds(trader, 5, hours=1)
    assert unsettled_orders(journal, trader.account.account_id) == ()


def test_an_exit_is_sent_again_for_no_more_than_is_left(journal: Database) -> None:
    """While x01 over 0.1 is in doubt a person sells 0.06 of it, and buys coins of their own."""
    trader = fallen(journal)
    trader.wire.faults.append(lost())
    rounds(trader, 1, seconds=3)
    Person(trader).sell(ETH, "0.06")
    body = {"market": ETH, "side": "bid", "ord_type": "price", "price": "500000"}
    trader.exchange.venue.place("paper", body)
    trader.clock.sleep(30)
    reconcile(trader.desk, trader.account.account_id)
    trader.session.keeper.publish()
    before = trader.exchange.balances()["ETH"]
    trader.wire.faults.clear()
    rounds(trader, 3, minutes=2)
    assert before - trader.exchange.balances()["ETH"] == Decimal("0.04")
    assert flaws(journal, trader.account.account_id) == ()


def test_a_sale_that_a_persons_sale_holds_up_is_done_within_minutes_not_at_the_next_slot(
    journal: Database,
) -> None:
    """The number of x01 is spent on a refusal whose send was in doubt: only the books can say that it never was."""
    trader = fallen(journal)
    Person(trader).sell(ETH, "0.06")
    trader.clock.sleep(30)
    trader.wire.faults.append(replace(lost(), times=1))
    interlude(trader.session).until(trader.clock.now() + timedelta(minutes=10))
    first, second = (each for each in exits(trader) if not each.identifier.startswith("manual"))
    assert (first.life.state, first.life.spent) == (OrderState.VOID, True)
    assert second.life.state is OrderState.CLOSED
    assert trader.exchange.balances().get("ETH", Decimal(0)) == 0
    assert flaws(journal, trader.account.account_id) == ()
