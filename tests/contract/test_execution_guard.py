"""Reconciling, and watching the stops: what is doubtful stops buying, and nothing stops selling."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from makenaide.domain.errors import InUse, Unavailable
from makenaide.domain.market import Market
from makenaide.domain.order import OrderState, PositionId
from makenaide.domain.reason import Exit
from makenaide.exchange.simulator.prices.tape import Window
from makenaide.exchange.venue import Fence, Sighting, Watcher
from makenaide.execution.portfolio import watched_positions
from makenaide.execution.reconcile import reconcile
from makenaide.store.accounts import Lease
from makenaide.store.db import Database, Role
from makenaide.store.journal import all_fills, stop_history
from makenaide.store.orders import commit_order, unsettled_orders
from tests.contract.charts import ETH, FIRST, XRP, Chart, bitcoin, hours, tape
from tests.contract.conftest import Connect
from tests.contract.faults import Fault, Kind
from tests.contract.trading import NAME, Exchange, Trader, open_trader

SLUMP = Chart(market=ETH, price=5_000_000, days=[-0.10, -0.05])
SLUMP_TOO = Chart(market=XRP, price=3_000, days=[-0.10, -0.05])
RISE = Chart(market=ETH, price=5_000_000, days=[0.15, -0.2])


def never() -> bool:
    """Nobody asks to stop."""
    return False


def begun(journal: Database, *charts: Chart, maintenance: tuple[Window, ...] = ()) -> Trader:
    """An account on these markets."""
    return open_trader(journal, Exchange(tape=tape(bitcoin(2), *charts, maintenance=maintenance)))


def exits(trader: Trader) -> list[tuple[str, datetime]]:
    """What was sold, why and when."""
    fills = all_fills(trader.db, trader.account.account_id)
    return [(each.reason, each.fill.at) for each in fills if each.reason != "entry"]


# ---- reconcile ----


def test_equal_books_open_every_market(journal: Database) -> None:
    trader = begun(journal, SLUMP)
    trader.buy(ETH, "0.1")
    state = reconcile(trader.desk, trader.account.account_id)
    assert state.comparison.equal is True
    assert state.comparison.differences == ()
    assert state.comparison.books == trader.exchange.balances()
    assert state.closed_markets == frozenset()


@pytest.mark.parametrize(
    ("currency", "amount"), [("KRW", "1"), ("XRP", "10"), ("KRW", "-50000"), ("ETH", "-0.001")]
)
def test_money_that_moved_behind_the_books_is_a_difference_in_either_direction(
    journal: Database, currency: str, amount: str
) -> None:
    trader = begun(journal, SLUMP)
    trader.buy(ETH, "0.1")
    trader.exchange.deposit(currency, Decimal(amount))
    comparison = reconcile(trader.desk, trader.account.account_id).comparison
    assert comparison.equal is False
    assert [each.partition(":")[0] for each in comparison.differences] == [currency]


def test_not_being_able_to_look_is_not_equality(journal: Database) -> None:
    trader = begun(journal, SLUMP)
    trader.wire.faults.append(Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/accounts", times=99))
    comparison = reconcile(trader.desk, trader.account.account_id).comparison
    assert comparison.equal is None
    assert comparison.differences[0].startswith("could not look: GET /v1/accounts")


def test_reconciling_settles_what_a_crash_left(journal: Database) -> None:
    trader = begun(journal, SLUMP)
    order = trader.entry(ETH, "0.1")
    with journal.transaction():
        commit_order(journal, order)
    state = reconcile(trader.desk, trader.account.account_id)
    assert state.closed_markets == frozenset()
    assert unsettled_orders(journal, trader.account.account_id) == ()
    trader.laws()


def test_an_order_that_stays_unknown_keeps_its_market_closed_and_is_never_sent_again_after_a_minute(
    journal: Database,
) -> None:
    trader = begun(journal, SLUMP)
    trader.wire.faults.append(Fault(kind=Kind.REQUEST_LOST, times=99))
    trader.buy(ETH, "0.1")
    trader.wire.faults.clear()
    trader.clock.sleep(120)
    trader.wire.faults.append(Fault(kind=Kind.REQUEST_LOST, times=9999))
    trader.wire.sent.clear()
    for _ in range(3):
        state = reconcile(trader.desk, trader.account.account_id)
        assert state.closed_markets == {ETH}
        assert state.comparison.equal is True
    assert {json.loads(each.body or b"")["time_in_force"] for each in trader.wire.orders()} == {"post_only"}


# ---- the stops ----


def test_a_stop_touched_inside_the_day_sells_there_and_then(journal: Database) -> None:
    trader = begun(journal, SLUMP)
    trader.buy(ETH, "0.1")
    trader.watch(FIRST + hours(24))
    ((reason, at),) = exits(trader)
    stop = stop_history(journal, trader.account.account_id, PositionId(position(trader)))[-1].price
    assert reason == Exit.HARD_STOP
    assert FIRST < at < FIRST + hours(16)
    fill = all_fills(journal, trader.account.account_id)[-1].fill
    assert stop.scale(Decimal("0.995")) < fill.price <= stop
    assert trader.positions() == ()
    assert trader.clock.now() == FIRST + hours(24)
    trader.laws()


def test_a_stop_that_was_passed_while_nobody_watched_sells_at_once(journal: Database) -> None:
    trader = begun(journal, SLUMP)
    trader.buy(ETH, "0.1")
    trader.clock.move_to(FIRST + hours(23))
    trader.watch(FIRST + hours(24))
    ((_, at),) = exits(trader)
    assert at < FIRST + hours(23.01)


def test_the_high_water_mark_rises_with_the_price_and_the_stop_never_falls(journal: Database) -> None:
    trader = begun(journal, RISE)
    trader.buy(ETH, "0.1")
    key = trader.positions()[0].position_id
    trader.watch(FIRST + hours(48))
    ((reason, _),) = exits(trader)
    assert reason == Exit.TRAILING_STOP
    history = stop_history(journal, trader.account.account_id, key)
    assert len(history) > 5
    assert [each.price for each in history] == sorted(each.price for each in history)
    assert [each.high_water for each in history] == sorted(each.high_water for each in history)
    assert history[-1].price >= history[-1].high_water.scale(Decimal("0.92"))
    trader.laws()


def test_asking_to_stop_ends_the_watch_early(journal: Database) -> None:
    trader = begun(journal, RISE)
    trader.buy(ETH, "0.1")
    trader.guard.until(FIRST + hours(24), lambda: True)
    assert trader.clock.now() < FIRST + hours(1)


def test_without_positions_the_time_passes_in_one_step(journal: Database) -> None:
    trader = begun(journal, SLUMP)
    trader.watch(FIRST + hours(24))
    assert trader.clock.now() == FIRST + hours(24)
    assert len(trader.wire.sent) == 2


def test_the_last_look_is_at_the_very_moment(journal: Database) -> None:
    trader = begun(journal, SLUMP)
    now = trader.clock.now()
    trader.watch(now - timedelta(hours=1))
    assert trader.clock.now() == now


@pytest.mark.parametrize("shut", ["maintenance", "empty book"])
def test_a_stop_that_cannot_sell_tries_again_until_it_can(journal: Database, shut: str) -> None:
    """The price falls through the stop while nobody can trade."""
    silent = range(4, 14)
    window = Window(start=FIRST + hours(4), end=FIRST + hours(14))
    down = shut == "maintenance"
    chart = SLUMP if down else replace(SLUMP, silent=silent)
    trader = begun(journal, chart, maintenance=(window,) if down else ())
    trader.buy(ETH, "0.1")
    trader.watch(FIRST + hours(24))
    ((reason, at),) = exits(trader)
    assert reason == Exit.HARD_STOP
    assert FIRST + hours(14) <= at < FIRST + hours(14.1)
    trader.laws()


def test_a_refused_stop_is_sent_under_the_next_number_after_a_pause(journal: Database) -> None:
    trader = begun(journal, SLUMP)
    trader.buy(ETH, "0.1")
    trader.wire.faults.append(Fault(kind=Kind.OFFLINE, times=3))
    trader.watch(FIRST + hours(24))
    key = trader.account.account_id
    numbers = [
        row.number for row in journal.rows("orders_of_position", account_id=key, position_id=position(trader))
    ]
    assert numbers == [1, 1, 2, 3, 4], "one entry, four exits"
    assert len(exits(trader)) == 1
    times = [row.at for each in "123" for row in journal.rows("order_events", identifier=exit_name(trader, each))]
    assert max(times) - min(times) >= timedelta(seconds=30), "the market may be back any moment"
    trader.laws()


def position(trader: Trader) -> str:
    """The one position there was."""
    return str(all_fills(trader.db, trader.account.account_id)[0].position_id)


def exit_name(trader: Trader, number: str) -> str:
    """The identifier of its exit."""
    return f"mk1-{trader.account.installation}-{position(trader)}-x0{number}"


def test_a_stop_in_one_market_sells_while_another_cannot(journal: Database) -> None:
    trader = begun(journal, SLUMP, SLUMP_TOO)
    trader.buy(ETH, "0.1")
    trader.buy(XRP, "100")
    trader.wire.faults.append(Fault(kind=Kind.REQUEST_LOST, times=100_000, about="KRW-ETH"))
    trader.watch(FIRST + hours(10))
    sold = {each.fill.market for each in all_fills(journal, trader.account.account_id) if each.reason != "entry"}
    assert sold == {XRP}
    (left,) = unsettled_orders(journal, trader.account.account_id)
    assert left.request.market == ETH
    trader.wire.faults.clear()
    trader.watch(FIRST + hours(10.5))
    assert trader.positions() == ()
    trader.laws()


def test_an_unknown_stop_sells_once_however_often_it_is_tried(journal: Database) -> None:
    trader = begun(journal, SLUMP)
    trader.buy(ETH, "0.1")
    trader.wire.faults += [
        Fault(kind=Kind.REPLY_LOST),
        Fault(kind=Kind.SERVER_ERROR, method="GET", path="/v1/order", times=60),
    ]
    trader.watch(FIRST + hours(24))
    assert [reason for reason, _ in exits(trader)] == [Exit.HARD_STOP]
    assert len(trader.exchange.placed()) == 2
    trader.laws()


def test_what_is_too_small_to_sell_turns_to_dust_takes_no_slot_and_goes_with_the_next_exit(
    journal: Database,
) -> None:
    trader = begun(journal, replace(SLUMP, days=[-0.10, 0.2, -0.2, 0.0]))
    trader.buy(ETH, "0.00101")
    trader.watch(FIRST + hours(24))
    assert exits(trader) == []
    (left,) = trader.positions()
    assert left.dust
    assert watched_positions(journal, trader.account.account_id) == ()
    assert trader.guard.watched() == ()
    bought = trader.buy(ETH, "0.1", slot=FIRST + hours(24))
    trader.watch(FIRST + hours(72))
    assert trader.positions() == ()
    fills = [each for each in all_fills(journal, trader.account.account_id) if each.reason != "entry"]
    assert {each.position_id for each in fills} == {left.position_id, bought.position_id}
    assert sum(each.fill.volume.value for each in fills) == Decimal("0.10101")
    assert len({each.fill.identifier for each in fills}) == 1, "one sale, shared by two positions"
    trader.laws()


def usurped(trader: Trader, name: str) -> None:
    """Somebody else used the identifier of our next order, for another order."""
    body = {"market": ETH, "side": "bid", "ord_type": "limit", "price": "4000000", "volume": "0.01"}
    trader.exchange.venue.place(NAME, body | {"identifier": name})


def test_an_identifier_that_another_order_has_takes_no_stop_away_and_calls_a_person_once(
    journal: Database,
) -> None:
    trader = begun(journal, SLUMP, SLUMP_TOO)
    trader.buy(ETH, "0.1")
    trader.buy(XRP, "100")
    key = next(each.position_id for each in trader.positions() if each.market == ETH)
    usurped(trader, f"mk1-0001-{key}-x01")
    trader.watch(FIRST + hours(24))
    assert trader.positions() == ()
    sales = [each.fill for each in all_fills(journal, trader.account.account_id) if each.fill.market == ETH][1:]
    assert {each.identifier for each in sales} == {f"mk1-0001-{key}-x02"}
    alarms = ["alarm.order_inconsistent", "alarm.exit_stuck"]
    assert trader.alarms() == alarms, "the trader and the guard call a person once each, not at every look"


@dataclass
class Blinking:
    """A watcher that cannot look the first `times` times."""

    inner: Watcher
    times: int
    looks: list[Mapping[Market, Fence]] = field(default_factory=list)

    def wait(self, until: datetime, fences: Mapping[Market, Fence]) -> Sighting:
        self.looks.append(fences)
        if self.times:
            self.times -= 1
            raise Unavailable("blind")
        return self.inner.wait(until, fences)


def blinded(trader: Trader, times: int) -> None:
    """The guard's eyes fail the next `times` times."""
    eyes = trader.guard.parts.watcher
    inner = eyes.inner if isinstance(eyes, Blinking) else eyes
    trader.guard.parts = replace(trader.guard.parts, watcher=Blinking(inner, times))


def test_a_blind_guard_looks_again(journal: Database) -> None:
    trader = begun(journal, SLUMP)
    trader.buy(ETH, "0.1")
    blinded(trader, 20)
    trader.guard.parts = replace(trader.guard.parts, blind_looks=None)
    trader.watch(FIRST + hours(24))
    assert len(exits(trader)) == 1
    trader.laws()


def test_a_guard_with_little_patience_says_that_it_is_blind(journal: Database) -> None:
    trader = begun(journal, SLUMP)
    blinded(trader, 2)
    trader.guard.until(FIRST + hours(1), never)
    blinded(trader, 3)
    with pytest.raises(Unavailable, match="blind"):
        trader.guard.until(FIRST + hours(2), never)


def test_a_market_that_shows_no_bid_mutes_only_itself(journal: Database) -> None:
    trader = begun(journal, replace(SLUMP, silent=range(1, 24)), SLUMP_TOO)
    trader.buy(ETH, "0.1")
    trader.buy(XRP, "100")
    trader.watch(FIRST + hours(23.5))
    sold = {each.fill.market for each in all_fills(journal, trader.account.account_id) if each.reason != "entry"}
    assert sold == {XRP}
    trader.laws()


def test_a_stop_is_not_raised_by_a_trader_whose_lease_was_taken_over(journal: Database, connect: Connect) -> None:
    trader = begun(journal, RISE)
    trader.buy(ETH, "0.1")
    before = trader.positions()[0].stop
    trader.session.lease.release()
    Lease(connect(Role.WRITER), trader.account.account_id, "the next one")
    with pytest.raises(InUse):
        trader.watch(FIRST + hours(24))
    assert trader.positions()[0].stop == before
    assert OrderState.CLOSED.terminal
