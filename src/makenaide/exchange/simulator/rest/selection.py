"""Which rows of a list a query asks for: the parameters that the signed lists share (upbit-api.md section 4.6)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.market import market as market_code
from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.errors import invalid_field, refused
from makenaide.exchange.simulator.core.floor import Floor
from makenaide.exchange.simulator.core.orders import Order
from makenaide.exchange.simulator.rest.query import Query, moment
from makenaide.exchange.simulator.rest.query import whole as whole_number
from makenaide.exchange.simulator.rest.route import Kind, Parameter

WINDOW = timedelta(days=7)
"""The longest stretch of time that a list by creation time looks at."""

_LAST_PAGE = 1_000_000

MARKET = Parameter("market")
UUID = Parameter("uuid")
IDENTIFIER = Parameter("identifier")
UUIDS = Parameter("uuids", array=True)
IDENTIFIERS = Parameter("identifiers", array=True)
ORDER_BY = Parameter("order_by", choices=("asc", "desc"))
PAGE = Parameter("page", Kind.INTEGER, minimum=1, maximum=_LAST_PAGE)
TIMES = (Parameter("start_time"), Parameter("end_time"))

_State = TypeVar("_State", bound=StrEnum)


def limit_up_to(most: int) -> Parameter:
    """The parameter that bounds a list's length."""
    return Parameter("limit", Kind.INTEGER, minimum=1, maximum=most)


def state_among(states: Sequence[StrEnum]) -> tuple[Parameter, Parameter]:
    """The parameters `state` and `states[]`."""
    choices = tuple(state.value for state in states)
    return Parameter("state", choices=choices), Parameter("states", choices=choices, array=True)


def spelled(code: str) -> Market:
    """The market of that code, listed here or not; `Refused` with notfoundmarket when it is none."""
    try:
        return market_code(code)
    except UnknownMarket:
        raise refused("notfoundmarket", code) from None


def listed(floor: Floor, code: str) -> Market:
    """The market of that code; `Refused` with notfoundmarket when it is not listed."""
    market = spelled(code)
    if market not in floor.listed():
        raise refused("notfoundmarket", code)
    return market


def one_order(account: Account, uuid: str | None, identifier: str | None) -> Order:
    """The order of that uuid, or of that identifier; `Refused` when there is none, or neither is given."""
    if uuid is None and identifier is None:
        raise refused("bad_request")
    found = account.identifiers.get(identifier or "") if uuid is None else account.orders.get(uuid)
    if found is None:
        raise refused("order_not_found")
    return found


def orders_by_id(account: Account, query: Query, most: int) -> list[Order]:
    """The orders that there are of the uuids or the identifiers asked; `Refused` unless it is one of the two."""
    uuids, identifiers = query.all("uuids"), query.all("identifiers")
    if bool(uuids) == bool(identifiers):
        raise refused("bad_request")
    if len(uuids) + len(identifiers) > most:
        raise invalid_field("uuids" if uuids else "identifiers")
    found = [account.orders.get(each) for each in dict.fromkeys(uuids)]
    found += [account.identifiers.get(each) for each in dict.fromkeys(identifiers)]
    return [order for order in found if order is not None]


def of_market(orders: Iterable[Order], query: Query) -> Iterable[Order]:
    """Those in the market asked; all, if none is."""
    code = query.one("market")
    if code is None:
        return orders
    market = code.upper()
    return (order for order in orders if order.market == market)


def newest_first(query: Query) -> bool:
    """Whether the list begins with the newest, which it does unless told."""
    return choice(query, "order_by", ("asc", "desc"), "desc") == "desc"


def choice(query: Query, name: str, choices: Sequence[str], default: str) -> str:
    """One of `choices`."""
    value = query.one(name) or default
    if value not in choices:
        raise invalid_field(name)
    return value


def flag(query: Query, name: str) -> bool:
    """True or false; false if it is not given."""
    return choice(query, name, ("true", "false"), "false") == "true"


def states(query: Query, allowed: Sequence[_State], default: Sequence[_State]) -> Sequence[_State]:
    """The states asked by `state` or by `states[]`, which is an error together."""
    single, many = query.one("state"), query.all("states")
    if single is not None and many:
        raise invalid_field("states")
    asked = many if single is None else (single,)
    if any(each not in allowed for each in asked):
        raise invalid_field("states" if many else "state")
    return [state for state in allowed if state in asked] or default


def whole(query: Query, name: str, default: int, most: int) -> int:
    """A whole number from 1 to `most`."""
    text = query.one(name)
    if text is None:
        return default
    number = whole_number(text)
    if number is None or not 1 <= number <= most:
        raise invalid_field(name)
    return number


def page(query: Query, most: int) -> slice:
    """The rows of the page asked: `limit` of them (at most `most`), counted from page 1."""
    length = whole(query, "limit", most, most)
    number = whole(query, "page", 1, _LAST_PAGE)
    return slice((number - 1) * length, number * length)


def window(query: Query, now: datetime) -> tuple[datetime, datetime]:
    """The stretch of creation times asked: at most 7 days, and the last 7 days if none is."""
    start, end = (_time(query, name) for name in ("start_time", "end_time"))
    try:
        if end is None:
            end = now if start is None else start + WINDOW
        if start is None:
            start = end - WINDOW
    except OverflowError:
        raise invalid_field("end_time") from None
    if not timedelta(0) <= end - start <= WINDOW:
        raise invalid_field("end_time")
    return start, end


def codes(query: Query, name: str, most: int) -> tuple[str, ...]:
    """A list written with commas, in upper case; empty if it is not given."""
    text = query.one(name)
    given = () if text is None else tuple(code.strip().upper() for code in text.split(","))
    if len(given) > most or not all(given):
        raise invalid_field(name)
    return given


def _time(query: Query, name: str) -> datetime | None:
    text = query.one(name)
    if text is None:
        return None
    milliseconds = whole_number(text)
    try:
        return moment(text) if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise invalid_field(name) from None
