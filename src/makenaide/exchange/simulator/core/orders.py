"""An order at the venue: what was asked (`Ticket`), how it stands (`Order`), what it did (`Trade`).

Amounts follow upbit-api.md section 5 to the last digit: a bid locks its funds and its fee, an ask its volume; the
body of a closed order keeps the unspent part of its lock while the balance is released.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from makenaide.domain.market import Market, base_of, quote_of
from makenaide.domain.money import QUANTITY_STEP
from makenaide.domain.order import OrderType, Side, TimeInForce
from makenaide.exchange.simulator.core.wallet import EXACT
from makenaide.exchange.simulator.settings import SelfMatch

ZERO = Decimal(0)


class OrderStatus(StrEnum):
    """The venue's word for where an order stands; `watch` orders come from the app only."""

    WAIT = "wait"
    WATCH = "watch"
    DONE = "done"
    CANCEL = "cancel"


def truncated(volume: Decimal) -> Decimal:
    """`volume` with the venue's 8 decimals."""
    return volume.quantize(QUANTITY_STEP, ROUND_DOWN, context=EXACT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A valid wish: `price` a unit price (limit), `total` the funds to spend (price, best bid), `volume` coins."""

    market: Market
    side: Side
    type: OrderType
    price: Decimal | None = None
    total: Decimal | None = None
    volume: Decimal | None = None
    time_in_force: TimeInForce | None = None
    self_match: SelfMatch = SelfMatch.CANCEL_MAKER
    identifier: str | None = None

    @property
    def lock_currency(self) -> str:
        """What the order locks: the quote currency for a bid, the coin for an ask."""
        return quote_of(self.market) if self.side is Side.BID else base_of(self.market)

    @property
    def funds(self) -> Decimal:
        """The total that a bid may spend, or a limit ask hopes for; zero for a sell at any price."""
        if self.total is not None:
            return self.total
        return ZERO if self.price is None or self.volume is None else EXACT.multiply(self.price, self.volume)

    @property
    def rests(self) -> bool:
        """Whether what is not filled at once stays in the book."""
        return self.type is OrderType.LIMIT and self.time_in_force in (None, TimeInForce.POST_ONLY)

    def refuses(self, price: Decimal) -> bool:
        """Whether `price` is worse than the unit price of a limit order."""
        if self.price is None:
            return False
        return price > self.price if self.side is Side.BID else price < self.price

    def fee_reserve(self, fee: Decimal) -> Decimal:
        """A bid reserves its fee; an ask pays it from the proceeds."""
        return EXACT.multiply(self.funds, fee) if self.side is Side.BID else ZERO

    def lock(self, fee: Decimal) -> Decimal:
        """What the order locks of its `lock_currency`."""
        if self.side is Side.BID:
            return EXACT.add(self.funds, self.fee_reserve(fee))
        return self.volume or ZERO


@dataclass(frozen=True, slots=True)
class Trigger:
    """What wakes a watching order: the price reaches `price` from below (`rising`) or from above."""

    price: Decimal
    rising: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One execution as its order shows it; `taker` is the side that took, `funds` = price x volume."""

    uuid: str
    price: Decimal
    volume: Decimal
    funds: Decimal
    fee: Decimal
    taker: Side
    at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """How an order stands. `limit` is the worst unit price it takes (None = any); amounts only the settlement moves.

    `eligible_from`: a resting order that took the book is met again from the next minute only. `trigger` is set on an
    order that began as `watch`, `ending_at` when its cancel was asked for and is on its way.
    """

    number: int
    uuid: str
    account: str
    ticket: Ticket
    fee: Decimal
    created_at: datetime
    limit: Decimal | None
    eligible_from: datetime
    status: OrderStatus = OrderStatus.WAIT
    locked: Decimal = ZERO
    executed: Decimal = ZERO
    funds: Decimal = ZERO
    paid_fee: Decimal = ZERO
    prevented_volume: Decimal = ZERO
    prevented_funds: Decimal = ZERO
    prevented_locked: Decimal = ZERO
    trades: list[Trade] = field(default_factory=list)
    trigger: Trigger | None = None
    ending_at: datetime | None = None

    @property
    def market(self) -> Market:
        """The market it was placed in."""
        return self.ticket.market

    @property
    def side(self) -> Side:
        """Which way it goes."""
        return self.ticket.side

    @property
    def open(self) -> bool:
        """Whether it may still trade."""
        return self.status is OrderStatus.WAIT

    @property
    def live(self) -> bool:
        """Whether it may still be cancelled: it trades, or waits for its trigger."""
        return self.status in (OrderStatus.WAIT, OrderStatus.WATCH)

    @property
    def reserved_fee(self) -> Decimal:
        """The fee that was set aside at acceptance."""
        return self.ticket.fee_reserve(self.fee)

    @property
    def remaining_fee(self) -> Decimal:
        """What is left of the reserve; zero for an ask, which reserves nothing."""
        return EXACT.subtract(self.reserved_fee, self.paid_fee) if self.side is Side.BID else ZERO

    @property
    def remaining(self) -> Decimal | None:
        """The volume still to do; None for an order by total."""
        if self.ticket.volume is None:
            return None
        return self.ticket.volume - self.executed - self.prevented_volume

    @property
    def complete(self) -> bool:
        """Whether all that was asked was traded: exactly, to the last digit (upbit-api.md section 5)."""
        if self.ticket.volume is None:
            return self.funds == self.ticket.total
        return self.executed == self.ticket.volume

    def wanted(self, price: Decimal) -> Decimal:
        """The volume still wanted at `price`, in the venue's 8 decimals; zero when nothing more can be had."""
        if self.remaining is not None:
            return self.remaining
        return truncated(EXACT.divide(self.ticket.funds - self.funds - self.prevented_funds, price))

    def refuses(self, price: Decimal) -> bool:
        """Whether `price` is worse than the order's limit."""
        if self.limit is None:
            return False
        return price > self.limit if self.side is Side.BID else price < self.limit
