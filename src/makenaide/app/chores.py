"""Small work that is done again and again, each in a thread of its own, whatever becomes of the others."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from makenaide.app.clock import StopFlag
from makenaide.ops.attempt import Caught

log = logging.getLogger(__name__)

_LONGEST_PAUSE = 30.0
_JOIN_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """`do` is called every `seconds`, and after failures less often, at least twice a minute."""

    name: str
    seconds: float
    do: Callable[[], object]

    def pause(self, failures: int) -> float:
        """Seconds until the next time, after so many failures in a row."""
        return max(self.seconds, min(self.seconds * 2.0 ** min(failures, 30), _LONGEST_PAUSE))


@contextmanager
def chores(todo: Sequence[Chore], flag: StopFlag) -> Iterator[None]:
    """Do all of `todo` until the block ends; what fails is logged when it begins to, and tried again."""
    over = threading.Event()
    threads = [
        threading.Thread(target=_again_and_again, args=(chore, flag, over), name=chore.name, daemon=True)
        for chore in todo
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(_JOIN_SECONDS)


def _again_and_again(chore: Chore, flag: StopFlag, over: threading.Event) -> None:
    failures = 0
    while not (flag() or over.is_set()):
        caught = Caught()
        with caught:
            chore.do()
        if caught.cause is None:
            failures = 0
        else:
            failures += 1
            if failures == 1:  # once for each time that it goes wrong, not for each try
                about = {"action": "chore.failed", "chore": chore.name, "cause": str(caught.cause)}
                log.warning("a chore failed", extra=about)
        over.wait(chore.pause(failures))
