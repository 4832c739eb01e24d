"""What the laws look at: the venue's private record, and the books, at rest."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from makenaide.app.rehearsal.exchange import Change, Exchange
from makenaide.domain.intent import StoredOrder
from makenaide.domain.order import Identifier, OrderState, PositionId, Rejected
from makenaide.exchange.simulator.core.orders import Order
from makenaide.store.db import Database
from makenaide.store.journal import JournalFill, all_fills
from makenaide.store.orders import get_order, unsettled_orders
from makenaide.store.reconciliation import Finding, looked_until, open_findings


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that was broken, what shows it, and when (venue time)."""

    law: str
    evidence: str
    at: datetime


@dataclass(slots=True, kw_only=True)
class Case:
    """What the laws look at, at rest. `last`: the run is over, and nothing may be in doubt any more."""

    exchange: Exchange
    db: Database
    account_id: str
    now: datetime
    last: bool = False
    guarded: frozenset[PositionId] = frozenset()
    at_venue: list[Order] = field(init=False)
    stored: dict[Identifier, StoredOrder] = field(init=False)
    unsettled: tuple[StoredOrder, ...] = field(init=False)
    fills: tuple[JournalFill, ...] = field(init=False)
    findings: tuple[Finding, ...] = field(init=False)
    looked: datetime | None = field(init=False)

    def __post_init__(self) -> None:
        self.at_venue = self.exchange.ours()
        known = ((each, get_order(self.db, identifier_of(each))) for each in self.at_venue)
        self.stored = {identifier_of(each): order for each, order in known if order is not None}
        self.unsettled = unsettled_orders(self.db, self.account_id)
        self.fills = all_fills(self.db, self.account_id)
        self.findings = open_findings(self.db, self.account_id)
        self.looked = looked_until(self.db, self.account_id)

    def seen(self, change: Change) -> bool:
        """Whether the trader has looked through the time of `change`."""
        return self.looked is not None and change.at <= self.looked

    def light(self, begin: datetime, end: datetime) -> timedelta:
        """How much of [begin, end) was not dark: there was a process, and the venue answered it."""
        return _outside(begin, end, self.exchange.darkness(end))

    def attended(self, begin: datetime, end: datetime) -> timedelta:
        """How much of [begin, end) there was light, and a trader."""
        return _outside(begin, end, [*self.exchange.darkness(end), *self.exchange.absences])

    def doubts(self) -> Iterator[tuple[Identifier, datetime, datetime]]:
        """Each time that an order was in doubt: from when, and until when, or now.

        One that the venue refuses at a new send is wanted still and begins anew: it waits for the venue.
        """
        rows = self.db.rows("orders_turns", account_id=self.account_id)
        for identifier, turns in groupby(rows, key=attrgetter("identifier")):
            begin: datetime | None = None
            for turn in turns:
                doubtful = OrderState(turn.state).doubtful
                if begin is not None and (not doubtful or turn.event == Rejected.__name__):
                    yield identifier, begin, turn.at
                    begin = turn.at if doubtful else None
                elif doubtful and begin is None:
                    begin = turn.at
            if begin is not None:
                yield identifier, begin, self.now


def _outside(begin: datetime, end: datetime, stretches: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """How much of [begin, end) lies in none of `stretches`."""
    left, at = timedelta(0), begin
    for start, stop in sorted(stretches):
        if stop <= at or start >= end:
            continue
        left += max(start - at, timedelta(0))
        at = max(at, stop)
    return left + max(end - at, timedelta(0))


def identifier_of(order: Order) -> Identifier:
    """The identifier of our order at the venue."""
    return Identifier(order.ticket.identifier or "")


def position_of(order: Order) -> PositionId:
    """The position in an order's identifier: "mk1-7f3a-KRW-BTC-20260105T0900-x01" is of KRW-BTC-20260105T0900."""
    return PositionId(identifier_of(order)[len("mk1-7f3a-") :].rpartition("-")[0])


Law = Callable[[Case], Iterator[str]]
