"""The database at home as something with a power switch: this process's hold on it, and its backups."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from makenaide import __version__
from makenaide.app.auditing import note_action
from makenaide.app.database import Store, open_store
from makenaide.environment import Environment
from makenaide.execution.disk import Disk
from makenaide.ops.backup import FOLDER, Kept, Manifest, Shelf, Source
from makenaide.ops.scene import Backup
from makenaide.store.accounts import Account
from makenaide.store.db import Database, Role
from makenaide.store.migrate import applied
from makenaide.store.modes import Mode
from makenaide.store.switch import keep_up, kept_up, let_go, users

BACKUP_SECONDS = 1800.0
"""A backup that takes longer than this is no backup."""


@dataclass(slots=True, kw_only=True)
class Grip:
    """This process's hold on the database of `env`: taken when it is first needed, until it is given back.

    `prepare`: the embedded one's schema is brought up to date where it is opened.
    """

    env: Environment
    mode: Mode
    prepare: bool = False
    _stack: ExitStack | None = None
    _store: Store | None = None

    @property
    def ours(self) -> bool:
        """Whether the database's power is in our hands."""
        return self.env.database_url is None

    def store(self) -> Store:
        """The database; the embedded one is started if it does not run. Raises as `open_store`."""
        if self._store is None:
            with ExitStack() as stack:
                self._store = stack.enter_context(open_store(self.env, prepare=self.prepare, mode=self.mode))
                self._stack = stack.pop_all()
        return self._store

    @property
    def opened(self) -> Store | None:
        """The database, if it is in use just now."""
        return self._store

    def connect(self, mode: Mode | None = None) -> Database:
        """A reader, whatever the schema is like."""
        store = self.store()
        return Database.connect(store.conninfo, role=Role.READER, settings=(mode or self.mode).settings)

    def modes(self) -> tuple[Mode, ...]:
        """Whose rows there are."""
        found = []
        for mode in Mode:
            with self.connect(mode) as db:
                found += [mode] if applied(db) else []
        return tuple(found)

    def keep_up(self) -> bool:
        """From now on it stays up while nobody uses it; whether it did not yet."""
        if not self.ours:
            return False
        self.store()
        return keep_up(self.env.home)

    def let_go(self) -> bool:
        """It is to go down with its last user; whether it was kept up."""
        return self.ours and let_go(self.env.home)

    @property
    def kept_up(self) -> bool:
        """Whether it stays up while nobody uses it."""
        return not self.ours or kept_up(self.env.home)

    def users(self) -> tuple[int, ...]:
        """Other processes that use it."""
        return users(self.env.home) if self.ours else ()

    def give_back(self) -> None:
        """Use it no more; the last one out stops the server, unless it is kept up."""
        stack, self._stack, self._store = self._stack, None, None
        if stack is not None:
            stack.close()


@dataclass(slots=True, kw_only=True)
class Timed:
    """How long a backup may take in all: the steps of it share the time."""

    seconds: float = BACKUP_SECONDS
    began: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Seconds that are left."""
        return self.seconds - (time.monotonic() - self.began)


def back_up(
    env: Environment, store: Store, account: Account | None, actor: str | None = None, timed: Timed | None = None
) -> Backup:
    """Take a backup of the rows of the store's mode, restore it to prove it, keep it in `<home>/backups/`.

    `account` is the one that its manifest's heads are of. `Inconsistent` names what differs once it is restored: then
    the backup stays, unverified. `DiskFull`, `Unavailable`: there is none.
    """
    timed = timed or Timed()
    shelf = shelf_of(env.home)
    account_id = "" if account is None else account.account_id
    source = Source(
        conninfo=store.conninfo, settings=store.mode.settings, account_id=account_id, program=__version__
    )
    taken = shelf.take(source, datetime.now(UTC), timed.left())
    verified = shelf.verify(taken, datetime.now(UTC), timed.left())
    shelf.prune()
    told = {"name": verified.name, "sha256": verified.sha256, "size": verified.size}
    with store.open(Role.WRITER) as db:
        note_action(db, account_id or None, "backup.take", told, actor)
    return _backup(Kept(manifest=verified, intact=True))


def backups(home: Path) -> tuple[Backup, ...]:
    """The backups that are kept in `home`, newest first; bytes are read again only where a file was touched.

    A dump without a manifest that can be read is not intact; `OSError` where the folder cannot be read.
    """
    shelf = shelf_of(home)
    known = [_backup(each) for each in shelf.looked_through()]
    return tuple(sorted([*known, *(_nameless(file) for file in shelf.strays())], key=_age, reverse=True))


def _age(backup: Backup) -> tuple[datetime, str]:
    return backup.taken_at, backup.name


def _nameless(file: Path) -> Backup:
    about = file.stat()
    taken = datetime.fromtimestamp(about.st_mtime, UTC)
    return Backup(name=file.stem, taken_at=taken, intact=False, verified_at=None, size=about.st_size)


def shelf_of(home: Path) -> Shelf:
    """The folder of the backups of `home`."""
    return Shelf(folder=home / FOLDER, files=Disk())


def _backup(kept: Kept) -> Backup:
    manifest: Manifest = kept.manifest
    return Backup(
        name=manifest.name,
        taken_at=manifest.taken_at,
        intact=kept.intact,
        verified_at=manifest.verified_at,
        size=manifest.size,
        heads={name: {"number": head.number, "hash": head.hash} for name, head in manifest.heads.items()},
    )
