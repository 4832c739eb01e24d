"""Where money moves: every fill, lock and release, so that nothing is ever made or lost.

The street (all the other traders), the venue's fee box and the world outside (deposits, withdrawals) are books too:
the sum over accounts, street, fees and outside of each currency never changes after the accounts' funding.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from makenaide.domain.errors import Inconsistent
from makenaide.domain.market import base_of, quote_of
from makenaide.domain.order import Side
from makenaide.exchange.simulator.core.agenda import Agenda, Arrival
from makenaide.exchange.simulator.core.feed import Feed, OrderNews
from makenaide.exchange.simulator.core.orders import Order, OrderStatus, Trade
from makenaide.exchange.simulator.core.prints import Prints
from makenaide.exchange.simulator.core.wallet import Wallet
from makenaide.exchange.simulator.settings import VenueSettings

Deal = tuple[Decimal, Decimal]
"""A price and a volume."""


class Settlement:
    """Books executions to wallets and orders. `trade_id` hands out the next trade's uuid."""

    def __init__(
        self, wallets: Mapping[str, Wallet], settings: VenueSettings, agenda: Agenda, trade_id: Callable[[], str]
    ) -> None:
        self._wallets = wallets
        self._trade_id = trade_id
        self._agenda = agenda
        self._lag = timedelta(milliseconds=settings.balance_lag_ms)
        self._average_with_fee = settings.average_with_fee
        self.feed = Feed()
        self.prints = Prints()
        self.street: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.fees: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.outside: defaultdict[str, Decimal] = defaultdict(Decimal)

    def accept(self, order: Order) -> None:
        """Lock what `order` needs; the caller has checked that it is there."""
        order.locked = order.ticket.lock(order.fee)
        self._wallets[order.account].lock(order.ticket.lock_currency, order.locked)
        self.feed.ordered(order, order.created_at)
        self._moved(order, order.created_at)

    def take(self, taker: Order, maker: Order | None, deal: Deal, at: datetime) -> None:
        """`taker` trades a volume at a price with `maker`, or with the street when that is None."""
        uuid = self._trade_id()
        self.feed.printed(taker.market, self.prints.add(taker.market, deal, taker.side, at), at)
        self._fill(taker, uuid, deal, taker.side, at)
        if maker is None:
            self._street(taker, deal)
        else:
            self._fill(maker, uuid, deal, taker.side, at)

    def met(self, resting: Order, volume: Decimal, at: datetime) -> None:
        """The street takes `volume` of a `resting` order at that order's own price."""
        price = resting.ticket.price
        if price is None:
            raise Inconsistent(f"order {resting.uuid} has no price to rest at")
        taker = Side.ASK if resting.side is Side.BID else Side.BID
        self.feed.printed(resting.market, self.prints.add(resting.market, (price, volume), taker, at), at)
        self._fill(resting, self._trade_id(), (price, volume), taker, at)
        self._street(resting, (price, volume))

    def prevent(self, order: Order, deal: Deal, at: datetime) -> None:
        """Take a volume off `order` without a trade: a self-match was prevented at a price."""
        price, volume = deal
        if order.side is Side.BID:
            funds = (order.ticket.price or price) * volume
            released = funds * (1 + order.fee)
            order.prevented_funds += funds
        else:
            released = volume
        order.prevented_volume += volume
        order.prevented_locked += released
        order.locked -= released
        self.feed.ordered(order, at, OrderNews.PREVENTED)
        self._release(order, released, at)

    def close(self, order: Order, at: datetime) -> None:
        """End `order`: done if all of it was traded, else cancelled; its lock is released, its body keeps it."""
        order.status = OrderStatus.DONE if order.complete else OrderStatus.CANCEL
        self.feed.ordered(order, at)
        self._release(order, order.locked, at)

    def hand_over(self, order: Order, at: datetime) -> None:
        """Cancel `order` for its heir: the lock is free at once, whatever the lag."""
        order.status = OrderStatus.CANCEL
        self.feed.ordered(order, at)
        self._wallets[order.account].release(order.ticket.lock_currency, order.locked)
        self._moved(order, at)

    def arrive(self, arrival: Arrival, at: datetime) -> None:
        """What was pending is free."""
        wallet = self._wallets[arrival.account]
        wallet.arrive(arrival.currency, arrival.amount)
        self.feed.moved(arrival.account, wallet, [arrival.currency], at)

    def state(self) -> list[str]:
        """The books beside the accounts in words, for comparing two venues."""
        books = {"street": self.street, "fees": self.fees, "outside": self.outside}
        return [f"{name} {sorted(book.items())}" for name, book in books.items()] + self.feed.state()

    def _release(self, order: Order, amount: Decimal, at: datetime) -> None:
        currency = order.ticket.lock_currency
        later = self._later(order.account, currency, amount, at)
        self._wallets[order.account].release(currency, amount, later=later)
        if amount:
            self._moved(order, at)

    def _moved(self, order: Order, at: datetime) -> None:
        self.feed.moved(order.account, self._wallets[order.account], [order.ticket.lock_currency], at)

    def _later(self, account: str, currency: str, amount: Decimal, at: datetime) -> bool:
        """Whether `amount` is seen only after the lag; then its arrival is on the agenda."""
        if not self._lag or not amount:
            return False
        self._agenda.add(at + self._lag, Arrival(account=account, currency=currency, amount=amount))
        return True

    def _fill(self, order: Order, uuid: str, deal: Deal, taker: Side, at: datetime) -> None:
        price, volume = deal
        funds = price * volume
        fee = funds * order.fee
        wallet = self._wallets[order.account]
        base, quote = base_of(order.market), quote_of(order.market)
        if order.side is Side.BID:
            wallet.spend(quote, funds + fee)
            order.locked -= funds + fee
            # The average is in KRW: a coin bought with BTC or USDT keeps the average that it had.
            krw = funds + fee if self._average_with_fee else funds
            paid = krw if quote == "KRW" else wallet.holding(base).average * volume
            wallet.bought(base, volume, paid, later=self._later(order.account, base, volume, at))
        else:
            wallet.spend(base, volume)
            order.locked -= volume
            later = self._later(order.account, quote, funds - fee, at)
            wallet.credit(quote, funds - fee, later=later)
        self.fees[quote] += fee
        order.executed += volume
        order.funds += funds
        order.paid_fee += fee
        order.trades.append(Trade(uuid=uuid, price=price, volume=volume, funds=funds, fee=fee, taker=taker, at=at))
        self.feed.traded(order, order.trades[-1])
        self.feed.moved(order.account, wallet, [base, quote], at)

    def _street(self, order: Order, deal: Deal) -> None:
        price, volume = deal
        sign = 1 if order.side is Side.BID else -1
        self.street[quote_of(order.market)] += sign * price * volume
        self.street[base_of(order.market)] -= sign * volume
