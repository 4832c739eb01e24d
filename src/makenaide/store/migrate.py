"""The schema as numbered SQL files, applied once each, in order, all in one transaction.

    schema/0001_books.sql, schema/0002_alarms.sql, ...

What was applied is written down with its SHA-256 in the table `migration`: a file that changed afterwards is
refused, and so is a database that is newer than this version. With nothing pending nothing is written.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import psycopg
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from makenaide.domain.errors import Inconsistent, Misconfigured, SchemaMismatch
from makenaide.store.db import Database, Role
from makenaide.store.faults import first_line, named_faults

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

_LOCK = b"select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('makenaide:' || %(schema)s, 0))"
_TABLE = """
create table migration (
    version    integer     primary key check (version > 0),
    name       text        not null,
    sha256     text        not null,
    applied_at timestamptz not null default now()
);
grant select on migration to makenaide_writer, makenaide_reader;
grant usage on schema {schema} to makenaide_writer, makenaide_reader;
"""
# From the catalogue's tables, not by to_regclass: that may answer from a cache which is older than the lock.
_EXISTS = b"select exists (select from pg_tables where schemaname = %(schema)s and tablename = 'migration')"
_SCHEMA_EXISTS = b"select exists (select from pg_namespace where nspname = %(schema)s)"
_APPLIED = b"select version, name, sha256 from migration order by version"
_RECORD = b"insert into migration (version, name, sha256) values (%(version)s, %(name)s, %(sha256)s)"
_ROLE = """
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = {literal}) then
        create role {name} nologin;
    end if;
exception
    when duplicate_object or unique_violation then null; -- another database of this server was faster
end
$$
"""
_IS_MEMBER = b"select rolsuper or pg_has_role(%(role)s, 'USAGE') from pg_roles where rolname = session_user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file of the schema; `sha256` is of its text with Unix line ends."""

    version: int
    name: str
    text: bytes
    sha256: str

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.version:04}_{self.name}.sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One row of the table `migration`."""

    version: int
    name: str
    sha256: str


def load(folder: Traversable) -> tuple[Migration, ...]:
    """The migrations of a folder, in order; `Inconsistent` unless they are numbered 1, 2, 3 ... without a gap."""
    found: list[Migration] = []
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if not file.name.endswith(".sql"):
            continue
        parts = _FILE.fullmatch(file.name)
        if parts is None:
            raise Inconsistent(f"{file.name}: a migration is named like 0001_books.sql")
        text = file.read_bytes().replace(b"\r\n", b"\n")
        digest = hashlib.sha256(text).hexdigest()
        found.append(Migration(version=int(parts[1]), name=parts[2], text=text, sha256=digest))
        if found[-1].version != len(found):
            raise Inconsistent(f"{file.name}: the next migration has number {len(found):04}")
    return tuple(found)


@cache
def packaged() -> tuple[Migration, ...]:
    """The migrations that come with Makenaide (`store/schema/*.sql`)."""
    return load(files("makenaide.store") / "schema")


def migrate(db: Database, known: Sequence[Migration] | None = None) -> tuple[Migration, ...]:
    """Bring the database up to the `known` migrations (default: the packaged); what was applied now.

    Two processes may call it at once: one works, the other waits and finds nothing to do. `SchemaMismatch` for
    an edited file or a newer database, `Misconfigured` where the login may not create roles or the schema.
    """
    known = packaged() if known is None else known
    if not pending(applied(db), known):
        return ()
    with _clear_refusals(db), db.transaction():
        _wait_for_turn(db)
        done = applied(db)
        todo = pending(done, known)
        if not todo:
            return ()
        ensure_roles(db)
        _ensure_schema(db)
        for each in todo:
            _apply(db, each)
    db.assume_role()
    return todo


def require_current(db: Database, known: Sequence[Migration] | None = None) -> None:
    """`SchemaMismatch`, saying what to do, unless the database has exactly the `known` migrations."""
    known = packaged() if known is None else known
    done = applied(db)
    if pending(done, known):
        have = f"is {done[-1].version}, older than this version's {len(known)}" if done else "is not there yet"
        live = " --mode live" if db.settings.schema == "live" else ""
        raise SchemaMismatch(f"{db.name}: the schema {db.settings.schema} {have}: run `makenaide db init{live}`")


def applied(db: Database) -> tuple[Applied, ...]:
    """What the database says of its own history; empty where there is none."""
    with named_faults(db.name):
        if not _one(db, _EXISTS, schema=db.settings.schema):
            return ()
        rows = db.connection.execute(_APPLIED).fetchall()
    return tuple(Applied(version=row.version, name=row.name, sha256=row.sha256) for row in rows)


def pending(done: Sequence[Applied], known: Sequence[Migration]) -> tuple[Migration, ...]:
    """The migrations still to apply; `SchemaMismatch` where the two histories differ."""
    if len(done) > len(known):
        raise SchemaMismatch(f"schema {done[-1].version} is newer than this version knows ({len(known)})")
    for was, now in zip(done, known, strict=False):
        if was.version != now.version or was.sha256 != now.sha256:
            raise SchemaMismatch(
                f"{now.file} is not what was applied to this database as {was.version:04}_{was.name}.sql:"
                " an applied migration never changes, add a new one"
            )
    return tuple(known[len(done) :])


def ensure_roles(db: Database) -> None:
    """Create the group roles that are missing and make the login a member of each; `Misconfigured` if it may not."""
    try:
        db.connection.execute(b"set local role none")
        for role in Role:
            name = sql.Identifier(role.group)
            db.connection.execute(sql.SQL(_ROLE).format(literal=sql.Literal(role.group), name=name))
            if not _one(db, _IS_MEMBER, role=role.group):
                db.connection.execute(sql.SQL("grant {} to session_user").format(name))
    except InsufficientPrivilege as fault:
        wanted = "; ".join(f"create role {role.group} nologin; grant {role.group} to <login>" for role in Role)
        raise Misconfigured(
            f"{db.name}: {first_line(fault)}: the login needs CREATEROLE, or an administrator runs: {wanted}"
        ) from fault


def _wait_for_turn(db: Database) -> None:
    # Another process may be creating the whole schema just now: wait for it longer than for a row.
    db.connection.execute(b"set local lock_timeout = '60s'; set local statement_timeout = 0")
    db.connection.execute(_LOCK, {"schema": db.settings.schema})


def _ensure_schema(db: Database) -> None:
    """The schema owned by makenaide_owner, which is also the role from here to the end of the transaction."""
    schema = sql.Identifier(db.settings.schema)
    owner = sql.Identifier(Role.OWNER.group)
    if not _one(db, _SCHEMA_EXISTS, schema=db.settings.schema):
        db.connection.execute(sql.SQL("create schema {} authorization {}").format(schema, owner))
    db.connection.execute(sql.SQL("set local role {}").format(owner))
    if not _one(db, _EXISTS, schema=db.settings.schema):
        # In one statement: rights that are granted by themselves are what the security rules listen for (E5).
        db.connection.execute(sql.SQL(_TABLE).format(schema=schema), prepare=False)


def _apply(db: Database, migration: Migration) -> None:
    db.connection.execute(migration.text, prepare=False)
    if db.connection.info.transaction_status != psycopg.pq.TransactionStatus.INTRANS:
        raise Inconsistent(f"{migration.file} ended the transaction: a migration has no commit or rollback")
    values = {"version": migration.version, "name": migration.name, "sha256": migration.sha256}
    db.connection.execute(_RECORD, values)


@contextmanager
def _clear_refusals(db: Database) -> Iterator[None]:
    try:
        yield
    except InsufficientPrivilege as fault:
        raise Misconfigured(f"{db.name}: cannot set up the schema: {first_line(fault)}") from fault


def _one(db: Database, query: bytes, **values: object) -> object:
    row = db.connection.execute(query, values).fetchone()
    return None if row is None else row[0]
