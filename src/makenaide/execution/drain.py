"""Drain (T1): before the trading process goes, what is open is brought to an end, and what is left is named."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from makenaide.domain.errors import Unavailable
from makenaide.domain.intent import StoredOrder
from makenaide.domain.order import Leg, OrderState
from makenaide.exchange.venue import PlacedOrder
from makenaide.execution.guard.keeper import Keeper
from makenaide.execution.portfolio import portfolio
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
    POSITION = "position"
    UNKNOWN = "unknown"
    PROCESS = "process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """One thing not at its end: an order, a bare position, a look that failed, or a process that does not go."""

    kind: Leftover
    name: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What draining came to.

    `guarded`: the positions that the guard goes on holding, by name; `unguarded`: those that a person accepted to
    leave without one. `foreign`: a person's own orders that stand open; they are named, and never ours to touch.
    """

    settled: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    guarded: tuple[str, ...] = ()
    unguarded: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()

    @property
    def safe(self) -> bool:
        """Whether the process may go: no order of ours is open, and every position has its guard (or needs none)."""
        return not self.left


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Draining one account. Buys are blocked by whoever calls (a halt); exits go on.

    `dismiss`: a person accepts positions without a guard: it ends the guard, once all else has been brought to its
    end. None: nobody does.
    """

    desk: Desk
    keeper: Keeper
    account_id: str
    policy: Policy
    seconds: float
    going_on: Callable[[], bool]
    dismiss: Callable[[], object] | None = None

    def run(self) -> Drained:
        """Settle what is in doubt, cancel or await what is open, and look at the guard; name what is left.

        Ends after `seconds` at the latest, or as soon as `going_on` says no. Never raises `Unavailable`.
        """
        deadline = self.desk.clock.now() + timedelta(seconds=self.seconds)
        done = _Done()
        while self._round(done) and self.desk.clock.now() < deadline and self.going_on():
            self.desk.clock.sleep(self.desk.settings.settle_pause)
        if self.dismiss is not None:
            self.dismiss()
            self._round(done)  # what the guard did to the very last
        guarded, unguarded, bare = self._positions()
        result = Drained(
            settled=tuple(done.settled),
            cancelled=tuple(done.cancelled),
            guarded=guarded,
            unguarded=unguarded,
            foreign=done.foreign,
            left=(*done.left, *bare),
        )
        self._tell(result)
        return result

    def _round(self, done: "_Done") -> bool:
        """Take in, cancel, settle and look once; whether something is left to be waited for."""
        left: list[Left] = []
        self.keeper.take_in()
        if self.keeper.damage is not None:
            left.append(Left(kind=Leftover.UNKNOWN, name="the guard's journal", cause=self.keeper.damage))
        for order in unsettled_orders(self.desk.db, self.account_id):
            if self.policy is Policy.CANCEL and self._cancel(order):
                done.cancelled[order.identifier] = None
            if self.desk.settle(order).life.state.terminal:
                done.settled[order.identifier] = None
        left += [
            Left(kind=Leftover.ORDER, name=order.identifier, cause=str(order.life.state))
            for order in unsettled_orders(self.desk.db, self.account_id)
        ]
        done.left = (*left, *self._standing({each.name for each in left}, done))
        return bool(done.left)

    def _cancel(self, order: StoredOrder) -> bool:
        if order.life.state is not OrderState.ACCEPTED or order.leg is not Leg.ENTRY:
            return False
        try:
            return self.desk.venue.cancel(order.identifier)
        except Unavailable as cause:
            log.warning("cannot cancel", extra={"action": "drain.cancel", "cause": str(cause)})
            return False

    def _standing(self, known: set[str], done: "_Done") -> tuple[Left, ...]:
        """Orders of ours that stand open at the venue though the books do not know it; those of others in `done`."""
        prefix = f"mk1-{self.keeper.account.installation}-"
        try:
            standing = self.desk.venue.open_orders()
        except Unavailable as cause:
            return (Left(kind=Leftover.UNKNOWN, name="open orders", cause=str(cause)),)
        ours = [each for each in standing if (each.identifier or "").startswith(prefix)]
        done.foreign = tuple(_told(each) for each in standing if each not in ours)
        return tuple(
            Left(kind=Leftover.ORDER, name=_name(each), cause="stands open at the venue, not in the books")
            for each in ours
            if each.identifier not in known
        )

    def _positions(self) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Left, ...]]:
        """Those that the guard holds, those that need none, and those that are bare."""
        held = portfolio(self.desk.db, self.account_id)
        positions = [each for each in held.positions if not each.dust]
        names = tuple(each.position_id for each in positions)
        self.keeper.publish()
        if self.dismiss is not None:
            return (), names, ()
        doubt = self.keeper.forbids(None)
        spoilt = tuple(
            Left(kind=Leftover.POSITION, name=each.position_id, cause="its books cannot be read")
            for each in held.unreadable
        )
        if doubt is None:
            return names, (), spoilt
        bare = tuple(Left(kind=Leftover.POSITION, name=name, cause=doubt.cause) for name in names)
        return (), (), (*bare, *spoilt)

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
                "unguarded": list(result.unguarded),
                "foreign": list(result.foreign),
                "left": [f"{each.kind} {each.name}: {each.cause}" for each in result.left],
            },
        )
        with self.desk.db.transaction():
            self.desk.lease.check()
            put_audit(self.desk.db, entry)


@dataclass(slots=True)
class _Done:
    settled: dict[str, None] = field(default_factory=dict)
    cancelled: dict[str, None] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()


def _name(placed: PlacedOrder) -> str:
    return placed.identifier or placed.uuid


def _told(placed: PlacedOrder) -> str:
    return f"{_name(placed)}: {placed.side} {placed.market} {placed.state}"
