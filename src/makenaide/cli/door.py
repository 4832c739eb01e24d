"""What the commands open: the environment, the database, the texts."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from makenaide.app.database import Store, open_store
from makenaide.app.identity import named, source
from makenaide.app.trader import Wanted, stored_account, wanted_account
from makenaide.catalogue import Text, language, texts
from makenaide.config import Environment, load
from makenaide.store.accounts import Account
from makenaide.store.db import Database, Role


def environment() -> tuple[Environment, Text]:
    """The process's environment and the texts in the user's language."""
    env = load(os.environ)
    return env, texts(language(os.environ))


def wanted(env: Environment, asked: Mapping[str, Any]) -> Wanted:
    """The account that the options name; the default run's without any."""
    return wanted_account(env, source(env.config, asked))


@contextmanager
def stored(env: Environment, asked: Mapping[str, Any]) -> Iterator[tuple[Store, Database, Account]]:
    """A stored account to look at, with a connection that can only read: the one named, or the one used last."""
    meant = wanted(env, asked) if named(asked) or asked.get("mode") == "live" else None
    with open_store(env, prepare=True) as store, store.open(Role.READER) as db:
        yield store, db, stored_account(db, meant)
