"""Tokens as clients make them, made by hand: fast, and so that any part of one can be wrong."""

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Mapping
from typing import Any

from tests.unit.simulator_street import SECRET

DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def packed(raw: bytes) -> bytes:
    """Base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def sealed(signing: bytes, algorithm: str = "HS512", secret: str = SECRET) -> bytes:
    """The signature of "header.payload"."""
    return packed(hmac.digest(secret.encode(), signing, DIGESTS[algorithm]))


def claims(access: str, words: str, nonce: str) -> dict[str, Any]:
    """The payload that signs `words`."""
    payload = {"access_key": access, "nonce": nonce}
    if words:
        digest = hashlib.sha512(words.encode("utf-8", "surrogatepass")).hexdigest()
        payload |= {"query_hash": digest, "query_hash_alg": "SHA512"}
    return payload


def token(payload: Mapping[str, Any], algorithm: str = "HS512") -> bytes:
    """A good token over `payload`."""
    header = json.dumps({"alg": algorithm, "typ": "JWT"}).encode()
    signing = packed(header) + b"." + packed(json.dumps(payload).encode())
    return signing + b"." + sealed(signing, algorithm)


def signed(access: str, words: str, rng: random.Random) -> str:
    """A good Authorization header over `words`."""
    nonce = f"{rng.getrandbits(64):x}"
    return "Bearer " + token(claims(access, words, nonce), rng.choice(tuple(DIGESTS))).decode()
