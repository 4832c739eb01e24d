"""Drain (T1): before the trading process goes, what is open is brought to an end, and what is left is named."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from makenaide.domain.errors import Unavailable
from makenaide.domain.intent import StoredOrder
from makenaide.domain.order import Leg, OrderState
from makenaide.exchange.venue import PlacedOrder
from makenaide.execution.guard.keeper import Keeper
from makenaide.execution.portfolio import open_positions
from makenaide.execution.submit import Desk
from makenaide.store.orders import unsettled_orders
from makenaide.store.runs import AuditEntry, put_audit

log = logging.getLogger(__name__)


class Policy(StrEnum):
    """What to do with orders that stand open at the venue: WAIT for their end, or CANCEL them."""

    WAIT = "wait"
    CANCEL = "cancel"


class Leftover(StrEnum):
    """Why something is left."""

    ORDER = "order"
    FOREIGN = "foreign"
    POSITION = "position"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """One thing that draining could not bring to its end: an order, a bare position, or a look that failed."""

    kind: Leftover
    name: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What draining came to. `guarded`: the positions that the guard goes on holding, by name."""

    settled: tuple[str, ...]
    cancelled: tuple[str, ...]
    guarded: tuple[str, ...]
    left: tuple[Left, ...]

    @property
    def safe(self) -> bool:
        """Whether the process may go: nothing is open, and every position has its guard."""
        return not self.left


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Draining one account. Buys are blocked by whoever calls (a halt); exits go on."""

    desk: Desk
    keeper: Keeper
    account_id: str
    policy: Policy
    seconds: float
    going_on: Callable[[], bool]

    def run(self) -> Drained:
        """Settle what is in doubt, cancel or await what is open, and look at the guard; name what is left.

        Ends after `seconds` at the latest, or as soon as `going_on` says no. Never raises `Unavailable`.
        """
        deadline = self.desk.clock.now() + timedelta(seconds=self.seconds)
        settled: dict[str, None] = {}
        cancelled: dict[str, None] = {}
        while True:
            self.keeper.take_in()
            for order in unsettled_orders(self.desk.db, self.account_id):
                if self.policy is Policy.CANCEL and self._cancel(order):
                    cancelled[order.identifier] = None
                if self.desk.settle(order).life.state.terminal:
                    settled[order.identifier] = None
            left = self._orders()
            if not left or self.desk.clock.now() >= deadline or not self.going_on():
                break
            self.desk.clock.sleep(self.desk.settings.settle_pause)
        guarded, bare = self._positions()
        result = Drained(
            settled=tuple(settled),
            cancelled=tuple(cancelled),
            guarded=guarded,
            left=(*left, *bare),
        )
        self._tell(result)
        return result

    def _cancel(self, order: StoredOrder) -> bool:
        if order.life.state is not OrderState.ACCEPTED or order.leg is not Leg.ENTRY:
            return False
        try:
            return self.desk.venue.cancel(order.identifier)
        except Unavailable as cause:
            log.warning("cannot cancel", extra={"action": "drain.cancel", "cause": str(cause)})
            return False

    def _orders(self) -> tuple[Left, ...]:
        """Our orders that are not at their end, and orders of others that stand open at the venue."""
        ours = [
            Left(kind=Leftover.ORDER, name=order.identifier, cause=str(order.life.state))
            for order in unsettled_orders(self.desk.db, self.account_id)
        ]
        known = {left.name for left in ours}
        try:
            standing = self.desk.venue.open_orders()
        except Unavailable as cause:
            return (*ours, Left(kind=Leftover.UNKNOWN, name="open orders", cause=str(cause)))
        foreign = [
            Left(kind=Leftover.FOREIGN, name=_name(placed), cause=f"{placed.side} {placed.market} {placed.state}")
            for placed in standing
            if placed.identifier not in known
        ]
        return (*ours, *foreign)

    def _positions(self) -> tuple[tuple[str, ...], tuple[Left, ...]]:
        positions = [each for each in open_positions(self.desk.db, self.account_id) if not each.dust]
        self.keeper.publish()
        doubt = self.keeper.forbids(None)
        names = tuple(each.position_id for each in positions)
        if doubt is None:
            return names, ()
        return (), tuple(Left(kind=Leftover.POSITION, name=name, cause=doubt.cause) for name in names)

    def _tell(self, result: Drained) -> None:
        entry = AuditEntry(
            account_id=self.account_id,
            at=self.desk.clock.now(),
            actor="drain",
            action="drain.safe" if result.safe else "drain.left",
            detail={
                "policy": self.policy,
                "settled": list(result.settled),
                "cancelled": list(result.cancelled),
                "guarded": list(result.guarded),
                "left": [f"{each.kind} {each.name}: {each.cause}" for each in result.left],
            },
        )
        with self.desk.db.transaction():
            self.desk.lease.check()
            put_audit(self.desk.db, entry)


def _name(placed: PlacedOrder) -> str:
    return placed.identifier or placed.uuid
