"""Between two slots: the guard watches; what it does, what is in doubt, and what a person wishes is seen to.

So are exits that the slot called for and that could not be made.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from makenaide.execution.reconcile import Reconciliation, reconcile
from makenaide.execution.wishes import Clerk
from makenaide.pipeline.session import Session
from makenaide.pipeline.unfinished import try_again, unfinished
from makenaide.store.orders import unsettled_orders

_QUIET = timedelta(minutes=10)
"""So often books and balances are compared between two slots of a run on the wall clock."""
_SLEPT = timedelta(seconds=60)
"""A wait that took so much longer was a machine asleep."""
_LONGEST = timedelta(minutes=5)
"""So long, at most, an order in doubt waits for the next look, and an exit that is not done for its next try."""


def take_in(session: Session) -> None:
    """What the guard did comes into the books, what is in doubt is settled, and the guard hears what is held now."""
    session.keeper.take_in()
    for order in unsettled_orders(session.db, session.account.account_id):
        session.desk.settle(order)
    session.keeper.publish()


def compared(session: Session) -> Reconciliation:
    """What the guard did comes into the books, they are compared with the venue, and the guard hears what is held."""
    steadiness = session.steadiness
    began = None if steadiness is None else steadiness.reading()
    state = reconcile(session.desk, session.account.account_id, session.keeper)
    session.keeper.publish()
    if steadiness is not None and began is not None and state.comparison.equal is not None:
        steadiness.anchor(began)
    return state


@dataclass(slots=True, kw_only=True)
class Interlude:
    """One time between two slots. Orders in doubt are settled soon, and ever less often while nothing changes."""

    session: Session
    clerk: Clerk
    looked: datetime
    doubt: frozenset[str] = frozenset()
    pause: timedelta = timedelta(0)
    settle_at: datetime | None = field(default=None)
    leave_at: datetime | None = field(default=None)
    leave_pause: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        self._expect_exits()

    def until(self, moment: datetime) -> None:
        """Return at `moment`, or soon after the session is asked to stop."""
        session = self.session
        while True:
            self.clerk.serve()
            self._take_in()
            self._leave()
            wake = self._wake(moment)
            session.vigil.until(wake, session.stopping)
            now = session.clock.now()
            if now >= moment or session.stopping():
                take_in(session)
                return
            self._reconcile(now, slept=now - wake > _SLEPT)

    def _take_in(self) -> None:
        session, now = self.session, self.session.clock.now()
        if session.keeper.take_in() or self.settle_at is None or now >= self.settle_at:
            take_in(session)
            self._expect()
        session.keeper.publish()

    def _leave(self) -> None:
        """Make the exits of the last slot that are not done, if it is time: soon, then ever less often."""
        if self.leave_at is not None and self.session.clock.now() >= self.leave_at:
            try_again(self.session)
            self._expect_exits()

    def _expect_exits(self) -> None:
        """When exits that are not done are to be tried again. None is called for between two slots."""
        session = self.session
        if not unfinished(session):
            self.leave_at = None
            return
        first = timedelta(seconds=session.desk.settings.exit_retry_seconds)
        self.leave_pause = min(2 * self.leave_pause, max(first, _LONGEST)) if self.leave_pause else first
        self.leave_at = session.clock.now() + self.leave_pause

    def _expect(self) -> None:
        """When what is still in doubt is to be settled again."""
        session = self.session
        before, self.doubt = self.doubt, _doubtful(session)
        if not self.doubt:
            self.pause, self.settle_at = timedelta(0), None
            return
        first = timedelta(seconds=session.desk.settings.settle_again_seconds)
        fresh = self.doubt != before or not self.pause
        self.pause = first if fresh else min(2 * self.pause, max(first, _LONGEST))
        self.settle_at = session.clock.now() + self.pause

    def _wake(self, moment: datetime) -> datetime:
        if self.doubt and self.settle_at is not None:
            moment = min(moment, self.settle_at)
        if self.leave_at is not None:
            moment = min(moment, self.leave_at)
        if self.session.account.last_slot is None:
            pause = timedelta(seconds=self.session.desk.settings.wish_seconds)
            moment = min(moment, self.session.clock.now() + pause)
        return moment

    def _reconcile(self, now: datetime, *, slept: bool) -> None:
        """A day is long on the wall clock, a sleep hides what happened, and a doubt may need what others did."""
        wall, quiet = self.session.account.last_slot is None, now - self.looked
        slept = slept or self._parted()
        if (wall and (slept or quiet >= _QUIET)) or (self.doubt and quiet >= self.pause):
            compared(self.session)
            self.looked = now

    def _parted(self) -> bool:
        """Whether the clock was set, or the machine slept, however short: nobody buys until it is compared."""
        steadiness = self.session.steadiness
        return steadiness is not None and steadiness.broken


def interlude(session: Session) -> Interlude:
    """What goes on from now to the next slot."""
    clerk = Clerk(desk=session.desk, account=session.account, quotes=session.venue, risk=session.risk)
    return Interlude(session=session, clerk=clerk, looked=session.clock.now())


def _doubtful(session: Session) -> frozenset[str]:
    return frozenset(each.identifier for each in unsettled_orders(session.db, session.account.account_id))
