"""Reading the venue's replies: bytes into typed rows, and numbers and times into domain values.

Whatever does not fit raises `VenueGarbled`, naming the call and the JSON path: half a reply is never used, and no
more than a few words of it are ever quoted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import msgspec

from makenaide.domain.clock import utc
from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market, market
from makenaide.domain.money import exact
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.upbit.rows import PlacedRow, RefusalBody

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = 30
"""Amounts have fewer digits than this on either side of the point: 1e999999999 is garbage, and a memory bomb."""

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
        return kind(_sensible(number))
    except ValueError as cause:
        raise VenueGarbled(f"{at}: {cause}") from cause


def _sensible(number: Decimal) -> Decimal:
    # Finite first: a NaN has no magnitude.
    if not exact(number):
        return Decimal(0)  # 0E-999999 would be spelled out somewhere
    if not -_DIGITS < number.adjusted() < _DIGITS:
        raise ValueError(f"not a sensible amount: {number:.3E}")
    if len(number.as_tuple().digits) > 2 * _DIGITS:
        raise ValueError(f"not a sensible amount: {number:.3E} with {len(number.as_tuple().digits)} digits")
    return number


def amount(number: Decimal) -> Decimal:
    """`number` itself; ValueError when it is below zero."""
    if number < 0:
        raise ValueError(f"below zero: {number}")
    return number


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
