"""A warm process that forks one child for each run of tests: the rooms and the tests are imported in the child.

A child has imported nothing of ours, so that a mutant is everywhere in it, at module level too; what is slow to
import and never mutated comes from the parent. Whatever a child leaves behind is ended before the next.
"""

import contextlib
import ctypes
import importlib
import io
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import NamedTuple

import coverage
import psutil  # type: ignore[import-untyped]
import pytest

from tests.mutants.plugin import Guide, OneDatabase, OneServer

WARM = (
    "hypothesis numpy psycopg psycopg.types.json msgspec websockets websockets.sync.client urllib3 uvicorn click "
    "rich httptools platformdirs asyncio sqlite3 zoneinfo multiprocessing.pool"
).split()
MEMORY = 6 * 2**30
"""Address space of a child: a mutant that grows for ever ends before the machine does."""

Work = Callable[[Connection], None]
_BROKEN = 70
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_QUIET = ["-q", "--no-header", "--tb=no", "--show-capture=no", "-p", "no:cacheprovider", "-p", "no:randomly"]
_QUIET += [
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
]  # hypothesis is imported before pytest could rewrite it


class Told(NamedTuple):
    """How a run ended: pytest's exit code (negative: the signal; None: out of time), the first failure, the words."""

    code: int | None
    failed: str
    seconds: dict[str, float]
    bad: frozenset[str]
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """All tests of these files, none longer than `slowest` seconds; the lines of these rooms, into `data`."""

    files: tuple[str, ...]
    rooms: tuple[str, ...]
    data: Path
    slowest: float
    limit: float = 3600.0


@dataclass(slots=True, kw_only=True)
class Nursery:
    """Runs tests of the tree in `tree`, in forks of this process, with the server at `conninfo` if there is one."""

    tree: Path
    temporary: Path
    conninfo: str = ""
    warm: bool = field(default=False, init=False)

    def warm_up(self) -> None:
        """Import what every child would; adopt the orphans of children, where the system can do that."""
        os.environ["PYTHONPATH"] = os.pathsep.join([str(self.tree / "src"), str(self.tree)])
        os.environ["TMPDIR"] = str(self.temporary)
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # a process that is forked has no threads
        sys.dont_write_bytecode = True
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
        for name in WARM:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        self.warm = True

    def run(self, tests: Sequence[str], limit: float) -> Told:
        """Run the tests, in this order, until one fails; not longer than `limit` seconds."""
        return self._forked(lambda pipe: self._tested(tests, pipe), limit)

    def measure(self, task: Measure) -> Told:
        """Run all tests of the task's files, and write down which lines of its rooms each of them runs."""
        return self._forked(lambda pipe: self._measured(task, pipe), task.limit)

    def _forked(self, work: Work, limit: float) -> Told:
        ours, theirs = Pipe(duplex=False)
        child = os.fork()
        if child == 0:
            ours.close()
            self._become(work, theirs)
        theirs.close()
        try:
            told = _heard(ours, limit)
        finally:
            ours.close()
            _end(child)
        return told

    def _become(self, work: Work, pipe: Connection) -> None:
        """The child's whole life; its outcome is what it says, so nothing that it raises may reach the parent."""
        try:
            os.setpgid(0, 0)
            os.chdir(self.tree)
            sys.path[:0] = [str(self.tree), str(self.tree / "src")]
            for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "makenaide")]:
                del sys.modules[name]
            work(pipe)
        except BaseException:  # noqa: BLE001 - the door of a process
            pipe.send((_BROKEN, "", {}, frozenset(), traceback.format_exc()))
        finally:
            os._exit(0)

    def _tested(self, tests: Sequence[str], pipe: Connection) -> None:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        files = list(dict.fromkeys(nodeid.partition("::")[0] for nodeid in tests))
        self._pytest(["-x", *files], Guide(tests=tests), pipe)

    def _measured(self, task: Measure, pipe: Connection) -> None:
        sources = tuple(f"makenaide.{room}" for room in task.rooms)
        measure = coverage.Coverage(
            data_file=str(task.data), source_pkgs=list(sources), config_file=False, branch=False
        )
        measure.set_option("run:disable_warnings", ["module-not-imported", "no-data-collected"])
        measure.start()
        try:
            self._pytest(task.files, Guide(coverage=measure, slowest=task.slowest, rooms=sources), pipe)
        finally:
            measure.stop()
            measure.save()

    def _pytest(self, arguments: Sequence[str], guide: Guide, pipe: Connection) -> None:
        database = [OneDatabase(OneServer(self.conninfo))] if self.conninfo else []
        words = io.StringIO()
        base = ["--basetemp", str(self.temporary / f"t{os.getpid()}")]
        with contextlib.redirect_stdout(words), contextlib.redirect_stderr(words):
            code = pytest.main([*_QUIET, *base, *arguments], plugins=[guide, *database])
        # A plain tuple: the child has forgotten this module, so that `Told` is not what pickle finds under its name.
        pipe.send((int(code), guide.failed, guide.seconds, frozenset(guide.bad), words.getvalue()[-4000:]))


def _heard(pipe: Connection, limit: float) -> Told:
    deadline, session = time.monotonic() + limit, os.getppid()
    while (left := deadline - time.monotonic()) > 0:
        if pipe.poll(min(left, 1.0)):
            try:
                return Told(*pipe.recv())
            except (EOFError, OSError):
                return Told(-signal.SIGKILL, "", {}, frozenset(), "the run ended without a word")
        if os.getppid() != session:
            raise EOFError("the session is gone")
    return Told(None, "", {}, frozenset())


def _end(child: int) -> None:
    """End `child` and everything that came from it."""
    for process in [*_offspring(), *_offspring()]:
        with contextlib.suppress(psutil.Error):
            process.kill()
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _offspring() -> Iterator[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        yield from psutil.Process().children(recursive=True)
