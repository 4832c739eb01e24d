"""Exits that could not be made at their slot: made as soon as they can be, until the next slot decides anew."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market
from makenaide.domain.money import Quantity
from makenaide.domain.order import Identifier, Leg, OrderState
from makenaide.domain.reason import Exit
from makenaide.exchange.simulator.prices.tape import Window
from makenaide.exchange.venue import PlacedOrder
from makenaide.execution.leave import leave
from makenaide.pipeline.cycle import run_cycle
from makenaide.pipeline.interlude import interlude
from makenaide.pipeline.unfinished import unfinished
from makenaide.store.db import Database
from makenaide.store.journal import all_fills
from makenaide.store.orders import orders_of_position
from makenaide.store.runs import latest_step
from tests.contract.charts import ETH, FIRST, XRP, Chart, bitcoin, hours, tape
from tests.contract.faults import Fault, Kind
from tests.contract.trading import RISK, Exchange, Trader, open_trader, whole

DAY = timedelta(days=1)
SLOT = FIRST + DAY
CALM = Chart(market=ETH, price=5_000_000, days=[0.0, 0.0, 0.0])
IDLE = replace(RISK, idle_days=1)


def held(journal: Database, chart: Chart = CALM, risk: Any = IDLE) -> Trader:
    """A position of 0.1 ETH, and the clock at the second slot."""
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(4), chart)), risk=risk, last_slot=FIRST + 9 * DAY)
    trader.buy(ETH, "0.1")
    trader.clock.move_to(SLOT + timedelta(seconds=10))
    return trader


def reasons(trader: Trader) -> list[str]:
    """The reasons of all sales, in time."""
    fills = all_fills(trader.db, trader.account.account_id)
    return [each.reason for each in fills if each.reason != "entry"]


def wait(trader: Trader, minutes: float) -> None:
    """The time between two slots passes."""
    interlude(trader.session).until(trader.clock.now() + timedelta(minutes=minutes))


@pytest.mark.parametrize("kind", [Kind.OFFLINE, Kind.REQUEST_LOST, Kind.TOO_MANY])
def test_an_exit_that_could_not_be_made_is_made_before_the_next_slot(journal: Database, kind: Kind) -> None:
    trader = held(journal)
    trader.wire.faults.append(Fault(kind=kind, times=1 if kind is Kind.OFFLINE else 12))
    run_cycle(trader.session, SLOT)
    assert reasons(trader) == []
    trader.wire.faults.clear()
    wait(trader, 10)
    assert reasons(trader) == [Exit.NO_PROGRESS]
    assert trader.positions() == ()
    assert unfinished(trader.session) == ()
    trader.laws()


def test_a_suspended_market_is_left_within_minutes_after_it_is_back(journal: Database) -> None:
    trader = held(journal)
    trader.wire.faults.append(Fault(kind=Kind.OFFLINE, times=999))
    run_cycle(trader.session, SLOT)
    wait(trader, 120)
    tried = len(trader.wire.orders())
    assert 20 < tried < 40, "not in a hurry while it lasts"
    trader.wire.faults.clear()
    wait(trader, 6)
    assert reasons(trader) == [Exit.NO_PROGRESS]
    trader.laws()


def test_a_restart_knows_the_exits_that_are_not_done(journal: Database) -> None:
    trader = held(journal)
    trader.wire.faults.append(Fault(kind=Kind.OFFLINE))
    run_cycle(trader.session, SLOT)
    again = trader.reopened(risk=IDLE)
    wait(again, 10)
    assert reasons(again) == [Exit.NO_PROGRESS]


def test_the_next_slot_decides_anew(journal: Database) -> None:
    warned = replace(CALM, warnings=(Window(start=FIRST + hours(20), end=FIRST + hours(40)),))
    trader = held(journal, warned, RISK)
    trader.wire.faults.append(Fault(kind=Kind.OFFLINE))
    run_cycle(trader.session, SLOT)
    assert len(unfinished(trader.session)) == 1
    trader.clock.move_to(SLOT + DAY + timedelta(seconds=10))
    run_cycle(trader.session, SLOT + DAY)
    assert unfinished(trader.session) == ()
    wait(trader, 30)
    assert reasons(trader) == []
    assert len(trader.positions()) == 1


def test_a_third_that_was_refused_is_sold_once_and_no_more(journal: Database) -> None:
    trader = held(journal, replace(CALM, days=[0.25, 0.0, 0.0]), RISK)
    trader.wire.faults.append(Fault(kind=Kind.OFFLINE, times=2))
    run_cycle(trader.session, SLOT)
    wait(trader, 60)
    assert reasons(trader) == [Exit.THIRD]
    (left,) = trader.positions()
    assert left.facts.quantity == Quantity("0.06666667")
    trader.laws()


def test_a_venue_that_cannot_be_asked_keeps_nobody_from_leaving(journal: Database) -> None:
    """The identifier is the lock: what is there already comes back as a duplicate."""
    trader = held(journal)
    position = trader.positions()[0]
    trader.wire.faults.append(Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/order", times=4))
    order = leave(trader.desk, trader.account, position, whole(position))
    assert order is not None
    assert order.life.state is OrderState.CLOSED
    assert trader.positions() == ()
    trader.laws()


@dataclass(frozen=True, slots=True)
class Slow:
    """A venue that shows half of an entry, and the entry as open."""

    real: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def order(self, identifier: Identifier) -> PlacedOrder | None:
        placed: PlacedOrder | None = self.real.order(identifier)
        if placed is None or not identifier.endswith("e01"):
            return placed
        part = replace(placed.trades[0], volume=Quantity("0.05"), funds=placed.trades[0].price * Quantity("0.05"))
        return replace(placed, state="wait", executed=part.volume, trades_count=1, trades=(part,))


def test_an_entry_that_is_not_at_its_end_mutes_no_exit_and_is_never_reported_as_one(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), CALM)))
    desk = replace(trader.desk, venue=Slow(trader.desk.venue))
    desk.submit(lambda: trader.entry(ETH, "0.1"))
    (position,) = trader.positions()
    order = leave(desk, trader.account, position, whole(position))
    assert order is not None
    assert (order.leg, order.request.volume) == (Leg.EXIT, Quantity("0.05"))
    assert trader.positions() == ()


def test_an_entry_in_doubt_that_brought_nothing_yet_is_no_exit(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), CALM)))
    desk = replace(trader.desk, venue=Slow(trader.desk.venue))
    desk.submit(lambda: trader.entry(ETH, "0.1"))
    (position,) = trader.positions()
    assert leave(desk, trader.account, position, whole(position)) is not None
    assert leave(desk, trader.account, position, whole(position)) is None


def test_what_fails_after_a_sale_is_no_stuck_exit(journal: Database, caplog: pytest.LogCaptureFixture) -> None:
    trader = held(journal)

    def refuse() -> None:
        if not trader.positions():
            raise Misconfigured("the stops cannot be published")

    session = replace(trader.session, desk=replace(trader.desk, settled=refuse))
    run_cycle(session, SLOT)
    step = latest_step(journal, trader.account.account_id, "leave")
    assert step is not None
    assert list(step["left"].values()) == [Exit.NO_PROGRESS]
    assert "could not leave" not in caplog.text


# ---- markets that end ----


def test_a_held_market_that_is_gone_calls_a_person_once_and_keeps_its_position(journal: Database) -> None:
    ends = replace(CALM, delisted_at=FIRST + hours(20))
    others = [replace(CALM, market=Market(f"KRW-A{n:02d}"), parts=1) for n in range(12)]
    exchange = Exchange(tape=tape(bitcoin(4), ends, *others))
    trader = open_trader(journal, exchange, risk=IDLE, last_slot=FIRST + 9 * DAY)
    run_cycle(trader.session, FIRST)
    trader.buy(ETH, "0.1")
    for day in (1, 2):
        trader.clock.move_to(FIRST + day * DAY + timedelta(seconds=10))
        trader.wire.sent.clear()
        run_cycle(trader.session, FIRST + day * DAY)
        wait(trader, 60)
        assert trader.wire.orders() == []
    assert trader.alarms().count("alarm.market_gone") == 1
    assert len(trader.positions()) == 1


def test_a_market_that_the_venue_does_not_know_is_not_asked_again_until_the_next_slot(journal: Database) -> None:
    trader = held(journal)
    trader.wire.faults.append(Fault(kind=Kind.NO_MARKET, times=2))
    run_cycle(trader.session, SLOT)
    wait(trader, 60)
    assert trader.alarms() == ["alarm.market_gone"]
    tried = orders_of_position(journal, trader.account.account_id, trader.positions()[0].position_id)
    assert [each.leg for each in tried] == [Leg.ENTRY, Leg.EXIT]
    trader.wire.faults.clear()
    trader.clock.move_to(SLOT + DAY + timedelta(seconds=10))
    run_cycle(trader.session, SLOT + DAY)
    assert reasons(trader) == [Exit.NO_PROGRESS], "it is back"


def test_an_announced_delisting_sells_at_the_next_slot(journal: Database) -> None:
    @dataclass
    class Board:
        def delistings(self, markets: Any) -> Mapping[Market, date]:
            return {ETH: date(2026, 2, 1), XRP: date(2026, 2, 1)}

    trader = held(journal, CALM, RISK)
    run_cycle(replace(trader.session, notices=Board()), SLOT)
    assert reasons(trader) == [Exit.DELISTING]
    assert trader.positions() == ()
