"""An order's request, its derived identifier, the answers to a send, and its life as a pure state machine.

The protocol is design decision `docs/why/0003-order-protocol.md`: an identifier is derived, an intent is
committed before it is sent, whatever is not plainly accepted or plainly refused is *unknown*, and an unknown
is settled by asking for the identifier and by sending the very same one again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType, assert_never

from makenaide.domain.clock import kst
from makenaide.domain.errors import Inconsistent
from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity

PositionId = NewType("PositionId", str)
"""MARKET-yyyymmddThhmm of the entry slot in KST, such as KRW-BTC-20260105T0900."""

Identifier = NewType("Identifier", str)
"""The venue's idempotency key: mk1-<installation>-<position>-<e|x><nn>, unique for ever."""

_IDENTIFIER = re.compile(r"mk1-[0-9a-f]{4}-[A-Z0-9]+-[A-Z0-9]+-\d{8}T\d{4}-[ex]\d{2,}")


class Side(StrEnum):
    """Which way the coins go: BID buys them, ASK sells them."""

    BID = "bid"
    ASK = "ask"


class OrderType(StrEnum):
    """Upbit's order types; PRICE is a market buy for a total, MARKET a market sell of a volume."""

    LIMIT = "limit"
    PRICE = "price"
    MARKET = "market"
    BEST = "best"


class TimeInForce(StrEnum):
    """Immediate or cancel; fill or kill; post only."""

    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"


class Leg(StrEnum):
    """The role of an order in its position: E enters, X exits; M was a person's doing, and is never sent by us."""

    ENTRY = "e"
    EXIT = "x"
    MANUAL = "m"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What is asked of the venue. `price` is a unit price (limit); `total` the won to spend (market buy)."""

    market: Market
    side: Side
    type: OrderType
    identifier: Identifier
    price: Price | None = None
    volume: Quantity | None = None
    total: Krw | None = None
    time_in_force: TimeInForce | None = None


def position_id(market: Market, slot: datetime) -> PositionId:
    """The family name of all orders of the position that is entered in `slot`."""
    return PositionId(f"{market}-{kst(slot):%Y%m%dT%H%M}")


def identifier(installation: str, position: PositionId, leg: Leg, number: int) -> Identifier:
    """The derived identifier of the `number`-th entry or exit; ValueError when it breaks the venue's form.

    `identifier("7f3a", "KRW-BTC-20260105T0900", Leg.EXIT, 1)` is "mk1-7f3a-KRW-BTC-20260105T0900-x01".
    """
    text = f"mk1-{installation}-{position}-{leg}{number:02d}"
    if not _IDENTIFIER.fullmatch(text) or len(text) > 64 or number < 1:
        raise ValueError(f"identifier: {text!r} is not mk1-<4 hex>-<position>-<e|x><nn> within 64 characters")
    return Identifier(text)


# ---- answers to one send ----


@dataclass(frozen=True, slots=True)
class NotSent:
    """The connection never opened: nothing reached the venue."""

    cause: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The venue answered 2xx with its own order id."""

    uuid: str


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """429 or 418, whatever the body: not taken; the same identifier may be sent after `wait` seconds."""

    wait: float


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refusal that the venue's documents list by name."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """`duplicated_identifier`: an earlier send with this identifier did arrive."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Everything else: the order may or may not exist."""

    cause: str


Answer = NotSent | Accepted | NotAccepted | Rejected | Duplicate | NoAnswer


# ---- what a look by identifier shows ----


@dataclass(frozen=True, slots=True)
class Sending:
    """A send is about to happen; written before it."""


@dataclass(frozen=True, slots=True)
class Found:
    """The venue knows the order; `closed` once it is done or cancelled there."""

    uuid: str
    closed: bool


@dataclass(frozen=True, slots=True)
class Absent:
    """The venue does not know the identifier at this moment."""


@dataclass(frozen=True, slots=True)
class Voided:
    """It is proven that the attempt neither exists nor can come to exist."""

    proof: str


@dataclass(frozen=True, slots=True)
class Burning:
    """The identifier of an unwanted order is about to be spent on a bid that cannot fill; written before it."""

    price: Price
    volume: Quantity


@dataclass(frozen=True, slots=True)
class Overtaken:
    """What is asked for under this identifier is another volume, by `sender`: the other process came first with it,
    or less is left to sell than when it was committed.

    `with_dust`: what of its volume is dust of earlier positions, as text by position.
    """

    sender: str
    volume: Quantity
    reason: str
    with_dust: Mapping[str, str]


Event = Sending | Answer | Found | Absent | Voided | Burning | Overtaken


class OrderState(StrEnum):
    """PLANNED is committed and certainly not at the venue; SENT and UNKNOWN may be there; the rest is known."""

    PLANNED = "planned"
    SENT = "sent"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    CLOSED = "closed"
    REJECTED = "rejected"
    VOID = "void"

    @property
    def terminal(self) -> bool:
        """Nothing can happen to the order any more."""
        return self in (OrderState.CLOSED, OrderState.REJECTED, OrderState.VOID)

    @property
    def doubtful(self) -> bool:
        """The order may exist at the venue without our knowing: its market is closed to new intents."""
        return self in (OrderState.SENT, OrderState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class OrderLife:
    """Where an order stands.

    `doubt`: an earlier send may have arrived, so a refusal proves nothing. `spent`: the venue has said that the
    identifier is used, so that no further send can change anything.
    """

    state: OrderState = OrderState.PLANNED
    doubt: bool = False
    uuid: str | None = None
    spent: bool = False


def advance(life: OrderLife, event: Event) -> OrderLife:
    """The next state of `life` after `event`; `Inconsistent` when the event cannot follow. Pure.

    A refusal is final on a first send only; after any send that may have arrived it is just another unknown.
    """
    if life.state.terminal and not (isinstance(event, Overtaken) and life.state is not OrderState.CLOSED):
        raise Inconsistent(f"an order that is {life.state} met {event}")
    match event:
        case Sending():
            return _sending(life)
        case Burning():
            return _burning(life)
        case Overtaken():
            return _overtaken(life)
        case Found(uuid, closed):
            return replace(life, state=OrderState.CLOSED if closed else OrderState.ACCEPTED, uuid=uuid)
        case Absent():
            return _absent(life)
        case Voided():
            if life.state is OrderState.ACCEPTED:
                raise Inconsistent(f"an order that is {life.state} cannot be void")
            return replace(life, state=OrderState.VOID)
        case _:
            return _answered(life, event)


def _answered(life: OrderLife, answer: Answer) -> OrderLife:
    match answer:
        case Accepted(uuid):
            then = replace(life, state=OrderState.ACCEPTED, uuid=uuid)
        case NotSent() | NotAccepted():
            then = replace(life, state=OrderState.UNKNOWN if life.doubt else OrderState.PLANNED)
        case Rejected():
            then = replace(life, state=OrderState.UNKNOWN if life.doubt else OrderState.REJECTED)
        case Duplicate():
            then = replace(life, state=OrderState.UNKNOWN, doubt=True, spent=True)
        case NoAnswer():
            then = replace(life, state=OrderState.UNKNOWN, doubt=True)
        case _:
            assert_never(answer)
    if life.state is not OrderState.SENT:
        raise Inconsistent(f"an order that is {life.state} got the answer {answer}")
    return then


def _sending(life: OrderLife) -> OrderLife:
    if life.state is OrderState.ACCEPTED:
        raise Inconsistent("an accepted order is never sent again")
    # A send that was never answered (a crash in between) is a doubt for the next one.
    return replace(life, state=OrderState.SENT, doubt=life.doubt or life.state.doubtful)


def _burning(life: OrderLife) -> OrderLife:
    if not life.state.doubtful:
        raise Inconsistent(f"an order that is {life.state} is not burnt: nothing of it is in doubt")
    return replace(life, state=OrderState.SENT, doubt=True)


def _overtaken(life: OrderLife) -> OrderLife:
    # One that was refused or void here may have been sent by the other process since: the number is shared.
    if life.state is OrderState.ACCEPTED:
        raise Inconsistent(f"an order that is {life.state} cannot have been overtaken")
    return life if life.state is OrderState.PLANNED else replace(life, state=OrderState.UNKNOWN, doubt=True)


def _absent(life: OrderLife) -> OrderLife:
    if life.state is OrderState.ACCEPTED:
        raise Inconsistent(f"accepted order {life.uuid} is unknown to the venue")
    if life.state is OrderState.PLANNED:
        return life
    return replace(life, state=OrderState.UNKNOWN, doubt=True)
