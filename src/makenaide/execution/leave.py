"""Leaving: every exit of a position, whatever called for it, goes through one numbered sequence x01, x02 ...

The next number is given only when the one before is at its end at the venue, so that the venue's own uniqueness
is the lock: two exits can't both sell (house protocol, point 1).
"""

import logging

from makenaide.domain.errors import Inconsistent
from makenaide.domain.order import Leg, OrderRequest, OrderType, Side, identifier
from makenaide.execution.portfolio import Position, held_now
from makenaide.execution.submit import Desk
from makenaide.risk.exits import ExitSignal
from makenaide.store.accounts import Account
from makenaide.store.orders import StoredOrder, next_number, orders_of_position

log = logging.getLogger(__name__)


def leave(desk: Desk, account: Account, position: Position, signal: ExitSignal) -> StoredOrder:
    """Sell what `signal` says at the market; returns the exit as it then stands.

    An earlier exit that is not at its end is settled instead: what it sold is not sold again.
    """
    for earlier in orders_of_position(desk.db, account.account_id, position.position_id):
        if not earlier.life.state.terminal:
            return desk.settle(earlier)
    log.info(
        "leaving",
        extra={"action": "position.leave", "position": position.position_id, "kind": str(signal.kind)},
    )
    return desk.submit(lambda: _exit_order(desk, account, position, signal))


def _exit_order(desk: Desk, account: Account, position: Position, signal: ExitSignal) -> StoredOrder:
    held = held_now(desk.db, account.account_id, position.position_id)
    if not held:
        raise Inconsistent(f"{position.position_id} holds nothing any more: a person sold it")
    number = next_number(desk.db, account.account_id, position.position_id, Leg.EXIT)
    request = OrderRequest(
        market=position.market,
        side=Side.ASK,
        type=OrderType.MARKET,
        identifier=identifier(account.installation, position.position_id, Leg.EXIT, number),
        volume=min(signal.quantity, position.facts.quantity, held),
    )
    return StoredOrder(
        request=request,
        account_id=account.account_id,
        position_id=position.position_id,
        decision_id=None,
        leg=Leg.EXIT,
        number=number,
        reason=signal.kind,
        evidence=signal.evidence,
        created_at=desk.clock.now(),
    )
