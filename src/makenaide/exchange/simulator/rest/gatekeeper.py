"""Who may enter: the JWT of the exchange calls, by the standard library (upbit-api.md section 3).

A token must be there and well-formed, and its algorithm one of three; then `FaceSettings.checks` tells in which order
the rest is looked at (section 13): the signature, the key, the address, the nonce, the parameters' hash, the right.
"""

import hashlib
import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from makenaide.exchange.http import Pairs
from makenaide.exchange.simulator.core.errors import Refused, refused
from makenaide.exchange.simulator.settings import ApiKey, EntryCheck, FaceSettings

_DIGESTS: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


class _Header(msgspec.Struct, frozen=True):
    alg: str


class _Payload(msgspec.Struct, frozen=True):
    access_key: str
    nonce: str
    query_hash: str | None = None
    query_hash_alg: str = "SHA512"


_HEADER = msgspec.json.Decoder(_Header)
_PAYLOAD = msgspec.json.Decoder(_Payload)
_COMPACT = msgspec.json.Encoder(enc_hook=lambda number: msgspec.Raw(str(number).encode()))
"""Writes nested numbers as they were spelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One signed call: `parameters` is the text whose hash was signed ("" = none, None = unreadable body).

    `scope` is the right that the call asks for; None is any key's.
    """

    authorization: str | None
    parameters: str | None
    peer: str
    at: datetime
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class _Pass:
    """A visit and what its token says; `key` is None when nobody here has it."""

    visit: Visit
    payload: _Payload
    genuine: bool
    key: ApiKey | None


class Gatekeeper:
    """Knows the keys, and the nonces that each of them has used."""

    def __init__(self, keys: Sequence[ApiKey], settings: FaceSettings | None = None) -> None:
        self._settings = settings or FaceSettings()
        self._keys = {key.access: key for key in keys}
        self._nonces = Nonces(self._settings.nonce_seconds, self._settings.nonces_kept)
        table: dict[EntryCheck, Callable[[_Pass], None]] = {
            EntryCheck.SIGNATURE: _require_signature,
            EntryCheck.KEY: _require_key,
            EntryCheck.ADDRESS: self._require_address,
            EntryCheck.NONCE: self._use_nonce,
            EntryCheck.HASH: _require_hash,
            EntryCheck.SCOPE: self._require_scope,
        }
        self._checks = [table[each] for each in self._settings.checks]

    def enter(self, visit: Visit) -> ApiKey:
        """The key that signed the call; `Refused` by the first check that fails."""
        kind, _, token = (visit.authorization or "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise refused("no_authorization_token")
        header, payload, signed, signature = _parts(token.strip())
        digest = _DIGESTS.get(header.alg)
        if digest is None or not payload.nonce:
            raise refused("jwt_verification")
        key = self._keys.get(payload.access_key)
        genuine = key is None or hmac.compare_digest(hmac.digest(key.secret.encode(), signed, digest), signature)
        entry = _Pass(visit, payload, genuine, key)
        for check in self._checks:
            check(entry)
        if key is None:
            raise refused("invalid_access_key")
        return key

    def forget(self, authorization: str | None) -> None:
        """Let the nonce of this header be used once more; a header that nobody can read has none."""
        try:
            _, payload, _, _ = _parts((authorization or "").partition(" ")[2].strip())
        except Refused:
            return
        self._nonces.forget(payload.access_key, payload.nonce)

    def _require_address(self, entry: _Pass) -> None:
        if entry.key is None or not entry.key.addresses or entry.visit.peer in entry.key.addresses:
            return
        refusal = refused("no_authorization_ip")
        if self._settings.old_address_error:
            raise Refused(refusal.status, "no_authorization_i_p", refusal.message)
        raise refusal

    def _use_nonce(self, entry: _Pass) -> None:
        # Strangers may look at this door as often as they like: only a key's own calls are remembered.
        if entry.key is None or not entry.genuine:
            return
        if not self._nonces.use(entry.key.access, entry.payload.nonce, entry.visit.at):
            raise refused("nonce_used")

    def _require_scope(self, entry: _Pass) -> None:
        scope = entry.visit.scope
        if entry.key is not None and scope is not None and scope not in entry.key.scopes:
            raise refused("out_of_scope", status=self._settings.out_of_scope_status)


class Nonces:
    """The nonces of `seconds` (0: of the whole run), the newest `kept` of them: each may be used once.

    A nonce counts by its digest, so a long one costs no more memory than a short one.
    """

    def __init__(self, seconds: int, kept: int) -> None:
        self._memory = timedelta(seconds=seconds) if seconds else None
        self._kept = kept
        self._used: OrderedDict[bytes, datetime] = OrderedDict()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._used)

    def use(self, access: str, nonce: str, at: datetime) -> bool:
        """Whether `nonce` is new to the key `access` at `at`; it is not from then on."""
        self._forget(at)
        mark = _mark(access, nonce)
        if mark in self._used:
            return False
        self._used[mark] = at
        if len(self._used) > self._kept:
            self._used.popitem(last=False)
        return True

    def forget(self, access: str, nonce: str) -> None:
        """Take `nonce` for a new one again."""
        self._used.pop(_mark(access, nonce), None)

    def _forget(self, at: datetime) -> None:
        if self._memory is None:
            return
        while self._used and at - next(iter(self._used.values())) >= self._memory:
            self._used.popitem(last=False)


def _mark(access: str, nonce: str) -> bytes:
    return hashlib.blake2b(f"{access}\0{nonce}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def query_text(pairs: Pairs) -> str:
    """The text that is hashed for a query: as sent, in the same order, decoded."""
    return "&".join(f"{name}={value}" for name, value in pairs)


def body_text(body: Mapping[str, object]) -> str:
    """The text that is hashed for a JSON body: key=value in its order; an object counts as its compact JSON."""
    parts: list[str] = []
    for name, value in body.items():
        if isinstance(value, list):
            parts.extend(f"{name}[]={as_signed(each)}" for each in value)
        else:
            parts.append(f"{name}={as_signed(value)}")
    return "&".join(parts)


def as_signed(value: object) -> str:
    """A value of a JSON body as it stands in the signed text: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else _COMPACT.encode(value).decode()


def _parts(token: str) -> tuple[_Header, _Payload, bytes, bytes]:
    sections = token.split(".")
    if len(sections) != 3 or not token.isascii():
        raise refused("jwt_verification")
    try:
        header, payload, signature = (_decoded(section) for section in sections)
        signed = f"{sections[0]}.{sections[1]}".encode()
        return _HEADER.decode(header), _PAYLOAD.decode(payload), signed, signature
    except (NotBase64, msgspec.MsgspecError, ValueError, RecursionError):
        raise refused("jwt_verification") from None


def _decoded(section: str) -> bytes:
    return b64decode(section + "=" * (-len(section) % 4), altchars=b"-_", validate=True)


def _require_signature(entry: _Pass) -> None:
    # Without a known key there is nothing to verify by; the key's own check then refuses.
    if not entry.genuine:
        raise refused("jwt_verification")


def _require_key(entry: _Pass) -> None:
    if entry.key is None:
        raise refused("invalid_access_key")
    if entry.key.expires_at is not None and entry.visit.at >= entry.key.expires_at:
        raise refused("expired_access_key")


def _require_hash(entry: _Pass) -> None:
    payload, parameters = entry.payload, entry.visit.parameters
    if parameters is None:
        raise refused("invalid_query_payload")
    if not parameters and payload.query_hash is None:
        return
    right = hashlib.sha512(parameters.encode("utf-8", "surrogatepass")).hexdigest()
    given = (payload.query_hash or "").lower()
    if payload.query_hash_alg != "SHA512" or not hmac.compare_digest(right.encode(), given.encode()):
        raise refused("invalid_query_payload")
