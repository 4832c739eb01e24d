"""Who may enter: the JWT of the exchange calls, by the standard library (upbit-api.md section 3).

The checks and their order (section 13): a token is there, it is well-formed and its algorithm is one of three,
the key is known, the signature is right, the key has not expired, the address is allowed, the nonce is new, the
parameters' hash is right, the key has the right.
"""

import hashlib
import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from makenaide.exchange.http import Pairs
from makenaide.exchange.simulator.core.errors import refused
from makenaide.exchange.simulator.settings import ApiKey

_DIGESTS: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


class _Header(msgspec.Struct, frozen=True):
    alg: str


class _Payload(msgspec.Struct, frozen=True):
    access_key: str
    nonce: str
    query_hash: str | None = None
    query_hash_alg: str = "SHA512"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One signed call: `parameters` is the text whose hash was signed ("" = none, None = unreadable body)."""

    authorization: str | None
    parameters: str | None
    peer: str
    at: datetime


class Gatekeeper:
    """Knows the keys and remembers every nonce for the whole run."""

    def __init__(self, keys: Sequence[ApiKey], out_of_scope_status: int = 401) -> None:
        self._keys = {key.access: key for key in keys}
        self._nonces: set[tuple[str, str]] = set()
        self._out_of_scope_status = out_of_scope_status

    def enter(self, visit: Visit) -> ApiKey:
        """The key that signed the call; `Refused` with 401 by the first check that fails."""
        kind, _, token = (visit.authorization or "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise refused("no_authorization_token")
        header, payload, signed, signature = _parts(token.strip())
        digest = _DIGESTS.get(header.alg)
        if digest is None:
            raise refused("jwt_verification")
        key = self._keys.get(payload.access_key)
        if key is None:
            raise refused("invalid_access_key")
        if not hmac.compare_digest(hmac.new(key.secret.encode(), signed, digest).digest(), signature):
            raise refused("jwt_verification")
        if key.expires_at is not None and visit.at >= key.expires_at:
            raise refused("expired_access_key")
        if key.addresses and visit.peer not in key.addresses:
            raise refused("no_authorization_ip")
        self._use(key, payload.nonce)
        _require_hash(payload, visit.parameters)
        return key

    def require_scope(self, key: ApiKey, scope: str | None) -> None:
        """`Refused` unless `key` has the right `scope`; None is any key's."""
        if scope is not None and scope not in key.scopes:
            raise refused("out_of_scope", status=self._out_of_scope_status)

    def _use(self, key: ApiKey, nonce: str) -> None:
        if not nonce:
            raise refused("jwt_verification")
        if (key.access, nonce) in self._nonces:
            raise refused("nonce_used")
        self._nonces.add((key.access, nonce))


def query_text(pairs: Pairs) -> str:
    """The text that is hashed for a query: as sent, in the same order, decoded."""
    return "&".join(f"{name}={value}" for name, value in pairs)


def body_text(body: Mapping[str, object]) -> str:
    """The text that is hashed for a JSON body: key=value in its order; an object counts as its compact JSON."""
    parts: list[str] = []
    for name, value in body.items():
        if isinstance(value, list):
            parts.extend(f"{name}[]={_spelled(each)}" for each in value)
        else:
            parts.append(f"{name}={_spelled(value)}")
    return "&".join(parts)


def _spelled(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _parts(token: str) -> tuple[_Header, _Payload, bytes, bytes]:
    sections = token.split(".")
    if len(sections) != 3 or not token.isascii():
        raise refused("jwt_verification")
    try:
        header, payload, signature = (_decoded(section) for section in sections)
        return (
            msgspec.json.decode(header, type=_Header),
            msgspec.json.decode(payload, type=_Payload),
            f"{sections[0]}.{sections[1]}".encode(),
            signature,
        )
    except (NotBase64, msgspec.MsgspecError, ValueError):
        raise refused("jwt_verification") from None


def _decoded(section: str) -> bytes:
    return b64decode(section + "=" * (-len(section) % 4), altchars=b"-_", validate=True)


def _require_hash(payload: _Payload, parameters: str | None) -> None:
    if parameters is None:
        raise refused("invalid_query_payload")
    if not parameters and payload.query_hash is None:
        return
    right = hashlib.sha512(parameters.encode()).hexdigest()
    given = payload.query_hash or ""
    if payload.query_hash_alg != "SHA512" or not hmac.compare_digest(right.encode(), given.lower().encode()):
        raise refused("invalid_query_payload")
