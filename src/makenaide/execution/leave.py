"""Leaving: every exit of a position, whatever called for it, goes through one numbered sequence x01, x02 ...

The next number is given only when the one before is at its end at the venue, so that the venue's own uniqueness
is the lock: two exits can't both sell, whichever process sends them (house protocol, point 1).
"""

import logging

from makenaide.domain.errors import Inconsistent, Unavailable
from makenaide.domain.intent import WITH_DUST, StoredOrder
from makenaide.domain.order import Leg, OrderRequest, OrderType, Side, identifier
from makenaide.execution.permit import Forbidden
from makenaide.execution.portfolio import Position, dust_with, held_now, open_positions
from makenaide.execution.submit import Desk
from makenaide.risk.exits import ExitSignal
from makenaide.store.accounts import Account
from makenaide.store.orders import next_number, orders_of_position

log = logging.getLogger(__name__)


def leave(desk: Desk, account: Account, position: Position, signal: ExitSignal) -> StoredOrder | None:
    """Sell what `signal` says at the market; returns the exit as it then stands, never an entry.

    An earlier exit that is not at its end is settled instead: what it sold is not sold again. An entry that is not
    is settled first, and what the books then hold is sold, whatever may still come of it. None when there is nothing
    to send now: an entry in doubt has brought nothing yet, or the venue has an order under the next identifier that
    the books do not know: the guard is selling, and its journal is taken in first. `Inconsistent` when that order is
    none of ours, or when nothing is left to sell.
    """
    doubt = False
    for earlier in orders_of_position(desk.db, account.account_id, position.position_id):
        if earlier.life.state.terminal:
            continue
        settled = desk.settle(earlier)
        if earlier.leg is not Leg.ENTRY:
            return settled
        doubt = not settled.life.state.terminal
    if doubt and not held_now(desk.db, account.account_id, position.position_id):
        return None
    planned = _exit_order(desk, account, position, signal)
    if _taken(desk, planned):
        return None
    log.info(
        "leaving",
        extra={"action": "position.leave", "position": position.position_id, "kind": str(signal.kind)},
    )
    order = desk.submit(lambda: _exit_order(desk, account, position, signal))
    if isinstance(order, Forbidden):
        raise Inconsistent(f"{planned.identifier}: an exit was forbidden: {order.cause}")
    return order


def _taken(desk: Desk, planned: StoredOrder) -> bool:
    """Whether the guard sells under the identifier; `Inconsistent` when the venue has an order of nobody there.

    A venue that cannot be asked keeps nobody from selling: the identifier is the lock, and an order that is there
    already comes back as a duplicate, which is looked at.
    """
    try:
        placed = desk.venue.order(planned.identifier)
    except Unavailable as cause:
        log.warning("not seen before the send", extra={"action": "position.unseen", "cause": str(cause)})
        return desk.rival(planned) is not None
    if placed is None:
        return False
    if desk.rival(planned) is None:
        raise Inconsistent(f"{planned.identifier}: the venue has an order under it that nobody of ours sent")
    log.warning("already there", extra={"action": "position.elsewhere", "identifier": planned.identifier})
    return True


def _exit_order(desk: Desk, account: Account, position: Position, signal: ExitSignal) -> StoredOrder:
    held = held_now(desk.db, account.account_id, position.position_id)
    if not held:
        raise Inconsistent(f"{position.position_id} holds nothing any more: it was sold meanwhile")
    number = next_number(desk.db, account.account_id, position.position_id, Leg.EXIT)
    positions = open_positions(desk.db, account.account_id)
    own = min(signal.quantity, position.facts.quantity, held)
    # Dust goes along with a sale of everything; the sum is exact, in the coin's own steps.
    dust = dust_with(position, positions) if own == held else {}
    volume = own
    for each in dust.values():
        volume = volume + each
    along = {WITH_DUST: {key: str(each) for key, each in dust.items()}} if dust else {}
    request = OrderRequest(
        market=position.market,
        side=Side.ASK,
        type=OrderType.MARKET,
        identifier=identifier(account.installation, position.position_id, Leg.EXIT, number),
        volume=volume,
    )
    return StoredOrder(
        request=request,
        account_id=account.account_id,
        position_id=position.position_id,
        decision_id=None,
        leg=Leg.EXIT,
        number=number,
        reason=signal.kind,
        evidence={**signal.evidence, **along},
        created_at=desk.clock.now(),
    )
