"""The guard's journal: an append-only file, flushed before anything is sent; the order protocol runs over it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from makenaide.domain.intent import Standing, StoredOrder
from makenaide.domain.market import base_of
from makenaide.domain.money import ZERO_QUANTITY, Price, Quantity
from makenaide.domain.order import (
    Absent,
    Event,
    Found,
    Identifier,
    OrderState,
    PositionId,
    Rejected,
    Sending,
    Voided,
)
from makenaide.domain.reason import Exit
from makenaide.exchange.venue import Balance, PlacedOrder
from makenaide.execution.disk import Files
from makenaide.execution.guard import entries
from makenaide.execution.guard.entries import Entry, Kind
from makenaide.execution.guard.file import JournalFile
from makenaide.ledger.postings import COIN_TOLERANCE
from makenaide.risk.exits import StopState

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sale:
    """One exit of the guard as far as its journal tells: the order, what the venue showed as sold, the refusal."""

    order: StoredOrder
    executed: Quantity = ZERO_QUANTITY
    refusal: str | None = None
    sent_at: datetime | None = None
    looks: int = 0


@dataclass(slots=True, kw_only=True)
class FileJournal:
    """A `Journal` in a file of `folder`, and what it says: sales by identifier, stops, dust."""

    folder: Path
    key: bytes
    account_id: str
    files: Files
    coins: Callable[[PositionId], Decimal | None]
    file: JournalFile = field(init=False)
    sales: dict[Identifier, Sale] = field(default_factory=dict)
    stops: dict[PositionId, StopState] = field(default_factory=dict)
    dust: set[PositionId] = field(default_factory=set)
    _of: dict[PositionId, list[Sale]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.file = JournalFile(folder=self.folder, key=self.key, files=self.files)

    def open(self, seen: int, now: datetime) -> None:
        """Read what there is; a torn last line is cut off, a damaged file is put aside and told as `fault`.

        `seen`: the last entry that is in the books: numbers go on from there at least.
        """
        for entry in self.file.open(seen, now):
            self._fold(entry)

    def _fold(self, entry: Entry) -> None:
        data = entry.data
        match entry.kind:
            case Kind.INTENT:
                self._intended(entries.intended(self.account_id, entry))
            case Kind.EVENT:
                self._folded(entry)
            case Kind.RISE:
                self.stops[PositionId(data["position"])] = StopState(
                    price=Price(data["price"]), kind=Exit(data["kind"]), high_water=Price(data["high_water"])
                )
            case Kind.DUST:
                self.dust.add(PositionId(data["position"]))
            case _:
                pass

    def _folded(self, entry: Entry) -> None:
        sale = self.sales[Identifier(entry.data["identifier"])]
        event = entries.event_of(entry.data)
        _count(sale, event, entry.at)
        if entry.data["executed"] is not None:
            sale.executed = Quantity(entry.data["executed"])
        sale.order = sale.order.after(event)

    def commit(self, order: StoredOrder) -> None:
        """The intent of what is sent at once: durable, in one write, with the record of that send, before it is made.

        A crash before that write leaves nothing of it, and nothing was sent; one in its midst leaves an intent that
        was never sent, which the next guard sends.
        """
        self.file.hold(order.created_at, Kind.INTENT, entries.intent(order))
        self._intended(order)

    def _intended(self, order: StoredOrder) -> None:
        sale = self.sales[order.identifier] = Sale(order)
        of = self._of.setdefault(order.position_id, [])
        of[:] = [*(each for each in of if each.order.identifier != order.identifier), sale]

    def exits(self, position: PositionId) -> Sequence[Sale]:
        """Every exit of `position` that the journal tells of: asked for with each price, however long it is."""
        return self._of.get(position, ())

    def rise(self, position: PositionId, stop: StopState, at: datetime) -> None:
        """The stop has risen."""
        self.stops[position] = stop
        self.file.append(at, Kind.RISE, entries.rise(position, stop.price, stop.kind, stop.high_water))

    def tell(self, kind: str, data: dict[str, Any], at: datetime) -> None:
        """Dust, or an exit that is stuck."""
        if kind == Kind.DUST:
            self.dust.add(PositionId(data["position"]))
        self.file.append(at, kind, data)

    # ---- the order protocol's journal ----

    def confirm(self, order: StoredOrder) -> None:
        """Nobody else writes here."""

    def record(self, order: StoredOrder, event: Event, at: datetime) -> StoredOrder:
        """The event is durable (or `fault` is set)."""
        return self._record(order, event, at, None)

    def book(self, order: StoredOrder, placed: PlacedOrder, at: datetime) -> StoredOrder | None:
        """Whatever sold under this identifier is an exit of this position, also when the other process sent it."""
        asked = order.request
        if (placed.market, placed.side) != (asked.market, asked.side):
            return self._usurped(order, placed, at)
        sale = self.sales[order.identifier]
        found = Found(placed.uuid, placed.closed)
        after = order.after(found)
        if after.life == order.life and sale.executed == placed.executed:
            return order
        return self._record(order, found, at, placed.executed)

    def _usurped(self, order: StoredOrder, placed: PlacedOrder, at: datetime) -> StoredOrder | None:
        """The identifier is another order's, which sold nothing of this position: a person is called.

        The sale goes on under the next number: no fault of somebody else's takes a position's stop away.
        """
        log.error("inconsistent", extra={"action": "alarm.order_inconsistent", "identifier": order.identifier})
        if order.life.state is OrderState.ACCEPTED:
            return None
        cause = f"{order.identifier} is another order: {placed.side} {placed.market} {placed.uuid}"
        self.tell(Kind.STUCK, {"position": order.position_id, "cause": cause}, at)
        return self._record(order, Voided(cause), at, None)

    def standing(self, order: StoredOrder) -> Standing:
        """The last send, and the looks in vain since."""
        sale = self.sales[order.identifier]
        return Standing(sent_at=sale.sent_at, looks=sale.looks)

    def untouched(self, order: StoredOrder, base: Balance, quote: Balance | None) -> bool:  # noqa: ARG002
        """All the coins are there that the books had, less what our other exits sold: this one sold nothing."""
        had = self.coins(order.position_id)
        if had is None or base.currency != base_of(order.request.market):
            return False
        sold = sum(
            (sale.executed.value for sale in self.exits(order.position_id)),
            Decimal(0),
        )
        return base.total >= had - sold - COIN_TOLERANCE

    def _record(self, order: StoredOrder, event: Event, at: datetime, executed: Quantity | None) -> StoredOrder:
        after = order.after(event)
        sale = self.sales[order.identifier]
        _count(sale, event, at)
        sale.order = after
        if executed is not None:
            sale.executed = executed
        self.file.append(at, Kind.EVENT, entries.happened(after, event, executed))
        return after


def _count(sale: Sale, event: Event, at: datetime) -> None:
    match event:
        case Sending():
            sale.sent_at, sale.looks = at, 0
        case Absent():
            sale.looks += 1
        case Rejected(name):
            sale.refusal = name
        case _:
            pass
