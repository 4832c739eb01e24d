"""What one trading session works with: the account, the books, the venue, the clock and the rooms' settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from makenaide.domain.clock import Clock
from makenaide.domain.market import Market
from makenaide.exchange.venue import Venue
from makenaide.execution.guard.keeper import Keeper
from makenaide.execution.halt import HaltSource, note_halt
from makenaide.execution.steadiness import Steadiness
from makenaide.execution.submit import Desk
from makenaide.monitoring.measures import Registry
from makenaide.pipeline.history import History
from makenaide.pipeline.schedule import ScheduleSettings
from makenaide.risk.settings import RiskSettings
from makenaide.store.accounts import Account, Lease
from makenaide.store.db import Database
from makenaide.strategy.settings import StrategySettings


class Vigil(Protocol):
    """What watches the stops between the slots: the guard itself in a stepped run, or the wait for its process."""

    def until(self, moment: datetime, stopping: Callable[[], bool]) -> None:
        """Return at `moment`, soon after `stopping` says so, or as soon as the guard has done something."""
        ...


class Notices(Protocol):
    """Where announced ends of markets are known: the stream's tickers have them, the REST calls do not."""

    def delistings(self, markets: Sequence[Market]) -> Mapping[Market, date]:
        """Of `markets`, those with an announced end, and its day (KST); never raises `Unavailable`."""
        ...


class Ready(Protocol):
    """Whether everything that buying needs was looked at just now: the gate of `ops`, which this room cannot know."""

    def renew(self) -> None:
        """Take the evidence anew. Never raises for what a look finds: without good evidence nothing is bought."""
        ...


class Stopped(Exception):
    """Somebody asked to stop; the step under way is taken up again by the next run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Everything a cycle takes as an argument instead of reaching for it."""

    account: Account
    db: Database
    lease: Lease
    venue: Venue
    keeper: Keeper
    vigil: Vigil
    clock: Clock
    desk: Desk
    history: History
    strategy: StrategySettings
    risk: RiskSettings
    schedule: ScheduleSettings
    stopping: Callable[[], bool]
    halt: HaltSource | None = None
    notices: Notices | None = None
    ready: Ready | None = None
    steadiness: Steadiness | None = None
    measures: Registry = field(default_factory=Registry)

    def note_halt(self) -> None:
        """Write into the audit trail that buying was halted, or allowed again, since the last look."""
        if self.halt is not None:
            note_halt(self.db, self.halt.halt(), self.clock.now(), "trader", self.lease)

    def require_going_on(self) -> None:
        """`Stopped` when somebody asked to stop: call it where a long step may be left and taken up again."""
        if self.stopping():
            raise Stopped
