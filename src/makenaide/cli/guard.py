"""`guard`: the guard's process, and its end. Loads neither the database nor the configuration to stand guard."""

import os
import sys
from pathlib import Path
from uuid import uuid4

from makenaide.app.clock import StopFlag
from makenaide.app.guardian import guard_process, stop_guard
from makenaide.app.guardpost import Post, latest_post
from makenaide.app.logs import log_to
from makenaide.catalogue import language, texts
from makenaide.domain.errors import Halted, MakenaideError
from makenaide.environment import data_folder


def stand_guard(account: str | None, folder: Path | None) -> None:
    """Guard the account until SIGTERM or SIGINT; `folder` is the account's, where another process of ours knows it.

    `InUse` when it is guarded already, `Misconfigured` when there is nothing to guard.
    """
    post = _post(account) if folder is None else Post(folder)
    flag = StopFlag()
    with flag.on_signals():
        orders = post.orders()
        log_to(post.folder, uuid4().hex[:12])
        if folder is None:
            text = texts(language(os.environ))
            sys.stderr.write(text("guard.on_duty", account=orders.account, pid=os.getpid()) + "\n")
        guard_process(post.account, flag, os.environ)


def end_guard(account: str | None, *, accept_unguarded: bool) -> None:
    """End the account's guard; `Halted` while it has something to guard, unless the person accepts that."""
    post = _post(account)
    name = post.account.name
    if not accept_unguarded:
        _require_flat(name)
    ended = stop_guard(post.account)
    text = texts(language(os.environ))
    sys.stdout.write(text("guard.ended" if ended else "guard.none", account=name) + "\n")
    sys.stdout.flush()
    if ended:
        _note(name, accept_unguarded=accept_unguarded)


def _note(account: str, *, accept_unguarded: bool) -> None:
    """The guard is at its end, whatever becomes of the note."""
    from makenaide.app.noting import note_somewhere  # noqa: PLC0415 - not needed to stand guard
    from makenaide.environment import load  # noqa: PLC0415

    try:
        env = load(os.environ)
    except MakenaideError:  # its end must not hang on the configuration
        env = None
    detail = {"accept_unguarded": accept_unguarded}
    note_somewhere(env, data_folder(os.environ), account, "guard.end", detail)


def _require_flat(account: str) -> None:
    from makenaide.app.database import open_store  # noqa: PLC0415 - not needed to stand guard
    from makenaide.app.warden import unguarded  # noqa: PLC0415
    from makenaide.environment import load  # noqa: PLC0415
    from makenaide.store.db import Role  # noqa: PLC0415

    with open_store(load(os.environ), prepare=True) as store, store.open(Role.READER) as db:
        count = unguarded(db, account)
    if count:
        raise Halted(f"{count} positions (or orders in doubt) would be left without a guard: --accept-unguarded")


def _post(account: str | None) -> Post:
    accounts = data_folder(os.environ) / "accounts"
    return latest_post(accounts) if account is None else Post(accounts / account)
