"""Our own measures have data: a real run on the real database leaves what M8-M10, G1-G7 and the panels ask for."""

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from makenaide.app.clock import StopFlag
from makenaide.app.database import Store
from makenaide.app.identity import source
from makenaide.app.trader import open_session, trade
from makenaide.app.wanted import wanted_account
from makenaide.catalogue import texts
from makenaide.cli.standing import show_standing
from makenaide.dashboard.panels import widgets
from makenaide.domain.errors import DatabaseUnavailable, Unavailable
from makenaide.environment import load
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.ledger.performance import EquityPoint, drawdown_now, time_weighted_return
from makenaide.monitoring.delivery import owes
from makenaide.monitoring.measures import Name, Registry, flush, summary
from makenaide.monitoring.watching import DatabaseMeasures, registry_of
from makenaide.pipeline.loop import Patience
from makenaide.store.db import Database, Role
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.journal import all_fills
from makenaide.store.measures import Sample, measured_last, samples
from makenaide.store.outbox import put_message
from makenaide.store.runs import equity_rows
from tests.contract.conftest import Connect
from tests.contract.faults import Fault, Kind
from tests.contract.test_delivery import AT, NOW, message
from tests.contract.test_notify import Books
from tests.contract.test_pipeline_loop import begun
from tests.contract.test_pipeline_report import finished
from tests.contract.trading import Trader
from tests.unit.test_channels import Terminal

DAY = timedelta(days=1)
EVER = (AT - 3650 * DAY, AT + 3650 * DAY)


def kept(db: Database, account_id: str, name: Name) -> tuple[Sample, ...]:
    return samples(db, account_id, name, EVER)


def gauge(trader: Trader, name: Name) -> Mapping[datetime, float]:
    return {each.at: each.total for each in kept(trader.db, trader.account.account_id, name)}


def slots_of(db: Database, account_id: str) -> list[datetime]:
    return [row.valued_at for row in equity_rows(db, account_id)]


@pytest.mark.sockets
def test_a_stepped_run_keeps_every_call_as_its_client_counted_it(journal: Database, tmp_path: Path) -> None:
    env = load({"MAKENAIDE_HOME": str(tmp_path)})
    wanted = wanted_account(env, source(env.config, {"days": 3, "markets": 3}))
    with open_session(env, journal, wanted, StopFlag()) as session:
        assert trade(session, lambda _: None)
        venue = session.venue
        assert isinstance(venue, UpbitClient)
    calls = venue.calls
    found = kept(journal, wanted.account_id, Name.API)
    told = summary(found)
    assert told.count == sum(each.count for each in calls.values()) > 20
    assert told.failures == sum(each.failures for each in calls.values())
    by_label = Counter(dict.fromkeys(calls, 0))
    for each in found:
        by_label[each.label] += each.count
    assert set(by_label) - {"*"} <= set(calls)
    assert all(by_label[label] <= measure.count for label, measure in calls.items())
    assert told.mean is not None
    assert 0 < told.mean < 2, "real seconds, though the account's time is simulated"
    assert told.p95 is not None
    for shown in widgets().values():
        assert set(shown) <= set(measured_last(journal, wanted.account_id))
    (start,) = [each for each in kept(journal, wanted.account_id, Name.START) if each.count]
    assert (start.label, start.count) == ("trader", 1)


def test_a_cycle_keeps_its_measures_with_its_run_at_most_25_rows_a_slot(journal: Database) -> None:
    trader = finished(journal)
    account, slots = trader.account.account_id, slots_of(journal, trader.account.account_id)
    cycles = kept(journal, account, Name.WORK)
    assert [(each.label, each.count, each.failures, each.at) for each in cycles] == [
        ("cycle", 1, 0, slot) for slot in slots
    ]
    queries = kept(journal, account, Name.QUERY)
    assert sum(each.count for each in queries) > 50 * len(slots)
    assert {"equity_all", "run_open"} & {each.label for each in queries} or any(
        each.label == "*" for each in queries
    )
    rows = Counter(each.at for name in Name for each in kept(journal, account, name))
    assert set(rows) == set(slots)
    assert max(rows.values()) <= 25


def test_the_gauges_are_the_ledgers_own_numbers(journal: Database) -> None:
    trader = finished(journal)
    rows = equity_rows(journal, trader.account.account_id)
    points = [EquityPoint(at=row.slot, equity=row.equity, flow=row.flow) for row in rows]
    fills = all_fills(journal, trader.account.account_id)
    earned, fall, trades = (gauge(trader, name) for name in (Name.RETURN, Name.DRAWDOWN, Name.TRADES))
    for number, row in enumerate(rows):
        assert earned[row.valued_at] == float(time_weighted_return(points[: number + 1]))
        assert fall[row.valued_at] == float(drawdown_now(points[: number + 1]))
        since = rows[number - 1].valued_at if number else EVER[0]
        assert trades[row.valued_at] == sum(since < each.fill.at <= row.valued_at for each in fills)
        invested = 1 - row.cash.value / row.equity.value
        assert gauge(trader, Name.EXPOSURE)[row.valued_at] == pytest.approx(float(invested))
    assert sum(trades.values()) == len(fills) > 0
    assert any(fall.values())
    assert min(gauge(trader, Name.DATABASE).values()) > 1_000_000


def test_a_cycle_that_was_broken_off_counts_as_failed_and_the_run_goes_on(journal: Database) -> None:
    trader = begun(journal, 2)
    trader.wire.faults.append(Fault(kind=Kind.HTML, method="GET", path="/v1/market/all", times=8))
    assert trader.run(Patience(tries=3, pause_seconds=60))
    cycles = kept(journal, trader.account.account_id, Name.WORK)
    assert [(each.count, each.failures) for each in cycles] == [(3, 2), (1, 0)]


def test_nothing_is_kept_of_a_cycle_whose_end_is_not_committed(journal: Database) -> None:
    trader = begun(journal, 2)
    trader.wire.faults.append(Fault(kind=Kind.HTML, method="GET", path="/v1/market/all", times=99))
    with pytest.raises(Unavailable):
        trader.run(Patience(tries=2, pause_seconds=60))
    account = trader.account.account_id
    assert kept(journal, account, Name.WORK) == ()
    flush(journal, account, trader.session.measures, trader.clock.now())
    (cycle,) = kept(journal, account, Name.WORK)
    assert (cycle.count, cycle.failures) == (2, 2)


def test_a_flush_that_the_database_refuses_loses_nothing(journal: Database, connect: Connect) -> None:
    gone, registry = connect(Role.WRITER), Registry()
    registry.note(Name.API, "GET /v1/ticker", 0.25, failed=True)
    gone.close()
    with pytest.raises(DatabaseUnavailable):
        flush(gone, "0001aaaaaaaa", registry, AT)
    flush(journal, "0001aaaaaaaa", registry, AT)
    flush(journal, "0001aaaaaaaa", registry, AT + DAY)
    (sample,) = kept(journal, "0001aaaaaaaa", Name.API)
    assert (sample.at, sample.count, sample.failures, sample.total) == (AT, 1, 1, 0.25)
    assert sum(sample.classes) == 1
    assert summary([sample]).p95 == 0.25


def test_every_way_to_ask_the_database_is_counted_and_a_refusal_has_failed(db: Database) -> None:
    registry = registry_of(db)
    assert registry_of(db) is registry
    registry.take(AT)
    db.do_many("put_id", [{"id": 1}, {"id": 2}])
    db.copy("copy_text", [(3, Decimal(1), AT, None)])
    db.rows("all")
    with pytest.raises(Unavailable):
        db.do("full_disk")
    found = {each.label: (each.count, each.failures) for each in registry.take(AT)}
    assert found == {"put_id": (1, 0), "copy_text": (1, 0), "all": (1, 0), "full_disk": (1, 1)}


def test_an_attempt_to_connect_is_counted_also_when_nobody_answers(postgres: EmbeddedPostgres) -> None:
    registry = Registry()
    watch = DatabaseMeasures(registry)
    Database.connect(postgres.conninfo, role=Role.READER, observer=watch).close()
    with pytest.raises(DatabaseUnavailable):
        Database.connect("postgresql://me@127.0.0.1:1/nowhere", role=Role.READER, observer=watch)
    (connect,) = registry.take(AT)
    assert (connect.name, connect.count, connect.failures) == ("connect", 2, 1)
    assert connect.total > 0


def test_a_store_counts_its_connections_and_both_modes_are_one_process() -> None:
    store = Store(conninfo="postgresql://me@127.0.0.1:1/nowhere", location="nowhere", embedded=False)
    with pytest.raises(DatabaseUnavailable), store.of(replace(store).mode).open(Role.READER):
        pass
    (connect,) = store.measures.take(AT)
    assert (connect.name, connect.count, connect.failures) == ("connect", 1, 1)


@pytest.mark.parametrize("terminal", [True, False])
def test_status_shows_on_a_terminal_what_nobody_has_seen_once(
    terminal: bool, journal: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Books(conninfo="", location="here", embedded=False, database=lambda: journal)
    put_message(journal, message(title="backup \x1b[31m[red]failed[/]"))
    shown: list[str] = []
    for _ in range(2):
        stream = Terminal(terminal=terminal)
        monkeypatch.setattr(sys, "stdout", stream)
        show_standing(store, tmp_path, texts("en"), as_json=False)
        shown.append(stream.text)
    assert ["failed" in each for each in shown] == [terminal, False]
    assert ["Messages since somebody last looked:" in each for each in shown] == [terminal, False]
    assert owes(journal, "terminal", NOW) is not terminal
    if terminal:
        assert "backup ?[31m[red]failed[/]" in shown[0]
