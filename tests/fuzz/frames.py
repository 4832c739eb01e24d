"""The client's stream: any message into the parser, and any messages into a whole stream over a scripted socket."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from makenaide.domain.market import Market
from makenaide.exchange.http import NotConnected
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.stream.connection import Closed
from makenaide.exchange.upbit.stream.news import News
from makenaide.exchange.upbit.stream.status import State
from makenaide.exchange.upbit.stream.subscription import account_news, books_of
from makenaide.exchange.upbit.stream.wire import parse
from tests.fuzz.material import body, junk, spoiled
from tests.fuzz.sound import require_sound, require_words
from tests.unit.upbit_frames import ALL, short
from tests.unit.upbit_stream_script import HandClock, Line, ScriptedSocket, Stage, turned_away

BTC, ETH = Market("KRW-BTC"), Market("KRW-ETH")

Message = bytes | str

_LONG = {name: json.loads(frame) for name, frame in ALL.items()}
_SHORT = {name: json.loads(short(frame)) for name, frame in ALL.items()}
_SPELLED = tuple(frame.encode() for frame in (*ALL.values(), *map(short, ALL.values())))
_CAPACITY = 64
_CONNECTS = 60
"""More than a back-off of seconds allows in the twenty that a stream lives here."""

_OTHER = (b'{"status":"UP"}', b'{"error":{"name":"NO_TYPE","message":"words"}}', b"UP", b"PONG")


def message(rng: random.Random) -> Message:
    """A message of the venue in one of the four formats, changed or spoiled; or anything else."""
    turn = rng.random()
    if turn < 0.4:
        frame = rng.choice(list((_LONG if rng.random() < 0.5 else _SHORT).values()))
        raw = body([frame] if rng.random() < 0.3 else frame, rng)
    elif turn < 0.8:
        spelled = rng.choice(_SPELLED)
        listed = b"[" + b",".join([spelled] * rng.choice((1, 1, 2, 20))) + b"]"
        raw = spoiled(listed if rng.random() < 0.3 else spelled, rng)
    elif turn < 0.85:
        raw = rng.choice((*_OTHER, *_SPELLED))
    else:
        raw = junk(rng)
    if rng.random() < 0.2:
        return raw.decode("utf-8", rng.choice(("replace", "surrogateescape", "backslashreplace", "ignore")))
    return raw


class Frames:
    """The parser by itself."""

    def make(self, rng: random.Random) -> Message:
        return message(rng)

    def check(self, given: object) -> None:
        assert isinstance(given, bytes | str)
        try:
            require_sound(parse(given))
        except VenueGarbled as error:
            require_words(error)

    def close(self) -> None:
        """Each message stands for itself."""


def frames(_rng: random.Random) -> Frames:
    """A bench of messages."""
    return Frames()


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What one connection after the other sends: seconds after its opening, and a message or its end."""

    private: bool
    connections: Sequence[Sequence[Line] | Exception]


class Streams:
    """A whole stream, from connect to reconnect, on a clock of its own."""

    def make(self, rng: random.Random) -> Broadcast:
        return Broadcast(rng.random() < 0.4, [_connection(rng) for _ in range(rng.randrange(1, 4))])

    def check(self, given: object) -> None:
        assert isinstance(given, Broadcast)
        clock = HandClock()
        sockets = [
            each if isinstance(each, Exception) else ScriptedSocket(clock, each) for each in given.connections
        ]
        stage = Stage(sockets, clock, end=20.0, news=News(_CAPACITY))
        stage.stream.want(account_news() if given.private else books_of([ETH], "KRW-BTC"))
        stage.stream.run()
        assert stage.stream.status().state is State.STOPPED
        assert len(stage.opened) < _CONNECTS
        events = stage.events()
        assert len(events) <= _CAPACITY + 1
        for event in events:
            require_sound(event)
        assert not stage.latest.books([BTC, ETH])

    def close(self) -> None:
        """Each input has a stream of its own."""


def streams(_rng: random.Random) -> Streams:
    """A bench of whole streams."""
    return Streams()


def _connection(rng: random.Random) -> list[Line] | Exception:
    turn = rng.random()
    if turn < 0.05:
        return NotConnected("words")
    if turn < 0.1:
        return turned_away(rng.choice((401, 418, 429, 500)), rng.randbytes(9), retry_after=str(rng.randrange(99)))
    at, lines = 0.0, list[Line]()
    for _ in range(rng.randrange(12)):
        at += rng.choice((0.0, 0.1, 1.0, 7.0))
        said = message(rng)
        lines.append((at, said if isinstance(said, bytes) else said.encode("utf-8", "surrogatepass")))
    if rng.random() < 0.5:
        lines.append((at, Closed("closed 1006")))
    return lines
