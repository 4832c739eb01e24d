"""Which account a command line means: for the commands that take the options of `cli.options`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from makenaide.app.clock import StopFlag
from makenaide.app.database import Store, open_store
from makenaide.app.identity import mode_of, named, source, stored_source
from makenaide.app.live import admitted
from makenaide.app.logs import log_to
from makenaide.app.trader import open_session
from makenaide.app.wanted import Wanted, stored_account, wanted_account
from makenaide.catalogue import Text
from makenaide.cli.door import environment
from makenaide.environment import Environment
from makenaide.pipeline.session import Session
from makenaide.store.accounts import Account, latest_account
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


@contextmanager
def acting(asked: Mapping[str, Any]) -> Iterator[tuple[Session, Text]]:
    """The account that is meant (named, else used last, else the default run's), open to be traded on."""
    env, text = environment()
    log_to(env.home, uuid4().hex[:12])
    with open_store(env, prepare=True, mode=mode_of(env.config, asked)) as store, store.open(Role.WRITER) as db:
        ready = admitted(env, db, chosen(env, db, asked))
        with open_session(env, db, ready, StopFlag(), only_look=True) as session:
            yield session, text


def chosen(env: Environment, db: Database, asked: Mapping[str, Any]) -> Wanted:
    """The account that the options name; without any the one used last, else the default run's."""
    meant = wanted(env, asked)
    latest = None if named(asked) else latest_account(db)
    return meant if latest is None else wanted_account(env, stored_source(latest))
