"""The end of a run on the wall clock: the guard stays with what is open, and goes when nothing is."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from makenaide.app import database, warden
from makenaide.app.guardpost import Ground
from makenaide.app.warden import audited, orders_for, relieve
from makenaide.cli.guard import end_guard
from makenaide.config import Config
from makenaide.domain.errors import Halted
from makenaide.store.db import Database, Role
from makenaide.store.orders import commit_order
from tests.contract.charts import ETH, Chart, bitcoin, tape
from tests.contract.trading import Exchange, Trader, open_trader


@pytest.fixture
def trader(journal: Database) -> Trader:
    """An account that can buy."""
    chart = Chart(market=ETH, price=5_000_000, days=[0.0, 0.0])
    return open_trader(journal, Exchange(tape=tape(bitcoin(2), chart)))


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders whose guards were ended."""
    folders: list[Path] = []
    monkeypatch.setattr(warden, "stop_guard", folders.append)
    return folders


def test_a_guard_stays_while_an_order_is_in_doubt_or_a_position_open(
    trader: Trader, tmp_path: Path, ended: list[Path]
) -> None:
    key = trader.account.account_id
    assert relieve(trader.db, key, tmp_path) == 0
    assert ended == [tmp_path]
    with trader.db.transaction():
        order = trader.entry(ETH, "0.01")
        commit_order(trader.db, order)
    assert relieve(trader.db, key, tmp_path) == 1, "in doubt"
    trader.desk.settle(order)
    assert len(trader.positions()) == 1
    assert relieve(trader.db, key, tmp_path) == 1
    assert ended == [tmp_path]


@dataclass(frozen=True)
class Opened:
    """A store whose connections are the test's own."""

    db: Database

    @contextmanager
    def open(self, _role: Role) -> Iterator[Database]:
        """The test's connection."""
        yield self.db


def test_a_person_ends_a_guard_with_open_positions_only_by_accepting_that(
    trader: Trader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(database, "open_store", lambda *_, **__: nullcontext(Opened(trader.db)))
    monkeypatch.setenv("MAKENAIDE_HOME", str(tmp_path))
    key = trader.account.account_id
    end_guard(key, accept_unguarded=False)
    trader.buy(ETH, "0.01")
    with pytest.raises(Halted, match=r"1 positions .* without a guard: --accept-unguarded"):
        end_guard(key, accept_unguarded=False)
    end_guard(key, accept_unguarded=True)
    assert capsys.readouterr().out == f"Account {key} has no guard.\n" * 2


def test_an_alarm_is_a_row_of_the_audit_trail(trader: Trader) -> None:
    audited(Opened(trader.db), trader.account.account_id)(warden.GONE, {"process": 7, "cause": "gone"})  # type: ignore[arg-type]
    (row,) = trader.db.rows("audit_of", account_id=trader.account.account_id, action="alarm.guard%")
    assert (row.actor, row.action, row.detail) == ("keeper", "alarm.guard_gone", {"process": 7, "cause": "gone"})


def test_the_orders_say_what_the_account_is_and_how_the_exchange_is_asked(trader: Trader) -> None:
    config, account = Config(), trader.account
    orders = orders_for(config, account)
    assert (orders.account, orders.installation) == (account.account_id, account.installation)
    assert (orders.upbit, orders.risk, orders.execution) == (config.upbit, config.risk, config.execution)
    kinds = {"simulator": Ground.SIMULATOR, "upbit": Ground.PAPER}
    assert {kind: orders_for(config, replace(account, venue=kind)).ground for kind in kinds} == kinds
    assert orders_for(config, replace(account, venue="upbit", settings={"live": True})).ground is Ground.LIVE
