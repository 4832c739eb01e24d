"""What a guard does on duty. The one place that says which guard runs in the guard's process."""

from collections.abc import Callable
from typing import Protocol

from makenaide.app.client import write_private
from makenaide.app.clock import boot_seconds
from makenaide.app.detached import this_process
from makenaide.app.eyes import GuardParts
from makenaide.execution.heartbeat import Heartbeat

_BEAT_SECONDS = 1.0


class Guard(Protocol):
    """Watches and sells."""

    def run(self, stopping: Callable[[], bool]) -> None:
        """Until `stopping` says so."""
        ...


class Sentry:
    """Shows that it lives, and sells nothing: stands here until the execution room's guard does."""

    def __init__(self, parts: GuardParts) -> None:
        self._parts = parts
        self._me = this_process()

    def run(self, stopping: Callable[[], bool]) -> None:
        """A heartbeat a second, until `stopping` says so."""
        while not stopping():
            beat = Heartbeat(at=self._parts.clock.now(), boot=boot_seconds(), pid=self._me.pid, born=self._me.born)
            write_private(self._parts.post.heartbeat_file, beat.encoded())
            self._parts.clock.sleep(_BEAT_SECONDS)


def duty(parts: GuardParts) -> Guard:
    """The guard for `parts`."""
    return Sentry(parts)
