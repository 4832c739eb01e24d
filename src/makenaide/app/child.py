"""The simulator of a stepped run, beside the process that trades: started, told apart, and stopped with it.

On the wall clock the venue is `resident`: there it must outlive the trader.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from makenaide.app.announcement import Announcement, fault_of
from makenaide.app.world import World
from makenaide.domain.errors import DiskFull, InUse, MakenaideError, Unavailable
from makenaide.exchange.http import Interrupted, NotConnected, Request, Response, Transport
from makenaide.exchange.simulator.rest.face import DISK_FULL
from makenaide.store.home import file_faults

_START_SECONDS = 120.0
_STOP_SECONDS = 10.0
_DEATH_SECONDS = 0.5
"""A dying process closes its sockets a moment before it can be seen to be dead."""
_TAKEOVER_SECONDS = 10.0
"""How long a new simulator waits for one whose trader was killed to let go of the command log."""


class SimulatorGone(MakenaideError):
    """The simulator's process has ended: the same command starts it again and goes on from here.

    Deliberately not `Unavailable`: nobody may wait for it, or take its silence for a closed market.
    """

    exit_code = Unavailable.exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Attended:
    """The transport to a simulator of our own: a failed request of a dead one is `SimulatorGone`."""

    transport: Transport
    process: subprocess.Popen[bytes]

    def send(self, request: Request) -> Response:
        """As the transport; `SimulatorGone` when the process does not live any more, `DiskFull` when it says so."""
        try:
            response = self.transport.send(request)
        except (NotConnected, Interrupted) as cause:
            try:
                code = self.process.wait(_DEATH_SECONDS)
            except subprocess.TimeoutExpired:
                raise cause from None
            raise SimulatorGone(
                f"the simulator ended by itself (exit code {code}): the same command starts it again and goes on"
            ) from cause
        if response.status == DISK_FULL:
            raise DiskFull(f"{request.method} {request.path}: {response.body.decode(errors='replace')}")
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulator:
    """A simulator that runs: where it is, and its process."""

    url: str
    process: subprocess.Popen[bytes]

    def attended(self, transport: Transport) -> Transport:
        """`transport`, which leads there, with an eye on the process."""
        return Attended(transport=transport, process=self.process)


@contextmanager
def simulator(world: World) -> Iterator[Simulator]:
    """Run a simulator of `world`. It ends with the block, and with this process, however it ends.

    Raises the child's own fault (bad candles, a full disk ...) under its own class.
    """
    process, said = _started(world)
    try:
        yield Simulator(url=said.url, process=process)
    finally:
        _stop(process)


def _started(world: World) -> tuple[subprocess.Popen[bytes], Announcement]:
    deadline = time.monotonic() + _TAKEOVER_SECONDS
    while True:
        process = _spawn(world)
        said = _announcement(process)
        if not said.error:
            return process, said
        _stop(process)
        fault = fault_of(said)
        if not isinstance(fault, InUse) or time.monotonic() > deadline:
            raise fault
        time.sleep(0.1)


def _spawn(world: World) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "makenaide", "exchange", "simulate", "--json", "--world", str(world.file)]
    folder = Path(world.folder)
    with file_faults(folder), (folder / "simulator.err").open("ab") as stderr:
        # A session of its own: Ctrl-C reaches the trader, which then stops the simulator when it needs it no more.
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
        )


def _announcement(process: subprocess.Popen[bytes]) -> Announcement:
    assert process.stdout is not None  # noqa: S101 - asked for above
    ready, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
    line = process.stdout.readline() if ready else b""
    try:
        return msgspec.json.decode(line, type=Announcement)
    except msgspec.MsgspecError:
        _stop(process)
        return Announcement(error=f"the simulator did not start (exit code {process.returncode})", code=11)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
