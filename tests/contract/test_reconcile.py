"""Reconciling with the simulated venue: what a person did is booked as what it is, the inexplicable is found."""

from dataclasses import replace
from decimal import Decimal

import pytest

from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import Quantity
from makenaide.domain.order import Leg
from makenaide.domain.reason import Exit
from makenaide.exchange.simulator.core.treasury import TransferState
from makenaide.execution.leave import leave
from makenaide.execution.reconcile.book import Bookkeeper
from makenaide.execution.reconcile.facts import Booking
from makenaide.ledger.lots import Lot
from makenaide.pipeline.valuation import value_account
from makenaide.store.journal import all_fills, flows
from makenaide.store.orders import orders_of_position
from makenaide.store.reconciliation import outside_of_order
from tests.contract.charts import ETH, XRP
from tests.contract.manual import Person, audit, causes, reconciled
from tests.contract.trading import Trader, whole


class SimulatedCrash(BaseException):
    """The process is gone."""


# ---- explained ----


def test_deposits_and_withdrawals_of_won_are_flows_booked_once(trader: Trader, person: Person) -> None:
    person.deposit("KRW", "500000")
    person.withdraw("KRW", "100000", "1000")
    assert causes(trader) == ["deposit", "withdrawal"]
    assert causes(trader) == [], "once"
    assert [str(amount) for _, amount in flows(trader.db, trader.account.account_id)] == [
        "10000000",
        "500000",
        "-101000",
    ]
    assert len(audit(trader, "reconcile.%")) == 2
    assert trader.alarms() == []


def test_transfers_under_way_or_given_up_count_for_nothing_until_they_are_over(
    trader: Trader, person: Person
) -> None:
    coming = person.deposit("KRW", "500000", state=TransferState.PROCESSING)
    going = person.withdraw("KRW", "100000", "1000", state=TransferState.WAITING)
    assert causes(trader) == []
    person.operator.settle(coming.uuid, TransferState.ACCEPTED)
    person.operator.settle(going.uuid, TransferState.CANCELLED)
    assert causes(trader) == ["deposit"]


def test_a_persons_coins_are_no_part_of_equity_sizing_or_positions(trader: Trader, person: Person) -> None:
    trader.buy(ETH, "0.1")
    trader.clock.sleep(60)
    before = value_account(trader.db, trader.session.venue, trader.account)
    person.deposit("ETH", "2")
    person.deposit("XRP", "1000")
    assert causes(trader) == ["deposit", "deposit"]
    after = value_account(trader.db, trader.session.venue, trader.account)
    assert (after.equity, after.positions) == (before.equity, 1)
    assert [str(each.facts.quantity) for each in trader.positions()] == ["0.1"]
    assert person.lots() == {"ETH": Lot(Decimal(2), None), "XRP": Lot(Decimal(1000), None)}


def test_a_buy_in_the_app_is_a_lot_with_its_cost_and_won_that_the_person_took(
    trader: Trader, person: Person
) -> None:
    person.buy(XRP, "100000")
    assert causes(trader) == ["manual_buy"] * len(person.trader.exchange.trades())
    assert trader.positions() == ()
    lot = person.lots()["XRP"]
    spent = Decimal(10_000_000) - trader.exchange.balances()["KRW"]
    assert lot == Lot(trader.exchange.balances()["XRP"], spent)
    assert sum((amount.value for _, amount in flows(trader.db, trader.account.account_id)), Decimal(0)) == (
        Decimal(10_000_000) - spent
    )
    assert causes(trader) == []


def test_a_sale_in_the_app_takes_the_persons_coins_first_then_ours_and_the_stop_stays_for_the_rest(
    trader: Trader, person: Person
) -> None:
    trader.buy(ETH, "0.1")
    trader.clock.sleep(60)
    person.deposit("ETH", "0.05")
    assert causes(trader) == ["deposit"]
    stop = trader.positions()[0].stop
    order = person.sell(ETH, "0.08")
    assert set(causes(trader)) == {"manual_sell"}
    (position,) = trader.positions()
    assert str(position.facts.quantity) == "0.07"
    assert position.stop == stop
    assert person.lots() == {}
    family = orders_of_position(trader.db, trader.account.account_id, position.position_id)
    manual = [each for each in family if each.leg is Leg.MANUAL]
    assert [(each.identifier, each.reason) for each in manual] == [(f"manual-{order.uuid}", Exit.MANUAL)]
    sold = [each for each in all_fills(trader.db, trader.account.account_id) if each.reason == Exit.MANUAL]
    assert sum((each.fill.volume.value for each in sold), Decimal(0)) == Decimal("0.03")
    assert causes(trader) == []


def test_a_sale_in_the_app_of_all_of_ours_ends_the_position_with_its_stop(trader: Trader, person: Person) -> None:
    trader.buy(ETH, "0.1")
    stale = trader.positions()[0]
    trader.clock.sleep(60)
    person.sell(ETH, "0.1")
    assert set(causes(trader)) == {"manual_sell"}
    assert trader.positions() == ()
    trader.laws()
    # a view from before the sale can sell nothing: no sale of ours exceeds what the system holds
    with pytest.raises(Inconsistent, match="holds nothing any more"):
        leave(trader.desk, trader.account, stale, whole(stale))


def test_no_sale_of_ours_exceeds_the_system_s_coins_although_more_lie_there(
    trader: Trader, person: Person
) -> None:
    trader.buy(ETH, "0.1")
    stale = trader.positions()[0]
    trader.clock.sleep(60)
    person.deposit("ETH", "1")
    reconciled(trader)
    person.sell(ETH, "1.04")
    assert set(causes(trader)) == {"manual_sell"}
    person.deposit("ETH", "1")
    reconciled(trader)
    left = leave(trader.desk, trader.account, stale, replace(whole(stale), quantity=Quantity("9")))
    assert left is not None
    assert str(left.request.volume) == "0.06"
    assert trader.positions() == ()
    assert person.lots() == {"ETH": Lot(Decimal(1), None)}
    trader.clock.sleep(60)
    assert causes(trader) == []


def test_an_order_in_the_app_that_rests_for_weeks_is_booked_when_it_fills(trader: Trader, person: Person) -> None:
    person.deposit("XRP", "1000")
    assert causes(trader) == ["deposit"]
    best = trader.exchange.venue.floor.book(XRP).asks[0][0]
    price = str(int(best * Decimal("1.004")))
    order = person.sell(XRP, "1000", price=price)
    assert causes(trader) == []
    trader.clock.sleep(20 * 86_400)
    assert set(causes(trader)) == {"manual_sell"}, "created long before the window that is looked through"
    dealt = outside_of_order(trader.db, trader.account.account_id, order.uuid)
    assert sum((volume for volume, _ in dealt.values()), Decimal(0)) == 1000
    assert person.lots() == {}
    assert causes(trader) == []


def test_after_months_of_absence_everything_is_looked_through_in_windows_of_seven_days(
    trader: Trader, person: Person
) -> None:
    for _ in range(5):
        trader.clock.sleep(9 * 86_400)
        person.buy(XRP, "20000")
    person.withdraw("XRP", "1")
    trader.wire.sent.clear()
    found = causes(trader)
    assert set(found) == {"manual_buy", "withdrawal"}
    asked = [each for each in trader.wire.sent if each.path == "/v1/orders/closed"]
    assert len(asked) >= 7
    trader.wire.sent.clear()
    assert causes(trader) == []
    assert len([each for each in trader.wire.sent if each.path == "/v1/orders/closed"]) == 1, "looked through once"


def test_a_quiet_cycle_costs_five_calls_and_no_look_at_transfers(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    trader.clock.sleep(60)
    trader.wire.sent.clear()
    assert causes(trader) == []
    asked = sorted(each.path for each in trader.wire.sent)
    assert asked == ["/v1/accounts"] * 3 + ["/v1/orders/closed", "/v1/orders/open"]


def test_what_happened_in_a_crash_between_two_bookings_is_booked_once(trader: Trader, person: Person) -> None:
    person.deposit("KRW", "500000")
    person.buy(XRP, "20000")

    written: list[Booking] = []
    write = Bookkeeper.write

    def burn(keeper: Bookkeeper, booking: Booking) -> None:
        written.append(booking)
        if len(written) > 1:
            raise SimulatedCrash
        write(keeper, booking)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bookkeeper, "write", burn)
        with pytest.raises(SimulatedCrash):
            reconciled(trader)
    assert len(audit(trader, "reconcile.%")) == 1
    assert "manual_buy" in causes(trader)
    assert causes(trader) == []
