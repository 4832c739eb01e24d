"""What is told afterwards: the whole rows of the audit trail, of findings, wishes and orders, word by word."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.clock import DAY
from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import plain
from makenaide.domain.order import TimeInForce
from makenaide.domain.reason import Exit
from makenaide.execution.guard.file import JOURNAL
from makenaide.execution.reconcile.resolve import Resolver, Said
from makenaide.pipeline.interlude import take_in
from makenaide.store.db import Database
from makenaide.store.journal import all_fills
from makenaide.store.reconciliation import Decision, FindingKind
from tests.contract.charts import ETH, FIRST, XRP, Chart, hours
from tests.contract.guarding import holding, never
from tests.contract.manual import Person, causes, reconciled, rows
from tests.contract.test_drain import Silent, drained, resting
from tests.contract.test_execution_booking import booked, sent
from tests.contract.test_reconcile_ends import decide, through
from tests.contract.trading import NAME, Trader, changed

STRANGER = "mk1-0001-KRW-XRP-20260103T0900-e01"


def outside(trader: Trader) -> list[Any]:
    """What happened without us, as it was dealt with."""
    query = "select source, order_uuid, kind, booked, volume, fee, detail from outside order by at, source"
    return trader.db.connection.execute(query.encode()).fetchall()


def ends(trader: Trader) -> list[tuple[str, str, str, Any]]:
    """How findings ended."""
    found = trader.db.connection.execute(
        b"select actor, how, note, detail from finding_end order by finding_id"
    ).fetchall()
    return [(row.actor, row.how, row.note, row.detail) for row in found]


def resolved(trader: Trader, number: int, how: Decision) -> Mapping[str, Any]:
    """What a person is told of a decision."""
    resolver = Resolver(
        desk=trader.desk,
        account=trader.account,
        bid=lambda market: trader.session.venue.books([market])[market].best_bid,
    )
    return resolver.resolve(number, Said(how=how, note="it was me", actor="person test"))


# ---- drain ----


def test_draining_writes_down_everything_that_it_left(trader: Trader, person: Person) -> None:
    guarded = trader.buy(XRP, "100")
    person.deposit("ETH", "1")
    foreign = person.sell(ETH, "0.1", price="9000000")
    name = resting(trader)
    entry = trader.entry(XRP, "50", price="500", slot=FIRST + DAY)
    hidden = changed(entry, time_in_force=TimeInForce.POST_ONLY)
    trader.session.venue.place(hidden.request)
    drained(trader, seconds=5.0)
    detail = {
        "policy": "wait",
        "settled": [],
        "cancelled": [],
        "guarded": [guarded.position_id],
        "unguarded": [],
        "foreign": [f"{foreign.uuid}: ask KRW-ETH wait"],
        "left": [
            f"order {name}: accepted",
            f"order {hidden.identifier}: stands open at the venue, not in the books",
        ],
    }
    assert rows(trader, "drain.%") == [("drain", "drain.left", detail)]


def test_draining_writes_down_the_positions_that_it_left_bare_and_those_that_a_person_accepts(
    trader: Trader,
) -> None:
    order = trader.buy(ETH, "0.1")
    trader.session.keeper.link = Silent()
    drained(trader, seconds=5.0)
    drained(trader, seconds=5.0, dismiss=lambda: None)
    nothing: dict[str, Any] = {"policy": "wait", "settled": [], "cancelled": [], "guarded": [], "foreign": []}
    left = [f"position {order.position_id}: the guard is not heard"]
    assert rows(trader, "drain.%") == [
        ("drain", "drain.left", nothing | {"unguarded": [], "left": left}),
        ("drain", "drain.safe", nothing | {"unguarded": [order.position_id], "left": []}),
    ]


# ---- what is explained ----


def test_transfers_are_told_with_their_source_and_every_lot_that_they_changed(
    trader: Trader, person: Person
) -> None:
    won = person.deposit("KRW", "500000")
    less = person.withdraw("KRW", "100000", "1000")
    coins = person.deposit("XRP", "1000")
    gone = person.withdraw("XRP", "10", "0.5")
    assert sorted(causes(trader)) == ["deposit", "deposit", "withdrawal", "withdrawal"]

    def moved(uuid: str, krw: str, *lots: dict[str, str | None]) -> dict[str, Any]:
        return {"source": uuid, "booked": [{"source": uuid, "krw": krw, "lots": list(lots)}]}

    def xrp(quantity: str) -> dict[str, str | None]:
        return {"currency": "XRP", "quantity": quantity, "cost": None}

    found = rows(trader, "reconcile.%")
    assert len(found) == 4
    assert {detail["source"]: (actor, action, detail) for actor, action, detail in found} == {
        source: ("reconcile", action, moved(source, krw, *lots))
        for source, action, krw, lots in (
            (f"deposit:{won.uuid}", "reconcile.deposit", "500000", ()),
            (f"deposit:{coins.uuid}", "reconcile.deposit", "0", (xrp("1000"),)),
            (f"withdrawal:{less.uuid}", "reconcile.withdrawal", "-101000", ()),
            (f"withdrawal:{gone.uuid}", "reconcile.withdrawal", "0", (xrp("-10.5"),)),
        )
    }
    kept = {row.source: (row.order_uuid, row.kind, row.booked, row.detail) for row in outside(trader)}
    assert kept == {
        f"deposit:{won.uuid}": (None, "deposit", True, _transfer("KRW", "500000", "0", won.txid, "")),
        f"withdrawal:{less.uuid}": (None, "withdrawal", True, _transfer("KRW", "-101000", "1000", less.txid, "")),
        f"deposit:{coins.uuid}": (None, "deposit", True, _transfer("XRP", "1000", "0", coins.txid, "XRP")),
        f"withdrawal:{gone.uuid}": (None, "withdrawal", True, _transfer("XRP", "-10.5", "0.5", gone.txid, "XRP")),
    }


def _transfer(currency: str, amount: str, fee: str, txid: str, network: str) -> dict[str, str | None]:
    return {"currency": currency, "amount": amount, "fee": fee, "txid": txid, "network": network}


def test_a_buy_in_the_app_is_told_with_its_won_its_coins_and_their_cost(trader: Trader, person: Person) -> None:
    order = person.buy(XRP, "20000")
    assert causes(trader) == ["manual_buy"]
    (trade,) = trader.exchange.venue.accounts[NAME].orders[order.uuid].trades
    spent = plain(Decimal(10_000_000) - trader.exchange.balances()["KRW"])
    lot = {"currency": "XRP", "quantity": plain(trade.volume), "cost": spent}
    booked_as = [{"source": trade.uuid, "krw": f"-{spent}", "lots": [lot]}]
    detail = {"source": trade.uuid, "booked": booked_as}
    assert rows(trader, "reconcile.%") == [("reconcile", "reconcile.manual_buy", detail)]


def test_a_sale_in_the_app_is_told_with_the_persons_lot_and_the_position_that_it_took_from(
    trader: Trader, person: Person
) -> None:
    order = trader.buy(ETH, "0.1")
    trader.clock.sleep(60)
    person.deposit("ETH", "0.05")
    assert causes(trader) == ["deposit"]
    sale = person.sell(ETH, "0.08")
    assert causes(trader) == ["manual_sell"]
    (trade,) = trader.exchange.venue.accounts[NAME].orders[sale.uuid].trades
    (fill,) = [each.fill for each in all_fills(trader.db, trader.account.account_id) if each.reason == Exit.MANUAL]
    (row,) = [each for each in outside(trader) if each.order_uuid == sale.uuid]
    got = Decimal(row.detail["funds"]) - row.fee - fill.funds.value + fill.fee.value
    lots = [{"currency": "ETH", "quantity": "-0.05", "cost": None}]
    parts = [
        {"source": trade.uuid, "krw": plain(got), "lots": lots},
        {"source": f"{trade.uuid}#2", "krw": "0", "lots": [], "position": order.position_id, "sold": "0.03"},
    ]
    detail = {"source": trade.uuid, "booked": parts}
    assert rows(trader, "reconcile.manual_sell") == [("reconcile", "reconcile.manual_sell", detail)]


def test_rounding_is_told_with_its_currency_and_amount(trader: Trader) -> None:
    trader.buy(ETH, "0.1")
    trader.exchange.deposit("KRW", Decimal("-0.004"))
    trader.exchange.deposit("ETH", Decimal("0.00000001"))
    assert causes(trader) == []
    assert rows(trader, "reconcile.%") == [
        ("reconcile", "reconcile.dust", {"currency": "ETH", "amount": "0.00000001"}),
        ("reconcile", "reconcile.dust", {"currency": "KRW", "amount": "-0.004"}),
    ]


# ---- what a person decided ----


def test_a_transfer_that_was_decided_before_it_was_listed_keeps_the_number_of_the_finding(
    trader: Trader, person: Person
) -> None:
    through(trader, deposits=lambda *more: ())
    transfer = person.deposit("KRW", "500000")
    (finding,) = reconciled(trader).findings
    decide(trader, finding.finding_id, Decision.DEPOSIT)
    through(trader)
    person.buy(XRP, "20000")  # something happens, so that the transfers are looked at
    assert causes(trader) == ["manual_buy"]
    source, number = f"deposit:{transfer.uuid}", finding.finding_id
    (row,) = [each for each in outside(trader) if each.source == source]
    assert (row.kind, row.booked, row.order_uuid) == ("decided", False, None)
    assert row.detail == {**_transfer("KRW", "500000", "0", transfer.txid, ""), "finding": number}
    detail = {"source": source, "finding": number}
    assert rows(trader, "reconcile.decided") == [("reconcile", "reconcile.decided", detail)]


def test_a_trade_that_was_decided_before_it_was_listed_keeps_the_number_of_the_finding(
    trader: Trader, person: Person
) -> None:
    through(trader, closed_orders=lambda *window: [])
    order = person.buy(XRP, "20000")
    findings = {each.subject: each for each in reconciled(trader).findings}
    assert findings.keys() == {"KRW", "XRP"}
    for each in findings.values():
        decide(trader, each.finding_id, Decision.MANUAL)
    through(trader)
    assert causes(trader) == []
    (trade,) = trader.exchange.venue.accounts[NAME].orders[order.uuid].trades
    (row,) = outside(trader)
    assert (row.source, row.order_uuid, row.kind, row.booked) == (trade.uuid, order.uuid, "decided", False)
    (seen,) = found_trades(trader, order.uuid)
    number = findings["XRP"].finding_id
    assert row.detail == {
        "market": "KRW-XRP",
        "side": "bid",
        "price": str(seen.price),
        "funds": str(seen.funds),
        "finding": number,
    }
    detail = {"source": trade.uuid, "finding": number}
    assert rows(trader, "reconcile.decided") == [("reconcile", "reconcile.decided", detail)]


def found_trades(trader: Trader, uuid: str) -> tuple[Any, ...]:
    """The trades of an order as the venue tells them."""
    placed = trader.session.venue.by_uuid(uuid)
    assert placed is not None
    return tuple(placed.trades)


# ---- what is found ----


def test_an_order_that_the_venue_does_not_know_is_found_with_the_reason(trader: Trader) -> None:
    order = trader.buy(ETH, "0.1")
    through(trader, closed_orders=lambda *window: [], orders=lambda names: {})
    (finding,) = reconciled(trader).findings
    because = {"because": "the venue does not know it"}
    assert (finding.kind, finding.subject, finding.currency, finding.market, finding.evidence) == (
        FindingKind.ORDER_MISSING,
        order.identifier,
        None,
        ETH,
        because,
    )
    detail = {"finding": finding.finding_id, "subject": order.identifier, "market": "KRW-ETH", **because}
    assert rows(trader, "alarm.%") == [("reconcile", "alarm.order_missing", detail)]


def test_an_order_in_the_app_that_vanished_is_found_with_the_reason(trader: Trader, person: Person) -> None:
    person.deposit("XRP", "1000")
    assert causes(trader) == ["deposit"]
    order = person.sell(XRP, "1000", price="1600")
    assert causes(trader) == []
    through(trader, open_orders=lambda *more: [], by_uuid=lambda uuid: None)
    (finding,) = reconciled(trader).findings
    because = {"because": "an order that was open is not known to the venue any more"}
    assert (finding.kind, finding.subject, finding.market, finding.evidence) == (
        FindingKind.ORDER_MISSING,
        order.uuid,
        None,
        because,
    )
    detail = {"finding": finding.finding_id, "subject": order.uuid, "market": None, **because}
    assert rows(trader, "alarm.%") == [("reconcile", "alarm.order_missing", detail)]


@pytest.mark.parametrize("how", [Decision.MANUAL, Decision.ADJUSTMENT])
def test_an_order_of_ours_that_nobody_knows_is_found_and_decided_with_all_that_is_known_of_it(
    trader: Trader, person: Person, how: Decision
) -> None:
    person.moment()
    body = {"market": XRP, "side": "bid", "ord_type": "price", "price": "20000", "identifier": STRANGER}
    order = trader.exchange.venue.place(NAME, body)
    found = {each.kind: each for each in reconciled(trader).findings}
    finding = found[FindingKind.ORDER_UNKNOWN]
    placed = trader.session.venue.by_uuid(order.uuid)
    assert placed is not None
    evidence = {
        "because": "an order of ours that the books do not know",
        "uuid": order.uuid,
        "side": "bid",
        "executed": plain(trader.exchange.balances()["XRP"]),
        "created_at": placed.created_at.isoformat(),
    }
    assert (finding.subject, finding.currency, finding.market) == (STRANGER, None, XRP)
    assert finding.evidence == evidence
    number = finding.finding_id
    alarm = {"finding": number, "subject": STRANGER, "market": "KRW-XRP", **evidence}
    assert rows(trader, "alarm.order_unknown") == [("reconcile", "alarm.order_unknown", alarm)]
    detail = {"order": order.uuid, "booked_as_manual": how is Decision.MANUAL}
    assert resolved(trader, number, how) == detail
    assert ends(trader)[0] == ("person test", how, "it was me", detail)
    end = {"finding": number, "subject": STRANGER, "how": how, "note": "it was me", **detail}
    assert rows(trader, "finding.end")[0] == ("person test", "finding.end", end)


def test_a_journal_of_the_guard_that_is_damaged_is_told_by_who_read_it(journal: Database) -> None:
    trader = holding(journal, Chart(market=ETH, price=5_000_000, days=[0.1, -0.2]))
    trader.guard.until(FIRST + hours(6), never)
    path = trader.exchange.guard / JOURNAL
    path.write_bytes(path.read_bytes().replace(b'"high_water":"5', b'"high_water":"6', 1))
    take_in(trader.session)
    cause = trader.session.keeper.damage
    assert cause is not None
    assert "damaged after entry" in cause
    assert rows(trader, "alarm.%") == [("keeper", "alarm.guard_journal", {"cause": cause})]


def test_a_trade_that_is_listed_twice_is_told_in_those_words(trader: Trader) -> None:
    order, placed = sent(trader)
    twice = replace(placed, trades=(placed.trades[0], *placed.trades), trades_count=3)
    with pytest.raises(Inconsistent) as told_of:
        booked(trader, order, twice)
    assert str(told_of.value) == f"{order.identifier}: the venue lists a trade twice"


# ---- wishes ----
