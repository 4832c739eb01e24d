"""What there is to sell: by the books as published, by the guard's own exits, and by the venue."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from itertools import count
from pathlib import Path

from makenaide.domain.clock import Clock
from makenaide.domain.errors import Unavailable
from makenaide.domain.intent import StoredOrder
from makenaide.domain.market import base_of
from makenaide.domain.money import QUANTITY_STEP, ZERO_QUANTITY, Quantity
from makenaide.domain.order import OrderState, Side
from makenaide.exchange.venue import Venue, Watcher
from makenaide.execution.disk import Files
from makenaide.execution.guard.journal import FileJournal, Sale
from makenaide.execution.guard.stops import GuardedStop
from makenaide.execution.guard.tally import Tally, tally
from makenaide.execution.settings import ExecutionSettings
from makenaide.risk.exits import ExitSignal, StopState
from makenaide.risk.settings import RiskSettings


@dataclass(slots=True, kw_only=True)
class Watched:
    """One position under guard. `stop` only rises; `sold`: nothing of what `about` tells is left to sell.

    `bought`: what the venue says that a pending entry bought, once that is at its end.
    """

    about: GuardedStop
    stop: StopState
    sold: bool = False
    bought: Quantity | None = None
    retry_at: datetime | None = None
    set_at: datetime | None = None
    signal: ExitSignal | None = None
    lacking_since: datetime | None = None
    pause: float = 0.0

    def due(self, now: datetime) -> bool:
        """Whether it may act now."""
        if self.retry_at is None or self.retry_at <= now:
            return not self.sold
        # A clock that was set back must not mute a stop.
        return not self.sold and self.set_at is not None and now < self.set_at


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardParts:
    """What the guard is given. `folder` holds the stops file and the journal, `key` signs both.

    `blind_looks`: how many looks in a row may fail before `Unavailable` is raised; None = any number.
    """

    account_id: str
    folder: Path
    key: bytes
    files: Files
    venue: Venue
    watcher: Watcher
    clock: Clock
    settings: ExecutionSettings
    risk: RiskSettings
    blind_looks: int | None = None


@dataclass(frozen=True, slots=True)
class Stock:
    """What is left of each position, and which exit is next."""

    parts: GuardParts
    journal: FileJournal

    def begun(self, about: GuardedStop) -> bool:
        """Whether a sale of it is under way or has sold a part: then it goes on, wherever the price goes."""
        return self.under_way(about) is not None or any(each.executed for each in self._exits(about))

    def under_way(self, about: GuardedStop) -> Sale | None:
        """The exit of ours that is not at its end, by our journal or by the books."""
        return next((each for each in self._exits(about) if not self._ended(about, each)), None)

    def look_again(self, about: GuardedStop) -> None:
        """An exit that we believe never was may since have been sent by the other process under the same number."""
        for sale in self._exits(about):
            booked = about.exits.get(sale.order.number)
            never = sale.order.life.state in (OrderState.REJECTED, OrderState.VOID) and not sale.executed
            if not never or (booked is not None and booked.ended):
                continue
            try:
                placed = self.parts.venue.order(sale.order.identifier)
            except Unavailable:
                continue
            if placed is not None and placed.executed and placed.side is Side.ASK:
                self.journal.seen(sale, placed.executed, self.parts.clock.now())

    def left(self, watched: Watched) -> Tally | None:
        """What is still to be sold; None while nobody can say what a pending entry bought."""
        about = watched.about
        bought = watched.bought or about.bought
        if about.pending is not None and watched.bought is None:
            try:
                placed = self.parts.venue.order(about.pending)
            except Unavailable:
                return None
            if placed is None:
                return None
            bought = max(bought, placed.executed)
            watched.bought = bought if placed.closed else None
        return tally(about, self._sold(about), bought)

    def left_of_books(self, about: GuardedStop) -> Decimal:
        """What is left of what the books say is held, once the guard's own exits are taken off."""
        return tally(about, self._sold(about), about.bought).total.value

    def most(self, order: StoredOrder, watched: Watched | None) -> Quantity | None:
        """The most that the exit `order` may sell as things stand now, itself left aside; None = nobody can say."""
        if watched is None:
            return None
        sold = {number: each for number, each in self._sold(watched.about).items() if number != order.number}
        return tally(watched.about, sold, watched.bought or watched.about.bought).total

    def number(self, about: GuardedStop) -> int:
        """The first exit that is not at its end anywhere: the number that is the lock between the processes."""
        ended = {number for number, each in about.exits.items() if each.ended}
        ended |= {each.order.number for each in self._exits(about) if each.order.life.state.terminal}
        return next(number for number in count(1) if number not in ended)

    def free(self, about: GuardedStop, left: Quantity) -> Quantity:
        """What of `left` can be sold now, in the steps that the venue trades in; nothing when nobody can say."""
        try:
            balance = self.parts.venue.accounts().get(base_of(about.market))
        except Unavailable:
            return ZERO_QUANTITY
        if balance is None:
            return ZERO_QUANTITY
        return min(left, Quantity(balance.free.quantize(QUANTITY_STEP, ROUND_DOWN)))

    def _exits(self, about: GuardedStop) -> list[Sale]:
        """The journal's exits of the position, in order."""
        return sorted(self.journal.exits(about.position_id), key=lambda each: each.order.number)

    def _sold(self, about: GuardedStop) -> dict[int, tuple[StoredOrder, Quantity]]:
        return {each.order.number: (each.order, each.executed) for each in self._exits(about)}

    def _ended(self, about: GuardedStop, sale: Sale) -> bool:
        booked = about.exits.get(sale.order.number)
        return sale.order.life.state.terminal or (booked is not None and booked.ended)
