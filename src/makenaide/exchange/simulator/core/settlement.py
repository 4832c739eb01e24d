"""Where money moves: every fill, lock and release, so that nothing is ever made or lost.

The street (all the other traders) and the venue's fee box are books too: the sum over accounts, street and fees of
each currency never changes after the accounts' funding.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from makenaide.domain.errors import Inconsistent
from makenaide.domain.market import base_of, quote_of
from makenaide.domain.order import Side
from makenaide.exchange.simulator.core.orders import Order, OrderStatus, Trade
from makenaide.exchange.simulator.core.wallet import Wallet


class Settlement:
    """Books executions to wallets and orders. `trade_id` hands out the next trade's uuid."""

    def __init__(self, wallets: Mapping[str, Wallet], trade_id: Callable[[], str]) -> None:
        self._wallets = wallets
        self._trade_id = trade_id
        self.street: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.fees: defaultdict[str, Decimal] = defaultdict(Decimal)

    def accept(self, order: Order) -> None:
        """Lock what `order` needs; the caller has checked that it is there."""
        order.locked = order.ticket.lock(order.fee)
        self._wallets[order.account].lock(order.ticket.lock_currency, order.locked)

    def take(self, taker: Order, maker: Order | None, price: Decimal, volume: Decimal, at: datetime) -> None:
        """`taker` trades `volume` at `price` with `maker`, or with the street when that is None."""
        uuid = self._trade_id()
        self._fill(taker, uuid, (price, volume), taker.side, at)
        if maker is None:
            self._street(taker, price, volume)
        else:
            self._fill(maker, uuid, (price, volume), taker.side, at)

    def met(self, resting: Order, volume: Decimal, at: datetime) -> None:
        """The street takes `volume` of a `resting` order at that order's own price."""
        price = resting.ticket.price
        if price is None:
            raise Inconsistent(f"order {resting.uuid} has no price to rest at")
        taker = Side.ASK if resting.side is Side.BID else Side.BID
        self._fill(resting, self._trade_id(), (price, volume), taker, at)
        self._street(resting, price, volume)

    def prevent(self, order: Order, volume: Decimal, price: Decimal) -> None:
        """Take `volume` off `order` without a trade: a self-match was prevented at `price`."""
        if order.side is Side.BID:
            funds = (order.ticket.price or price) * volume
            released = funds * (1 + order.fee)
            order.prevented_funds += funds
        else:
            released = volume
        order.prevented_volume += volume
        order.prevented_locked += released
        order.locked -= released
        self._wallets[order.account].release(order.ticket.lock_currency, released)

    def close(self, order: Order) -> None:
        """End `order`: done if all of it was traded, else cancelled; its lock is released, its body keeps it."""
        order.status = OrderStatus.DONE if order.complete else OrderStatus.CANCEL
        self._wallets[order.account].release(order.ticket.lock_currency, order.locked)

    def _fill(self, order: Order, uuid: str, deal: tuple[Decimal, Decimal], taker: Side, at: datetime) -> None:
        price, volume = deal
        funds = price * volume
        fee = funds * order.fee
        wallet = self._wallets[order.account]
        base, quote = base_of(order.market), quote_of(order.market)
        if order.side is Side.BID:
            wallet.spend(quote, funds + fee)
            order.locked -= funds + fee
            # The average is in KRW: a coin bought with BTC or USDT keeps the average that it had.
            paid = funds if quote == "KRW" else wallet.holding(base).average * volume
            wallet.bought(base, volume, paid)
        else:
            wallet.spend(base, volume)
            order.locked -= volume
            wallet.credit(quote, funds - fee)
        self.fees[quote] += fee
        order.executed += volume
        order.funds += funds
        order.paid_fee += fee
        order.trades.append(Trade(uuid=uuid, price=price, volume=volume, funds=funds, fee=fee, taker=taker, at=at))

    def _street(self, order: Order, price: Decimal, volume: Decimal) -> None:
        sign = 1 if order.side is Side.BID else -1
        self.street[quote_of(order.market)] += sign * price * volume
        self.street[base_of(order.market)] -= sign * volume
