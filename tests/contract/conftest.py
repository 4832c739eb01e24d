"""One embedded server for all contract tests of the store; every test works in a schema of its own."""

import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from makenaide.store.db import Database, Role, Row, StoreSettings
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.migrate import Migration, load, migrate
from makenaide.store.processes import birth
from makenaide.store.queries import Queries
from tests.contract.manual import SEEING, WORLD, Person, reconciled
from tests.contract.trading import Exchange, Trader, open_trader

Connect = Callable[..., Database]
Make = Callable[..., EmbeddedPostgres]
_SCHEMAS = count(1)

SCHEMA = """
create table thing (
    id     int primary key,
    amount numeric,
    at     timestamptz,
    note   text,
    detail jsonb
);
grant select, insert on thing to makenaide_writer;
grant update (note) on thing to makenaide_writer;
grant select on thing to makenaide_reader;
"""
QUERIES = """
-- name: put
insert into thing (id, amount, at, note, detail)
values (%(id)s, %(amount)s, %(at)s, %(note)s, %(detail)s)
-- name: put_id
insert into thing (id) values (%(id)s)
-- name: one
select id, amount, at, note, detail from thing where id = %(id)s
-- name: all
select id, amount from thing order by id
-- name: clear
delete from thing
-- name: spoil
update thing set amount = 0
-- name: annotate
update thing set note = %(note)s
-- name: copy_text
copy thing (id, amount, at, detail) from stdin
-- name: copy_binary
copy thing (id, amount, at, detail) from stdin (format binary)
-- name: sleep
select pg_sleep(%(seconds)s::float8)
-- name: lock
select id from thing where id = %(id)s for update
-- name: me
select current_user as name, current_setting('TimeZone') as zone, current_setting('application_name') as application
-- name: full_disk
do $$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$
-- name: percent
select '100 %%' as text, 7 %% 4 as rest
"""


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A running server without background vacuum, so that a test can tell whether anything was written."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres") / "home")
    try:
        with server:
            with Database.connect(server.conninfo, role=Role.OWNER) as db:
                db.connection.execute(b"alter system set autovacuum = off")
                db.connection.execute(b"select pg_reload_conf()")
            yield server
    finally:
        server.remove()


@pytest.fixture
def schema() -> str:
    """A name that no other test has."""
    return f"test_{next(_SCHEMAS)}"


@pytest.fixture
def connect(postgres: EmbeddedPostgres, schema: str) -> Iterator[Connect]:
    """Connections to the test's schema by role; closed, and the schema dropped, afterwards."""
    opened: list[Database] = []

    def new(role: Role = Role.OWNER, **settings: object) -> Database:
        about = StoreSettings(schema=schema, **settings)  # type: ignore[arg-type]
        opened.append(Database.connect(postgres.conninfo, role=role, settings=about, application="test"))
        return opened[-1]

    yield new
    for db in opened:
        db.close()
    with Database.connect(postgres.conninfo, role=Role.OWNER) as db:
        db.connection.execute(b"reset role")
        db.connection.execute(f"drop schema if exists {schema} cascade".encode())


def folder(path: Path, name: str, text: str) -> Path:
    path.mkdir(exist_ok=True)
    (path / name).write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def schema_file(tmp_path: Path) -> tuple[Migration, ...]:
    return load(folder(tmp_path / "schema", "0001_thing.sql", SCHEMA))


@pytest.fixture
def queries(tmp_path: Path) -> Queries:
    return Queries.load(folder(tmp_path / "queries", "thing.sql", QUERIES))


@pytest.fixture
def db(connect: Connect, schema_file: tuple[Migration, ...], queries: Queries) -> Database:
    database = connect()
    migrate(database, schema_file)
    database.use(queries)
    return database


def put(db: Database, number: int, **values: object) -> None:
    """One row of `thing`."""
    db.do("put", **({"id": number, "amount": None, "at": None, "note": None, "detail": None} | values))


def only(db: Database, name: str, **values: object) -> Row:
    """The row that the query must have."""
    row = db.row(name, **values)
    assert row is not None
    return row


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home with a cluster for all tests that leave it as it was: making one takes half a second."""
    folder = tmp_path_factory.mktemp("home") / "home"
    with EmbeddedPostgres(folder):
        pass
    yield folder
    EmbeddedPostgres(folder).remove()


@pytest.fixture
def make(home: Path, tmp_path: Path) -> Iterator[Make]:
    """Servers by home; stopped afterwards whatever happened, and removed with every home but the common one."""
    made: list[EmbeddedPostgres] = []

    def new(place: Path = home, **options: object) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(place, **options))  # type: ignore[arg-type]
        return made[-1]

    yield new
    for server in made:
        server.stop()
    for server in made:
        if server.home != home:
            server.remove()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of the machine can pass (pytest's own are closed)."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def ask(server: EmbeddedPostgres, query: str) -> object:
    with Database.connect(server.conninfo, role=Role.OWNER) as db:
        row = db.connection.execute(query.encode()).fetchone()
    return row and row[0]


def tell(server: EmbeddedPostgres, command: str) -> None:
    with Database.connect(server.conninfo, role=Role.OWNER) as db:
        db.connection.execute(command.encode())


def dead(pid: int, patience: float = 10.0) -> bool:
    deadline = time.monotonic() + patience
    while birth(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    return birth(pid) is None


@pytest.fixture
def journal(connect: Connect) -> Database:
    """A connection that trades on the real schema."""
    migrate(connect())
    return connect(Role.WRITER)


@pytest.fixture
def trader(journal: Database) -> Trader:
    """An account with ten million won whose key sees transfers, reconciled once."""
    trader = open_trader(journal, Exchange(tape=WORLD, scopes=SEEING))
    assert reconciled(trader).comparison.equal is True
    return trader


@pytest.fixture
def person(trader: Trader) -> Person:
    """Beside it."""
    return Person(trader)
