"""An account that somebody means: what it trades on, where it lives, and whether it was admitted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from makenaide.app.admission import Admission
from makenaide.app.identity import Source, account_id, identity
from makenaide.domain.errors import Misconfigured
from makenaide.environment import Environment
from makenaide.store.accounts import Account, find_account, latest_account
from makenaide.store.db import Database
from makenaide.store.runs import latest_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An account by what it trades on: its fingerprint, the folder of its world, and the data folder.

    `admission` is what `app.live` gives to a live account once everything holds that has to; without it none opens.
    """

    source: Source
    identity: Mapping[str, Any]
    account_id: str
    folder: Path
    home: Path
    admission: Admission | None = None


def wanted_account(env: Environment, source: Source) -> Wanted:
    """The account that `source` names under the present configuration."""
    data = identity(env.config, source)
    key = account_id(data)
    folder = env.home / "accounts" / key
    return Wanted(source=source, identity=data, account_id=key, folder=folder, home=env.home)


def stored_account(db: Database, wanted: Wanted | None) -> Account:
    """The stored account that is meant, or the one used last; `Misconfigured` when there is none yet."""
    account = latest_account(db) if wanted is None else find_account(db, wanted.account_id)
    if account is None:
        raise Misconfigured("no such account yet: `makenaide run` with the same options opens it")
    return account


def finished(db: Database, account: Account | None) -> bool:
    """Whether the account's run has reached its end."""
    if account is None or account.last_slot is None:
        return False
    run = latest_run(db, account.account_id)
    return run is not None and run.status == "done" and bool(run.slot >= account.last_slot)
