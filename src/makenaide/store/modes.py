"""The two kinds of money, each in a schema of its own: a connection is opened for one and sees no other."""

from enum import StrEnum

from makenaide.domain.errors import Inconsistent
from makenaide.store.db import Database, StoreSettings


class Mode(StrEnum):
    """Whose money the rows are about."""

    PAPER = "paper"
    LIVE = "live"

    @property
    def settings(self) -> StoreSettings:
        """How to connect: the schema is named after the mode."""
        return StoreSettings(schema=self.value)


def schema_mode(db: Database) -> Mode:
    """The mode that the schema itself was made for; `Inconsistent` when it does not say."""
    row = db.row("schema_mode")
    if row is None:
        raise Inconsistent(f"{db.name}: the schema {db.settings.schema} does not say what it is for")
    return Mode(row.mode)


def require_mode(db: Database, mode: Mode) -> None:
    """`Inconsistent` unless the schema was made for `mode`: a renamed or restored one must not pass for the other."""
    found = schema_mode(db)
    if found is not mode:
        raise Inconsistent(f"{db.name}: the schema {db.settings.schema} holds {found} rows, not {mode} ones")
