"""What the calls that go beyond the port bring: unions where an answer may stay out, never a guess."""

from dataclasses import dataclass

from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import (
    Duplicate,
    Identifier,
    NoAnswer,
    NotAccepted,
    NotSent,
    OrderType,
    Rejected,
    TimeInForce,
)
from makenaide.exchange.venue import PlacedOrder

# ---- cancelling many ----


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedOrder:
    """An order by its names."""

    uuid: str
    market: Market
    identifier: Identifier | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancels:
    """What became of a cancellation of many orders.

    `taken` are requests, not ends: look at the orders again. `failed` cannot be cancelled. `unknown` are those of
    which no reply spoke, `causes` says why.
    """

    taken: tuple[NamedOrder, ...] = ()
    failed: tuple[NamedOrder, ...] = ()
    unknown: tuple[Identifier, ...] = ()
    causes: tuple[str, ...] = ()


# ---- cancel and new ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """The new order of a cancel-and-new, in the market and on the side of the old one.

    `volume` None takes what remains of the old one; `price` is a unit price, `total` what a buy spends.
    """

    type: OrderType
    identifier: Identifier
    price: Price | None = None
    total: Krw | None = None
    volume: Quantity | None = None
    time_in_force: TimeInForce | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """The exchange was taken. `old` is the order as it was then, `uuid` the venue's id of the new one.

    The new order comes only after the old one's end: if that fills first, there never is a new one.
    """

    old: PlacedOrder
    uuid: str


Replacing = Replaced | NotSent | NotAccepted | Rejected | Duplicate | NoAnswer
"""What one send of a cancel-and-new brought; after `NoAnswer` both orders are in doubt."""


# ---- test orders ----


@dataclass(frozen=True, slots=True)
class Passed:
    """The venue would take that order now."""


Tested = Passed | NotSent | NotAccepted | Rejected | NoAnswer
"""What a test order brought; nothing was made in any case."""


# ---- probes ----


@dataclass(frozen=True, slots=True)
class HasRight:
    """The key can withdraw (or could, once a lock is lifted): it must not be used for trading."""


@dataclass(frozen=True, slots=True)
class NoRight:
    """The venue says that the key may not withdraw."""


@dataclass(frozen=True, slots=True)
class ListedRights:
    """The venue shows the key the list of keys with their rights, which only one that manages pockets may see.

    `rights` are the key's own, in the venue's words (upbit-api.md, section 3).
    """

    rights: frozenset[str]


@dataclass(frozen=True, slots=True)
class Allowed:
    """The venue answers the key from here."""


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The venue refuses this machine's address for the key."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """The probe says nothing either way: never read it as a pass."""

    cause: str


WithdrawalRight = HasRight | NoRight | Unclear
AddressRight = Allowed | NotAllowed | Unclear
KeyRight = ListedRights | NoRight | Unclear
