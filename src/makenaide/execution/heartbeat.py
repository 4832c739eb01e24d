"""The guard's sign of life: a small file that it writes anew each second, and how old it may grow.

Whoever buys, watches over the guard or shows how it stands reads this one file; no database is asked. Ages are taken
on the machine's clock since boot, which nobody sets and which counts a suspended machine's time too.
"""

from datetime import datetime
from pathlib import Path

import msgspec

from makenaide.execution.disk import Files

FRESH_SECONDS = 5.0
"""A guard that was silent for longer keeps everybody from buying (docs/why/0003-order-protocol.md, point 8)."""

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """What the guard says of itself: the time (UTC), seconds since boot, its process and that process's start.

    `version` and `digest` are of the stops file that it watches: 0 and "" before it has read any; `stops` is how many
    positions that are, `last` the newest entry of its journal, `fault` what is wrong with its files (None: nothing).
    """

    at: datetime
    boot: float
    pid: int
    born: str
    version: int = 0
    digest: str = ""
    stops: int = 0
    last: int = 0
    fault: str | None = None

    def encoded(self) -> bytes:
        """The file's content."""
        return msgspec.json.encode(self)

    def age(self, boot: float) -> float | None:
        """Seconds since it was written, at `boot` seconds since boot; None when that was before the last boot."""
        return boot - self.boot if boot >= self.boot else None

    def fresh(self, boot: float) -> bool:
        """Whether it is not older than `FRESH_SECONDS`."""
        age = self.age(boot)
        return age is not None and age <= FRESH_SECONDS


def read_heartbeat(files: Files, path: Path) -> Heartbeat | None:
    """The heartbeat in `path`; None when there is none, or none that can be read: doubt is silence."""
    try:
        content = files.read(path)
        return None if content is None else msgspec.json.decode(content, type=Heartbeat)
    except (OSError, *_UNREADABLE):
        return None
