"""Processes of ours that outlive whoever starts them: nobody's children, in sessions of their own."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from makenaide.store.processes import birth

_DETACH = 'out=$1 err=$2; shift 2; "$@" </dev/null >"$out" 2>>"$err" & echo $!'
"""Through a shell the process becomes nobody's child: it outlives us, and the system reaps it when it dies."""
_PAUSE = 0.005
_LOG_LIMIT = 1_000_000
_LAST_WORDS = 2000


class Living(msgspec.Struct, frozen=True, kw_only=True):
    """A process by its number and its start: the system gives numbers of dead ones to new ones."""

    pid: int
    born: str

    @property
    def alive(self) -> bool:
        """Whether that very process lives."""
        return self.pid > 0 and birth(self.pid) == self.born


def this_process() -> Living:
    """The one that asks."""
    pid = os.getpid()
    return Living(pid=pid, born=birth(pid) or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Detached:
    """A process that was started; `out` holds its stdout, `err` its stderr and that of its predecessors."""

    pid: int
    out: Path
    err: Path

    @property
    def alive(self) -> bool:
        """Whether it lives."""
        return birth(self.pid) is not None

    def first_line(self, patience: float) -> bytes:
        """Its first line on stdout; what it said instead when it died before, or said none in `patience` s."""
        deadline = time.monotonic() + patience
        while True:
            alive = self.alive
            said = self.out.read_bytes()
            if b"\n" in said or not alive or time.monotonic() > deadline:
                return said.partition(b"\n")[0]
            time.sleep(_PAUSE)

    def last_words(self) -> str:
        """The last line that it (or a predecessor) wrote on stderr."""
        with self.err.open("rb") as file:
            file.seek(max(0, self.err.stat().st_size - _LAST_WORDS))
            lines = file.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def detach(command: Sequence[str], folder: Path, name: str, more: Mapping[str, str] | None = None) -> Detached:
    """Start `command`; what it says goes to `name`.out (anew) and `name`.err (appended to) in `folder`.

    It gets this process's environment with the variables of `more`, and none of its terminal. Nothing secret may be
    in `command`, which the whole machine can read. `OSError` where the system refuses.
    """
    out, err = folder / f"{name}.out", folder / f"{name}.err"
    if err.exists() and err.stat().st_size > _LOG_LIMIT:
        err.replace(err.with_suffix(".err.1"))
    shell = ["/bin/sh", "-c", _DETACH, "sh", str(out), str(err), *command]
    # No pipe of ours may stay open in it: the shell alone writes to stdout before the redirection.
    done = subprocess.run(
        shell,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
        start_new_session=True,
        umask=0o077,
        env={**os.environ, **(more or {})},
    )
    return Detached(pid=int(done.stdout), out=out, err=err)


def end(process: Living, patience: float, *, kill: bool = True) -> bool:
    """Ask `process` to end (SIGTERM), and after `patience` seconds kill it, if `kill`; whether it went by itself."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0))[: 1 + kill]:
        if not process.alive:
            return number is signal.SIGTERM
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return number is signal.SIGTERM
        if until(lambda: not process.alive, seconds):
            return number is signal.SIGTERM
    return False


def until(condition: Callable[[], bool], patience: float) -> bool:
    """Whether `condition` came true within `patience` seconds."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True
