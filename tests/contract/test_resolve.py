"""A person's decision: looked at first, of what was told, of that kind, and never booked twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.errors import Misconfigured, Unavailable, UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.money import Krw
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ALL_SCOPES, ApiKey, FaceSettings
from makenaide.execution.reconcile.resolve import Resolver, Said
from makenaide.pipeline.cycle import run_cycle
from makenaide.store.db import Database
from makenaide.store.journal import books, flows
from makenaide.store.reconciliation import Decision, Finding, FindingKind, open_foreign
from tests.contract.charts import ETH, FIRST, XRP
from tests.contract.faults import Fault, Kind
from tests.contract.manual import SEEING, WORLD, Person, audit, causes, reconciled, require_equal
from tests.contract.test_reconcile_ends import decide, through
from tests.contract.trading import KEYS, NAME, Exchange, Trader, open_trader


def found(trader: Trader) -> Finding:
    (finding,) = reconciled(trader).findings
    return finding


def test_what_explains_itself_meanwhile_is_booked_as_what_it_is_and_not_decided_with_the_rest(
    trader: Trader, person: Person
) -> None:
    trader.exchange.deposit("XRP", Decimal(10))
    finding = found(trader)
    person.buy(XRP, "20000")
    decide(trader, finding.finding_id, Decision.AIRDROP)
    lines = trader.db.rows("lot_all", account_id=trader.account.account_id)
    assert Decimal(10) in [row.quantity for row in lines], "the airdrop alone"
    assert causes(trader) == []


def test_a_deposit_meanwhile_is_a_flow_and_no_result(trader: Trader, person: Person) -> None:
    trader.exchange.deposit("KRW", Decimal(7))
    finding = found(trader)
    person.deposit("KRW", "5000000")
    decide(trader, finding.finding_id, Decision.ADJUSTMENT)
    assert flows(trader.db, trader.account.account_id)[-1][1] == Krw(5_000_000)
    assert causes(trader) == []
    person.buy(XRP, "20000")
    assert "manual_buy" in causes(trader)


def test_a_difference_that_changed_is_not_decided_but_told_anew(trader: Trader) -> None:
    trader.exchange.deposit("XRP", Decimal(10))
    first = found(trader)
    trader.exchange.deposit("XRP", Decimal(5))
    with pytest.raises(Misconfigured, match=r"another by now: look at finding \d+ and decide that"):
        decide(trader, first.finding_id, Decision.AIRDROP)
    second = found(trader)
    assert (first.evidence["difference"], second.evidence["difference"]) == ("10", "15")
    assert len(audit(trader, "alarm.books_differ")) == 2
    decide(trader, second.finding_id, Decision.AIRDROP)
    assert causes(trader) == []


def test_an_order_of_ours_in_doubt_is_settled_first_and_decided_by_nobody(trader: Trader) -> None:
    trader.exchange.deposit("XRP", Decimal(10))
    finding = found(trader)
    order = trader.entry(XRP, "100")
    trader.wire.faults += [
        Fault(kind=Kind.REPLY_LOST, method="POST", path="/v1/orders"),
        Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/order", times=99),
    ]
    trader.desk.submit(lambda: order)
    with pytest.raises(Unavailable):
        decide(trader, finding.finding_id, Decision.AIRDROP)
    trader.wire.faults.clear()
    decide(trader, finding.finding_id, Decision.AIRDROP)
    assert causes(trader) == []
    assert [str(each.facts.quantity) for each in trader.positions()] == ["100"]


def test_what_is_unexplained_of_a_currency_is_decided_before_its_balance(trader: Trader, person: Person) -> None:
    trader.exchange.deposit("ETH", Decimal("0.05"))
    person.sell(ETH, "0.05")
    findings = {each.kind: each for each in reconciled(trader).findings}
    won, sale = findings[FindingKind.BOOKS_DIFFER], findings[FindingKind.UNEXPLAINED]
    with pytest.raises(Misconfigured, match=f"finding {sale.finding_id} is about KRW too"):
        decide(trader, won.finding_id, Decision.DEPOSIT)
    decide(trader, sale.finding_id, Decision.MANUAL)
    decide(trader, won.finding_id, Decision.DEPOSIT)
    assert causes(trader) == []
    person.deposit("ETH", "1")
    assert causes(trader) == ["deposit"], "the sale is not booked on top"


@pytest.mark.parametrize("times", [1, 2])
def test_a_deposit_that_is_listed_after_its_decision_is_never_booked_twice(
    trader: Trader, person: Person, times: int
) -> None:
    through(trader, deposits=lambda *more: ())
    for _ in range(times):
        person.deposit("KRW", "500000")
    finding = found(trader)
    decide(trader, finding.finding_id, Decision.DEPOSIT)
    assert causes(trader) == []
    through(trader)
    person.buy(XRP, "20000")
    assert set(causes(trader)) == {"manual_buy"}
    assert flows(trader.db, trader.account.account_id)[1][1] == Krw(500_000 * times)
    assert len(audit(trader, "reconcile.decided")) == times
    person.deposit("KRW", "500000")
    assert causes(trader) == ["deposit"], "a new one is a new one"


def test_a_withdrawal_that_the_key_may_not_see_any_more_can_be_laid_aside(trader: Trader, person: Person) -> None:
    trader.buy(ETH, "0.1")
    trader.clock.sleep(60)
    person.withdraw("ETH", "0.02")
    findings = {each.kind: each for each in reconciled(trader).findings}
    keys = [ApiKey(access=KEYS.access, secret=KEYS.secret, account=NAME, scopes=ALL_SCOPES)]
    inner: Any = trader.wire.inner
    inner.inner = Face(trader.exchange.venue, keys, FaceSettings())
    decide(trader, findings[FindingKind.UNEXPLAINED].finding_id, Decision.WITHDRAWAL)
    decide(trader, findings[FindingKind.BOOKS_DIFFER].finding_id, Decision.WITHDRAWAL)
    assert causes(trader) == []
    assert [str(each.facts.quantity) for each in trader.positions()] == ["0.08"]


def test_an_order_of_a_persons_that_vanished_and_is_found_again_ends_its_finding(
    trader: Trader, person: Person
) -> None:
    person.buy(XRP, "20000")
    causes(trader)
    person.sell(XRP, "10", price="900")
    causes(trader)
    through(trader, open_orders=lambda *more: [], by_uuid=lambda uuid: None)
    assert found(trader).kind is FindingKind.ORDER_MISSING
    through(trader)
    assert causes(trader) == []


def _never_whole(trader: Trader) -> Callable[[str], Any]:
    def short(uuid: str) -> Any:
        placed = trader.session.venue.by_uuid(uuid)
        return placed and replace(placed, trades=())

    return short


def _nonsense(trader: Trader) -> Callable[[str], Any]:
    def cheaper(uuid: str) -> Any:
        placed = trader.session.venue.by_uuid(uuid)
        return placed and replace(placed, paid_fee=Krw(-1))

    return cheaper


@pytest.mark.parametrize("spoilt", [_never_whole, _nonsense])
@pytest.mark.parametrize("mended", [True, False])
def test_an_order_in_the_app_that_can_never_be_judged_becomes_a_finding(
    trader: Trader, person: Person, spoilt: Callable[[Trader], Callable[[str], Any]], *, mended: bool
) -> None:
    order = person.buy(XRP, "20000")
    through(trader, by_uuid=spoilt(trader))
    assert reconciled(trader).findings == (), "it may be listed late"
    trader.clock.sleep(900)
    state = reconciled(trader)
    assert {(each.kind, each.subject) for each in state.findings} == {
        (FindingKind.ORDER_DIFFERS, order.uuid),
        (FindingKind.BOOKS_DIFFER, "KRW"),
        (FindingKind.BOOKS_DIFFER, "XRP"),
    }
    if mended:
        through(trader)
        assert set(causes(trader)) == {"manual_buy"}
        return
    for each in state.findings:
        decide(trader, each.finding_id, Decision.ADJUSTMENT)
    assert causes(trader) == []
    assert open_foreign(trader.db, trader.account.account_id) == ()


def test_coins_of_ours_of_a_market_that_left_the_venue_are_valued_by_the_rule_of_the_delisted(
    trader: Trader,
) -> None:
    trader.buy(ETH, "0.1")
    run_cycle(trader.session, FIRST)
    trader.exchange.deposit("ETH", Decimal("-0.04"))
    finding = found(trader)

    def gone(market: Market) -> None:
        raise UnknownMarket("gone")

    decide(trader, finding.finding_id, Decision.WITHDRAWAL, bid=gone)
    assert causes(trader) == []
    assert [str(each.facts.quantity) for each in trader.positions()] == ["0.06"]


def test_all_numbers_are_looked_at_before_anything_is_booked_and_the_kind_must_fit(trader: Trader) -> None:
    trader.exchange.deposit("XRP", Decimal(10))
    finding = found(trader)
    resolver = Resolver(desk=trader.desk, account=trader.account, bid=lambda market: None)
    with pytest.raises(Misconfigured, match="finding 9999: there is none"):
        resolver.require([finding.finding_id, 9999], Decision.AIRDROP)
    with pytest.raises(Misconfigured, match="is one of deposit, airdrop"):
        resolver.resolve(finding.finding_id, Said(how=Decision.WITHDRAWAL, note="", actor="p"))
    assert found(trader) == finding
    order = trader.buy(ETH, "0.1")
    through(trader, closed_orders=lambda *window: [], orders=lambda names: {})
    (missing,) = [each for each in reconciled(trader).findings if each.subject == order.identifier]
    with pytest.raises(Misconfigured, match="order_missing is one of adjustment"):
        resolver.require([missing.finding_id], Decision.DEPOSIT)


def test_dust_of_which_nobody_tells_the_price_is_waited_for_and_each_currency_answers_for_itself(
    trader: Trader,
) -> None:
    trader.buy(ETH, "0.1")
    trader.exchange.deposit("KRW", Decimal("0.005"))
    trader.exchange.deposit("ETH", Decimal("0.00000001"))
    trader.wire.faults.append(Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/ticker", times=99))
    blind = reconciled(trader)
    assert (blind.comparison.equal, blind.findings) == (None, ())
    trader.wire.faults.clear()
    trader.clock.sleep(60)
    assert causes(trader) == []
    require_equal(trader)


def test_an_account_that_was_never_opened_is_closed_and_books_no_history(
    journal: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.contract.trading.put_postings", lambda *more: None)
    trader = open_trader(journal, Exchange(tape=WORLD, scopes=SEEING, won=Decimal(0)))
    Person(trader).deposit("KRW", "9000000")
    trader.clock.sleep(timedelta(days=1).total_seconds())
    state = reconciled(trader)
    assert (state.comparison.equal, state.account_open) == (None, False)
    assert "never opened" in state.comparison.differences[0]
    assert books(journal, trader.account.account_id) == {}
