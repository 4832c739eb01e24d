"""What the contract tests of the stream share: a listener on the wall clock and the network."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.stream.connection import WebSocketOpener
from makenaide.exchange.upbit.stream.latest import Latest
from makenaide.exchange.upbit.stream.news import Connected, Event, Lost, News
from makenaide.exchange.upbit.stream.session import StreamParts
from makenaide.exchange.upbit.stream.settings import SocketSettings, StreamSettings
from makenaide.exchange.upbit.stream.status import State
from makenaide.exchange.upbit.stream.stream import Stream

KEYS = Keys(access="access", secret="s" * 64)
QUICK = StreamSettings(stale=0.6, pong=0.3, ping=1, base=0.05, cap=0.1, spacing=0.2, settle=0.05, slice=0.05)


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))


@dataclass
class Listener:
    """A stream and what it delivers."""

    stream: Stream
    latest: Latest
    news: News
    events: list[Event] = field(default_factory=list)

    def until(self, true: Callable[[], bool], seconds: float = 5.0) -> None:
        """Collect events until `true`; fails after `seconds`."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, (self.events, self.stream.status())
            event = self.news.take(0.02)
            if event is not None:
                self.events.append(event)

    def lost(self) -> list[str]:
        return [event.reason for event in self.events if isinstance(event, Lost)]

    def connected(self) -> int:
        return sum(isinstance(event, Connected) for event in self.events)


def parts_for(url: str, latest: Latest, news: News, settings: StreamSettings, keys: Keys = KEYS) -> StreamParts:
    """The parts of a stream on the wall clock and the network."""
    numbers = count(1)
    return StreamParts(
        opener=WebSocketOpener(url, SocketSettings(connect=2, open=2)),
        clock=WallClock(),
        monotonic=time.monotonic,
        rng=random.Random(1),
        ids=lambda: f"id-{next(numbers)}",
        stopping=lambda: False,
        latest=latest,
        news=news,
        keys=keys,
        settings=settings,
    )


@contextmanager
def listening(url: str, settings: StreamSettings = QUICK, keys: Keys = KEYS) -> Iterator[Listener]:
    """A stream on the wall clock, stopped at the end."""
    latest, news = Latest(), News()
    listener = Listener(Stream(parts_for(url, latest, news, settings, keys)), latest, news)
    try:
        yield listener
    finally:
        began = time.monotonic()
        assert listener.stream.stop()
        assert time.monotonic() - began < 1
        assert listener.stream.status().state is State.STOPPED
