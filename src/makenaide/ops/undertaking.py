"""One slot of a job under way in this process: its claim, its mark on the disk, its attempts, its end."""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime

from makenaide.ops.attempt import DONE, FAILED, Attempt, Body, Ended, Failed, Spawn, failed
from makenaide.ops.markers import Marker, Markers
from makenaide.ops.timetable import Job
from makenaide.store.jobs import Claim

log = logging.getLogger(__name__)

PAUSE_SECONDS = 60.0
"""Between a failed attempt and the other one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a slot is done with: the marks of this machine, a way to run beside the loop, who hears of bad ends."""

    markers: Markers
    spawn: Spawn
    failed: Failed | None = None

    def tell(self, name: str, slot: datetime, ended: Ended) -> None:
        """Tell of a slot that came to no good end, beside the loop: telling may take its time."""
        failed = self.failed
        if failed is not None and ended.outcome != DONE:
            self.spawn(f"tell-{name}", lambda: failed(name, slot, ended))


def told_of(markers: Markers, mark: str) -> Ended | None:
    """What somebody on this machine came to, though nobody else may know of it."""
    try:
        told = markers.told(mark)
    except OSError:
        return None
    return None if told is None else Ended(outcome=told["outcome"], detail=told["detail"])


class Undertaking:
    """One slot. The loop calls everything; only the attempt itself runs beside it.

    `claim` is None where it is done while the database is away.
    """

    def __init__(self, task: tuple[Job, datetime, Body], mark: str, tools: Tools, claim: Claim | None) -> None:
        self.job, self.slot, self._body = task
        self.claim = claim
        self.began = 0.0
        self.extend_at = 0.0
        self._mark = mark
        self._tools = tools
        self._lock = threading.Lock()
        self._marker: Marker | None = None
        self._attempt: Attempt | None = None
        self._running = self._released = False
        self._tries = 0
        self._again_at: float | None = None
        self._ended: Ended | None = None

    @property
    def begun(self) -> bool:
        """Whether it is ours alone on this machine, and begun (or was done before)."""
        return self._attempt is not None or self._ended is not None

    def proceed(self, steady: float, *, timely: bool) -> Ended | None:
        """Begin, try again, or see how it ended; None while it is under way. `timely`: a further try makes sense."""
        if self._ended is None and self._attempt is None:
            self._begin(steady)
        if self._ended is None and self._attempt is not None:
            self._look(self._attempt, steady, timely=timely)
        return self._ended

    def release(self) -> None:
        """Let go of the mark; an attempt that is still under way keeps it until it is over."""
        with self._lock:
            self._released = True
            if not self._running:
                self._drop()

    def _begin(self, steady: float) -> None:
        self.began = steady
        try:
            self._marker = self._tools.markers.take(self._mark)
            if self._marker is None:
                return  # another process of this machine is at it: its end is waited for
        except OSError as cause:
            log.warning("no mark", extra={"action": "job.unmarked", "job": self.job.name, "cause": str(cause)})
        told = None if self._marker is None else self._marker.told
        if told is not None:
            self._ended = Ended(outcome=told["outcome"], detail=told["detail"])
        else:
            self._try(steady)

    def _try(self, steady: float) -> None:
        self.began, self._again_at = steady, None
        self._tries += 1
        self._running = True
        attempt = self._attempt = Attempt(self._body, self.slot)

        def run() -> None:
            try:
                attempt.run()
            finally:
                with self._lock:
                    self._running = False
                    if self._released:
                        self._leave(attempt)

        self._tools.spawn(f"job-{self.job.name}", run)

    def _look(self, attempt: Attempt, steady: float, *, timely: bool) -> None:
        ended = attempt.ended
        if ended is None:
            if steady - self.began > self.job.deadline.total_seconds():
                self._end(failed(f"no end within {self.job.deadline.total_seconds():g} s"))
        elif ended.outcome == FAILED and self.job.again and self._tries == 1 and timely:
            if self._again_at is None:
                self._again_at = steady + PAUSE_SECONDS
                about = {"job": self.job.name, "cause": ended.detail.get("cause")}
                log.warning("once more", extra={"action": "job.again", **about})
            elif steady >= self._again_at:
                self._try(steady)
        else:
            self._end(ended)

    def _end(self, ended: Ended) -> None:
        """First on the disk: whoever takes the slot over from here on does not do it again."""
        self._ended = ended
        self._tell(ended)

    def _tell(self, ended: Ended) -> None:
        if self._marker is None:
            return
        try:
            self._marker.tell({"outcome": ended.outcome, "detail": ended.detail})
        except OSError as cause:
            log.warning("no mark", extra={"action": "job.unmarked", "job": self.job.name, "cause": str(cause)})

    def _leave(self, attempt: Attempt) -> None:
        """The slot was taken over while the attempt went on: what it did all the same is not to be done again."""
        if self._ended is None and attempt.ended is not None and attempt.ended.outcome == DONE:
            self._tell(attempt.ended)
        self._drop()

    def _drop(self) -> None:
        if self._marker is not None:
            self._marker.drop()
