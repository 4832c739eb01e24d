"""Backups: a folder of dumps, each with a manifest, each restored once to prove it.

A backup is `<name>.dump` and `<name>.json`, named by its moment (UTC, to the millisecond) and its schema:
20261128T183000123Z-paper. The manifest is written last, so that half a file never counts. `<name>.seen` remembers the
checksum of a file that has not been touched since.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from makenaide.domain.errors import Inconsistent, Misconfigured, Unavailable
from makenaide.domain.parameter import near
from makenaide.execution.disk import Files
from makenaide.store.chain import ChainHead, named_heads
from makenaide.store.claims import exclusive
from makenaide.store.db import Database, Role, StoreSettings
from makenaide.store.dump import (
    Contents,
    broken_chains,
    contents,
    differences,
    drop,
    dump,
    patient,
    restore,
    snapshot,
    vacate,
)
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.home import file_faults
from makenaide.store.processes import birth
from makenaide.store.scratch import scratch

FOLDER = "backups"
KEPT = 14
"""So many of each schema are kept, and the last verified one always."""
_PIECE = 1 << 20
_BUSY_SECONDS = 5.0
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is: whose rows (`mode`), of which program, when (UTC), its file's size and SHA-256 (hex).

    `heads` are the heads of the chains of `account_id` by table, and the installation's ("installation.audit");
    `contents` is everything that has to be the same once it is restored; `verified_at` when it was.
    """

    name: str
    mode: str
    account_id: str
    program: str
    taken_at: datetime
    size: int
    sha256: str
    heads: dict[str, ChainHead]
    contents: Contents
    verified_at: datetime | None = None


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    size: int
    mtime: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is backed up: the database and the schema, for the account used here, by this version of the program."""

    conninfo: str
    settings: StoreSettings
    account_id: str
    program: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A backup in the folder, and whether its bytes are still those that were written."""

    manifest: Manifest
    intact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The folder of backups."""

    folder: Path
    files: Files

    def take(self, source: Source, at: datetime, seconds: float) -> Manifest:
        """A new backup of `source`, whole and durable, not verified yet; `at` is the present (UTC).

        `InUse` while another is taken; `DiskFull`; `Unavailable`. What breaks off leaves nothing behind.
        """
        moment = at.astimezone(UTC)
        name = f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03}Z-{source.settings.schema}"
        with file_faults(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with exclusive(self.folder / "lock", _BUSY_SECONDS, Unavailable("another backup is being taken")):
                self._tidy()
                return self._taken(source, name, at, seconds)

    def verify(self, manifest: Manifest, at: datetime, seconds: float) -> Manifest:
        """Restore the backup into a database that is thrown away, compare, and note that in its manifest.

        `Inconsistent` names every difference, and the manifest stays unverified.
        """
        file = self.dump_of(manifest.name)
        with file_faults(self.folder):
            _require_bytes(manifest, self.dump_of(manifest.name))
            with _workshop(self.folder) as conninfo:
                restore(conninfo, file, seconds)
                _require_same(manifest, conninfo)
            verified = msgspec.structs.replace(manifest, verified_at=at)
            self._write(verified)
        return verified

    def bring_back(self, manifest: Manifest, conninfo: str, seconds: float) -> None:
        """Put the backup into the database of `conninfo`, and compare; a schema without an account makes room for it.

        `Halted` when there is an account. `Inconsistent` names every difference: then nothing of it is left there.
        """
        settings = patient(StoreSettings(schema=manifest.mode))
        with file_faults(self.folder):
            _require_bytes(manifest, self.dump_of(manifest.name))
            with Database.connect(conninfo, role=Role.OWNER, settings=settings) as db:
                vacate(db)
            restore(conninfo, self.dump_of(manifest.name), seconds)
            try:
                _require_same(manifest, conninfo)
            except BaseException:
                with Database.connect(conninfo, role=Role.OWNER, settings=settings) as db:
                    drop(db)
                raise

    def named(self, name: str) -> Manifest:
        """The manifest of the backup `name`; `Misconfigured` when there is none that can be read."""
        known = {each.name: each for each in self.all()}
        if name not in known:
            raise Misconfigured(
                f"backup {name}: {self.folder} holds no such manifest{near(name, known) if known else ''}"
            )
        return known[name]

    def all(self) -> tuple[Manifest, ...]:
        """The manifests, newest first; one that cannot be read is no backup."""
        found = []
        for file in self.folder.glob("*.json"):
            with suppress(OSError, *_UNREADABLE):
                found.append(msgspec.json.decode(file.read_bytes(), type=Manifest))
        return tuple(sorted(found, key=lambda each: (each.taken_at, each.name), reverse=True))

    def strays(self) -> tuple[Path, ...]:
        """Dumps of which no manifest can be read; `OSError` where the folder is there and cannot be read."""
        if not self.folder.exists():
            return ()
        names = {each.name for each in self.all()}
        files = sorted(self.folder.iterdir())
        return tuple(each for each in files if each.suffix == ".dump" and each.stem not in names)

    def looked_through(self) -> tuple[Kept, ...]:
        """The backups, newest first, each with whether its bytes are sound."""
        return tuple(Kept(manifest=each, intact=self._intact(each)) for each in self.all())

    def prune(self) -> tuple[str, ...]:
        """Delete what need not be kept any more; the names of what was."""
        gone = expired(self.all())
        with file_faults(self.folder):
            for name in gone:
                self._of(name, "json").unlink(missing_ok=True)  # first: without it the rest counts for nothing
                self.dump_of(name).unlink(missing_ok=True)
                self._of(name, "seen").unlink(missing_ok=True)
        return gone

    def dump_of(self, name: str) -> Path:
        """The dump of the backup `name`."""
        return self._of(name, "dump")

    def _of(self, name: str, ending: str) -> Path:
        return self.folder / f"{name}.{ending}"

    def _taken(self, source: Source, name: str, at: datetime, seconds: float) -> Manifest:
        part, file = self._of(name, "dump.part"), self.dump_of(name)
        try:
            settings = patient(source.settings)
            with (
                Database.connect(source.conninfo, role=Role.READER, settings=settings) as db,
                snapshot(db) as seen,
            ):
                held = contents(db)
                dump(source.conninfo, held.schema, seen, part, seconds)
            manifest = Manifest(
                name=name,
                mode=held.schema,
                account_id=source.account_id,
                program=source.program,
                taken_at=at,
                size=part.stat().st_size,
                sha256=checksum(part),
                heads=_heads(held, source.account_id),
                contents=held,
            )
            _flush(part)
            part.replace(file)
            self._write(manifest)
        except BaseException:
            part.unlink(missing_ok=True)
            if not self._of(name, "json").exists():
                file.unlink(missing_ok=True)
            raise
        return manifest

    def _write(self, manifest: Manifest) -> None:
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        self.files.replace(self._of(manifest.name, "json"), content)

    def _intact(self, manifest: Manifest) -> bool:
        """By its checksum, which is reckoned again only when the file was touched."""
        file, memo = self.dump_of(manifest.name), self._of(manifest.name, "seen")
        try:
            about = file.stat()
            seen = self._seen(memo)
            if seen is None or (seen.size, seen.mtime) != (about.st_size, about.st_mtime_ns):
                seen = _Seen(size=about.st_size, mtime=about.st_mtime_ns, sha256=checksum(file))
                with suppress(OSError):  # then it is reckoned again the next time
                    self.files.replace(memo, msgspec.json.encode(seen))
        except OSError:
            return False
        return seen.sha256 == manifest.sha256 and seen.size == manifest.size

    def _seen(self, memo: Path) -> _Seen | None:
        with suppress(OSError, *_UNREADABLE):
            return msgspec.json.decode(memo.read_bytes(), type=_Seen)
        return None

    def _tidy(self) -> None:
        """Take away what was left by whoever was killed at it: parts, dumps without a manifest, scratch servers."""
        known = {each.name for each in self.all()}
        for file in [*self.folder.glob("*.part"), *self.folder.glob(".*.pgpass")]:
            file.unlink(missing_ok=True)
        for file in self.folder.glob("*.dump"):
            if file.stem not in known:
                file.unlink(missing_ok=True)
        for left in self.folder.glob("scratch-*"):
            _, _, owner = left.name.partition("-")
            pid, _, born = owner.partition("-")
            if not pid.isdigit() or birth(int(pid)) != born.rpartition("-")[0]:
                EmbeddedPostgres(left).remove()
                shutil.rmtree(left, ignore_errors=True)


def _require_bytes(manifest: Manifest, file: Path) -> None:
    if not file.exists() or checksum(file) != manifest.sha256:
        raise Inconsistent(f"backup {manifest.name}: its bytes are not those that were written")


def _require_same(manifest: Manifest, conninfo: str) -> None:
    """`Inconsistent` names everything in which the restored rows differ from what the manifest tells."""
    settings = patient(StoreSettings(schema=manifest.mode))
    with Database.connect(conninfo, role=Role.READER, settings=settings) as db, db.snapshot():
        wrong = [*differences(manifest.contents, contents(db))]
        wrong += broken_chains(db, manifest.contents.heads)
    if wrong:
        raise Inconsistent(f"backup {manifest.name}, restored: " + "; ".join(wrong))


def expired(manifests: Sequence[Manifest]) -> tuple[str, ...]:
    """Which of `manifests` (newest first) need not be kept: those beyond `KEPT` of a schema, but for its last
    verified one."""
    gone: list[str] = []
    for mode in {each.mode for each in manifests}:
        mine = [each for each in manifests if each.mode == mode]
        verified = next((each.name for each in mine if each.verified_at is not None), None)
        gone += [each.name for each in mine[KEPT:] if each.name != verified]
    return tuple(sorted(gone))


def _heads(held: Contents, account_id: str) -> dict[str, ChainHead]:
    return named_heads(held.heads.get(account_id, {}) if account_id else {}, held.heads.get("", {}))


def checksum(file: Path) -> str:
    """SHA-256 (hex) of the file; `OSError`."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _flush(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _workshop(folder: Path) -> Iterator[str]:
    """The way to an empty database on a server of its own, gone with its folder when the block ends."""
    me = os.getpid()
    place = folder / f"scratch-{me}-{birth(me)}-{secrets.token_hex(4)}"
    try:
        with scratch(place) as copies:
            yield copies.server
    finally:
        shutil.rmtree(place, ignore_errors=True)


def newest(kept: Sequence[Kept]) -> Iterator[Kept]:
    """The newest of each schema among `kept` (newest first)."""
    seen: set[str] = set()
    for each in kept:
        if each.manifest.mode not in seen:
            seen.add(each.manifest.mode)
            yield each
