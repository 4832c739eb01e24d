"""Reading the venue's replies and frames: bytes into typed rows, and numbers and times into domain values.

Whatever does not fit raises `VenueGarbled`, naming the call and the JSON path: half a reply is never used, and no
more than a few words of it are ever quoted.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import msgspec

from makenaide.domain.clock import utc
from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market, market
from makenaide.domain.money import Price, Quantity
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.rows import PlacedRow, RefusalBody, UnitRow
from makenaide.exchange.venue import Book, Level

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = 30
"""Amounts have fewer digits than this on either side of the point: 1e999999999 is garbage, and a memory bomb."""
_LONGEST = 2 * _DIGITS + 3
"""Characters: so many digits, a sign, a zero and the point."""
_ZERO = Decimal(0)

_NAME = 60
_MESSAGE = 200
"""No more characters than these are kept of a refusal: a message is text of somebody else, of any length."""

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Refused:
    """An error object of the venue, its name as text (quotation errors carry a number there)."""

    name: str
    message: str


def read(call: str, body: bytes, kind: type[T]) -> T:
    """`body` as `kind`; `VenueGarbled` naming `call` and the JSON path."""
    try:
        return msgspec.json.decode(body, type=kind)
    except _UNREADABLE as cause:
        raise VenueGarbled(f"{call}: {cause}") from cause


def refusal(body: bytes) -> Refused | None:
    """The error object in `body`; None when there is none (plain text, HTML, nothing). Long texts are cut."""
    try:
        error = msgspec.json.decode(body, type=RefusalBody).error
    except _UNREADABLE:
        return None
    return Refused(str(error.name)[:_NAME], error.message[:_MESSAGE])


def placed_uuid(body: bytes, identifier: str | None = None) -> str | None:
    """The venue's id of a new order; None when the reply carries none, or speaks of another than `identifier`."""
    try:
        row = msgspec.json.decode(body, type=PlacedRow)
    except _UNREADABLE:
        return None
    return row.uuid if row.identifier in (None, identifier) or identifier is None else None


def valued(kind: Callable[[Decimal], T], number: Decimal, at: str) -> T:
    """`number` as `kind` (`Price`, `Quantity`, `amount`); `VenueGarbled` at `at` when it is none."""
    try:
        return kind(sensible(number))
    except ValueError as cause:
        raise VenueGarbled(f"{at}: {cause}") from cause


def sensible(number: Decimal) -> Decimal:
    """`number` itself, plain 0 for any zero; ValueError for what is not finite, too large or too long."""
    if not number:
        return _ZERO  # 0E-999999 would be spelled out somewhere
    # First, because a NaN has no magnitude.
    if not number.is_finite():
        raise ValueError(f"not a finite number: {number}")
    if not -_DIGITS < number.adjusted() < _DIGITS or len(str(number)) > _LONGEST:
        raise ValueError(f"not a sensible amount: {number:.3E} of {len(number.as_tuple().digits)} digits")
    return number


def amount(number: Decimal) -> Decimal:
    """`number` itself; ValueError when it is below zero."""
    if number < 0:
        raise ValueError(f"below zero: {number}")
    return number


def book(code: Market, millis: int, units: Iterable[UnitRow]) -> Book:
    """The book of `code`, best first, without the padding of thin sides; ValueError for prices that are none."""
    bids: list[Level] = []
    asks: list[Level] = []
    for unit in units:
        if unit.bid_price and unit.bid_size:
            bids.append(Level(Price(sensible(unit.bid_price)), Quantity(sensible(unit.bid_size))))
        if unit.ask_price and unit.ask_size:
            asks.append(Level(Price(sensible(unit.ask_price)), Quantity(sensible(unit.ask_size))))
    bids.sort(key=_level_price, reverse=True)
    asks.sort(key=_level_price)
    return Book(market=code, at=instant(millis), bids=tuple(bids), asks=tuple(asks))


def _level_price(level: Level) -> Decimal:
    return level.price.value


def moment(at: datetime, where: str) -> datetime:
    """`at` in UTC; `VenueGarbled` at the very ends of the calendar."""
    try:
        return utc(at)
    except OverflowError as cause:
        raise VenueGarbled(f"{where}: not a sensible time: {at}") from cause


def instant(millis: int) -> datetime:
    """Milliseconds since 1970 as a time in UTC."""
    return EPOCH + timedelta(milliseconds=millis)


def coded(text: str, at: str) -> Market:
    """`text` as a market code; `VenueGarbled` when it is none."""
    try:
        return market(text)
    except UnknownMarket as cause:
        raise VenueGarbled(f"{at}.market: {cause}") from cause
