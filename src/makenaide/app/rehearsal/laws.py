"""The laws of a rehearsal: each looks at the venue's private state and at the books, and names what breaks it.

The venue's own record is the truth. Every law has a stable name; `LAWS` holds them all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from makenaide.app.rehearsal.case import Case, Law, Violation, identifier_of, position_of
from makenaide.app.rehearsal.laws_of_books import (
    books_equal,
    findings_have_cause,
    others_are_dealt_with,
    sells_within_lot,
    trade_posted_once,
    unexplained_is_found,
)
from makenaide.app.rehearsal.laws_of_stops import touched_stop_sells
from makenaide.domain.intent import StoredOrder
from makenaide.domain.order import Leg, OrderState, PositionId, Side
from makenaide.domain.reason import Exit
from makenaide.execution.portfolio import open_positions
from makenaide.store.journal import flaws, latest_stops, stop_history

SETTLE_WINDOW = timedelta(minutes=30)
"""So long an order may be in doubt while there is a trader and the venue answers."""


def identifier_once(case: Case) -> Iterator[str]:
    """No identifier is placed twice at the venue, and no position is entered twice."""
    for name, many in Counter(identifier_of(each) for each in case.at_venue).items():
        if many > 1:
            yield f"{name} was placed {many} times"
    entered = Counter(position_of(each) for each in case.at_venue if each.side is Side.BID and each.executed)
    for position, many in entered.items():
        if many > 1:
            yield f"position {position} was bought {many} times"


def sent_after_commit(case: Case) -> Iterator[str]:
    """Whatever reached the venue was committed before."""
    for each in case.at_venue:
        stored = case.stored.get(identifier_of(each))
        if stored is None:
            yield f"{identifier_of(each)} is at the venue and was never committed"
        elif stored.created_at > each.created_at:
            yield f"{identifier_of(each)} reached the venue {stored.created_at - each.created_at} before its commit"


def unknown_settles(case: Case) -> Iterator[str]:
    """No order stays in doubt for longer than the settle window; none at all once everything is over."""
    for identifier, begin, end in case.doubts():
        if case.attended(begin, end) > SETTLE_WINDOW:
            yield f"{identifier} was in doubt for more than {SETTLE_WINDOW} from {begin.isoformat()} on"
    if case.last:
        for order in case.unsettled:
            yield f"{order.identifier} of {order.created_at.isoformat()} is {order.life.state} at the end"


def dead_stays_dead(case: Case) -> Iterator[str]:
    """An order that the books call void or rejected has traded nothing at the venue."""
    for each in case.at_venue:
        stored = case.stored.get(identifier_of(each))
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
    """No entry is sent while a person has halted buying, or paused its market."""
    for law, identifier in case.exchange.witnessed:
        if law == nothing_bought_forbidden.__name__:
            yield f"{identifier} was sent while buying was halted or paused"


def nothing_bought_closed(case: Case) -> Iterator[str]:
    """No entry is sent in a market that a finding closes."""
    for law, identifier in case.exchange.witnessed:
        if law == nothing_bought_closed.__name__:
            yield f"{identifier} was sent while a finding closed its market"


def _lots(case: Case) -> Mapping[PositionId, Mapping[Side, Decimal]]:
    lots: defaultdict[PositionId, defaultdict[Side, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for each in case.at_venue:
        lots[position_of(each)][each.side] += each.executed
    return lots


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
        nothing_bought_closed,
        others_are_dealt_with,
        unexplained_is_found,
        findings_have_cause,
        touched_stop_sells,
    )
}
"""Every law by its name."""


def judge(case: Case) -> tuple[Violation, ...]:
    """What breaks a law now."""
    return tuple(Violation(name, evidence, case.now) for name, law in LAWS.items() for evidence in law(case))
