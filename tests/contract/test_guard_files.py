"""The guard's two files when they are lost, spoilt, put aside, or the disk has no room."""

from dataclasses import replace
from datetime import timedelta

import pytest

from makenaide.domain.reason import Refusal
from makenaide.execution.disk import Disk
from makenaide.execution.guard import file as journal_file
from makenaide.execution.guard.file import JOURNAL
from makenaide.execution.guard.guard import STOPS
from makenaide.execution.leave import leave
from makenaide.execution.permit import Forbidden
from makenaide.pipeline.interlude import take_in
from makenaide.store.db import Database
from makenaide.store.guard import imported
from tests.contract.charts import ETH, FIRST, XRP, Chart, bitcoin, hours, tape
from tests.contract.faults import Fault, Kind
from tests.contract.guarding import (
    SLUMP,
    SLUMP_TOO,
    Hostile,
    alone,
    fallen,
    guarded,
    holding,
    leave_all,
    never,
    rounds,
    third,
)
from tests.contract.trading import Exchange, open_trader

RISE = Chart(market=ETH, price=5_000_000, days=[0.1, -0.2])
QUIET = Chart(market=XRP, price=3_000, days=[0.1, 0.1])


def lost() -> Fault:
    """No order for ETH reaches the venue."""
    return Fault(kind=Kind.REQUEST_LOST, times=100_000, about="KRW-ETH")


def test_a_lost_stops_file_is_written_again(journal: Database) -> None:
    trader = holding(journal)
    (trader.exchange.guard / STOPS).unlink()
    guard = alone(trader)
    take_in(trader.session)
    guard.reload()
    assert [each.about.market for each in guard.watched()] == [ETH]


def test_a_stops_file_that_is_sound_again_is_no_fault_any_more(journal: Database) -> None:
    trader = holding(journal)
    trader.guard.reload()
    path = trader.exchange.guard / STOPS
    good = path.read_bytes()
    path.write_bytes(good[:50])
    assert trader.guard.reload().fault
    path.write_bytes(good)
    assert trader.guard.reload().fault is None


def test_a_journal_is_not_put_aside_in_the_middle_of_a_sale(
    journal: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "_LONG", 1)
    trader = fallen(journal, SLUMP, QUIET)
    trader.buy(XRP, "100")
    trader.wire.faults.append(lost())
    rounds(trader, 6, seconds=30)
    again = alone(trader)
    assert again.journal.sales.keys() == trader.guard.journal.sales.keys()
    assert not all(each.order.life.state.terminal for each in again.journal.sales.values())


def test_a_full_disk_and_a_torn_line_keep_no_guard_from_starting(journal: Database) -> None:
    disk = Hostile()
    trader = holding(journal, RISE, files=disk)
    trader.guard.until(FIRST + hours(6), never)
    path = trader.exchange.guard / JOURNAL
    path.write_bytes(path.read_bytes() + b'{"n":7,"at":"20')
    disk.full = True
    guard = alone(trader)
    guarded(guard, FIRST + hours(48))
    assert trader.exchange.balances().keys() == {"KRW"}


def test_a_journal_that_cannot_be_put_aside_ends_no_guard(
    journal: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "_LONG", 1)
    disk = Hostile()
    trader = holding(journal, RISE, files=disk)
    trader.guard.until(FIRST + hours(1), never)
    trader.session.keeper.files = Disk()
    disk.full = True
    take_in(trader.session)
    guarded(trader.guard, FIRST + hours(48))
    assert disk.refused
    assert trader.exchange.balances().keys() == {"KRW"}


def test_nobody_buys_while_the_stop_cannot_be_published(journal: Database) -> None:
    disk = Hostile()
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), SLUMP)), files=disk)
    disk.full = True
    said = trader.desk.submit(lambda: trader.entry(ETH, "0.1"))
    assert trader.wire.orders() == []
    assert not isinstance(said, Forbidden) or said.refusal is Refusal.UNGUARDED


def test_an_exit_is_booked_though_the_stops_cannot_be_published(journal: Database) -> None:
    disk = Hostile()
    trader = holding(journal, files=disk)
    disk.full = True
    leave(trader.desk, trader.account, trader.positions()[0], third(trader))
    assert str(trader.positions()[0].facts.quantity) == "0.07"


def test_an_exit_in_doubt_of_a_guard_that_lost_its_journal_is_settled_by_the_trader(journal: Database) -> None:
    trader = fallen(journal, replace(SLUMP, days=[-0.10, 0.3]))
    trader.wire.faults.append(lost())
    rounds(trader, 1, seconds=3)
    (trader.exchange.guard / JOURNAL).unlink()
    trader.wire.faults.clear()
    trader.guard = alone(trader)
    trader.clock.move_to(FIRST + hours(24))
    leave_all(trader)
    assert trader.positions() == ()
    trader.laws()


def test_what_a_guard_does_after_it_lost_its_journal_is_taken_in(journal: Database) -> None:
    """Its entries are numbered on from what the books have seen, else they would pass for old ones."""
    trader = holding(journal, SLUMP, replace(SLUMP_TOO, days=[0.0, -0.15]))
    trader.buy(XRP, "100")
    trader.clock.move_to(FIRST + hours(23))
    trader.wire.faults.append(lost())
    rounds(trader, 4, seconds=20)
    (trader.exchange.guard / JOURNAL).unlink()
    trader.wire.faults.clear()
    trader.guard = alone(trader)
    guarded(trader.guard, FIRST + timedelta(hours=47.5))
    take_in(trader.session)
    assert trader.positions() == ()
    assert imported(journal, trader.account.account_id) == trader.guard.journal.file.last
