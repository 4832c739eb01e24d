"""Migrations and the check of the live schema, against real servers."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from makenaide.domain.errors import Inconsistent, Misconfigured, SchemaMismatch
from makenaide.store import migrate as migrations
from makenaide.store import queries as named
from makenaide.store.binaries import Binaries, installed
from makenaide.store.db import Database, Role, StoreSettings
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.migrate import Migration, applied, ensure_roles, load, migrate, require_current
from makenaide.store.queries import Query
from makenaide.store.validate import describe, packaged_expectation, validate, write_expected
from tests.contract.conftest import Connect

FIRST = "create table one (id int primary key);"
SECOND = "create table two (id int references one);\ncreate index two_id on two (id);"
EXPECTED = "src/makenaide/store/schema/expected.json"


def files(folder: Path, texts: Mapping[str, str]) -> tuple[Migration, ...]:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode())
    return load(folder)


@pytest.fixture
def one(tmp_path: Path) -> tuple[Migration, ...]:
    return files(tmp_path / "one", {"0001_first.sql": FIRST})


@pytest.fixture
def two(tmp_path: Path) -> tuple[Migration, ...]:
    return files(tmp_path / "two", {"0001_first.sql": FIRST, "0002_second.sql": SECOND, "expected.json": "{}"})


def tables(db: Database) -> list[str]:
    found = db.connection.execute(
        b"select tablename from pg_tables where schemaname = %(schema)s order by 1", {"schema": db.settings.schema}
    )
    return [row.tablename for row in found]


def transactions(db: Database) -> object:
    """The number that the next writing transaction will get: it stays when nothing was written."""
    row = db.connection.execute(b"select pg_snapshot_xmax(pg_current_snapshot())::text as xmax").fetchone()
    return row and row.xmax


def test_all_that_is_pending_is_applied_in_order(connect: Connect, two: tuple[Migration, ...]) -> None:
    db = connect()
    assert [each.file for each in migrate(db, two)] == ["0001_first.sql", "0002_second.sql"]
    assert tables(db) == ["migration", "one", "two"]
    assert [(each.version, each.name, each.sha256) for each in applied(db)] == [
        (each.version, each.name, each.sha256) for each in two
    ]
    require_current(db, two)


def test_a_second_time_writes_nothing(connect: Connect, two: tuple[Migration, ...]) -> None:
    db = connect()
    migrate(db, two)
    before = transactions(db)
    assert migrate(db, two) == ()
    require_current(db, two)
    assert transactions(db) == before


def test_only_what_is_new_is_applied(
    connect: Connect, one: tuple[Migration, ...], two: tuple[Migration, ...]
) -> None:
    db = connect()
    migrate(db, one)
    assert [each.version for each in migrate(db, two)] == [2]


def test_a_failure_leaves_nothing_of_any_file(connect: Connect, tmp_path: Path) -> None:
    db = connect()
    broken = files(tmp_path / "broken", {"0001_first.sql": FIRST, "0002_broken.sql": "create table one (id int);"})
    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate(db, broken)
    assert tables(db) == []
    assert applied(db) == ()


@pytest.mark.parametrize("text", ["create table x (id int); commit;", "create table x (id int); rollback; begin;"])
def test_a_migration_may_not_end_the_transaction(connect: Connect, tmp_path: Path, text: str) -> None:
    db = connect()
    with pytest.raises((Inconsistent, psycopg.errors.UndefinedTable)):
        migrate(db, files(tmp_path / "bad", {"0001_bad.sql": text}))


def test_an_edited_file_is_named(connect: Connect, one: tuple[Migration, ...], tmp_path: Path) -> None:
    db = connect()
    migrate(db, one)
    edited = files(tmp_path / "edited", {"0001_first.sql": FIRST + "\n-- a remark"})
    for check in (migrate, require_current):
        with pytest.raises(SchemaMismatch, match=r"0001_first\.sql is not what was applied"):
            check(db, edited)


def test_other_line_ends_are_no_edit(connect: Connect, two: tuple[Migration, ...], tmp_path: Path) -> None:
    db = connect()
    migrate(db, two)
    windows = {"0001_first.sql": FIRST, "0002_second.sql": SECOND.replace("\n", "\r\n")}
    assert migrate(db, files(tmp_path / "windows", windows)) == ()


def test_a_newer_database_is_refused(
    connect: Connect, one: tuple[Migration, ...], two: tuple[Migration, ...]
) -> None:
    db = connect()
    migrate(db, two)
    for check in (migrate, require_current):
        with pytest.raises(SchemaMismatch, match=r"schema 2 is newer than this version knows \(1\)"):
            check(db, one)


def test_an_older_or_empty_database_says_what_to_do(
    connect: Connect, one: tuple[Migration, ...], two: tuple[Migration, ...]
) -> None:
    db = connect()
    with pytest.raises(SchemaMismatch, match="is not there yet: run `makenaide db init`"):
        require_current(db, two)
    migrate(db, one)
    with pytest.raises(SchemaMismatch, match="is 1, older than this version's 2: run `makenaide db init`"):
        require_current(db, two)


def test_two_at_once_apply_everything_once(connect: Connect, two: tuple[Migration, ...]) -> None:
    connections = [connect() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda db: len(migrate(db, two)), connections))
    assert sorted(done) == [0, 0, 0, 2]


def test_the_schema_belongs_to_its_owner_and_others_may_look_at_its_history(
    connect: Connect, one: tuple[Migration, ...]
) -> None:
    db = connect()
    migrate(db, one)
    row = db.connection.execute(b"select tableowner, current_user as me from pg_tables where tablename = 'one'")
    assert tuple(row.fetchone() or ()) == ("makenaide_owner", "makenaide_owner")
    for role in (Role.WRITER, Role.READER):
        require_current(connect(role), one)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connect(role).connection.execute(b"select * from one")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["0001_a.sql", "0003_c.sql"], r"0003_c\.sql: the next migration has number 0002"),
        (["0001_a.sql", "0001_b.sql"], r"0001_b\.sql: the next migration has number 0002"),
        (["0002_a.sql"], r"0002_a\.sql: the next migration has number 0001"),
        (["1_a.sql"], r"1_a\.sql: a migration is named like 0001_books\.sql"),
    ],
)
def test_files_are_numbered_without_a_gap(tmp_path: Path, names: list[str], message: str) -> None:
    with pytest.raises(Inconsistent, match=message):
        files(tmp_path / "files", dict.fromkeys(names, "select 1;"))


@pytest.mark.parametrize("programs", list(installed()), ids=lambda each: each.version)
def test_a_plain_login_needs_only_to_create_roles(tmp_path: Path, programs: Binaries) -> None:
    """As on a hosted server, where nobody is superuser; and the schema is the same whatever the version."""
    server = EmbeddedPostgres(tmp_path / "home", binaries=programs)
    settings = StoreSettings(schema="paper")
    try:
        with server:
            with Database.connect(server.conninfo, role=Role.OWNER) as db:
                for login, right in (("plain", "nocreaterole"), ("maker", "createrole")):
                    db.connection.execute(f"create role {login} login {right} password 'word'".encode())
                    db.connection.execute(f"grant create on database postgres to {login}".encode())
            url = server.conninfo.replace("user=postgres", "user={} password=word")
            with (
                Database.connect(url.format("plain"), role=Role.OWNER, settings=settings) as db,
                pytest.raises(Misconfigured, match="needs CREATEROLE, or an administrator runs: create role"),
            ):
                migrate(db)
            with Database.connect(url.format("maker"), role=Role.OWNER, settings=settings) as db:
                assert migrate(db) == migrations.packaged()
            with Database.connect(url.format("maker"), role=Role.READER, settings=settings) as db:
                assert validate(db) == ()
            with (
                Database.connect(server.conninfo, role=Role.READER, settings=settings) as db,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                db.connection.execute(b"create table mine (id int)")
    finally:
        server.remove()


def test_a_login_that_may_not_make_the_schema_is_told_so(
    connect: Connect, one: tuple[Migration, ...], schema: str, postgres: EmbeddedPostgres
) -> None:
    db = connect()
    with db.transaction():
        ensure_roles(db)
    db.connection.execute(b"reset role")
    db.connection.execute(b"create role guest login password 'word' in role makenaide_owner")
    db.connection.execute(b"grant makenaide_writer, makenaide_reader to guest")
    try:
        url = postgres.conninfo.replace("user=postgres", "user=guest password=word")
        with (
            Database.connect(url, role=Role.OWNER, settings=StoreSettings(schema=schema)) as guest,
            pytest.raises(Misconfigured, match="cannot set up the schema: permission denied for database"),
        ):
            migrate(guest, one)
    finally:
        db.connection.execute(b"drop role guest")


@pytest.fixture
def books(connect: Connect) -> Database:
    """A schema with something of every kind, as its owner."""
    db = connect()
    with db.transaction():
        ensure_roles(db)
    db.connection.execute(b"reset role")
    db.connection.execute(f"create schema {db.settings.schema}".encode())
    for command in (
        b"create type colour as enum ('red', 'blue')",
        b"create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$",
        b"create table fill (id bigint generated always as identity primary key, price numeric(20,8) not null,"
        b" at timestamptz default now(), note text, constraint price_positive check (price > 0))",
        b"create table candle (day date, open numeric) partition by range (day)",
        b"create table candle_2026 partition of candle for values from ('2026-01-01') to ('2027-01-01')",
        b"create index fill_at on fill (at)",
        b"create trigger never before delete on fill execute function refuse()",
        b"create view latest as select max(at) as at from fill",
        b"grant select on fill to makenaide_reader",
    ):
        db.connection.execute(command)
    return db


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("drop view latest", "missing view latest"),
        ("drop table candle", "missing partitioned table candle"),
        ("create table more (id int)", "extra table more"),
        ("alter table fill drop column note", "table fill: missing column note: text"),
        ("alter table fill add column x int", "table fill: extra column x: integer"),
        (
            "alter table fill alter column price type numeric(10,2)",
            "table fill: altered column price: numeric(10,2) not null, expected numeric(20,8) not null",
        ),
        (
            "alter table fill alter column price drop not null",
            "table fill: altered column price: numeric(20,8), expected numeric(20,8) not null",
        ),
        (
            "alter table fill alter column at drop default",
            "table fill: altered column at: timestamp with time zone,"
            " expected timestamp with time zone default now()",
        ),
        (
            "alter table fill drop constraint price_positive",
            "table fill: missing constraint price_positive: CHECK (price > 0::numeric)",
        ),
        ("drop index fill_at", "table fill: missing index fill_at: CREATE INDEX fill_at ON fill USING btree (at)"),
        (
            "alter table fill disable trigger never",
            "table fill: altered trigger never: CREATE TRIGGER never BEFORE DELETE ON fill FOR EACH STATEMENT EXECUTE"
            " FUNCTION refuse() (disabled), expected CREATE TRIGGER never BEFORE DELETE ON fill FOR EACH STATEMENT"
            " EXECUTE FUNCTION refuse()",
        ),
        (
            "grant update, delete on fill to makenaide_reader",
            "table fill: altered grant to makenaide_reader: DELETE, SELECT, UPDATE, expected SELECT",
        ),
        ("grant insert on fill to public", "table fill: extra grant to everybody: INSERT"),
        (
            "grant update (note) on fill to makenaide_writer",
            "table fill: extra grant to makenaide_writer on note: UPDATE",
        ),
        ("alter table fill enable row level security", "table fill: extra row security: on"),
        (
            "alter type colour add value 'green'",
            "type colour: altered values: red, blue, green, expected red, blue",
        ),
        ("drop trigger never on fill; drop function refuse()", "missing function refuse()"),
        ("create role nobody_yet; drop role nobody_yet", None),
        ("create table candle_2027 partition of candle for values from ('2027-01-01') to ('2028-01-01')", None),
    ],
)
def test_every_difference_is_told(books: Database, damage: str, expected: str | None) -> None:
    before = describe(books)
    assert validate(books, before) == ()
    books.connection.execute(damage.encode())
    mark = transactions(books)
    told = validate(books, before)
    assert transactions(books) == mark, "the check wrote something"
    assert (expected in told) if expected else told == ()


def test_a_changed_function_and_a_changed_owner_are_told(books: Database) -> None:
    before = describe(books)
    books.connection.execute(
        b"create or replace function refuse() returns trigger language plpgsql as $$ begin return old; end $$"
    )
    books.connection.execute(b"alter table fill owner to makenaide_owner")
    told = validate(books, before)
    assert any(line.startswith("function refuse(): altered definition") for line in told)
    assert "table fill: altered owner: makenaide_owner, expected postgres" in told


def test_a_schema_that_is_not_there_is_no_valid_one(connect: Connect) -> None:
    with pytest.raises(SchemaMismatch, match="is not there: run `makenaide db init`"):
        validate(connect(), {})


def test_the_expected_description_is_that_of_the_migrations(
    connect: Connect, repository: Path, rewrite_golden: bool
) -> None:
    """Run `pytest tests/contract/test_schema.py --rewrite-golden` after a change of the schema."""
    db = connect()
    migrate(db)
    if rewrite_golden:
        write_expected(db, repository / EXPECTED)
    assert validate(db) == ()
    assert packaged_expectation() == describe(db)


@pytest.mark.parametrize("query", named.packaged().by_name.values(), ids=lambda each: each.name)
def test_every_packaged_query_fits_the_schema(connect: Connect, query: Query) -> None:
    """The server itself reads each statement; only types that it takes from the values are left open."""
    db = connect()
    migrate(db)
    order = sorted(query.parameters)
    text = re.sub(r"%\((\w+)\)[sbt]", lambda match: f"${order.index(match[1]) + 1}", query.sql.decode())
    if text.lower().startswith("copy"):
        return
    result = db.connection.pgconn.prepare(b"", text.replace("%%", "%").encode())
    state = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    assert state in (None, b"42P18", b"42P08"), result.error_message.decode()
