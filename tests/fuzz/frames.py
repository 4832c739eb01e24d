"""The client's stream: any message into the parser, and any messages into a whole stream over a scripted socket."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from makenaide.domain.market import Market
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.stream.connection import Closed
from makenaide.exchange.upbit.stream.wire import parse
from tests.fuzz.material import body, junk, spoiled
from tests.fuzz.sound import require_sound
from tests.unit.upbit_frames import ALL, short

Message = bytes | str

_LONG = {name: json.loads(frame) for name, frame in ALL.items()}
_SHORT = {name: json.loads(short(frame)) for name, frame in ALL.items()}
_SPELLED = tuple(frame.encode() for frame in (*ALL.values(), *map(short, ALL.values())))
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
        return raw.decode("utf-8", rng.choice(("replace", "surrogateescape", "surrogatepass", "ignore")) if rng.random() < 0.9 else "ignore")
    return raw
