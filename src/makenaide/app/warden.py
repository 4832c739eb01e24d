"""The trading process keeps its guard alive: the dead-man's check from outside the guard."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from makenaide.app.clock import boot_seconds
from makenaide.app.database import Store
from makenaide.app.guardian import Kept, ensure_guard, stop_guard
from makenaide.app.guardpost import Ground, Orders
from makenaide.app.operation import Worker
from makenaide.config import Config
from makenaide.domain.errors import MakenaideError
from makenaide.execution.portfolio import watched_positions
from makenaide.monitoring.measures import Name, Registry
from makenaide.store.accounts import Account
from makenaide.store.db import Database, Role
from makenaide.store.orders import unsettled_orders
from makenaide.store.runs import AuditEntry, put_audit

log = logging.getLogger(__name__)

Alarm = Callable[[str, Mapping[str, Any]], None]
"""Keeps an alarm: its action and its detail. May raise `MakenaideError`: then only the log has it."""

_LOOK_SECONDS = 1.0
_LONGEST_PAUSE = 30.0
_STEADY_SECONDS = 30.0
"""A guard that lived so long was a good one: the next is started at once again."""

GONE, FAILED = "alarm.guard_gone", "alarm.guard_failed"
"""A guard was missing and another one was started; none could be started."""


class Warden:
    """Looks each second whether a guard with `orders` is on duty, and puts one there when none is.

    Nothing that happens to the guard ends the trading process: without a guard nobody buys (a permit sees to that),
    and whatever can still sell shall go on.
    """

    def __init__(
        self,
        account: Path,
        orders: Orders,
        alarm: Alarm,
        clock: Callable[[], float] = boot_seconds,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        """`clock` counts seconds that never go back; `secrets` are variables that the guard of real money needs."""
        self._account = account
        self._orders = orders
        self._alarm = alarm
        self._clock = clock
        self._secrets = secrets
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="guard-keeper", daemon=True)
        self._kept = False
        self._failures = 0
        self._restarts = 0
        self._started_at = 0.0
        self.measures = Registry()

    @property
    def pause(self) -> float:
        """Seconds until the next look: one, and more after failures or several restarts in a row."""
        return min(_LOOK_SECONDS * 2.0 ** min(self._failures + max(0, self._restarts - 1), 30), _LONGEST_PAUSE)

    def start(self) -> None:
        """Look once, which starts a guard if need be, then go on in a thread of its own."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """Look no more; the guard stays as it is. A guard that is just being started is waited for."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Look once. Never raises for what a guard, its files or the database do."""
        begun = self.measures.timer()
        try:
            kept = ensure_guard(self._account, self._orders, self._secrets)
        except (MakenaideError, OSError) as cause:
            self.measures.note(Name.START, str(Worker.GUARD), self.measures.timer() - begun, failed=True)
            self._failures += 1
            log.error("no guard", extra={"action": FAILED, "cause": str(cause), "tries": self._failures})  # noqa: TRY400
            if self._failures == 1:  # once for each time that it is missing, not for each try
                self._raise_alarm(FAILED, {"cause": str(cause)})
            return
        self._failures = 0
        if kept.started:
            self.measures.note(Name.START, str(Worker.GUARD), self.measures.timer() - begun)
        self._note(kept)
        self._kept = True

    def _note(self, kept: Kept) -> None:
        if not kept.started:
            if self._clock() - self._started_at >= _STEADY_SECONDS:
                self._restarts = 0
            return
        self._started_at = self._clock()
        detail = {"process": kept.pid, "cause": kept.cause}
        # One that was there a second ago and is not any more was missing, even if it was told to end.
        if kept.alarm or self._kept:
            self._restarts += 1
            log.error("the guard was missing", extra={"action": GONE, **_told(detail)})
            self._raise_alarm(GONE, detail)
        else:
            log.info("guard", extra={"action": "guard.start", **_told(detail)})

    def _raise_alarm(self, action: str, detail: Mapping[str, Any]) -> None:
        try:
            self._alarm(action, detail)
        except MakenaideError as cause:
            log.error("the alarm is in the log only", extra={"action": "alarm.lost", "cause": str(cause)})  # noqa: TRY400

    def _run(self) -> None:
        while not self._stop.wait(self.pause):
            self.look()


def _told(detail: Mapping[str, Any]) -> dict[str, Any]:
    # "process" is a field of every log record.
    return {"guard": detail["process"], "cause": detail["cause"]}


@contextmanager
def keeping(
    account: Path,
    orders: Orders,
    alarm: Alarm,
    secrets: Mapping[str, str] | None = None,
    measures: Registry | None = None,
) -> Iterator[Warden]:
    """Keep a guard for the account in the folder `account` until the block ends; the guard goes on after it.

    Its starts are counted in `measures`: the guard itself never waits on the database.
    """
    keeper = Warden(account, orders, alarm, secrets=secrets)
    if measures is not None:
        keeper.measures = measures
        measures.expect(Name.START, str(Worker.GUARD))
    keeper.start()
    try:
        yield keeper
    finally:
        keeper.stop()


def orders_for(config: Config, account: Account) -> Orders:
    """What the guard of `account` is told under the present configuration."""
    return Orders(
        account=account.account_id,
        installation=account.installation,
        ground=Ground.LIVE if account.settings.get("live", False) else Ground(account.venue),
        upbit=config.upbit,
        risk=config.risk,
        execution=config.execution,
    )


def audited(store: Store, account_id: str) -> Alarm:
    """Alarms as rows of the account's audit trail, each over a connection of its own: the keeper has a thread."""

    def alarm(action: str, detail: Mapping[str, Any]) -> None:
        with store.open(Role.WRITER) as db, db.transaction():
            at = datetime.now(UTC)
            put_audit(db, AuditEntry(account_id=account_id, at=at, actor="keeper", action=action, detail=detail))

    return alarm


def unguarded(db: Database, account_id: str) -> int:
    """How many positions would be without a guard if it ended now; an order in doubt may be one."""
    return len(watched_positions(db, account_id)) + len(unsettled_orders(db, account_id))


def relieve(db: Database, account_id: str, folder: Path) -> int:
    """End the guard when there is nothing to guard; how many positions it goes on watching otherwise."""
    left = unguarded(db, account_id)
    if not left:
        stop_guard(folder)
    return left
