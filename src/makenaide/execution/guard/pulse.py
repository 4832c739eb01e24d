"""The guard's heartbeat: a small file, written each second, by which others know that it watches, and what."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from makenaide.domain.clock import Clock
from makenaide.execution.disk import Files
from makenaide.execution.guard.guard import Ack, Guard

HEARTBEAT = "heartbeat.json"


class Beat(msgspec.Struct, frozen=True):
    """One heartbeat. `at` is wall time in UTC, `boot` seconds of a clock that runs on while the machine sleeps.

    `process` names the guard's process (number and start); `last` is the newest entry of its journal.
    """

    at: datetime
    boot: float
    process: str
    version: int
    digest: str
    stops: int
    last: int
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """Writes the heartbeat of this process into `folder`; a disk that refuses is no reason to stop guarding."""

    files: Files
    folder: Path
    clock: Clock
    boot: Callable[[], float]
    process: str

    def beat(self, guard: Guard) -> None:
        """Say what `guard` holds now."""
        ack = guard.reload()
        beat = Beat(
            at=self.clock.now(),
            boot=self.boot(),
            process=self.process,
            version=ack.version,
            digest=ack.digest,
            stops=len(guard.watched()),
            last=guard.journal.file.last,
            fault=ack.fault,
        )
        try:
            self.files.replace(self.folder / HEARTBEAT, msgspec.json.encode(beat))
        except OSError:
            return  # nobody hears of it, and so nobody buys: that is what a full disk should do


def keep_watch(guard: Guard, pulse: Pulse, stopping: Callable[[], bool]) -> None:
    """Guard until `stopping`, with a heartbeat at least each `beat_seconds`."""
    pause = timedelta(seconds=guard.parts.settings.beat_seconds)
    while not stopping():
        pulse.beat(guard)
        guard.until(guard.parts.clock.now() + pause, stopping)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLink:
    """How another process hears of the guard: by its heartbeat, as long as it is fresh."""

    files: Files
    folder: Path
    boot: Callable[[], float]
    silent_seconds: float

    def beat(self) -> Beat | None:
        """The last heartbeat, however old; None when there is none that can be read."""
        try:
            content = self.files.read(self.folder / HEARTBEAT)
            return None if content is None else msgspec.json.decode(content, type=Beat)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def age(self, beat: Beat) -> float:
        """Seconds since `beat`; infinity for one of another life of the machine."""
        age = self.boot() - beat.boot
        return age if age >= 0 else float("inf")

    def ack(self) -> Ack | None:
        """What the guard holds; None when it has been silent for too long."""
        beat = self.beat()
        if beat is None or self.age(beat) > self.silent_seconds:
            return None
        return Ack(version=beat.version, digest=beat.digest, fault=beat.fault)
