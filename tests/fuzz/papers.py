"""What an operator writes: scenario files, and the bodies of the admin calls."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from makenaide.app.scenario import load
from makenaide.app.world import World, staged
from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.core.errors import Refused
from makenaide.exchange.simulator.faults.console import TOKEN_HEADER
from tests.fuzz.calls import order
from tests.fuzz.ground import TOKEN, Ground, ground, tape
from tests.fuzz.material import NUMBERS, WORDS, changed, junk, nested, spelled, spoiled, value
from tests.fuzz.sound import read_json, require_words

_REPOSITORY = Path(__file__).resolve().parents[2]
_SAMPLES = tuple(sorted(each.read_bytes() for each in (_REPOSITORY / "samples" / "scenarios").glob("*.toml")))


@dataclass(frozen=True, slots=True)
class Paper:
    """A scenario file's bytes."""

    raw: bytes


class Papers:
    """Reading scenario files, and setting up the world that they tell of."""

    def make(self, rng: random.Random) -> Paper:
        sample = rng.choice(_SAMPLES)
        turn = rng.random()
        if turn < 0.35:
            return Paper(spoiled(sample, rng))
        if turn < 0.9:
            return Paper(_lined(sample, rng))
        return Paper(junk(rng) if rng.random() < 0.9 else b"x = " + nested(rng))

    def check(self, given: object) -> None:
        assert isinstance(given, Paper)
        with TemporaryDirectory() as folder:
            file = Path(folder) / "scenario.toml"
            file.write_bytes(given.raw)
            try:
                staged(load(file).applied(World(folder=folder)), tape())
            except Misconfigured as error:
                require_words(error, 10 * len(given.raw) + 1000)  # it may quote the file

    def close(self) -> None:
        """Each input is a file of its own."""


def papers(_rng: random.Random) -> Papers:
    """A bench of scenario files."""
    return Papers()


def _lined(sample: bytes, rng: random.Random) -> bytes:
    """Whole lines out of the samples, with other values: TOML more often than not."""
    lines = sample.split(b"\n")
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(lines))
        name, mark, _ = lines[at].partition(b"=")
        turn = rng.random()
        if mark and turn < 0.7:
            lines[at] = name + b"= " + _toml(rng)
        elif turn < 0.8:
            lines[at : at + 1] = []
        elif turn < 0.9:
            lines.insert(at, rng.choice(rng.choice(_SAMPLES).split(b"\n")))
        else:
            lines.insert(
                at,
                rng.choice(
                    (b"[venue]", b"[face]", b"[quota]", b"[keys.x]", b"[accounts.y]", b"[[events]]", b"x = 1")
                ),
            )
    return b"\n".join(lines)


def _toml(rng: random.Random) -> bytes:
    match rng.randrange(6):
        case 0:
            return rng.choice(NUMBERS).encode()
        case 1:
            return json.dumps(rng.choice(WORDS)).encode("utf-8", "surrogatepass")
        case 2:
            return rng.choice(
                (b"inf", b"nan", b"-inf", b"true", b"2026-01-05", b"2026-01-05T00:00:00Z", b"09:00:00", b"{}")
            )
        case 3:
            return rng.choice(
                (b'"+99999d"', b'"+"', b'"+1m"', b'"9999-12-31T23:59:59-23:59"', b'"KRW-BTC"', b'"*"', b'"["')
            )
        case 4:
            return json.dumps(value(rng)).encode()
        case _:
            return rng.choice(
                (b"-1", b"0", b"1", b"10000000000000000000000", b"0.5", b"1_000", b"[]", b"[[1, 2]]", b'["a"]')
            )


_BODIES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "faults": (
        {"kind": "reply_lost", "calls": "POST /v1/orders", "probability": 0.5, "times": 3},
        {"kind": "late", "delay": 5.0, "behind": 1},
        {"kind": "skew", "seconds": -1e6},
        {"kind": "server_error", "status": 599, "form": "html", "start": "+1m", "end": "+2m"},
        {"kind": "blocked", "group": "order", "seconds": 1e6},
    ),
    "events": (
        {"kind": "warning", "market": "KRW-XRP", "start": "+1m"},
        {"kind": "delisting", "market": "KRW-XRP", "announced": "+1m", "at": "+10m"},
        {"kind": "maintenance", "start": "+5m", "end": "+6m"},
        {"kind": "rename", "market": "KRW-XRP", "new": "KRW-XRQ", "at": "+3m"},
        {"kind": "ticks", "quote": "KRW", "at": "+3m", "bands": [[1000, 5], [0, 0.1]]},
        {"kind": "thin", "market": "KRW-BTC", "start": "+1m", "bids": 1},
        {"kind": "listing", "market": "KRW-ETH", "at": "+9m", "preview_from": "+1m"},
        {"kind": "caution", "market": "KRW-BTC", "name": "PRICE_FLUCTUATIONS", "start": "+1s", "end": "+9s"},
    ),
    "deposits": (
        {"account": "one", "currency": "BTC", "amount": "0.5", "fee": 0, "state": "ACCEPTED", "network": "BTC"},
    ),
    "withdrawals": ({"account": "two", "currency": "KRW", "amount": 5000, "fee": "1000", "txid": "t"},),
    "transfers": ({"uuid": "x", "state": "ACCEPTED"}, {"uuid": "x", "state": "DONE"}),
    "airdrops": (
        {"account": "one", "currency": "BTC", "change": "-0.1"},
        {"account": "two", "currency": "NEW", "change": 3},
    ),
    "wallets": (
        {"currency": "BTC", "wallet": "paused"},
        {"currency": "XRP", "wallet": "working", "block": "delayed"},
    ),
    "announcements": ({"category": "trade", "title": "t", "body": "b"},),
    "watch-orders": ({"account": "one", "trigger": "99000000", "order": {}},),
    "state": ({},),
}
_STATUSES = frozenset({200, 201, 400, 401, 403, 404})


@dataclass(frozen=True, slots=True)
class Told:
    """One admin call; `step` seconds pass before it."""

    request: Request
    peer: str
    step: float


class Consoles:
    """The operator of one exchange, whose customers go on trading."""

    def __init__(self, where: Ground) -> None:
        self._ground = where
        self._told = 0

    def make(self, rng: random.Random) -> Told:
        name = rng.choice(tuple(_BODIES))
        given: Any = dict(rng.choice(_BODIES[name]))
        if name == "watch-orders":
            given["order"] = order(rng, self._ground)
            given["trigger"] = self._ground.near("KRW-BTC", rng)
        if name == "transfers" and rng.random() < 0.8:
            given["uuid"] = self._transfer(rng)
        if rng.random() < 0.6:
            given = changed(given, rng)
        raw = spelled(given, rng)
        if rng.random() < 0.2:
            raw = spoiled(raw, rng)
        method = "POST" if rng.random() < 0.9 else rng.choice(("GET", "DELETE", "PUT"))
        request = Request(
            method=method,
            path=f"/simulator/{name}",
            query=() if method == "POST" else (("number", rng.choice(WORDS)),),
            headers={TOKEN_HEADER: TOKEN if rng.random() < 0.97 else rng.choice(WORDS)},
            body=raw if rng.random() < 0.97 else junk(rng),
        )
        return Told(
            request, "127.0.0.1" if rng.random() < 0.98 else "10.0.0.1", rng.choice((0, 0, 0, 0.5, 20, 300))
        )

    def check(self, given: object) -> None:
        assert isinstance(given, Told)
        self._pass(given.step)
        reply = self._ground.console.answer(given.request, given.peer)
        if reply is not None:
            assert isinstance(reply, Response)
            assert reply.status in _STATUSES, reply
            read_json(reply.body)
            assert len(reply.body) < 2_000_000
        self._told += 1
        if self._told % 25 == 0:
            self._ground.require_laws()
        self._trade()

    def close(self) -> None:
        self._ground.require_laws()
        assert (
            len(self._ground.faults.listed()) <= self._told
        )  # one rule an operator's call, until it removes them
        self._ground.require_same_from_notes()

    def _pass(self, step: float) -> None:
        venue = self._ground.venue
        self._ground.watch.moment = moment = venue.now + timedelta(seconds=step)
        venue.advance(moment)

    def _trade(self) -> None:
        rng = random.Random(self._told)
        try:
            self._ground.venue.place(rng.choice(("one", "two")), order(rng, self._ground))
        except Refused:
            return

    def _transfer(self, rng: random.Random) -> str:
        return str(rng.choice(list(self._ground.venue.treasury._transfers) or ["x"]))


def consoles(rng: random.Random) -> Consoles:
    """A bench of one operator."""
    return Consoles(ground(rng))
