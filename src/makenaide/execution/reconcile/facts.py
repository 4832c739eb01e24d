"""What reconciling looks at, and what it may say of it: plain values between the look, the judge and the books."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from makenaide.domain.market import Market
from makenaide.domain.money import Quantity
from makenaide.domain.order import PositionId, Side
from makenaide.ledger.fill import Fill
from makenaide.ledger.lots import Lot, LotChange
from makenaide.ledger.postings import Posting
from makenaide.store.reconciliation import FindingKind

# ---- what happened without us ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A transfer that is over: `amount` came in (above zero) or went out with its fee; its `source` is unique.

    `begun` is when it was announced, which may have moved the balance already; None: not known.
    """

    source: str
    currency: str
    amount: Decimal
    at: datetime
    evidence: Mapping[str, str]
    begun: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """One trade of an order that is not ours; `source` is the trade's id, `order` the order's, at the venue.

    `funds` and `fee` in the market's quote currency.
    """

    source: str
    order: str
    market: Market
    side: Side
    price: Decimal
    volume: Decimal
    funds: Decimal
    fee: Decimal
    at: datetime


Event = Moved | Traded


# ---- what the books hold ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One open position, as far as a sale by a person touches it: only one after `opened_at` (aware) can."""

    position_id: PositionId
    market: Market
    quantity: Quantity
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The person's lots by currency, and our positions, oldest first."""

    lots: Mapping[str, Lot]
    positions: tuple[Held, ...]


# ---- what may be said ----


class Cause(StrEnum):
    """What explains a change: what it is booked as."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    MANUAL_BUY = "manual_buy"
    MANUAL_SELL = "manual_sell"
    DUST = "dust"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrink:
    """A sale of coins of ours by a person: the fill of an order row of leg "m" in `position_id`."""

    position_id: PositionId
    fill: Fill
    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One source's lines: won that the person brought or took, coins of the person, or a position that shrank.

    `rounded`: a currency and what rounding takes back of it.
    """

    source: str
    at: datetime
    krw: Decimal = Decimal(0)
    lots: tuple[LotChange, ...] = ()
    shrink: Shrink | None = None
    rounded: tuple[str, Decimal] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """Books and balance are equal."""

    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """It is known what this was; `bookings` make the books tell it."""

    cause: Cause
    event: Event
    bookings: tuple[Booking, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dust:
    """A difference that rounding makes: `lines` book it to the rounding account."""

    currency: str
    lines: tuple[Posting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Nobody can explain it: a finding. It closes `market`, or the account when it is about won."""

    kind: FindingKind
    subject: str
    currency: str | None
    market: Market | None
    evidence: Mapping[str, Any]

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.evidence.items() if isinstance(value, str))
        return f"{self.subject}: {told}"


Verdict = Same | Explained | Dust | Unknown
