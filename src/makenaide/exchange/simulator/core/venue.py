"""The venue core: accounts, orders and time, as a pure function of the commands it was given.

No socket, no clock, no randomness: time moves only by `advance` and `watch`, ids are derived from the seed and a
counter, so the same commands give the same venue to the last byte. A command is checked, then written to the
journal, then done; what the journal cannot keep is not done (`commandlog`).
"""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from functools import partial
from typing import Final, Protocol

from makenaide.domain.clock import utc
from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market, is_market
from makenaide.domain.money import plain
from makenaide.domain.parameter import near
from makenaide.exchange.simulator.amount import countable
from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.admission import require_online
from makenaide.exchange.simulator.core.agenda import Agenda, Ending, Heir
from makenaide.exchange.simulator.core.course import Course
from makenaide.exchange.simulator.core.errors import Refused, refused
from makenaide.exchange.simulator.core.floor import Floor
from makenaide.exchange.simulator.core.ids import Ids
from makenaide.exchange.simulator.core.intake import Intake
from makenaide.exchange.simulator.core.orders import Order
from makenaide.exchange.simulator.core.resting import Resting
from makenaide.exchange.simulator.core.settlement import Settlement
from makenaide.exchange.simulator.core.treasury import Treasury
from makenaide.exchange.simulator.core.validation import IDENTIFIER_LENGTH, Body, body_of
from makenaide.exchange.simulator.core.wallet import EXACT, Wallet, spelled
from makenaide.exchange.simulator.market import MarketData, ever_listed
from makenaide.exchange.simulator.settings import RejectedIdentifier, VenueSettings
from makenaide.exchange.venue import Fence

REMAIN_ONLY: Final = "remain_only"
"""As the volume of an order that replaces another: what is left of that one (upbit-api.md section 4.7)."""


class Journal(Protocol):
    """Keeps every command that changes the venue; raises `DiskFull` or `Unavailable` when it cannot."""

    def append(self, at: datetime, command: str, body: Mapping[str, object]) -> None:
        """Return once the command is durable."""
        ...


@dataclass(frozen=True, slots=True)
class Replacement:
    """The `order` that is to go, as it stood when that was asked for, and the names of the one in its place."""

    order: Order
    uuid: str
    identifier: str | None


class Venue:
    """A simulated Upbit over `data`. Time starts at the data's first slot; the venue's refusals are `Refused`.

    What its customers do is here; what its operator does is `operator.Operator`.
    """

    def __init__(self, data: MarketData, settings: VenueSettings, journal: Journal | None = None) -> None:
        _require_markets(settings.limit_only, data)
        self.settings = settings
        self.journal = journal
        self.accounts: dict[str, Account] = {}
        self.ids = Ids(settings.seed)
        self._wallets: dict[str, Wallet] = {}
        agenda = Agenda()
        self.settlement = Settlement(self._wallets, settings, agenda, partial(self.ids.next, "trade"))
        resting = Resting(self.settlement)
        self.floor = Floor(data, resting, settings.stable_tick)
        self.intake = Intake(floor=self.floor, resting=resting, settlement=self.settlement, settings=settings)
        self._course = Course(self.intake, self.accounts, agenda, settings.cancel_delay)
        self.treasury = Treasury(self._wallets, self.settlement, partial(self.ids.next, "transfer"))

    @property
    def data(self) -> MarketData:
        """The prices, with all that the operator has staged over them."""
        return self.floor.data

    @property
    def now(self) -> datetime:
        """The venue's time, aware UTC."""
        return self.floor.now

    def open_account(self, name: str, balances: Mapping[str, Decimal]) -> Account:
        """A new account that holds `balances`; `Misconfigured` if it exists or a balance is negative."""
        if name in self.accounts or not name:
            raise Misconfigured(f"account: {name!r} is open already" if name else "account: a name is needed")
        for currency, amount in balances.items():
            if not countable(amount) or amount < 0:
                raise Misconfigured(f"account {name}: {currency} must be at least 0 and below 1e20, got {amount}")
        balances = {currency: spelled(amount) for currency, amount in balances.items()}
        self.log("open", {"account": name, "balances": {each: plain(balances[each]) for each in balances}})
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
                ticket = self.intake.judged(account, body)
            except Refused as refusal:
                self._burn_refused(account, body, refusal)
                raise
            self.log("order", {"account": name, "order": body_of(ticket, self.settings.self_match)})
            order = self.intake.booked(account, ticket, self.ids.next("order"))
            accepted = as_it_stands(order)
            self.intake.match(order)
            return accepted

    def test(self, name: str, body: Body) -> Order:
        """The order that `place` would accept; nothing is kept, and nothing used up unless the settings say so."""
        with localcontext(EXACT):
            ticket = self.intake.judged(self.accounts[name], body)
            named = sorted(body_of(ticket, self.settings.self_match).items())
            order = self.intake.drafted(name, ticket, self.ids.of(f"test {named}"))
            order.locked = ticket.lock(order.fee)
            if ticket.identifier is not None and self.settings.test_burns_identifier:
                self.burn(name, ticket.identifier)
            return order

    def cancel(self, order: Order) -> Order:
        """Ask for the end of an open or watching order; returns it as it stood before, still `wait`."""
        require_online(self.floor)
        if not order.live:
            raise refused("order_not_found")
        before = as_it_stands(order)
        if order.ending_at is None:
            self.log("cancel", {"account": order.account, "uuid": order.uuid})
            with localcontext(EXACT):
                self._course.end(Ending(order=order))
        return before

    def cancel_many(self, name: str, orders: Iterable[Order]) -> list[Order]:
        """Ask for the end of all those of `orders` that are live, in one step; returns those."""
        require_online(self.floor)
        live = [order for order in orders if order.live]
        fresh = [order for order in live if order.ending_at is None]
        if fresh:
            self.log("cancel_many", {"account": name, "uuids": [order.uuid for order in fresh]})
        with localcontext(EXACT):
            for order in fresh:
                self._course.end(Ending(order=order))
        return live

    def replace(self, order: Order, body: Body) -> Replacement:
        """Ask for the end of an open `order` and for `body` (without market and side) in its place.

        The new order is judged now and made when the cancel takes effect; not if the old one has ended by then.
        """
        require_online(self.floor)
        account, remain_only = self.accounts[order.account], body.get("volume") == REMAIN_ONLY
        if not order.open or order.ending_at is not None or order.remaining is None:
            raise refused("order_not_found")
        body = {**body, "market": order.market, "side": order.side.value}
        if remain_only:
            body["volume"] = plain(order.remaining)
        with localcontext(EXACT):
            try:
                ticket = self.intake.judged(account, body, freed=order.locked)
            except Refused as refusal:
                self._burn_refused(account, body, refusal)
                raise
        wish = body_of(ticket, self.settings.self_match) | ({"volume": REMAIN_ONLY} if remain_only else {})
        self.log("replace", {"account": account.name, "uuid": order.uuid, "order": wish})
        heir = Heir(uuid=self.ids.next("order"), ticket=ticket, remain_only=remain_only)
        if ticket.identifier is not None:
            account.identifiers[ticket.identifier] = None
        before = as_it_stands(order)
        with localcontext(EXACT):
            self._course.end(Ending(order=order, heir=heir))
        return Replacement(before, heir.uuid, ticket.identifier)

    def burn(self, name: str, identifier: str) -> None:
        """Make `identifier` unusable for ever."""
        self.log("burn", {"account": name, "identifier": identifier})
        self.accounts[name].identifiers[identifier] = None

    def advance(self, until: datetime) -> None:
        """Let time pass up to `until`, with all that happens on the way; an earlier moment changes nothing."""
        until = utc(until)
        if until > self.now:
            with localcontext(EXACT):
                self._course.run(until)

    def watch(
        self, until: datetime, fences: Mapping[Market, Fence], before: Callable[[datetime], None] | None = None
    ) -> datetime:
        """Advance to the first touch of any fence, or to `until`; returns the time then. The journal keeps it.

        `before` is told how far time is about to run: it may bring commands that come on the way.
        """
        at = max(utc(until), self.now)
        for market in sorted(fences.keys() & self.floor.listed().keys()):
            fence = fences[market]
            touched = self.data.touch(market, self.now, at, fence.floor.value, fence.peak.value)
            at = at if touched is None else max(touched, self.now)
        if before is not None:
            before(at)
        self.log("advance", {"until": at.isoformat(timespec="microseconds")})
        self.advance(at)
        return at

    def log(self, command: str, body: Mapping[str, object]) -> None:
        """Keep a command in the journal, if there is one, before it is done."""
        if self.journal is not None:
            self.journal.append(self.now, command, body)

    def state(self) -> list[str]:
        """Everything that the venue remembers, in words: two venues are equal when these are."""
        lines = [*self.floor.state(), *self.ids.state(), *self._course.state()]
        for name, account in sorted(self.accounts.items()):
            lines += [f"{name} {currency} {holding}" for currency, holding in account.wallet]
            lines += [f"{name} {order}" for order in account.orders.values()]
            lines += [f"{name} used {key} {order and order.uuid}" for key, order in account.identifiers.items()]
        return lines + self.treasury.state() + self.settlement.state()

    def _burn_refused(self, account: Account, body: Body, refusal: Refused) -> None:
        # During maintenance nothing is looked at, so nothing is used up.
        if self.settings.rejected_identifier is RejectedIdentifier.FREE or refusal.name == "market_offline":
            return
        identifier = body.get("identifier")
        wellformed = isinstance(identifier, str) and 1 <= len(identifier) <= IDENTIFIER_LENGTH
        if wellformed and identifier not in account.identifiers:
            self.burn(account.name, str(identifier))


def _require_markets(codes: Iterable[str], data: MarketData) -> None:
    """`Misconfigured` when one of `codes` is none, or `data` knows that it is never listed."""
    for code in codes:
        if not is_market(code) or not ever_listed(data, Market(code)):
            listed = (each.market for each in data.listings(data.first_slot))
            raise Misconfigured(f"limit_only: unknown market {code}{near(code, listed)}")


def as_it_stands(order: Order) -> Order:
    """A copy that does not change any more."""
    still = copy(order)
    still.trades = list(order.trades)
    return still
