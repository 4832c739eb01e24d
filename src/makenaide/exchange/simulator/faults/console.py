"""The operator's calls: faults, events, money, wallets, notices and orders of the app, under /simulator/ on loopback.

A call carries the operator's token in the header `Makenaide-Operator`. What changes the venue is journaled by the
venue; the list of faults is not: it begins with the scenario's at every start.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from ipaddress import ip_address
from typing import Any, Final

import msgspec

from makenaide.domain.clock import Clock
from makenaide.domain.errors import DiskFull, MakenaideError, Misconfigured, UnknownMarket
from makenaide.domain.money import plain
from makenaide.exchange.http import Request, Response
from makenaide.exchange.simulator.core.errors import Refused
from makenaide.exchange.simulator.core.feed import Announcement
from makenaide.exchange.simulator.core.operator import Operator
from makenaide.exchange.simulator.core.orders import ZERO
from makenaide.exchange.simulator.core.treasury import BlockState, Move, Transfer, TransferState, WalletState
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.faults.plan import Faults, Planned
from makenaide.exchange.simulator.prices.program import event, rounded, written
from makenaide.exchange.simulator.rest.face import DISK_FULL
from makenaide.exchange.simulator.rest.query import whole
from makenaide.exchange.simulator.table import read

TOKEN_HEADER: Final = "makenaide-operator"  # noqa: S105 - a header's name
"""Carries the operator's token."""

Table = Mapping[str, object]
Answer = tuple[int, object]

_BODIES: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Which fault goes; None: all of them."""

    number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A deposit or a withdrawal; `account` may be left out where there is only one."""

    currency: str
    amount: Decimal
    account: str | None = None
    fee: Decimal = ZERO
    state: TransferState | None = None
    network: str | None = None
    txid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A transfer under way goes on to `state`."""

    uuid: str
    state: TransferState


@dataclass(frozen=True, slots=True, kw_only=True)
class Airdrop:
    """A balance changes without a history."""

    currency: str
    change: Decimal
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletChange:
    """What the wallet of a coin can do from now on."""

    currency: str
    wallet: WalletState
    block: BlockState = BlockState.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOrder:
    """An order of the app that waits for the price `trigger`; `order` is the body of POST /v1/orders."""

    trigger: Decimal
    order: dict[str, Any] = field(default_factory=dict)
    account: str | None = None


class Console:
    """Answers the operator of `venue`, who has `token`. In real pace `clock` moves the venue's time first."""

    def __init__(self, venue: Venue, faults: Faults, token: str, clock: Clock | None = None) -> None:
        self._venue = venue
        self._faults = faults
        self._operator = Operator(venue)
        self._token = token.encode()
        self._clock = clock
        self._calls: dict[tuple[str, str], Callable[[Table], Answer]] = {
            ("GET", "/simulator/faults"): lambda _: (200, [_listed(each) for each in faults.listed()]),
            ("POST", "/simulator/faults"): self._add_fault,
            ("DELETE", "/simulator/faults"): self._remove_faults,
            ("POST", "/simulator/events"): self._stage,
            ("POST", "/simulator/deposits"): lambda body: self._move(self._operator.deposit, body),
            ("POST", "/simulator/withdrawals"): lambda body: self._move(self._operator.withdraw, body),
            ("POST", "/simulator/transfers"): self._settle,
            ("POST", "/simulator/airdrops"): self._airdrop,
            ("POST", "/simulator/wallets"): self._set_wallet,
            ("POST", "/simulator/announcements"): self._announce,
            ("POST", "/simulator/watch-orders"): self._watch,
            ("GET", "/simulator/state"): lambda _: (200, state(venue)),
        }

    def calls(self) -> list[tuple[str, str]]:
        """The operator's calls: method and path."""
        return list(self._calls)

    def answer(self, request: Request, peer: str) -> Response | None:
        """The reply to one of the operator's calls, None to any other."""
        call = self._calls.get((request.method, request.path))
        if call is None or not _local(peer):
            return None
        given = next((text for name, text in request.headers.items() if name.lower() == TOKEN_HEADER), "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self._token):
            return _refusal(401, "operator_token", "the header Makenaide-Operator must carry the operator's token")
        try:
            if self._clock is not None:
                self._venue.advance(self._clock.now())
            status, told = call(_table(request))
        except Refused as refusal:
            return _refusal(refusal.status, str(refusal.name), refusal.message)
        except Misconfigured as fault:
            return _refusal(404 if isinstance(fault, UnknownMarket) else 400, "invalid_request", str(fault))
        except DiskFull as fault:
            return _refusal(DISK_FULL, "insufficient_storage", str(fault))
        except MakenaideError as fault:
            return _refusal(500, "internal_server_error", str(fault))
        return _reply(status, told)

    def _add_fault(self, body: Table) -> Answer:
        number = self._faults.plan(body, "fault", self._venue.now)
        return 201, _listed(next(each for each in self._faults.listed() if each.number == number))

    def _remove_faults(self, body: Table) -> Answer:
        asked = read(Removal, body, "fault", self._venue.now).number
        if asked is None:
            return 200, {"removed": self._faults.clear()}
        number = whole(asked)
        if number is None or not self._faults.remove(number):
            raise Misconfigured(f"number: there is no fault {asked}")
        return 200, {"removed": 1}

    def _stage(self, body: Table) -> Answer:
        staged = event(body, "event", rounded(self._venue.now))
        self._operator.stage(staged)
        return 201, written(staged)

    def _move(self, command: Callable[[str, Move], Transfer], body: Table) -> Answer:
        asked = read(Passage, body, "transfer", self._venue.now)
        move = Move(
            currency=asked.currency,
            amount=asked.amount,
            fee=asked.fee,
            state=asked.state,
            network=asked.network,
            txid=asked.txid,
        )
        return 201, asdict(command(self._account(asked.account), move))

    def _settle(self, body: Table) -> Answer:
        asked = read(Progress, body, "transfer", self._venue.now)
        return 200, asdict(self._operator.settle(asked.uuid, asked.state))

    def _airdrop(self, body: Table) -> Answer:
        asked = read(Airdrop, body, "airdrop", self._venue.now)
        account = self._account(asked.account)
        self._operator.airdrop(account, asked.currency, asked.change)
        return 201, _balances(self._venue, account)

    def _set_wallet(self, body: Table) -> Answer:
        asked = read(WalletChange, body, "wallet", self._venue.now)
        self._operator.set_wallet(asked.currency, asked.wallet, asked.block)
        return 200, asdict(asked)

    def _announce(self, body: Table) -> Answer:
        return 201, {"uuid": self._operator.announce(read(Announcement, body, "announcement", self._venue.now))}

    def _watch(self, body: Table) -> Answer:
        asked = read(WatchOrder, body, "watch-order", self._venue.now)
        order = self._operator.place_watch(self._account(asked.account), asked.order, asked.trigger)
        return 201, {"uuid": order.uuid, "market": order.market, "state": order.status.value}

    def _account(self, name: str | None) -> str:
        if name is not None:
            return name
        if len(self._venue.accounts) != 1:
            raise Misconfigured(f"account: expected one of {', '.join(sorted(self._venue.accounts))}")
        return next(iter(self._venue.accounts))


def state(venue: Venue) -> dict[str, object]:
    """The venue in figures. The sum of each currency changes only by what the operator gives an account at its start.

    That is: what the accounts hold, the street's side of all trades, the fees, and what came from outside.
    """
    settlement = venue.settlement
    books: dict[str, Mapping[str, Decimal]] = {
        "street": settlement.street,
        "fees": settlement.fees,
        "outside": settlement.outside,
    }
    sums: dict[str, Decimal] = {}
    for account in venue.accounts.values():
        for currency, holding in account.wallet:
            sums[currency] = sums.get(currency, ZERO) + holding.total
    for book in books.values():
        for currency, amount in book.items():
            sums[currency] = sums.get(currency, ZERO) + amount
    return {
        "now": venue.now.isoformat(timespec="microseconds"),
        "offline": venue.floor.offline,
        "accounts": {name: _balances(venue, name) for name in sorted(venue.accounts)},
        "books": {name: _plain(book) for name, book in books.items()},
        "sums": _plain(sums),
    }


def _balances(venue: Venue, name: str) -> dict[str, object]:
    account = venue.accounts[name]
    held = {
        currency: {"free": plain(holding.free), "locked": plain(holding.locked), "pending": plain(holding.pending)}
        for currency, holding in account.wallet
    }
    return {"balances": held, "open_orders": [order.uuid for order in account.orders.values() if order.live]}


def _plain(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {currency: plain(amounts[currency]) for currency in sorted(amounts)}


def _listed(planned: Planned) -> dict[str, object]:
    counts = {"number": planned.number, "seen": planned.seen, "struck": planned.struck, "spent": planned.spent}
    rule = planned.rule
    return counts | {name: value for name, value in asdict(rule).items() if value is not None and rule.uses(name)}


def _table(request: Request) -> Table:
    """The body of a POST, the query of any other call."""
    if request.method != "POST":
        if request.body:
            raise Misconfigured(f"body: {request.method} has none, its fields stand behind the path: ?number=3")
        table = dict(request.query)
        for name in table:
            if sum(each == name for each, _ in request.query) > 1:
                raise Misconfigured(f"{name}: is there twice")
        return table
    try:
        return _BODIES.decode(request.body or b"{}")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ArithmeticError) as cause:
        raise Misconfigured(f"body: expected a JSON object: {cause}") from None


def _local(peer: str) -> bool:
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False


def _refusal(status: int, name: str, message: str) -> Response:
    sayable = message.encode("utf-8", "replace").decode()  # what a caller in process sent may hold lone surrogates
    return _reply(status, {"error": {"name": name, "message": sayable}})


def _reply(status: int, told: object) -> Response:
    headers = {"content-type": "application/json; charset=utf-8"}
    return Response(status=status, headers=headers, body=msgspec.json.encode(told))
