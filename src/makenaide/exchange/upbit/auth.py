"""Signing: the API keys and the bearer token of one request (upbit-api.md, section 3).

HS512 over the standard library, so that no token library has to be imported at start-up.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

import msgspec

from makenaide.domain.errors import Misconfigured
from makenaide.exchange.http import Pairs

_HEADER = {"alg": "HS512", "typ": "JWT"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """An access key and its secret. The secret never shows in `repr`. `Misconfigured` unless both are words."""

    access: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("access", "secret"):
            key: str = getattr(self, name)
            if not (key and key.isascii() and key.isprintable() and " " not in key):
                # Never the value: this text ends in logs.
                raise Misconfigured(f"Upbit {name} key: expected printable characters without spaces")


def query_text(pairs: Pairs) -> str:
    """The text whose hash is signed: `name=value&...`, decoded, in the order in which it is sent."""
    return "&".join(f"{name}={value}" for name, value in pairs)


def query_hash(text: str) -> str:
    """SHA-512 of `text` in lower-case hexadecimal."""
    return hashlib.sha512(text.encode()).hexdigest()


def bearer(keys: Keys, nonce: str, text: str | None = None) -> str:
    """The `Authorization` value of one request; `nonce` must be fresh each time.

    `text` is the decoded query (GET, DELETE) or the body as `name=value&...` (POST); None or "" means that there
    is neither, and then the token carries no hash.
    """
    claims = {"access_key": keys.access, "nonce": nonce}
    if text:
        claims["query_hash"] = query_hash(text)
        claims["query_hash_alg"] = "SHA512"
    signed = f"{_part(_HEADER)}.{_part(claims)}"
    signature = hmac.digest(keys.secret.encode(), signed.encode(), "sha512")
    return f"Bearer {signed}.{_base64(signature)}"


def _part(claims: dict[str, str]) -> str:
    return _base64(msgspec.json.encode(claims))


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
