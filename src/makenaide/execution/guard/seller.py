"""Selling one position at its stop, one step at a time, by the shared exit sequence and from the guard's journal."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from makenaide.domain.clock import Clock
from makenaide.domain.errors import Unavailable
from makenaide.domain.intent import GUARD, WITH_DUST, StoredOrder
from makenaide.domain.market import base_of, minimum_total
from makenaide.domain.money import ZERO_QUANTITY, Price, Quantity
from makenaide.domain.order import Leg, OrderRequest, OrderState, OrderType, Side, identifier
from makenaide.exchange.venue import Venue, Watcher
from makenaide.execution.disk import Files
from makenaide.execution.guard.entries import Kind
from makenaide.execution.guard.journal import FileJournal, Sale
from makenaide.execution.guard.stops import GuardedStop
from makenaide.execution.protocol import OrderProtocol
from makenaide.execution.settings import ExecutionSettings
from makenaide.risk.exits import ExitSignal, StopState
from makenaide.risk.settings import RiskSettings

log = logging.getLogger(__name__)

_LACKING = "insufficient_funds_ask"
_TOO_SMALL = "under_min_total_ask"
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
    signal: ExitSignal | None = None
    lacking_since: datetime | None = None
    pause: float = 0.0

    def due(self, now: datetime) -> bool:
        """Whether it may act now."""
        return not self.sold and (self.retry_at is None or self.retry_at <= now)


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
            left = self._left(watched)
            if left is None:
                self.later(watched)
                return False
            if not left:
                return self._is_sold(watched)
            price = bid or watched.stop.price
            if (price * left).value < minimum_total(watched.about.market):
                return self._is_dust(watched, left, price)
            order = self._intent(watched, left)
            if order is None:
                return False
            self.journal.commit(order)
            sale = self.journal.sales[order.identifier]
        order = self._protocol().step(sale.order)
        if order.life.state is OrderState.ACCEPTED:
            order = self._protocol().step(order)
        return self._stepped(watched, self.journal.sales[order.identifier])

    def _is_sold(self, watched: Watched) -> bool:
        """Nothing is left of it, until something else is published; what is still being bought is asked for again."""
        watched.signal = None
        watched.sold = watched.about.pending is None or watched.bought is not None
        if not watched.sold:
            self.later(watched)
        return True

    def later(self, watched: Watched) -> None:
        """Nobody can say yet: soon again, and ever less often while that lasts."""
        settings = self.parts.settings
        watched.pause = min(max(2 * watched.pause, settings.settle_pause), settings.settle_again_seconds)
        watched.retry_at = self.parts.clock.now() + timedelta(seconds=watched.pause)

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
        """The journal's exits of the position that the books do not count yet, in order."""
        sales = [each for each in self.journal.exits(about.position_id) if each.order.number >= about.next_exit]
        return sorted(sales, key=lambda each: each.order.number)

    def _under_way(self, about: GuardedStop) -> Sale | None:
        return next((each for each in self._exits(about) if not each.order.life.state.terminal), None)

    def _left(self, watched: Watched) -> Quantity | None:
        """What is still to be sold, dust along with it; None while nobody can say."""
        about = watched.about
        bought = about.quantity
        if about.pending is not None and watched.bought is None:
            try:
                placed = self.parts.venue.order(about.pending)
            except Unavailable:
                return None
            if placed is None:
                return None
            bought = max(bought, placed.executed)
            watched.bought = bought if placed.closed else None
        elif watched.bought is not None:
            bought = watched.bought
        sold = sum((each.executed.value for each in self._exits(about)), Decimal(0))
        along = sum((each.value for each in about.dust.values()), Decimal(0)) if bought else Decimal(0)
        return Quantity(max(Decimal(0), bought.value + along - sold))

    def _intent(self, watched: Watched, left: Quantity) -> StoredOrder | None:
        about = watched.about
        number = max([about.next_exit - 1, *(each.order.number for each in self._exits(about))]) + 1
        volume = left if watched.lacking_since is None else self._free(about, left)
        if not volume:
            self._lacking(watched)
            return None
        # After a restart in the middle of a sale the touch itself is forgotten; the stop is not.
        evidence = dict(watched.signal.evidence) if watched.signal else {"stop": str(watched.stop.price)}
        # Dust goes along only with a sale of everything: what is short is missing from the dust first.
        dust = {key: str(each) for key, each in about.dust.items()} if volume == left else {}
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
        return ZERO_QUANTITY if balance is None else min(left, Quantity(balance.free))

    def _stepped(self, watched: Watched, sale: Sale) -> bool:
        settings, now = self.parts.settings, self.parts.clock.now()
        match sale.order.life.state:
            case OrderState.CLOSED:
                watched.lacking_since, watched.pause = None, 0.0
                left = self._left(watched)
                if left is not None and not left:
                    return self._is_sold(watched)
                # The book was too thin for all of it: the rest at once, or after a while when nothing went at all.
                wait = 0.0 if sale.executed else settings.exit_retry_seconds
                watched.retry_at = now + timedelta(seconds=wait)
                return True
            case OrderState.REJECTED:
                return self._refused(watched, sale)
            case OrderState.VOID:
                watched.retry_at, watched.pause = now, 0.0
                return False
            case OrderState.ACCEPTED:
                watched.retry_at = now + timedelta(seconds=settings.poll_seconds)
                return False
            case _:
                self.later(watched)
                return False

    def _refused(self, watched: Watched, sale: Sale) -> bool:
        if sale.refusal == _LACKING:
            self._lacking(watched)
            return False
        if sale.refusal == _TOO_SMALL:
            left = self._left(watched) or ZERO_QUANTITY
            return bool(left) and self._is_dust(watched, left, watched.stop.price)
        self._stuck(watched, f"refused: {sale.refusal}")
        return True

    def _lacking(self, watched: Watched) -> None:
        """Balances lag behind trades: again for some seconds with what is free, then a person is called."""
        settings, now = self.parts.settings, self.parts.clock.now()
        watched.lacking_since = watched.lacking_since or now
        if now - watched.lacking_since < timedelta(seconds=settings.lag_seconds):
            watched.retry_at = now + timedelta(seconds=_LAG_PAUSE)
            return
        watched.lacking_since = None
        self._stuck(watched, f"{_LACKING} for {settings.lag_seconds:g} s")

    def _stuck(self, watched: Watched, cause: str) -> None:
        """Nothing more can be done for now: told once each time, tried again ever more rarely."""
        settings, now = self.parts.settings, self.parts.clock.now()
        watched.pause = min(max(2 * watched.pause, settings.exit_retry_seconds), settings.stuck_seconds)
        watched.retry_at = now + timedelta(seconds=watched.pause)
        position = watched.about.position_id
        log.error("an exit is stuck", extra={"action": "alarm.exit_stuck", "position": position, "cause": cause})
        self.journal.tell(Kind.STUCK, {"position": position, "cause": cause}, now)

    def _is_dust(self, watched: Watched, left: Quantity, bid: Price) -> bool:
        data = {"position": watched.about.position_id, "quantity": str(left), "bid": str(bid)}
        self.journal.tell(Kind.DUST, data, self.parts.clock.now())
        watched.signal = None
        return True
