"""What the steward is made of: it starts a dead trader again, hears announcements, looks at the chains."""
# ruff: noqa: S310 - every address is the simulator's on this machine

import json
import os
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from makenaide.app.chores import Chore, chores
from makenaide.app.clock import StopFlag
from makenaide.app.database import Store, open_store
from makenaide.app.detached import Detached
from makenaide.app.listening import _Listener, ears_of, listening
from makenaide.app.notify import send_due
from makenaide.app.noting import keep_action
from makenaide.app.operation import Operation, State, Worker, enter, leave, write_operation
from makenaide.app.resident import resident
from makenaide.app.situation import keeper_of, steward_of
from makenaide.app.steward import audit_body, note_waiting, pulse
from makenaide.app.tending import FAILED, GONE, DatabaseKeeper, TraderKeeper
from makenaide.catalogue import texts
from makenaide.cli.timetable import telling
from makenaide.domain.errors import DatabaseUnavailable, Inconsistent, Misconfigured
from makenaide.environment import Environment, UpbitSecrets
from makenaide.monitoring.measures import Name, Registry
from makenaide.ops.attempt import Ended
from makenaide.store.accounts import Account, find_account
from makenaide.store.announcements import Announcement, announcements
from makenaide.store.audit import Sought, trail
from makenaide.store.db import Database, Role
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.runs import AuditEntry, put_audit
from makenaide.store.switch import running
from makenaide.store.text import storable
from tests.contract.conftest import Connect, dead
from tests.contract.residents import place
from tests.contract.scheduling import ACCOUNT, evening, opened

DEAD = {"pid": 2**22 + 7, "born": "once", "account": ACCOUNT, "at": "2026-11-28T00:00:00Z"}


class TestStore:
    """A `Store` on the test's schema; `away`: nothing answers."""

    __test__ = False

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self.away = False
        self.measures = Registry()

    @contextmanager
    def open(self, role: Role) -> Iterator[Database]:
        if self.away:
            raise DatabaseUnavailable("it is away")
        db = self._connect(role)
        try:
            yield db
        finally:
            db.close()

    @property
    def store(self) -> Store:
        return cast("Store", self)


@pytest.fixture
def books(connect: Connect, journal: Database) -> TestStore:
    """With one account."""
    opened(connect)
    return TestStore(connect)


def environment(home: Path, secrets: UpbitSecrets | None = None) -> Environment:
    return Environment(
        home=home,
        database_url=None,
        language="en",
        config_file=home / "makenaide.toml",
        values={},
        secrets=secrets or UpbitSecrets(),
    )


# ---- the trader ----


class Nursery:
    """Starts traders that are no processes; `broken`: none can be started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begun: list[tuple[str, ...]] = []
        self.broken = False

    def begin(self, env: Environment, operation: Operation) -> Detached:
        if self.broken:
            raise Misconfigured("no room")
        self.begun.append(operation.arguments)
        return Detached(pid=2**22 + 8, out=self.folder / "out", err=self.folder / "err")


class Tending:
    """A keeper with its files, and a clock that is driven by hand."""

    def __init__(self, home: Path, books: TestStore) -> None:
        self.home = home
        self.now = 1000.0
        self.books = books
        self.nursery = Nursery(home)
        env = environment(home)
        self.keeper = TraderKeeper(env, books.store, lambda: self.now, self.nursery.begin)

    def says(self, state: State) -> None:
        """What the last plan left."""
        write_operation(
            self.home,
            Operation(state=state, at=datetime.now(UTC), account=ACCOUNT, arguments=("--endless",)),
        )

    def trader_died(self) -> None:
        """Its file is there, it is not."""
        file = self.home / "workers" / "trader.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**DEAD, "version": "0", "code": ""}))

    def alarms(self) -> list[tuple[str, Any]]:
        with self.books.open(Role.READER) as db, db.snapshot():
            found = trail(db, Sought(since=datetime.now(UTC) - timedelta(hours=1), actor="steward"))
            return [(each.action, each.detail) for each in found]


@pytest.fixture
def tending(tmp_path: Path, books: TestStore) -> Tending:
    return Tending(tmp_path, books)


def test_a_trader_that_died_is_started_again_with_its_arguments_and_it_is_noted(tending: Tending) -> None:
    tending.says(State.STARTED)
    tending.trader_died()
    assert tending.keeper.look()
    assert tending.nursery.begun == [("--endless",)]
    assert tending.alarms() == [(GONE, {"process": DEAD["pid"], "deaths": 1, "started": 2**22 + 8})]


@pytest.mark.parametrize("state", [State.STOPPED, State.STOPPING, State.STARTING, State.FAILED, None])
def test_what_is_not_started_stays_down(tending: Tending, state: State | None) -> None:
    if state is not None:
        tending.says(state)
    tending.trader_died()
    assert not tending.keeper.look()
    assert tending.nursery.begun == []


def test_a_trader_that_was_told_to_end_stays_down(tending: Tending) -> None:
    tending.says(State.STARTED)
    assert not tending.keeper.look()
    tending.trader_died()
    leave(tending.home, Worker.TRADER)  # not ours, so it stays
    (tending.home / "workers" / "trader.json").unlink()
    assert not tending.keeper.look()


def test_traders_that_die_again_and_again_are_started_after_growing_pauses(tending: Tending) -> None:
    tending.says(State.STARTED)
    tending.trader_died()
    begun = []
    for _ in range(2000):
        if tending.keeper.look():
            begun.append(tending.now - 1000)
        tending.now += 1
    pauses = [after - before for before, after in pairwise(begun)]
    assert pauses[:6] == [1, 2, 4, 8, 16, 32]
    assert pauses[-1] == 300


def test_a_trader_that_cannot_be_started_is_an_alarm_once_and_tried_again(tending: Tending) -> None:
    tending.says(State.STARTED)
    tending.trader_died()
    tending.nursery.broken = True
    for _ in range(10):
        assert not tending.keeper.look()
        tending.now += 1
    assert [action for action, _ in tending.alarms()] == [FAILED]
    tending.nursery.broken = False
    tending.now += 300
    assert tending.keeper.look()


def test_without_a_database_a_trader_is_started_all_the_same(tending: Tending) -> None:
    tending.says(State.STARTED)
    tending.trader_died()
    tending.books.away = True
    assert tending.keeper.look()


# ---- the database ----


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Environment]:
    """A data folder with a database of its own."""
    yield environment(tmp_path / "home")
    EmbeddedPostgres(tmp_path / "home").remove()


def test_a_server_that_was_killed_is_started_again_and_the_same_store_reaches_it(alone: Environment) -> None:
    with open_store(alone, prepare=True) as store:
        keeper = DatabaseKeeper(alone, store)
        with keeper.open() as db:
            assert db.row("account_latest") is None
        assert not keeper.look()
        server = running(alone.home)
        assert server is not None
        os.kill(server.pid, signal.SIGKILL)
        assert dead(server.pid)
        with pytest.raises(DatabaseUnavailable), keeper.open():
            pass
        assert keeper.look()
        with keeper.open() as db:
            assert db.row("account_latest") is None
        assert not keeper.look()
        keeper.close()
        assert running(alone.home) is not None, "the store of whoever opened it still has its claim"
    assert running(alone.home) is None


@pytest.mark.parametrize("state", [State.STOPPED, State.STOPPING])
def test_a_server_that_was_powered_down_stays_down(alone: Environment, state: State) -> None:
    with open_store(alone, prepare=True) as store:
        keeper = DatabaseKeeper(alone, store)
        server = running(alone.home)
        assert server is not None
        os.kill(server.pid, signal.SIGKILL)
        assert dead(server.pid)
        write_operation(alone.home, Operation(state=state, at=datetime.now(UTC)))
        with pytest.raises(DatabaseUnavailable):
            keeper.revive()
    assert running(alone.home) is None


# ---- chores ----


def test_a_chore_that_raises_is_tried_again_and_holds_up_no_other() -> None:
    calls = {"good": 0, "bad": 0}

    def bad() -> None:
        calls["bad"] += 1
        raise ZeroDivisionError

    def good() -> None:
        calls["good"] += 1

    todo = (Chore(name="bad", seconds=0.001, do=bad), Chore(name="good", seconds=0.001, do=good))
    with chores(todo, StopFlag()):
        patience = time.monotonic() + 5
        while min(calls.values()) < 3 and time.monotonic() < patience:
            time.sleep(0.005)
    assert min(calls.values()) >= 3


@pytest.mark.parametrize(("failures", "pause"), [(0, 3.0), (1, 6.0), (4, 30.0), (5000, 30.0)])
def test_a_chore_that_fails_is_done_less_often(failures: int, pause: float) -> None:
    assert Chore(name="x", seconds=3.0, do=dict).pause(failures) == pause
    assert Chore(name="x", seconds=60.0, do=dict).pause(failures) == 60.0


def test_a_chore_that_hangs_does_not_hold_up_the_end() -> None:
    hanging = threading.Event()
    began = time.monotonic()
    with chores((Chore(name="hangs", seconds=1, do=lambda: hanging.wait(30)),), StopFlag()):
        time.sleep(0.05)
    assert time.monotonic() - began < 5
    hanging.set()


# ---- announcements ----


def account(books: TestStore, **more: Any) -> Account:
    with books.open(Role.READER) as db:
        found = find_account(db, ACCOUNT)
    assert found is not None
    values = {name: getattr(found, name) for name in Account.__dataclass_fields__}
    return Account(**(values | more))


def test_nobody_listens_without_a_key_or_where_time_is_stepped(tmp_path: Path, books: TestStore) -> None:
    bare, keyed = environment(tmp_path), environment(tmp_path, UpbitSecrets(access="a", secret="s" * 40))
    half = environment(tmp_path, UpbitSecrets(access="a"))
    real = account(books, venue="upbit")
    assert ears_of(bare, real) is None
    assert ears_of(half, real) is None
    assert ears_of(keyed, real) is not None
    assert ears_of(keyed, account(books, last_slot=datetime.now(UTC))) is None
    live = account(books, settings={"live": True})
    assert ears_of(bare, live) is None
    assert ears_of(keyed, live) is not None
    assert ears_of(bare, account(books)) is not None


def test_a_text_from_outside_is_made_storable_and_nothing_else() -> None:
    assert storable("a\0b\ud800 [red]\x1b[2J") == "a?b? [red]\x1b[2J"


def heard(title: str) -> Announcement:
    now = datetime.now(UTC)
    return Announcement(
        uuid=title, listed_at=now, category="trade", title=title, body=None, url=None, heard_at=now
    )


def test_an_announcement_that_the_driver_refuses_is_dropped_and_the_next_one_kept(
    tmp_path: Path, books: TestStore
) -> None:
    ears = ears_of(environment(tmp_path), account(books))
    assert ears is not None
    listener = _Listener(ears, books.store, lambda: False)
    listener._heard.extend([heard("poisoned \ud800"), heard("sound")])
    listener._keep()
    assert not listener._heard
    assert [each.title for each in kept(books, 1)] == ["sound"]


@pytest.mark.sockets
def test_what_the_simulator_announces_is_kept_also_when_the_database_was_away(
    tmp_path: Path, books: TestStore
) -> None:
    folder = tmp_path / "accounts" / ACCOUNT
    folder.mkdir(parents=True)
    flag = StopFlag()
    with place(folder), listening(environment(tmp_path), books.store, account(books), flag) as hears:
        assert hears
        with resident(folder) as venue:  # it comes up after the listener, which waits for its key
            url = venue.url()
            announce(folder, url, "maintenance", "first", books)
            books.away = True
            post(folder, url, {"category": "trade", "title": "second \x1b[2J", "body": "b"})
            time.sleep(0.3)
            books.away = False
            heard = kept(books, 2)
    titles = {each.title: each for each in heard}
    assert {"second \x1b[2J"} <= set(titles)
    assert titles["second \x1b[2J"].body == "b"
    assert titles["second \x1b[2J"].category == "trade"
    assert Name.LISTEN in {each.name for each in books.measures.take(datetime.now(UTC))}, (
        "that somebody listens shows"
    )


def announce(folder: Path, url: str, category: str, title: str, books: TestStore) -> None:
    """Until it is heard: nobody knows when the stream is up."""
    patience = time.monotonic() + 30
    while time.monotonic() < patience:
        post(folder, url, {"category": category, "title": title})
        if kept(books, 1, 0.5):
            return
    raise AssertionError("nothing is heard")


def post(folder: Path, url: str, notice: dict[str, str]) -> None:
    token = (folder / "operator.token").read_text().strip()
    request = urllib.request.Request(
        f"{url}/simulator/announcements",
        data=json.dumps(notice).encode(),
        headers={"Makenaide-Operator": token, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 201


def kept(books: TestStore, many: int, seconds: float = 10.0) -> list[Any]:
    patience = time.monotonic() + seconds
    while True:
        with books.open(Role.READER) as db:
            since = datetime.now(UTC) - timedelta(days=2)
            found = announcements(db, since, ["maintenance", "trade"])
        titles = {each.title for each in found}
        if len(titles) >= many or time.monotonic() > patience:
            return list(found)
        time.sleep(0.05)


# ---- the chains ----


def test_the_audit_fails_when_a_link_is_broken(tmp_path: Path, books: TestStore, connect: Connect) -> None:
    with books.open(Role.WRITER) as db, db.transaction():
        entry = AuditEntry(account_id=ACCOUNT, at=datetime.now(UTC), actor="x", action="y", detail={"n": 1})
        put_audit(db, entry)
    body = audit_body(environment(tmp_path), books.store)
    told = body(datetime.now(UTC))
    assert told["links"] >= 1
    owner = connect()
    owner.connection.execute(b"alter table audit disable trigger user")
    owner.connection.execute(b"update audit set detail = '{\"n\": 2}' where action = 'y'")
    with pytest.raises(Inconsistent, match="audit"):
        body(datetime.now(UTC))


def account_of(books: TestStore) -> Account:
    with books.open(Role.READER) as db:
        found = find_account(db, ACCOUNT)
    assert found is not None
    return found


def messages(connect: Connect) -> list[Any]:
    return connect().connection.execute(b"select urgency, title, body from outbox").fetchall()


@pytest.mark.parametrize("away", [False, True])
def test_a_backup_that_failed_is_told_once(tmp_path: Path, books: TestStore, connect: Connect, away: bool) -> None:
    slot = datetime(2026, 11, 28, 18, 30, tzinfo=UTC)
    env = environment(tmp_path)
    failed = telling(env, books.store, account_of(books), texts("en"))
    books.away = away
    for _ in range(2):
        failed("backup", slot, Ended(outcome="failed", detail={"cause": "2 rows of fill are missing \x1b[31m"}))
    failed("evening", slot, Ended(outcome="failed", detail={"cause": "x"}))
    books.away = False
    send_due(env, books.store)
    ((urgency, title, said),) = messages(connect)
    assert (urgency, title) == (
        "warning",
        "Makenaide: backup, restored to prove it of 2026-11-29 03:30 KST failed",
    )
    assert "2 rows of fill" in said
    assert "makenaide backup" in said


@pytest.mark.parametrize(
    ("outcome", "expected"), [("failed", ("page", "failed")), ("missed", ("warning", "was missed"))]
)
def test_an_audit_that_failed_or_was_missed_is_told(
    tmp_path: Path, books: TestStore, connect: Connect, outcome: str, expected: tuple[str, str]
) -> None:
    urgency, words = expected
    slot = datetime(2026, 11, 28, 18, 10, tzinfo=UTC)
    failed = telling(environment(tmp_path), books.store, account_of(books), texts("en"))
    failed("audit", slot, Ended(outcome=outcome, detail={}))
    ((told, title, _),) = messages(connect)
    assert told == urgency
    assert title.endswith(words)


# ---- signs of life ----


def test_the_pulse_stops_when_the_loop_does_not_come_round(
    tmp_path: Path, connect: Connect, journal: Database
) -> None:
    office = evening(connect, tmp_path)
    enter(tmp_path, Worker.STEWARD, ACCOUNT, ("0", ""))
    file = tmp_path / "workers" / "steward.json"
    scheduler = office.scheduler("a", "evening")

    def beats() -> bool:
        os.utime(file, (0, 0))
        pulse(tmp_path, scheduler)
        return file.stat().st_mtime > 0

    scheduler.tick()
    office.time.go(59)
    assert beats()
    office.time.go(2)
    assert not beats()
    scheduler.tick()
    assert beats()
    scheduler.close()


def test_a_steward_that_lives_and_is_silent_keeps_no_schedule(tmp_path: Path) -> None:
    enter(tmp_path, Worker.STEWARD, ACCOUNT, ("0", ""))
    assert keeper_of(tmp_path) is not None
    os.utime(tmp_path / "workers" / "steward.json", (0, 0))
    assert keeper_of(tmp_path) is None
    assert steward_of(tmp_path) is not None, "a stop still has to end it"


def test_what_was_kept_is_noted_by_the_steward(tmp_path: Path, books: TestStore) -> None:
    entry = AuditEntry(account_id=ACCOUNT, at=datetime.now(UTC), actor="person kim", action="guard.end", detail={})
    keep_action(tmp_path, entry)
    for _ in range(2):
        note_waiting(environment(tmp_path), books.store)
    with books.open(Role.READER) as db, db.snapshot():
        assert [each.actor for each in trail(db, Sought(action="guard.end"))] == ["person kim"]
