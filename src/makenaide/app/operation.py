"""Whether the system was started here: its named state, and the processes that it is made of.

All of it is in files of the data folder, none in the database that start and stop power up and down:
operation.json (the state, by the last plan), workers/<name>.json (the process that does that work).
"""

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from makenaide.app.client import UNREADABLE, write_private
from makenaide.app.detached import Living, this_process
from makenaide.monitoring.measures import Name, Registry
from makenaide.store.home import file_faults
from makenaide.store.processes import seconds_alive

SILENT_SECONDS = 60.0
"""A worker that gives signs of life and gave none for so long hangs."""


class State(StrEnum):
    """The state that the last plan left; FAILED names its step beside it."""

    STOPPED = "stopped"
    STARTING = "starting"
    STARTED = "started"
    STOPPING = "stopping"
    FAILED = "failed"


class Worker(StrEnum):
    """The processes that the system is made of at home."""

    TRADER = "trader"
    GUARD = "guard"
    STEWARD = "steward"
    """Keeps the schedule: lists of checks, backups, messages; and starts the trader again when it died."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """What the last plan left. `arguments` are the trader's (`makenaide run ...`), `account` what it trades on."""

    state: State
    at: datetime
    plan: str = ""
    step: str | None = None
    cause: str = ""
    account: str | None = None
    arguments: tuple[str, ...] = ()

    @property
    def supervised(self) -> bool:
        """Whether a trader that died is to be started again: not while a start is under way, nor once a stop began.

        A start that failed has ended what it began itself; what was there before it goes on, and is looked after.
        """
        failed_start = self.state is State.FAILED and (self.step or "").startswith("S")
        return self.state is State.STARTED or failed_start


class Process(Living, frozen=True, kw_only=True):
    """A worker's process; `code` is the hash of the source that it runs."""

    account: str
    at: datetime
    version: str
    code: str


def note_start(measures: Registry, worker: Worker) -> None:
    """This process can do the work of `worker` from now on: count its start, and how long it took (M8, G1)."""
    measures.expect(Name.START, str(worker))
    measures.expect(Name.CONNECT, "")  # a connection that lasts is no news, and none failed
    measures.note(Name.START, str(worker), seconds_alive())


def read_operation(home: Path) -> Operation | None:
    """What the last plan left in `home`; None when nothing was ever started (or the file makes no sense)."""
    try:
        return msgspec.json.decode((home / "operation.json").read_bytes(), type=Operation)
    except (OSError, *UNREADABLE):
        return None


def started(home: Path) -> bool:
    """Whether the last plan in `home` started the system, so that what was deployed then is what shall run."""
    operation = read_operation(home)
    return operation is not None and operation.state is State.STARTED


def write_operation(home: Path, operation: Operation) -> None:
    """Keep `operation`, whole or not at all; `DiskFull`, `Misconfigured`."""
    with file_faults(home):
        home.mkdir(parents=True, exist_ok=True)
        write_private(home / "operation.json", msgspec.json.format(msgspec.json.encode(operation)))


def enter(home: Path, worker: Worker, account: str, told: tuple[str, str]) -> None:
    """This process does the work of `worker` for `account`; `told` are its version and the hash of its source."""
    me, folder = this_process(), home / "workers"
    about = Process(pid=me.pid, born=me.born, account=account, at=datetime.now(UTC), version=told[0], code=told[1])
    with file_faults(home):
        folder.mkdir(parents=True, exist_ok=True)
        write_private(folder / f"{worker}.json", msgspec.json.encode(about))


def leave(home: Path, worker: Worker) -> None:
    """This process does the work no more, and that is right."""
    about = process_of(home, worker)
    if about is not None and about.pid == this_process().pid:
        (home / "workers" / f"{worker}.json").unlink(missing_ok=True)


def beat(home: Path, worker: Worker) -> None:
    """A sign of life of the process that does the work of `worker`: call it every few seconds."""
    with suppress(FileNotFoundError):  # it was told to end meanwhile
        os.utime(home / "workers" / f"{worker}.json")


def silent(home: Path, worker: Worker) -> bool:
    """Whether the last sign of life of `worker`, which gives them, is older than a minute."""
    try:
        age = time.time() - (home / "workers" / f"{worker}.json").stat().st_mtime
    except FileNotFoundError:
        return False
    return age > SILENT_SECONDS


def process_of(home: Path, worker: Worker) -> Process | None:
    """The process that does the work of `worker`, or did when it died; None when none ever did, or it was told to
    end."""
    try:
        return msgspec.json.decode((home / "workers" / f"{worker}.json").read_bytes(), type=Process)
    except (OSError, *UNREADABLE):
        return None
