"""Watching the stops between the slots: the best bid against each stop, and the sale when it is touched.

The stops are watched along the path of the price; the process of its own that does this whatever happens to the
trading process (the guard) comes with the execution issue.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from makenaide.domain.clock import kst
from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.domain.order import PositionId
from makenaide.exchange.venue import Fence, Watcher
from makenaide.execution.leave import leave
from makenaide.execution.portfolio import Position, open_positions
from makenaide.execution.submit import Desk
from makenaide.risk.exits import StopState, raise_stop, stop_exit
from makenaide.risk.settings import RiskSettings
from makenaide.store.accounts import Account
from makenaide.store.journal import StoredStop, put_stop

log = logging.getLogger(__name__)

_DUST_PAUSE = timedelta(hours=1)
"""How long a rest that is too small to sell is left alone when its stop is touched: its price may come back."""


@dataclass(slots=True, kw_only=True)
class StopWatch:
    """Watches the stops of one account until a given moment.

    `blind_looks`: how many looks in a row may fail before `Unavailable` is raised; None = any number, because on
    the wall clock there is nothing better to do than to look again.
    """

    desk: Desk
    watcher: Watcher
    account: Account
    risk: RiskSettings
    blind_looks: int | None = None
    _blind: int = 0
    _retry_at: dict[PositionId, datetime] = field(default_factory=dict)

    def until(self, moment: datetime, stopping: Callable[[], bool]) -> None:
        """Return at `moment`, or soon after `stopping` says so; every stop touched on the way has sold.

        A stop that could not sell (no book, venue shut) tries again after a while, for as long as it takes.
        """
        positions = open_positions(self.desk.db, self.account.account_id)
        wake = self.desk.clock.now()  # the first look is at once: what happened while nobody looked counts
        while True:
            sighting = self._wait(min(wake, moment), positions)
            if sighting is not None:
                positions = self._act(positions, sighting)
            if self.desk.clock.now() >= moment or stopping():
                return
            retries = [at for at in self._retry_at.values() if at > self.desk.clock.now()]
            wake = min([moment, *retries])

    def _wait(self, until: datetime, positions: tuple[Position, ...]) -> Mapping[Market, Price] | None:
        now = self.desk.clock.now()
        due = {each.position_id for each in positions if self._retry_at.get(each.position_id, now) <= now}
        fences = {
            each.market: Fence(each.stop.price, each.stop.high_water)
            for each in positions
            if each.position_id in due
        }
        try:
            bids = self.watcher.wait(until, fences).bids
        except Unavailable as cause:
            self._blind += 1
            if self.blind_looks is not None and self._blind >= self.blind_looks:
                raise
            log.warning("cannot watch", extra={"action": "stop.blind", "cause": str(cause)})
            self.desk.clock.sleep(self.desk.settings.poll_seconds)
            return None
        self._blind = 0
        return bids

    def _act(self, positions: tuple[Position, ...], bids: Mapping[Market, Price]) -> tuple[Position, ...]:
        """Raise and execute the stops by what was seen; the positions after it. One market never mutes another."""
        after, left = [], False
        for position in positions:
            bid = bids.get(position.market)
            raised = position if bid is None else self._raise(position, bid)
            left |= bid is not None and self._leave(raised, bid)
            after.append(raised)
        return open_positions(self.desk.db, self.account.account_id) if left else tuple(after)

    def _raise(self, position: Position, bid: Price) -> Position:
        day = kst(self.desk.clock.now()).date()
        stop = raise_stop(position.stop, position.facts, bid, day, self.risk)
        if stop == position.stop:
            return position
        self._store(position.position_id, stop)
        return replace(position, stop=stop)

    def _leave(self, position: Position, bid: Price) -> bool:
        signal = stop_exit(position.stop, position.facts, bid)
        if signal is None:
            return False
        if position.dust(bid):
            self._pause(position, _DUST_PAUSE)  # or the touched fence would wake the watcher again at once
            return False
        leave(self.desk, self.account, position, signal)
        self._pause(position, timedelta(seconds=self.desk.settings.exit_retry_seconds))
        return True

    def _pause(self, position: Position, pause: timedelta) -> None:
        self._retry_at[position.position_id] = self.desk.clock.now() + pause

    def _store(self, position: PositionId, stop: StopState) -> None:
        with self.desk.db.transaction():
            self.desk.lease.check()
            put_stop(
                self.desk.db,
                self.account.account_id,
                position,
                StoredStop(at=self.desk.clock.now(), price=stop.price, kind=stop.kind, high_water=stop.high_water),
            )
