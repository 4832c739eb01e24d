"""What the tests of the stream share: a clock driven by hand, and sockets that play a script and keep notes."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from makenaide.exchange.http import Response
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.limiter import Limiter, LimiterSettings
from makenaide.exchange.upbit.stream.connection import Closed, Refused
from makenaide.exchange.upbit.stream.latest import Latest
from makenaide.exchange.upbit.stream.news import Event, News
from makenaide.exchange.upbit.stream.session import StreamParts
from makenaide.exchange.upbit.stream.settings import StreamSettings
from makenaide.exchange.upbit.stream.stream import Stream

START = datetime(2026, 1, 5, tzinfo=UTC)
KEYS = Keys(access="access-of-the-tests", secret="s" * 64)
END = Closed("closed 1006")

Line = tuple[float, bytes | str | Exception | Callable[[], None]]
"""Seconds after the connection opened, and what comes then; a callable is something that happens on our side."""


def turned_away(status: int, body: bytes = b"", **headers: str) -> Refused:
    """An upgrade that is answered with `status`; header names with "_" for "-"."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Refused(Response(status=status, headers=named, body=body))


class HandClock:
    """Wall and monotonic clock in one; moves only when somebody sleeps or reads."""

    def __init__(self) -> None:
        self.mark = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.mark - 1000)

    def monotonic(self) -> float:
        return self.mark

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.mark += max(0.0, seconds)

    @property
    def seconds(self) -> float:
        """Since the test began."""
        return round(self.mark - 1000, 6)


@dataclass
class ScriptedSocket:
    """Plays its `lines`, then is silent. `pongs`: whether pings are answered."""

    clock: HandClock
    lines: Sequence[Line] = ()
    pongs: bool = True
    sent: list[tuple[float, str]] = field(default_factory=list)
    pings: list[float] = field(default_factory=list)
    closed: bool = False
    opened: float = 0.0
    upgrade: Response = field(default_factory=lambda: Response(status=101, headers={}, body=b""))
    _next: int = 0

    def send(self, text: str) -> None:
        self.sent.append((self.clock.seconds, text))

    def receive(self, timeout: float) -> bytes | None:
        limit = self.clock.mark + timeout
        while self._next < len(self.lines):
            due = self.opened + self.lines[self._next][0]
            if due > limit:
                break
            self.clock.mark = max(self.clock.mark, due)
            step = self.lines[self._next][1]
            self._next += 1
            if isinstance(step, Exception):
                raise step
            if not callable(step):
                return step.encode() if isinstance(step, str) else step
            step()
        self.clock.mark = limit
        return None

    def ping(self) -> Callable[[], bool]:
        self.pings.append(self.clock.seconds)
        return lambda: self.pongs

    def close(self) -> None:
        self.closed = True


@dataclass
class Stage:
    """A stream whose connections are the given sockets, one after the other; the last word is `end` seconds."""

    sockets: Sequence[ScriptedSocket | Exception]
    clock: HandClock
    settings: StreamSettings = field(default_factory=StreamSettings)
    end: float = 60.0
    keys: Keys | None = KEYS
    limited: LimiterSettings | None = None
    opened: list[tuple[float, str, Mapping[str, str]]] = field(default_factory=list)
    latest: Latest = field(default_factory=Latest)
    news: News = field(default_factory=News)
    seed: int = 1

    def __post_init__(self) -> None:
        numbers = count(1)
        self.stream = Stream(
            StreamParts(
                opener=self._open,
                clock=self.clock,
                monotonic=self.clock.monotonic,
                rng=random.Random(self.seed),
                ids=lambda: f"id-{next(numbers)}",
                stopping=lambda: self.clock.seconds >= self.end,
                latest=self.latest,
                news=self.news,
                keys=self.keys,
                limiter=Limiter(self.limited, self.clock, random.Random(self.seed)) if self.limited else None,
                settings=self.settings,
            )
        )

    def _open(self, path: str, headers: Mapping[str, str]) -> ScriptedSocket:
        number = len(self.opened)
        self.opened.append((self.clock.seconds, path, headers))
        step = self.sockets[min(number, len(self.sockets) - 1)]
        if isinstance(step, Exception):
            raise step
        step.opened = self.clock.mark
        return step

    def events(self) -> list[Event]:
        """Everything in the news so far."""
        found = []
        while (event := self.news.take()) is not None:
            found.append(event)
        return found
