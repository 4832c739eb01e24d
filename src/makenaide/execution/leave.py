"""Leaving: every exit of a position, whatever called for it, goes through one numbered sequence x01, x02 ...

The next number is given only when the one before is at its end at the venue, so that the venue's own uniqueness
is the lock: two exits can't both sell, whichever process sends them (house protocol, point 1).
"""

import logging

from makenaide.domain.errors import Inconsistent
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
    """Sell what `signal` says at the market; returns the exit as it then stands.

    An earlier exit that is not at its end is settled instead: what it sold is not sold again. None when the venue
    has an order under the next identifier that the books do not know: the guard is selling, and its journal is
    taken in first. Raises `Unavailable` when the venue cannot be asked for it, `Inconsistent` when that order is
    none of ours.
    """
    for earlier in orders_of_position(desk.db, account.account_id, position.position_id):
        if not earlier.life.state.terminal:
            return desk.settle(earlier)
    planned = _exit_order(desk, account, position, signal)
    if desk.venue.order(planned.identifier) is not None:
        if desk.rival(planned) is None:
            raise Inconsistent(f"{planned.identifier}: the venue has an order under it that nobody of ours sent")
        log.warning("already there", extra={"action": "position.elsewhere", "identifier": planned.identifier})
        return None
    log.info(
        "leaving",
        extra={"action": "position.leave", "position": position.position_id, "kind": str(signal.kind)},
    )
    order = desk.submit(lambda: _exit_order(desk, account, position, signal))
    if isinstance(order, Forbidden):
        raise Inconsistent(f"{planned.identifier}: an exit was forbidden: {order.cause}")
    return order


def _exit_order(desk: Desk, account: Account, position: Position, signal: ExitSignal) -> StoredOrder:
    held = held_now(desk.db, account.account_id, position.position_id)
    if not held:
        raise Inconsistent(f"{position.position_id} holds nothing any more: a person sold it")
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
