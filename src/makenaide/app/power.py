"""The database at home as something with a power switch: this process's hold on it, and its backups."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from makenaide import __version__
from makenaide.app.auditing import note_action
from makenaide.app.database import Store, open_store
from makenaide.app.noting import keep_action, keep_or_log
from makenaide.app.person import person
from makenaide.domain.errors import MakenaideError, Misconfigured, SchemaMismatch
from makenaide.environment import Environment
from makenaide.execution.disk import Disk
from makenaide.ops.backup import FOLDER, Kept, Manifest, Shelf, Source
from makenaide.ops.scene import Backup
from makenaide.store.accounts import Account
from makenaide.store.db import Database, Role
from makenaide.store.dump import require_vacant
from makenaide.store.migrate import applied
from makenaide.store.modes import Mode
from makenaide.store.runs import AuditEntry
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
    try:
        taken = shelf.take(source, datetime.now(UTC), timed.left())
        verified = shelf.verify(taken, datetime.now(UTC), timed.left())
    except MakenaideError as cause:
        _note_failure((env.home, store), account_id or None, actor, cause)
        raise
    shelf.prune()
    told = {"name": verified.name, "sha256": verified.sha256, "size": verified.size}
    with store.open(Role.WRITER) as db:
        note_action(db, account_id or None, "backup.take", told, actor)
    return _backup(Kept(manifest=verified, intact=True))


def _note_failure(
    where: tuple[Path, Store], account_id: str | None, actor: str | None, cause: MakenaideError
) -> None:
    """There is no sound backup, whether or not that can be noted now."""
    home, store = where
    told = {"cause": str(cause)}
    try:
        with store.open(Role.WRITER) as db:
            note_action(db, account_id, "backup.fail", told, actor)
    except MakenaideError:
        entry = AuditEntry(
            account_id=account_id,
            at=datetime.now(UTC),
            actor=actor or person(),
            action="backup.fail",
            detail=told,
        )
        keep_or_log(home, entry)


def bring_back(env: Environment, name: str, mode: Mode, timed: Timed | None = None) -> Manifest:
    """Restore the backup `name` of `<home>/backups/` into the database of `env`, compare, and note it in the trail.

    It is proven on a server that is thrown away before anything of the database is touched. `Misconfigured`: there is
    none, or its rows are of the other mode. `Halted`: the database holds an account. `Inconsistent`: its bytes, rows,
    balances or chains are not those of its manifest; then nothing of it is left there.
    """
    timed, shelf = timed or Timed(), shelf_of(env.home)
    manifest = shelf.named(name)
    if manifest.mode != mode:
        raise Misconfigured(f"backup {name}: it holds {manifest.mode} rows: --mode {manifest.mode}")
    with open_store(env, mode=mode) as store:
        with Database.connect(store.conninfo, role=Role.OWNER, settings=mode.settings) as db:
            require_vacant(db)
        manifest = shelf.verify(manifest, datetime.now(UTC), timed.left())
        shelf.bring_back(manifest, store.conninfo, timed.left())
        _note_return(env, store, manifest)
    return manifest


def _note_return(env: Environment, store: Store, manifest: Manifest) -> None:
    """In the trail; kept for it where the schema is older and somebody else's to bring up to date."""
    account, told = manifest.account_id or None, {"name": manifest.name, "sha256": manifest.sha256}
    try:
        with replace(store, prepare=store.embedded).open(Role.WRITER) as db:
            note_action(db, account, "backup.restore", told)
    except SchemaMismatch:
        entry = AuditEntry(
            account_id=account, at=datetime.now(UTC), actor=person(), action="backup.restore", detail=told
        )
        keep_action(env.home, entry)


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
    mode = file.stem.rpartition("-")[2]
    return Backup(name=file.stem, taken_at=taken, intact=False, verified_at=None, size=about.st_size, mode=mode)


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
        mode=manifest.mode,
    )
