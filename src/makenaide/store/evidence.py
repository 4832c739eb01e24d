"""Evidence: what was found out about a subject, when, and for how long it counts. Append-only (P3)."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from makenaide.domain.verdict import Verdict
from makenaide.store.db import Database, Row

_MANY = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One finding. `subject` is the SHA-256 (hex) of what it is about; times UTC, `valid_until` None = no end."""

    kind: str
    subject: str
    verdict: Verdict
    detail: Mapping[str, Any]
    taken_at: datetime
    valid_until: datetime | None = None


def account_subject(account_id: str) -> str:
    """The subject of what is found out about an account; "" = about the data folder, before there is one."""
    return hashlib.sha256(f"account {account_id}".encode()).hexdigest()


def put_evidence(db: Database, evidence: Evidence) -> None:
    """Append `evidence`."""
    db.do("evidence_put", **_values(evidence))


def put_checked(db: Database, checklist_id: int, found: Iterable[Evidence]) -> None:
    """Append what one run of a list of checks found."""
    db.do_many("evidence_checked", [_values(each) | {"checklist_id": checklist_id} for each in found])


def checked(db: Database, checklist_id: int) -> tuple[Evidence, ...]:
    """What that run of a list found, in its order."""
    return tuple(_evidence(row) for row in db.rows("evidence_of_checklist", checklist_id=checklist_id))


def evidence_of(db: Database, kind: str, subject: str) -> tuple[Evidence, ...]:
    """The findings of that kind about `subject`, newest first (the last thousand)."""
    rows = db.rows("evidence_of", kind=kind, subject=subject, many=_MANY)
    return tuple(_evidence(row) for row in rows)


def latest_evidence(db: Database, subject: str, kinds: Iterable[str]) -> dict[str, Evidence]:
    """What was written last about `subject` of each of `kinds` that has any, whatever it is dated."""
    rows = db.rows("evidence_latest", subject=subject, kinds=list(kinds))
    return {row.kind: _evidence(row) for row in rows}


def bad_since(db: Database, subject: str, kind: str, span: tuple[datetime, datetime]) -> bool:
    """Whether a finding of `kind` about `subject` that was taken after `span` began, up to its end, was a bad one."""
    since, now = span
    return bool(db.rows("evidence_against", subject=subject, kinds=[kind], since=since, now=now))


def newest_evidence(db: Database, kind: str) -> Evidence | None:
    """The newest finding of that kind, whatever it is about."""
    row = db.row("evidence_newest", kind=kind)
    return None if row is None else _evidence(row)


def _values(evidence: Evidence) -> dict[str, Any]:
    return {
        "kind": evidence.kind,
        "subject": evidence.subject,
        "verdict": evidence.verdict,
        "detail": dict(evidence.detail),
        "taken_at": evidence.taken_at,
        "valid_until": evidence.valid_until,
    }


def _evidence(row: Row) -> Evidence:
    return Evidence(
        kind=row.kind,
        subject=row.subject,
        verdict=Verdict(row.verdict),
        detail=row.detail,
        taken_at=row.taken_at,
        valid_until=row.valid_until,
    )
