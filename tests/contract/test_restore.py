"""A backup brought back on another machine: proven before, compared after; never over an account, never by half."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from makenaide.app.database import Store, open_store
from makenaide.app.person import person
from makenaide.app.power import back_up, bring_back, shelf_of
from makenaide.domain.errors import Halted, Inconsistent, Misconfigured
from makenaide.environment import Environment, load
from makenaide.ops import backup as backups
from makenaide.store.audit import Sought, broken, trail
from makenaide.store.db import Database, Role
from makenaide.store.dump import Contents, contents, differences
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.modes import Mode
from makenaide.store.validate import validate
from tests.contract.charts import ETH
from tests.contract.manual import SEEING, WORLD
from tests.contract.trading import Exchange, open_trader


@dataclass(frozen=True, slots=True)
class Machine:
    """A data folder with a server of its own."""

    env: Environment

    def store(self, *, prepare: bool = False) -> Store:
        """Its database, for as long as the fixture keeps its server up."""
        with open_store(self.env, prepare=prepare) as store:
            return store

    def look(self) -> Contents:
        """What its paper schema holds."""
        with self.store().open(Role.READER) as db, db.snapshot():
            return contents(db)

    def schemas(self) -> list[str]:
        """Those of ours."""
        with Database.connect(self.store().conninfo, role=Role.READER) as db:
            found = db.connection.execute(
                b"select nspname from pg_namespace where nspname in ('paper', 'live') order by 1"
            )
            return [row.nspname for row in found.fetchall()]

    def copy_of(self, other: "Machine", name: str) -> "Machine":
        """With the two files of the backup `name`."""
        here, there = self.env.home / backups.FOLDER, other.env.home / backups.FOLDER
        here.mkdir(exist_ok=True)
        for ending in ("dump", "json"):
            shutil.copy(there / f"{name}.{ending}", here)
        return self


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Callable[[str], Machine]]:
    """Makes machines whose servers run until the test ends."""
    servers: list[EmbeddedPostgres] = []

    def make(name: str) -> Machine:
        servers.append(EmbeddedPostgres(tmp_path / name).start())
        return Machine(load({"MAKENAIDE_HOME": str(tmp_path / name)}))

    yield make
    for server in servers:
        server.remove()


@pytest.fixture
def old(machine: Callable[[str], Machine]) -> Machine:
    """One on which something was bought."""
    found = machine("old")
    with found.store(prepare=True).open(Role.WRITER) as db:
        open_trader(db, Exchange(tape=WORLD, scopes=SEEING)).buy(ETH, "0.1")
    return found


@pytest.fixture
def name(old: Machine) -> str:
    """The backup that was taken there."""
    return back_up(old.env, old.store(), None).name


def test_a_backup_comes_back_on_a_new_machine_with_every_figure_the_same_and_is_noted(
    old: Machine, name: str, machine: Callable[[str], Machine]
) -> None:
    new = machine("new").copy_of(old, name)
    held = bring_back(new.env, name, Mode.PAPER)
    assert held.contents.counts["fill"] > 0
    with new.store().open(Role.READER) as db, db.snapshot():
        found = contents(db)
    with new.store().open(Role.READER) as db:
        assert validate(db) == ()
        assert broken(db) == ()
    told = differences(held.contents, found)
    assert [line for line in told if "audit" not in line and "chain_head" not in line] == [], (
        "but for the row that tells of it"
    )
    assert found.balances == held.contents.balances
    with new.store().open(Role.READER) as db:
        (row,) = trail(db, Sought(action="backup.restore"))
        assert (row.actor, row.detail) == (person(), {"name": name, "sha256": held.sha256})
    assert new.schemas() == ["paper"]

    again = new.look()
    with pytest.raises(Halted, match=r"holds accounts \(1\): nothing is restored over them"):
        bring_back(new.env, name, Mode.PAPER)
    assert new.look() == again


def test_a_schema_without_an_account_makes_room(
    old: Machine, name: str, machine: Callable[[str], Machine]
) -> None:
    new = machine("new").copy_of(old, name)
    with new.store(prepare=True).open(Role.READER):
        pass
    assert new.look().counts["account"] == 0
    bring_back(new.env, name, Mode.PAPER)
    assert new.look().counts["account"] == 1


def test_tables_of_somebody_else_are_left_alone(
    old: Machine, name: str, machine: Callable[[str], Machine]
) -> None:
    new = machine("new").copy_of(old, name)
    with Database.connect(new.store().conninfo, role=Role.READER) as db:
        db.connection.execute(b"create schema paper create table mine (id int)")
    with pytest.raises(Halted, match="tables that are not Makenaide's"):
        bring_back(new.env, name, Mode.PAPER)
    with Database.connect(new.store().conninfo, role=Role.READER) as db:
        assert db.connection.execute(b"select count(*) as many from paper.mine").fetchone() is not None


def test_what_is_damaged_is_refused_with_nothing_half_restored(
    old: Machine, name: str, machine: Callable[[str], Machine]
) -> None:
    new = machine("new").copy_of(old, name)
    shelf = shelf_of(new.env.home)
    file, whole, true = shelf.dump_of(name), shelf.dump_of(name).read_bytes(), shelf.named(name)

    def forge(**changed: object) -> None:
        forged = msgspec.structs.replace(true, **changed)
        (shelf.folder / f"{name}.json").write_bytes(msgspec.json.encode(forged))

    file.write_bytes(whole[:-100] + b"\0" * 100)
    with pytest.raises(Inconsistent, match="its bytes are not those that were written"):
        bring_back(new.env, name, Mode.PAPER)
    assert new.schemas() == []

    file.write_bytes(whole[: len(whole) // 2])
    forge(sha256=backups.checksum(file))
    with pytest.raises(Inconsistent, match="cannot be restored"):
        bring_back(new.env, name, Mode.PAPER)
    assert new.schemas() == []
    with pytest.raises(Inconsistent, match="cannot be restored"):  # also where nobody tried it before
        shelf.bring_back(shelf.named(name), new.store().conninfo, 60)
    assert new.schemas() == []

    file.write_bytes(whole)
    more = {**true.contents.counts, "fill": 1000}
    forge(contents=replace(true.contents, counts=more))
    with pytest.raises(Inconsistent, match="rows of fill: 1 instead of 1000"):
        bring_back(new.env, name, Mode.PAPER)
    with pytest.raises(Inconsistent, match="rows of fill: 1 instead of 1000"):
        shelf.bring_back(shelf.named(name), new.store().conninfo, 60)
    assert new.schemas() == [], "what was begun is dropped"


def test_a_name_that_is_none_and_rows_of_the_other_mode_are_told(
    old: Machine, name: str, machine: Callable[[str], Machine]
) -> None:
    new = machine("new")
    with pytest.raises(Misconfigured, match=r"holds no such manifest$"):
        bring_back(new.env, name, Mode.PAPER)
    new.copy_of(old, name)
    with pytest.raises(Misconfigured, match=f"did you mean {name}"):
        bring_back(new.env, f"{name}x", Mode.PAPER)
    with pytest.raises(Misconfigured, match="it holds paper rows: --mode paper"):
        bring_back(new.env, name, Mode.LIVE)
    assert new.schemas() == []
