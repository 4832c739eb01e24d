"""The steward: the process that keeps the schedule, the messages and the other workers going.

It holds a claim on the embedded server, so that the database is up while it lives. It trades nothing: whatever
happens to it, the trader and the guard go on.
"""

import logging
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from makenaide import __version__
from makenaide.app.auditing import note_configuration
from makenaide.app.chores import Chore, chores
from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.database import Store
from makenaide.app.detached import this_process
from makenaide.app.listening import listening
from makenaide.app.notify import send_due
from makenaide.app.noting import FOLDER, note_kept
from makenaide.app.operation import SILENT_SECONDS, Worker, beat, enter, leave, note_start
from makenaide.app.remembering import require_whole
from makenaide.app.tending import DatabaseKeeper, TraderKeeper
from makenaide.domain.errors import InUse, MakenaideError
from makenaide.environment import Environment
from makenaide.monitoring.measures import Name, flush
from makenaide.ops.attempt import Body, Failed
from makenaide.ops.fingerprint import code_hash
from makenaide.ops.markers import Markers
from makenaide.ops.scheduler import Scheduler, SchedulerParts
from makenaide.ops.timetable import JobName, jobs
from makenaide.store.accounts import Account
from makenaide.store.claims import exclusive
from makenaide.store.db import Role
from makenaide.store.home import file_faults

log = logging.getLogger(__name__)

_PULSE_SECONDS = 5.0
_OUTBOX_SECONDS = 3.0
_MEASURES_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_KEPT_SECONDS = 60.0
_SWEEP_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What a steward does: `bodies` by the name of their job; `failed` hears of slots that came to no good end."""

    bodies: Mapping[str, Body]
    failed: Failed | None = None


def steward(env: Environment, store: Store, account: Account, flag: StopFlag, duties: Duties) -> None:
    """Keep the schedule of `account` until `flag` is raised.

    The opened `store` is the caller's, and keeps the embedded server up. `InUse` when another process keeps the
    schedule of this data folder.
    """
    folder = env.home / "workers"
    with ExitStack() as stack:
        with file_faults(env.home):
            folder.mkdir(parents=True, exist_ok=True)
            busy = InUse(f"another process keeps the schedule of {env.home}")
            stack.enter_context(exclusive(folder / "steward.lock", 0.0, busy))
        enter(env.home, Worker.STEWARD, account.account_id, (__version__, code_hash()))
        stack.callback(leave, env.home, Worker.STEWARD)
        database, trader = DatabaseKeeper(env, store), TraderKeeper(env, store)
        stack.callback(database.close)
        log.info("steward", extra={"action": "steward.start", "account": account.account_id})
        stack.callback(log.info, "steward", extra={"action": "steward.stop"})
        _note(env, store, account)
        stack.enter_context(listening(env, store, account, flag))
        parts = _parts(env, store, account, flag, (database, duties))
        scheduler = Scheduler(parts)
        todo = (
            Chore(name="pulse", seconds=_PULSE_SECONDS, do=lambda: pulse(env.home, scheduler)),
            Chore(name="database", seconds=_LOOK_SECONDS, do=database.look),
            Chore(name="trader", seconds=_LOOK_SECONDS, do=trader.look),
            Chore(name="outbox", seconds=_OUTBOX_SECONDS, do=lambda: send_due(env, store)),
            Chore(name="measures", seconds=_MEASURES_SECONDS, do=lambda: _flush(store, account)),
            Chore(name="kept", seconds=_KEPT_SECONDS, do=lambda: note_waiting(env, store)),
            Chore(name="sweep", seconds=_SWEEP_SECONDS, do=parts.markers.sweep),
        )
        stack.enter_context(chores(todo, flag))
        note_start(store.measures, Worker.STEWARD)
        scheduler.run(flag)


def pulse(home: Path, scheduler: Scheduler) -> None:
    """A sign of life, while the loop that keeps the schedule comes round."""
    if scheduler.silence < SILENT_SECONDS:
        beat(home, Worker.STEWARD)


def note_waiting(env: Environment, store: Store) -> None:
    """Note the actions that were kept while there was no database."""
    if any((env.home / FOLDER).glob("*.json")):
        with store.open(Role.WRITER) as db:
            note_kept(db, env.home)


def _parts(
    env: Environment,
    store: Store,
    account: Account,
    flag: StopFlag,
    work: tuple[DatabaseKeeper, Duties],
) -> SchedulerParts:
    database, duties = work
    config, me = env.config, this_process()

    def measured(name: str, seconds: float, failed: bool) -> None:
        store.measures.note(Name.WORK, name, seconds, failed=failed)

    return SchedulerParts(
        account_id=account.account_id,
        jobs=jobs(config.operations, config.schedule, account.installation),
        bodies={JobName.DATABASE.value: database_body(database), **duties.bodies},
        open=database.open,
        holder=f"process {me.pid} (steward, {me.born})",
        clock=WallClock(flag),
        steady=time.monotonic,
        settings=config.operations,
        markers=Markers(env.home / "claims"),
        measured=measured,
        failed=duties.failed,
    )


def _note(env: Environment, store: Store, account: Account) -> None:
    """The configuration that this process works with, in the audit trail; the schedule is kept all the same."""
    try:
        with store.open(Role.WRITER) as db:
            note_configuration(db, env, account.account_id, "steward")
    except MakenaideError as cause:
        log.warning("not noted", extra={"action": "steward.unnoted", "cause": str(cause)})


def _flush(store: Store, account: Account) -> None:
    with store.open(Role.WRITER) as db:
        flush(db, account.account_id, store.measures, datetime.now(UTC))


def database_body(database: DatabaseKeeper) -> Body:
    """The job `database`: from here on it is up, also where its server had gone."""

    def work(_slot: datetime) -> Mapping[str, Any]:
        return {"started": database.revive()}

    return work


def audit_body(env: Environment, store: Store) -> Body:
    """The job `audit`: every chain, also against the heads that were carried away; `Inconsistent` names the flaws."""

    def work(_slot: datetime) -> Mapping[str, Any]:
        with store.open(Role.READER) as db:
            return require_whole(db, env.home)

    return work
