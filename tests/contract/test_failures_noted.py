"""What fails is in the audit trail as well: a start, a stop, a backup; and a steward that hangs is replaced."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from makenaide.app import workers
from makenaide.app.database import open_store
from makenaide.app.detached import Detached, Living
from makenaide.app.meant import Meant
from makenaide.app.noting import FOLDER
from makenaide.app.operation import Worker, enter
from makenaide.app.person import person
from makenaide.app.planbook import HomeJournal
from makenaide.app.power import Grip, back_up
from makenaide.app.workers import Workers
from makenaide.catalogue import texts
from makenaide.cli.starting import _Desk
from makenaide.domain.errors import DatabaseUnavailable, Halted, Inconsistent
from makenaide.environment import Environment, UpbitSecrets
from makenaide.ops.backup import Shelf
from makenaide.ops.plan import Deed, Plan, Procedure, Step
from makenaide.store.audit import Sought, trail
from makenaide.store.db import Database, Role
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.modes import Mode
from tests.contract.conftest import Connect

AT = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture
def env(tmp_path: Path) -> Iterator[Environment]:
    """A data folder with a database of its own, not made yet."""
    home = tmp_path / "home"
    yield Environment(
        home=home,
        database_url=None,
        language="en",
        config_file=home / "makenaide.toml",
        values={},
        secrets=UpbitSecrets(),
    )
    EmbeddedPostgres(home).remove()


def kept(home: Path) -> list[Mapping[str, Any]]:
    return [msgspec.json.decode(file.read_bytes()) for file in sorted((home / FOLDER).glob("*.json"))]


class Refusing:
    """`ops.plan.Acts` whose only step is refused, if `refused`."""

    def __init__(self, *, refused: bool) -> None:
        self.refused = refused

    def deed(self, step: str) -> Deed:
        def require() -> None:
            raise Halted("one position is left")

        if self.refused:
            return Deed(lacks=lambda: "not drained", act=lambda _: "", require=require)
        return Deed(lacks=lambda: None, act=lambda _: "")

    def undo(self) -> Sequence[str]:
        return ()


@pytest.mark.parametrize("procedure", [Procedure.START, Procedure.STOP])
def test_a_plan_that_fails_is_noted_with_its_step_and_one_that_succeeds_notes_itself(
    env: Environment, procedure: Procedure
) -> None:
    desk = _Desk(env=env, text=texts("en"), as_json=True, about=cast("Meant", None))
    plan = Plan(
        id="p1",
        procedure=procedure,
        at=AT,
        account=None,
        steps=(Step(id="T1", does="drain", deadline=1.0, why="bounded", skip=False),),
    )
    means = HomeJournal(home=env.home, plan="p1", account=None), Grip(env=env, mode=Mode.PAPER)
    assert desk.carry_out(plan, Refusing(refused=False), means) == 0
    assert kept(env.home) == []
    with pytest.raises(Halted):
        desk.carry_out(plan, Refusing(refused=True), means)
    (row,) = kept(env.home)
    assert (row["actor"], row["action"]) == (person(), f"system.{procedure}")
    cause = row["detail"].pop("cause")
    assert row["detail"] == {"plan": "p1", "outcome": "failed", "step": "T1"}
    assert "one position is left" in cause


@pytest.mark.parametrize("away", [False, True])
def test_a_backup_that_is_not_sound_is_noted(
    env: Environment, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    def take(*_: object) -> None:
        if away:
            monkeypatch.setattr("makenaide.app.database.Store.open", gone)
        raise Inconsistent("2 rows differ")

    def gone(*_: object) -> None:
        raise DatabaseUnavailable("it is away")

    monkeypatch.setattr(Shelf, "take", take)
    with open_store(env, prepare=True) as store:
        with pytest.raises(Inconsistent, match="2 rows"):
            back_up(env, store, None, "steward")
        if away:
            (row,) = kept(env.home)
            assert (row["actor"], row["action"]) == ("steward", "backup.fail")
            return
        with store.open(Role.READER) as db:
            (entry,) = trail(db, Sought(action="backup.fail"))
    assert (entry.actor, entry.detail) == ("steward", {"cause": "2 rows differ"})


def test_a_steward_that_lives_and_is_silent_is_ended_and_replaced(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []

    def end(process: Living, _patience: float) -> bool:
        ended.append(process.pid)
        return True

    def detach(*_: object) -> Detached:
        return Detached(pid=os.getpid(), out=env.home, err=env.home)

    monkeypatch.setattr(workers, "end", end)
    monkeypatch.setattr(workers, "detach", detach)
    about = Meant(mode=Mode.PAPER, options={}, named=True, before=None)
    crew = Workers(env=env, about=about, wanted=cast("Any", Live()), grip=Grip(env=env, mode=Mode.PAPER))
    enter(env.home, Worker.STEWARD, "0001aaaaaaaa", ("0", ""))
    assert crew.lacks_steward() is None
    os.utime(env.home / "workers" / "steward.json", (0, 0))
    assert crew.lacks_steward() is not None
    crew.start_steward(lambda: 10.0)
    assert ended == [os.getpid()]


class Live:
    """A `Wanted` of no real key."""

    class source:  # noqa: N801 - as the field is called
        live = False


def test_a_connection_notices_a_network_that_swallows_everything(connect: Connect, journal: Database) -> None:
    told = connect(Role.READER).connection.info.get_parameters()
    assert {name: told.get(name) for name in ("keepalives_idle", "keepalives_interval", "tcp_user_timeout")} == {
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "tcp_user_timeout": "60000",
    }
