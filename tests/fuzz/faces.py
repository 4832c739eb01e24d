"""The simulator's REST face, asked under ASGI with signed calls made from its own description."""

import json
import random
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from makenaide.exchange.http import Request
from makenaide.exchange.simulator.rest.asgi import Message, application, pairs
from makenaide.exchange.simulator.rest.payload import payload
from tests.fuzz.calls import DESCRIBED, any_call, fields
from tests.fuzz.ground import KEYS, Ground, ground
from tests.fuzz.material import WORDS, junk, nested, spelled, spoiled, text
from tests.fuzz.signing import signed
from tests.fuzz.sound import read_json
from tests.unit.simulator_street import BEGIN

_EACH = 25
"""So many calls lie between two looks at the books."""

_METHODS = ("GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "get", "")
_PATHS = (
    "/",
    "",
    "/v1/orders/",
    "/v1/candles/minutes/7",
    "/v1/candles/minutes/",
    "//v1/orders",
    "/v1/../etc",
    "*",
)
_PEERS = ("127.0.0.1", "10.0.0.1", "::1", "")
_MOMENTS = (
    "2026-01-05T00:00:00",
    "9999-12-31T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "now",
    "",
)

_FAR = "8999-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Asked:
    """One HTTP request as an ASGI server hands it on."""

    method: str
    path: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    peer: str


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int = 0
    headers: Mapping[str, str] | None = None
    body: bytes = b""


class Faces:
    """One exchange, asked call after call."""

    def __init__(self, where: Ground) -> None:
        self.ground = where
        self._app = application(where.face, where.courier)
        self._asked = 0

    def make(self, rng: random.Random) -> Asked:
        call = any_call(rng)
        given = fields(call, rng, self.ground)
        method, path = call.method, call.path
        if rng.random() < 0.03:
            method = rng.choice(_METHODS)
        if rng.random() < 0.03:
            path = rng.choice((*_PATHS, text(rng)))
        query, body = (b"", _body(given, rng)) if call.method == "POST" else (_query(given, rng), b"")
        if rng.random() < 0.03:
            query = rng.choice((_query(given, rng), rng.randbytes(rng.randrange(60))))
        if rng.random() < 0.03:
            body = junk(rng)
        headers = self._headers(
            rng, call.guarded, Request(method=method, path=path, query=_pairs(query), body=body or None)
        )
        return Asked(method, path, query, headers, body, rng.choice(_PEERS))

    def check(self, given: object) -> None:
        assert isinstance(given, Asked)
        answer = asked(self._app, given)
        allowed = DESCRIBED.get((given.method, given.path), frozenset({400, 404, 418, 429}))
        if given.path.startswith("/simulator/"):
            allowed |= {404}  # no stepping in real pace
        assert answer.status in allowed, (answer.status, answer.body[:500])
        require_body(answer)
        self._asked += 1
        if self._asked % _EACH == 0:
            self.ground.require_laws()

    def close(self) -> None:
        self.ground.require_laws()
        face = self.ground.face
        # Memory: a nonce and at most one order a signed call; callers are bounded by who called in the last minute.
        assert len(face.gatekeeper._nonces) <= min(self._asked, self.ground.face_settings.nonces_kept)
        assert face.quota.callers() <= len(_PEERS) + len(self.ground.venue.accounts)
        orders = sum(len(account.orders) for account in self.ground.venue.accounts.values())
        assert orders <= self._asked
        self.ground.require_same_from_notes()

    def _headers(self, rng: random.Random, guarded: bool, request: Request) -> tuple[tuple[bytes, bytes], ...]:
        headers = {"content-type": "application/json; charset=utf-8"} if request.body else {}
        if rng.random() < 0.03:
            headers["content-type"] = rng.choice(("application/x-www-form-urlencoded", "text/plain", text(rng)))
        if rng.random() < 0.05:
            headers["origin"] = text(rng)
        if rng.random() < 0.2:
            headers["accept-encoding"] = rng.choice(("gzip", "br", "gzip;q=0", "*", "gzip;q=x", text(rng)))
        if rng.random() < 0.25:
            headers["makenaide-time"] = self._moment(rng)
        if guarded and rng.random() < 0.97:
            lenient = self.ground.face_settings.body_parameters
            words = payload(request, headers, lenient=lenient).signed
            headers["authorization"] = signed(rng.choice(KEYS[:2] * 8 + KEYS).access, words or "", rng)
        return tuple((name.encode(), words.encode("latin-1", "replace")) for name, words in headers.items())

    def _moment(self, rng: random.Random) -> str:
        turn = rng.random()
        if turn < 0.9:
            step = timedelta(seconds=rng.choice((0.001, 0.5, 3, 70, 3600)))
            self.ground.watch.moment = moment = max(self.ground.venue.now, BEGIN) + step
            return moment.isoformat(timespec="microseconds")
        if turn > 0.998:
            return _FAR  # rarely: it leaves nothing to trade for the rest of the block
        return rng.choice(
            (
                *_MOMENTS,
                rng.choice(WORDS),
                spoiled(BEGIN.isoformat().encode(), rng).decode("latin-1")[:40],
            )
        )


def faces(rng: random.Random) -> Faces:
    """A bench of one exchange."""
    return Faces(ground(rng))


def asked(app: Any, given: Asked) -> Answer:
    """Drive the application by hand: in process it has nothing to wait for."""
    answer, parts = Answer(), [given.body[:7], given.body[7:]]
    scope = {
        "type": "http",
        "method": given.method,
        "path": given.path,
        "query_string": given.query,
        "headers": given.headers,
        "client": (given.peer, 1),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): words.decode("latin-1") for name, words in message["headers"]}
        else:
            answer.body += message["body"]

    drained(app(scope, receive, send))
    return answer


def drained(work: Coroutine[Any, Any, None]) -> None:
    """Run what never waits; AssertionError when it does."""
    try:
        work.send(None)
    except StopIteration:
        return
    work.close()
    raise AssertionError("it waits for something")


def require_body(answer: Answer) -> None:
    """The body is what its headers say, and a refusal names itself."""
    assert answer.headers is not None
    assert int(answer.headers["content-length"]) == len(answer.body)
    if (
        answer.headers.get("content-type", "").startswith("application/json")
        and "content-encoding" not in answer.headers
    ):
        told = read_json(answer.body)
        if answer.status >= 400:
            assert isinstance(told["error"]["name"], str | int)
            assert isinstance(told["error"]["message"], str)


def _pairs(query: bytes) -> tuple[tuple[str, str], ...]:
    return pairs(query.decode("latin-1"))


def _query(given: Mapping[str, Any], rng: random.Random) -> bytes:
    parts = []
    for name, words in given.items():
        for each in words if isinstance(words, list) else [words]:
            plain = each if isinstance(each, str) else json.dumps(each)
            safe = "[]" if rng.random() < 0.9 else "[]:,+ "
            parts.append(f"{quote(name, safe='[]', errors='replace')}={quote(plain, safe=safe, errors='replace')}")
    raw = "&".join(parts).encode()
    return spoiled(raw, rng) if rng.random() < 0.04 else raw


def _body(given: Mapping[str, Any], rng: random.Random) -> bytes:
    turn = rng.random()
    if turn < 0.9:
        return spelled(dict(given), rng)
    if turn < 0.97:
        return spoiled(spelled(dict(given), rng), rng)
    return nested(rng) if rng.random() < 0.1 else junk(rng)
