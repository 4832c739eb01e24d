"""A server of its own for work that is thrown away: fast because nothing on it has to outlive the machine.

    with scratch(folder) as copies:
        copies.prepare("template", "paper")            # one migrated database
        conninfo = copies.copy("template", "run_1")    # as often as needed, each in some hundredths of a second
        copies.drop("run_1")

Only processes die on it, never the server: so nothing is flushed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import make_conninfo

from makenaide.store.db import Database, Role, StoreSettings
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.migrate import migrate

_HURRIED = (
    b"alter system set fsync = off",
    b"alter system set full_page_writes = off",
    b"alter system set synchronous_commit = off",
    b"alter system set max_wal_size = '4GB'",
    b"alter system set checkpoint_timeout = '1h'",
    b"select pg_reload_conf()",
)

_CUT_OFF = b"""
select pg_terminate_backend(pid, 1000) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
_TABLES = b"select tablename from pg_tables where schemaname = %(schema)s order by tablename"
_RESTORE = (
    "delete from {table} as present where not exists (select from {kept} as kept where kept = present)",
    "insert into {table} overriding system value"
    " select * from {kept} as kept where not exists (select from {table} as present where kept = present)",
)


def _tables(db: Database, schema: str) -> list[str]:
    return [row.tablename for row in db.connection.execute(_TABLES, {"schema": schema}).fetchall()]


@dataclass(frozen=True, slots=True)
class Copies:
    """Databases on the server that `server` leads to, made from each other; may be given to another process."""

    server: str

    def prepare(self, name: str, schema: str) -> str:
        """A new database `name` with the present tables in `schema`; how to reach it."""
        self._tell(sql.SQL("create database {}").format(sql.Identifier(name)))
        settings = StoreSettings(schema=schema)
        with Database.connect(self.conninfo(name), role=Role.OWNER, settings=settings) as db:
            migrate(db)
        return self.conninfo(name)

    def copy(self, source: str, name: str) -> str:
        """A new database `name` that holds what `source` does, to which nobody may be connected."""
        template = sql.SQL("create database {} template {} strategy file_copy")
        self._tell(template.format(sql.Identifier(name), sql.Identifier(source)))
        return self.conninfo(name)

    def remember(self, name: str, schema: str) -> None:
        """Keep what database `name` holds now, inside it, for `restore`."""
        with self._within(name) as db:
            db.connection.execute(b"create schema saved")
            for table in _tables(db, schema):
                both = {"kept": sql.Identifier("saved", table), "table": sql.Identifier(schema, table)}
                db.connection.execute(sql.SQL("create table {kept} as select * from {table}").format(**both))

    def restore(self, name: str, schema: str) -> None:
        """Every table of database `name` holds again what was remembered; whoever is still connected is cut off.

        Much faster than a new copy. Only identities go on counting.
        """
        with self._within(name) as db, db.transaction():
            db.connection.execute(b"set local session_replication_role = replica")  # rows that never change do now
            for table in _tables(db, schema):
                both = {"kept": sql.Identifier("saved", table), "table": sql.Identifier(schema, table)}
                for command in _RESTORE:
                    db.connection.execute(sql.SQL(command).format(**both))

    def drop(self, name: str) -> None:
        """Delete database `name`, whoever uses it; nothing happens when it is not there."""
        self._tell(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def conninfo(self, name: str) -> str:
        """How to reach database `name`."""
        return make_conninfo(self.server, dbname=name)

    def hurry(self) -> None:
        """Nothing on this server has to outlive the machine: flush nothing from now on."""
        self._tell(*_HURRIED)

    @contextmanager
    def _within(self, name: str) -> Iterator[Database]:
        with Database.connect(self.conninfo(name), role=Role.OWNER) as db:
            db.connection.execute(b"reset role")
            db.connection.execute(_CUT_OFF)
            yield db

    def _tell(self, *commands: bytes | sql.Composed) -> None:
        with Database.connect(self.server, role=Role.OWNER) as db:
            db.connection.execute(b"reset role")
            for command in commands:
                db.connection.execute(command)


@contextmanager
def scratch(folder: Path) -> Iterator[Copies]:
    """An embedded server of its own in `folder`, deleted with all its databases when the block ends."""
    server = EmbeddedPostgres(folder)
    try:
        server.start()
        copies = Copies(server.conninfo)
        copies.hurry()
        yield copies
    finally:
        server.remove()
