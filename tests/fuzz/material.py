"""What inputs are made of: values of JSON, texts and bytes, hostile ones among them, and ways to spoil true ones."""

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

NUMBERS = (
    *(
        "1e999",
        "-1e999",
        "1e-999",
        "1E308",
        "1e30",
        "1e-31",
        "NaN",
        "Infinity",
        "-Infinity",
        "-0",
        "-0.0",
        "0E-99",
    ),
    *("9" * 400, "0." + "1" * 400, "-1", "0", "01", "1.", ".5", "0x10", "1_000", "18446744073709551616", "1e+5"),
    *("253402300799999", "253402300800000", "-62135596800001", "0.00000001", "1.5", "2147483648", "true", "null"),
)
"""Numbers as they may be spelled, some of them no JSON."""

WORDS = (
    *("", " ", "0", "-1", "1e999", "NaN", "sNaN", "Infinity", "1_0", "true", "null", "KRW-BTC", "krw-btc", "KRW-"),
    *("BTC-ETH", "KRW-NOPE", "-", "KRW", "\x00", "\ud800", "\U0010ffff", "한국어", "a" * 300, "1e5", "١٢", "½"),
    *("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00", "2026-01-05T00:00:00"),
    *("2026-01-05T00:00:00Z", "2026-01-05 00:00:00", "2026-01-05T00:00:00+09:00", "24:00", "wait", "limit", "bid"),
    *(
        "ask",
        "{0}",
        "%s",
        "%00",
        "../../x",
        "'; drop",
        "<script>",
        "+1",
        "１",
        "--",
        "1" * 40,
        "0." + "0" * 60 + "1",
    ),
)
"""Texts that somebody once stumbled over."""

PAGES = (
    b"<html><body>502 Bad Gateway</body></html>",
    *(
        b"Too many API requests.",
        b"\xef\xbb\xbf[]",
        b"\xff\xfe[\x00]\x00",
        b"\x1f\x8b\x08\x00\x00",
        b"",
        b"null",
        b"[]",
    ),
    *(
        b"{}",
        b"[null]",
        b"[{}]",
        b"[[]]",
        b"\x00",
        b'"',
        b"{",
        b"\xed\xa0\x80",
        b'{"a":1,"a":2}',
        b'"\\ud800"',
        b"1",
    ),
    *(
        b'{"error":null}',
        b'{"error":{"name":{}}}',
        b'{"error":{"name":1e999}}',
        b'{"error":{"name":400,"message":null}}',
    ),
)
"""Bodies that are no reply at all, or hardly one."""

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_DEEPEST = 100_000
_LONGEST = 200_000
_KEYS = ("market", "code", "uuid", "error", "name", "type", "price", "a", "")
ALPHABET = "".join(map(chr, range(32, 127)))


def scalar(rng: random.Random) -> Any:
    """A value without parts."""
    match rng.randrange(7):
        case 0:
            return rng.choice((None, True, False))
        case 1:
            return rng.choice((0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**20, 10**400))
        case 2:
            return rng.choice((0.0, -0.5, 1e308, 1e-308, float("inf"), float("nan"), 1e22, 0.1))
        case 3:
            return rng.randrange(-(10**6), 10**6)
        case 4:
            return text(rng)
        case _:
            return rng.choice(WORDS)


def text(rng: random.Random, longest: int = 30) -> str:
    """A random text: mostly plain, sometimes of any characters."""
    length = rng.randrange(longest)
    if rng.random() < 0.7:
        return "".join(rng.choices(ALPHABET, k=length))
    return "".join(
        chr(rng.choice((rng.randrange(128), rng.randrange(0x3000), rng.randrange(0x110000))))
        for _ in range(length)
    )


def value(rng: random.Random, depth: int = 0) -> Any:
    """Any value of JSON, not deep."""
    kind = rng.randrange(8)
    if depth > 4 or kind > 2:
        return scalar(rng)
    if kind == 0:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {
        rng.choice(_KEYS) if rng.random() < 0.6 else text(rng, 8): value(rng, depth + 1)
        for _ in range(rng.randrange(4))
    }


def changed(given: Any, rng: random.Random) -> Any:
    """A copy of `given` with something in it replaced, dropped, doubled or added."""
    if isinstance(given, dict) and given and rng.random() < 0.9:
        name = rng.choice(list(given))
        turn = rng.random()
        if turn < 0.15:
            return {each: part for each, part in given.items() if each != name}
        if turn < 0.2:
            return {**given, text(rng, 8): value(rng)}
        return {**given, name: changed(given[name], rng)}
    if isinstance(given, list) and given and rng.random() < 0.9:
        at = rng.randrange(len(given))
        turn = rng.random()
        if turn < 0.1:
            return given[:at] + given[at + 1 :]
        if turn < 0.3:
            return given * rng.choice((2, 3, 7))
        return [*given[:at], changed(given[at], rng), *given[at + 1 :]]
    return value(rng)


def spelled(given: Any, rng: random.Random) -> bytes:
    """`given` as JSON, in one of several spellings; lone surrogates survive as escapes or break the encoding."""
    plain = rng.random() < 0.7
    separators = (",", ":") if rng.random() < 0.8 else (" ,\n", "\t: ")
    return json.dumps(given, ensure_ascii=plain, separators=separators).encode("utf-8", "surrogatepass")


def spoiled(raw: bytes, rng: random.Random) -> bytes:
    """`raw` with some bytes wrong: flipped, cut, doubled, or another number in it."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        raw = rng.choice(_SPOILERS)(raw, rng)
    return raw[:_LONGEST]


def _flipped(raw: bytes, rng: random.Random) -> bytes:
    if not raw:
        return raw
    at = rng.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ (1 << rng.randrange(8))]) + raw[at + 1 :]


def _replaced(raw: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(raw) + 1)
    return raw[:at] + rng.randbytes(rng.randrange(4)) + raw[at + rng.randrange(4) :]


def _cut(raw: bytes, rng: random.Random) -> bytes:
    return raw[: rng.randrange(len(raw) + 1)]


def _doubled(raw: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(raw) + 1)
    piece = raw[start : start + rng.randrange(60)]
    return raw[:start] + piece * rng.choice((2, 2, 3, 50)) + raw[start + len(piece) :]


def _numbered(raw: bytes, rng: random.Random) -> bytes:
    found = list(_NUMBER.finditer(raw[:5000]))
    if not found:
        return raw
    spot = rng.choice(found)
    return raw[: spot.start()] + rng.choice(NUMBERS).encode() + raw[spot.end() :]


def _worded(raw: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(raw) + 1)
    return raw[:at] + rng.choice(_TOKENS) + raw[at:]


_TOKENS = (
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\x00",
    b"\xff",
    b"1e999",
    b"-",
    b"/**/",
)
_SPOILERS: Sequence[Callable[[bytes, random.Random], bytes]] = (
    _flipped,
    _replaced,
    _cut,
    _doubled,
    _numbered,
    _worded,
)


def nested(rng: random.Random) -> bytes:
    """JSON that is too deep, up to a hundred thousand levels, closed or not."""
    depth = rng.choice((10, 200, 1000, 1025, 5000, _DEEPEST)) + rng.randrange(3)
    opened, closed = rng.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'[{"market":', b"}]"), (b'{"error":', b"}")))
    if len(opened) * depth > _LONGEST:
        depth = _LONGEST // len(opened)
    whole = rng.random() < 0.5
    return opened * depth + (b"1" + closed * depth if whole else b"")


def body(true: Any, rng: random.Random) -> bytes:
    """A reply: `true` as it is, changed or spoiled; or anything else."""
    turn = rng.random()
    if turn < 0.05:
        return spelled(true, rng)
    if turn < 0.5:
        given = changed(true, rng)
        return spelled(changed(given, rng) if rng.random() < 0.3 else given, rng)
    if turn < 0.75:
        return spoiled(spelled(true, rng), rng)
    return junk(rng)


def junk(rng: random.Random) -> bytes:
    """Bytes that nobody wrote on purpose: any JSON, any bytes, pages, and, rarely, depth or length."""
    turn = rng.random()
    if turn < 0.4:
        return spelled(value(rng), rng)
    if turn < 0.65:
        return rng.randbytes(rng.randrange(80))
    if turn < 0.95:
        return rng.choice(PAGES) if rng.random() < 0.5 else spoiled(rng.choice(PAGES), rng)
    if turn < 0.98:
        return nested(rng) if rng.random() < 0.2 else rng.choice(NUMBERS).encode()
    return rng.choice((b"9", b" ", b"[", b'"a', b"[1,", b"\xff", b'{"a":1,')) * rng.choice((10, 1000, 20_000))
