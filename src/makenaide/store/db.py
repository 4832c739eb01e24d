"""One connection to PostgreSQL: named queries in, rows out, faults under our own names.

    with Database.connect(conninfo, role=Role.WRITER) as db:
        with db.transaction():
            db.do("orders_insert", identifier="mk1-...", total=Krw(5000))
        for order in db.rows("orders_unsettled", state="unknown"):
            print(order.identifier)

NUMERIC comes back as Decimal, timestamptz as an aware UTC datetime, jsonb as plain Python values.
A `Database` belongs to one thread.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

from makenaide.domain.errors import DatabaseUnavailable, Inconsistent, Misconfigured
from makenaide.domain.parameter import parameter, require_in_range
from makenaide.store.adapters import register
from makenaide.store.faults import first_line, named_faults, translated
from makenaide.store.queries import Queries, packaged

__all__ = ["Database", "Jsonb", "Role", "Row", "StoreSettings"]

Row: TypeAlias = Any
"""A named tuple whose fields are the columns of the query."""

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")

_PREPARE = b"""
select set_config(setting, value, false) as done
from unnest(%(settings)s::text[], %(values)s::text[]) as wanted (setting, value)
"""
_ASSUME = b"select set_config('role', rolname, false) from pg_catalog.pg_roles where rolname = %(role)s"


_KEPT_ALIVE = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""A network that swallows everything ends a connection within a minute (s, s, times, ms); no matter on a socket."""


class Role(StrEnum):
    """What a connection may do: OWNER changes the schema, WRITER trades, READER only looks."""

    OWNER = "owner"
    WRITER = "writer"
    READER = "reader"

    @property
    def group(self) -> str:
        """The group role of the server, such as makenaide_writer."""
        return f"makenaide_{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """How to talk to the database, wherever it is; its address and password are no settings."""

    schema: str = parameter("makenaide", "schema name", "house.md, section 4")
    connect_timeout: int = parameter(5, "s", "a server that is up answers in milliseconds", low=1, high=600)
    statement_timeout: float = parameter(60, "s", "longest report over years of candles", low=0.01, high=86_400)
    lock_timeout: float = parameter(5, "s", "a writer holds locks for milliseconds", low=0.01, high=3_600)
    idle_timeout: float = parameter(300, "s", "a stuck writer must not hold locks for ever", low=1, high=86_400)

    def __post_init__(self) -> None:
        require_in_range(self)
        if not _IDENTIFIER.fullmatch(self.schema):
            raise Misconfigured(f"schema: expected lower-case letters, digits and _, got {self.schema!r}")


class Observer(Protocol):
    """Is told how connections and statements fared, in seconds; called within each, so it must be quick."""

    def connected(self, seconds: float, *, failed: bool) -> None:
        """One attempt to connect came to its end."""
        ...

    def asked(self, query: str, seconds: float, *, failed: bool) -> None:
        """The statement named `query` was answered (all its rows are here), or failed."""
        ...


class Database(AbstractContextManager["Database"]):
    """A connection with a role and a schema; closes on leaving its `with` block."""

    def __init__(
        self, connection: psycopg.Connection[Row], name: str, settings: StoreSettings, role: Role
    ) -> None:
        self._connection = connection
        self._queries = packaged()
        self.name = name
        self.settings = settings
        self.role = role
        self.observer: Observer | None = None

    @classmethod
    def connect(
        cls,
        conninfo: str,
        *,
        role: Role,
        settings: StoreSettings | None = None,
        application: str = "makenaide",
        observer: Observer | None = None,
    ) -> Self:
        """Connect, take `role` where the server knows it, work in the settings' schema and in UTC.

        `Misconfigured` for a malformed address, `DatabaseUnavailable` (naming host, port and database, never
        the password) where nothing answers or the server says no. `observer` is told of this attempt and of every
        statement.
        """
        settings = settings or StoreSettings()
        parts = _address(conninfo)
        name = _name(parts)
        parts = {**_KEPT_ALIVE, **parts}
        parts |= {"connect_timeout": str(settings.connect_timeout), "application_name": application}
        begun, failed = time.perf_counter(), True
        try:
            database = cls(_connection(parts, name), name, settings, role)
            try:
                database._prepare()
            except BaseException:
                database.close()
                raise
            failed = False
        finally:
            if observer is not None:
                observer.connected(time.perf_counter() - begun, failed=failed)
        database.observer = observer
        return database

    def _prepare(self) -> None:
        wanted = {
            "search_path": self.settings.schema,
            "TimeZone": "UTC",
            "statement_timeout": f"{self.settings.statement_timeout * 1000:.0f}",
            "lock_timeout": f"{self.settings.lock_timeout * 1000:.0f}",
            "idle_in_transaction_session_timeout": f"{self.settings.idle_timeout * 1000:.0f}",
        }
        with named_faults(self.name):
            self._connection.execute(_PREPARE, {"settings": list(wanted), "values": list(wanted.values())})
        self.assume_role()

    def assume_role(self) -> None:
        """Take this connection's role if the server has it (the first migration creates it)."""
        try:
            with named_faults(self.name):
                self._connection.execute(_ASSUME, {"role": self.role.group})
        except psycopg.errors.InsufficientPrivilege as fault:
            raise Misconfigured(f"{self.name}: the login is no member of {self.role.group}") from fault

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back. Closing twice is fine."""
        self._connection.close()

    @property
    def connection(self) -> psycopg.Connection[Row]:
        """The driver's connection, for this room only."""
        return self._connection

    @property
    def closed(self) -> bool:
        """Whether the connection is closed or was lost."""
        return self._connection.closed

    def use(self, queries: Queries) -> None:
        """Take names from `queries` instead of the packaged ones."""
        self._queries = queries

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: commits on leaving, rolls back on any exception; inside another, a savepoint.

        Outside of it every statement is a transaction of its own.
        """
        with named_faults(self.name), self._connection.transaction():
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A transaction that sees one moment and cannot write: for reports and for `validate`."""
        if self._connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            raise Inconsistent("a snapshot cannot begin inside a transaction")
        with self.transaction():
            self._connection.execute(b"set transaction isolation level repeatable read, read only")
            yield

    def rows(self, name: str, **values: Any) -> list[Row]:
        """All rows of the query."""
        with named_faults(self.name):
            return self._execute(name, values).fetchall()

    def row(self, name: str, **values: Any) -> Row | None:
        """The only row of the query, or None; `Inconsistent` when there are more."""
        with named_faults(self.name):
            found = self._execute(name, values).fetchmany(2)
        if len(found) > 1:
            raise Inconsistent(f"query {name}: one row expected, several found")
        return found[0] if found else None

    def do(self, name: str, **values: Any) -> int:
        """Run a statement; how many rows it touched."""
        with named_faults(self.name):
            return self._execute(name, values).rowcount

    def do_many(self, name: str, values: Sequence[Mapping[str, Any]]) -> int:
        """Run a statement once for each mapping, all or none, in one round trip; rows touched in all."""
        if not values:
            return 0
        query = self._queries.get(name)
        for each in values:
            query.require(each.keys())
        with (
            named_faults(self.name),
            _observed(self.observer, name),
            self._connection.transaction(),
            self._connection.cursor() as cursor,
        ):
            cursor.executemany(query.sql, values)
            return cursor.rowcount

    def copy(self, name: str, rows: Iterable[Sequence[Any]], types: Sequence[str] = ()) -> int:
        """Feed a `copy ... from stdin` query; give the columns' `types` for `(format binary)`. Rows copied."""
        query = self._queries.get(name)
        query.require(frozenset())
        with named_faults(self.name), _observed(self.observer, name), self._connection.cursor() as cursor:
            with cursor.copy(query.sql) as copy:
                if types:
                    copy.set_types(types)
                for row in rows:
                    copy.write_row(row)
            return cursor.rowcount

    def _execute(self, name: str, values: Mapping[str, Any]) -> psycopg.Cursor[Row]:
        query = self._queries.get(name)
        query.require(values.keys())
        with _observed(self.observer, name):
            return self._connection.execute(query.sql, values)


_UNSEEN = nullcontext()


def _observed(observer: Observer | None, name: str) -> AbstractContextManager[None]:
    return _UNSEEN if observer is None else _Observed(observer, name)


class _Observed(AbstractContextManager[None]):
    """Tells the observer of one statement; a class, because it runs thousands of times a minute."""

    __slots__ = ("_begun", "_name", "_observer")

    def __init__(self, observer: Observer, name: str) -> None:
        self._observer = observer
        self._name = name

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._observer.asked(self._name, time.perf_counter() - self._begun, failed=kind is not None)


def _connection(parts: Mapping[str, Any], name: str) -> psycopg.Connection[Row]:
    try:
        connection = psycopg.connect("", autocommit=True, row_factory=namedtuple_row, **parts)
    except psycopg.Error as fault:
        text = _redacted(first_line(fault), parts)
        ours = translated(fault, name)
        raise (type(ours) if ours else DatabaseUnavailable)(f"{name}: {text}") from None
    register(connection)
    return connection


def _address(conninfo: str) -> dict[str, Any]:
    try:
        return {key: value for key, value in conninfo_to_dict(conninfo).items() if value is not None}
    except psycopg.ProgrammingError:
        # The driver's text may repeat the whole address, and with it the password.
        raise Misconfigured("DATABASE_URL: expected postgresql://user:password@host:port/database") from None


def _name(parts: Mapping[str, Any]) -> str:
    """How messages call the database: name, host and port."""
    host = parts.get("host") or parts.get("hostaddr") or "the local socket"
    return f"database {parts.get('dbname', 'of the user')} at {host}:{parts.get('port', 5432)}"


def _redacted(text: str, parts: Mapping[str, Any]) -> str:
    password = str(parts.get("password") or "")
    return text.replace(password, "***") if len(password) > 3 else text
