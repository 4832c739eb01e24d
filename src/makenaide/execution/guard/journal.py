"""The guard's journal: an append-only file, flushed before anything is sent; the order protocol runs over it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from makenaide.domain.errors import Inconsistent
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
from makenaide.execution.sameness import is_burn
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
    most_of: Callable[[StoredOrder], Quantity | None]
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
            try:
                self._fold(entry)
            except (KeyError, ValueError, TypeError, Inconsistent):
                # Of an exit whose beginning is not here any more: the books know it, and the venue does.
                log.warning("journal", extra={"action": "guard.journal", "entry": entry.n, "kind": entry.kind})

    def _fold(self, entry: Entry) -> None:
        data = entry.data
        match entry.kind:
            case Kind.INTENT:
                self._intended(entries.intended(self.account_id, entry))
            case Kind.EVENT:
                _folded(self.sales[Identifier(data["identifier"])], entry)
            case Kind.RISE:
                self.stops[PositionId(data["position"])] = StopState(
                    price=Price(data["price"]), kind=Exit(data["kind"]), high_water=Price(data["high_water"])
                )
            case Kind.DUST:
                self.dust.add(PositionId(data["position"]))
            case Kind.SEEN:
                self.sales[Identifier(data["identifier"])].executed = Quantity(data["executed"])
            case _:
                pass

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

    def seen(self, sale: Sale, executed: Quantity, at: datetime) -> None:
        """The venue shows `executed` as sold under the identifier of an exit that we believed never to have been."""
        sale.executed = executed
        self.file.append(at, Kind.SEEN, {"identifier": sale.order.identifier, "executed": str(executed)})

    def tell(self, kind: str, data: dict[str, Any], at: datetime) -> None:
        """Dust, or an exit that is stuck."""
        if kind == Kind.DUST:
            self.dust.add(PositionId(data["position"]))
        self.file.append(at, kind, data)

    # ---- the order protocol's journal ----

    def confirm(self, order: StoredOrder) -> None:
        """Nobody else writes here."""

    def book(self, order: StoredOrder, placed: PlacedOrder, at: datetime) -> StoredOrder | None:
        """Whatever sold under this identifier is an exit of this position, also when the other process sent it."""
        asked = order.request
        if is_burn(order, placed):
            found = Found(placed.uuid, placed.closed)
            return order if order.after(found).life == order.life else self.record(order, found, at)
        if (placed.market, placed.side) != (asked.market, asked.side):
            return self._usurped(order, placed, at)
        sale = self.sales[order.identifier]
        found = Found(placed.uuid, placed.closed)
        after = order.after(found)
        if after.life == order.life and sale.executed == placed.executed:
            return order
        return self.record(order, found, at, placed.executed)

    def _usurped(self, order: StoredOrder, placed: PlacedOrder, at: datetime) -> StoredOrder | None:
        """The identifier is another order's, which sold nothing of this position: a person is called.

        The sale goes on under the next number: no fault of somebody else's takes a position's stop away.
        """
        log.error("inconsistent", extra={"action": "alarm.order_inconsistent", "identifier": order.identifier})
        if order.life.state is OrderState.ACCEPTED:
            return None
        cause = f"{order.identifier} is another order: {placed.side} {placed.market} {placed.uuid}"
        self.tell(Kind.STUCK, {"position": order.position_id, "cause": cause}, at)
        return self.record(order, Voided(cause), at, None)

    def standing(self, order: StoredOrder) -> Standing:
        """The last send, and the looks in vain since."""
        sale = self.sales[order.identifier]
        return Standing(sent_at=sale.sent_at, looks=sale.looks)

    def most(self, order: StoredOrder) -> Quantity | None:
        """The most that an exit may sell as things stand now; None when nobody can say."""
        return self.most_of(order)

    def untouched(self, order: StoredOrder, base: Balance, quote: Balance | None) -> bool:  # noqa: ARG002
        """The account holds just the coins that the books had, less what exits have sold since: this one did not."""
        had = self.coins(order.position_id)
        if had is None or base.currency != base_of(order.request.market):
            return False
        return abs(base.total - had) <= COIN_TOLERANCE

    def record(
        self, order: StoredOrder, event: Event, at: datetime, executed: Quantity | None = None
    ) -> StoredOrder:
        """The event is durable (or the disk has refused it); `executed` is what the venue shows as sold."""
        after = order.after(event)
        sale = self.sales[order.identifier]
        _count(sale, event, at)
        sale.order = after
        if executed is not None:
            sale.executed = executed
        self.file.append(at, Kind.EVENT, entries.happened(after, event, executed))
        return after


def _folded(sale: Sale, entry: Entry) -> None:
    event = entries.event_of(entry.data)
    _count(sale, event, entry.at)
    if entry.data["executed"] is not None:
        sale.executed = Quantity(entry.data["executed"])
    sale.order = sale.order.after(event)


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
