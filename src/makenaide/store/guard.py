"""How far the guard's journal is in the books."""

from datetime import datetime

from makenaide.store.db import Database


def imported(db: Database, account_id: str) -> int:
    """The number of the last journal entry that is in the books; 0 before the first."""
    row = db.row("guard_imported", account_id=account_id)
    return 0 if row is None else int(row.sequence)


def put_imported(db: Database, account_id: str, sequence: int, at: datetime) -> None:
    """Everything up to `sequence` is in the books; call it in the transaction that puts it there."""
    db.do("guard_import_put", account_id=account_id, sequence=sequence, at=at)
