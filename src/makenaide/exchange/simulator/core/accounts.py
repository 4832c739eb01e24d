"""One customer of the venue."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

from makenaide.exchange.simulator.core.orders import Order
from makenaide.exchange.simulator.core.wallet import Wallet

_CREATED = attrgetter("created_at")


@dataclass(slots=True, kw_only=True, eq=False)
class Account:
    """Balances, every order ever by uuid, and every identifier ever used (None = burnt, no order has it).

    Nothing is ever forgotten, as an identifier is unique for ever; lists look only at what they may show.
    """

    name: str
    wallet: Wallet = field(default_factory=Wallet)
    orders: dict[str, Order] = field(default_factory=dict)
    identifiers: dict[str, Order | None] = field(default_factory=dict)
    history: list[Order] = field(default_factory=list)
    _live: list[Order] = field(default_factory=list)

    def add(self, order: Order) -> None:
        """Keep a new order: the latest that was created."""
        self.orders[order.uuid] = order
        self.history.append(order)
        self._live.append(order)
        if order.ticket.identifier is not None:
            self.identifiers[order.ticket.identifier] = order

    def live(self) -> list[Order]:
        """The orders that are open or watch, oldest first."""
        self._live = [order for order in self._live if order.live]
        return self._live

    def created(self, start: datetime, end: datetime) -> Sequence[Order]:
        """The orders created from `start` to `end`, both included, oldest first."""
        first = bisect_left(self.history, start, key=_CREATED)
        return self.history[first : bisect_right(self.history, end, key=_CREATED)]
