"""What a client asks of a stream: the JSON array of upbit-api.md section 9.1, read and judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from makenaide.domain.market import Market, is_market
from makenaide.domain.money import plain
from makenaide.exchange.simulator.core.feed import CATEGORIES
from makenaide.exchange.venue import CandleUnit

DEPTHS: Final = (1, 5, 15, 30)
"""Levels that a code's suffix may ask for; any other number gives 30 (upbit-api.md section 9.2)."""

CANDLES: Final = {
    "candle.1s": CandleUnit.SECONDS,
    **{f"candle.{each.minutes}m": each for each in CandleUnit if each.minutes is not None},
}
"""The candle types; days and longer have none."""

PUBLIC: Final = frozenset({"ticker", "trade", "orderbook", *CANDLES})
PRIVATE: Final = {"myOrder": "view_orders", "myAsset": "view_account", "announcement": None}
"""The private types, and the right that a key needs for each."""

_MESSAGES: Final = {
    "NO_TICKET": "티켓이 존재하지 않거나, 유효하지 않습니다.",
    "NO_TYPE": "타입 필드가 존재하지 않습니다.",
    "NO_CODES": "코드 필드가 존재하지 않습니다.",
    "WRONG_FORMAT": "Format 이 맞지 않습니다.",
    "INVALID_AUTH": "인증 정보가 올바르지 않습니다.",
    "Too Many Requests": "요청 수 제한을 초과했습니다.",
    "I'm a teapot": "요청이 차단되었습니다.",
}


class Format(StrEnum):
    """How frames are written: long or short keys, bare or each in a list of its own."""

    DEFAULT = "DEFAULT"
    SIMPLE = "SIMPLE"
    JSON_LIST = "JSON_LIST"
    SIMPLE_LIST = "SIMPLE_LIST"

    @property
    def short(self) -> bool:
        """Whether keys are short and prices plain."""
        return self in (Format.SIMPLE, Format.SIMPLE_LIST)

    @property
    def listed(self) -> bool:
        """Whether each frame is a list."""
        return self in (Format.JSON_LIST, Format.SIMPLE_LIST)


class WrongRequest(Exception):
    """The request is answered by the error frame `name`, and the socket is closed."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(name)
        self.name = name
        self.message = message or _MESSAGES[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One market of a subscription; `depth` counts for order books alone."""

    text: str
    market: Market
    depth: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One type object. `codes` holds what may be a market: the rest is silently ignored; `level` "0" groups nothing.

    For a private type no codes means all; `categories` none means all.
    """

    type: str
    codes: tuple[Code, ...] = ()
    snapshot: bool = True
    realtime: bool = True
    level: str = "0"
    categories: frozenset[str] = frozenset()
    include_body: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A whole request. `listing` asks for the present subscriptions; else `subscriptions` replace them."""

    ticket: str
    format: Format
    subscriptions: tuple[Subscription, ...] = ()
    listing: bool = False


_ANY = msgspec.json.Decoder(strict=True)


def parsed(message: str | bytes, largest: int) -> Asked:
    """Read a request of at most `largest` bytes; `WrongRequest` with the venue's own name for what is wrong."""
    if len(message) > largest:
        raise WrongRequest("WRONG_FORMAT")
    try:
        parts = _ANY.decode(message)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise WrongRequest("WRONG_FORMAT") from None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise WrongRequest("WRONG_FORMAT")
    ticket = next((part["ticket"] for part in parts if "ticket" in part), None)
    if not isinstance(ticket, str) or not ticket:
        raise WrongRequest("NO_TICKET")
    shape = _format([part["format"] for part in parts if "format" in part])
    methods = [part["method"] for part in parts if "method" in part]
    if methods:
        if methods != ["LIST_SUBSCRIPTIONS"]:
            raise WrongRequest("INVALID_PARAM", f"{_shown(methods[0])} 은 지원하지 않는 메소드입니다.")
        return Asked(ticket=ticket, format=shape, listing=True)
    wanted = tuple(_subscription(part) for part in parts if "type" in part)
    if not wanted:
        raise WrongRequest("NO_TYPE")
    return Asked(ticket=ticket, format=shape, subscriptions=wanted)


def _format(given: list[object]) -> Format:
    if not given:
        return Format.DEFAULT
    try:
        return Format(str(given[-1]))
    except ValueError:
        raise WrongRequest("WRONG_FORMAT") from None


def _subscription(part: Mapping[str, object]) -> Subscription:
    kind = part["type"]
    if not isinstance(kind, str) or kind not in PUBLIC | PRIVATE.keys():
        raise WrongRequest("INVALID_PARAM", f"{_shown(kind)} 은 지원하지 않는 타입입니다.")
    if kind == "announcement":
        return Subscription(
            type=kind,
            snapshot=False,
            categories=frozenset(_categories(part)),
            include_body=_flag(part, "include_body"),
        )
    texts = _texts(part, "codes")
    if kind == "myAsset":
        if texts:
            raise WrongRequest("INVALID_PARAM", "myAsset 은 codes 를 지원하지 않습니다.")
        return Subscription(type=kind, snapshot=False)
    codes = tuple(code for code in map(_code, texts) if code is not None)
    if kind == "myOrder":
        if texts and not codes:
            # Only unknown codes: that asks for nothing, which is not the same as asking for all.
            codes = (Code(text=texts[0], market=Market("")),)
        return Subscription(type=kind, codes=codes, snapshot=False)
    if not texts:
        raise WrongRequest("NO_CODES")
    only_snapshot = _flag(part, "is_only_snapshot", "isOnlySnapshot")
    only_realtime = _flag(part, "is_only_realtime", "isOnlyRealtime")
    if only_snapshot and only_realtime:
        raise WrongRequest("INVALID_PARAM", "is_only_snapshot, is_only_realtime 은 함께 쓸 수 없습니다.")
    return Subscription(
        type=kind, codes=codes, snapshot=not only_realtime, realtime=not only_snapshot, level=_level(part)
    )


def _texts(part: Mapping[str, object], name: str) -> list[str]:
    given = part.get(name)
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise WrongRequest("INVALID_PARAM", f"{name} 이 올바르지 않습니다.")
    return given


def _categories(part: Mapping[str, object]) -> list[str]:
    given = _texts(part, "categories")
    for each in given:
        if each not in CATEGORIES:
            raise WrongRequest("INVALID_PARAM", f"{_shown(each)} 은 지원하지 않는 카테고리입니다.")
    return given


def _code(text: str) -> Code | None:
    """A code with its depth; None for what can be no market, such as a lower-case one."""
    name, _, suffix = text.partition(".")
    if not is_market(name):
        return None
    depth = int(suffix) if suffix.isascii() and suffix.isdecimal() and len(suffix) < 3 else 30
    return Code(text=text, market=Market(name), depth=depth if depth in DEPTHS else 30)


def _flag(part: Mapping[str, object], *names: str) -> bool:
    for name in names:
        given = part.get(name)
        if given is None:
            continue
        if not isinstance(given, bool):
            raise WrongRequest("INVALID_PARAM", f"{name} 이 올바르지 않습니다.")
        return given
    return False


def _level(part: Mapping[str, object]) -> str:
    given = part.get("level")
    if given is None:
        return "0"
    if isinstance(given, bool) or not isinstance(given, int | float | str) or len(str(given)) > 30:
        raise WrongRequest("INVALID_PARAM", "level 이 올바르지 않습니다.")
    try:
        number = float(given)
    except ValueError:
        raise WrongRequest("INVALID_PARAM", "level 이 올바르지 않습니다.") from None
    if not 0 <= number < float("inf"):
        raise WrongRequest("INVALID_PARAM", "level 이 올바르지 않습니다.")
    return plain(Decimal(str(given))) if number else "0"


def _shown(given: object) -> str:
    return str(given)[:50]
