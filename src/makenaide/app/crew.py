"""The processes that work here: trader, guard and steward, each as it stands and as it ought to stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from makenaide.app.clock import boot_seconds
from makenaide.app.guardpost import Post, Watch
from makenaide.app.holder import held, trader_of
from makenaide.app.operation import State, Worker, process_of, read_operation, silent
from makenaide.app.wanted import finished
from makenaide.execution.portfolio import watched_positions
from makenaide.ops.scene import GuardPulse, Part, PartState
from makenaide.store.accounts import Account
from makenaide.store.db import Database
from makenaide.store.jobs import latest_jobs
from makenaide.store.orders import unsettled_orders
from makenaide.store.surroundings import run_finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """The processes of the data folder `home` that work for `account` (None: there is none yet)."""

    home: Path
    account: Account | None

    def parts(self, db: Database) -> Sequence[Part]:
        """Trader, guard and steward."""
        return self._trader(db), self._guard(db), self._steward(db)

    def pulse(self, db: Database) -> GuardPulse:
        """The guard by its heartbeat; wanted when something is held, or a trader runs on the wall clock."""
        if self.account is None or self._stepped:
            return GuardPulse(watching=False, seconds=None, wanted=False, detail="no process of its own")
        standing = Post(self._folder).standing(boot_seconds())
        return GuardPulse(
            watching=standing.watch is Watch.WATCHING,
            seconds=standing.seconds,
            wanted=self._guarding(db),
            detail=_process(standing.pid),
        )

    @property
    def keeping(self) -> bool:
        """Whether somebody keeps the schedule now."""
        steward = process_of(self.home, Worker.STEWARD)
        return steward is not None and steward.alive and not silent(self.home, Worker.STEWARD)

    def _trader(self, db: Database) -> Part:
        holder = None if self.account is None else held(db, self.account.account_id)
        trader = None if holder is None else trader_of(holder)
        up = trader is not None
        word = "trading" if up else "held by a command" if holder is not None else "stopped"
        return Part(
            name=Worker.TRADER,
            state=PartState.UP if up else PartState.DOWN,
            word=word,
            wanted=False if finished(db, self.account) else self._wanted(stepped=None),
            success=None if self.account is None else run_finished(db, self.account.account_id),
            detail=holder or "",
        )

    def _guard(self, db: Database) -> Part:
        if self.account is None or self._stepped:
            return Part(name=Worker.GUARD, state=PartState.DOWN, word="no process of its own", wanted=False)
        standing = Post(self._folder).standing(boot_seconds())
        state, word = PartState.DOWN, "stopped"
        if standing.watch is Watch.WATCHING:
            state, word = PartState.UP, "watching"
        elif standing.watch is Watch.SILENT:
            lives = (guard := Post(self._folder).on_duty()) is not None and guard.alive
            state, word = (PartState.BROKEN, "silent") if lives else (PartState.DOWN, "gone")
        return Part(
            name=Worker.GUARD,
            state=state,
            word=word,
            wanted=self._guarding(db),
            success=standing.since,
            detail=_process(standing.pid),
        )

    def _steward(self, db: Database) -> Part:
        process = process_of(self.home, Worker.STEWARD)
        state, word = PartState.DOWN, "gone" if process is not None else "stopped"
        if process is not None and process.alive:
            hangs = silent(self.home, Worker.STEWARD)
            state, word = (PartState.BROKEN, "silent") if hangs else (PartState.UP, "working")
        ended = [job.finished_at for job in latest_jobs(db, self._account_id).values() if job.finished_at]
        return Part(
            name=Worker.STEWARD,
            state=state,
            word=word,
            wanted=self._wanted(stepped=False),
            success=max(ended, default=None),
            detail="" if process is None else _process(process.pid),
        )

    def _wanted(self, *, stepped: bool | None) -> bool | None:
        """What the last plan says of processes on the wall clock; `stepped` is what holds for a stepped account."""
        if self._stepped:
            return stepped
        operation = read_operation(self.home)
        if operation is None or operation.account not in (None, self._account_id):
            return None
        return {State.STARTED: True, State.STOPPED: False}.get(operation.state)

    def _guarding(self, db: Database) -> bool:
        """Whether there is something to guard, now or at any moment."""
        if self.account is None:
            return False
        key = self.account.account_id
        holder = held(db, key)
        trades = holder is not None and trader_of(holder) is not None
        return trades or bool(watched_positions(db, key) or unsettled_orders(db, key))

    @property
    def _stepped(self) -> bool:
        return self.account is not None and self.account.last_slot is not None

    @property
    def _account_id(self) -> str:
        return "" if self.account is None else self.account.account_id

    @property
    def _folder(self) -> Path:
        return self.home / "accounts" / self._account_id


def _process(pid: int | None) -> str:
    return "" if pid is None else f"process {pid}"
