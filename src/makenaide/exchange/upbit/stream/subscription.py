"""What a stream is asked for, and the one message that asks (upbit-api.md, section 9.1).

A new request replaces the earlier one on the venue's side, so the message always holds the complete list.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market, market
from makenaide.exchange.upbit.stream.frames import (
    AnnouncementFrame,
    BookFrame,
    CandleFrame,
    Frame,
    MyAssetFrame,
    MyOrderFrame,
    TickerFrame,
    TradeFrame,
)
from makenaide.exchange.upbit.stream.wire import CANDLE_UNITS

REQUEST_LIMIT = 32 * 1024
"""Bytes of the longest request; all 855 codes in one message of 9.5 KB were served."""

DEPTHS = (1, 5, 15, 30)
"""How deep a book can be asked for; the venue answers other depths with 30."""

CANDLES = tuple(f"candle.{unit}" for unit in CANDLE_UNITS)
MARKET_TYPES = ("ticker", "trade", "orderbook", *CANDLES)
ACCOUNT_TYPES = ("myOrder", "myAsset", "announcement")

Snapshot = tuple[str, Market]
"""A type and a code whose snapshot is expected."""


class Delivery(StrEnum):
    """Which frames of a type are wanted: one snapshot per code and then the news, or one of the two alone."""

    BOTH = "both"
    SNAPSHOT = "is_only_snapshot"
    REALTIME = "is_only_realtime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One type with its codes and options; codes in any case, kept in upper case and without doubles.

    No codes = all (myOrder), or a type without codes. `depth` is for books, `categories` and `body` are for
    announcements (none = all). `Misconfigured` for what the venue does not offer.
    """

    type: str
    codes: tuple[Market, ...] = ()
    depth: int | None = None
    delivery: Delivery = Delivery.BOTH
    categories: tuple[str, ...] = ()
    body: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", tuple(dict.fromkeys(market(code) for code in self.codes)))
        if self.type not in MARKET_TYPES + ACCOUNT_TYPES:
            raise Misconfigured(f"stream type: expected one of {', '.join(MARKET_TYPES + ACCOUNT_TYPES)}")
        if self.type in MARKET_TYPES and not self.codes:
            raise Misconfigured(f"stream type {self.type}: expected at least one market code")
        if self.type in ("myAsset", "announcement") and self.codes:
            raise Misconfigured(f"stream type {self.type}: has no market codes")
        if self.depth is not None and (self.type != "orderbook" or self.depth not in DEPTHS):
            raise Misconfigured(
                f"stream depth: expected {DEPTHS} of an orderbook, got {self.depth} of {self.type}"
            )
        if (self.categories or self.body) and self.type != "announcement":
            raise Misconfigured(f"stream type {self.type}: categories and body are of announcements")

    @property
    def snapshots(self) -> frozenset[Snapshot]:
        """The snapshots that the venue owes for this; none for the account's own news."""
        if self.type not in MARKET_TYPES or self.delivery is Delivery.REALTIME:
            return frozenset()
        return frozenset((self.type, code) for code in self.codes)

    def spelled(self) -> dict[str, Any]:
        """The type object of the request."""
        suffix = "" if self.depth is None else f".{self.depth}"
        spelled: dict[str, Any] = {"type": self.type}
        if self.codes:
            spelled["codes"] = [f"{code}{suffix}" for code in self.codes]
        if self.categories:
            spelled["categories"] = list(self.categories)
        if self.body:
            spelled["include_body"] = True
        if self.delivery is not Delivery.BOTH:
            spelled[self.delivery.value] = True
        return spelled


@dataclass(frozen=True, slots=True)
class Subscription:
    """Everything that one connection is asked for. `Misconfigured` when public and private types are mixed."""

    wanted: tuple[Wanted, ...] = ()
    _pairs: frozenset[tuple[str, str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        types = [each.type for each in self.wanted]
        if len(set(types)) != len(types):
            raise Misconfigured(f"subscription: each type once, got {', '.join(types)}")
        if len({each.type in ACCOUNT_TYPES for each in self.wanted}) > 1:
            raise Misconfigured("subscription: the account's news and market data need a connection each")
        pairs = {(each.type, str(code)) for each in self.wanted for code in each.codes or ("",)}
        object.__setattr__(self, "_pairs", frozenset(pairs))
        if self and len(self.request("-" * 64)) > REQUEST_LIMIT:
            raise Misconfigured(f"subscription: longer than {REQUEST_LIMIT} bytes; ask for fewer codes")

    def __bool__(self) -> bool:
        return bool(self.wanted)

    @property
    def private(self) -> bool:
        """Needs the private endpoint and a token."""
        return any(each.type in ACCOUNT_TYPES for each in self.wanted)

    @property
    def snapshots(self) -> frozenset[Snapshot]:
        """Every snapshot that the venue owes."""
        return frozenset().union(*(each.snapshots for each in self.wanted))

    def request(self, ticket: str) -> str:
        """The whole message; `ticket` names the request and should be fresh."""
        parts = [{"ticket": ticket}, *(each.spelled() for each in self.wanted), {"format": "DEFAULT"}]
        return msgspec.json.encode(parts).decode()

    def busy(self, heartbeat: str) -> bool:
        """Whether the market `heartbeat`, which is never silent for long, is heard in it."""
        return any(
            heartbeat in each.codes and each.delivery is not Delivery.SNAPSHOT
            for each in self.wanted
            if each.type in ("ticker", "trade", "orderbook")
        )

    def includes(self, frame: Frame) -> bool:
        """Whether `frame` was asked for: a replaced subscription may go on for a moment."""
        place = snapshot_of(frame)
        if place is not None:
            return place in self._pairs
        match frame:
            case MyOrderFrame():
                return ("myOrder", frame.market) in self._pairs or ("myOrder", "") in self._pairs
            case MyAssetFrame():
                return ("myAsset", "") in self._pairs
            case AnnouncementFrame():
                return any(self._announces(each, frame) for each in self.wanted)
            case _:
                return True

    def _announces(self, each: Wanted, frame: AnnouncementFrame) -> bool:
        return each.type == "announcement" and (not each.categories or frame.category in each.categories)


def snapshot_of(frame: Frame) -> Snapshot | None:
    """The type and code that `frame` is of; None when the venue sends no snapshots of its kind."""
    match frame:
        case TickerFrame():
            return ("ticker", frame.market)
        case TradeFrame():
            return ("trade", frame.market)
        case BookFrame():
            return ("orderbook", frame.book.market)
        case CandleFrame():
            return (f"candle.{frame.unit}", frame.market)
        case _:
            return None


def books_of(markets: Sequence[Market], heartbeat: str) -> Subscription:
    """The best bid and ask of `markets`, beside the market whose silence tells that the stream is dead."""
    codes = sorted({*markets, *([market(heartbeat)] if heartbeat else [])}) if markets else []
    return Subscription((Wanted(type="orderbook", codes=tuple(codes), depth=1),) if codes else ())


def account_news(categories: Sequence[str] = ("trade", "maintenance")) -> Subscription:
    """Our orders, our balances and the venue's announcements of `categories`, on the one private connection."""
    return Subscription(
        (
            Wanted(type="myOrder"),
            Wanted(type="myAsset"),
            Wanted(type="announcement", categories=tuple(categories)),
        )
    )
