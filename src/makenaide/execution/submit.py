"""Submit and settle: the order protocol's points 1 to 4 and 6 (docs/why/0003-order-protocol.md).

An intent is committed before it is sent. Whatever is neither plainly accepted nor plainly refused is unknown; an
unknown is settled by asking for its identifier and, as long as it is wanted, by sending the very same one again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from makenaide.domain.clock import Clock
from makenaide.domain.errors import Inconsistent, Unavailable
from makenaide.domain.order import (
    Absent,
    Event,
    Leg,
    NotAccepted,
    OrderLife,
    OrderState,
    Sending,
    Voided,
    advance,
)
from makenaide.exchange.venue import Trading
from makenaide.execution.booking import book
from makenaide.execution.permit import Permit
from makenaide.execution.settings import ExecutionSettings
from makenaide.store.accounts import Lease
from makenaide.store.db import Database
from makenaide.store.orders import StoredOrder, commit_order, get_order, record_event
from makenaide.store.runs import AuditEntry, put_audit

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where orders are sent from: the books, the lease on them, the venue, the clock, and what may forbid buying."""

    db: Database
    lease: Lease
    venue: Trading
    clock: Clock
    settings: ExecutionSettings
    permits: tuple[Permit, ...] = ()

    def submit(self, prepare: Callable[[], StoredOrder]) -> StoredOrder:
        """Commit the order that `prepare` returns, send it, follow it to its end.

        What `prepare` writes is committed in the same transaction as the order. Returns the order as it then
        stands; a doubtful one has been settled as far as the venue answers.
        """
        with self.db.transaction():
            self.lease.check()
            order = prepare()
            commit_order(self.db, order)
        log.info("committed", extra={"action": "order.commit", "identifier": order.identifier})
        return self.settle(order)

    def settle(self, order: StoredOrder) -> StoredOrder:
        """Bring `order` as far towards its end as the venue allows now; never raises `Unavailable`.

        A planned one is sent if it is still wanted and voided if not, a doubtful one is asked for and sent again,
        an accepted one is followed until it is closed.
        """
        for look in range(self.settings.settle_looks):
            if look:
                self.clock.sleep(self.settings.settle_pause)
            order = self._step(order)
            if order.life.state is OrderState.ACCEPTED:
                order = self._follow(order)
                break
            if order.life.state.terminal:
                break
        if not order.life.state.terminal:
            log.warning("unsettled", extra={"action": "order.unsettled", "identifier": order.identifier})
        return order

    def _step(self, order: StoredOrder) -> StoredOrder:
        match order.life.state:
            case OrderState.PLANNED:
                return self._send(order) if self._wanted(order) else self._void(order)
            case OrderState.SENT | OrderState.UNKNOWN:
                seen = self._look(order)
                if seen is not None and seen.life.state.doubtful and self._wanted(seen):
                    return self._send(seen)  # it was absent a moment ago: the very same one again
                return seen or order
            case _:
                return order

    def _wanted(self, order: StoredOrder) -> bool:
        """An exit always is; an entry only while it is young, so that no old price is bought (point 6)."""
        age = self.clock.now() - order.created_at
        return order.leg is Leg.EXIT or age <= timedelta(seconds=self.settings.wanted_seconds)

    def _send(self, order: StoredOrder) -> StoredOrder:
        """Record the send, then send; what is read again right before it is the state and the lease."""
        stored = get_order(self.db, order.identifier)
        if stored is None or stored.life != order.life:
            raise Inconsistent(f"{order.identifier} changed between its commit and its send")
        order = self._record(order, Sending())
        answer = self.venue.place(order.request)
        order = self._record(order, answer)
        if isinstance(answer, NotAccepted):
            self.clock.sleep(answer.wait)
        return order

    def _look(self, order: StoredOrder) -> StoredOrder | None:
        """The order as the venue shows it now; None when the look told nothing that may be acted on."""
        try:
            placed = self.venue.order(order.identifier)
        except Unavailable as cause:
            log.warning(
                "could not look",
                extra={"action": "order.look", "identifier": order.identifier, "cause": str(cause)},
            )
            return None
        if placed is None and order.life.state is OrderState.ACCEPTED:
            return None  # taken a moment ago and not shown yet
        if placed is None:
            return self._record(order, Absent())
        try:
            life = book(self.db, self.lease, order, placed, self.clock.now())
        except Inconsistent as cause:
            self._distrust(order, cause)
            return None
        return None if life.state.doubtful else replace(order, life=life)

    def _distrust(self, order: StoredOrder, cause: Inconsistent) -> None:
        """What the venue shows can't be of this order: believe nothing, keep its market shut, and call a person.

        Not raised, so that one order never mutes the stops of other markets; the alarm is stored once an order.
        """
        log.error("inconsistent", extra={"action": "alarm.order_inconsistent", "cause": str(cause)})
        alarms = self.db.rows("audit_of", account_id=order.account_id, action="alarm.order_inconsistent")
        if any(alarm.detail["identifier"] == order.identifier for alarm in alarms):
            return
        entry = AuditEntry(
            account_id=order.account_id,
            at=self.clock.now(),
            actor="desk",
            action="alarm.order_inconsistent",
            detail={"identifier": order.identifier, "cause": str(cause)},
        )
        with self.db.transaction():
            self.lease.check()
            put_audit(self.db, entry)

    def _follow(self, order: StoredOrder) -> StoredOrder:
        deadline = self.clock.now() + timedelta(seconds=self.settings.follow_seconds)
        order = self._look(order) or order
        while not order.life.state.terminal and self.clock.now() < deadline:
            self.clock.sleep(self.settings.poll_seconds)
            order = self._look(order) or order
        return order

    def _void(self, order: StoredOrder) -> StoredOrder:
        """A planned order that nobody wants any more was never sent: that is proof enough."""
        return self._record(order, Voided("never sent, no longer wanted"))

    def _record(self, order: StoredOrder, event: Event) -> StoredOrder:
        life: OrderLife = advance(order.life, event)
        with self.db.transaction():
            self.lease.check()
            record_event(self.db, order.identifier, self.clock.now(), event, life)
        log.info(
            "order event",
            extra={"action": "order.event", "identifier": order.identifier, "event": type(event).__name__},
        )
        return replace(order, life=life)
