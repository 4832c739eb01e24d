"""The guard's sign of life, and how another process hears by it what the guard holds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from makenaide.domain.clock import Clock
from makenaide.execution.disk import Files
from makenaide.execution.guard.guard import Ack, Guard
from makenaide.execution.heartbeat import Heartbeat, read_heartbeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """Writes the heartbeat of process `pid`, started at `born`; a disk that refuses is no reason to stop guarding."""

    files: Files
    path: Path
    clock: Clock
    boot: Callable[[], float]
    pid: int
    born: str

    def beat(self, guard: Guard) -> None:
        """Say what `guard` holds now."""
        ack = guard.reload()
        beat = Heartbeat(
            at=self.clock.now(),
            boot=self.boot(),
            pid=self.pid,
            born=self.born,
            version=ack.version,
            digest=ack.digest,
            stops=len(guard.watched()),
            last=guard.journal.file.last,
            fault=ack.fault,
        )
        try:
            self.files.replace(self.path, beat.encoded())
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
    """How another process hears of the guard: by its heartbeat in `path`, as long as it is fresh."""

    files: Files
    path: Path
    boot: Callable[[], float]
    silent_seconds: float

    def ack(self) -> Ack | None:
        """What the guard holds; None when it has been silent for too long."""
        beat = read_heartbeat(self.files, self.path)
        age = None if beat is None else beat.age(self.boot())
        if beat is None or age is None or age > self.silent_seconds:
            return None
        return Ack(version=beat.version, digest=beat.digest, fault=beat.fault)
