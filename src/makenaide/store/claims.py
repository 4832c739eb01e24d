"""Who uses a shared process: one file a user, named by process and its start, so that a dead one counts not.

The embedded database and the venue process of a wall-clock account live for as long as somebody claims them. A user
that was killed leaves its file behind; whoever looks next sees that no such process lives and takes it away.
"""

import errno
import itertools
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from makenaide.domain.errors import MakenaideError
from makenaide.store.processes import birth

if sys.platform != "win32":
    import fcntl

_PAUSE = 0.005
_BUSY = (errno.EACCES, errno.EAGAIN)
_number = itertools.count(1)


class Claim:
    """This process's claim on what `folder` counts the users of; two in one process are two claims."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = os.getpid()
        self._path = folder / f"{self._owner}-{birth(self._owner)}-{next(_number)}"

    def take(self) -> None:
        """Claim; taking twice is one claim."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._path.touch(mode=0o600)

    def drop(self) -> bool:
        """Give the claim back; whether nobody else's is left. A forked child has nothing to give back."""
        if self._owner != os.getpid():
            return False
        self._path.unlink(missing_ok=True)
        return not self.others()

    def others(self) -> tuple[str, ...]:
        """The claims of other living users; files of dead ones are taken away."""
        return tuple(name for name in claims(self._folder) if name != self._path.name)


def claims(folder: Path) -> tuple[str, ...]:
    """The claims of living users; files of dead ones are taken away."""
    if not folder.is_dir():
        return ()
    living = []
    for path in folder.iterdir():
        pid, _, rest = path.name.partition("-")
        started = rest.rpartition("-")[0]
        if pid.isdigit() and birth(int(pid)) == started:
            living.append(path.name)
        else:
            path.unlink(missing_ok=True)
    return tuple(living)


@contextmanager
def exclusive(path: Path, patience: float, busy: MakenaideError) -> Iterator[None]:
    """Hold the lock file `path`; raises `busy` when others hold it for longer than `patience` seconds.

    The system frees it when its holder dies, however it dies.
    """
    deadline = time.monotonic() + patience
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _locked(file):
            if time.monotonic() > deadline:
                raise busy
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        if fault.errno not in _BUSY:
            raise
        return False
    return True
