"""The kill switch of a data folder, and its row in the audit trail wherever a database can be reached just now."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from makenaide.domain.errors import MakenaideError, SchemaMismatch
from makenaide.environment import Environment
from makenaide.execution.disk import Disk
from makenaide.execution.halt import FILE_NAME, Halt, HaltFile, note_halt
from makenaide.store.db import Role
from makenaide.store.embedded import PUBLIC
from makenaide.store.home import Home
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

    Never raises for a database that is not there: the switch works without, and the trading process notes it later.
    """
    from makenaide.app.database import open_store  # noqa: PLC0415 - the switch is thrown before the driver is loaded

    noted = False
    try:
        if not database_runs(env):
            return False
        with open_store(env) as store:
            for mode in Mode:
                with suppress(SchemaMismatch), store.of(mode).open(Role.WRITER) as db:
                    note_halt(db, halt, at, actor)
                    noted = True
    except (MakenaideError, OSError):
        return noted
    return noted


def database_runs(env: Environment) -> bool:
    """Whether there is a database to write to without starting one: DATABASE_URL's, or an embedded one that is up."""
    home = env.home
    return env.database_url is not None or (home.is_dir() and Home(home, PUBLIC).cluster().running() is not None)
