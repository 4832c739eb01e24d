"""The trading process's desk: the order protocol over the database, in which every intent is committed first."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from makenaide.domain.clock import Clock
from makenaide.domain.errors import Inconsistent, Misconfigured, Unavailable
from makenaide.domain.intent import TRADER, WITH_DUST, Standing, StoredOrder
from makenaide.domain.money import Quantity
from makenaide.domain.order import Event, Leg, Overtaken
from makenaide.exchange.venue import Balance, PlacedOrder, Venue
from makenaide.execution.booking import book
from makenaide.execution.permit import Forbidden, Permit
from makenaide.execution.portfolio import held_now
from makenaide.execution.protocol import OrderProtocol
from makenaide.execution.settings import ExecutionSettings
from makenaide.ledger.postings import COIN_TOLERANCE, KRW_TOLERANCE
from makenaide.store.accounts import Lease
from makenaide.store.db import Database
from makenaide.store.journal import books
from makenaide.store.orders import commit_order, get_order, record_event, standing
from makenaide.store.runs import AuditEntry, put_audit

log = logging.getLogger(__name__)

Rival = Callable[[StoredOrder], Overtaken | None]
"""What the guard asked for under the identifier of an order of ours; None when it never did."""


def nobody(order: StoredOrder) -> Overtaken | None:  # noqa: ARG001 - the shape of a rival
    """There is no guard that could have come first."""
    return None


def nothing() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseJournal:
    """A `Journal` in PostgreSQL: orders, events, fills and postings, under the account's lease."""

    db: Database
    lease: Lease
    rival: Rival = nobody

    def confirm(self, order: StoredOrder) -> None:
        """The state that is read again is still that of `order`, and the lease is ours."""
        with self.db.transaction():
            self.lease.check()
            stored = get_order(self.db, order.identifier)
        if stored is None or stored.life != order.life:
            raise Inconsistent(f"{order.identifier} changed between its commit and its send")

    def record(self, order: StoredOrder, event: Event, at: datetime) -> StoredOrder:
        """Append the event and the state it led to."""
        after = order.after(event)
        with self.db.transaction():
            self.lease.check()
            record_event(self.db, order.identifier, at, event, after.life)
        return after

    def book(self, order: StoredOrder, placed: PlacedOrder, at: datetime) -> StoredOrder | None:
        """Post what is new; what can't be of this order is believed only if the guard sent it."""
        if order.leg is Leg.EXIT and order.life.state.doubtful:
            # Under a shared number the guard may have come first: then its volume and reason are those of the sale.
            rival = self.rival(order)
            ours = order.request.volume == placed.volume and (rival is None or rival.reason == order.reason)
            if rival is not None and not ours and rival.volume == placed.volume:
                order = self.record(order, rival, at)
        try:
            return book(self.db, self.lease, order, placed, at)
        except Inconsistent as cause:
            self._distrust(order, cause, at)
            return None

    def standing(self, order: StoredOrder) -> Standing:
        """From the stored events."""
        return standing(self.db, order.identifier)

    def most(self, order: StoredOrder) -> Quantity | None:
        """What the position holds, and the dust that goes along."""
        own = held_now(self.db, order.account_id, order.position_id)
        along: Mapping[str, str] = order.evidence.get(WITH_DUST, {})
        return Quantity(own.value + sum((Decimal(each) for each in along.values()), Decimal(0)))

    def untouched(self, order: StoredOrder, base: Balance, quote: Balance | None) -> bool:
        """Free + locked of both currencies equal the books."""
        held = books(self.db, order.account_id)
        coins = abs(held.get(base.currency, Decimal(0)) - base.total) <= COIN_TOLERANCE
        if quote is None:
            return False
        return coins and abs(held.get(quote.currency, Decimal(0)) - quote.total) <= KRW_TOLERANCE

    def _distrust(self, order: StoredOrder, cause: Inconsistent, at: datetime) -> None:
        """What the venue shows can't be of this order: believe nothing, keep its market shut, and call a person.

        Not raised, so that one order never mutes the stops of other markets; the alarm is stored once an order.
        """
        log.error("inconsistent", extra={"action": "alarm.order_inconsistent", "cause": str(cause)})
        alarms = self.db.rows("audit_of", account_id=order.account_id, action="alarm.order_inconsistent")
        if any(alarm.detail["identifier"] == order.identifier for alarm in alarms):
            return
        entry = AuditEntry(
            account_id=order.account_id,
            at=at,
            actor="desk",
            action="alarm.order_inconsistent",
            detail={"identifier": order.identifier, "cause": str(cause)},
        )
        with self.db.transaction():
            self.lease.check()
            put_audit(self.db, entry)


class _NotNow(Exception):
    """Rolls back what was prepared for an entry that something forbids."""

    def __init__(self, said: Forbidden) -> None:
        super().__init__(said.cause)
        self.said = said


def _require_permitted(said: Forbidden | None) -> None:
    if said is not None:
        raise _NotNow(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where the trading process sends orders from: the books, the lease on them, the venue, the clock.

    `permits` may forbid buying; `rival` tells what the guard did under the same identifier; `settled` is called
    after each order that was settled: what is held may have changed.
    """

    db: Database
    lease: Lease
    venue: Venue
    clock: Clock
    settings: ExecutionSettings
    permits: tuple[Permit, ...] = ()
    rival: Rival = nobody
    settled: Callable[[], object] = nothing

    @property
    def protocol(self) -> OrderProtocol:
        """The order protocol over the database."""
        return OrderProtocol(
            journal=DatabaseJournal(db=self.db, lease=self.lease, rival=self.rival),
            venue=self.venue,
            clock=self.clock,
            settings=self.settings,
            sender=TRADER,
            permits=self.permits,
        )

    def submit(self, prepare: Callable[[], StoredOrder]) -> StoredOrder | Forbidden:
        """Commit the order that `prepare` returns, send it, follow it to its end.

        What `prepare` writes is committed in the same transaction as the order. Returns the order as it then
        stands; a doubtful one has been settled as far as the venue answers. An entry that something forbids is not
        committed: `Forbidden`.
        """
        protocol = self.protocol
        try:
            with self.db.transaction():
                self.lease.check()
                order = prepare()
                _require_permitted(protocol.forbidden(order))
                commit_order(self.db, order)
        except _NotNow as cause:
            return cause.said
        log.info("committed", extra={"action": "order.commit", "identifier": order.identifier})
        return self.settle(order)

    def settle(self, order: StoredOrder) -> StoredOrder:
        """Bring `order` as far towards its end as the venue allows now; never raises `Unavailable`."""
        order = self.protocol.settle(order)
        try:
            self.settled()
        except (Unavailable, Misconfigured) as cause:
            # What was traded is booked; the guard hears of it with the next publication, and nobody buys until then.
            log.error("not published", extra={"action": "alarm.not_published", "cause": str(cause)})  # noqa: TRY400
        return order
