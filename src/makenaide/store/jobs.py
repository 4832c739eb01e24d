"""Slots of scheduled jobs: each is claimed by one, and taken over only when the claim's lease has run out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from makenaide.domain.errors import Halted
from makenaide.store.db import Database, Row


class ClaimLost(Halted):
    """Another scheduler has taken this slot over: what this one found out is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A slot of a job that is ours while `fence` is the newest number."""

    account_id: str
    name: str
    slot: datetime
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One slot of a job as it stands; `outcome` None while it is under way (or its holder died)."""

    name: str
    slot: datetime
    holder: str
    fence: int
    claimed_at: datetime
    expires_at: datetime
    finished_at: datetime | None
    outcome: str | None
    detail: Mapping[str, Any]


def claim_job(
    db: Database, key: tuple[str, str, datetime], holder: str, now: datetime, lease: timedelta
) -> Claim | None:
    """Take the slot `key` (account, job, slot); None when somebody has it, or it is done with."""
    account_id, name, slot = key
    row = db.row(
        "job_claim",
        account_id=account_id,
        job=name,
        slot=slot,
        holder=holder,
        now=now,
        expires_at=now + lease,
    )
    return None if row is None else Claim(account_id=account_id, name=name, slot=slot, fence=row.fence)


def extend_job(db: Database, claim: Claim, until: datetime) -> None:
    """Hold the claim longer; `ClaimLost`."""
    if not db.do("job_extend", **_key(claim), expires_at=until):
        raise ClaimLost(f"{claim.name} of {claim.slot.isoformat()}")


def finish_job(db: Database, claim: Claim, now: datetime, outcome: str, detail: Mapping[str, Any]) -> None:
    """The slot is done with: "done", "failed" or "missed"; `ClaimLost`."""
    if not db.do("job_finish", **_key(claim), now=now, outcome=outcome, detail=dict(detail)):
        raise ClaimLost(f"{claim.name} of {claim.slot.isoformat()}")


def latest_jobs(db: Database, account_id: str) -> dict[str, JobRow]:
    """The newest slot of each job that anybody took."""
    return {row.name: _job(row) for row in db.rows("job_latest", account_id=account_id)}


def jobs_since(db: Database, account_id: str, since: datetime) -> tuple[JobRow, ...]:
    """Every slot from `since` on, ascending."""
    return tuple(_job(row) for row in db.rows("job_since", account_id=account_id, since=since))


def _key(claim: Claim) -> dict[str, Any]:
    return {"account_id": claim.account_id, "job": claim.name, "slot": claim.slot, "fence": claim.fence}


def _job(row: Row) -> JobRow:
    return JobRow(**row._asdict())
