"""What a scheduler reads: since when there is anything to do, what is done, what was left behind."""

from datetime import datetime

from makenaide.store.db import Database
from makenaide.store.jobs import JobRow


def account_opened(db: Database, account_id: str) -> datetime | None:
    """When the account was opened, by the database's clock (UTC); None when there is none of that id."""
    row = db.row("account_opened", account_id=account_id)
    return None if row is None else row.opened_at


def done_by(db: Database, account_id: str, now: datetime) -> dict[str, datetime]:
    """The newest slot of each job, up to `now`, that is done with."""
    return {row.name: row.slot for row in db.rows("job_done_by", account_id=account_id, now=now)}


def open_slots(db: Database, account_id: str) -> tuple[JobRow, ...]:
    """Slots that are under way, or whose holder died; oldest first."""
    return tuple(JobRow(**row._asdict()) for row in db.rows("job_open", account_id=account_id))


def run_finished_by(db: Database, account_id: str, now: datetime) -> datetime | None:
    """The newest slot up to `now` whose trading cycle is over; None before the first."""
    row = db.row("run_finished_by", account_id=account_id, now=now)
    return None if row is None else row.slot
