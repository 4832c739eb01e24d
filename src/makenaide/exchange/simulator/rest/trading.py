"""The signed calls for one order at a time, and what an account holds (upbit-api.md section 4)."""

from collections.abc import Mapping
from typing import Final

from makenaide.domain.order import OrderType, Side, TimeInForce
from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.orders import Order
from makenaide.exchange.simulator.core.validation import IDENTIFIER_LENGTH, Body, given
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.rest import replies, selection
from makenaide.exchange.simulator.rest.query import Query
from makenaide.exchange.simulator.rest.replies import Json
from makenaide.exchange.simulator.rest.route import Guarded, Kind, Parameter, Signed
from makenaide.exchange.simulator.settings import SelfMatch

_TYPES = tuple(kind.value for kind in OrderType)
_TIMES = tuple(time.value for time in TimeInForce)
_SELF_MATCHES = tuple(kind.value for kind in SelfMatch)

_ORDER: Final = (
    Parameter("market", required=True),
    Parameter("side", required=True, choices=tuple(side.value for side in Side)),
    Parameter("ord_type", required=True, choices=_TYPES),
    Parameter("price", Kind.NUMBER),
    Parameter("volume", Kind.NUMBER),
    Parameter("time_in_force", choices=_TIMES),
    Parameter("smp_type", choices=_SELF_MATCHES),
    Parameter("identifier", minimum=1, maximum=IDENTIFIER_LENGTH),
)

_REPLACEMENT: Final = (
    Parameter("prev_order_uuid"),
    Parameter("prev_order_identifier"),
    Parameter("new_ord_type", required=True, choices=_TYPES),
    Parameter("new_price", Kind.NUMBER),
    Parameter("new_volume"),
    Parameter("new_time_in_force", choices=_TIMES),
    Parameter("new_smp_type", choices=_SELF_MATCHES),
    Parameter("new_identifier", minimum=1, maximum=IDENTIFIER_LENGTH),
)

_NEW: Final[Mapping[str, str]] = {
    each.name: each.name.removeprefix("new_") for each in _REPLACEMENT if each.name.startswith("new_")
}
"""The fields of a replacing order by their names in the call."""


class Trading:
    """Answers an account's calls; the venue's refusals pass through as `Refused`."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._shown = venue.settings.self_match_shown

    def routes(self) -> list[Guarded]:
        """Every call for balances and for one order."""
        see, make = "view_orders", "make_orders"
        one = (selection.UUID, selection.IDENTIFIER)
        market = (Parameter("market", required=True),)
        replaced = self._venue.settings.cancel_and_new_status
        rows: list[tuple[str, str, tuple[str, str], Signed, tuple[Parameter, ...], int]] = [
            ("GET", "accounts", ("default", "view_account"), lambda who, _q, _b: self.accounts(who), (), 200),
            ("GET", "orders/chance", ("default", see), lambda who, q, _b: self.chance(who, q), market, 200),
            ("GET", "order", ("default", see), lambda who, q, _b: self.order(who, q), one, 200),
            ("POST", "orders", ("order", make), lambda who, _q, body: self.place(who, body), _ORDER, 201),
            ("POST", "orders/test", ("order-test", make), lambda who, _q, body: self.test(who, body), _ORDER, 201),
            ("DELETE", "order", ("default", make), lambda who, q, _b: self.cancel(who, q), one, 200),
            (
                "POST",
                "orders/cancel_and_new",
                ("order", make),
                lambda who, _q, body: self.replace(who, body),
                _REPLACEMENT,
                replaced,
            ),
        ]
        return [
            Guarded(
                method=method,
                path=f"/v1/{path}",
                group=group,
                scope=scope,
                handler=handler,
                success=success,
                parameters=parameters,
            )
            for method, path, (group, scope), handler, parameters, success in rows
        ]

    def accounts(self, account: Account) -> list[Json]:
        """GET /v1/accounts: what is held, as far as it can be seen yet."""
        return replies.accounts(account.wallet)

    def chance(self, account: Account, query: Query) -> Json:
        """GET /v1/orders/chance."""
        floor = self._venue.floor
        market = selection.listed(floor, given(query.one("market"), "market"))
        state = floor.data.standing(market, floor.now).state
        return replies.chance(market, state, self._venue.settings, account.wallet)

    def place(self, account: Account, body: Body) -> Json:
        """POST /v1/orders: the order as accepted, always `wait`."""
        return replies.order(self._venue.place(account.name, body), self._shown)

    def test(self, account: Account, body: Body) -> Json:
        """POST /v1/orders/test: the same checks, nothing kept."""
        return replies.order(self._venue.test(account.name, body), self._shown)

    def order(self, account: Account, query: Query) -> Json:
        """GET /v1/order, with trades."""
        return replies.order_with_trades(self._one(account, query), self._shown)

    def cancel(self, account: Account, query: Query) -> Json:
        """DELETE /v1/order: a cancel request; the reply still says `wait`."""
        return replies.order(self._venue.cancel(self._one(account, query)), self._shown)

    def replace(self, account: Account, body: Body) -> Json:
        """POST /v1/orders/cancel_and_new: the old order, still `wait`, and the name of the new one."""
        old = selection.one_order(account, _text(body, "prev_order_uuid"), _text(body, "prev_order_identifier"))
        fresh = {new: body[name] for name, new in _NEW.items() if body.get(name) is not None}
        given(body.get("new_ord_type"), "new_ord_type")
        done = self._venue.replace(old, fresh)
        named = {} if done.identifier is None else {"new_order_identifier": done.identifier}
        return replies.order(done.order, self._shown) | {"new_order_uuid": done.uuid} | named

    def _one(self, account: Account, query: Query) -> Order:
        return selection.one_order(account, query.one("uuid"), query.one("identifier"))


def _text(body: Body, field: str) -> str | None:
    value = body.get(field)
    return None if value is None or value == "" else given(value, field)
