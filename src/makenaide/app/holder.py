"""Who holds an account: the words in its lease, and how the trading process is asked to give it back."""

import os
import re
import signal
from contextlib import suppress

from makenaide.app.detached import Living, this_process, until
from makenaide.store.db import Database

_HOLDER = re.compile(r"process (\d+) \((run|command), (\S+)\)")


def holder_name(*, command: bool) -> str:
    """This process as a lease tells it: its number, its start, and whether it trades or is a person's command."""
    me = this_process()
    return f"process {me.pid} ({'command' if command else 'run'}, {me.born})"


def trader_of(holder: str) -> Living | None:
    """The trading process that these words of a lease tell of; None for any other holder."""
    found = _HOLDER.fullmatch(holder)
    return Living(pid=int(found[1]), born=found[3]) if found and found[2] == "run" else None


def held(db: Database, account_id: str) -> str | None:
    """Who holds the account now; None when nobody does."""
    locked = db.row("account_locked", account_id=account_id)
    row = db.row("lease_holder", account_id=account_id)
    return row.holder if row is not None and locked is not None and locked.locked else None


def relieve_trader(db: Database, account_id: str, patience: float) -> tuple[Living | None, str | None]:
    """Ask the account's trading process, if one lives, to end, and wait until nobody holds the account.

    It is asked once, by SIGTERM, and never killed: what it is about it brings to an end. Another holder (a person's
    command, a process of another machine) is waited for. Returns the process that was asked, and who still holds the
    account after `patience` seconds (None: nobody).
    """
    holder = held(db, account_id)
    trader = None if holder is None else trader_of(holder)
    asked = trader if trader is not None and trader.alive and trader.pid != os.getpid() else None
    if asked is not None:
        with suppress(ProcessLookupError):
            os.kill(asked.pid, signal.SIGTERM)
    if holder is not None:
        until(lambda: held(db, account_id) is None, patience)
    return asked, held(db, account_id)
