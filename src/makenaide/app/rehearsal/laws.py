"""The laws of a rehearsal: each looks at the venue's private state and at the books, and names what breaks it.

The venue's own record is the truth. Every law has a stable name; `LAWS` holds them all.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from makenaide.app.rehearsal.exchange import Exchange
from makenaide.domain.intent import StoredOrder
from makenaide.domain.market import Market
from makenaide.domain.order import Identifier, Leg, OrderState, PositionId, Side
from makenaide.domain.reason import Exit
from makenaide.exchange.simulator.core.orders import Order
from makenaide.execution.portfolio import open_positions
from makenaide.ledger.fill import Fill
from makenaide.ledger.postings import difference
from makenaide.store.db import Database
from makenaide.store.journal import all_fills, books, flaws, latest_stops, stop_history
from makenaide.store.orders import get_order, unsettled_orders

SETTLE_WINDOW = timedelta(hours=6)
"""An order in doubt is settled by then: longer than the venue is ever dark in a rehearsal."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that was broken, what shows it, and when (venue time)."""

    law: str
    evidence: str
    at: datetime


@dataclass(slots=True, kw_only=True)
class Case:
    """What the laws look at, at rest. `since`: when the present process began; while there was none, nobody settled.

    `last`: the run is over, and nothing may be in doubt any more.
    """

    exchange: Exchange
    db: Database
    account_id: str
    now: datetime
    since: datetime
    last: bool = False
    guarded: frozenset[PositionId] = frozenset()
    at_venue: list[Order] = field(init=False)
    stored: dict[Identifier, StoredOrder] = field(init=False)
    unsettled: tuple[StoredOrder, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.at_venue = self.exchange.ours()
        known = ((each, get_order(self.db, _identifier(each))) for each in self.at_venue)
        self.stored = {_identifier(each): order for each, order in known if order is not None}
        self.unsettled = unsettled_orders(self.db, self.account_id)


def _identifier(order: Order) -> Identifier:
    return Identifier(order.ticket.identifier or "")


def position_of(order: Order) -> PositionId:
    """The position in an order's identifier: "mk1-7f3a-KRW-BTC-20260105T0900-x01" is of KRW-BTC-20260105T0900."""
    return PositionId(_identifier(order)[len("mk1-7f3a-") :].rpartition("-")[0])


def identifier_once(case: Case) -> Iterator[str]:
    """No identifier is placed twice at the venue, and no position is entered twice."""
    for name, many in Counter(_identifier(each) for each in case.at_venue).items():
        if many > 1:
            yield f"{name} was placed {many} times"
    entered = Counter(position_of(each) for each in case.at_venue if each.side is Side.BID and each.executed)
    for position, many in entered.items():
        if many > 1:
            yield f"position {position} was bought {many} times"


def sent_after_commit(case: Case) -> Iterator[str]:
    """Whatever reached the venue was committed before."""
    for each in case.at_venue:
        stored = case.stored.get(_identifier(each))
        if stored is None:
            yield f"{_identifier(each)} is at the venue and was never committed"
        elif stored.created_at > each.created_at:
            yield f"{_identifier(each)} reached the venue {stored.created_at - each.created_at} before its commit"


def unknown_settles(case: Case) -> Iterator[str]:
    """No order stays in doubt for longer than the settle window; none at all once everything is over."""
    for order in case.unsettled:
        age = case.now - max(order.created_at, case.since)
        if case.last or age > SETTLE_WINDOW:
            yield f"{order.identifier} of {order.created_at.isoformat()} is {order.life.state}"


def dead_stays_dead(case: Case) -> Iterator[str]:
    """An order that the books call void or rejected has traded nothing at the venue."""
    for each in case.at_venue:
        stored = case.stored.get(_identifier(each))
        if stored is not None and stored.life.state in (OrderState.VOID, OrderState.REJECTED) and each.executed:
            yield f"{stored.identifier} is {stored.life.state} in the books and traded {each.executed} at the venue"


def stop_guards(case: Case) -> Iterator[str]:
    """Whatever a position of ours holds at the venue has a stop."""
    held = [position for position, lots in _lots(case).items() if lots[Side.BID] > lots[Side.ASK]]
    stops = latest_stops(case.db, case.account_id, held)
    for position in held:
        if position not in stops:
            yield f"position {position} has no stop"


def guarded_before_sent(case: Case) -> Iterator[str]:
    """No entry is sent before the guard holds its stop."""
    for law, identifier in case.exchange.witnessed:
        if law == guarded_before_sent.__name__:
            yield f"{identifier} was sent while no guard held its stop"


def guard_holds(case: Case) -> Iterator[str]:
    """Whatever is open is in the stops file, from the first guarded tick on."""
    for position in open_positions(case.db, case.account_id):
        if not position.dust and position.position_id not in case.guarded:
            yield f"position {position.position_id} is not in the stops file"


def stop_rises(case: Case) -> Iterator[str]:
    """A stop, and its high-water mark, never fell."""
    for position in sorted({position_of(each) for each in case.at_venue}):
        history = stop_history(case.db, case.account_id, position)
        for before, after in pairwise(history):
            if after.price < before.price or after.high_water < before.high_water:
                yield f"the stop of {position} fell from {before.price} to {after.price} at {after.at.isoformat()}"


def postings_balance(case: Case) -> Iterator[str]:
    """The postings of each source sum to zero, and no fill is without postings."""
    yield from flaws(case.db, case.account_id)


def trade_posted_once(case: Case) -> Iterator[str]:
    """Each trade of ours at the venue is posted exactly once, with its amounts; nothing else is posted.

    A sale that takes dust along is split between positions: the parts of one trade add up to it.
    """
    doubtful = {order.identifier for order in case.unsettled}
    posted: defaultdict[str, list[Fill]] = defaultdict(list)
    for each in all_fills(case.db, case.account_id):
        posted[each.fill.trade_uuid].append(each.fill)
    for order in case.at_venue:
        name = _identifier(order)
        mine = [(trade, posted.pop(trade.uuid, [])) for trade in order.trades]
        for trade, parts in mine:
            if not parts and name not in doubtful:
                yield f"trade {trade.uuid} of {name} is not posted"
            if parts and sum(part.volume.value for part in parts) != trade.volume:
                yield f"trade {trade.uuid} of {name}: {trade.volume} traded, posted as {[*map(str, parts)]}"
        fees = sum(part.fee.value for _, parts in mine for part in parts)
        if mine and all(parts for _, parts in mine) and fees != order.paid_fee:
            yield f"{name}: fees of {fees} posted, {order.paid_fee} paid"
    for uuid, parts in posted.items():
        yield f"trade {uuid} of {parts[0].identifier} is posted and is none of the venue's"


def books_equal(case: Case) -> Iterator[str]:
    """The books hold what the account holds, to the tolerance of the ledger; looked at when nothing is in doubt."""
    if case.unsettled:
        return
    for each in difference(books(case.db, case.account_id), case.exchange.balances()):
        yield str(each)


def sells_within_lot(case: Case) -> Iterator[str]:
    """In no market we ever sold more than we had bought by then: a sale may take the dust of earlier ones along."""
    trades = sorted(
        (
            (trade.at, order.side is Side.ASK, trade.volume, order)
            for order in case.at_venue
            for trade in order.trades
        ),
        key=lambda each: each[:2],
    )
    left: defaultdict[Market, Decimal] = defaultdict(Decimal)
    for at, sold, volume, order in trades:
        left[order.market] += -volume if sold else volume
        if left[order.market] < 0:
            yield f"{_identifier(order)} sold {-left[order.market]} more than we held at {at.isoformat()}"


def exits_first(case: Case) -> Iterator[str]:
    """In a slot, what the closed candle calls to be sold is committed before anything is bought."""
    for row in case.db.rows("run_times", account_id=case.account_id):
        until = row.finished_at or case.now
        orders = [each for each in case.stored.values() if row.started_at <= each.created_at <= until]
        entered = min((each.created_at for each in orders if each.leg is Leg.ENTRY), default=until)
        for each in orders:
            if each.leg is Leg.EXIT and _of_the_close(each) and each.created_at > entered:
                yield f"{each.identifier} ({each.reason}) left after an entry of slot {row.slot.isoformat()}"


def _of_the_close(order: StoredOrder) -> bool:
    return not Exit(order.reason).stop and order.reason not in (Exit.MANUAL, Exit.DELISTING)


def nothing_bought_forbidden(case: Case) -> Iterator[str]:
    """No entry is sent while buying is halted."""
    for law, identifier in case.exchange.witnessed:
        if law == nothing_bought_forbidden.__name__:
            yield f"{identifier} was sent while buying was halted"


def _lots(case: Case) -> Mapping[PositionId, Mapping[Side, Decimal]]:
    lots: defaultdict[PositionId, defaultdict[Side, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for each in case.at_venue:
        lots[position_of(each)][each.side] += each.executed
    return lots


Law = Callable[[Case], Iterator[str]]

LAWS: Final[Mapping[str, Law]] = {
    law.__name__: law
    for law in (
        identifier_once,
        sent_after_commit,
        unknown_settles,
        dead_stays_dead,
        stop_guards,
        guarded_before_sent,
        guard_holds,
        stop_rises,
        postings_balance,
        trade_posted_once,
        books_equal,
        sells_within_lot,
        exits_first,
        nothing_bought_forbidden,
    )
}
"""Every law by its name."""


def judge(case: Case) -> tuple[Violation, ...]:
    """What breaks a law now."""
    return tuple(Violation(name, evidence, case.now) for name, law in LAWS.items() for evidence in law(case))
