"""The scene at home: a stepped account and one on the wall clock, with a venue that is asked and never traded on."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.crew import Crew
from makenaide.app.database import Store
from makenaide.app.deployed import deploy, manifest_file, panels_file
from makenaide.app.halted import halt_file
from makenaide.app.late import Late, Opened
from makenaide.app.operation import Operation, State, Worker, enter, write_operation
from makenaide.app.parts import database_before, database_part
from makenaide.app.resident import venue_address
from makenaide.app.scene import Before, scene_of
from makenaide.domain.errors import DatabaseUnavailable, Misconfigured
from makenaide.domain.verdict import Verdict
from makenaide.environment import UpbitSecrets
from makenaide.ops.check import Checklist
from makenaide.ops.checks.buying import clock, guard, money
from makenaide.ops.checks.register import BY_ID, LISTS
from makenaide.ops.runner import run_checks
from makenaide.ops.scene import LogLine, PartState
from makenaide.pipeline.loop import Patience, run_loop
from makenaide.store.db import Database
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.runs import latest_run
from tests.contract.charts import FIRST
from tests.contract.looking import SchemaStore, account_of, environment, opened

pytestmark = pytest.mark.sockets
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(postgres: EmbeddedPostgres, schema: str) -> Store:
    return SchemaStore(conninfo=postgres.conninfo, location="tests", embedded=False, schema=schema)


def test_a_stepped_account_is_looked_at_in_its_own_time(journal: Database, store: Store, tmp_path: Path) -> None:
    env = environment(tmp_path)
    with opened(env, journal) as session:
        account = session.account
        run_loop(session, lambda _: None, Patience(tries=1))
    run = latest_run(journal, account.account_id)
    assert run is not None
    with scene_of(env, store, account) as scene:
        assert scene.stepped
        assert run.finished_at <= scene.now < run.finished_at + timedelta(hours=1)
        assert scene.ask().accounts()["KRW"].total > 0
        assert (scene.key, scene.rights) == (None, None), "the simulator's key is nobody's business"
        trader, watch, steward = scene.place.workers()
        assert [each.state for each in (trader, watch, steward)] == [PartState.DOWN] * 3
        assert [each.wanted for each in (trader, watch, steward)] == [False, False, False]
        assert trader.success == run.finished_at
        assert scene.place.planned_runs() == {"trader": 1}
        results = run_checks([each for checks in LISTS.values() for each in checks], scene)
    raised = {
        each.check.id: each.evidence.said for each in results if each.evidence.said.key in ("raised", "hung")
    }
    assert raised == {}, "every check can look"


def test_while_a_run_holds_the_account_its_simulator_is_left_alone(
    journal: Database, store: Store, tmp_path: Path
) -> None:
    env = environment(tmp_path)
    with opened(env, journal) as session:
        began = time.monotonic()
        with scene_of(env, store, session.account) as scene:
            assert time.monotonic() - began < 5
            assert scene.venue is None
            assert "as long as that runs" in scene.no_venue
            with pytest.raises(Misconfigured, match="belongs to process"):
                scene.ask()
            trader, _, _ = scene.place.workers()
            assert (trader.state, trader.word) == (PartState.UP, "trading")


def test_an_account_on_the_wall_clock_is_looked_at_while_its_trader_trades(
    journal: Database, store: Store, tmp_path: Path
) -> None:
    env = environment(tmp_path)
    with opened(env, journal, endless=True) as session:
        account = session.account
        with scene_of(env, store, account) as scene:
            assert abs(scene.now - datetime.now(UTC)) < timedelta(minutes=1)
            assert not scene.stepped
            skew = clock(scene)
            assert skew.verdict == "PASS", skew
            assert skew.value["high_seconds"] - skew.value["low_seconds"] < 1.1
            assert money(scene).verdict == "PASS"
            assert guard(scene).said.key == "b4_silent", "it trades, and nobody started a guard"
            assert set(scene.place.planned_runs()) == {"trader", "guard", "steward"}
    held = guard_of(scene_of(env, store, account))
    assert held == "b4_nothing"
    address = venue_address(tmp_path / "accounts" / account.account_id)
    assert address is not None


def guard_of(opening: object) -> str:
    with opening as scene:  # type: ignore[attr-defined]
        return str(guard(scene).said.key)


def test_a_venue_that_cannot_be_opened_is_a_reason_and_no_fault(
    journal: Database, store: Store, tmp_path: Path
) -> None:
    env = environment(tmp_path)
    account = account_of(env, journal)
    world = tmp_path / "accounts" / account.account_id / "world.json"
    sound = world.read_bytes()
    world.write_bytes(sound[:100])
    with scene_of(env, store, account) as scene, pytest.raises(Misconfigured, match="the venue cannot be opened"):
        scene.ask().accounts()
    world.unlink()
    with scene_of(env, store, account) as scene:
        assert scene.no_venue.endswith("the account's world is not there")
    assert not world.exists(), "a look makes no world"
    with scene_of(env, store, account, venue=False) as scene:
        assert scene.no_venue == "this look asks no venue"
    with scene_of(env, store, None) as scene:
        assert "makenaide run" in scene.no_venue


def test_no_key_goes_to_an_address_that_is_not_meant(store: Store, journal: Database, tmp_path: Path) -> None:
    env = environment(tmp_path)
    account = replace(account_of(env, journal), settings={"live": True}, last_slot=None)
    with scene_of(env, store, account) as scene:
        assert scene.live
        assert scene.no_venue == "the trading key is not there whole"
    elsewhere = environment(tmp_path, upbit={"base_url": "https://upbit.example.org"})
    with scene_of(elsewhere, store, account) as scene:
        assert scene.venue is None
        assert "example.org" in scene.no_venue


def test_without_a_database_the_place_is_still_looked_at(tmp_path: Path, store: Store) -> None:
    env = environment(tmp_path)
    for way in (None, SchemaStore(conninfo="", location="", embedded=False, schema="x", away=True)):
        with scene_of(env, way, None) as scene:
            with pytest.raises(DatabaseUnavailable), scene.books():
                pass
            with pytest.raises(DatabaseUnavailable):
                scene.place.workers()
            assert scene.place.installed().packages
            assert scene.place.database().state is PartState.DOWN
            assert scene.place.backups() == ()
            disk, memory, connections = scene.place.resources()
            assert (disk.name, memory.name) == ("disk", "memory")
            assert min(disk.free, memory.free) > 0
            assert math.isnan(connections.free)
            assert connections.told


def test_money_that_was_asked_for_by_its_mode_is_real_though_nobody_can_read_of_it(tmp_path: Path) -> None:
    keyed = replace(environment(tmp_path), secrets=UpbitSecrets(access="access", secret="s" * 40))
    before = Before(live=True, away="no server listens")
    with scene_of(keyed, None, None, before=before) as scene:
        assert (scene.live, scene.no_venue) == (True, "no server listens")
        assert scene.key is not None
        with pytest.raises(Misconfigured, match="no server listens"):
            scene.account_or_raise()
        with pytest.raises(DatabaseUnavailable, match="no server listens"), scene.books():
            pass
        lists = (Checklist.EVENING, Checklist.READINESS)
        found = {each.check.id: each.evidence for one in lists for each in run_checks(LISTS[one], scene)}
    money_of = [each.id for each in BY_ID.values() if each.money and each.id in found]
    assert {name for name in money_of if found[name].verdict is Verdict.NOT_APPLICABLE} == set()
    assert (found["E6"].verdict, found["E6"].said.key) == (Verdict.UNKNOWN, "e6_unasked")
    assert found["B5"].verdict is found["B6"].verdict is Verdict.FAIL
    told = {name: str(each.said.values) for name, each in found.items()}
    assert [name for name, words in told.items() if "no account yet" in words] == []
    assert all("no server listens" in told[name] for name in ("E6", "B1", "B2", "B3", "B4", "B7"))


def test_the_key_of_the_environment_is_there_whatever_venue_is_asked(
    store: Store, journal: Database, tmp_path: Path
) -> None:
    env = environment(tmp_path)
    account = account_of(env, journal)
    keyed = replace(env, secrets=UpbitSecrets(access="access"))
    for venue in (False, True):
        with scene_of(keyed, store, account, venue=venue) as scene:
            assert scene.key is not None
            assert scene.key.access == "access"
            assert scene.rights is None, "the simulator's key is nobody's business"
        with scene_of(env, store, account, venue=venue) as scene:
            assert scene.key is None


def test_the_kill_switch_is_seen(tmp_path: Path) -> None:
    halt_file(tmp_path).set("enough", "kim", FIRST)
    with scene_of(environment(tmp_path), None, None) as scene:
        assert scene.halted is not None
        assert "enough" in scene.halted


# ---- what was deployed ----


def test_what_was_deployed_is_what_is_installed_until_somebody_changes_it(tmp_path: Path) -> None:
    env = environment(tmp_path)
    with scene_of(env, None, None) as scene:
        assert scene.place.deployed() is None
        assert scene.place.board().shown is None
        deploy(env)
        assert scene.place.deployed() == scene.place.installed()
        board = scene.place.board()
        assert board.shown == board.generated
        panels_file(tmp_path).write_bytes(b"{}")
        assert scene.place.board().shown != board.generated
        manifest_file(tmp_path).write_bytes(b"{")
        with pytest.raises(Misconfigured, match="cannot be read"):
            scene.place.deployed()


# ---- the database as a part ----


def plan(home: Path, state: State, account: str | None = None) -> None:
    write_operation(home, Operation(state=state, at=FIRST, account=account))


def test_the_embedded_database_is_looked_at_without_being_opened(tmp_path: Path) -> None:
    env = environment(tmp_path / "home")
    assert database_part(env).word == "never made"
    assert not (tmp_path / "home").exists(), "a look makes nothing"
    server = EmbeddedPostgres(env.home)
    try:
        with server:
            up = database_part(env)
            assert (up.state, up.wanted) == (PartState.UP, True)
            assert database_before(env) is None
            plan(env.home, State.STOPPED)
            assert database_part(env).wanted is False
            assert database_before(env) is None, "it is up"
        down = database_before(env)
        assert down is not None
        assert (down.state, down.wanted) == (PartState.DOWN, False)
        plan(env.home, State.STARTED)
        assert database_part(env).wanted is True
        pid_file = server.location / "data" / "postmaster.pid"
        pid_file.write_text("999999\n", encoding="ascii")
        died = database_part(env)
        assert (died.state, died.word) == (PartState.BROKEN, "died")
    finally:
        server.remove()


def test_a_database_of_somebody_elses_is_asked(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    env = replace(environment(tmp_path), database_url=postgres.conninfo)
    assert database_part(env).state is PartState.UP
    nobody = replace(env, database_url="postgresql://nobody@127.0.0.1:1/none")
    assert database_part(nobody).state is PartState.DOWN


# ---- the crew ----


def keeping(home: Path) -> bool:
    return Crew(home=home, account=None).keeping


def test_who_ought_to_work_is_what_the_last_plan_says(journal: Database, tmp_path: Path) -> None:
    env = environment(tmp_path)
    account = replace(account_of(env, journal), last_slot=None)

    def wanted() -> list[bool | None]:
        return [each.wanted for each in Crew(home=tmp_path, account=account).parts(journal)]

    assert wanted() == [None, False, None], "nobody said"
    plan(tmp_path, State.STARTED, account.account_id)
    assert wanted() == [True, False, True]
    plan(tmp_path, State.STARTED, "another")
    assert wanted() == [None, False, None]
    plan(tmp_path, State.STOPPED)
    assert wanted() == [False, False, False]
    before = keeping(tmp_path)
    enter(tmp_path, Worker.STEWARD, account.account_id, ("0", "c"))
    assert (before, keeping(tmp_path)) == (False, True)
    crew = Crew(home=tmp_path, account=account)
    assert crew.parts(journal)[2].state is PartState.UP


# ---- a venue that opens late ----


def late(wait: threading.Event, fault: Exception | None = None) -> tuple[Late, list[str]]:
    done: list[str] = []

    @contextmanager
    def opening() -> Iterator[Opened]:
        wait.wait(10)
        if fault is not None:
            raise fault
        try:
            yield Opened(venue="a venue", clock=WallClock(StopFlag()))  # type: ignore[arg-type]
        finally:
            done.append("closed")

    return Late(opening), done


def test_who_asks_waits_for_a_venue_that_is_being_opened_and_it_is_closed_in_the_end() -> None:
    wait = threading.Event()
    venue, done = late(wait)
    venue.start()
    threading.Timer(0.1, wait.set).start()
    assert venue.venue.upper() == "A VENUE"  # type: ignore[attr-defined]
    venue.stop()
    assert done == ["closed"]


def test_a_venue_that_does_not_open_tells_everybody_why() -> None:
    wait = threading.Event()
    wait.set()
    venue, _ = late(wait, PermissionError(13, "no"))
    venue.start()
    for _ in range(2):
        with pytest.raises(Misconfigured, match=r"the venue cannot be opened: .*no"):
            venue.opened()
    venue.stop()


def test_the_audit_trail_is_one_of_the_logs(journal: Database, store: Store, tmp_path: Path) -> None:
    env = environment(tmp_path)
    account = account_of(env, journal)
    with scene_of(env, store, account, venue=False) as scene:
        lines = [each for each in scene.place.logs(LONG_AGO) if isinstance(each, LogLine) and each.log == "audit"]
    assert "account.open" in [each.text for each in lines]
    assert all(each.data["actor"] and each.data["action"] == each.text for each in lines)
