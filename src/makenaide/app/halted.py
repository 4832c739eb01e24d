"""The kill switch of a data folder, and its row in the audit trail wherever a database can be reached just now."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from makenaide.domain.errors import MakenaideError, SchemaMismatch
from makenaide.environment import Environment
from makenaide.execution.disk import Disk
from makenaide.execution.halt import FILE_NAME, Halt, HaltFile, note_halt
from makenaide.store.db import Role
from makenaide.store.modes import Mode

MARKER = "live.json"
"""In the data folder since live trading was first confirmed there: such a folder's halt is not lifted by a script."""


def halt_file(home: Path) -> HaltFile:
    """The switch of the data folder `home`."""
    return HaltFile(files=Disk(), path=home / FILE_NAME)


def holds_live(env: Environment) -> bool:
    """Whether real money may depend on this folder: it was confirmed here, or a key is at hand."""
    return (env.home / MARKER).exists() or bool(env.secrets.access or env.secrets.secret)


def note_in_database(env: Environment, halt: Halt | None, at: datetime, actor: str) -> bool:
    """Write what the switch now says, by `actor`, into the trail, if a database runs already; whether one took it.

    What was kept while there was none comes first. Never raises for a database that is not there: the switch works
    without, and `keep_throw` keeps what was done.
    """
    from makenaide.app.database import database_runs, open_store  # noqa: PLC0415 - the switch comes before
    from makenaide.app.noting import note_kept  # noqa: PLC0415

    noted = False
    try:
        if not database_runs(env):
            return False
        with open_store(env) as store:
            for mode in Mode:
                with suppress(SchemaMismatch), store.of(mode).open(Role.WRITER) as db:
                    note_kept(db, env.home)
                    note_halt(db, halt, at, actor)
                    noted = True
    except (MakenaideError, OSError):
        return noted
    return noted


def keep_throw(home: Path, thrown: tuple[Halt, bool], at: datetime, actor: str) -> None:
    """Keep, for a later database, that `actor` set (True) or lifted the halt; what cannot even be kept is logged."""
    from makenaide.app.noting import keep_or_log  # noqa: PLC0415 - the switch is thrown before the driver is loaded
    from makenaide.store.runs import AuditEntry  # noqa: PLC0415

    halt, was_set = thrown
    action = "halt.set" if was_set else "halt.lift"
    keep_or_log(home, AuditEntry(account_id=None, at=at, actor=actor, action=action, detail={"halt": str(halt)}))
