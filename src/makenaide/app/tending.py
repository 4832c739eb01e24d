"""The trader is started again when it died, and the embedded server when it is gone: by the steward.

Both only while the system is started: what a plan is about to stop, or has stopped, stays down.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from makenaide.app.clock import boot_seconds
from makenaide.app.database import Store
from makenaide.app.detached import Detached, detach
from makenaide.app.operation import Operation, Process, State, Worker, process_of, read_operation
from makenaide.app.power import Grip
from makenaide.domain.errors import DatabaseUnavailable, MakenaideError
from makenaide.environment import Environment
from makenaide.store.db import Database, Role
from makenaide.store.home import file_faults
from makenaide.store.runs import AuditEntry, put_audit

log = logging.getLogger(__name__)

GONE, FAILED = "alarm.trader_gone", "alarm.trader_failed"
"""The trader was missing and another one was started; none could be started."""

_LONGEST_PAUSE = 300.0
_STEADY_SECONDS = 60.0
"""A trader that lived so long was a good one: the next is started at once again."""
_ENTER_SECONDS = 30.0
"""So long a trader may take from its start until it says so."""

Begin = Callable[[Environment, Operation], Detached]


def begin_trader(env: Environment, operation: Operation) -> Detached:
    """Start the trader of `operation` as a process of its own; `Misconfigured`, `DiskFull`, `OSError`."""
    folder = env.home / "workers"
    live = env.secrets.variables() if "live" in operation.arguments else {}
    more = {**live, **env.webhook.variables(), "MAKENAIDE_HOME": str(env.home)}
    command = (sys.executable, "-m", "makenaide", "run", "--json", *operation.arguments)
    with file_faults(env.home):
        folder.mkdir(parents=True, exist_ok=True)
        return detach(command, folder, Worker.TRADER, more)


class TraderKeeper:
    """Looks whether the trader that was started lives, and starts another one when it died. Used by one thread."""

    def __init__(
        self,
        env: Environment,
        store: Store,
        clock: Callable[[], float] = boot_seconds,
        begin: Begin = begin_trader,
    ) -> None:
        """`clock` counts seconds that never go back."""
        self._env = env
        self._store = store
        self._clock = clock
        self._begin = begin
        self._begun: Detached | None = None
        self._begun_at = float("-inf")
        self._not_before = float("-inf")
        self._deaths = 0

    def look(self) -> bool:
        """Look once; whether a trader was started. Raises nothing that a trader, its files or the database do."""
        operation, process = read_operation(self._env.home), process_of(self._env.home, Worker.TRADER)
        now = self._clock()
        # Without its file it was told to end, by a person or because its account is at its end.
        if operation is None or not operation.supervised or process is None or process.alive:
            if process is not None and process.alive and now - self._begun_at >= _STEADY_SECONDS:
                self._deaths = 0
            return False
        under_way = self._begun is not None and self._begun.alive and now - self._begun_at < _ENTER_SECONDS
        if under_way or now < self._not_before:
            return False
        return self._start(operation, process, now)

    def _start(self, operation: Operation, process: Process, now: float) -> bool:
        self._deaths += 1
        self._not_before = now + min(2.0 ** min(self._deaths - 1, 30), _LONGEST_PAUSE)
        detail = {"process": process.pid, "deaths": self._deaths}
        try:
            self._begun = self._begin(self._env, operation)
        except (MakenaideError, OSError) as cause:
            log.error("no trader", extra={"action": FAILED, "cause": str(cause)})  # noqa: TRY400 - no traceback
            if self._deaths == 1:
                self._audit(operation, FAILED, {**detail, "cause": str(cause)})
            return False
        self._begun_at = now
        log.error("the trader was missing", extra={"action": GONE, "gone": process.pid, "trader": self._begun.pid})
        self._audit(operation, GONE, {**detail, "started": self._begun.pid})
        return True

    def _audit(self, operation: Operation, action: str, detail: dict[str, object]) -> None:
        at = datetime.now(UTC)
        entry = AuditEntry(account_id=operation.account, at=at, actor="steward", action=action, detail=detail)
        try:
            with self._store.open(Role.WRITER) as db, db.transaction():
                put_audit(db, entry)
        except MakenaideError as cause:
            log.error("the alarm is in the log only", extra={"action": "alarm.lost", "cause": str(cause)})  # noqa: TRY400


class DatabaseKeeper:
    """The database, opened for the scheduler; when its embedded server is gone another one is started."""

    def __init__(self, env: Environment, store: Store) -> None:
        self._env = env
        self._store = store
        self._missing = False
        self._grip: Grip | None = None

    @contextmanager
    def open(self) -> Iterator[Database]:
        """A writer's connection; raises as `Store.open`, and asks for help when nothing answers."""
        try:
            with self._store.open(Role.WRITER) as db:
                yield db
        except DatabaseUnavailable:
            self._missing = True
            raise

    def look(self) -> bool:
        """Start the server if it was missed; whether it was. For a thread of its own: a start takes a while."""
        if not self._missing:
            return False
        self._missing = False
        return self.revive()

    def revive(self) -> bool:
        """Start the server if nothing answers; whether it had to be. Raises as `Store.open`."""
        try:
            with self._store.open(Role.READER):
                return False
        except DatabaseUnavailable:
            operation = read_operation(self._env.home)
            if not self._store.embedded or (operation is not None and operation.state in _DOWN):
                raise
        log.error("the database was gone", extra={"action": "alarm.database_gone"})
        grip = Grip(env=self._env, mode=self._store.mode)
        grip.store()
        if operation is not None:
            grip.keep_up()
        before, self._grip = self._grip, grip
        if before is not None:
            before.give_back()
        return True

    def close(self) -> None:
        """Give back what was taken."""
        if self._grip is not None:
            self._grip.give_back()


_DOWN = (State.STOPPING, State.STOPPED)
