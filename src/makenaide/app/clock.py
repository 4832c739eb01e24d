"""The wall clock, the clock since boot, and the flag that a signal raises."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


class StopFlag:
    """Raised by SIGTERM or SIGINT; sleeping on it ends at once when it is."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def raise_(self) -> None:
        """Ask everybody to stop."""
        self._event.set()

    def __call__(self) -> bool:
        """Whether somebody asked."""
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or as soon as the flag is raised."""
        self._event.wait(seconds)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """While inside, SIGTERM and SIGINT raise the flag instead of ending the process."""
        before = {each: signal.signal(each, self._handle) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _handle(self, number: int, frame: object) -> None:  # noqa: ARG002 - the shape that signal asks for
        self.raise_()


class WallClock:
    """The machine's clock in UTC; a sleep ends early when the flag is raised."""

    def __init__(self, flag: StopFlag) -> None:
        self._flag = flag

    def now(self) -> datetime:
        """The present."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Return `seconds` later, or at once when asked to stop."""
        if seconds > 0:
            self._flag.wait(seconds)


def boot_seconds() -> float:
    """Seconds since the machine was started, suspended ones included; the same for every process, set by nobody.

    Where the system has no such clock (macOS), its monotonic one, which every process shares too.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
