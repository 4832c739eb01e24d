"""The law about time: a stop that was touched is sold within minutes, as long as the venue answers."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from makenaide.app.rehearsal.case import Case, position_of
from makenaide.domain.market import Market
from makenaide.domain.order import PositionId, Side
from makenaide.exchange.simulator.core.orders import Order
from makenaide.store.journal import StoredStop, stop_history

STOP_WINDOW = timedelta(minutes=5)
"""So much time, in which there was a process and the venue answered, may pass between a touch and its sale."""

_BEFORE = timedelta(hours=1)
"""A sale that was on its way already when the stop was touched."""

_GLANCE = timedelta(minutes=1)
"""A touch that is over sooner can fall between a lost frame and a silence of the stream."""

_NEVER = Decimal("1e15")


def touched_stop_sells(case: Case) -> Iterator[str]:
    """A stop that the best bid touched is answered by a sale within `STOP_WINDOW` of light; dark time is not counted.

    Judged by the venue's own prices, for the positions that we bought and that nobody else sold of.
    """
    sold_by_hand = {each.market for each in case.exchange.others()}
    for position, orders in _positions(case.at_venue).items():
        market = orders[0].market
        if market not in sold_by_hand and (late := _late(case, position, orders)) is not None:
            yield f"{position} touched its stop at {late.isoformat()} and was not sold within {STOP_WINDOW}"


def _positions(orders: Sequence[Order]) -> dict[PositionId, list[Order]]:
    found: dict[PositionId, list[Order]] = {}
    for each in orders:
        found.setdefault(position_of(each), []).append(each)
    return found


def _late(case: Case, position: PositionId, orders: Sequence[Order]) -> datetime | None:
    """When the stop was touched that nobody answered in time; None when all is well."""
    stops = stop_history(case.db, case.account_id, position)
    asks = [each.created_at for each in orders if each.side is Side.ASK]
    bought = [trade.at for each in orders if each.side is Side.BID for trade in each.trades]
    if not stops or not bought:
        return None
    begin, market = max(bought), orders[0].market
    ends = [each.at for each in stops[1:]] + [case.now]
    for stop, end in zip(stops, ends, strict=True):
        touched = _touch(case, market, (max(begin, stop.at), min(end, asks[0]) if asks else end), stop)
        if touched is None:
            continue
        sold = next((at for at in asks if at >= touched - _BEFORE), case.now)
        if case.light(touched, sold) > STOP_WINDOW:
            return touched
        return None  # it is being sold: what comes after is the business of the exit
    return None


def _touch(case: Case, market: Market, span: tuple[datetime, datetime], stop: StoredStop) -> datetime | None:
    """The first touch in `span` that a glance does not miss; None without any."""
    begin, end = span
    data, price = case.exchange.data, stop.price.value
    while begin < end:
        touched = data.touch(market, begin, end, price, _NEVER)
        if touched is None or touched + _GLANCE >= end:
            return touched
        bids = data.book(market, touched + _GLANCE, 1).bids
        if bids and bids[0][0] <= price:
            return touched
        begin = touched + _GLANCE
    return None
