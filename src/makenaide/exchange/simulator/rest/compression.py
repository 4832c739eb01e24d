"""The tag and the gzip of a quotation reply; the same body is packed once (upbit-api.md section 1)."""

import gzip
import hashlib
from collections import OrderedDict

SMALLEST = 150
"""Bytes; packing less would make it longer."""

LEVEL = 1
"""zlib's cheapest: a fifth of the bytes at a fifth of the time that its best takes."""

_KEPT = 64


class Compression:
    """Remembers the last bodies that it packed."""

    def __init__(self) -> None:
        self._packed: OrderedDict[str, bytes] = OrderedDict()

    def packed(self, body: bytes, tag: str) -> bytes:
        """`body`, whose tag is `tag`, in gzip; without a time in it, so that the same body has the same bytes."""
        known = self._packed.get(tag)
        if known is None:
            known = self._packed[tag] = gzip.compress(body, LEVEL, mtime=0)
            if len(self._packed) > _KEPT:
                self._packed.popitem(last=False)
        return known


def weak_tag(body: bytes) -> str:
    """The weak etag of `body`: its length and its digest."""
    return f'W/"{len(body):x}-{hashlib.blake2b(body, digest_size=15).hexdigest()}"'


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header names gzip, or anything, with a weight above zero."""
    for part in header.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "x-gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
