"""The simulator's streams in process: hostile messages between orders, steps of time, comings and goings."""

import json
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from makenaide.exchange.simulator.core.errors import Refused
from makenaide.exchange.simulator.settings import Pace
from makenaide.exchange.simulator.stream.hub import Hub
from tests.fuzz.calls import order
from tests.fuzz.ground import KEYS, Ground, ground
from tests.fuzz.material import WORDS, changed, junk, spelled, spoiled, text, value
from tests.fuzz.sound import read_json
from tests.unit.simulator_listener import Listener, Wire

_TYPES = (
    "ticker",
    "trade",
    "orderbook",
    "candle.1s",
    "candle.1m",
    "candle.240m",
    "myOrder",
    "myAsset",
    "announcement",
    "candle.1d",
)
_CODES = (
    "KRW-BTC",
    "KRW-BTC.5",
    "KRW-XRP",
    "BTC-ETH",
    "KRW-ETH.15",
    "KRW-NOPE",
    "krw-btc",
    "KRW-BTC.x",
    "KRW-BTC.999",
    "",
)
_MOST_LISTENERS = 6
_OUTPUT = 4_000_000
"""Bytes that one input may bring all listeners, whatever they asked for."""


@dataclass(frozen=True, slots=True)
class Act:
    """What happens next: a `message` of listener `who`, or another thing."""

    kind: str
    who: int = 0
    message: str | bytes = b""
    body: dict[str, Any] = field(default_factory=dict)
    step: float = 0.0


class Sockets:
    """One hub and its listeners."""

    def __init__(self, where: Ground) -> None:
        self._ground = where
        self._hub = Hub(where.face)
        self._listeners: list[Listener] = []

    def make(self, rng: random.Random) -> Act:
        turn = rng.random()
        who = rng.randrange(_MOST_LISTENERS)
        if turn < 0.75:
            return Act("message", who, _message(rng))
        if turn < 0.85:
            return Act("time", step=rng.choice((0.0, 0.05, 1.0, 10.0, 600.0)))
        if turn < 0.93:
            return Act("order", body=order(rng, self._ground), step=rng.random())
        return Act("leave", who)

    def check(self, given: object) -> None:
        assert isinstance(given, Act)
        match given.kind:
            case "message":
                self._said(self._listener(given.who), given.message)
            case "time":
                self._passed(given.step)
            case "order":
                self._ordered(given.body, "one" if given.step < 0.5 else "two")
            case _:
                self._hub.leave(self._listener(given.who).session)
        self._require_frames()

    def close(self) -> None:
        self._passed(1.0)
        self._require_frames()
        assert len(self._hub.sessions) <= _MOST_LISTENERS
        assert all(not each.session.outbox for each in self._listeners if not each.wire.dropped)
        self._ground.require_laws()

    def _listener(self, who: int) -> Listener:
        """The `who`-th listener, connected again if it has gone."""
        while len(self._listeners) <= who:
            self._listeners.append(self._connected(len(self._listeners)))
        if self._listeners[who].session not in self._hub.sessions:
            self._listeners[who] = self._connected(who)
        return self._listeners[who]

    def _connected(self, who: int) -> Listener:
        key = KEYS[who] if who < len(KEYS) else None
        wire = Wire()
        return Listener(self._hub, self._hub.connect(wire, "127.0.0.1", key), wire)

    def _said(self, listener: Listener, message: str | bytes) -> None:
        listener.say(message)
        if listener.session.ended:
            assert not listener.session.wants
            self._hub.leave(listener.session)

    def _passed(self, step: float) -> None:
        self._ground.watch.moment = max(self._ground.watch.moment, self._ground.venue.now) + timedelta(
            seconds=step
        )
        if self._ground.settings.pace is Pace.REAL:
            self._hub.follow()
        else:
            self._ground.venue.advance(self._ground.venue.now + timedelta(seconds=step))
        self._hub.pulse()

    def _ordered(self, body: dict[str, Any], name: str) -> None:
        try:
            self._ground.venue.place(name, body)
        except Refused:
            return
        self._hub.pulse()

    def _require_frames(self) -> None:
        """Every frame is JSON, and all of them together are not too much."""
        output = 0
        for listener in self._listeners:
            frames = listener.raw()
            output += sum(map(len, frames))
            for frame in frames[:50]:
                read_json(frame)
        assert output <= _OUTPUT, f"{output} bytes"


def sockets(rng: random.Random) -> Sockets:
    """A bench of one exchange's streams."""
    return Sockets(ground(rng))


def _message(rng: random.Random) -> str | bytes:
    turn = rng.random()
    if turn < 0.6:
        raw = spelled(_request(rng), rng)
    elif turn < 0.75:
        raw = spelled(changed(_request(rng), rng), rng)
    elif turn < 0.9:
        raw = spoiled(spelled(_request(rng), rng), rng)
    elif turn < 0.92:
        raw = rng.choice((b"PING", b"ping", b"", b"[]", b"[{}]", b'[{"ticket":"t"}]'))
    elif turn < 0.925:
        raw = _large(rng)
    else:
        raw = junk(rng)
    return raw if rng.random() < 0.5 else raw.decode("utf-8", rng.choice(("replace", "surrogateescape")))


def _request(rng: random.Random) -> list[Any]:
    parts: list[Any] = [{"ticket": rng.choice(("t", text(rng), "t" * 300))}]
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        part: dict[str, Any] = {"type": rng.choice(_TYPES), "codes": rng.choices(_CODES, k=rng.randrange(6))}
        for name in ("is_only_snapshot", "is_only_realtime", "isOnlySnapshot", "isOnlyRealtime", "include_body"):
            if rng.random() < 0.08:
                part[name] = rng.choice((True, False, True, None, 1))
        if rng.random() < 0.15:
            part["level"] = rng.choice((0, 1, 1000, "10000", 0.1, -1, "1e3", 1e300, "x", *WORDS[:10]))
        if rng.random() < 0.1:
            part["categories"] = rng.choice((["trade"], ["maintenance", "nope"], "trade", []))
        if part["type"] in ("myAsset", "announcement") and rng.random() < 0.8:
            del part["codes"]
        parts.append(part)
    if rng.random() < 0.5:
        parts.append({"format": rng.choice(("DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST", "simple", 1))})
    if rng.random() < 0.05:
        parts.append({"method": rng.choice(("LIST_SUBSCRIPTIONS", "X", value(rng)))})
    return parts


def _large(rng: random.Random) -> bytes:
    """A request near the largest that is read: thousands of codes, or of type objects."""
    count = rng.choice((100, 2000, 9000))
    parts: list[dict[str, Any]]
    match rng.randrange(4):
        case 0:
            parts = [{"type": "orderbook", "codes": [f"KRW-BTC.{number}" for number in range(count)]}]
        case 1:
            parts = [{"type": "orderbook", "codes": ["KRW-BTC"], "level": number} for number in range(count // 3)]
        case 2:
            parts = [{"type": rng.choice(_TYPES), "codes": list(_CODES) * (count // 10)}]
        case _:
            parts = [{"type": "ticker", "codes": ["KRW-BTC"], "is_only_realtime": True}] * (count // 2)
    return json.dumps([{"ticket": "t"}, *parts]).encode()
