"""What the books tell the guard of the exits of positions, and how far its journal is in the books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from makenaide.domain.money import Quantity
from makenaide.domain.order import PositionId
from makenaide.store.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedExit:
    """One exit as far as it is booked: sold of its own position, and of dust `along`; `ended` = at its end."""

    number: int
    ended: bool
    own: Quantity
    along: Quantity


def exits_of(db: Database, account_id: str, positions: Sequence[PositionId]) -> dict[PositionId, list[BookedExit]]:
    """The exits of each of `positions` that has any, in order."""
    found: dict[PositionId, list[BookedExit]] = {}
    for row in db.rows("guard_exits", account_id=account_id, positions=list(positions)):
        booked = BookedExit(number=row.number, ended=row.ended, own=Quantity(row.own), along=Quantity(row.along))
        found.setdefault(PositionId(row.position_id), []).append(booked)
    return found


def imported(db: Database, account_id: str) -> int:
    """The number of the last journal entry that is in the books; 0 before the first."""
    row = db.row("guard_imported", account_id=account_id)
    return 0 if row is None else int(row.sequence)


def put_imported(db: Database, account_id: str, sequence: int, at: datetime) -> None:
    """Everything up to `sequence` is in the books; call it in the transaction that puts it there."""
    db.do("guard_import_put", account_id=account_id, sequence=sequence, at=at)
