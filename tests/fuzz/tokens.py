"""Tokens and Authorization headers at the doors of both faces: nothing forged, stale or broken gets in."""

import base64
import json
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.settings import EntryCheck, FaceSettings, QuotaSettings
from makenaide.exchange.simulator.stream.door import PRIVATE_PATH, Admission, admit
from tests.fuzz.ground import KEYS, Ground, ground
from tests.fuzz.material import changed, junk, spelled, spoiled, text, value
from tests.fuzz.signing import DIGESTS, claims, packed, sealed, token

_ALGORITHMS = ("none", "None", "NONE", "HS1", "hs512", "RS256", "ES256", "", "HS512 ", None, 512, ["HS512"])
_SCHEMES = ("Bearer ", "bearer ", "BEARER  ", "Basic ", "Bearer", "", "Bearer\t", "Token ", "Bearer Bearer ")
_KEYS = {key.access: key for key in KEYS}
_RIGHT = "view_orders"
"""What the REST call asks for; not every key has it."""

_WORDS = "market=KRW-BTC"


@dataclass(frozen=True, slots=True)
class Shown:
    """An Authorization header at one of the doors; `honest` are the signed parts that we made with a right secret."""

    header: str
    stream: bool
    peer: str
    honest: frozenset[str]


class Doors:
    """The gatekeeper behind the REST face and behind the upgrade of the private stream."""

    def __init__(self, where: Ground) -> None:
        self._ground = where
        self._used: list[bytes] = []
        self._entered: set[tuple[str, str]] = set()

    def make(self, rng: random.Random) -> Shown:
        stream = rng.random() < 0.3
        access = rng.choice(("one", "two", "narrow", "homely", "nobody", text(rng)))
        payload: Any = claims(access, "" if stream else _WORDS, f"{rng.getrandbits(40):x}")
        if rng.random() < 0.4:
            payload = changed(payload, rng)
        raw, honest = self._token(payload, rng)
        if rng.random() < 0.1 and self._used:
            raw = rng.choice(self._used)
            honest = raw.rpartition(b".")[0]
        self._used = [*self._used[-20:], raw]
        if rng.random() < 0.5:
            raw = _bent(raw, rng)
        scheme = "Bearer " if rng.random() < 0.9 else rng.choice(_SCHEMES)
        header = scheme + raw.decode("latin-1") if rng.random() < 0.97 else text(rng, 200)
        return Shown(header, stream, rng.choice(("127.0.0.1", "10.0.0.1")), frozenset({honest.decode("latin-1")}))

    def check(self, given: object) -> None:
        assert isinstance(given, Shown)
        if given.stream:
            request = Request(method="GET", path=PRIVATE_PATH, headers={"authorization": given.header})
            reply = admit(self._ground.face, request, given.peer)
            entered = isinstance(reply, Admission) and reply.key is not None
            assert isinstance(reply, Admission) or reply.status in (401, 418, 429), reply
        else:
            request = Request(
                method="GET",
                path="/v1/orders/chance",
                query=(("market", "KRW-BTC"),),
                headers={"authorization": given.header},
            )
            reply = self._ground.face.handle(request, given.peer)
            assert isinstance(reply, Response)
            assert reply.status in (200, 401, 403, 418, 429), reply
            entered = reply.status == 200
        if entered:
            self._require_honest(given)

    def close(self) -> None:
        nonces = len(self._ground.face.gatekeeper._nonces)
        assert nonces <= self._ground.face_settings.nonces_kept
        assert self._ground.face.quota.callers() <= 4
        self._ground.require_laws()

    def _require_honest(self, given: Shown) -> None:
        signing = given.header.partition(" ")[2].strip().rpartition(".")[0]
        assert signing in given.honest, "a token got in that nobody had signed"
        payload = json.loads(_unpacked(signing.split(".")[1]))
        mark = (payload["access_key"], payload["nonce"])
        assert mark not in self._entered or self._ground.face_settings.nonces_kept < 1000, "a nonce was used twice"
        self._entered.add(mark)
        key, now = _KEYS[payload["access_key"]], self._ground.venue.now
        assert not key.addresses or given.peer in key.addresses, "a key got in from another address"
        assert key.expires_at is None or now < key.expires_at, "a key got in after its time"
        assert given.stream or _RIGHT in key.scopes, "a key got in without the right"

    @staticmethod
    def _token(payload: Any, rng: random.Random) -> tuple[bytes, bytes]:
        """A token, and its signed part if the signature is right, else nothing."""
        turn = rng.random()
        if turn < 0.6 and isinstance(payload, dict):
            raw = token(payload, rng.choice(tuple(DIGESTS)))
            return raw, raw.rpartition(b".")[0]
        header: Any = {"alg": rng.choice(tuple(DIGESTS)), "typ": "JWT"}
        if turn < 0.75:
            header = changed(header, rng) if rng.random() < 0.7 else value(rng)
        algorithm = rng.choice(tuple(DIGESTS))
        signing = (
            packed(spelled(header, rng))
            + b"."
            + packed(spelled(payload, rng) if rng.random() < 0.8 else junk(rng))
        )
        if turn < 0.85:
            signature = sealed(signing, algorithm)
            return signing + b"." + signature, signing
        unsigned = (
            packed(json.dumps({"alg": rng.choice(_ALGORITHMS)}).encode()) + b"." + signing.partition(b".")[2]
        )
        wrong = (b"", packed(rng.randbytes(rng.randrange(70))), sealed(unsigned, algorithm, "another-secret"))
        return unsigned + b"." + rng.choice(wrong), b""


def doors(rng: random.Random) -> Doors:
    """A bench of one exchange's doors, its checks in any order."""
    where = ground(rng)
    checks = list(EntryCheck)
    rng.shuffle(checks)
    settings = FaceSettings(
        quota=QuotaSettings(enforced=False), checks=tuple(checks), nonces_kept=rng.choice((50, 100_000))
    )
    where = Ground(where.data, where.settings, settings)
    if rng.random() < 0.3:
        where.watch.moment = where.venue.now + timedelta(days=1)
        where.venue.advance(where.watch.moment)
    return Doors(where)


def _bent(raw: bytes, rng: random.Random) -> bytes:
    turn = rng.random()
    if turn < 0.6:
        return spoiled(raw, rng)
    parts = raw.split(b".")
    at = rng.randrange(len(parts))
    if turn < 0.8:
        parts[at] = rng.choice(
            (b"", b"=", b"====", b"a", b"e30", b"bnVsbA", b"W10", packed(junk(rng)), parts[at] + b"==")
        )
        return b".".join(parts)
    if turn < 0.9:
        rng.shuffle(parts)
        return b".".join(parts)
    return b".".join(parts * 2) if turn < 0.95 else raw * rng.choice((2, 50))


def _unpacked(section: str) -> bytes:
    return base64.urlsafe_b64decode(section + "=" * (-len(section) % 4))
