"""How findings end, by themselves or by a person; and what happened before an account was opened."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.errors import Inconsistent, Misconfigured, Unavailable
from makenaide.domain.intent import StoredOrder
from makenaide.domain.money import Krw, Quantity
from makenaide.domain.order import Leg, PositionId, identifier
from makenaide.execution.reconcile import reconcile
from makenaide.execution.reconcile.book import postings
from makenaide.execution.reconcile.facts import Booking
from makenaide.execution.reconcile.look import Looker
from makenaide.execution.reconcile.resolve import Resolver, Said
from makenaide.ledger.lots import Lot, LotChange
from makenaide.ledger.postings import cash_postings
from makenaide.store.db import Database
from makenaide.store.journal import flaws, put_postings
from makenaide.store.orders import commit_order
from makenaide.store.reconciliation import Decision, FindingKind, find_finding, open_foreign, put_lots
from makenaide.store.runs import AuditEntry, put_audit
from tests.contract.charts import ETH, XRP
from tests.contract.faults import Fault, Kind
from tests.contract.manual import SEEING, WORLD, Person, audit, causes, reconciled, require_equal
from tests.contract.trading import NAME, Exchange, Trader, open_trader


@pytest.fixture
def trader(journal: Database) -> Trader:
    """An account with ten million won, reconciled once."""
    trader = open_trader(journal, Exchange(tape=WORLD, scopes=SEEING))
    assert reconciled(trader).comparison.equal is True
    return trader


class Altered:
    """The trader's venue with some calls answered otherwise."""

    def __init__(self, inner: object, **calls: Callable[..., Any]) -> None:
        self._inner = inner
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        return self._calls.get(name) or getattr(self._inner, name)


def through(trader: Trader, **calls: Callable[..., Any]) -> None:
    """From now on the desk asks a venue that answers `calls` so (none: the real one)."""
    venue: Any = Altered(trader.session.venue, **calls)
    trader.session = replace(trader.session, desk=replace(trader.desk, venue=venue))


def decide(trader: Trader, number: int, how: Decision = Decision.ADJUSTMENT, **more: Any) -> None:
    trader.clock.sleep(60)
    bid = more.get("bid", lambda market: trader.session.venue.books([market])[market].best_bid)
    said = Said(how=how, note="", actor="person test")
    Resolver(desk=trader.desk, account=trader.account, bid=bid).resolve(number, said)


def test_an_order_of_ours_that_is_imported_later_ends_its_finding(trader: Trader) -> None:
    trader.exchange.venue.advance(trader.clock.now())
    position = PositionId("KRW-XRP-20260103T0900")
    name = identifier("0001", position, Leg.ENTRY, 1)
    ask = str(trader.exchange.venue.floor.book(XRP).asks[0][0])
    body = {
        "market": XRP,
        "side": "bid",
        "ord_type": "limit",
        "price": ask,
        "volume": "100",
        "time_in_force": "ioc",
    }
    trader.exchange.venue.place(NAME, body | {"identifier": name})
    assert FindingKind.ORDER_UNKNOWN in {each.kind for each in reconciled(trader).findings}
    entry = trader.entry(XRP, "100", price=ask)
    with trader.db.transaction():
        commit_order(trader.db, entry)
    assert causes(trader) == []
    assert {row.detail["how"] for row in audit(trader, "finding.end")} == {"explained"}
    assert [str(each.facts.quantity) for each in trader.positions()] == ["100"]


def test_an_order_that_the_venue_lost_and_found_again_ends_its_finding(trader: Trader) -> None:
    order = trader.buy(ETH, "0.1")
    through(trader, closed_orders=lambda *window: [], orders=lambda names: {})
    assert [each.subject for each in reconciled(trader).findings] == [order.identifier]

    def fails(names: object) -> object:
        raise Unavailable("not now")

    through(trader, orders=fails)
    assert [each.subject for each in reconciled(trader).findings] == [order.identifier], "not known is not found"
    through(trader)
    assert causes(trader) == []
    assert [row.detail["how"] for row in audit(trader, "finding.end")] == ["explained"]


def test_an_order_of_which_the_venue_shows_another_amount_waits_for_a_person(trader: Trader) -> None:
    order = trader.buy(ETH, "0.1")
    venue = trader.session.venue

    def more(*window: Any) -> list[Any]:
        return [replace(each, executed=Quantity("0.2")) for each in venue.closed_orders(*window)]

    through(trader, closed_orders=more)
    (finding,) = reconciled(trader).findings
    assert (finding.kind, finding.subject) == (FindingKind.ORDER_DIFFERS, order.identifier)
    assert (finding.evidence["filled"], finding.evidence["executed"]) == ("0.1", "0.2")
    through(trader)
    assert reconciled(trader).findings == (finding,), "it does not end by itself"
    decide(trader, finding.finding_id)
    assert causes(trader) == []
    through(trader, closed_orders=more)
    assert reconciled(trader).findings == (), "decided once and for all"


def test_an_order_in_the_app_that_vanishes_closes_the_account_until_a_person_decides(trader: Trader) -> None:
    person = Person(trader)
    person.deposit("XRP", "1000")
    reconciled(trader)
    best = trader.exchange.venue.floor.book(XRP).asks[0][0]
    order = person.sell(XRP, "1000", price=str(int(best * 2)))
    assert causes(trader) == []
    assert open_foreign(trader.db, trader.account.account_id) == (order.uuid,)
    venue = trader.session.venue
    through(trader, open_orders=lambda market=None: [], by_uuid=lambda uuid: None)
    state = reconciled(trader)
    assert [(each.kind, each.subject) for each in state.findings] == [(FindingKind.ORDER_MISSING, order.uuid)]
    assert not state.account_open
    decide(trader, state.findings[0].finding_id)
    assert open_foreign(trader.db, trader.account.account_id) == ()
    assert venue.by_uuid(order.uuid) is not None


def test_an_order_in_the_app_that_is_cancelled_unfilled_is_forgotten(trader: Trader) -> None:
    person = Person(trader)
    person.deposit("XRP", "1000")
    reconciled(trader)
    order = person.sell(XRP, "1000", price=str(int(trader.exchange.venue.floor.book(XRP).asks[0][0] * 2)))
    assert causes(trader) == []
    trader.exchange.venue.cancel(trader.exchange.venue.accounts[NAME].orders[order.uuid])
    assert causes(trader) == []
    assert open_foreign(trader.db, trader.account.account_id) == ()


def test_coins_that_left_were_the_persons_first_and_then_ours(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    trader.clock.sleep(60)
    Person(trader).deposit("ETH", "0.05")
    reconciled(trader)
    trader.exchange.deposit("ETH", Decimal("-0.06"))
    (finding,) = reconciled(trader).findings

    def nobody(market: object) -> None:
        return None

    with pytest.raises(Unavailable, match="nobody bids"):
        decide(trader, finding.finding_id, bid=nobody)
    decide(trader, finding.finding_id, Decision.WITHDRAWAL)
    assert causes(trader) == []
    assert Person(trader).lots() == {}
    assert [str(each.facts.quantity) for each in trader.positions()] == ["0.09"]


def test_rounding_that_was_booked_goes_with_the_last_coin(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    trader.exchange.deposit("ETH", Decimal("0.00000001"))
    assert causes(trader) == []
    trader.exchange.deposit("ETH", Decimal("-0.10000001"))
    (finding,) = reconciled(trader).findings
    decide(trader, finding.finding_id, Decision.WITHDRAWAL)
    assert causes(trader) == []
    assert trader.positions() == ()


def test_a_difference_that_is_gone_by_now_is_nothing_to_decide_any_more(trader: Trader) -> None:
    for currency in ("KRW", "XRP"):
        trader.exchange.deposit(currency, Decimal(7))
        (finding,) = reconciled(trader).findings
        trader.exchange.deposit(currency, Decimal(-7))
        before = len(trader.db.rows("lot_all", account_id=trader.account.account_id))
        with pytest.raises(Misconfigured, match="it ended as explained"):
            decide(trader, finding.finding_id, Decision.DEPOSIT)
        assert len(trader.db.rows("lot_all", account_id=trader.account.account_id)) == before
        assert causes(trader) == []


def test_nothing_is_decided_on_balances_that_move_or_cannot_be_read(trader: Trader) -> None:
    trader.exchange.deposit("XRP", Decimal(7))
    (finding,) = reconciled(trader).findings
    trader.wire.faults.append(Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/accounts", times=99))
    with pytest.raises(Unavailable):
        decide(trader, finding.finding_id)
    trader.wire.faults.clear()
    trader.clock.sleep(60)
    trader.wire.seen = lambda request: (
        trader.exchange.deposit("XRP", Decimal(1)) if request.path == "/v1/accounts" else None
    )
    with pytest.raises(Unavailable, match="not comparable yet"):
        decide(trader, finding.finding_id)
    found = find_finding(trader.db, trader.account.account_id, finding.finding_id)
    assert found is not None
    assert found[1] is None
    assert flaws(trader.db, trader.account.account_id) == ()


def test_an_order_that_moves_while_balances_are_read_is_waited_for(trader: Trader) -> None:
    moved: list[StoredOrder] = []

    def act(request: Any) -> None:
        if request.path == "/v1/accounts" and not moved:
            moved.append(trader.entry(ETH, "0.1"))
            with trader.db.transaction():
                commit_order(trader.db, moved[0])

    trader.wire.seen = act
    state = reconciled(trader)
    assert state.comparison.equal is True, "looked at again in a calm"
    assert state.closed_markets == {ETH}


def test_what_happened_before_the_opening_is_in_its_money_and_never_booked(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=WORLD, scopes=SEEING))
    person = Person(trader)
    person.buy(XRP, "100000")
    person.deposit("KRW", "5000")
    trader.clock.sleep(5)
    key, now, held = trader.account.account_id, trader.clock.now(), trader.exchange.balances()
    with journal.transaction():
        coins = (LotChange(currency="XRP", quantity=held["XRP"], cost=None),)
        put_postings(journal, key, cash_postings("cash:rest", Krw(held["KRW"] - 10_000_000), now))
        put_postings(journal, key, postings(Booking(source="coins:opening", at=now, lots=coins)))
        put_lots(journal, key, "coins:opening", coins, now)
        put_audit(journal, AuditEntry(account_id=key, at=now, actor="t", action="account.open", detail={}))
    assert causes(trader) == []
    person.sell(XRP, "50")
    assert set(causes(trader)) == {"manual_sell"}
    assert person.lots()["XRP"] == Lot(held["XRP"] - 50, None)
    require_equal(trader)


def test_more_than_a_hundred_transfers_are_read_further_back(trader: Trader) -> None:
    person = Person(trader)
    for _ in range(105):
        person.deposit("KRW", "1000")
    assert causes(trader) == ["deposit"] * 105


def test_an_account_that_is_not_stored_cannot_be_reconciled(trader: Trader) -> None:
    with pytest.raises(Inconsistent, match="account ffffffffffff is not stored"):
        reconcile(trader.desk, "ffffffffffff")
    never = replace(trader.account, account_id="ffffffffffff")
    with pytest.raises(Inconsistent, match="never opened"):
        Looker(db=trader.db, venue=trader.session.venue, account=never).transfers()
    assert Looker(db=trader.db, venue=trader.session.venue, account=trader.account).transfers() == ()


def test_an_order_that_the_venue_lists_late_is_found_in_the_overlap_and_ends_the_findings(trader: Trader) -> None:
    Person(trader).buy(XRP, "100000")
    through(trader, closed_orders=lambda *window: [])
    assert {each.subject for each in reconciled(trader).findings} == {"KRW", "XRP"}
    through(trader)
    assert set(causes(trader)) == {"manual_buy"}, "though its moment has been looked through"


def test_an_order_that_tells_nonsense_closes_buying_and_stops_nothing_else(trader: Trader) -> None:
    Person(trader).buy(XRP, "100000")
    venue = trader.session.venue

    def cheaper(uuid: str) -> Any:
        placed = venue.by_uuid(uuid)
        return placed and replace(placed, paid_fee=Krw(-1))

    through(trader, by_uuid=cheaper)
    state = reconciled(trader)
    assert state.comparison.equal is None
    assert "orders are not listed whole yet" in state.comparison.differences[0]
    assert not state.account_open
    through(trader)
    assert set(causes(trader)) == {"manual_buy"}
