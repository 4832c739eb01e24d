"""What the operator of a simulated venue does to it: money in and out, wallets, orders that watch for a price.

Each command is checked, journaled and then done, like a customer's. A wrong argument is `Misconfigured`.
"""

from dataclasses import dataclass, fields, replace
from decimal import Decimal, localcontext

from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import base_of, is_currency
from makenaide.domain.money import plain
from makenaide.domain.order import OrderType
from makenaide.domain.parameter import near
from makenaide.exchange.simulator.amount import countable
from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.errors import refused
from makenaide.exchange.simulator.core.feed import Announcement
from makenaide.exchange.simulator.core.orders import Order, Trigger
from makenaide.exchange.simulator.core.treasury import (
    STATES,
    BlockState,
    Direction,
    Move,
    Transfer,
    TransferState,
    WalletState,
)
from makenaide.exchange.simulator.core.validation import Body, body_of
from makenaide.exchange.simulator.core.venue import Venue, as_it_stands
from makenaide.exchange.simulator.core.wallet import EXACT, spelled
from makenaide.exchange.simulator.prices.incidents import Event, named
from makenaide.exchange.simulator.prices.program import begins, written
from makenaide.exchange.simulator.prices.staged import Staged

MOST_WATCHING = 20
"""Watching orders that an account may have in a market (upbit-api.md changes, 2025-05-19)."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Commands `venue`."""

    venue: Venue

    def deposit(self, account: str, move: Move) -> Transfer:
        """Money comes in: an entry of the deposits, and of the balance once it is accepted."""
        return self._move(account, Direction.DEPOSIT, move)

    def withdraw(self, account: str, move: Move) -> Transfer:
        """Money goes out, with its fee: locked while it is under way."""
        return self._move(account, Direction.WITHDRAW, move)

    def settle(self, uuid: str, state: TransferState) -> Transfer:
        """A transfer that is under way goes on to `state`."""
        transfer = self.venue.treasury.transfer(uuid)
        if transfer is None or not transfer.under_way or state not in STATES[transfer.direction]:
            raise Misconfigured(f"transfer {uuid}: cannot go on to {state}")
        self.venue.log("settle", {"uuid": uuid, "state": state.value})
        with localcontext(EXACT):
            return self.venue.treasury.settle(uuid, state, self.venue.now)

    def airdrop(self, account: str, currency: str, change: Decimal) -> None:
        """`change` more of `currency` (less if negative) that no history explains."""
        free = self._account(account).wallet.holding(currency).free
        _require_currency(currency)
        if not countable(change) or not change or free + change < 0:
            raise Misconfigured(f"account {account}: {currency} cannot change by {change}, {free} is free")
        change = spelled(change)
        self.venue.log("airdrop", {"account": account, "currency": currency, "change": plain(change)})
        with localcontext(EXACT):
            self.venue.treasury.give(account, currency, change, self.venue.now)

    def set_wallet(self, currency: str, wallet: WalletState, block: BlockState = BlockState.NORMAL) -> None:
        """From now on the wallet of `currency`, a coin of a listed market, can do this."""
        coins = {base_of(market) for market in self.venue.floor.listed()}
        if currency not in coins:
            raise Misconfigured(f"currency: no market has {currency}{near(currency, coins)}")
        self.venue.log("wallet", {"currency": currency, "wallet": wallet.value, "block": block.value})
        self.venue.treasury.set_wallet(currency, wallet, block)

    def make_address(self, account: str, currency: str, network: str) -> None:
        """Give `account` an address to send coins to."""
        self._account(account)
        _require_currency(currency)
        if not network:
            raise Misconfigured("network: expected a name such as BTC, got none")
        self.venue.log("address", {"account": account, "currency": currency, "network": network})
        self.venue.treasury.make_address(account, currency, network)

    def announce(self, announcement: Announcement) -> str:
        """Publish a notice, or one anew; returns its uuid. `Misconfigured` when there is none to publish anew."""
        feed = self.venue.settlement.feed
        if announcement.uuid is not None and not feed.known(announcement.uuid):
            raise Misconfigured(f"uuid: no announcement {announcement.uuid} was published")
        told = {each.name: getattr(announcement, each.name) for each in fields(announcement)}
        self.venue.log("announce", told)
        uuid = announcement.uuid or self.venue.ids.next("announcement")
        feed.published(announcement, uuid, self.venue.now)
        return uuid

    def place_watch(self, name: str, body: Body, trigger: Decimal) -> Order:
        """A limit order that waits until the price reaches `trigger`, as the venue's app makes them.

        It locks its funds and becomes an order like any other when the best bid rises to the trigger, or the best ask
        falls to it. `Refused` by the rules of any order, when it cannot rest, or beyond 20 in the market.
        """
        venue, account = self.venue, self._account(name)
        with localcontext(EXACT):
            ticket = venue.intake.judged(account, body)
            if ticket.type is not OrderType.LIMIT or not ticket.rests:
                raise refused("not_supported_ord_type")
            if not countable(trigger) or trigger <= 0 or trigger % venue.floor.tick(ticket.market, trigger):
                raise refused(f"invalid_price_{ticket.side}")
            if venue.intake.resting.watching(ticket.market, name) >= MOST_WATCHING:
                raise refused("bad_request")
            wish = body_of(ticket, venue.settings.self_match)
            venue.log("watch", {"account": name, "order": wish, "trigger": plain(trigger)})
            trigger = spelled(trigger)
            rising = trigger >= venue.floor.price(ticket.market)
            order = venue.intake.booked(account, ticket, venue.ids.next("order"), Trigger(trigger, rising))
            return as_it_stands(order)

    def stage(self, event: Event) -> None:
        """`event` will happen, over all that the data has in store; `Misconfigured` unless all of it lies ahead."""
        venue = self.venue
        if begins(event) <= venue.now:
            raise Misconfigured(f"{named(event)}: it must lie ahead of the venue's time, {venue.now.isoformat()}")
        data = venue.data
        staged = Staged(data.data, (*data.events, event)) if isinstance(data, Staged) else Staged(data, (event,))
        venue.log("event", {"event": written(event)})
        venue.floor.restage(staged)

    def _account(self, name: str) -> Account:
        account = self.venue.accounts.get(name)
        if account is None:
            raise Misconfigured(f"account {name}: there is none of that name")
        return account

    def _move(self, name: str, direction: Direction, move: Move) -> Transfer:
        free = self._account(name).wallet.holding(move.currency).free
        _require_currency(move.currency)
        if not countable(move.amount) or move.amount <= 0:
            raise Misconfigured(f"{direction}: an amount above 0 is needed, got {move.amount}")
        if not countable(move.fee) or move.fee < 0:
            raise Misconfigured(f"{direction}: a fee of at least 0 is needed, got {move.fee}")
        if move.state is not None and move.state not in STATES[direction]:
            raise Misconfigured(f"{direction}: it is never {move.state}")
        move = replace(move, amount=spelled(move.amount), fee=spelled(move.fee))
        if direction is Direction.WITHDRAW and move.amount + move.fee > free:
            raise Misconfigured(
                f"account {name}: {move.amount} {move.currency} and the fee exceed the {free} free"
            )
        body = {
            "account": name,
            "direction": direction.value,
            "currency": move.currency,
            "amount": plain(move.amount),
            "fee": plain(move.fee),
            "state": None if move.state is None else move.state.value,
            "network": move.network,
            "txid": move.txid,
        }
        self.venue.log("transfer", body)
        with localcontext(EXACT):
            return self.venue.treasury.move(name, direction, move, self.venue.now)


def _require_currency(code: str) -> None:
    if not is_currency(code):
        raise Misconfigured(f"currency: expected a code in capitals such as BTC, got {code!r}")


def move_of(body: Body) -> Move:
    """The move that a journal's line tells of; KeyError or ValueError when it tells of none."""
    state, network, txid = body["state"], body["network"], body["txid"]
    return Move(
        currency=str(body["currency"]),
        amount=Decimal(str(body["amount"])),
        fee=Decimal(str(body["fee"])),
        state=None if state is None else TransferState(str(state)),
        network=None if network is None else str(network),
        txid=None if txid is None else str(txid),
    )
