"""The order protocol, whoever sends: commit and send, settle the unknown, burn the unwanted, void the proven.

It runs over a journal, which is the database for the trading process and a file for the guard; the rules are the
same (docs/why/0003-order-protocol.md, points 1 to 6). Whatever is neither plainly accepted nor plainly refused is
unknown; an unknown is settled by asking for its identifier and, as long as it is wanted, by sending the very same
one again.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Protocol

from makenaide.domain.clock import Clock, kst
from makenaide.domain.errors import Inconsistent, Unavailable
from makenaide.domain.intent import Standing, StoredOrder
from makenaide.domain.market import Market, base_of, minimum_total, quote_of, round_down
from makenaide.domain.money import QUANTITY_STEP, Price, Quantity
from makenaide.domain.order import (
    Absent,
    Answer,
    Burning,
    Duplicate,
    Event,
    Leg,
    NoAnswer,
    NotAccepted,
    OrderState,
    Overtaken,
    Rejected,
    Sending,
    Voided,
)
from makenaide.exchange.venue import Balance, Book, PlacedOrder, Trading, Venue
from makenaide.execution.permit import Forbidden, Permit
from makenaide.execution.sameness import is_burn
from makenaide.execution.settings import ExecutionSettings

log = logging.getLogger(__name__)

_BURN_AT = 2
"""The bid that spends an identifier stands at the best bid over this: it can't fill."""

_WINDOW = timedelta(days=6)
"""How much of the closed orders around an order's commit is searched for it: the venue answers seven days a call."""


class Journal(Protocol):
    """Where the sender's intents and what became of them are durable before anything else happens."""

    def confirm(self, order: StoredOrder) -> None:
        """Right before a send: `Inconsistent` when `order` has changed, `InUse` when another has taken over."""
        ...

    def record(self, order: StoredOrder, event: Event, at: datetime) -> StoredOrder:
        """`event` is durable; the order after it."""
        ...

    def book(self, order: StoredOrder, placed: PlacedOrder, at: datetime) -> StoredOrder | None:
        """What the venue shows is durable; None when it is not to be believed (yet)."""
        ...

    def standing(self, order: StoredOrder) -> Standing:
        """The last send, and the looks in vain since."""
        ...

    def most(self, order: StoredOrder) -> Quantity | None:
        """The most that an exit may sell as things stand now; None when nobody can say."""
        ...

    def untouched(self, order: StoredOrder, base: Balance, quote: Balance | None) -> bool:
        """Whether the account's balances of the order's two currencies say that it never traded."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderProtocol:
    """One sender's way with orders; `sender` is its name.

    `longest_wait`: for so many seconds at most it waits, in place, as the venue asks; the limiter keeps to the rest.
    An exit that the other process committed is settled like one's own: the identifier is the same, so that sending it
    again, or proving that it never was, is as safe as it is for its author.
    """

    journal: Journal
    venue: Venue
    clock: Clock
    settings: ExecutionSettings
    sender: str
    permits: tuple[Permit, ...] = ()
    longest_wait: float = 60.0

    def settle(self, order: StoredOrder) -> StoredOrder:
        """Bring `order` as far towards its end as the venue allows now; never raises `Unavailable`.

        A planned one is sent if it is still wanted and voided if not; a doubtful one is asked for, and sent again or
        burnt when it is absent; an accepted one is followed until it is closed.
        """
        for look in range(self.settings.settle_looks):
            if look:
                self.clock.sleep(self.settings.settle_pause)
            order = self.step(order)
            if order.life.state is OrderState.ACCEPTED:
                order = self._follow(order)
                break
            if order.life.state.terminal:
                break
        if not order.life.state.terminal:
            log.warning("unsettled", extra={"action": "order.unsettled", "identifier": order.identifier})
        return order

    def forbidden(self, order: StoredOrder | None) -> Forbidden | None:
        """What forbids the entry `order` (None: any entry) now; exits are never asked for."""
        if order is not None and order.leg is not Leg.ENTRY:
            return None
        return next((said for permit in self.permits if (said := permit.forbids(order)) is not None), None)

    def step(self, order: StoredOrder) -> StoredOrder:
        """One thing: a send, or a look and what follows from it; for a sender with more than one order to mind."""
        match order.life.state:
            case OrderState.PLANNED:
                return self._send(order) if self._wanted(order) else self._void(order, "never sent, not wanted")
            case OrderState.SENT | OrderState.UNKNOWN:
                seen = self._look(order)
                if seen is None or not seen.life.state.doubtful:
                    return seen or order
                return self._again(seen)  # it was absent a moment ago
            case OrderState.ACCEPTED:
                return self._look(order) or order
            case _:
                return order

    def _again(self, order: StoredOrder) -> StoredOrder:
        """A doubtful order that was absent a moment ago: void it, send the very same one again, or burn it."""
        if order.life.spent:
            proof = self._proof(order)
            return order if proof is None else self._void(order, proof)
        if order.burn is not None or not self._wanted(order):
            return self._burn(order)
        return self._send(order)

    def _wanted(self, order: StoredOrder) -> bool:
        """An exit while there is something to sell; an entry while it is young and nothing forbids it (point 6)."""
        if order.leg is not Leg.ENTRY:
            most = self.journal.most(order)
            return most is None or bool(most)
        age = self.clock.now() - order.created_at
        return age <= timedelta(seconds=self.settings.wanted_seconds) and self.forbidden(order) is None

    def _send(self, order: StoredOrder) -> StoredOrder:
        """Record the send, then send; what is read again right before it is the state and the lease."""
        self.journal.confirm(order)
        sending = Sending()
        order = self.journal.record(self._fitted(order), sending, self.clock.now())
        try:
            answer = self.venue.place(order.request)
        finally:
            _log(order, sending)  # the record is durable; its line in the log can wait for the order to be out
        return self._answered(order, answer)

    def _fitted(self, order: StoredOrder) -> StoredOrder:
        """An exit with no more volume than there is to sell by now."""
        volume = order.request.volume
        most = self.journal.most(order) if order.leg is Leg.EXIT and volume is not None else None
        if not most or volume is None or volume <= most:
            return order
        log.warning("less is left to sell", extra={"action": "order.fitted", "identifier": order.identifier})
        return self.record(order, Overtaken(order.sender, most, order.reason, {}))

    def _checked(self, order: StoredOrder, answer: Answer) -> Answer:
        """A refusal of an exit counts only once a look shows that the number is free: the other process shares it."""
        if not isinstance(answer, Rejected) or order.leg is not Leg.EXIT:
            return answer
        try:
            placed = self.venue.order(order.identifier)
        except Unavailable as cause:
            return NoAnswer(f"refused ({answer.name}), and nobody could look: {cause}")
        return answer if placed is None else Duplicate()

    def _answered(self, order: StoredOrder, answer: Answer) -> StoredOrder:
        answer = self._checked(order, answer)
        order = self.record(order, answer)
        if isinstance(answer, NotAccepted):
            self.clock.sleep(min(answer.wait, self.longest_wait))
        return order

    def _burn(self, order: StoredOrder) -> StoredOrder:
        """Spend the identifier of an unwanted order on a bid that cannot fill: then the order never can (point 6)."""
        burning = _burning(self.venue, order)
        if burning is None:
            return order
        self.journal.confirm(order)
        order = self.record(order, burning)
        assert order.burn is not None  # noqa: S101 - `after` makes it of the event
        return self._answered(order, self.venue.place(order.burn))

    def _look(self, order: StoredOrder) -> StoredOrder | None:
        """The order as the venue shows it now; None when the look told nothing that may be acted on."""
        try:
            placed = self.venue.order(order.identifier)
            if placed is not None and not placed.closed and is_burn(order, placed):
                self.venue.cancel(order.identifier)
        except Unavailable as cause:
            log.warning(
                "could not look",
                extra={"action": "order.look", "identifier": order.identifier, "cause": str(cause)},
            )
            return None
        if placed is None and order.life.state is OrderState.ACCEPTED:
            return None  # taken a moment ago and not shown yet
        if placed is None:
            return self.record(order, Absent())
        booked = self.journal.book(order, placed, self.clock.now())
        return None if booked is None or booked.life.state.doubtful else booked

    def _follow(self, order: StoredOrder) -> StoredOrder:
        deadline = self.clock.now() + timedelta(seconds=self.settings.follow_seconds)
        order = self.step(order)
        while not order.life.state.terminal and self.clock.now() < deadline:
            self.clock.sleep(self.settings.poll_seconds)
            order = self.step(order)
        return order

    def _proof(self, order: StoredOrder) -> str | None:
        """All that must hold before an attempt is void (point 5), in words; None while something is missing."""
        known = self.journal.standing(order)
        now = self.clock.now()
        patience = timedelta(seconds=self.settings.void_seconds)
        if known.sent_at is None or now - known.sent_at < patience or known.looks < self.settings.void_looks:
            return None
        try:
            if listed(self.venue, order, now):
                return None
            balances = self.venue.accounts()
        except Unavailable:
            return None
        market = order.request.market
        base, quote = base_of(market), quote_of(market)
        if not self.journal.untouched(order, balances.get(base) or _nothing(base), balances.get(quote)):
            return None
        seconds = (now - known.sent_at).total_seconds()
        return (
            f"identifier used, {seconds:.0f} s and {known.looks} looks since the last send, absent by identifier "
            "and in open and closed orders, balances as if it never was"
        )

    def _void(self, order: StoredOrder, proof: str) -> StoredOrder:
        return self.record(order, Voided(proof))

    def record(self, order: StoredOrder, event: Event) -> StoredOrder:
        """Make `event` durable, and log it."""
        after = self.journal.record(order, event, self.clock.now())
        _log(order, event)
        return after


def _burning(venue: Venue, order: StoredOrder) -> Burning | None:
    """The bid at half the best bid for the least that the venue takes; the first one stands. None: no book."""
    if order.burn is not None and order.burn.price is not None and order.burn.volume is not None:
        return Burning(order.burn.price, order.burn.volume)
    market = order.request.market
    try:
        book: Book | None = venue.books([market], depth=1).get(market)
    except (Unavailable, Inconsistent) as cause:
        log.warning("cannot burn", extra={"action": "order.burn", "cause": str(cause)})
        return None
    best = None if book is None else book.best_bid
    if book is None or best is None:
        return None
    price = round_down(market, best.value / _BURN_AT, kst(book.at).date())
    if not price:
        return None
    return Burning(price, _least(market, price))


def _log(order: StoredOrder, event: Event) -> None:
    extra = {"action": "order.event", "identifier": order.identifier, "event": type(event).__name__}
    log.info("order event", extra=extra)


def listed(venue: Trading, order: StoredOrder, now: datetime) -> bool:
    """Whether the venue's lists of open and of closed orders show the identifier; raises `Unavailable`."""
    market = order.request.market
    begin = order.created_at - timedelta(minutes=1)
    shown = [*venue.open_orders(market)]
    while begin < now:
        end = min(begin + _WINDOW, now + timedelta(minutes=1))
        shown += venue.closed_orders(begin, end, market)
        begin = end
    return any(each.identifier == order.identifier for each in shown)


def _least(market: Market, price: Price) -> Quantity:
    return Quantity((minimum_total(market) / price.value).quantize(QUANTITY_STEP, ROUND_UP))


def _nothing(currency: str) -> Balance:
    return Balance(currency=currency, free=Decimal(0), locked=Decimal(0))
