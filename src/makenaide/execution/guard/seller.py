"""Selling one position at its stop, one step at a time, by the shared exit sequence and from the guard's journal."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import count
from pathlib import Path

from makenaide.domain.clock import Clock
from makenaide.domain.errors import Unavailable
from makenaide.domain.intent import GUARD, WITH_DUST, StoredOrder
from makenaide.domain.market import base_of, minimum_total
from makenaide.domain.money import QUANTITY_STEP, ZERO_QUANTITY, Price, Quantity
from makenaide.domain.order import Leg, OrderRequest, OrderState, OrderType, Side, identifier
from makenaide.exchange.venue import Venue, Watcher
from makenaide.execution.disk import Files
from makenaide.execution.guard.entries import Kind
from makenaide.execution.guard.journal import FileJournal, Sale
from makenaide.execution.guard.stops import GuardedStop
from makenaide.execution.guard.tally import Tally, tally
from makenaide.execution.protocol import OrderProtocol
from makenaide.execution.settings import ExecutionSettings
from makenaide.risk.exits import ExitSignal, StopState
from makenaide.risk.settings import RiskSettings

log = logging.getLogger(__name__)

_LACKING = "insufficient_funds_ask"
_OFFLINE = "market_offline"
_LAG_PAUSE = 0.5


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
class Seller:
    """Sells what the guard says is touched. `installation` is the one in our identifiers, as published."""

    parts: GuardParts
    journal: FileJournal
    installation: Callable[[], str]

    def begun(self, about: GuardedStop) -> bool:
        """Whether a sale of it is under way or has sold a part: then it goes on, wherever the price goes."""
        return self._under_way(about) is not None or any(each.executed for each in self._exits(about))

    def step(self, watched: Watched, bid: Price | None) -> bool:
        """One step of the sale of `watched`; whether it ended (sold, or nothing more can be done for now)."""
        sale = self._under_way(watched.about)
        if sale is None:
            self._look_again(watched.about)
            left = self.left(watched)
            if left is None:
                self.later(watched)
                return False
            if not left.total:
                return self._is_sold(watched)
            order = self._intent(watched, left, max(bid or watched.stop.price, watched.stop.price))
            if order is None:
                return watched.about.position_id in self.journal.dust
            self.journal.commit(order)
            sale = self.journal.sales[order.identifier]
        order = self._protocol().step(sale.order)
        if order.life.state is OrderState.ACCEPTED:
            order = self._protocol().step(order)
        return self._stepped(watched, self.journal.sales[order.identifier])

    def later(self, watched: Watched) -> None:
        """Nobody can say yet: soon again, and ever less often while that lasts."""
        settings = self.parts.settings
        watched.pause = min(max(2 * watched.pause, settings.settle_pause), settings.settle_again_seconds)
        self._again(watched, watched.pause)

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

    def _again(self, watched: Watched, seconds: float) -> None:
        watched.set_at = self.parts.clock.now()
        watched.retry_at = watched.set_at + timedelta(seconds=seconds)

    def _is_sold(self, watched: Watched) -> bool:
        """Nothing is left of it, until something else is published; what is still being bought is asked for again."""
        watched.signal = None
        watched.sold = watched.about.pending is None or watched.bought is not None
        if not watched.sold:
            self.later(watched)
        return True

    def _protocol(self) -> OrderProtocol:
        parts = self.parts
        return OrderProtocol(
            journal=self.journal,
            venue=parts.venue,
            clock=parts.clock,
            settings=parts.settings,
            sender=GUARD,
        )

    def _exits(self, about: GuardedStop) -> list[Sale]:
        """The journal's exits of the position, in order."""
        sales = [each for each in self.journal.sales.values() if each.order.position_id == about.position_id]
        return sorted(sales, key=lambda each: each.order.number)

    def _sold(self, about: GuardedStop) -> dict[int, tuple[StoredOrder, Quantity]]:
        return {each.order.number: (each.order, each.executed) for each in self._exits(about)}

    def _under_way(self, about: GuardedStop) -> Sale | None:
        return next((each for each in self._exits(about) if not self._ended(about, each)), None)

    def _ended(self, about: GuardedStop, sale: Sale) -> bool:
        booked = about.exits.get(sale.order.number)
        return sale.order.life.state.terminal or (booked is not None and booked.ended)

    def _look_again(self, about: GuardedStop) -> None:
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

    def _number(self, about: GuardedStop) -> int:
        """The first exit that is not at its end anywhere: the number that is the lock between the processes."""
        ended = {number for number, each in about.exits.items() if each.ended}
        ended |= {each.order.number for each in self._exits(about) if each.order.life.state.terminal}
        return next(number for number in count(1) if number not in ended)

    def _intent(self, watched: Watched, left: Tally, price: Price) -> StoredOrder | None:
        """The exit of all that is left, or of what is free while coins are lacking; None when it has to wait."""
        about, least = watched.about, minimum_total(watched.about.market)
        volume = left.total
        if (price * volume).value < least:
            self._too_small(watched, left, price)
            return None
        if watched.lacking_since is not None:
            volume = self._free(about, volume)
            if (price * volume).value < least:
                self._lacking(watched)
                return None
        # After a restart in the middle of a sale the touch itself is forgotten; the stop is not.
        evidence = dict(watched.signal.evidence) if watched.signal else {"stop": str(watched.stop.price)}
        # Dust goes along only with a sale of everything: what is short is missing from the dust first.
        dust = {key: str(each) for key, each in left.dust.items()} if volume == left.total else {}
        number = self._number(about)
        request = OrderRequest(
            market=about.market,
            side=Side.ASK,
            type=OrderType.MARKET,
            identifier=identifier(self.installation(), about.position_id, Leg.EXIT, number),
            volume=volume,
        )
        return StoredOrder(
            request=request,
            account_id=self.parts.account_id,
            position_id=about.position_id,
            decision_id=None,
            leg=Leg.EXIT,
            number=number,
            reason=watched.stop.kind,
            evidence={**evidence, WITH_DUST: dust} if dust else evidence,
            created_at=self.parts.clock.now(),
            sender=GUARD,
        )

    def _free(self, about: GuardedStop, left: Quantity) -> Quantity:
        try:
            balance = self.parts.venue.accounts().get(base_of(about.market))
        except Unavailable:
            return ZERO_QUANTITY
        if balance is None:
            return ZERO_QUANTITY
        return min(left, Quantity(balance.free.quantize(QUANTITY_STEP, ROUND_DOWN)))

    def _stepped(self, watched: Watched, sale: Sale) -> bool:
        settings = self.parts.settings
        match sale.order.life.state:
            case OrderState.CLOSED:
                watched.lacking_since, watched.pause = None, 0.0
                left = self.left(watched)
                if left is not None and not left.total:
                    return self._is_sold(watched)
                # The book was too thin for all of it: the rest at once, or after a while when nothing went at all.
                self._again(watched, 0.0 if sale.executed else settings.exit_retry_seconds)
                return True
            case OrderState.REJECTED:
                return self._refused(watched, sale)
            case OrderState.VOID:
                watched.pause = 0.0
                self._again(watched, 0.0)
                return False
            case OrderState.ACCEPTED:
                self._again(watched, settings.poll_seconds)
                return False
            case _:
                self.later(watched)
                return False

    def _refused(self, watched: Watched, sale: Sale) -> bool:
        if sale.refusal == _LACKING:
            self._lacking(watched)
            return False
        if sale.refusal == _OFFLINE:
            self._again(watched, self.parts.settings.settle_again_seconds)
            return True
        # Too small for the venue at its price of this moment: the stop's price said otherwise, so that it may change.
        self._stuck(watched, f"refused: {sale.refusal}")
        return True

    def _lacking(self, watched: Watched) -> None:
        """Balances lag behind trades: again for some seconds with what is free, then a person is called."""
        settings, now = self.parts.settings, self.parts.clock.now()
        watched.lacking_since = watched.lacking_since or now
        if now - watched.lacking_since < timedelta(seconds=settings.lag_seconds):
            self._again(watched, _LAG_PAUSE)
            return
        watched.lacking_since = None
        self._stuck(watched, f"{_LACKING} for {settings.lag_seconds:g} s")

    def _stuck(self, watched: Watched, cause: str) -> None:
        """Nothing more can be done for now: told once each time, tried again ever more rarely."""
        settings = self.parts.settings
        watched.pause = min(max(2 * watched.pause, settings.exit_retry_seconds), settings.stuck_seconds)
        self._again(watched, watched.pause)
        position = watched.about.position_id
        log.error("an exit is stuck", extra={"action": "alarm.exit_stuck", "position": position, "cause": cause})
        self.journal.tell(Kind.STUCK, {"position": position, "cause": cause}, self.parts.clock.now())

    def _too_small(self, watched: Watched, left: Tally, price: Price) -> None:
        """A rest that nobody takes is dust; not so one of which more may come, or that is small by a price alone.

        `price` is the stop's at least: one absurd bid makes no dust.
        """
        if watched.about.pending is not None and watched.bought is None:
            self.later(watched)
            return
        data = {"position": watched.about.position_id, "quantity": str(left.own), "bid": str(price)}
        self.journal.tell(Kind.DUST, data, self.parts.clock.now())
        watched.signal = None
