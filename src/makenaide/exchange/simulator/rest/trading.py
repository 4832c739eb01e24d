"""The signed calls: balances, orders, cancels, wallet states (upbit-api.md section 4)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market, base_of
from makenaide.domain.market import market as market_code
from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.errors import Refused, invalid_field, refused
from makenaide.exchange.simulator.core.orders import Order, OrderStatus
from makenaide.exchange.simulator.core.validation import Body
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest import replies
from makenaide.exchange.simulator.rest.query import Query, moment
from makenaide.exchange.simulator.rest.replies import Json
from makenaide.exchange.simulator.rest.route import Guarded, Signed

MOST_BY_ID = 100
MOST_CANCELS_BY_ID = 20
MOST_OPEN = 100
MOST_CLOSED = 1000
CLOSED_WINDOW = timedelta(days=7)

_OPEN = (OrderStatus.WAIT, OrderStatus.WATCH)
_CLOSED = (OrderStatus.DONE, OrderStatus.CANCEL)


class Trading:
    """Answers an account's calls; the venue's refusals pass through as `Refused`."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def routes(self) -> list[Guarded]:
        """Every signed call."""
        see, make = "view_orders", "make_orders"
        table: list[tuple[str, str, str, str | None, Signed]] = [
            ("GET", "accounts", "default", "view_account", lambda who, _query, _body: self.accounts(who)),
            ("GET", "orders/chance", "default", see, lambda who, query, _body: self.chance(who, query)),
            ("GET", "order", "default", see, lambda who, query, _body: self.order(who, query)),
            ("GET", "orders/uuids", "default", see, lambda who, query, _body: self.by_id(who, query)),
            ("GET", "orders/open", "default", see, lambda who, query, _body: self.open_orders(who, query)),
            ("GET", "orders/closed", "default", see, lambda who, query, _body: self.closed_orders(who, query)),
            ("GET", "status/wallet", "default", None, lambda _who, _query, _body: self.wallet_states()),
            ("POST", "orders", "order", make, lambda who, _query, body: self.place(who, body)),
            ("POST", "orders/test", "order-test", make, lambda who, _query, body: self.test(who, body)),
            ("DELETE", "order", "default", make, lambda who, query, _body: self.cancel(who, query)),
            ("DELETE", "orders/uuids", "default", make, lambda who, query, _body: self.cancel_by_id(who, query)),
        ]
        return [
            Guarded(
                method=method,
                path=f"/v1/{path}",
                group=group,
                scope=scope,
                handler=handler,
                success=201 if method == "POST" else 200,
            )
            for method, path, group, scope, handler in table
        ]

    def accounts(self, account: Account) -> list[Json]:
        """GET /v1/accounts: what is held."""
        return [replies.account(currency, holding) for currency, holding in account.wallet]

    def chance(self, account: Account, query: Query) -> Json:
        """GET /v1/orders/chance."""
        market = query.one("market")
        if market is None:
            raise invalid_field("market", missing=True)
        return replies.chance(self._listed(market), self._venue.settings, account.wallet)

    def place(self, account: Account, body: Body) -> Json:
        """POST /v1/orders: the order as accepted, always `wait`."""
        return replies.order(self._venue.place(account.name, body))

    def test(self, account: Account, body: Body) -> Json:
        """POST /v1/orders/test: the same checks, nothing kept."""
        return replies.order(self._venue.test(account.name, body))

    def order(self, account: Account, query: Query) -> Json:
        """GET /v1/order, with trades."""
        return replies.order_with_trades(self._one(account, query))

    def cancel(self, account: Account, query: Query) -> Json:
        """DELETE /v1/order: a cancel request; the reply still says `wait`."""
        return replies.order(self._venue.cancel(self._one(account, query)))

    def cancel_by_id(self, account: Account, query: Query) -> Json:
        """DELETE /v1/orders/uuids: up to 20 orders, each for itself."""
        done: list[Order] = []
        failed: list[Order] = []
        for order in self._by_id(account, query, MOST_CANCELS_BY_ID):
            try:
                done.append(self._venue.cancel(order))
            except Refused as refusal:
                if refusal.name != "order_not_found":
                    raise
                failed.append(order)
        return replies.batch(done, failed)

    def by_id(self, account: Account, query: Query) -> list[Json]:
        """GET /v1/orders/uuids: up to 100 orders by uuid or identifier."""
        found = self._of_market(self._by_id(account, query, MOST_BY_ID), query)
        return [replies.order(order) for order in _sorted(found, query)]

    def open_orders(self, account: Account, query: Query) -> list[Json]:
        """GET /v1/orders/open: paged, newest first unless told."""
        states = _states(query, _OPEN, (OrderStatus.WAIT,))
        limit = _whole(query, "limit", MOST_OPEN, MOST_OPEN)
        page = _whole(query, "page", 1, 1_000_000)
        found = self._of_market((each for each in account.orders.values() if each.status in states), query)
        rows = _sorted(found, query)[(page - 1) * limit : page * limit]
        return [replies.order(order) for order in rows]

    def closed_orders(self, account: Account, query: Query) -> list[Json]:
        """GET /v1/orders/closed: by creation time, within at most 7 days."""
        states = _states(query, _CLOSED, _CLOSED)
        limit = _whole(query, "limit", 100, MOST_CLOSED)
        start, end = _window(query, self._venue.now)
        inside = (
            each for each in account.orders.values() if each.status in states and start <= each.created_at <= end
        )
        return [replies.order(order) for order in _sorted(self._of_market(inside, query), query)[:limit]]

    def wallet_states(self) -> list[Json]:
        """GET /v1/status/wallet: deposits and withdrawals of every coin; paused during maintenance."""
        now = self._venue.now
        state = "paused" if self._venue.floor.offline else "working"
        return [
            {
                "currency": coin,
                "wallet_state": state,
                "block_state": "normal",
                "block_height": int(now.timestamp()) // 600,
                "block_updated_at": now.isoformat(timespec="milliseconds"),
                "block_elapsed_minutes": 0,
                "net_type": coin,
                "network_name": coin,
            }
            for coin in sorted({base_of(market) for market in self._venue.floor.listed()})
        ]

    def _listed(self, code: str) -> Market:
        try:
            market = market_code(code)
        except UnknownMarket:
            raise refused("notfoundmarket", code) from None
        if market not in self._venue.floor.listed():
            raise refused("notfoundmarket", code)
        return market

    def _one(self, account: Account, query: Query) -> Order:
        uuid, identifier = query.one("uuid"), query.one("identifier")
        if uuid is None and identifier is None:
            raise refused("bad_request")
        found = account.identifiers.get(identifier or "") if uuid is None else account.orders.get(uuid)
        if found is None:
            raise refused("order_not_found")
        return found

    def _by_id(self, account: Account, query: Query, most: int) -> list[Order]:
        uuids, identifiers = query.all("uuids"), query.all("identifiers")
        if bool(uuids) == bool(identifiers):
            raise refused("bad_request")
        if len(uuids) + len(identifiers) > most:
            raise invalid_field("uuids" if uuids else "identifiers")
        found = [account.orders.get(each) for each in uuids] + [
            account.identifiers.get(each) for each in identifiers
        ]
        return [order for order in found if order is not None]

    def _of_market(self, orders: Iterable[Order], query: Query) -> list[Order]:
        code = query.one("market")
        if code is None:
            return list(orders)
        return [order for order in orders if order.market == code.upper()]


def _sorted(orders: Sequence[Order], query: Query) -> list[Order]:
    direction = query.one("order_by") or "desc"
    if direction not in ("asc", "desc"):
        raise invalid_field("order_by")
    return sorted(orders, key=lambda order: order.number, reverse=direction == "desc")


def _states(query: Query, allowed: Sequence[OrderStatus], default: Sequence[OrderStatus]) -> Sequence[OrderStatus]:
    single, many = query.one("state"), query.all("states")
    if single is not None and many:
        raise invalid_field("states")
    asked = many if single is None else (single,)
    if any(each not in allowed for each in asked):
        raise invalid_field("states" if many else "state")
    return tuple(OrderStatus(each) for each in asked) or default


def _whole(query: Query, name: str, default: int, most: int) -> int:
    text = query.one(name)
    if text is None:
        return default
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise invalid_field(name)
    return int(text)


def _window(query: Query, now: datetime) -> tuple[datetime, datetime]:
    start, end = (_time(query, name) for name in ("start_time", "end_time"))
    if end is None:
        end = now if start is None else start + CLOSED_WINDOW
    if start is None:
        start = end - CLOSED_WINDOW
    if not timedelta(0) <= end - start <= CLOSED_WINDOW:
        raise invalid_field("end_time")
    return start, end


def _time(query: Query, name: str) -> datetime | None:
    text = query.one(name)
    if text is None:
        return None
    try:
        return datetime.fromtimestamp(int(text) / 1000, UTC) if text.isdecimal() else moment(text)
    except (ValueError, OverflowError, OSError):
        raise invalid_field(name) from None
