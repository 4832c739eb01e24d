"""Telling people with a database and without one: one key is told once, and nothing is forgotten."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from makenaide.app import notify
from makenaide.app.database import Store
from makenaide.app.notify import send_due, tell
from makenaide.app.told import tell_straight
from makenaide.domain.errors import DatabaseUnavailable
from makenaide.environment import WEBHOOK_NAME, Environment, load
from makenaide.store.db import Database, Role
from makenaide.store.outbox import deliveries, message_of
from tests.contract.conftest import Connect
from tests.contract.test_delivery import BROKEN, OK, SECRET, Ear, hook, message
from tests.contract.test_transport import Server, says
from tests.unit.test_channels import Terminal

__all__ = ["hook"]

pytestmark = pytest.mark.sockets


@dataclass(frozen=True, slots=True, kw_only=True)
class Books(Store):
    """The test's own database; `away` while nobody answers there."""

    database: Callable[[], Database]
    away: bool = False

    @contextmanager
    def open(self, role: Role) -> Iterator[Database]:
        """As `Store`, over the test's connection."""
        if self.away:
            raise DatabaseUnavailable("database at nowhere: connection refused")
        yield self.database()


@pytest.fixture
def books(journal: Database) -> Books:
    return Books(conninfo="", location="here", embedded=False, database=lambda: journal)


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return load({"MAKENAIDE_HOME": str(tmp_path / "home")})


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The keys that the log channel has told."""
    return [record.__dict__["key"] for record in caplog.records if record.__dict__.get("action") == "message"]


def marks(env: Environment) -> list[dict[str, object]]:
    return [json.loads(file.read_bytes()) for file in sorted((env.home / "told").glob("*.json"))]


def outcomes(db: Database) -> list[str]:
    return [f"{each.channel} {each.outcome}" for each in deliveries(db, "morning 1")]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "makenaide")


def test_with_a_database_the_outbox_has_it_and_every_channel_is_told_once(
    books: Books, journal: Database, env: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    stream = Terminal()
    assert tell(env, books, message(), stream)
    assert tell(env, books, message(), stream)
    assert told(caplog) == ["morning 1"]
    assert stream.text.count("morning 1") == 1
    assert outcomes(journal) == ["log done", "terminal done"]
    assert not (env.home / "told").exists()


@pytest.mark.parametrize("store", ["none", "away"])
def test_without_a_database_it_is_told_straight_and_marked_and_told_no_more(
    store: str, books: Books, env: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    away = None if store == "none" else replace(books, away=True)
    assert tell(env, away, message(detail={"step": "S2"}))
    assert not tell(env, away, message())
    assert tell(env, away, message("morning 2"))
    assert told(caplog) == ["morning 1", "morning 2"]
    assert sorted(str(each["key"]) for each in marks(env)) == ["morning 1", "morning 2"]
    folder = env.home / "told"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())


def test_what_was_told_straight_comes_into_the_outbox_with_its_deliveries_and_is_not_told_again(
    books: Books, journal: Database, env: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    tell(env, None, message(detail={"step": "S2"}))
    send_due(env, books)
    send_due(env, books)
    assert told(caplog) == ["morning 1"]
    assert message_of(journal, "morning 1") == message(detail={"step": "S2"})
    assert outcomes(journal) == ["log done"]
    assert [each["stored"] for each in marks(env)] == [True]
    assert not tell(env, replace(books, away=True), message()), "the mark outlives the import"
    assert tell(env, books, message())
    assert told(caplog) == ["morning 1"]


def test_the_key_told_before_the_database_went_is_told_once_more_at_most_and_imported_once(
    books: Books, journal: Database, env: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    assert tell(env, books, message())
    assert tell(env, replace(books, away=True), message(title="again"))
    for _ in range(2):
        send_due(env, books)
    kept = message_of(journal, "morning 1")
    assert kept is not None
    assert kept.title == "morning 1"
    assert outcomes(journal) == ["log done"]
    assert told(caplog) == ["morning 1", "morning 1"]


def test_a_channel_that_failed_without_a_database_still_owes_it(
    books: Books, journal: Database, hook: Callable[..., Server], tmp_path: Path
) -> None:
    server = hook(says(BROKEN), says(BROKEN), says(OK))
    env = load({"MAKENAIDE_HOME": str(tmp_path), WEBHOOK_NAME: f"{server.address}/{SECRET}"})
    assert tell(env, None, message()), "the log has it"
    assert not tell(env, None, message()), "the webhook was asked again, and failed again"
    send_due(env, books)
    send_due(env, books)
    assert len(server.heard) == 3
    assert outcomes(journal) == ["log done", "webhook done"]
    assert all(SECRET not in file.read_text() for file in (tmp_path / "told").glob("*.json"))


def test_two_at_once_tell_one_key_once(env: Environment) -> None:
    heard: list[str] = []
    gate = threading.Barrier(6)

    class Slow(Ear):
        def send(self, message: object) -> None:
            time.sleep(0.02)
            heard.append("told")

    def work() -> None:
        gate.wait()
        tell_straight(env.home, [Slow()], message())

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == ["told"]


def test_where_no_mark_can_be_set_it_is_told_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "told").write_text("a file where the folder should be")
    env = load({"MAKENAIDE_HOME": str(tmp_path)})
    assert tell(env, None, message())
    assert told(caplog) == ["morning 1"]


def test_a_bad_webhook_silences_no_other_channel_and_its_address_is_in_no_log(
    books: Books, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    env = load({"MAKENAIDE_HOME": str(tmp_path), WEBHOOK_NAME: f"http://hooks.example.com/{SECRET}"})
    assert tell(env, books, message())
    assert tell(env, None, message("morning 2"))
    assert told(caplog) == ["morning 1", "morning 2"]
    assert SECRET not in "".join(str(record.__dict__) for record in caplog.records)
    assert "webhook.misconfigured" in {record.__dict__.get("action") for record in caplog.records}


def test_what_cannot_be_delivered_now_waits_in_the_outbox(
    books: Books, journal: Database, env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise DatabaseUnavailable("gone in between")

    with monkeypatch.context() as patch:
        patch.setattr(notify, "deliver", gone)
        assert tell(env, books, message())
    assert outcomes(journal) == []
    send_due(env, books)
    assert outcomes(journal) == ["log done"]


def test_old_marks_are_swept_away_and_young_or_unread_ones_stay(
    books: Books, env: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    for key in ("old", "young", "unstored"):
        tell(env, None, message(key))
    send_due(env, books)
    long_ago = (datetime.now(UTC) - timedelta(days=31)).timestamp()
    for file in (env.home / "told").glob("*.json"):
        mark = json.loads(file.read_bytes())
        if mark["key"] == "unstored":
            file.write_text(json.dumps(mark | {"stored": False}))
        if mark["key"] != "young":
            os.utime(file, (long_ago, long_ago))
    (env.home / "told" / "broken.json").write_text("{")
    send_due(env, books)
    assert sorted(str(each["key"]) for each in marks_read(env)) == ["unstored", "young"]
    assert (env.home / "told" / "broken.json").exists()


def marks_read(env: Environment) -> list[dict[str, object]]:
    files = [each for each in (env.home / "told").glob("*.json") if each.name != "broken.json"]
    return [json.loads(file.read_bytes()) for file in files]


def test_the_other_connection_sees_one_message(books: Books, connect: Connect, env: Environment) -> None:
    other = Books(conninfo="", location="", embedded=False, database=lambda: connect(Role.WRITER))
    assert tell(env, books, message())
    assert tell(env, other, message())
    rows = books.database().connection.execute(b"select count(*) as many from outbox").fetchone()
    assert rows is not None
    assert rows.many == 1
