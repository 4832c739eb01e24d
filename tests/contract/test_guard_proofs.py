"""What the guard proves, keeps across a restart, and publishes: by its own files, without the trading process."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from makenaide.domain.market import Market
from makenaide.domain.money import Quantity
from makenaide.domain.order import OrderState, PositionId
from makenaide.execution.disk import Disk
from makenaide.execution.guard import file
from makenaide.execution.guard.file import EARLIER, JOURNAL
from makenaide.execution.guard.guard import STOPS, Ack
from makenaide.execution.guard.journal import Sale
from makenaide.execution.guard.pulse import FileLink, Pulse
from makenaide.execution.guard.stops import PublishedExit
from makenaide.execution.leave import leave
from makenaide.execution.portfolio import held_now
from makenaide.execution.worth import delisted_price, last_close
from makenaide.pipeline.interlude import take_in
from makenaide.store.db import Database
from tests.contract.charts import ETH
from tests.contract.faults import Fault, Kind
from tests.contract.guarding import alone, disguise, exits, fallen, guarded, holding, stops_file, third
from tests.contract.manual import Person
from tests.contract.trading import Trader

LOST = Fault(kind=Kind.REQUEST_LOST, about="KRW-ETH")


def only_sale(trader: Trader) -> Sale:
    """The one exit in the guard's journal."""
    (sale,) = trader.guard.journal.sales.values()
    return sale


def minutes(trader: Trader, count: float) -> None:
    """The guard by itself for so long."""
    guarded(trader.guard, trader.clock.now() + timedelta(minutes=count))


def test_the_guard_alone_proves_that_a_number_never_traded_and_sells_under_the_next(journal: Database) -> None:
    """A person's resting order holds the coins: the second send of x01 is refused, which spends the number."""
    trader = fallen(journal)
    resting = Person(trader).sell(ETH, "0.1", price="6000000")
    trader.wire.faults.append(replace(LOST, times=1))
    minutes(trader, 4)
    first = trader.guard.journal.exits(trader.positions()[0].position_id)[0].order
    assert (first.life.state, first.life.spent, first.number) == (OrderState.VOID, True, 1)
    trader.exchange.venue.cancel(resting)
    minutes(trader, 60)
    assert trader.exchange.balances().get("ETH", Decimal(0)) == 0
    take_in(trader.session)
    assert trader.positions() == ()
    (proof,) = (
        row.detail["proof"]
        for row in journal.rows("order_events", identifier=first.identifier)
        if row.event == "Voided"
    )
    assert proof.startswith("identifier used, ")
    assert proof.endswith(
        "looks since the last send, absent by identifier and in open and closed orders, "
        "balances as if it never was"
    )


def test_a_number_that_is_used_and_not_shown_yet_is_never_void(journal: Database) -> None:
    """The reply to x01 is lost, and the venue's look-up shows nothing of it for a quarter of an hour."""
    trader, hidden = fallen(journal), [True]
    disguise(trader, shows=lambda placed: cast("Any", None) if hidden[0] else placed)
    trader.wire.faults.append(Fault(kind=Kind.REPLY_LOST, about="KRW-ETH", times=1))
    for _ in range(15):
        minutes(trader, 1)
        assert only_sale(trader).order.life.state.doubtful
    assert only_sale(trader).order.life.spent
    hidden[0] = False
    minutes(trader, 2)
    assert (only_sale(trader).order.life.state, only_sale(trader).executed) == (OrderState.CLOSED, Quantity("0.1"))


def test_an_old_doubt_is_looked_at_once_a_minute(journal: Database) -> None:
    trader = fallen(journal)
    trader.wire.faults.append(replace(LOST, times=100_000))
    minutes(trader, 2)
    (young,) = trader.guard.watched()
    assert young.retry_at is not None
    assert young.set_at is not None
    assert young.retry_at - young.set_at == timedelta(seconds=15)
    minutes(trader, 8)
    (old,) = trader.guard.watched()
    assert old.retry_at is not None
    assert old.set_at is not None
    assert old.retry_at - old.set_at == timedelta(seconds=60)


def test_a_new_guard_knows_what_the_old_one_knew(journal: Database) -> None:
    trader = fallen(journal)
    trader.wire.faults.append(replace(LOST, times=100_000))
    minutes(trader, 3)
    before, after = only_sale(trader), next(iter(alone(trader).journal.sales.values()))
    assert after == before
    assert after.order.account_id == trader.account.account_id
    old, new = trader.guard.journal.standing(before.order), alone(trader).journal.standing(before.order)
    assert old == new
    assert old.sent_at is not None
    assert old.looks >= 0


def test_what_the_venue_shows_of_a_refused_exit_is_remembered(journal: Database) -> None:
    trader = fallen(journal)
    trader.wire.faults.append(replace(LOST, times=100_000))
    minutes(trader, 1)
    sale = only_sale(trader)
    trader.guard.journal.seen(sale, Quantity("0.04"), trader.clock.now())
    assert alone(trader).journal.sales[sale.order.identifier].executed == Quantity("0.04")


def test_the_journal_is_put_aside_once_the_books_have_it_and_nothing_is_under_way(
    journal: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "_LONG", 1)
    trader = fallen(journal)
    folder = trader.exchange.guard
    minutes(trader, 1)
    assert not (folder / "journal.old.jsonl").exists()
    kept = (folder / JOURNAL).read_bytes()
    take_in(trader.session)  # publishes, with what is in the books by now
    trader.guard.reload()
    assert EARLIER == "journal.old.jsonl"
    assert (folder / EARLIER).read_bytes() == kept
    assert (folder / JOURNAL).read_bytes() == b""


def test_a_heartbeat_tells_the_other_process_what_is_wrong(journal: Database) -> None:
    trader = holding(journal)
    guard, path = trader.guard, trader.exchange.guard / "heartbeat.json"
    pulse = Pulse(files=Disk(), path=path, clock=trader.clock, boot=lambda: 10.0, pid=1, born="now")
    link = FileLink(files=Disk(), path=path, boot=lambda: 11.0, silent_seconds=5.0)
    pulse.beat(guard)
    held = guard.reload()
    assert link.ack() == Ack(version=stops_file(trader).version, digest=held.digest, fault=None)
    (trader.exchange.guard / STOPS).write_bytes(b"nonsense")
    pulse.beat(guard)
    heard = link.ack()
    assert heard is not None
    assert (heard.version, heard.digest) == (held.version, held.digest), "what was held stays in force"
    assert heard.fault is not None
    assert heard.fault == guard.fault


def test_the_stops_file_names_when_it_was_made_its_version_and_what_was_sold(journal: Database) -> None:
    trader = holding(journal)
    first = stops_file(trader)
    assert first.made_at == trader.clock.now()
    assert first.stops[0].exits == {}
    trader.clock.sleep(60)
    leave(trader.desk, trader.account, trader.positions()[0], third(trader))
    trader.session.keeper.publish()
    second = stops_file(trader)
    assert second.version > first.version
    assert second.stops[0].exits == {1: PublishedExit(own=Quantity("0.03"), along=Quantity(0), ended=True)}
    assert [each.number for each in exits(trader)] == [1]


def test_what_is_not_held_is_nothing_and_a_market_without_a_close_has_no_worth(journal: Database) -> None:
    trader = holding(journal)
    account = trader.account.account_id
    assert held_now(journal, account, PositionId("KRW-XYZ-20260105T0900")) == Quantity(0)
    assert last_close(journal, trader.account.feed, Market("KRW-XYZ")) is None
    assert delisted_price(journal, trader.account.feed, Market("KRW-XYZ")) is None
