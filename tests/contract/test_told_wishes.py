"""What people are told of their wishes and of the kill switch: every word of it."""

import logging
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from makenaide.domain.money import plain
from makenaide.domain.order import Identifier, OrderState
from makenaide.execution.disk import Disk
from makenaide.execution.halt import Halt, HaltFile, note_halt
from makenaide.execution.leave import leave
from makenaide.ledger.lots import Lot
from makenaide.store.db import Database
from makenaide.store.journal import books
from makenaide.store.orders import get_order
from makenaide.store.wishes import open_wishes, outcome_of
from tests.contract.charts import ETH, XRP
from tests.contract.faults import Fault, Kind
from tests.contract.guarding import third
from tests.contract.manual import Person, causes, require_equal, rows
from tests.contract.test_wishes import clerk, outcome, told, wish
from tests.contract.trading import NAME, Trader

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_a_sale_tells_what_was_sold_of_which_position_for_how_many_won(trader: Trader) -> None:
    entry = trader.buy(ETH, "0.1")
    before = trader.exchange.balances()["KRW"]
    number = wish(trader, "sell", ETH)
    assert clerk(trader).serve() == 1
    part = {
        "position": entry.position_id,
        "market": "KRW-ETH",
        "sold": "0.1",
        "won": plain(trader.exchange.balances()["KRW"] - before),
        "state": "closed",
        "order": f"{entry.identifier[:-3]}x01",
        "left": "0",
    }
    assert outcome(trader, number).detail == {"positions": [part]}
    detail = {"wish": number, "market": "KRW-ETH", "done": True, "positions": [part]}
    assert rows(trader, "wish.sell") == [("person test", "wish.sell", detail)]


def test_a_sale_goes_on_after_an_exit_that_was_under_way_and_tells_of_both(trader: Trader) -> None:
    entry = trader.buy(ETH, "0.1")
    (position,) = trader.positions()
    before = trader.exchange.balances()["KRW"]
    trader.wire.faults += [
        Fault(kind=Kind.REPLY_LOST),
        Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/order", times=99),
    ]
    doubtful = leave(trader.desk, trader.account, position, third(trader))
    assert doubtful is not None
    assert not doubtful.life.state.terminal
    trader.wire.faults.clear()
    trader.clock.sleep(60)
    number = wish(trader, "sell", ETH)
    assert clerk(trader).serve() == 1
    assert outcome(trader, number).done
    assert told(trader, number) == {
        "position": entry.position_id,
        "market": "KRW-ETH",
        "sold": "0.1",
        "won": plain(trader.exchange.balances()["KRW"] - before),
        "state": "closed",
        "order": f"{entry.identifier[:-3]}x02",
        "left": "0",
    }
    assert trader.positions() == ()


def test_a_sale_of_dust_tells_that_nothing_was_sold(trader: Trader, person: Person) -> None:
    entry = trader.buy(XRP, "10")
    trader.clock.sleep(60)
    person.sell(XRP, "7")
    assert causes(trader) == ["manual_sell"]
    number = wish(trader, "sell", XRP)
    assert clerk(trader).serve() == 1
    part = {
        "position": entry.position_id,
        "market": "KRW-XRP",
        "sold": "0",
        "won": "0",
        "state": "dust",
        "left": "3",
    }
    assert outcome(trader, number).detail == {"positions": [part]}


def test_a_sale_that_meets_an_order_of_nobody_tells_that_nothing_was_sent(trader: Trader) -> None:
    entry = trader.buy(ETH, "0.1")
    name = f"{entry.identifier[:-3]}x01"
    Person(trader).moment()
    body = {"market": ETH, "side": "ask", "ord_type": "limit", "volume": "0.01", "price": "9000000"}
    trader.exchange.venue.place(NAME, body | {"identifier": name})
    number = wish(trader, "sell", ETH)
    assert clerk(trader).serve() == 1
    assert not outcome(trader, number).done
    assert told(trader, number) == {
        "position": entry.position_id,
        "market": "KRW-ETH",
        "sold": "0",
        "won": "0",
        "state": "none",
        "left": "0.1",
        "cause": f"{name}: the venue has an order under it that nobody of ours sent",
    }


def test_a_takeover_that_waits_tells_why_books_and_balances_could_not_be_compared(
    trader: Trader, person: Person, caplog: pytest.LogCaptureFixture
) -> None:
    person.deposit("ETH", "0.2")
    assert causes(trader) == ["deposit"]
    number = wish(trader, "adopt", ETH, stop="5")
    trader.wire.seen = lambda request: (
        trader.exchange.deposit("XRP", Decimal(1)) if request.path == "/v1/accounts" else None
    )
    with caplog.at_level(logging.WARNING, logger="makenaide.execution.wishes"):
        assert clerk(trader).serve() == 0
    said = [vars(each) for each in caplog.records if each.name == "makenaide.execution.wishes"]
    assert [(each["action"], each["wish"], each["cause"]) for each in said] == [
        ("wish.waits", number, "not comparable yet: the balances move")
    ]
    assert outcome_of(trader.db, number) is None
    assert [each.wish_id for each in open_wishes(trader.db, trader.account.account_id)] == [number]


# ---- takeovers ----


def test_a_takeover_is_an_order_at_its_end_of_its_own_source_and_the_lot_goes_with_all_that_it_cost(
    trader: Trader, person: Person
) -> None:
    person.buy(ETH, "1000000")
    assert set(causes(trader)) == {"manual_buy"}
    lot = person.lots()["ETH"]
    assert lot.cost
    number = wish(trader, "adopt", ETH, stop="5")
    assert clerk(trader).serve() == 1
    (position,) = trader.positions()
    source = f"adopt:{position.position_id}"
    order = get_order(trader.db, Identifier(f"manual-{source}"))
    assert order is not None
    assert (order.life.state, order.life.uuid) == (OrderState.CLOSED, source)
    (event,) = [each for each in trader.db.rows("order_events", identifier=order.identifier) if each.uuid]
    assert (event.event, event.state, event.uuid, event.detail) == (
        "Found",
        "closed",
        source,
        {"uuid": source, "closed": True},
    )
    row = trader.db.rows("lot_all", account_id=trader.account.account_id)[-1]
    assert (row.source, row.currency, row.quantity, row.cost) == (
        f"{source}:lot",
        "ETH",
        -lot.quantity,
        -lot.cost,
    )
    detail = {
        "position": position.position_id,
        "quantity": plain(lot.quantity),
        "cost": plain(lot.cost),
        "bid": str(position.facts.entry),
        "stop": str(position.stop.price),
    }
    assert outcome(trader, number).detail == detail
    done = {"wish": number, "market": "KRW-ETH", "done": True, **detail}
    assert rows(trader, "wish.adopt") == [("person test", "wish.adopt", done)]


def test_digits_that_a_takeover_leaves_behind_keep_a_known_cost_and_so_does_what_is_bought_later(
    trader: Trader, person: Person
) -> None:
    person.buy(ETH, "1000000")
    person.withdraw("ETH", "0.000000001")  # the venue trades eight decimals: the rest of the ninth cannot be sold
    assert "withdrawal" in causes(trader)
    lot = person.lots()["ETH"]
    wish(trader, "adopt", ETH, stop="5")
    assert clerk(trader).serve() == 1
    (position,) = trader.positions()
    left = lot.quantity - position.facts.quantity.value
    assert left == Decimal("0.000000009")
    assert lot.cost is not None
    spent = lot.part(position.facts.quantity.value)
    assert spent is not None
    rest = Lot(left, lot.cost - spent)
    assert person.lots() == {"ETH": rest}
    trader.clock.sleep(60)
    before = books(trader.db, trader.account.account_id)
    person.buy(ETH, "500000")
    assert set(causes(trader)) == {"manual_buy"}
    after = books(trader.db, trader.account.account_id)
    assert rest.cost is not None
    bought, paid = after["ETH"] - before["ETH"], before["KRW"] - after["KRW"]
    assert person.lots() == {"ETH": Lot(left + bought, rest.cost + paid)}
    require_equal(trader)


# ---- the kill switch ----


@pytest.mark.parametrize(
    ("halt", "text"),
    [
        (Halt(reason="odd"), "halted: odd"),
        (Halt(reason="odd", by="kim"), "halted by kim: odd"),
        (Halt(reason="odd", at=AT), "halted since 2026-01-05T09:00:00+00:00: odd"),
        (Halt(reason="odd", by="kim", at=AT), "halted since 2026-01-05T09:00:00+00:00 by kim: odd"),
    ],
)
def test_a_halt_tells_its_reason_and_what_is_known_of_who_set_it_and_when(halt: Halt, text: str) -> None:
    assert str(halt) == text


def test_a_halt_is_in_the_trail_as_it_was_told_until_it_is_lifted(journal: Database, tmp_path: Path) -> None:
    switch = HaltFile(files=Disk(), path=tmp_path / "halt.json")
    switch.set("the exchange behaves oddly", "kim", AT.replace(microsecond=5))
    text = "halted since 2026-01-05T09:00:00+00:00 by kim: the exchange behaves oddly"
    trail = []
    for _ in range(2):
        assert note_halt(journal, switch.halt(), AT, "person kim")
        assert not note_halt(journal, switch.halt(), AT, "person kim"), "once"
        row = journal.row("audit_installation", action="halt.%")
        assert row is not None
        trail.append((row.action, row.detail))
        switch.lift()
    assert trail == [("halt.set", {"halt": text}), ("halt.lift", {"halt": text})]
