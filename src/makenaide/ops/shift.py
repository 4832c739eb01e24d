"""What a scheduler has under way, and what it owes the database: the outcomes that are not in their rows yet."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from makenaide.ops.attempt import FAILED, MISSED, Body, Ended
from makenaide.ops.timetable import Job
from makenaide.ops.undertaking import Tools, Undertaking, told_of
from makenaide.store.db import Database
from makenaide.store.jobs import Claim, ClaimLost, claim_job, extend_job, finish_job

log = logging.getLogger(__name__)

Measured = Callable[[str, float, bool], None]
"""Is told a job's name, how many seconds it took, and whether it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who claims: the account, the words for people, and how long a claim holds without being extended."""

    account_id: str
    name: str
    lease: timedelta

    def claim(self, db: Database, job: str, slot: datetime, now: datetime) -> Claim | None:
        """The slot, if it is to be had."""
        return claim_job(db, (self.account_id, job, slot), self.name, now, self.lease)

    def mark(self, job: str, slot: datetime) -> str:
        """The name of the slot's mark on this machine."""
        return f"{self.account_id}-{job}-{slot:%Y%m%dT%H%M%SZ}"

    @property
    def pause(self) -> float:
        """Seconds after which a claim is extended."""
        return self.lease.total_seconds() / 3


@dataclass(frozen=True, slots=True)
class _Owed:
    """An outcome that the database has not been told; without a claim, the slot's row is still to be made."""

    ended: Ended
    claim: Claim | None


class Shift:
    """The slots of one scheduler; one of a job at a time. Used by one thread."""

    def __init__(
        self, holder: Holder, bodies: Mapping[str, Body], tools: Tools, steady: Callable[[], float]
    ) -> None:
        self.holder = holder
        self._bodies = bodies
        self._tools = tools
        self._steady = steady
        self._under_way: dict[str, Undertaking] = {}
        self._owed: dict[tuple[str, datetime], _Owed] = {}
        self.measured: Measured = lambda _name, _seconds, _failed: None

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._under_way)

    def at(self, name: str) -> datetime | None:
        """The slot of that job that is under way."""
        each = self._under_way.get(name)
        return None if each is None else each.slot

    def owes(self, name: str, slot: datetime) -> bool:
        """Whether that slot was done here, though the database does not know."""
        return (name, slot) in self._owed

    def take(self, db: Database, job: Job, slot: datetime, now: datetime) -> None:
        """Begin `slot`, unless another scheduler has it; or settle it, if it was done here already."""
        if self.settle(db, (job.name, slot), now):
            return
        claim = self.holder.claim(db, job.name, slot, now)
        if claim is not None:
            each = self._under_way[job.name] = self._undertaking(job, slot, claim)
            each.extend_at = self._steady() + self.holder.pause
            each.proceed(self._steady(), timely=True)

    def take_alone(self, job: Job, slot: datetime) -> None:
        """Begin `slot` without a database, unless another process of this machine has it."""
        each = self._undertaking(job, slot, None)
        each.proceed(self._steady(), timely=True)
        if each.begun:
            log.warning("without a database", extra={"action": "job.alone", "job": job.name})
            self._under_way[job.name] = each

    def miss(self, db: Database, name: str, slot: datetime, now: datetime) -> Ended | None:
        """Record that `slot` passed and nobody did it; not if somebody did, or is at it. What was recorded."""
        if self.settle(db, (name, slot), now):
            return None
        with db.transaction():
            claim = self.holder.claim(db, name, slot, now)
            if claim is None:
                return None
            # It may have been done by a process that was killed before it could say so.
            told = told_of(self._tools.markers, self.holder.mark(name, slot))
            ended = told or Ended(outcome=MISSED, detail={"noticed": now.isoformat()})
            finish_job(db, claim, now, ended.outcome, ended.detail)
        if told is None:
            log.warning("missed", extra={"action": "job.missed", "job": name, "slot": slot.isoformat()})
        return ended

    def go_on(self, db: Database | None, now: datetime) -> None:
        """Look after everything that is under way: what has ended is owed, and told where there is a database."""
        if db is not None:
            for key in [key for key, owed in self._owed.items() if owed.claim is not None]:
                self.settle(db, key, now)
        for each in tuple(self._under_way.values()):
            ended = each.proceed(self._steady(), timely=now - each.slot <= each.job.catch_up)
            if ended is not None:
                self._end(each, ended)
            if db is None:
                continue
            if ended is not None:
                self.settle(db, (each.job.name, each.slot), now)
            elif each.claim is not None and self._steady() >= each.extend_at:
                self._extend(db, each, each.claim, now)

    def settle(self, db: Database, key: tuple[str, datetime], now: datetime) -> bool:
        """Tell the database the outcome that is owed for `key` (job, slot); whether one was."""
        owed = self._owed.get(key)
        if owed is None:
            return False
        claim = owed.claim or self.holder.claim(db, *key, now)
        if claim is None:
            return True  # another one has it now, who finds our mark, or does it on a machine of its own
        self._owed[key] = _Owed(owed.ended, claim)
        try:
            finish_job(db, claim, now, owed.ended.outcome, owed.ended.detail)
        except ClaimLost as cause:
            log.warning("taken over", extra={"action": "job.lost", "job": key[0], "cause": str(cause)})
        del self._owed[key]
        return True

    def forgive(self, overtaken: Callable[[str, datetime], bool]) -> None:
        """What is `overtaken` has its row by now, whoever made it."""
        self._owed = {key: owed for key, owed in self._owed.items() if not overtaken(*key)}

    def hurry(self) -> None:
        """Leases may have run out while time stood still: they are extended at once."""
        for each in self._under_way.values():
            each.extend_at = self._steady()

    def give_back(self, db: Database, now: datetime) -> None:
        """Others may take at once what is under way here."""
        for each in self._under_way.values():
            if each.claim is not None:
                extend_job(db, each.claim, now)

    def _undertaking(self, job: Job, slot: datetime, claim: Claim | None) -> Undertaking:
        task = (job, slot, self._bodies[job.name])
        return Undertaking(task, self.holder.mark(job.name, slot), self._tools, claim)

    def _extend(self, db: Database, each: Undertaking, claim: Claim, now: datetime) -> None:
        try:
            extend_job(db, claim, now + self.holder.lease)
            each.extend_at = self._steady() + self.holder.pause
        except ClaimLost as cause:
            log.warning("taken over", extra={"action": "job.lost", "job": each.job.name, "cause": str(cause)})
            self._forget(each)

    def _end(self, each: Undertaking, ended: Ended) -> None:
        self._owed[each.job.name, each.slot] = _Owed(ended, each.claim)
        seconds = self._steady() - each.began
        failed = ended.outcome == FAILED
        about = {"job": each.job.name, "slot": each.slot.isoformat(), "seconds": round(seconds, 3)}
        if failed:
            log.error("job failed", extra={"action": "job.failed", "cause": ended.detail.get("cause"), **about})
        else:
            log.info("job", extra={"action": "job.done", **about})
        self.measured(each.job.name, seconds, failed)
        self._tools.tell(each.job.name, each.slot, ended)
        self._forget(each)

    def _forget(self, each: Undertaking) -> None:
        each.release()
        self._under_way.pop(each.job.name, None)
