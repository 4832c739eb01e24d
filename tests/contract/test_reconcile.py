"""Reconciling with the simulated venue: what a person did is booked as what it is, the inexplicable is found."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from makenaide.domain.errors import Inconsistent, Misconfigured
from makenaide.domain.money import Quantity
from makenaide.domain.order import Leg
from makenaide.domain.reason import Exit
from makenaide.exchange.simulator.core.treasury import TransferState
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ALL_SCOPES, ApiKey, FaceSettings
from makenaide.execution.leave import leave
from makenaide.execution.reconcile import reconcile
from makenaide.execution.reconcile.book import Bookkeeper
from makenaide.execution.reconcile.facts import Booking, Dust, Explained
from makenaide.execution.reconcile.resolve import Resolver, Said
from makenaide.ledger.lots import Lot
from makenaide.pipeline.valuation import value_account
from makenaide.store.db import Database
from makenaide.store.journal import all_fills, books, flows
from makenaide.store.orders import orders_of_position
from makenaide.store.reconciliation import Decision, FindingKind, open_findings, outside_of_order
from tests.contract.charts import ETH, XRP, Chart, bitcoin, tape
from tests.contract.faults import Fault, Kind
from tests.contract.manual import Person, audit, reconciled, require_equal
from tests.contract.trading import KEYS, NAME, Exchange, Trader, open_trader, whole

DAYS = 60
WORLD = tape(
    bitcoin(DAYS, parts=1),
    Chart(market=ETH, price=5_000_000, days=[0.0005] * DAYS, parts=1),
    Chart(market=XRP, price=800, days=[0.0005] * DAYS, parts=1),
)


SEEING = ALL_SCOPES | {"view_deposits", "view_withdrawals"}
"""A key that sees transfers, and moves none."""


@pytest.fixture
def trader(journal: Database) -> Trader:
    """An account with ten million won, reconciled once."""
    trader = open_trader(journal, Exchange(tape=WORLD, scopes=SEEING))
    assert reconciled(trader).comparison.equal is True
    return trader


@pytest.fixture
def person(trader: Trader) -> Person:
    """Beside it."""
    return Person(trader)


def causes(trader: Trader) -> list[str]:
    """What was explained, and that nothing is left to be decided."""
    state = reconciled(trader)
    assert state.comparison.equal is True
    assert state.comparison.differences == ()
    assert state.findings == ()
    assert state.account_open
    assert state.closed_markets == frozenset()
    require_equal(trader)
    return [str(each.cause) for each in state.verdicts if isinstance(each, Explained)]


def resolver(trader: Trader) -> Resolver:
    return Resolver(
        desk=trader.desk,
        account=trader.account,
        bid=lambda market: trader.session.venue.books([market])[market].best_bid,
    )


def said(how: Decision, note: str = "it was me") -> Said:
    return Said(how=how, note=note, actor="person test")


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


# ---- unknown ----


@pytest.mark.parametrize(("currency", "amount"), [("XRP", "10"), ("ETH", "-0.01"), ("KRW", "-5000"), ("KRW", "7")])
def test_a_change_with_neither_order_nor_transfer_is_a_finding_with_one_alarm_until_a_person_decides(
    trader: Trader, currency: str, amount: str
) -> None:
    trader.buy(ETH, "0.1")
    trader.exchange.deposit(currency, Decimal(amount))
    before = books(trader.db, trader.account.account_id)
    for _ in range(3):
        state = reconciled(trader)
        assert state.comparison.equal is False
    assert books(trader.db, trader.account.account_id) == before, "never booked"
    assert trader.alarms() == ["alarm.books_differ"], "a person is called once"
    (finding,) = state.findings
    assert (finding.kind, finding.subject) == (FindingKind.BOOKS_DIFFER, currency)
    assert finding.evidence["difference"] == amount
    assert state.account_open is (currency != "KRW"), "won close the account, a coin its market only"
    assert state.closed_markets == (frozenset() if currency == "KRW" else {f"KRW-{currency}"})


@pytest.mark.parametrize(
    ("how", "currency", "amount"),
    [
        (Decision.DEPOSIT, "KRW", "7"),
        (Decision.WITHDRAWAL, "KRW", "-7"),
        (Decision.ADJUSTMENT, "KRW", "-7"),
        (Decision.AIRDROP, "XRP", "10"),
        (Decision.MANUAL, "XRP", "10"),
    ],
)
def test_a_person_decides_what_it_was_and_the_books_tell_it(
    trader: Trader, person: Person, how: Decision, currency: str, amount: str
) -> None:
    trader.exchange.deposit(currency, Decimal(amount))
    (finding,) = reconciled(trader).findings
    trader.clock.sleep(60)
    resolver(trader).resolve(finding.finding_id, said(how))
    assert causes(trader) == []
    moved = [amount for _, amount in flows(trader.db, trader.account.account_id)][1:]
    if currency == "KRW":
        assert [str(each) for each in moved] == ([] if how is Decision.ADJUSTMENT else [amount])
    else:
        assert person.lots() == {"XRP": Lot(Decimal(10), None)}
    (row,) = audit(trader, "finding.end")
    assert (row.actor, row.detail["how"], row.detail["note"]) == ("person test", how, "it was me")
    with pytest.raises(Misconfigured, match="it ended as"):
        resolver(trader).resolve(finding.finding_id, said(how))


def test_coins_of_ours_that_left_shrink_the_position_at_their_worth_once_a_person_says_so(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    trader.clock.sleep(60)
    before = value_account(trader.db, trader.session.venue, trader.account)
    trader.exchange.deposit("ETH", Decimal("-0.04"))
    (finding,) = reconciled(trader).findings
    assert [str(each.facts.quantity) for each in trader.positions()] == ["0.1"], "never flattened by itself"
    trader.clock.sleep(60)
    resolver(trader).resolve(finding.finding_id, said(Decision.WITHDRAWAL))
    assert causes(trader) == []
    assert [str(each.facts.quantity) for each in trader.positions()] == ["0.06"]
    after = value_account(trader.db, trader.session.venue, trader.account)
    assert after.cash == before.cash, "no won came for them"
    left = flows(trader.db, trader.account.account_id)[-1][1]
    assert abs((before.equity + left - after.equity).value) < 1000, "what left is a flow, not a loss"


def test_a_withdrawal_of_more_than_the_persons_coins_closes_its_market_and_is_laid_aside_by_a_person(
    trader: Trader, person: Person
) -> None:
    trader.buy(ETH, "0.1")
    trader.clock.sleep(60)
    transfer = person.withdraw("ETH", "0.02")
    state = reconciled(trader)
    assert sorted((each.kind, each.subject) for each in state.findings) == [
        (FindingKind.BOOKS_DIFFER, "ETH"),
        (FindingKind.UNEXPLAINED, f"withdrawal:{transfer.uuid}"),
    ]
    assert state.closed_markets == {ETH}
    assert state.account_open
    for finding in state.findings:
        trader.clock.sleep(60)
        resolver(trader).resolve(finding.finding_id, said(Decision.WITHDRAWAL))
    assert causes(trader) == []
    assert [str(each.facts.quantity) for each in trader.positions()] == ["0.08"]
    person.deposit("ETH", "1")
    assert causes(trader) == ["deposit"]
    assert person.lots()["ETH"].quantity == 1, "the old withdrawal is not taken from new coins"


def test_a_finding_ends_by_itself_when_the_deposit_comes_to_light(trader: Trader, person: Person) -> None:
    person.deposit("XRP", "10")
    venue = trader.session.venue
    hidden = replace(trader.desk, venue=_Blind(venue))  # type: ignore[arg-type]
    trader.session = replace(trader.session, desk=hidden)
    assert [each.subject for each in reconciled(trader).findings] == ["XRP"]
    trader.session = replace(trader.session, desk=replace(hidden, venue=venue))
    assert causes(trader) == ["deposit"]
    (row,) = audit(trader, "finding.end")
    assert (row.actor, row.detail["how"]) == ("reconcile", "explained")


class _Blind:
    """A venue whose deposits are not listed yet."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def deposits(self, currency: str | None = None, most: int = 1000) -> tuple[()]:
        return ()

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


def test_a_key_that_may_not_see_transfers_leaves_a_difference_unknown(trader: Trader, person: Person) -> None:
    keys = [ApiKey(access=KEYS.access, secret=KEYS.secret, account=NAME, scopes=ALL_SCOPES)]
    trader.wire.inner.inner = Face(trader.exchange.venue, keys, FaceSettings())  # type: ignore[attr-defined]
    person.deposit("KRW", "500000")
    state = reconciled(trader)
    assert state.comparison.equal is False
    assert state.findings[0].evidence["transfers"] == "this key may not see them"
    assert not state.account_open


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/orders/closed", "/v1/orders/open", "/v1/deposits"])
def test_not_being_able_to_look_is_unknown_and_no_finding(trader: Trader, person: Person, path: str) -> None:
    person.deposit("KRW", "500000")
    trader.wire.faults.append(Fault(kind=Kind.SERVER_ERROR, method="GET", path=path, times=99))
    state = reconciled(trader)
    assert state.comparison.equal is None
    assert not state.account_open
    assert state.findings == ()
    assert trader.alarms() == []
    trader.wire.faults.clear()
    assert causes(trader) == ["deposit"]


def test_an_order_of_ours_that_the_books_do_not_know_is_found_and_may_be_booked_as_manual(
    trader: Trader, person: Person
) -> None:
    person.moment()
    name = "mk1-0001-KRW-XRP-20260103T0900-e01"
    body = {"market": XRP, "side": "bid", "ord_type": "price", "price": "20000", "identifier": name}
    trader.exchange.venue.place(NAME, body)
    waiting = reconciled(trader, elsewhere=lambda identifier: identifier == name)
    assert (waiting.comparison.equal, waiting.findings) == (None, ()), "another journal is imported first"
    assert waiting.closed_markets == {XRP}
    state = reconciled(trader)
    found = {each.kind: each for each in state.findings}
    assert found.keys() == {FindingKind.ORDER_UNKNOWN, FindingKind.BOOKS_DIFFER}
    assert XRP in state.closed_markets
    assert found[FindingKind.ORDER_UNKNOWN].subject == name
    resolver(trader).resolve(found[FindingKind.ORDER_UNKNOWN].finding_id, said(Decision.MANUAL))
    assert "manual_buy" in causes(trader)
    assert person.lots()["XRP"].quantity == trader.exchange.balances()["XRP"]


def test_an_order_of_another_installation_is_a_persons(trader: Trader, person: Person) -> None:
    person.moment()
    body = {"market": XRP, "side": "bid", "ord_type": "price", "price": "20000"}
    trader.exchange.venue.place(NAME, body | {"identifier": "mk1-ffff-KRW-XRP-20260103T0900-e01"})
    assert set(causes(trader)) == {"manual_buy"}


def test_an_order_of_ours_that_the_venue_does_not_know_is_found(trader: Trader) -> None:
    order = trader.buy(ETH, "0.1")
    orders = trader.exchange.venue.accounts[NAME].orders
    for uuid in [uuid for uuid, each in orders.items() if each.ticket.identifier == order.identifier]:
        del orders[uuid]
    trader.session = replace(
        trader.session,
        desk=replace(trader.desk, venue=_Forgetful(trader.session.venue, order.identifier)),  # type: ignore[arg-type]
    )
    state = reconciled(trader)
    assert [(each.kind, each.subject) for each in state.findings] == [
        (FindingKind.ORDER_MISSING, order.identifier)
    ]
    assert state.closed_markets == {ETH}
    trader.session = replace(trader.session, desk=replace(trader.desk, venue=trader.session.venue))


class _Forgetful:
    """A venue that lost one order."""

    def __init__(self, inner: object, identifier: str) -> None:
        self._inner = inner
        self._lost = identifier

    def closed_orders(self, *window: object) -> list[object]:
        found = self._inner.closed_orders(*window)  # type: ignore[attr-defined]
        return [each for each in found if each.identifier != self._lost]

    def orders(self, identifiers: list[str]) -> dict[str, object]:
        return {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)


# ---- rest, and dust ----


def test_balances_are_compared_ten_seconds_after_the_last_change(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    done = trader.clock.now()
    looked: list[timedelta] = []
    trader.wire.seen = lambda request: (
        looked.append(trader.clock.now() - done) if request.path == "/v1/accounts" else None
    )
    state = reconcile(trader.desk, trader.account.account_id)
    assert state.comparison.equal is True
    assert len(looked) == 3
    assert looked[0] >= timedelta(seconds=9)


def test_balances_that_move_all_the_time_are_not_compared_and_found_nothing(trader: Trader) -> None:
    def stir(request: object) -> None:
        if getattr(request, "path", "") == "/v1/accounts":
            trader.exchange.deposit("XRP", Decimal(1))

    trader.wire.seen = stir
    state = reconciled(trader)
    assert state.comparison.equal is None
    assert state.comparison.differences == ("not comparable yet: the balances move",)
    assert not state.account_open
    assert open_findings(trader.db, trader.account.account_id) == ()


def test_dust_goes_to_the_rounding_account_and_never_more_than_a_won_a_day(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    for change in ("0.01", "-0.004"):
        trader.exchange.deposit("KRW", Decimal(change))
        state = reconciled(trader)
        assert state.comparison.equal is True
        assert [each.amount for each in state.verdicts if isinstance(each, Dust)] == [Decimal(change)]
        require_equal(trader)
    trader.exchange.deposit("KRW", Decimal("0.02"))
    assert reconciled(trader).comparison.equal is False, "no trade, so no rounding of two"


def test_a_list_of_trades_that_is_not_whole_yet_is_waited_for(trader: Trader, person: Person) -> None:
    person.buy(XRP, "20000")
    trader.wire.faults.append(Fault(kind=Kind.NO_TRADES, method="GET", path="/v1/order", times=99, about="uuid"))
    state = reconciled(trader)
    assert (state.comparison.equal, state.findings) == (None, ())
    trader.wire.faults.clear()
    trader.clock.sleep(86_400)
    assert set(causes(trader)) == {"manual_buy"}, "remembered, though its window has been looked through"
