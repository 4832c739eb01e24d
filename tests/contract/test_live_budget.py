"""The limits for real money, weighed where an entry is committed: none passes, one after another or at once."""

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.errors import Inconsistent
from makenaide.domain.intent import StoredOrder
from makenaide.domain.money import ZERO_KRW, Krw
from makenaide.domain.order import Accepted, NoAnswer, OrderType, Rejected, Sending, Voided, advance
from makenaide.domain.reason import Refusal
from makenaide.execution import budget as budgets
from makenaide.execution.budget import Budget
from makenaide.execution.leave import leave
from makenaide.risk.budget import Limits
from makenaide.store.db import Database, Role
from makenaide.store.orders import commit_order, get_order, record_event
from tests.contract.charts import BTC, ETH, SOL, XRP, Chart, bitcoin, tape
from tests.contract.conftest import Connect
from tests.contract.trading import Exchange, Trader, open_trader, whole

TAPE = tape(bitcoin(2), *(Chart(market=each, price=5_000_000, days=[0.0005] * 2) for each in (ETH, XRP, SOL)))
FEE = Decimal("0.0025")
ONE = Krw(Decimal("1002500"))
"""What an entry of a million can cost."""


@pytest.fixture
def trader(journal: Database) -> Trader:
    return open_trader(journal, Exchange(tape=TAPE))


def budget(trader: Trader, db: Database | None = None, required: bool = True, **limits: Any) -> Budget:
    plain = {"order": ONE, "day": Krw(2_100_000), "total": Krw(10_000_000)} | limits
    return Budget(
        db=db or trader.db,
        account_id=trader.account.account_id,
        clock=trader.clock,
        limits=Limits(**plain),
        fee=FEE,
        required=required,
    )


def million(trader: Trader, market: str = ETH, slot: timedelta = timedelta(0), **more: object) -> StoredOrder:
    return trader.entry(market, "0.2", price="5000000", slot=trader.clock.now() + slot, **more)  # type: ignore[arg-type]


def commit(trader: Trader, permit: Budget, order: StoredOrder, db: Database | None = None) -> bool:
    """Weigh and commit in one transaction, as the desk does; whether it was committed."""
    db = db or trader.db
    with db.transaction():
        commit_order(db, order)  # whether before or after the question makes no difference
        forbidden = permit.forbids(order)
        if forbidden is not None:
            assert forbidden.refusal is Refusal.LIVE_LIMIT
    if forbidden is not None:
        move(trader, order, Voided("limit"))
    return forbidden is None


def move(trader: Trader, order: StoredOrder, *events: object) -> None:
    """Let `events` happen to the stored order."""
    stored = get_order(trader.db, order.identifier)
    assert stored is not None
    life = stored.life
    for event in events:
        life = advance(life, event)  # type: ignore[arg-type]
        record_event(trader.db, order.identifier, trader.clock.now(), event, life)  # type: ignore[arg-type]


def test_three_entries_one_after_the_other_do_not_pass_what_two_may_cost(trader: Trader) -> None:
    permit = budget(trader)
    assert [commit(trader, permit, million(trader, each)) for each in (ETH, XRP, SOL)] == [True, True, False]


def test_three_entries_at_once_do_not_pass_what_two_may_cost(trader: Trader, connect: Connect) -> None:
    """Even without the lease that keeps two traders apart: the database weighs one after the other."""
    orders = [million(trader, each) for each in (ETH, XRP, SOL)]
    connections = [connect(Role.WRITER) for _ in orders]
    barrier, passed = threading.Barrier(len(orders)), []

    def enter(order: StoredOrder, db: Database) -> None:
        permit = budget(trader, db)
        barrier.wait(10)
        with db.transaction():
            if permit.forbids(order) is None:
                commit_order(db, order)
                passed.append(order)

    threads = [threading.Thread(target=enter, args=pair) for pair in zip(orders, connections, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(passed) == 2


def test_a_doubtful_entry_counts_until_it_is_void_and_a_refused_one_does_not(trader: Trader) -> None:
    permit = budget(trader, day=ONE)
    doubtful = million(trader)
    assert commit(trader, permit, doubtful)
    move(trader, doubtful, Sending(), NoAnswer("cut"))
    assert not commit(trader, permit, million(trader, XRP))
    assert permit.forbids(doubtful) is None, "its own send is not forbidden by itself"
    move(trader, doubtful, Voided("proven"))
    rejected = million(trader, SOL)
    assert commit(trader, permit, rejected)
    assert not commit(trader, permit, million(trader, BTC))
    move(trader, rejected, Sending(), Rejected("insufficient_funds_bid", ""))
    assert permit.forbids(None) is None
    assert permit.forbids(million(trader, XRP, timedelta(minutes=1))) is None


def test_a_new_trading_day_frees_the_day_and_not_the_total(trader: Trader) -> None:
    permit = budget(trader, day=ONE, total=ONE)
    first = million(trader)
    assert commit(trader, permit, first)
    move(trader, first, Sending(), Accepted("uuid"))
    trader.clock.sleep(86_400)
    spoken = permit.forbids(million(trader, XRP))
    assert spoken is not None
    assert "limit per total" in spoken.cause
    assert budget(trader, day=ONE).forbids(million(trader, XRP)) is None


def test_what_is_held_counts_with_what_it_cost_and_is_free_again_once_sold(trader: Trader) -> None:
    trader.buy(ETH, "0.2")
    (position,) = trader.positions()
    held = position.holding.cost
    assert held > ZERO_KRW
    permit = budget(trader, day=Krw(10**9), total=held + ONE)
    assert permit.forbids(million(trader, XRP)) is None
    assert budget(trader, day=Krw(10**9), total=held + Krw(1_000_000)).forbids(million(trader, XRP)) is not None
    leave(trader.desk, trader.account, position, whole(position))
    assert budget(trader, day=Krw(10**9), total=ONE).forbids(million(trader, XRP)) is None
    # ... but the day has spent it.
    assert budget(trader, day=held).forbids(million(trader, XRP)) is not None


def test_an_order_beyond_its_own_limit_is_forbidden(trader: Trader) -> None:
    forbidden = budget(trader, order=Krw(1_000_000)).forbids(million(trader))
    assert forbidden is not None
    assert "limit per order" in forbidden.cause


def test_a_buy_by_its_total_counts_with_that_total(trader: Trader) -> None:
    plain = million(trader)
    by_total = replace(
        plain,
        request=replace(plain.request, type=OrderType.PRICE, price=None, volume=None, total=Krw(1_000_000)),
    )
    permit = budget(trader, day=ONE)
    assert commit(trader, permit, by_total)
    assert not commit(trader, permit, million(trader, XRP))


def test_limits_that_are_not_set_forbid_with_real_money_and_are_silent_on_paper(trader: Trader) -> None:
    unset: dict[str, Any] = {"order": ZERO_KRW, "day": ZERO_KRW, "total": ZERO_KRW}
    assert budget(trader, **unset).forbids(None) is not None
    assert budget(trader, required=False, **unset).forbids(million(trader)) is None
    assert budget(trader, required=False, **(unset | {"day": Krw(1)})).forbids(million(trader)) is not None


def test_books_that_contradict_themselves_forbid(trader: Trader, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(*_: object) -> object:
        raise Inconsistent("position without a stop")

    monkeypatch.setattr(budgets, "open_positions", torn)
    forbidden = budget(trader).forbids(million(trader))
    assert forbidden is not None
    assert "without a stop" in forbidden.cause
    sizeless = replace(million(trader).request, price=None, volume=None)
    monkeypatch.undo()
    forbidden = budget(trader).forbids(replace(million(trader, XRP), request=sizeless))
    assert forbidden is not None
