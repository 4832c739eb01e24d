"""Booking believes a list of trades only when it is whole and true; else it books nothing."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from makenaide.domain.errors import Inconsistent
from makenaide.domain.intent import StoredOrder
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import OrderState
from makenaide.exchange.venue import PlacedOrder
from makenaide.execution.booking import book
from makenaide.store.db import Database
from makenaide.store.journal import fills_of_order, total_fees
from makenaide.store.orders import commit_order, get_order
from tests.contract.charts import ETH, Chart, bitcoin, tape
from tests.contract.trading import Exchange, Trader, open_trader

WORLD = tape(bitcoin(2), Chart(market=ETH, price=5_000_000, days=[0.0005, 0.0005]))
Change = Callable[[PlacedOrder], PlacedOrder]


@pytest.fixture
def trader(journal: Database) -> Trader:
    """An account with ten million won."""
    return open_trader(journal, Exchange(tape=WORLD))


def sent(trader: Trader) -> tuple[StoredOrder, PlacedOrder]:
    """An order that the venue filled in two trades, of which the journal knows only that it was committed."""
    order = trader.entry(ETH, "1.5", price="5200000")
    with trader.db.transaction():
        commit_order(trader.db, order)
    trader.desk.venue.place(order.request)
    placed = trader.desk.venue.order(order.identifier)
    assert placed is not None
    assert placed.trades_count == len(placed.trades) == 2
    return order, placed


def booked(trader: Trader, order: StoredOrder, placed: PlacedOrder) -> object:
    """Book what the venue shows."""
    return book(trader.db, trader.session.lease, order, placed, trader.clock.now())


def half(placed: PlacedOrder) -> PlacedOrder:
    """The order as it was after its first trade."""
    first = min(placed.trades, key=lambda trade: (trade.at, trade.uuid))
    fee = Krw(placed.paid_fee.value * first.funds.value / sum(trade.funds.value for trade in placed.trades))
    return replace(
        placed,
        state="wait",
        trades=(first,),
        trades_count=1,
        executed=first.volume,
        paid_fee=Krw(round(fee.value, 8)),
    )


def first_changed(placed: PlacedOrder, **values: object) -> PlacedOrder:
    """The order with something else in its first trade."""
    first, *others = placed.trades
    return replace(placed, trades=(replace(first, **values), *others))  # type: ignore[arg-type]


NOT_WHOLE: dict[str, Change] = {
    "a trade is counted and not listed": lambda p: replace(p, trades_count=3),
    "a trade is listed and not all of what was executed": lambda p: replace(
        p, trades=p.trades[:1], trades_count=1
    ),
    "nothing is listed of what was executed": lambda p: replace(p, trades=(), trades_count=0),
}


@pytest.mark.parametrize("change", NOT_WHOLE.values(), ids=NOT_WHOLE.keys())
def test_a_list_that_is_not_whole_changes_nothing_and_is_looked_at_again(trader: Trader, change: Change) -> None:
    order, placed = sent(trader)
    assert booked(trader, order, change(placed)) == order
    assert fills_of_order(trader.db, order.account_id, order.identifier) == ()
    booked(trader, order, placed)
    assert len(fills_of_order(trader.db, order.account_id, order.identifier)) == 2


UNTRUE: dict[str, tuple[Change, str]] = {
    "fewer counted than listed": (lambda p: replace(p, trades_count=1), "counts 1 trades and lists 2"),
    "one listed twice": (
        lambda p: replace(p, trades=(p.trades[0], *p.trades), trades_count=3),
        "lists a trade twice",
    ),
    "more traded than executed": (
        lambda p: replace(p, executed=Quantity(p.executed.value - Decimal("0.00000001"))),
        "cannot be of an order that executed 1.49999999 of 1.5",
    ),
    "funds too high": (
        lambda p: first_changed(p, funds=Krw(p.trades[0].funds.value + Decimal("0.010001"))),
        "KRW are not",
    ),
    "funds too low": (
        lambda p: first_changed(p, funds=Krw(p.trades[0].funds.value - Decimal("0.010001"))),
        "KRW are not",
    ),
    "a fee without a trade to carry it": (lambda p: replace(p, paid_fee=Krw(-1)), "paid fee shrank by 1"),
}


@pytest.mark.parametrize(("change", "told"), UNTRUE.values(), ids=UNTRUE.keys())
def test_a_list_that_cannot_be_true_books_nothing(trader: Trader, change: Change, told: str) -> None:
    order, placed = sent(trader)
    with pytest.raises(Inconsistent, match=told):
        booked(trader, order, change(placed))
    assert fills_of_order(trader.db, order.account_id, order.identifier) == ()
    assert get_order(trader.db, order.identifier) == order


def test_more_traded_than_was_asked_is_not_ours_to_book(trader: Trader) -> None:
    order, placed = sent(trader)
    first = placed.trades[0]
    more = replace(first, uuid="more", volume=Quantity(1), funds=first.price * Quantity(1))
    beyond = replace(placed, trades=(*placed.trades, more), trades_count=3, executed=placed.executed + more.volume)
    with pytest.raises(Inconsistent, match=r"executed 2\.5 of 1\.5"):
        booked(trader, order, beyond)


def test_a_hundredth_of_a_won_is_within_the_venues_rounding(trader: Trader) -> None:
    order, placed = sent(trader)
    booked(trader, order, first_changed(placed, funds=Krw(placed.trades[0].funds.value - Decimal("0.01"))))
    assert len(fills_of_order(trader.db, order.account_id, order.identifier)) == 2


LATER: dict[str, tuple[Change, str]] = {
    "a booked trade vanished": (half, "is booked, and the venue no longer lists it"),
    "all vanished, without any fee": (
        lambda p: replace(p, trades=(), trades_count=0, executed=Quantity(0)),
        "is booked, and the venue no longer lists it",
    ),
    "a booked trade is for other funds": (
        lambda p: first_changed(p, funds=Krw(p.trades[0].funds.value + Decimal("0.001"))),
        "the venue now lists",
    ),
    "a booked trade was at another price": (
        lambda p: first_changed(p, price=Price(p.trades[0].price.value + Decimal("0.001"))),
        "the venue now lists",
    ),
    "the paid fee shrank": (lambda p: replace(p, paid_fee=Krw(p.paid_fee.value - 1)), "paid fee shrank by 1"),
    "the paid fee grew without a trade": (
        lambda p: replace(p, paid_fee=Krw(p.paid_fee.value + 1)),
        "a fee of 1 was paid without a trade",
    ),
}


@pytest.mark.parametrize(("change", "told"), LATER.values(), ids=LATER.keys())
def test_what_was_booked_stands_and_a_later_look_may_not_contradict_it(
    trader: Trader, change: Change, told: str
) -> None:
    order, placed = sent(trader)
    booked(trader, order, placed)
    before = fills_of_order(trader.db, order.account_id, order.identifier)
    with pytest.raises(Inconsistent, match=told):
        booked(trader, order, change(placed))
    assert fills_of_order(trader.db, order.account_id, order.identifier) == before
    trader.laws()


def test_the_fee_of_a_trade_is_its_share_of_the_change_by_funds_and_the_last_takes_the_rest(
    trader: Trader,
) -> None:
    order, placed = sent(trader)
    early = half(placed)
    booked(trader, order, early)
    (first,) = fills_of_order(trader.db, order.account_id, order.identifier)
    assert first.fee == early.paid_fee
    booked(trader, order, placed)
    fills = fills_of_order(trader.db, order.account_id, order.identifier)
    assert [fill.fee for fill in fills if fill.trade_uuid != first.trade_uuid] == [
        placed.paid_fee - early.paid_fee
    ]
    assert total_fees(trader.db, order.account_id) == placed.paid_fee


def test_an_untrue_list_keeps_the_order_in_doubt_and_calls_a_person_once(trader: Trader) -> None:
    """Through the desk: the trades of another order under ours, so to speak; a whole day of looks is one alarm."""
    order, placed = sent(trader)
    lying = replace(placed, trades_count=1)

    class Venue:
        def __getattr__(self, name: str) -> object:
            return getattr(trader.session.venue, name)

        def order(self, _: object) -> PlacedOrder:
            return lying

    doubtful = replace(order, life=replace(order.life, state=OrderState.UNKNOWN))
    desk = replace(trader.desk, venue=Venue())  # type: ignore[arg-type]
    for _ in range(2):
        assert desk.settle(doubtful).life.state.doubtful
    assert trader.alarms() == ["alarm.order_inconsistent"]
    assert fills_of_order(trader.db, order.account_id, order.identifier) == ()
