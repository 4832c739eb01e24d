"""Reconciling with the simulated venue: what nobody can explain is found, and decided by a person."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ALL_SCOPES, ApiKey, FaceSettings
from makenaide.execution.reconcile import reconcile
from makenaide.execution.reconcile.facts import Dust
from makenaide.execution.reconcile.resolve import Resolver, Said
from makenaide.ledger.lots import Lot
from makenaide.pipeline.valuation import value_account
from makenaide.store.journal import books, flows
from makenaide.store.reconciliation import Decision, FindingKind, open_findings
from tests.contract.charts import ETH, FIRST, XRP
from tests.contract.faults import Fault, Kind
from tests.contract.manual import Person, audit, causes, reconciled, require_equal
from tests.contract.trading import KEYS, NAME, Trader


def resolver(trader: Trader) -> Resolver:
    return Resolver(
        desk=trader.desk,
        account=trader.account,
        bid=lambda market: trader.session.venue.books([market])[market].best_bid,
    )


def said(how: Decision, note: str = "it was me") -> Said:
    return Said(how=how, note=note, actor="person test")


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


@dataclass(frozen=True)
class Told:
    """Another process of ours that tells of one order, and has nothing new."""

    name: str

    def take_in(self) -> int:
        return 0

    def knows(self, name: str) -> bool:
        return name == self.name


def test_an_order_of_ours_that_the_books_do_not_know_is_found_and_may_be_booked_as_manual(
    trader: Trader, person: Person
) -> None:
    person.moment()
    name = "mk1-0001-KRW-XRP-20260103T0900-e01"
    body = {"market": XRP, "side": "bid", "ord_type": "price", "price": "20000", "identifier": name}
    trader.exchange.venue.place(NAME, body)
    waiting = reconciled(trader, other=Told(name))
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
    for number, change in enumerate(("0.01", "-0.004")):
        trader.buy(ETH, "0.1", slot=FIRST + timedelta(days=number))
        trader.exchange.deposit("KRW", Decimal(change))
        state = reconciled(trader)
        assert state.comparison.equal is True
        assert [each.lines[0].amount for each in state.verdicts if isinstance(each, Dust)] == [Decimal(change)]
        require_equal(trader)
    trader.exchange.deposit("KRW", Decimal("0.01"))
    assert reconciled(trader).comparison.equal is False, "no trade since, so no rounding"


def test_a_list_of_trades_that_is_not_whole_yet_is_waited_for(trader: Trader, person: Person) -> None:
    person.buy(XRP, "20000")
    trader.wire.faults.append(Fault(kind=Kind.NO_TRADES, method="GET", path="/v1/order", times=99, about="uuid"))
    state = reconciled(trader)
    assert (state.comparison.equal, state.findings) == (None, ())
    trader.wire.faults.clear()
    trader.clock.sleep(86_400)
    assert set(causes(trader)) == {"manual_buy"}, "remembered, though its window has been looked through"
