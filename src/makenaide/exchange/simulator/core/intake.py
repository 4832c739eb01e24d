"""How an order gets into the venue and out of it: judged, booked, matched; watched until its trigger; ended."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from makenaide.domain.order import Side
from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.admission import Application, admit
from makenaide.exchange.simulator.core.agenda import Ending
from makenaide.exchange.simulator.core.book import Offer
from makenaide.exchange.simulator.core.errors import Refused
from makenaide.exchange.simulator.core.floor import Floor
from makenaide.exchange.simulator.core.matching import Desk, execute
from makenaide.exchange.simulator.core.orders import ZERO, Order, OrderStatus, Ticket, Trigger, truncated
from makenaide.exchange.simulator.core.resting import Resting
from makenaide.exchange.simulator.core.settlement import Settlement
from makenaide.exchange.simulator.core.validation import Body, body_of
from makenaide.exchange.simulator.settings import VenueSettings

_MINUTE = timedelta(minutes=1)


@dataclass(slots=True, kw_only=True, eq=False)
class Intake:
    """Works at the floor's present moment; `made` counts the orders of all accounts."""

    floor: Floor
    resting: Resting
    settlement: Settlement
    settings: VenueSettings
    made: int = 0

    def judged(self, account: Account, body: Body, freed: Decimal = ZERO) -> Ticket:
        """The ticket of `body`, with `freed` more to spend than is free; `Refused` by the first rule that speaks."""
        return admit(
            Application(account=account, body=body, floor=self.floor, settings=self.settings, freed=freed)
        )

    def drafted(self, name: str, ticket: Ticket, uuid: str) -> Order:
        """The order of `ticket`, not booked anywhere."""
        return Order(
            number=self.made,
            uuid=uuid,
            account=name,
            ticket=ticket,
            fee=self.settings.fee(ticket.market),
            created_at=self.floor.now,
            limit=ticket.price,
            eligible_from=self.floor.now,
        )

    def booked(self, account: Account, ticket: Ticket, uuid: str, trigger: Trigger | None = None) -> Order:
        """A new order of `account`, its funds locked; with a `trigger` it waits for that."""
        self.made += 1
        order = self.drafted(account.name, ticket, uuid)
        if trigger is not None:
            order.status, order.trigger = OrderStatus.WATCH, trigger
            self.resting.add(order)
        account.add(order)
        self.settlement.accept(order)
        return order

    def match(self, order: Order) -> None:
        """Let `order` take what stands against it; the rest of it rests, or the order ends."""
        self._execute(order)
        if order.open:
            self.resting.add(order)

    def wake(self, order: Order) -> None:
        """The trigger of a watching `order` was reached: it is an order like any other now."""
        order.status, order.eligible_from = OrderStatus.WAIT, self.floor.now
        self.settlement.feed.ordered(order, self.floor.now)
        self._execute(order)

    def end(self, account: Account, ending: Ending) -> None:
        """A cancel takes effect, unless the order ended before; its heir is placed if the venue still takes it."""
        order, heir = ending.order, ending.heir
        if not order.live:
            return
        if heir is None:
            self.settlement.close(order, self.floor.now)
            return
        ticket = replace(heir.ticket, volume=order.remaining) if heir.remain_only else heir.ticket
        body = body_of(replace(ticket, identifier=None), self.settings.self_match)
        try:
            self.judged(account, body, freed=order.locked)
        except Refused:
            # The order called for was possible when it was asked for; what has changed since has made it impossible.
            self.settlement.hand_over(order, self.floor.now)
            return
        self.settlement.hand_over(order, self.floor.now)
        self.match(self.booked(account, ticket, heir.uuid))

    def _execute(self, order: Order) -> None:
        market, side = order.market, Side.ASK if order.side is Side.BID else Side.BID

        def took(rank: int, volume: Decimal) -> None:
            self.floor.take(market, side, rank, volume)

        offers = self._within_reach(self.floor.offers(market, side))
        execute(order, offers, Desk(self.settlement, took, self.floor.now))
        if order.open and order.executed:
            order.eligible_from = self.floor.now.replace(second=0, microsecond=0) + _MINUTE

    def _within_reach(self, offers: list[Offer]) -> list[Offer]:
        """The share of the street's book that an order gets; other accounts' orders are met whole."""
        share = self.settings.book_share
        if share == 1:
            return offers
        sizes = ((each, each.size if each.maker is not None else truncated(each.size * share)) for each in offers)
        return [replace(each, size=size) for each, size in sizes if size]
