"""The venue core: accounts, orders and time, as a pure function of the commands it was given.

No socket, no clock, no randomness: time moves only by `advance` and `watch`, ids are derived from the seed and a
counter, so the same commands give the same venue to the last byte. A command is checked, then written to the
journal, then done; what the journal cannot keep is not done (`commandlog`).
"""

from collections.abc import Mapping
from copy import copy
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Protocol
from uuid import NAMESPACE_OID, uuid5

from makenaide.domain.clock import utc
from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market
from makenaide.domain.money import plain
from makenaide.domain.order import Side
from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.admission import admit, require_online
from makenaide.exchange.simulator.core.errors import Refused, refused
from makenaide.exchange.simulator.core.floor import Floor
from makenaide.exchange.simulator.core.matching import execute
from makenaide.exchange.simulator.core.orders import Order, Ticket
from makenaide.exchange.simulator.core.resting import Resting
from makenaide.exchange.simulator.core.settlement import Settlement
from makenaide.exchange.simulator.core.validation import IDENTIFIER_LENGTH, Body, body_of
from makenaide.exchange.simulator.core.wallet import EXACT, Wallet
from makenaide.exchange.simulator.market import MarketData
from makenaide.exchange.simulator.settings import RejectedIdentifier, VenueSettings
from makenaide.exchange.venue import Fence

_MINUTE = timedelta(minutes=1)


class Journal(Protocol):
    """Keeps every command that changes the venue; raises `DiskFull` or `Unavailable` when it cannot."""

    def append(self, at: datetime, command: str, body: Mapping[str, object]) -> None:
        """Return once the command is durable."""
        ...


class Venue:
    """A simulated Upbit over `data`. Time starts at the data's first slot; the venue's refusals are `Refused`."""

    def __init__(self, data: MarketData, settings: VenueSettings, journal: Journal | None = None) -> None:
        self.data = data
        self.settings = settings
        self.journal = journal
        self.accounts: dict[str, Account] = {}
        self._wallets: dict[str, Wallet] = {}
        self._ids = {"order": 0, "trade": 0}
        self.settlement = Settlement(self._wallets, lambda: self._id("trade"))
        self._resting = Resting(data, self.settlement)
        self.floor = Floor(data, self._resting)

    @property
    def now(self) -> datetime:
        """The venue's time, aware UTC."""
        return self.floor.now

    def open_account(self, name: str, balances: Mapping[str, Decimal]) -> Account:
        """A new account that holds `balances`; `Misconfigured` if it exists or a balance is negative."""
        if name in self.accounts or not name:
            raise Misconfigured(f"account: {name!r} is open already" if name else "account: a name is needed")
        for currency, amount in balances.items():
            if not amount.is_finite() or amount < 0:
                raise Misconfigured(f"account {name}: {currency} must be at least 0, got {amount}")
        self._log("open", {"account": name, "balances": {each: plain(balances[each]) for each in balances}})
        account = self.accounts[name] = Account(name=name)
        self._wallets[name] = account.wallet
        with localcontext(EXACT):
            for currency, amount in balances.items():
                account.wallet.credit(currency, amount)
        return account

    def place(self, name: str, body: Body) -> Order:
        """Take an order and match it; returns it as it stood when accepted: `wait`, nothing filled.

        A refusal burns the body's identifier if the settings say so.
        """
        account = self.accounts[name]
        with localcontext(EXACT):
            try:
                ticket = admit(account, body, self.floor, self.settings)
            except Refused as refusal:
                self._burn_refused(account, body, refusal)
                raise
            self._log("order", {"account": name, "order": body_of(ticket)})
            order = self._order(name, ticket, self._id("order"))
            account.orders[order.uuid] = order
            if ticket.identifier is not None:
                account.identifiers[ticket.identifier] = order
            self.settlement.accept(order)
            accepted = _as_it_stands(order)
            self._match(order)
            return accepted

    def test(self, name: str, body: Body) -> Order:
        """The order that `place` would accept; nothing is kept, nothing is used up."""
        with localcontext(EXACT):
            ticket = admit(self.accounts[name], body, self.floor, self.settings)
            uuid = uuid5(NAMESPACE_OID, f"{self.settings.seed} test {sorted(body_of(ticket).items())}")
            order = self._order(name, ticket, str(uuid))
            order.locked = ticket.lock(order.fee)
            return order

    def cancel(self, order: Order) -> Order:
        """Cancel an open order; returns it as it stood before, still `wait`."""
        require_online(self.floor)
        if not order.open:
            raise refused("order_not_found")
        self._log("cancel", {"account": order.account, "uuid": order.uuid})
        before = _as_it_stands(order)
        with localcontext(EXACT):
            self.settlement.close(order)
        return before

    def burn(self, name: str, identifier: str) -> None:
        """Make `identifier` unusable for ever."""
        self._log("burn", {"account": name, "identifier": identifier})
        self.accounts[name].identifiers[identifier] = None

    def advance(self, until: datetime) -> None:
        """Let time pass up to `until`, with all that happens on the way; an earlier moment changes nothing."""
        until = utc(until)
        if until > self.now:
            with localcontext(EXACT):
                self._resting.run(self.now, until)
            self.floor.now = until

    def watch(self, until: datetime, fences: Mapping[Market, Fence]) -> datetime:
        """Advance to the first touch of any fence, or to `until`; returns the time then. The journal keeps it."""
        at = max(utc(until), self.now)
        for market in sorted(fences.keys() & self.floor.listed().keys()):
            fence = fences[market]
            touched = self.data.touch(market, self.now, at, fence.floor.value, fence.peak.value)
            at = at if touched is None else max(touched, self.now)
        self._log("advance", {"until": at.isoformat(timespec="microseconds")})
        self.advance(at)
        return at

    def state(self) -> list[str]:
        """Everything that the venue remembers, in words: two venues are equal when these are."""
        lines = [*self.floor.state(), f"ids {self._ids}", *self._resting.state()]
        for name, account in sorted(self.accounts.items()):
            lines += [f"{name} {currency} {holding}" for currency, holding in account.wallet]
            lines += [f"{name} {order}" for order in account.orders.values()]
            lines += [f"{name} used {key} {order and order.uuid}" for key, order in account.identifiers.items()]
        books = {"street": self.settlement.street, "fees": self.settlement.fees}
        return lines + [f"{name} {sorted(book.items())}" for name, book in books.items()]

    def _burn_refused(self, account: Account, body: Body, refusal: Refused) -> None:
        # During maintenance nothing is looked at, so nothing is used up.
        if self.settings.rejected_identifier is RejectedIdentifier.FREE or refusal.name == "market_offline":
            return
        identifier = body.get("identifier")
        wellformed = isinstance(identifier, str) and 1 <= len(identifier) <= IDENTIFIER_LENGTH
        if wellformed and identifier not in account.identifiers:
            self.burn(account.name, str(identifier))

    def _order(self, name: str, ticket: Ticket, uuid: str) -> Order:
        return Order(
            number=self._ids["order"],
            uuid=uuid,
            account=name,
            ticket=ticket,
            fee=self.settings.fee(ticket.market),
            created_at=self.now,
            limit=ticket.price,
            eligible_from=self.now,
        )

    def _match(self, order: Order) -> None:
        market, side = order.market, Side.ASK if order.side is Side.BID else Side.BID

        def took(rank: int, volume: Decimal) -> None:
            self.floor.take(market, side, rank, volume)

        execute(order, self.floor.offers(market, side), self.settlement, took, self.now)
        if order.open:
            if order.executed:
                order.eligible_from = self.now.replace(second=0, microsecond=0) + _MINUTE
            self._resting.add(order)

    def _id(self, kind: str) -> str:
        self._ids[kind] += 1
        return str(uuid5(NAMESPACE_OID, f"{self.settings.seed} {kind} {self._ids[kind]}"))

    def _log(self, command: str, body: Mapping[str, object]) -> None:
        if self.journal is not None:
            self.journal.append(self.now, command, body)


def _as_it_stands(order: Order) -> Order:
    still = copy(order)
    still.trades = list(order.trades)
    return still
