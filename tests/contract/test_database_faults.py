"""The connection's faults, each under its own name and without a password."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from makenaide.domain.errors import DatabaseUnavailable, DiskFull, Misconfigured, Unavailable
from makenaide.store.db import Database, Role, StoreSettings
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.migrate import ensure_roles
from makenaide.store.queries import Queries
from tests.contract.conftest import Connect, put


@pytest.fixture
def busy(db: Database, connect: Connect, queries: Queries) -> Iterator[Database]:
    """Another connection, while `db` holds a lock on row 1."""
    put(db, 1)
    other = connect(lock_timeout=0.05, statement_timeout=0.2)
    other.use(queries)
    with db.transaction():
        db.do("lock", id=1)
        yield other


def test_a_lock_that_does_not_come_is_for_later(busy: Database) -> None:
    with pytest.raises(Unavailable, match="lock timeout"):
        busy.do("lock", id=1)
    assert busy.rows("all")


def test_a_statement_that_takes_too_long_is_for_later(busy: Database) -> None:
    with pytest.raises(Unavailable, match="statement timeout"):
        busy.do("sleep", seconds=5)


def test_a_deadlock_is_for_later(db: Database, connect: Connect, queries: Queries) -> None:
    put(db, 1)
    put(db, 2)
    db.connection.execute(b"reset role; set deadlock_timeout = '50ms'; set lock_timeout = '20s'")
    other = connect(lock_timeout=20)
    other.use(queries)

    def cross() -> None:
        with suppress(Unavailable), other.transaction():
            other.do("lock", id=2)
            held.set()
            other.do("lock", id=1)

    held = threading.Event()
    thread = threading.Thread(target=cross)
    with db.transaction():
        db.do("lock", id=1)
        thread.start()
        assert held.wait(10)
        time.sleep(0.05)
        with pytest.raises(Unavailable, match="deadlock detected"), db.transaction():
            db.do("lock", id=2)
    thread.join(10)


def test_a_full_disk_is_named(db: Database) -> None:
    with pytest.raises(DiskFull, match="No space left on device"):
        db.do("full_disk")


def test_our_own_mistakes_stay_as_they_are(db: Database) -> None:
    put(db, 1)
    with pytest.raises(psycopg.errors.UniqueViolation):
        put(db, 1)


def test_a_lost_connection_is_named_at_once_and_ever_after(db: Database, connect: Connect) -> None:
    killer = connect().connection
    killer.execute(b"reset role")
    killer.execute(b"select pg_terminate_backend(%(pid)s)", {"pid": db.connection.info.backend_pid})
    with pytest.raises(DatabaseUnavailable), db.transaction():
        put(db, 1)
    assert db.closed
    with pytest.raises(DatabaseUnavailable, match="closed"):
        db.rows("all")


def test_a_server_that_goes_away_mid_run_is_named(tmp_path: Path, queries: Queries) -> None:
    server = EmbeddedPostgres(tmp_path / "home")
    try:
        with server:
            db = Database.connect(server.conninfo, role=Role.OWNER)
            db.use(queries)
        with pytest.raises(DatabaseUnavailable):
            db.row("me")
        db.close()
    finally:
        server.remove()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://trader:" + "s3cret-word" + "@127.0.0.1:9/books?connect_timeout=1",
        "host=127.0.0.1 port=9 dbname=books user=trader password=s3cret-word",
    ],
)
def test_an_unreachable_database_is_named_without_its_password(url: str) -> None:
    begin = time.monotonic()
    with pytest.raises(DatabaseUnavailable, match=r"database books at 127\.0\.0\.1:9: .*refused") as caught:
        Database.connect(url, role=Role.WRITER)
    assert "s3cret-word" not in str(caught.value)
    assert time.monotonic() - begin < 6


@pytest.mark.parametrize(
    "url", ["postgres//trader:s3cret-word@host/books", "postgresql://h:notaport/x%zz", "what"]
)
def test_a_malformed_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(Misconfigured, match="DATABASE_URL: expected postgresql://") as caught:
        Database.connect(url, role=Role.WRITER)
    assert "s3cret-word" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_unknown_database_is_unavailable(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(DatabaseUnavailable, match="nowhere"):
        Database.connect(postgres.conninfo.replace("dbname=postgres", "dbname=nowhere"), role=Role.READER)


def test_a_login_outside_the_group_is_told_so(db: Database, postgres: EmbeddedPostgres) -> None:
    with db.transaction():
        ensure_roles(db)
        db.connection.execute(b"create role stranger login password 'word'")
    try:
        url = postgres.conninfo.replace("user=postgres", "user=stranger password=word")
        with pytest.raises(Misconfigured, match="the login is no member of makenaide_writer"):
            Database.connect(url, role=Role.WRITER)
    finally:
        db.connection.execute(b"reset role")
        db.connection.execute(b"drop role stranger")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"schema": "Paper"}, "schema: expected lower-case"),
        ({"schema": "a; drop table b"}, "schema: expected lower-case"),
        ({"connect_timeout": 0}, "connect_timeout: expected 1 <= value"),
        ({"lock_timeout": 0}, "lock_timeout: expected"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(Misconfigured, match=message):
        StoreSettings(**settings)  # type: ignore[arg-type]
