"""Calls that look at orders: by their names, and in lists that are walked to their ends (sections 4.5 and 4.6)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from makenaide.domain.clock import utc
from makenaide.domain.market import Market
from makenaide.domain.order import Identifier
from makenaide.exchange.http import Pairs
from makenaide.exchange.upbit import orders
from makenaide.exchange.upbit.errors import VenueGarbled, VenueRefused
from makenaide.exchange.upbit.line import Call, Line, chunks
from makenaide.exchange.upbit.wire import EPOCH
from makenaide.exchange.venue import PlacedOrder

MOST_BY_ID = 100
MOST_OPEN = 100
MOST_CLOSED = 1000
CLOSED_WINDOW = 7 * 86_400_000
"""The widest window of closed orders, in ms."""

_NARROWEST = 1000
_MOST_PAGES = 1000
"""A hundred thousand open orders are nobody's."""


class LookingCalls:
    """Orders as the venue knows them."""

    __slots__ = ()
    _line: Line

    def order(self, identifier: Identifier) -> PlacedOrder | None:
        """The order of `identifier` with its trades; None when the venue does not know it."""
        body = self._one(("identifier", identifier))
        return None if body is None else orders.placed_order("GET /v1/order", body, identifier)

    def by_uuid(self, uuid: str) -> PlacedOrder | None:
        """The order of the venue's own id with its trades; None when the venue does not know it."""
        body = self._one(("uuid", uuid))
        return None if body is None else orders.order_by_uuid("GET /v1/order", body, uuid)

    def orders(self, identifiers: Sequence[Identifier]) -> Mapping[Identifier, PlacedOrder]:
        """Those of `identifiers` that the venue knows, without their trades; a hundred a call."""
        found: dict[Identifier, PlacedOrder] = {}
        for asked in chunks(identifiers, MOST_BY_ID):
            rows = self._list("/v1/orders/uuids", tuple(("identifiers[]", each) for each in asked))
            found |= {each.identifier: each for each in rows if each.identifier is not None}
            if any(each.identifier not in asked for each in rows):
                raise VenueGarbled("GET /v1/orders/uuids: the reply speaks of an order that was not asked for")
        return found

    def orders_by_uuid(self, uuids: Sequence[str]) -> Mapping[str, PlacedOrder]:
        """Those of `uuids` (the venue's own ids) that the venue knows, without their trades; a hundred a call."""
        found: dict[str, PlacedOrder] = {}
        for asked in chunks(uuids, MOST_BY_ID):
            rows = self._list("/v1/orders/uuids", tuple(("uuids[]", each) for each in asked))
            found |= {each.uuid: each for each in rows}
            if any(each.uuid not in asked for each in rows):
                raise VenueGarbled("GET /v1/orders/uuids: the reply speaks of an order that was not asked for")
        return found

    def open_orders(self, market: Market | None = None) -> Sequence[PlacedOrder]:
        """Every order that stays open during the whole call, also conditional ones; oldest first, without trades.

        Pages move while they are read: an order that ends lets all later ones slide towards the first page. So they
        are read to the last one and then back again, against the slide, which misses nobody. Orders that end or
        arrive meanwhile may or may not be among them. `VenueGarbled` when the pages have no end.
        """
        found: dict[str, PlacedOrder] = {}
        page = 1
        while len(rows := self._open_page(market, page)) == MOST_OPEN:
            fresh = {each.uuid: each for each in rows if each.uuid not in found}
            # What slides, slides to earlier pages: a full one of known orders is an earlier one once more.
            if not fresh or page == _MOST_PAGES:
                raise VenueGarbled(f"GET /v1/orders/open: page {page} is full, and the pages do not end")
            found |= fresh
            page += 1
        found |= {each.uuid: each for each in rows}
        for earlier in range(page - 1, 0, -1):
            found |= {each.uuid: each for each in self._open_page(market, earlier)}
        return _aged(found.values())

    def closed_orders(self, start: datetime, end: datetime, market: Market | None = None) -> Sequence[PlacedOrder]:
        """Every done or cancelled order created from `start` to `end`, oldest first, without its trades.

        The venue shows seven days and a thousand orders a call: the span is walked, and a full window is halved.
        """
        # In whole milliseconds, the end rounded up: what came in the last one must not be missed.
        first, last = _millis(start), _millis(end + timedelta(microseconds=999))
        if end < start:
            raise ValueError(f"closed orders: {end.isoformat()} is before {start.isoformat()}")
        found: dict[str, PlacedOrder] = {}
        # Windows share their edges, so that it does not matter whether the venue counts an edge in.
        edges = range(first, max(last, first + 1), CLOSED_WINDOW)
        windows = [(since, min(since + CLOSED_WINDOW, last)) for since in edges]
        while windows:
            since, until = windows.pop()
            rows = self._closed_page(market, since, until)
            if len(rows) < MOST_CLOSED:
                found |= {each.uuid: each for each in rows}
            elif until - since <= _NARROWEST:
                raise VenueGarbled(f"GET /v1/orders/closed: {MOST_CLOSED} orders within one second")
            else:
                middle = (since + until) // 2
                windows += [(since, middle), (middle, until)]
        return _aged(found.values())

    def _one(self, name: tuple[str, str]) -> bytes | None:
        call = Call(method="GET", path="/v1/order", query=(name,), private=True)
        try:
            return self._line.read(call).body
        except VenueRefused as refused:
            if refused.not_found:
                return None
            raise

    def _open_page(self, market: Market | None, page: int) -> Sequence[PlacedOrder]:
        states = (("states[]", "wait"), ("states[]", "watch"))
        paging = (("page", str(page)), ("limit", str(MOST_OPEN)), ("order_by", "asc"))
        return self._list("/v1/orders/open", (*_in(market), *states, *paging))

    def _closed_page(self, market: Market | None, since: int, until: int) -> Sequence[PlacedOrder]:
        window = (("start_time", str(since)), ("end_time", str(until)))
        query = (*_in(market), *window, ("limit", str(MOST_CLOSED)), ("order_by", "asc"))
        return self._list("/v1/orders/closed", query)

    def _list(self, path: str, query: Pairs) -> Sequence[PlacedOrder]:
        call = Call(method="GET", path=path, query=query, private=True)
        return orders.order_list(call.name, self._line.read(call).body)


def _in(market: Market | None) -> Pairs:
    return () if market is None else (("market", market),)


def _millis(at: datetime) -> int:
    return (utc(at) - EPOCH) // timedelta(milliseconds=1)


def _aged(found: Iterable[PlacedOrder]) -> tuple[PlacedOrder, ...]:
    return tuple(sorted(found, key=lambda each: (each.created_at, each.uuid)))
