"""The loop around the cycle: run what is due, let the guard watch until the next slot, end when asked."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from makenaide.domain.clock import next_slot
from makenaide.domain.errors import Unavailable
from makenaide.pipeline.cycle import CycleResult, run_cycle
from makenaide.pipeline.interlude import compared, interlude, take_in
from makenaide.pipeline.schedule import due
from makenaide.pipeline.session import Session, Stopped
from makenaide.store.runs import latest_run, mark_missed

log = logging.getLogger(__name__)

Progress = Callable[[CycleResult], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What to do when the venue fails a cycle: try again after `pause_seconds`, `tries` times (None: for ever)."""

    tries: int | None
    pause_seconds: float = 30.0


def run_loop(session: Session, progress: Progress, patience: Patience) -> bool:
    """Run slots until the account's last one (True) or until the session is asked to stop (False).

    Raises `Unavailable` when the venue failed the same cycle (or look) as often as `patience` allows; what was done
    is stored, and the same call goes on from there.
    """
    take_in(session)
    reconciled = False
    while not session.stopping():
        try:
            done = _finish_due(session, progress, patience)
        except Stopped:
            return False
        if done is not None and done == session.account.last_slot:
            return True
        if not reconciled and session.account.last_slot is None:
            compared(session)  # the next cycle may be hours away
        reconciled = True
        following = next_slot(session.clock.now() - session.schedule.delay, session.schedule.times)
        interlude(session).until(following + session.schedule.delay)
    return False


def _finish_due(session: Session, progress: Progress, patience: Patience) -> datetime | None:
    """Run the newest due slot, resuming one that was broken off; returns the newest slot that is done."""
    account = session.account.account_id
    row = latest_run(session.db, account)
    if row is not None and row.status == "running":
        _persist(session, row.slot, progress, patience)
        row = latest_run(session.db, account)
    now = session.clock.now()
    todo = due(session.schedule, now - session.schedule.delay, row.slot if row is not None else None)
    for missed in todo.missed:
        mark_missed(session.db, account, missed, now)
        log.warning("missed", extra={"action": "slot.missed", "slot": missed.isoformat()})
    if todo.slot is not None:
        _persist(session, todo.slot, progress, patience)
        return todo.slot
    return None if row is None else row.slot


def _persist(session: Session, slot: datetime, progress: Progress, patience: Patience) -> None:
    """Run the cycle of `slot` until it is done; `Stopped` when asked to, `Unavailable` when patience ends."""
    tries = 0
    while True:
        session.require_going_on()
        try:
            progress(run_cycle(session, slot, closing=slot == session.account.last_slot))
        except Unavailable as cause:
            tries += 1
            log.warning("cycle broken off", extra={"action": "cycle.broken", "cause": str(cause), "tries": tries})
            if patience.tries is not None and tries >= patience.tries:
                raise
            session.clock.sleep(patience.pause_seconds)
        else:
            return
