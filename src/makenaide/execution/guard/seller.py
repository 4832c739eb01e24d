"""Selling one position at its stop, one step at a time, by the shared exit sequence and from the guard's journal."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from makenaide.domain.intent import GUARD, WITH_DUST, StoredOrder
from makenaide.domain.market import minimum_total
from makenaide.domain.money import Price
from makenaide.domain.order import Leg, OrderRequest, OrderState, OrderType, Side, identifier
from makenaide.execution.guard.entries import Kind
from makenaide.execution.guard.journal import FileJournal, Sale
from makenaide.execution.guard.stock import GuardParts, Stock, Watched
from makenaide.execution.guard.tally import Tally
from makenaide.execution.protocol import OrderProtocol

log = logging.getLogger(__name__)

_LACKING = "insufficient_funds_ask"
_OFFLINE = "market_offline"
_LAG_PAUSE = 0.5
_OLD = timedelta(minutes=5)
"""An exit that has been in doubt for so long is asked for less often."""


@dataclass(frozen=True, slots=True)
class Seller:
    """Sells what the guard says is touched. `installation` is the one in our identifiers, as published."""

    parts: GuardParts
    journal: FileJournal
    stock: Stock
    installation: Callable[[], str]

    def step(self, watched: Watched, bid: Price | None) -> None:
        """One step of the sale of `watched`, and when the next one is due."""
        sale = self.stock.under_way(watched.about)
        if sale is None:
            self.stock.look_again(watched.about)
            left = self.stock.left(watched)
            if left is None:
                self.later(watched)
                return
            if not left.total:
                self._is_sold(watched)
                return
            order = self._intent(watched, left, max(bid or watched.stop.price, watched.stop.price))
            if order is None:
                return
            self.journal.commit(order)
            sale = self.journal.sales[order.identifier]
        order = self._protocol().step(sale.order)
        if order.life.state is OrderState.ACCEPTED:
            order = self._protocol().step(order)
        self._stepped(watched, self.journal.sales[order.identifier])

    def later(self, watched: Watched) -> None:
        """Nobody can say yet: soon again, and ever less often while that lasts."""
        settings = self.parts.settings
        sale = self.stock.under_way(watched.about)
        old = sale is not None and self.parts.clock.now() - sale.order.created_at > _OLD
        longest = settings.exit_retry_seconds if old else settings.settle_again_seconds
        watched.pause = min(max(2 * watched.pause, settings.settle_pause), longest)
        self._again(watched, watched.pause)

    def _again(self, watched: Watched, seconds: float) -> None:
        watched.set_at = self.parts.clock.now()
        watched.retry_at = watched.set_at + timedelta(seconds=seconds)

    def _is_sold(self, watched: Watched) -> None:
        """Nothing is left of it, until something else is published; what is still being bought is asked for again."""
        watched.signal = None
        watched.sold = watched.about.pending is None or watched.bought is not None
        if not watched.sold:
            self.later(watched)

    def _protocol(self) -> OrderProtocol:
        parts = self.parts
        return OrderProtocol(
            journal=self.journal,
            venue=parts.venue,
            clock=parts.clock,
            settings=parts.settings,
            sender=GUARD,
            longest_wait=_LAG_PAUSE,
        )

    def _intent(self, watched: Watched, left: Tally, price: Price) -> StoredOrder | None:
        """The exit of all that is left, or of what is free while coins are lacking; None when it has to wait."""
        about, least = watched.about, minimum_total(watched.about.market)
        volume = left.total
        if (price * volume).value < least:
            self._too_small(watched, left, price)
            return None
        if watched.lacking_since is not None:
            volume = self.stock.free(about, volume)
            if (price * volume).value < least:
                self._lacking(watched)
                return None
        # After a restart in the middle of a sale the touch itself is forgotten; the stop is not.
        evidence = dict(watched.signal.evidence) if watched.signal else {"stop": str(watched.stop.price)}
        # Dust goes along only with a sale of everything: what is short is missing from the dust first.
        dust = {key: str(each) for key, each in left.dust.items()} if volume == left.total else {}
        number = self.stock.number(about)
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

    def _stepped(self, watched: Watched, sale: Sale) -> None:
        settings = self.parts.settings
        match sale.order.life.state:
            case OrderState.CLOSED:
                watched.lacking_since, watched.pause = None, 0.0
                left = self.stock.left(watched)
                if left is not None and not left.total:
                    self._is_sold(watched)
                    return
                # The book was too thin for all of it: the rest at once, or after a while when nothing went at all.
                self._again(watched, 0.0 if sale.executed else settings.exit_retry_seconds)
            case OrderState.REJECTED:
                self._refused(watched, sale)
            case OrderState.VOID:
                watched.pause = 0.0
                self._again(watched, 0.0)
            case OrderState.ACCEPTED:
                self._again(watched, settings.poll_seconds)
            case _:
                self.later(watched)

    def _refused(self, watched: Watched, sale: Sale) -> None:
        if sale.refusal == _LACKING:
            self._lacking(watched)
        elif sale.refusal == _OFFLINE:
            self._again(watched, self.parts.settings.settle_again_seconds)
        else:
            # Too small for the venue at its price of this moment: the stop's price said otherwise, and may change.
            self._stuck(watched, f"refused: {sale.refusal}")

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
