"""Submitting and settling, with the wire in every state: never twice, never lost, booked once (docs/why/0003)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from makenaide.domain.errors import Inconsistent, InUse
from makenaide.domain.money import Price, Quantity
from makenaide.domain.order import Leg, OrderLife, OrderState, OrderType, Side, identifier
from makenaide.exchange.http import Request
from makenaide.exchange.simulator.settings import RejectedIdentifier, VenueSettings
from makenaide.exchange.venue import PlacedOrder
from makenaide.execution.booking import book, require_same
from makenaide.execution.leave import leave
from makenaide.execution.submit import Desk
from makenaide.risk.exits import ExitSignal
from makenaide.store.accounts import Lease
from makenaide.store.db import Database, Role
from makenaide.store.journal import fills_of_order, latest_stops
from makenaide.store.orders import StoredOrder, commit_order, get_order
from tests.contract.charts import ETH, Chart, bitcoin, tape
from tests.contract.conftest import Connect
from tests.contract.faults import Fault, Kind
from tests.contract.trading import Exchange, Trader, changed, open_trader

QUIET = Chart(market=ETH, price=5_000_000, days=[0.0005, 0.0005])
S = OrderState


@pytest.fixture
def trader(journal: Database) -> Trader:
    """An account with ten million won, nothing bought yet."""
    return open_trader(journal, Exchange(tape=tape(bitcoin(2), QUIET)))


def sold(trader: Trader) -> ExitSignal:
    """A wish to sell the whole (only) position."""
    from makenaide.domain.reason import Exit

    position = trader.positions()[0]
    return ExitSignal(kind=Exit.STAGE, quantity=position.facts.quantity, evidence={"stage": "4"})


def leave_all(trader: Trader) -> StoredOrder:
    """Leave the only position."""
    return leave(trader.desk, trader.account, trader.positions()[0], sold(trader))


def test_an_intent_and_its_stop_are_durable_before_the_first_byte_leaves(trader: Trader, connect: Connect) -> None:
    other = connect(Role.READER)
    looked: list[OrderState] = []

    def look(request: Request) -> None:
        if request.method == "POST":
            stored = get_order(other, identifier("0001", order_of(trader), Leg.ENTRY, 1))
            assert stored is not None
            assert latest_stops(other, stored.account_id, [stored.position_id])
            looked.append(stored.life.state)

    trader.wire.seen = look
    order = trader.buy(ETH, "0.1")
    assert looked == [S.SENT]
    assert order.life.state is S.CLOSED
    assert trader.events(order) == ["Committed", "Sending", "Accepted", "Found"]
    trader.laws()


def order_of(trader: Trader) -> "str":
    """The position id of the first slot's entry in ETH."""
    from makenaide.domain.order import position_id
    from tests.contract.charts import FIRST

    return position_id(ETH, FIRST)
