"""What a person asks for: selling, taking coins over, pausing a market; carried out once by who holds the lease."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.clock import DAY
from makenaide.domain.errors import Inconsistent, Misconfigured, Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import plain
from makenaide.domain.reason import Exit, Refusal
from makenaide.execution.adopt import Declined, Takeover, free_position, require_percent
from makenaide.execution.pausing import Paused
from makenaide.execution.wishes import Clerk
from makenaide.ledger.lots import Lot
from makenaide.pipeline.cycle import run_cycle
from makenaide.pipeline.loop import Patience, run_loop
from makenaide.pipeline.report import closed_trades
from makenaide.pipeline.valuation import value_account
from makenaide.risk.settings import RiskSettings
from makenaide.store.db import Database
from makenaide.store.journal import all_fills, flaws, flows
from makenaide.store.wishes import Outcome, open_wishes, outcome_of, paused_markets, put_pause, put_wish
from tests.contract.charts import ETH, FIRST, XRP, Chart, bitcoin, tape
from tests.contract.faults import Fault, Kind
from tests.contract.manual import SEEING, Person, audit, reconciled, require_equal
from tests.contract.trading import Exchange, Trader, open_trader

WORLD = tape(
    bitcoin(6, parts=1),
    Chart(market=ETH, price=5_000_000, days=[0.0005] * 6, parts=1),
    Chart(market=XRP, price=800, days=[0.0005] * 6, parts=1),
)


@pytest.fixture
def trader(journal: Database) -> Trader:
    """An account with ten million won whose key sees transfers."""
    return open_trader(journal, Exchange(tape=WORLD, scopes=SEEING))


def clerk(trader: Trader) -> Clerk:
    return Clerk(desk=trader.desk, account=trader.account, quotes=trader.session.venue, risk=trader.session.risk)


def wish(trader: Trader, kind: str, market: Market, **detail: Any) -> int:
    if kind == "sell" and not detail:
        detail = {"positions": [each.position_id for each in trader.positions()]}
    if kind == "adopt" and "quantity" not in detail:
        detail["quantity"] = plain(Person(trader).lots().get(market[4:], Lot()).quantity)
    return put_wish(trader.db, trader.account.account_id, (kind, market, detail), "person test")


def outcome(trader: Trader, number: int) -> Outcome:
    found = outcome_of(trader.db, number)
    assert found is not None
    return found


def told(trader: Trader, number: int) -> Mapping[str, Any]:
    (part,) = outcome(trader, number).detail["positions"]
    return dict(part)


# ---- sell ----


def test_a_sale_that_is_wished_goes_through_the_sequence_of_all_exits_and_is_told(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    trader.buy(XRP, "100")
    number = wish(trader, "sell", ETH)
    assert clerk(trader).serve() == 1
    assert [each.market for each in trader.positions()] == [XRP], "of the market that was named only"
    part = told(trader, number)
    assert outcome(trader, number).done
    assert (part["sold"], part["left"], part["state"]) == ("0.1", "0", "closed")
    assert part["order"].endswith("-x01")
    assert [each.reason for each in all_fills(trader.db, trader.account.account_id)].count(Exit.MANUAL) >= 1
    assert [row.actor for row in audit(trader, "wish.sell")] == ["person test"]
    assert clerk(trader).serve() == 0
    trader.laws()


def test_an_old_wish_never_sells_what_was_bought_later(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    number = wish(trader, "sell", ETH, positions=["KRW-ETH-20250101T0900"])
    assert clerk(trader).serve() == 1
    assert outcome(trader, number).detail == {"positions": []}
    assert len(trader.positions()) == 1


@pytest.mark.parametrize("kind", [Kind.REPLY_LOST, Kind.REQUEST_LOST, Kind.SERVER_ERROR])
def test_a_sale_whose_answer_is_lost_is_settled_and_never_made_twice(trader: Trader, kind: Kind) -> None:
    trader.buy(ETH, "0.1")
    number = wish(trader, "sell", ETH)
    trader.wire.faults.append(Fault(kind=kind))
    assert clerk(trader).serve() == 1
    assert told(trader, number)["sold"] == "0.1"
    trader.laws()


def test_a_sale_that_cannot_be_settled_keeps_the_wish_open_until_it_can(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    number = wish(trader, "sell", ETH)
    trader.wire.faults += [
        Fault(kind=Kind.REPLY_LOST),
        Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/order", times=99),
    ]
    assert clerk(trader).serve() == 0
    assert [each.wish_id for each in open_wishes(trader.db, trader.account.account_id)] == [number]
    trader.wire.faults.clear()
    trader.clock.sleep(60)  # the client itself pauses after failures in a row
    assert clerk(trader).serve() == 1
    assert outcome(trader, number).done
    assert len(trader.exchange.placed()) == 2
    trader.laws()


def test_a_sale_that_the_venue_refuses_ends_the_wish_undone(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    number = wish(trader, "sell", ETH)
    trader.wire.faults.append(Fault(kind=Kind.OFFLINE, times=99))
    assert clerk(trader).serve() in (0, 1)
    trader.wire.faults.clear()
    clerk(trader).serve()
    part = told(trader, number)
    assert outcome(trader, number).done == (part["left"] == "0")
    assert Decimal(part["left"]) in (Decimal("0.1"), Decimal(0))


def test_dust_is_not_sent_to_a_venue_that_takes_no_order_so_small(trader: Trader) -> None:
    trader.buy(XRP, "10")
    trader.clock.sleep(60)
    Person(trader).sell(XRP, "7")
    assert reconciled(trader).comparison.equal is True
    number = wish(trader, "sell", XRP)
    assert clerk(trader).serve() == 1
    assert (told(trader, number)["state"], outcome(trader, number).done) == ("dust", False)


def test_a_running_trader_looks_for_wishes_every_few_seconds(journal: Database) -> None:
    exchange = Exchange(tape=WORLD)
    trader = open_trader(journal, exchange)
    trader.buy(ETH, "0.1")
    put: list[int] = []
    began = trader.clock.now()

    def stopping() -> bool:
        if not put and trader.clock.now() - began > timedelta(hours=1):
            put.append(wish(trader, "sell", ETH))
        return bool(put) and outcome_of(journal, put[0]) is not None

    trader.session = replace(trader.session, stopping=stopping)
    assert run_loop(trader.session, trader.seen.append, Patience(tries=3)) is False
    assert trader.positions() == ()


# ---- adopt ----


def test_a_lot_of_the_persons_becomes_a_position_with_a_stop_and_its_cost(trader: Trader) -> None:
    person = Person(trader)
    person.buy(ETH, "1000000")
    assert reconciled(trader).comparison.equal is True
    lot = person.lots()["ETH"]
    before = value_account(trader.db, trader.session.venue, trader.account)
    number = wish(trader, "adopt", ETH, stop="5")
    assert clerk(trader).serve() == 1
    (position,) = trader.positions()
    bid = trader.session.venue.books([ETH])[ETH].best_bid
    assert bid is not None
    found = outcome(trader, number)
    assert found.done
    assert found.detail["position"] == position.position_id
    assert (position.facts.quantity.value, position.holding.cost.value) == (lot.quantity, lot.cost)
    assert position.facts.entry == bid, "its exits measure from the price of the takeover"
    assert bid.value * Decimal("0.95") <= position.stop.price.value < bid.value * Decimal("0.951")
    assert position.stop.kind is Exit.HARD_STOP
    assert person.lots() == {}
    require_equal(trader)
    after = value_account(trader.db, trader.session.venue, trader.account)
    brought = flows(trader.db, trader.account.account_id)[-1][1]
    assert after.cash == before.cash, "no won moved"
    assert abs((after.equity - before.equity - brought).value) < Decimal("0.000001"), "a flow, no gain"
    assert clerk(trader).serve() == 0
    assert reconciled(trader).comparison.equal is True


def test_an_adopted_position_is_sold_like_any_other(trader: Trader) -> None:
    person = Person(trader)
    person.deposit("ETH", "0.2")
    reconciled(trader)
    wish(trader, "adopt", ETH, stop="7")
    clerk(trader).serve()
    (position,) = trader.positions()
    worth = position.holding.cost
    assert worth == position.facts.entry * position.facts.quantity, "no cost is known: what it was worth"
    trader.clock.sleep(60)
    wish(trader, "sell", ETH)
    clerk(trader).serve()
    assert trader.positions() == ()
    (trade,) = closed_trades(trader.db, trader.account.account_id)
    assert (trade.position, trade.exits) == (position.position_id, (Exit.MANUAL,))
    assert reconciled(trader).comparison.equal is True
    require_equal(trader)


def test_a_stop_only_rises_from_where_the_person_put_it(journal: Database) -> None:
    falling = tape(bitcoin(4), Chart(market=ETH, price=5_000_000, days=[-0.1, -0.1, 0.0005, 0.0005]))
    trader = open_trader(journal, Exchange(tape=falling, scopes=SEEING), last_slot=FIRST + 2 * DAY)
    Person(trader).deposit("ETH", "0.2")
    reconciled(trader)
    wish(trader, "adopt", ETH, stop="3")
    clerk(trader).serve()
    (position,) = trader.positions()
    assert trader.run()
    assert trader.positions() == ()
    sold = [each for each in all_fills(journal, trader.account.account_id) if each.fill.side == "ask"]
    assert {each.reason for each in sold} == {Exit.HARD_STOP}
    assert {each.position_id for each in sold} == {position.position_id}


@pytest.mark.parametrize(
    ("market", "amount", "cause"),
    [
        (XRP, None, "no coins of the person"),
        (XRP, "1", "less than the venue's minimum"),
        (Market("KRW-NOPE"), "5", "KRW-NOPE"),
        (Market("BTC-ETH"), None, ""),
    ],
)
def test_what_cannot_be_taken_over_is_declined_with_its_reason(
    trader: Trader, market: Market, amount: str | None, cause: str
) -> None:
    if amount is not None:
        Person(trader).deposit(market[4:], amount)
    reconciled(trader)
    number = wish(trader, "adopt", market, stop="5")
    assert clerk(trader).serve() == 1
    assert not outcome(trader, number).done
    assert cause in outcome(trader, number).detail["cause"]
    assert trader.positions() == ()


def test_a_venue_that_does_not_answer_leaves_the_wish_open_and_the_lot_whole(trader: Trader) -> None:
    Person(trader).deposit("ETH", "0.2")
    reconciled(trader)
    number = wish(trader, "adopt", ETH, stop="5")
    trader.wire.faults.append(Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/orderbook", times=99))
    assert clerk(trader).serve() == 0
    assert outcome_of(trader.db, number) is None
    assert Person(trader).lots() == {"ETH": Lot(Decimal("0.2"), None)}
    assert flaws(trader.db, trader.account.account_id) == ()


@pytest.mark.parametrize(("percent", "fits"), [("0.99", False), ("1", True), ("7", True), ("7.01", False)])
def test_a_stop_lies_within_the_limits_of_every_position(percent: str, fits: bool) -> None:
    if fits:
        require_percent(Decimal(percent), RiskSettings())
        return
    with pytest.raises(Misconfigured, match="--stop: expected 1 to 7 percent"):
        require_percent(Decimal(percent), RiskSettings())


# ---- pause ----


def test_a_paused_market_is_not_bought_and_still_sold_until_it_is_resumed(journal: Database) -> None:
    breaks = Chart(market=ETH, price=5_000_000, last=0.03, days=[0.0005, 0.0005])
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), breaks)))
    key, now = trader.account.account_id, trader.clock.now()
    put_pause(journal, key, (ETH, True), "person test", now)
    trader = trader.reopened()
    assert paused_markets(journal, key) == {ETH}, "also after a restart"
    run_cycle(trader.session, FIRST)
    assert trader.decisions()[ETH] == Refusal.PAUSED
    put_pause(journal, key, (ETH, False), "person test", now)
    assert paused_markets(journal, key) == frozenset()


def test_the_permit_forbids_entries_of_a_paused_market_only(trader: Trader) -> None:
    permit = Paused(db=trader.db, account_id=trader.account.account_id)
    order = trader.entry(ETH, "0.1")
    assert permit.forbids(order) is None
    put_pause(trader.db, trader.account.account_id, (ETH, True), "person test", trader.clock.now())
    forbidden = permit.forbids(order)
    assert forbidden is not None
    assert forbidden.refusal is Refusal.PAUSED
    assert permit.forbids(trader.entry(XRP, "100")) is None
    assert permit.forbids(None) is None


def test_books_that_cannot_be_read_forbid_every_entry(trader: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*args: object) -> frozenset[Market]:
        raise Unavailable("the database is gone")

    monkeypatch.setattr("makenaide.execution.pausing.paused_markets", lost)
    forbidden = Paused(db=trader.db, account_id=trader.account.account_id).forbids(trader.entry(ETH, "0.1"))
    assert forbidden is not None
    assert "cannot tell" in forbidden.cause


def test_a_sale_in_the_app_takes_from_two_positions_of_a_market_each_under_a_name_of_its_own(
    trader: Trader,
) -> None:
    trader.buy(ETH, "0.1")
    trader.clock.sleep(30)
    person = Person(trader)
    person.deposit("ETH", "0.2")
    reconciled(trader)
    wish(trader, "adopt", ETH, stop="5")
    clerk(trader).serve()
    first, second = trader.positions()
    assert first.position_id[:-2] == second.position_id[:-2], "the same hour, minutes apart"
    trader.clock.sleep(60)
    order = person.sell(ETH, "0.15")
    assert reconciled(trader).comparison.equal is True
    (left,) = trader.positions()
    assert (left.position_id, str(left.facts.quantity)) == (second.position_id, "0.15")
    names = {
        each.fill.identifier for each in all_fills(trader.db, trader.account.account_id) if each.reason == "manual"
    }
    assert names == {f"manual-{order.uuid}", f"manual-{order.uuid}-2"}
    require_equal(trader)


def test_a_position_of_the_same_minute_is_never_mixed_with_an_adopted_one(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    key, at = trader.account.account_id, trader.clock.now()
    assert free_position(trader.db, key, ETH, at) == "KRW-ETH-20260103T0901"
    assert free_position(trader.db, key, XRP, at) == "KRW-XRP-20260103T0900"


def test_coins_that_nobody_bids_for_are_not_taken_over(trader: Trader) -> None:
    Person(trader).deposit("ETH", "0.2")
    reconciled(trader)
    takeover = Takeover(desk=trader.desk, account=trader.account, risk=trader.session.risk)
    assert takeover.adopt(ETH, Decimal(5), None, Decimal("0.2")) == Declined("KRW-ETH: nobody bids")


def test_a_sale_that_meets_a_contradiction_ends_the_wish_undone_with_its_cause(
    trader: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    trader.buy(ETH, "0.1")
    number = wish(trader, "sell", ETH)

    def contradicts(*args: object) -> None:
        raise Inconsistent("it changed")

    monkeypatch.setattr("makenaide.execution.wishes.leave", contradicts)
    assert clerk(trader).serve() == 1
    assert not outcome(trader, number).done
    assert (told(trader, number)["cause"], told(trader, number)["left"]) == ("it changed", "0.1")
