"""Cancels of many orders at once: by id, and by market and side (upbit-api.md section 4.7)."""

from itertools import islice

from makenaide.domain.market import Market, quote_of
from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.errors import invalid_field, refused
from makenaide.exchange.simulator.core.orders import Order
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest import replies, selection
from makenaide.exchange.simulator.rest.query import Query
from makenaide.exchange.simulator.rest.replies import Json
from makenaide.exchange.simulator.rest.route import Guarded, Kind, Parameter
from makenaide.exchange.simulator.settings import ExclusionName

MOST_BY_ID = 20
MOST_PAIRS = 20
MOST_AT_ONCE = 300
USUAL_AT_ONCE = 20

_SIDES = ("all", "bid", "ask")
_QUOTES = ("KRW", "BTC", "USDT")


class Batch:
    """Cancels for an account; the replies name the orders whose cancel was accepted, and those that were closed."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def routes(self) -> list[Guarded]:
        """Both calls."""
        return [
            Guarded(
                method="DELETE",
                path="/v1/orders/uuids",
                group="default",
                scope="make_orders",
                handler=lambda who, query, _body: self.by_id(who, query),
                parameters=(selection.UUIDS, selection.IDENTIFIERS),
            ),
            Guarded(
                method="DELETE",
                path="/v1/orders/open",
                group="order-cancel-all",
                scope="make_orders",
                handler=lambda who, query, _body: self.open(who, query),
                parameters=(
                    Parameter("cancel_side", choices=_SIDES),
                    Parameter("pairs"),
                    Parameter("quote_currencies"),
                    *(Parameter(name) for name in self._exclusions()),
                    Parameter("count", Kind.INTEGER, minimum=1, maximum=MOST_AT_ONCE),
                    selection.ORDER_BY,
                ),
            ),
        ]

    def by_id(self, account: Account, query: Query) -> Json:
        """DELETE /v1/orders/uuids: up to 20 orders, open or watching."""
        asked = selection.orders_by_id(account, query, MOST_BY_ID)
        done = self._venue.cancel_many(account.name, asked)
        return replies.batch(done, [order for order in asked if order not in done])

    def open(self, account: Account, query: Query) -> Json:
        """DELETE /v1/orders/open: open orders only; without parameters the newest 20 of everything."""
        side = selection.choice(query, "cancel_side", _SIDES, "all")
        count = selection.whole(query, "count", USUAL_AT_ONCE, MOST_AT_ONCE)
        newest = selection.newest_first(query)
        pairs, quotes = self._pairs(query), self._quotes(query)
        if pairs and quotes:
            raise refused("bad_request")
        excluded = self._excluded(query)

        def meant(order: Order) -> bool:
            return (
                order.open
                and side in ("all", order.side)
                and (not pairs or order.market in pairs)
                and (not quotes or quote_of(order.market) in quotes)
                and order.market not in excluded
            )

        live = account.live()
        chosen = islice(filter(meant, reversed(live) if newest else live), count)
        return replies.batch(self._venue.cancel_many(account.name, list(chosen)), [])

    def _exclusions(self) -> tuple[str, ...]:
        both = (ExclusionName.EXCLUDED_PAIRS.value, ExclusionName.EXCLUDE_PAIRS.value)
        named = self._venue.settings.exclusion_name
        return both if named is ExclusionName.BOTH else (named.value,)

    def _excluded(self, query: Query) -> list[Market]:
        """What is spared; a market that is not listed here has no orders, and clients name those of Upbit."""
        codes = (code for name in self._exclusions() for code in selection.codes(query, name, MOST_PAIRS))
        return [selection.spelled(code) for code in codes]

    def _pairs(self, query: Query) -> tuple[Market, ...]:
        codes = selection.codes(query, "pairs", MOST_PAIRS)
        return tuple(selection.listed(self._venue.floor, code) for code in codes)

    def _quotes(self, query: Query) -> tuple[str, ...]:
        quotes = selection.codes(query, "quote_currencies", len(_QUOTES))
        if any(quote not in _QUOTES for quote in quotes):
            raise invalid_field("quote_currencies")
        return quotes
