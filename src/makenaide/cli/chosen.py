"""Which account a command line means: for the commands that take the options of `cli.options`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from makenaide.app.database import Store, open_store
from makenaide.app.identity import mode_of, named, source
from makenaide.app.trader import Wanted, stored_account, wanted_account
from makenaide.environment import Environment
from makenaide.store.accounts import Account
from makenaide.store.db import Database, Role


def wanted(env: Environment, asked: Mapping[str, Any]) -> Wanted:
    """The account that the options name; the default run's without any."""
    return wanted_account(env, source(env.config, asked))


@contextmanager
def stored(env: Environment, asked: Mapping[str, Any]) -> Iterator[tuple[Store, Database, Account]]:
    """A stored account to look at, with a connection that can only read: the one named, or the one used last."""
    meant = wanted(env, asked) if named(asked) else None
    with open_store(env, prepare=True, mode=mode_of(env.config, asked)) as store, store.open(Role.READER) as db:
        yield store, db, stored_account(db, meant)
