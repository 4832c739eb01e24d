"""The guard by itself: without the database, against a hostile disk, beside a trading process that races it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from makenaide.domain.intent import GUARD
from makenaide.domain.money import Price, Quantity
from makenaide.domain.order import Leg, identifier
from makenaide.domain.reason import Exit, Refusal
from makenaide.exchange.http import Request
from makenaide.execution.disk import Disk
from makenaide.execution.guard import entries
from makenaide.execution.guard.file import JOURNAL, JournalReader
from makenaide.execution.guard.guard import STOPS
from makenaide.execution.guard.pulse import FileLink, Pulse, keep_watch
from makenaide.execution.guard.stops import encode
from makenaide.execution.leave import leave
from makenaide.execution.permit import Forbidden
from makenaide.pipeline.interlude import take_in
from makenaide.store.db import Database
from makenaide.store.journal import all_fills
from tests.contract.charts import ETH, FIRST, XRP, Chart, bitcoin, hours, tape
from tests.contract.faults import Fault, Kind
from tests.contract.guarding import SLUMP, SLUMP_TOO, Hostile, alone, exits, holding, never, stops_file, third
from tests.contract.trading import NAME, Exchange, Trader, open_trader, whole

HEARTBEAT = "heartbeat.json"


@dataclass
class Counting(Disk):
    """A disk that counts what is appended but for risen stops."""

    appended: int = 0

    def append(self, path: Path, content: bytes) -> None:
        self.appended += b'"rise"' not in content
        super().append(path, content)


# ---- without the database ----


def test_the_guard_sells_with_the_database_gone_and_the_books_learn_of_it_later(journal: Database) -> None:
    trader = holding(journal)
    journal.close()
    alone(trader).until(FIRST + hours(24), never)
    assert trader.exchange.balances().keys() == {"KRW"}


def test_what_the_guard_did_alone_is_booked_once_by_the_next_process(journal: Database) -> None:
    trader = holding(journal)
    guard = alone(trader)
    while trader.clock.now() < FIRST + hours(24):
        guard.until(FIRST + hours(24), never)
    again = trader.reopened()
    take_in(again.session)
    take_in(again.session)
    (sale,) = exits(again)
    assert (sale.sender, sale.reason) == (GUARD, Exit.HARD_STOP)
    assert again.positions() == ()
    again.laws()


def test_a_guard_killed_after_its_send_finds_its_own_sale_and_does_not_sell_again(journal: Database) -> None:
    trader = holding(journal)
    trader.wire.faults += [
        Fault(kind=Kind.REPLY_LOST),
        Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/order", times=2),
    ]
    trader.guard.until(FIRST + hours(24), lambda: bool(trader.guard.journal.sales))
    guard = alone(trader)
    while trader.clock.now() < FIRST + hours(24):
        guard.until(FIRST + hours(24), never)
    take_in(trader.session)
    assert len(exits(trader)) == 1
    assert trader.positions() == ()
    trader.laws()


def test_the_intent_and_the_record_of_its_send_are_on_the_disk_in_one_write_before_the_order_leaves(
    journal: Database,
) -> None:
    disk = Counting()
    trader = holding(journal, files=disk)
    seen: list[tuple[int, list[str]]] = []

    def look(request: Request) -> None:
        if (request.method, request.path) == ("POST", "/v1/orders"):
            read = entries.read((trader.exchange.guard / JOURNAL).read_bytes(), trader.guard.parts.key)
            told = [each.data.get("event", each.kind) for each in read.entries if each.kind != "rise"]
            seen.append((disk.appended, told))

    trader.wire.seen = look
    trader.guard.until(FIRST + hours(24), lambda: bool(seen))
    assert seen == [(1, ["intent", "Sending"])]


def test_the_stop_that_a_guard_raised_outlives_it(journal: Database) -> None:
    rise = Chart(market=ETH, price=5_000_000, days=[0.3, 0.0])
    trader = holding(journal, rise)
    before = trader.guard.watched()[0].stop
    trader.guard.until(FIRST + hours(20), never)
    raised = trader.guard.watched()[0].stop
    assert raised.price > before.price
    assert alone(trader).watched()[0].stop == raised
    take_in(trader.session)
    assert trader.positions()[0].stop == raised
    assert stops_file(trader).stops[0].stop == raised


def test_an_entry_whose_fill_nobody_booked_is_guarded_by_asking_the_venue(journal: Database) -> None:
    """The trading process dies after its send; the price falls through the stop before it comes back."""
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), SLUMP)))
    trader.wire.faults += [
        Fault(kind=Kind.REPLY_LOST),
        Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/order", times=60),
    ]
    entry = trader.buy(ETH, "0.1")
    assert entry.life.state.doubtful
    assert stops_file(trader).stops[0].pending == entry.identifier
    trader.wire.faults.clear()
    guard = alone(trader)
    while trader.clock.now() < FIRST + hours(24):
        guard.until(FIRST + hours(24), never)
    assert trader.exchange.balances().keys() == {"KRW"}
    again = trader.reopened()
    take_in(again.session)
    assert again.positions() == ()
    again.laws()


# ---- the permit ----


def test_a_stop_is_held_by_the_guard_before_its_entry_is_sent(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), SLUMP)))
    held: list[list[str]] = []

    def seen(request: object) -> None:
        if getattr(request, "method", "") == "POST":
            held.append([each.about.position_id for each in trader.guard.watched()])

    trader.wire.seen = seen
    order = trader.buy(ETH, "0.1")
    assert held == [[order.position_id]]


def test_no_entry_is_sent_to_a_guard_that_is_not_heard(journal: Database) -> None:
    trader = open_trader(journal, Exchange(tape=tape(bitcoin(2), SLUMP)))
    trader.session.keeper.link = link(trader)
    said = trader.desk.submit(lambda: trader.entry(ETH, "0.1"))
    assert said == Forbidden(Refusal.UNGUARDED, "the guard is not heard")
    assert trader.wire.orders() == []
    assert exits_of_nothing(trader)


def exits_of_nothing(trader: Trader) -> bool:
    """Whether nothing of the refused entry was stored."""
    return not trader.db.rows("orders_unsettled", account_id=trader.account.account_id)


def link(trader: Trader) -> FileLink:
    """The trading process hears the guard by its heartbeat alone."""
    return FileLink(files=Disk(), path=trader.exchange.guard / HEARTBEAT, boot=boot(trader), silent_seconds=5)


def pulse_of(trader: Trader, clock: Callable[[], float]) -> Pulse:
    """The heartbeat of a guard's process."""
    path = trader.exchange.guard / HEARTBEAT
    return Pulse(files=Disk(), path=path, clock=trader.clock, boot=clock, pid=7, born="1")


def boot(trader: Trader) -> Callable[[], float]:
    """Seconds on the run's own clock."""

    def seconds() -> float:
        return (trader.clock.now() - FIRST).total_seconds()

    return seconds


def test_a_heartbeat_that_grows_old_or_holds_other_stops_forbids_buying(journal: Database) -> None:
    trader = holding(journal)
    hears = link(trader)
    trader.session.keeper.link = hears
    pulse = pulse_of(trader, hears.boot)
    pulse.beat(trader.guard)
    assert trader.session.keeper.forbids(None) is None
    trader.clock.sleep(5.1)
    said = trader.session.keeper.forbids(None)
    assert said is not None
    assert said.cause == "the guard is not heard"
    pulse.beat(trader.guard)
    file = stops_file(trader)
    newer = replace(file, version=file.version + 1, stops=())
    trader.session.keeper._published = newer
    said = trader.session.keeper.forbids(None)
    assert said is not None
    assert said.cause == f"the guard holds version {file.version} of the stops, not {newer.version}"


def test_keeping_watch_beats_each_second(journal: Database) -> None:
    trader = holding(journal)
    beats: list[float] = []

    def clock() -> float:
        beats.append((trader.clock.now() - FIRST).total_seconds())
        return beats[-1]

    pulse = pulse_of(trader, clock)
    keep_watch(trader.guard, pulse, lambda: len(beats) >= 10)
    gaps = [later - earlier for earlier, later in pairwise(beats)]
    assert max(gaps) <= 1.1
    assert json.loads((trader.exchange.guard / HEARTBEAT).read_bytes())["stops"] == 1


# ---- the stops file ----


@pytest.mark.parametrize("how", ["damaged", "signed with another key", "older", "another account's"])
def test_a_stops_file_that_cannot_be_trusted_changes_nothing_and_stops_buys(journal: Database, how: str) -> None:
    trader = holding(journal)
    trader.guard.reload()
    before = trader.guard.watched()
    file, key = stops_file(trader), trader.guard.parts.key
    content = {
        "damaged": encode(file, key).replace(b"0.1", b"9.9"),
        "signed with another key": encode(replace(file, version=99), b"x" * 32),
        "older": encode(replace(file, version=file.version - 1, stops=()), key),
        "another account's": encode(replace(file, version=99, account_id="f" * 12), key),
    }[how]
    (trader.exchange.guard / STOPS).write_bytes(content)
    ack = trader.guard.reload()
    assert ack.fault is not None
    assert trader.guard.watched() == before
    assert trader.session.keeper.forbids(None) is not None
    trader.guard.until(FIRST + hours(24), never)
    assert trader.exchange.balances().keys() == {"KRW"}, "an untrusted file stops no exit"


def test_the_version_rises_even_when_the_file_is_lost(journal: Database) -> None:
    trader = holding(journal)
    trader.guard.reload()
    before = stops_file(trader).version
    (trader.exchange.guard / STOPS).unlink()
    trader.session.keeper._published = None
    trader.session.keeper.publish()
    assert stops_file(trader).version > before
    assert trader.guard.reload().fault is None


# ---- the journal ----


def test_a_torn_last_line_is_cut_off_and_the_next_stands_whole(journal: Database) -> None:
    trader = holding(journal, Chart(market=ETH, price=5_000_000, days=[0.1, -0.2]))
    trader.guard.until(FIRST + hours(6), never)
    path = trader.exchange.guard / JOURNAL
    whole_lines = path.read_bytes()
    path.write_bytes(whole_lines + whole_lines[:37])
    guard = alone(trader)
    assert path.read_bytes() == whole_lines
    assert guard.journal.file.last == whole_lines.count(b"\n")
    guard.until(FIRST + hours(48), never)
    assert not entries.read(path.read_bytes(), guard.parts.key).torn
    take_in(trader.session)
    trader.laws()


def test_a_changed_line_is_noticed_by_both_sides(journal: Database) -> None:
    trader = holding(journal, Chart(market=ETH, price=5_000_000, days=[0.1, -0.2]))
    trader.guard.until(FIRST + hours(6), never)
    path = trader.exchange.guard / JOURNAL
    path.write_bytes(path.read_bytes().replace(b'"high_water":"5', b'"high_water":"6', 1))
    take_in(trader.session)
    take_in(trader.session)
    said = trader.session.keeper.forbids(None)
    assert said is not None
    assert "damaged after entry" in said.cause
    assert trader.alarms() == ["alarm.guard_journal"], "once"
    guard = alone(trader)
    assert list(trader.exchange.guard.glob("journal.damaged-*"))
    guard.until(FIRST + hours(48), never)
    assert trader.exchange.balances().keys() == {"KRW"}, "a damaged journal stops no exit"
    take_in(trader.session)
    assert trader.session.keeper.forbids(None) is None


def test_an_exit_is_sent_though_the_journal_cannot_be_written_and_nobody_buys_meanwhile(journal: Database) -> None:
    disk = Hostile()
    trader = holding(journal, files=disk)
    disk.broken = True
    while trader.clock.now() < FIRST + hours(24):
        trader.guard.until(FIRST + hours(24), never)
    assert trader.exchange.balances().keys() == {"KRW"}
    assert disk.refused > 1
    said = trader.session.keeper.forbids(None)
    assert said is not None
    assert "the guard is in trouble" in said.cause
    disk.broken = False
    assert trader.session.keeper.forbids(None) is None
    take_in(trader.session)
    assert trader.positions() == ()
    assert len(exits(trader)) == 1
    trader.laws()


# ---- two processes, one sequence ----


def test_the_guard_came_first_under_the_number_that_the_trader_wanted(journal: Database) -> None:
    """Both commit x01 at once, for different volumes; the guard's arrives first, the trader's is a duplicate."""
    trader = holding(journal)
    trader.clock.move_to(FIRST + hours(23))
    looked: list[str] = []

    def race(request: object) -> None:
        """Right before the trader's send the guard sells."""
        if getattr(request, "method", "") == "POST" and not looked:
            looked.append("raced")
            trader.guard.until(trader.clock.now(), never)

    trader.wire.seen = race
    leave(trader.desk, trader.account, trader.positions()[0], third(trader))
    trader.wire.seen = lambda request: None
    take_in(trader.session)
    (sale,) = exits(trader)
    assert (sale.sender, sale.reason, sale.request.volume) == (GUARD, Exit.HARD_STOP, Quantity("0.1"))
    assert trader.positions() == ()
    assert trader.alarms() == []
    trader.laws()


def test_the_trader_came_first_and_the_guard_sells_only_what_is_left(journal: Database) -> None:
    trader = holding(journal)
    position = trader.positions()[0]
    quiet = replace(trader.desk, settled=lambda: None)
    leave(quiet, trader.account, position, third(trader))
    assert stops_file(trader).stops[0].quantity == Quantity("0.1"), "the guard does not know of the sale"
    while trader.clock.now() < FIRST + hours(24):
        trader.guard.until(FIRST + hours(24), never)
    take_in(trader.session)
    assert [(each.number, each.request.volume) for each in exits(trader)] == [
        (1, Quantity("0.03")),
        (2, Quantity("0.07")),
    ]
    assert trader.positions() == ()
    trader.laws()


def test_the_trader_leaves_a_number_alone_that_the_guard_has_used_and_nobody_booked(journal: Database) -> None:
    trader = holding(journal)
    trader.clock.move_to(FIRST + hours(23))
    position = trader.positions()[0]
    trader.guard.until(trader.clock.now(), never)
    assert leave(trader.desk, trader.account, position, whole(position)) is None
    take_in(trader.session)
    assert len(exits(trader)) == 1
    trader.laws()


# ---- exits that cannot be made ----


def test_coins_that_lag_behind_are_waited_for_some_seconds(journal: Database) -> None:
    trader = holding(journal)
    trader.clock.move_to(FIRST + hours(23))
    wallet = trader.exchange.venue.accounts[NAME].wallet
    wallet.credit("ETH", Decimal("-0.04"))
    trader.guard.until(trader.clock.now() + timedelta(seconds=2), never)
    wallet.credit("ETH", Decimal("0.04"))
    while trader.clock.now() < FIRST + hours(23.1):
        trader.guard.until(FIRST + hours(23.1), never)
    take_in(trader.session)
    assert [each.life.state.terminal for each in exits(trader)] == [True] * len(exits(trader))
    assert trader.positions() == ()
    assert trader.alarms() == []
    trader.laws()


def test_coins_that_stay_away_sell_what_is_there_and_then_a_person_is_called(journal: Database) -> None:
    trader = holding(journal)
    trader.clock.move_to(FIRST + hours(20))
    trader.exchange.venue.accounts[NAME].wallet.credit("ETH", Decimal("-0.04"))
    before = trader.clock.now()
    while trader.clock.now() < before + hours(3):
        trader.guard.until(before + hours(3), never)
    take_in(trader.session)
    assert sum(each.fill.volume.value for each in all_fills(journal, trader.account.account_id)[1:]) == Decimal(
        "0.06"
    )
    assert "alarm.exit_stuck" in trader.alarms()
    assert len(exits(trader)) < 30, "never for ever"


def test_a_market_in_trouble_holds_up_no_other(journal: Database) -> None:
    trader = holding(journal, SLUMP, SLUMP_TOO)
    trader.buy(XRP, "100")
    trader.wire.faults.append(Fault(kind=Kind.REQUEST_LOST, times=100_000, about="KRW-ETH"))
    trader.clock.move_to(FIRST + hours(23))
    before = trader.clock.now()
    sold: list[float] = []

    def seen(request: object) -> None:
        if b"KRW-XRP" in (getattr(request, "body", b"") or b"") and getattr(request, "method", "") == "POST":
            sold.append((trader.clock.now() - before).total_seconds())

    trader.wire.seen = seen
    trader.guard.until(before + timedelta(minutes=2), never)
    assert sold
    assert sold[0] < 1.0


def test_an_identifier_of_an_exit_is_the_one_of_the_shared_sequence(journal: Database) -> None:
    trader = holding(journal)
    trader.watch(FIRST + hours(24))
    (sale,) = exits(trader)
    assert sale.identifier == identifier("0001", sale.position_id, Leg.EXIT, 1)
    assert Price(sale.evidence["bid"]) <= Price(sale.evidence["stop"])


def test_the_trader_reads_each_line_once_also_when_the_journal_was_put_aside_or_is_half_written(
    journal: Database,
) -> None:
    trader = holding(journal, Chart(market=ETH, price=5_000_000, days=[0.1, -0.2]))
    trader.guard.until(FIRST + hours(3), never)
    path, key = trader.exchange.guard / JOURNAL, trader.guard.parts.key
    reader = JournalReader(folder=path.parent, key=key, files=Disk())
    first = reader.fresh()
    assert [each.n for each in first] == list(range(1, len(first) + 1))
    assert reader.fresh() == []
    trader.guard.until(FIRST + hours(6), never)
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    again = reader.fresh()
    path.write_bytes(content)
    again += reader.fresh()
    assert [each.n for each in again] == list(range(len(first) + 1, trader.guard.journal.file.last + 1))
    later, _ = entries.line(
        entries.Entry(99, trader.clock.now(), "stuck", {"position": "p", "cause": "c"}), "", key
    )
    path.write_bytes(later)
    assert [each.n for each in reader.fresh()] == [99], "another file, shorter than the one before"
