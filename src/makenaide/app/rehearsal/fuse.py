"""The fuse: counts every effect of a process, and ends the process at the one that was chosen.

An effect is anything that outlives the process: a commit, a request that changes the venue, its reply, a file, a
frame that calls for action.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


class SimulatedCrash(BaseException):
    """The process is gone: nothing in it may catch this."""


class Runaway(AssertionError):
    """A process went on without end: its effects are beyond all measure."""


Burn = Callable[[str], None]
"""Told the name of each effect, before and after it; raises where the process dies."""

ORDER = "POST /v1/orders"
_MOST = 200_000


class Chooser(Protocol):
    """Says where a process dies."""

    def dies(self, number: int, name: str) -> bool:
        """Whether effect `number` (from 0), called `name`, is the last thing that the process does."""
        ...


@dataclass(frozen=True, slots=True)
class At:
    """Dies at effect `number`; never when that is None."""

    number: int | None = None

    def dies(self, number: int, name: str) -> bool:  # noqa: ARG002 - the shape of a chooser
        """As said."""
        return number == self.number


@dataclass(slots=True)
class Drawn:
    """Dies after a drawn number of effects; those around an order count tenfold, so that most deaths lie there."""

    rng: random.Random
    span: int
    hot: int = 8
    _left: float = field(init=False)
    _near: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._draw()

    def dies(self, number: int, name: str) -> bool:  # noqa: ARG002 - the shape of a chooser
        """Whether the drawn number is used up."""
        if name.endswith(ORDER):
            self._near = self.hot
        self._left -= 10 if self._near else 1
        self._near = max(0, self._near - 1)
        if self._left > 0:
            return False
        self._draw()
        return True

    def _draw(self) -> None:
        short = self.rng.random() < 0.3
        self._left = self.rng.uniform(1, 60 if short else self.span)


@dataclass(slots=True)
class Fuse:
    """Counts effects by name and raises `SimulatedCrash` at the one that `chooser` names."""

    chooser: Chooser = field(default_factory=At)
    clock: Callable[[], datetime] | None = None
    names: list[str] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    disarmed: bool = False

    def burn(self, name: str) -> None:
        """One more point at which the process can die."""
        number = len(self.names)
        if number >= _MOST:
            raise Runaway(f"{number} effects in one process, the last: {self.names[-5:]}")
        self.names.append(name)
        if self.clock is not None:
            self.times.append(self.clock())
        if not self.disarmed and self.chooser.dies(number, name):
            raise SimulatedCrash(f"{number}: {name}")

    def counts(self) -> Counter[str]:
        """How many effects of each kind: commit, request, reply, frame, file."""
        return Counter(kind_of(name) for name in self.names)


def kind_of(name: str) -> str:
    """The kind of an effect, from its name ("after POST /v1/orders" is a reply)."""
    when, _, what = name.partition(" ")
    if what in ("commit", "frame"):
        return what
    if what.startswith("file"):
        return "file"
    return "request" if when == "before" else "reply"
