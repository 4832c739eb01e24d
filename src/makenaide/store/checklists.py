"""Runs of lists of checks, and what a person has acknowledged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from makenaide.domain.verdict import Verdict
from makenaide.store.db import Database, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredList:
    """One run of a list; `slot` None when a person asked for it. UTC."""

    checklist_id: int
    slot: datetime | None
    taken_at: datetime
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A person has seen the WARN of a check: it is folded up to and including `until` (KST date).

    `said`: what that WARN found (`ops.record.finding`), which whoever keeps the word fills in; no other is folded.
    """

    check_id: str
    until: date
    actor: str
    note: str
    at: datetime
    said: str = ""


def put_checklist(
    db: Database, account_id: str, name: str, taken: tuple[datetime | None, datetime], verdict: Verdict
) -> int | None:
    """Append a run of the list `name`: `taken` is its slot (None: unscheduled) and when it was taken.

    Its number; None when that slot's list was taken already.
    """
    slot, at = taken
    row = db.row("checklist_put", account_id=account_id, checklist=name, slot=slot, taken_at=at, verdict=verdict)
    return None if row is None else int(row.checklist_id)


def checklist_before(db: Database, account_id: str, name: str, before: datetime) -> StoredList | None:
    """The newest run of the list `name` that was taken before `before`."""
    row = db.row("checklist_before", account_id=account_id, checklist=name, before=before)
    if row is None:
        return None
    return StoredList(
        checklist_id=row.checklist_id, slot=row.slot, taken_at=row.taken_at, verdict=Verdict(row.verdict)
    )


def list_before(db: Database, account_id: str, name: str, before: datetime) -> StoredList | None:
    """The newest scheduled run of the list `name` taken before `before`; where none was, the newest at all."""
    row = db.row("checklist_scheduled_before", account_id=account_id, checklist=name, before=before)
    if row is None:
        return checklist_before(db, account_id, name, before)
    return StoredList(
        checklist_id=row.checklist_id, slot=row.slot, taken_at=row.taken_at, verdict=Verdict(row.verdict)
    )


def checklist_taken(db: Database, account_id: str, name: str, slot: datetime) -> bool:
    """Whether the list of that slot was taken."""
    return db.row("checklist_of_slot", account_id=account_id, checklist=name, slot=slot) is not None


def put_acknowledgement(db: Database, account_id: str, word: Acknowledgement) -> None:
    """Append a person's word about a check."""
    db.do(
        "acknowledgement_put",
        account_id=account_id,
        check_id=word.check_id,
        until=word.until,
        actor=word.actor,
        note=word.note,
        at=word.at,
        said=word.said,
    )


def acknowledgements(db: Database, account_id: str) -> Mapping[str, Acknowledgement]:
    """The newest word about each check, by its id."""
    return {row.check_id: _word(row) for row in db.rows("acknowledgement_all", account_id=account_id)}


def _word(row: Row) -> Acknowledgement:
    return Acknowledgement(
        check_id=row.check_id, until=row.until, actor=row.actor, note=row.note, at=row.at, said=row.said
    )
