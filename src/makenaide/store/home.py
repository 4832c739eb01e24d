"""A home's database on disk: where its cluster, its socket and its password are, always the same for one home.

Inside the home, where the server's user can get there. Root's server runs as `nobody`, who can't pass through
a closed folder such as /root: then the cluster lies below a public folder, under the home's own random word.
"""

import errno
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from makenaide.domain.errors import DiskFull, Misconfigured
from makenaide.store.cluster import SUPERUSER, Cluster
from makenaide.store.processes import Account, me

_SOCKET_LIMIT = 90
"""A socket's path has room for 103 bytes (107 on Linux), of which 14 are the file's name."""


class Home:
    """The files of one home; `public` is where root keeps what the server's user must reach."""

    def __init__(self, path: Path, public: Path) -> None:
        self.path = Path(os.path.abspath(path))  # noqa: PTH100 - the name as given: links stay links
        self.public = public

    @property
    def lock(self) -> Path:
        """Held while the server is started or stopped."""
        return self.path / "postgres.lock"

    @property
    def claims(self) -> Path:
        """One file for each user of the server."""
        return self.path / "postgres-users"

    @property
    def secret(self) -> Path:
        """The superuser's password, in the form that libpq reads (`host:port:database:user:password`)."""
        return self.path / "postgres.secret"

    def cluster(self) -> Cluster:
        """The home's cluster, made or not; `Misconfigured` where the server's user cannot use it."""
        inside = self.path / "postgres"
        if inside.is_dir():
            return Cluster(folder=inside.resolve(), account=_owner(inside))
        if me().uid != 0:
            return Cluster(folder=inside.resolve(), account=me())
        nobody = _nobody()
        outside = self.public / self.identity()
        if not outside.is_dir() and nobody.may_enter(self.path):
            return Cluster(folder=inside.resolve(), account=nobody)
        self._require_not_copied(outside)
        return Cluster(folder=outside.resolve(), account=nobody)

    def identity(self) -> str:
        """The home's own random word: a home that is removed and made again is another home."""
        file = self.path / "home.id"
        if not file.exists():
            _write_once(file, secrets.token_hex(8) + "\n")
        return file.read_text(encoding="ascii").strip()

    def prepare(self, cluster: Cluster) -> None:
        """Make the empty folder of a cluster."""
        if self.public in cluster.folder.parents:
            self.public.mkdir(mode=0o755, parents=True, exist_ok=True)
        own_folder(cluster.folder, cluster.account)
        self._record(cluster.folder)

    def password(self, *, new: bool) -> str:
        """The superuser's password; made now if the cluster is `new`, else `Misconfigured` when it is gone."""
        if not self.secret.exists():
            if not new:
                raise Misconfigured(f"{self.secret} is missing: without it nobody can log in, restore it")
            _write_once(self.secret, f"*:*:*:{SUPERUSER}:{secrets.token_hex(24)}\n")
        return self.secret.read_text(encoding="ascii").strip().rpartition(":")[2]

    def close_secret(self) -> None:
        """Close the password's file to others: libpq ignores one that is open, such as a restored copy."""
        if self.secret.exists() and self.secret.stat().st_mode & 0o077:
            self.secret.chmod(0o600)

    def socket_folder(self, account: Account) -> Path:
        """A short path, the same for every process of this home and no other home's."""
        word = hashlib.sha256(f"{self.identity()} {self.path.resolve()}".encode()).hexdigest()[:16]
        for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - a private folder within
            folder = base.resolve() / f"makenaide-{word}"
            if len(os.fsencode(folder)) <= _SOCKET_LIMIT and account.may_enter(folder.parent):
                return folder
        raise Misconfigured("no folder for the database's socket: set TMPDIR to a short path open to others")

    def erase(self, cluster: Cluster) -> None:
        """Delete the stopped cluster, its password and the home's identity."""
        for folder in (self.socket_folder(cluster.account), cluster.folder, self.claims):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (self.secret, self.path / "home.id"):
            file.unlink(missing_ok=True)

    def _record(self, outside: Path) -> None:
        (outside / "home").write_text(f"{self.path}\n", encoding="utf-8")

    def _require_not_copied(self, outside: Path) -> None:
        """A copied `home.id` would join two homes; a moved home is welcome."""
        record = outside / "home"
        if not record.exists():
            return
        first = Path(record.read_text(encoding="utf-8").strip())
        if first == self.path:
            return
        theirs = first / "home.id"
        if theirs.exists() and not first.samefile(self.path) and theirs.read_text().strip() == self.identity():
            raise Misconfigured(
                f"{self.path} is a copy of {first}, whose database it would share:"
                f" delete {self.path / 'home.id'} to begin with a new database"
            )
        self._record(outside)


def own_folder(folder: Path, account: Account) -> None:
    """A folder for `account` alone; `Misconfigured` if somebody else made it, as anybody can below /tmp."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid not in (account.uid, me().uid):
            raise Misconfigured(f"{folder} belongs to somebody else: remove it") from None
    if me().uid != account.uid:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)


@contextmanager
def file_faults(home: Path) -> Iterator[None]:
    """The system's refusals as ours: `DiskFull`, or `Misconfigured` naming the home."""
    try:
        yield
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(f"no space left for {home}: {fault}") from fault
        raise Misconfigured(f"the data folder {home} cannot be used: {fault}") from fault


def _owner(inside: Path) -> Account:
    """Whom the data belongs to, and whom therefore its server runs as."""
    about = inside.stat()
    owner = Account(about.st_uid, about.st_gid)
    if owner.uid == 0:
        raise Misconfigured(
            f"{inside} belongs to root, as whom PostgreSQL refuses to run: chown -R nobody {inside}"
        )
    if me().uid not in (0, owner.uid):
        raise Misconfigured(f"{inside} belongs to user number {owner.uid}: run as that user, or as root")
    if not owner.may_enter(inside):
        raise Misconfigured(f"user number {owner.uid}, who runs the database, can no longer enter {inside}")
    return owner


def _nobody() -> Account:
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def _write_once(file: Path, text: str) -> None:
    """Create `file` for this user's eyes only, whole or not at all."""
    draft = file.with_name(f".{file.name}-{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
