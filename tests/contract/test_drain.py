"""Draining (T1): open orders, doubtful ones, half-filled ones, a venue that is down, a guard that is silent."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from makenaide.domain.order import OrderState, TimeInForce
from makenaide.domain.reason import Refusal
from makenaide.exchange.simulator.settings import VenueSettings
from makenaide.execution.drain import Drain, Drained, Leftover, Policy
from makenaide.execution.guard.file import JOURNAL
from makenaide.execution.guard.guard import Ack
from makenaide.execution.permit import Forbidden
from makenaide.store.db import Database
from makenaide.store.orders import commit_order, get_order
from tests.contract.charts import ETH, FIRST, XRP, Chart, bitcoin, hours, tape
from tests.contract.faults import Fault, Kind
from tests.contract.manual import Person
from tests.contract.trading import NAME, Exchange, Trader, changed, open_trader

QUIET = Chart(market=ETH, price=5_000_000, days=[0.0005, 0.0005])
SLUMP = Chart(market=XRP, price=3_000, days=[-0.10, -0.05])


class Forbidding:
    """Halted: no buy."""

    def forbids(self, order: object) -> Forbidden:
        return Forbidden(Refusal.HALTED, "halted: drain")


class Silent:
    """A guard that nobody hears."""

    def ack(self) -> Ack | None:
        return None


@pytest.fixture
def trader(journal: Database) -> Trader:
    """An account with ten million won, nothing bought yet."""
    return open_trader(journal, Exchange(tape=tape(bitcoin(2), QUIET, SLUMP)))


def drained(trader: Trader, policy: Policy = Policy.WAIT, seconds: float = 90.0, **more: object) -> Drained:
    """What draining comes to, with buys halted as the command does."""
    halted = replace(trader.desk, permits=(Forbidding(), *trader.desk.permits))
    drain = Drain(
        desk=halted,
        keeper=trader.session.keeper,
        account_id=trader.account.account_id,
        policy=policy,
        seconds=seconds,
        going_on=lambda: True,
    )
    return replace(drain, **more).run()  # type: ignore[arg-type]


def audited(trader: Trader) -> list[str]:
    """The words of draining in the audit trail."""
    rows = trader.db.rows("audit_of", account_id=trader.account.account_id, action="drain.%")
    return [row.action for row in rows]


def resting(trader: Trader) -> str:
    """An entry that stands open at the venue: something that ours do not do by themselves."""
    order = changed(trader.entry(ETH, "0.1", price="4000000"), time_in_force=TimeInForce.POST_ONLY)
    assert trader.send(order).life.state is OrderState.ACCEPTED
    return order.identifier


def test_an_account_without_anything_open_is_drained_at_once(trader: Trader) -> None:
    began = trader.clock.now()
    assert drained(trader) == Drained()
    assert trader.clock.now() - began < timedelta(seconds=1)
    assert audited(trader) == ["drain.safe"]


def test_a_position_stays_with_the_guard_and_nothing_is_sold(trader: Trader) -> None:
    order = trader.buy(ETH, "0.1")
    assert drained(trader) == Drained(guarded=(order.position_id,))
    assert [each.about.position_id for each in trader.guard.watched()] == [order.position_id]
    assert len(trader.wire.orders()) == 1, "the entry alone"


def test_an_unknown_order_is_settled_first(trader: Trader) -> None:
    trader.wire.faults += [
        Fault(kind=Kind.REPLY_LOST),
        Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/order", times=99),
    ]
    order = trader.buy(ETH, "0.1")
    assert order.life.state.doubtful
    trader.wire.faults.clear()
    done = drained(trader)
    assert (done.settled, done.guarded, done.safe) == ((order.identifier,), (order.position_id,), True)
    trader.laws()


def test_a_planned_entry_is_void_and_never_sent(trader: Trader) -> None:
    order = trader.entry(ETH, "0.1")
    with trader.db.transaction():
        commit_order(trader.db, order)
    assert drained(trader) == Drained(settled=(order.identifier,))
    assert trader.exchange.placed() == []


def test_an_open_order_is_awaited_until_the_deadline_and_named(trader: Trader) -> None:
    name = resting(trader)
    began = trader.clock.now()
    done = drained(trader, seconds=30.0)
    assert timedelta(seconds=30) <= trader.clock.now() - began < timedelta(seconds=60)
    assert [(each.kind, each.name, each.cause) for each in done.left] == [(Leftover.ORDER, name, "accepted")]
    assert not done.safe
    assert audited(trader) == ["drain.left"]


def test_an_open_order_is_cancelled_where_that_is_the_policy(trader: Trader) -> None:
    name = resting(trader)
    done = drained(trader, Policy.CANCEL)
    assert (done.cancelled, done.settled, done.safe) == ((name,), (name,), True)
    assert trader.positions() == ()
    trader.laws()


def test_an_order_that_cannot_be_cancelled_is_left(trader: Trader) -> None:
    name = resting(trader)
    trader.wire.faults.append(Fault(kind=Kind.NOT_CONNECTED, method="DELETE", path="/v1", times=9999))
    done = drained(trader, Policy.CANCEL, seconds=5.0)
    assert (done.cancelled, [each.name for each in done.left]) == ((), [name])


def test_what_a_half_filled_order_bought_is_booked_and_guarded_when_the_rest_is_cancelled(
    journal: Database,
) -> None:
    thin = VenueSettings(book_share=Decimal("0.01"))
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), QUIET), settings=thin))
    order = trader.send(changed(trader.entry(ETH, "1"), time_in_force=None))
    assert order.life.state is OrderState.ACCEPTED
    assert 0 < trader.exchange.balances()["ETH"] < 1
    done = drained(trader, Policy.CANCEL)
    assert (done.cancelled, done.guarded, done.safe) == ((order.identifier,), (order.position_id,), True)
    (position,) = trader.positions()
    assert position.facts.quantity.value == trader.exchange.balances()["ETH"]
    trader.laws()


def test_with_the_venue_down_nothing_is_safe_and_draining_ends_in_time(trader: Trader) -> None:
    order = trader.entry(ETH, "0.1")
    trader.wire.faults.append(Fault(kind=Kind.REQUEST_LOST))
    for method, path in (("GET", "/v1"), ("DELETE", "/v1"), ("POST", "/v1")):
        trader.wire.faults.append(Fault(kind=Kind.NOT_CONNECTED, method=method, path=path, times=9999))
    sent = trader.desk.submit(lambda: order)
    assert not isinstance(sent, Forbidden)
    done = drained(trader, Policy.CANCEL, seconds=20.0)
    assert [(each.kind, each.name) for each in done.left] == [
        (Leftover.ORDER, order.identifier),
        (Leftover.UNKNOWN, "open orders"),
    ]


def test_a_silent_guard_leaves_its_positions_bare_unless_a_person_accepts_that(trader: Trader) -> None:
    order = trader.buy(ETH, "0.1")
    trader.session.keeper.link = Silent()
    done = drained(trader, seconds=5.0)
    assert [(each.kind, each.name) for each in done.left] == [(Leftover.POSITION, order.position_id)]
    assert done.left[0].cause == "the guard is not heard"
    ended: list[bool] = []
    accepted = drained(trader, dismiss=lambda: ended.append(True))
    assert accepted == Drained(unguarded=(order.position_id,))
    assert ended == [True]


def test_what_the_guard_sells_while_it_is_dismissed_is_in_the_books_too(trader: Trader) -> None:
    order = trader.buy(XRP, "1000")

    def dismiss() -> None:
        while trader.clock.now() < FIRST + hours(24):
            trader.guard.until(FIRST + hours(24), lambda: False)

    done = drained(trader, dismiss=dismiss)
    assert done.unguarded == ()
    assert done.settled == (f"{order.identifier[:-3]}x01",)
    trader.laws()


def test_a_persons_open_order_is_named_and_never_touched(trader: Trader) -> None:
    person = Person(trader)
    trader.exchange.deposit("ETH", Decimal(1))
    person.sell(ETH, "0.1", price="9000000")
    began = trader.clock.now()
    done = drained(trader, Policy.CANCEL)
    assert done.safe
    assert len(done.foreign) == 1
    assert "ask KRW-ETH wait" in done.foreign[0]
    assert trader.clock.now() - began < timedelta(seconds=1), "nobody waits for it"
    assert [order.live for order in trader.exchange.venue.accounts[NAME].orders.values()] == [True]


def test_an_order_of_ours_that_the_books_do_not_know_is_left(trader: Trader) -> None:
    order = changed(trader.entry(ETH, "0.1", price="4000000"), time_in_force=TimeInForce.POST_ONLY)
    trader.session.venue.place(order.request)
    done = drained(trader, Policy.CANCEL, seconds=2.0)
    assert [(each.name, each.cause) for each in done.left] == [
        (order.identifier, "stands open at the venue, not in the books")
    ]
    assert get_order(trader.db, order.identifier) is None


def test_a_damaged_journal_of_the_guard_is_left_for_a_person(trader: Trader) -> None:
    trader.buy(XRP, "1000")
    trader.guard.until(FIRST + hours(20), lambda: bool(trader.guard.journal.sales))
    file = trader.exchange.guard / JOURNAL
    file.write_bytes(b"x" + file.read_bytes()[1:])
    done = drained(trader, seconds=2.0)
    assert done.left[0].name == "the guard's journal"
    assert not done.safe
