"""The history of money in and out, which both directions share (upbit-api.md section 4.8)."""

from typing import Final

from makenaide.exchange.simulator.core.accounts import Account
from makenaide.exchange.simulator.core.errors import invalid_field, refused
from makenaide.exchange.simulator.core.treasury import STATES, Direction, Transfer, Treasury
from makenaide.exchange.simulator.core.validation import Body, given
from makenaide.exchange.simulator.rest import remittances, selection
from makenaide.exchange.simulator.rest.query import Query
from makenaide.exchange.simulator.rest.replies import Json
from makenaide.exchange.simulator.rest.route import Kind, Parameter

MOST_LISTED: Final = 100

_FACTORS: Final = ("kakao", "naver", "hana")
COIN: Final = (Parameter("currency", required=True), Parameter("net_type", required=True))
KRW: Final = (
    Parameter("amount", Kind.NUMBER, required=True),
    Parameter("two_factor_type", required=True, choices=_FACTORS),
)
ONE: Final = (selection.UUID, Parameter("txid"), Parameter("currency"))


def listed(direction: Direction) -> tuple[Parameter, ...]:
    """The parameters of the list of one direction."""
    states = tuple(sorted(state.value for state in STATES[direction]))
    ids = (selection.UUIDS, Parameter("txids", array=True))
    paged = (selection.limit_up_to(MOST_LISTED), selection.PAGE, selection.ORDER_BY)
    cursors = (Parameter("from"), Parameter("to"))
    return (Parameter("currency"), Parameter("state", choices=states), *ids, *paged, *cursors)


def history(treasury: Treasury, account: Account, direction: Direction, query: Query) -> list[Json]:
    """GET /v1/deposits and /v1/withdraws: newest first unless told, paged by number or by a uuid as cursor."""
    state, currency = query.one("state"), query.one("currency")
    if state is not None and state not in STATES[direction]:
        raise invalid_field("state")
    uuids, txids = query.all("uuids"), query.all("txids")
    if uuids and txids:
        raise refused("bad_request")
    if len(uuids) + len(txids) > MOST_LISTED:
        raise invalid_field("uuids" if uuids else "txids")
    found = [
        each
        for each in _between(treasury.of(account.name, direction), query)
        if state in (None, each.state)
        and currency in (None, each.currency)
        and (not uuids or each.uuid in uuids)
        and (not txids or each.txid in txids)
    ]
    if selection.newest_first(query):
        found.reverse()
    return [remittances.transfer(each) for each in found[selection.page(query, MOST_LISTED)]]


def latest(treasury: Treasury, account: Account, direction: Direction, query: Query) -> Json | None:
    """GET /v1/deposit and /v1/withdraw: by uuid or txid, else the latest; None when there is none."""
    uuid, txid, currency = (query.one(name) for name in ("uuid", "txid", "currency"))
    for each in reversed(treasury.of(account.name, direction)):
        if uuid in (None, each.uuid) and txid in (None, each.txid) and currency in (None, each.currency):
            return remittances.transfer(each)
    return None


def require_factor(body: Body) -> None:
    """`Refused` unless the body tells who confirms the transfer."""
    if given(body.get("two_factor_type"), "two_factor_type") not in _FACTORS:
        raise invalid_field("two_factor_type")


def _between(transfers: list[Transfer], query: Query) -> list[Transfer]:
    """Those created after the one named `from` and before the one named `to`."""
    places = {each.uuid: place for place, each in enumerate(transfers)}
    bounds = {"from": -1, "to": len(transfers)}
    for name in bounds:
        uuid = query.one(name)
        if uuid is not None and uuid not in places:
            raise invalid_field(name)
        if uuid is not None:
            bounds[name] = places[uuid]
    return transfers[bounds["from"] + 1 : bounds["to"]]
