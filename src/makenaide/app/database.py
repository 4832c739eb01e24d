"""Opening the database: DATABASE_URL, or the embedded server of the data folder."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from makenaide.app.server import EarlyServer, early_server
from makenaide.domain.errors import SchemaMismatch
from makenaide.environment import Environment
from makenaide.monitoring.measures import Registry
from makenaide.monitoring.watching import DatabaseMeasures
from makenaide.store.db import Database, Role
from makenaide.store.embedded import PUBLIC
from makenaide.store.home import Home
from makenaide.store.migrate import Migration, migrate, require_current
from makenaide.store.modes import Mode, require_mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A database that is up. `location` is where its data is, for people.

    `mode` says whose rows are meant, and so which schema: the one place that chooses it. A connection has that schema
    alone in its path, and paper and live rows never stand beside each other. `measures` counts what connections and
    statements cost this process, until somebody keeps it (`monitoring.measures.flush`).
    """

    conninfo: str
    location: str
    embedded: bool
    prepare: bool = False
    mode: Mode = Mode.PAPER
    measures: Registry = field(default_factory=Registry, compare=False, repr=False)

    def of(self, mode: Mode) -> "Store":
        """The same database for rows of `mode`."""
        return replace(self, mode=mode)

    @contextmanager
    def open(self, role: Role) -> Iterator[Database]:
        """A connection with `role`; `SchemaMismatch` unless the schema is the one this version knows.

        `Inconsistent` when the schema was made for rows of the other mode. With `prepare`, a schema that is missing
        or older is brought up to date first.
        """
        with self._connect(role) as db:
            try:
                require_current(db)
            except SchemaMismatch:
                if not self.prepare:
                    raise
                self.initialise()
                require_current(db)
                db.assume_role()
            require_mode(db, self.mode)
            yield db

    def _connect(self, role: Role) -> Database:
        return Database.connect(
            self.conninfo,
            role=role,
            settings=self.mode.settings,
            application=_application(),
            observer=DatabaseMeasures(self.measures),
        )

    def initialise(self) -> tuple[Migration, ...]:
        """Bring the schema up to date; returns what was applied."""
        with self._connect(Role.OWNER) as db:
            return migrate(db)


@contextmanager
def open_store(env: Environment, *, prepare: bool = False, mode: Mode = Mode.PAPER) -> Iterator[Store]:
    """The database of `env` for rows of `mode`.

    The embedded one is started, and stopped again by the last who uses it; `prepare` also brings its schema up to
    date. A database that somebody else runs is never changed unasked: there `makenaide db init` must be called.
    """
    with early_server(env) as server:
        yield store_of(env, server, prepare=prepare).of(mode)


def store_of(env: Environment, server: EarlyServer | None, *, prepare: bool) -> Store:
    """The database on `server`, once that is up; the one that DATABASE_URL names where there is none."""
    if server is None:
        return Store(conninfo=env.database_url or "", location="DATABASE_URL", embedded=False)
    up = server.ready()
    return Store(conninfo=up.conninfo, location=str(up.location), embedded=True, prepare=prepare)


def _application() -> str:
    return f"makenaide {Path(sys.argv[0]).name} {os.getpid()}"[:60]


def database_runs(env: Environment) -> bool:
    """Whether there is a database to write to without starting one: DATABASE_URL's, or an embedded one that is up."""
    home = env.home
    return env.database_url is not None or (home.is_dir() and Home(home, PUBLIC).cluster().running() is not None)
