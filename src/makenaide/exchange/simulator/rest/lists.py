"""Lists of an account's orders: by id, open, closed, and the old list of all (upbit-api.md section 4.6)."""

from collections.abc import Iterable
from itertools import islice

from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.orders import Order, OrderStatus
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest import replies, selection
from makenaide.exchange.simulator.rest.query import Query
from makenaide.exchange.simulator.rest.replies import Json
from makenaide.exchange.simulator.rest.route import Guarded, Parameter, Signed

MOST_BY_ID = 100
MOST_OPEN = 100
MOST_CLOSED = 1000
USUAL_CLOSED = 100

_OPEN = (OrderStatus.WAIT, OrderStatus.WATCH)
_CLOSED = (OrderStatus.DONE, OrderStatus.CANCEL)
_ANY = tuple(OrderStatus)


class Lists:
    """Answers an account's questions for many orders."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._shown = venue.settings.self_match_shown

    def routes(self) -> list[Guarded]:
        """Every list."""
        market, order_by, page = selection.MARKET, selection.ORDER_BY, selection.PAGE
        ids = (selection.UUIDS, selection.IDENTIFIERS)
        limit = selection.limit_up_to(MOST_OPEN)
        closed = (market, *selection.state_among(_CLOSED), *selection.TIMES, selection.limit_up_to(MOST_CLOSED))
        table: list[tuple[str, Signed, tuple[Parameter, ...]]] = [
            ("uuids", lambda who, query, _body: self.by_id(who, query), (*ids, market, order_by)),
            (
                "open",
                lambda who, query, _body: self.open(who, query),
                (market, *selection.state_among(_OPEN), page, limit, order_by),
            ),
            ("closed", lambda who, query, _body: self.closed(who, query), (*closed, order_by)),
            (
                "",
                lambda who, query, _body: self.all(who, query),
                (market, *selection.state_among(_ANY), *ids, page, limit, order_by),
            ),
        ]
        return [
            Guarded(
                method="GET",
                path=f"/v1/orders/{path}".rstrip("/"),
                group="default",
                scope="view_orders",
                handler=handler,
                parameters=parameters,
            )
            for path, handler, parameters in table
        ]

    def by_id(self, account: Account, query: Query) -> list[Json]:
        """GET /v1/orders/uuids: up to 100 orders by uuid or identifier."""
        found = selection.of_market(selection.orders_by_id(account, query, MOST_BY_ID), query)
        return self._rows(sorted(found, key=lambda order: order.number, reverse=selection.newest_first(query)))

    def open(self, account: Account, query: Query) -> list[Json]:
        """GET /v1/orders/open: paged, newest first unless told."""
        asked = selection.states(query, _OPEN, (OrderStatus.WAIT,))
        page = selection.page(query, MOST_OPEN)
        newest = selection.newest_first(query)
        live = account.live()
        found = (order for order in (reversed(live) if newest else live) if order.status in asked)
        return self._rows(islice(selection.of_market(found, query), page.start, page.stop))

    def closed(self, account: Account, query: Query) -> list[Json]:
        """GET /v1/orders/closed: by creation time, within at most 7 days."""
        asked = selection.states(query, _CLOSED, _CLOSED)
        limit = selection.whole(query, "limit", USUAL_CLOSED, MOST_CLOSED)
        newest = selection.newest_first(query)
        inside = account.created(*selection.window(query, self._venue.now))
        found = (order for order in (reversed(inside) if newest else inside) if order.status in asked)
        return self._rows(islice(selection.of_market(found, query), limit))

    def all(self, account: Account, query: Query) -> list[Json]:
        """GET /v1/orders, the deprecated list of every state, which old libraries still ask for."""
        asked = selection.states(query, _ANY, (OrderStatus.WAIT,))
        page = selection.page(query, MOST_OPEN)
        newest = selection.newest_first(query)
        if query.all("uuids") or query.all("identifiers"):
            some = selection.orders_by_id(account, query, MOST_BY_ID)
            among = sorted(some, key=lambda order: order.number)
        else:
            among = account.live() if set(asked) <= set(_OPEN) else account.history
        found = (order for order in (reversed(among) if newest else among) if order.status in asked)
        return self._rows(islice(selection.of_market(found, query), page.start, page.stop))

    def _rows(self, orders: Iterable[Order]) -> list[Json]:
        return [replies.order(order, self._shown) for order in orders]
