"""No input may take for ever, and none may take all memory."""

import ctypes
import gc
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil  # type: ignore[import-untyped]

SECONDS = 2.0
"""Of the processor, for one input; ten times that for the laws at a block's end."""

_WALL = 15
"""A sleeping input gets so many times as much of the wall's time: the machine may be busy."""

_AGAIN = 0.5
"""Seconds between alarms until one is heard: Python drops what is raised inside a callback of its own."""

_ROOM = 3 * 2**30
"""Bytes beyond what the process has mapped at first: a bomb ends as a MemoryError, not with the machine."""


class Hung(BaseException):
    """An input took too long. No Exception, so that nothing under test can swallow it."""


def _ring(number: int, _frame: object) -> None:
    raise Hung("waited too long" if number == signal.SIGALRM else f"more than {SECONDS} s of the processor")


@contextmanager
def watched(*, long: bool = False) -> Iterator[None]:
    """`Hung` out of what is done here too slowly; in the main thread only."""
    limit = SECONDS * (10 if long else 1)
    signal.setitimer(signal.ITIMER_PROF, limit, _AGAIN)
    signal.setitimer(signal.ITIMER_REAL, limit * _WALL, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def alarmed() -> Iterator[None]:
    """The alarms of `watched` are set up, and what was there before is not cleaned up at an input's expense."""
    gc.collect()
    gc.freeze()
    before = {number: signal.signal(number, _ring) for number in (signal.SIGPROF, signal.SIGALRM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        gc.unfreeze()


def fence_memory() -> None:
    """Give this process no more than `_ROOM` beyond what it has."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = psutil.Process().memory_info().vms + _ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))


def resident() -> int:
    """Bytes that this process holds in memory, after a clean-up; free memory that glibc keeps is given back first."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return int(psutil.Process().memory_info().rss)
