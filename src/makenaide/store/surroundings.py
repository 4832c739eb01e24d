"""What the place asks of the books: how far the account has come, and what was audited."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from makenaide.store.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One row of the audit trail as it is read in a log."""

    at: datetime
    actor: str
    action: str
    detail: Mapping[str, Any]


def run_finished(db: Database, account_id: str) -> datetime | None:
    """When the newest run that came to its end did so (UTC); None before the first."""
    row = db.row("run_finished", account_id=account_id)
    return None if row is None else row.finished_at


def world_now(db: Database, account_id: str) -> datetime | None:
    """The newest moment that the account's books know of (UTC): the present of a world that stands still."""
    row = db.row("world_now", account_id=account_id)
    return None if row is None else row.at


def audit_lines(db: Database, account_id: str, since: datetime, many: int) -> tuple[AuditLine, ...]:
    """The newest `many` audit rows of the account and of the installation since `since`, oldest first."""
    rows = db.rows("audit_lines", account_id=account_id, since=since, many=many)
    return tuple(AuditLine(**row._asdict()) for row in rows)
