"""What the laws look at: the venue's private record, and the books, at rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from makenaide.app.rehearsal.exchange import Change, Exchange
from makenaide.domain.intent import StoredOrder
from makenaide.domain.order import Identifier, OrderState, PositionId
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
    """What the laws look at, at rest. `since`: when the present process began; while there was none, nobody settled.

    `last`: the run is over, and nothing may be in doubt any more.
    """

    exchange: Exchange
    db: Database
    account_id: str
    now: datetime
    since: datetime
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
        left, at = timedelta(0), begin
        for dark in self.exchange.darkness(end):
            if dark[1] <= at or dark[0] >= end:
                continue
            left += max(dark[0] - at, timedelta(0))
            at = max(at, dark[1])
        return left + max(end - at, timedelta(0))

    def doubts(self) -> Iterator[tuple[Identifier, datetime, datetime]]:
        """Each time that an order was in doubt: from when, and until when, or now."""
        rows = self.db.rows("orders_turns", account_id=self.account_id)
        for identifier, turns in groupby(rows, key=attrgetter("identifier")):
            begin: datetime | None = None
            for turn in turns:
                doubtful = OrderState(turn.state).doubtful
                if doubtful and begin is None:
                    begin = turn.at
                elif not doubtful and begin is not None:
                    yield identifier, begin, turn.at
                    begin = None
            if begin is not None:
                yield identifier, begin, self.now


def identifier_of(order: Order) -> Identifier:
    """The identifier of our order at the venue."""
    return Identifier(order.ticket.identifier or "")


def position_of(order: Order) -> PositionId:
    """The position in an order's identifier: "mk1-7f3a-KRW-BTC-20260105T0900-x01" is of KRW-BTC-20260105T0900."""
    return PositionId(identifier_of(order)[len("mk1-7f3a-") :].rpartition("-")[0])


Law = Callable[[Case], Iterator[str]]
