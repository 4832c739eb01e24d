"""Signed results: a rehearsal's result as a file that another machine with the same key believes.

    makenaide-signed-result 1 hmac-sha256 <64 hex digits>
    {"seeds": 200, "days": 30, "violations": 0, ...}

The signature covers every byte after the first line. It proves who rehearsed, not that the rehearsal was good.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from makenaide.domain.errors import Misconfigured

_HEAD = "makenaide-signed-result 1 hmac-sha256 "
_SHORTEST_KEY = 32
_LONGEST = 1_000_000


def sign_result(result: Mapping[str, Any], key: bytes) -> bytes:
    """The file of `result` (plain JSON values), signed with `key` (at least 32 bytes)."""
    body = msgspec.json.format(msgspec.json.encode(dict(result), order="deterministic")) + b"\n"
    return f"{_HEAD}{_signature(body, key)}\n".encode() + body


def verify_result(content: bytes, key: bytes) -> dict[str, Any]:
    """The result in a signed file; `Misconfigured` when it is damaged, or signed with another key."""
    if len(content) > _LONGEST:
        raise Misconfigured(f"the file is damaged: more than {_LONGEST} bytes")
    head, newline, body = content.partition(b"\n")
    said = head.decode("ascii", errors="replace")
    if not newline or not said.startswith(_HEAD):
        raise Misconfigured("the file is damaged: its first line is not that of a signed result")
    if not hmac.compare_digest(said.removeprefix(_HEAD).encode(), _signature(body, key).encode()):
        raise Misconfigured(
            "the signature is wrong: the file was changed, or signed with another machine's key "
            "(copy keys/rehearsal.key from there)"
        )
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as cause:
        raise Misconfigured(f"the file is damaged: {cause}") from None


def _signature(body: bytes, key: bytes) -> str:
    if len(key) < _SHORTEST_KEY:
        raise Misconfigured(f"the signing key is damaged: expected at least {_SHORTEST_KEY} bytes")
    return hmac.new(key, body, hashlib.sha256).hexdigest()
