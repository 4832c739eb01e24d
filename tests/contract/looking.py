"""What the tests of checks share: a `Store` on the test's schema, and an account with a small world of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from makenaide.app.clock import StopFlag
from makenaide.app.database import Store
from makenaide.app.identity import source
from makenaide.app.trader import open_session
from makenaide.app.wanted import wanted_account
from makenaide.domain.errors import DatabaseUnavailable
from makenaide.environment import Environment, load
from makenaide.pipeline.session import Session
from makenaide.store.accounts import Account
from makenaide.store.db import Database, Role, StoreSettings

SMALL: Mapping[str, Any] = {"market": {"history_days": 30}}
"""A world that is generated in a moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStore(Store):
    """A database of which one schema is meant; `away`: nothing answers."""

    schema: str
    away: bool = False

    def _connect(self, role: Role) -> Database:
        if self.away:
            raise DatabaseUnavailable("it is away")
        settings = StoreSettings(schema=self.schema)
        return Database.connect(self.conninfo, role=role, settings=settings, application="test")


def environment(home: Path, **tables: Any) -> Environment:
    """The data folder `home` with a small world, and these tables of settings."""
    return replace(load({"MAKENAIDE_HOME": str(home)}), values={**SMALL, **tables})


@contextmanager
def opened(env: Environment, db: Database, **asked: Any) -> Iterator[Session]:
    """A session on the account that the options name, two days and three markets long unless told."""
    options: dict[str, Any] = {"markets": 3} if asked.get("endless") else {"days": 2, "markets": 3}
    wanted = wanted_account(env, source(env.config, options | asked))
    with open_session(env, db, wanted, StopFlag()) as session:
        yield session


def account_of(env: Environment, db: Database, **asked: Any) -> Account:
    """That account, opened and let go again."""
    with opened(env, db, **asked) as session:
        return session.account
