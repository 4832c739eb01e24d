"""What time does to the simulated venue: resting orders, delistings, fences; and that steps do not matter."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.money import Price
from makenaide.exchange.simulator.core.orders import Order
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.venue import Fence
from tests.unit.simulator_street import BEGIN, BTC, XRP, Step, Street, limit, opened, seconds

STEPS: list[Step] = [
    (seconds(0), Decimal(100_000_000)),
    (seconds(7_000), Decimal(94_000_000)),
    (seconds(40_000), Decimal(99_000_000)),
    (seconds(90_000), Decimal(120_000_000)),
    (seconds(90_030), Decimal(110_000_000)),
]


def falling(volume: str = "10", **more: object) -> Street:
    steps = {BTC: STEPS, XRP: [(seconds(0), Decimal(1000)), (seconds(150_000), Decimal(800))]}
    return Street(steps=steps, volume=Decimal(volume), **more)  # type: ignore[arg-type]


def resting(venue: Venue, side: str, price: str, volume: str, market: str = BTC) -> Order:
    uuid = venue.place("paper", limit(side, price, volume, market=market)).uuid
    return venue.accounts["paper"].orders[uuid]


def test_a_resting_bid_fills_at_its_own_price_when_the_path_meets_it() -> None:
    venue = opened(falling())
    order = resting(venue, "bid", "95000000", "0.05")
    venue.advance(BEGIN + seconds(6_999))
    assert order.open
    venue.advance(BEGIN + seconds(8_000))
    [trade] = order.trades
    assert (order.status, trade.price, trade.at) == ("done", Decimal(95_000_000), BEGIN + seconds(7_000))
    assert (trade.taker, order.paid_fee) == ("ask", Decimal("2375.00"))
    assert venue.accounts["paper"].wallet.holding("BTC").free == Decimal("0.05")


def test_a_resting_ask_fills_when_the_bid_reaches_it() -> None:
    venue = opened(falling(), BTC="1")
    order = resting(venue, "ask", "115000000", "1")
    venue.advance(BEGIN + timedelta(days=3))
    assert (order.status, order.trades[0].taker) == ("done", "bid")
    assert venue.accounts["paper"].wallet.holding("KRW").free == Decimal("114942500.0")


def test_an_hour_gives_no_more_than_its_candles_volume() -> None:
    venue = opened(falling("0.02"))
    order = resting(venue, "bid", "95000000", "0.05")
    venue.advance(BEGIN + seconds(7_199))
    assert order.executed == Decimal("0.02")
    venue.advance(BEGIN + seconds(2 * 3600))
    assert order.executed == Decimal("0.04")
    venue.advance(BEGIN + seconds(3 * 3600))
    assert [trade.volume for trade in order.trades] == [Decimal("0.02"), Decimal("0.02"), Decimal("0.01")]
    assert order.trades[1].at == BEGIN + timedelta(hours=2)


def test_an_hour_whose_candle_is_used_up_gives_nothing_to_an_order_that_a_richer_candle_meets() -> None:
    class Growing(Street):
        def crossing(self, *args: Any) -> tuple[datetime, Decimal] | None:
            met = super().crossing(*args)
            return met and (met[0], Decimal("0.01") if met[0] < BEGIN + seconds(200) else Decimal(10))

    rises = [
        (seconds(at), Decimal(price)) for at, price in ((0, 100_000_000), (100, 102_000_000), (200, 104_000_000))
    ]
    venue = opened(Growing(steps={BTC: rises}), BTC="1")
    first, second = (resting(venue, "ask", price, "0.01") for price in ("101000000", "103000000"))
    venue.advance(BEGIN + seconds(3599))
    assert [first.executed, second.executed] == [Decimal("0.01"), Decimal(0)]
    venue.advance(BEGIN + seconds(3600))
    assert [trade.at for trade in second.trades] == [BEGIN + timedelta(hours=1)]


def test_an_empty_candle_fills_nothing() -> None:
    venue = opened(falling("0"))
    order = resting(venue, "bid", "95000000", "0.05")
    venue.advance(BEGIN + timedelta(hours=5))
    assert (order.status, order.executed) == ("wait", Decimal(0))


def test_orders_of_one_market_share_the_candle_best_price_first_then_oldest() -> None:
    venue = opened(falling("0.05"))
    low, high, later = (resting(venue, "bid", price, "0.03") for price in ("94000000", "95000000", "95000000"))
    venue.advance(BEGIN + seconds(7_000))
    assert (high.executed, later.executed, low.executed) == (Decimal("0.03"), Decimal("0.02"), Decimal(0))


def test_a_large_order_that_took_the_book_is_met_again_from_the_next_minute() -> None:
    venue = opened(falling("0.01", size=Decimal("0.01"), levels=1))
    order = resting(venue, "bid", "100000000", "0.03")
    assert (order.status, order.executed) == ("wait", Decimal("0.01"))
    venue.advance(BEGIN + seconds(59))
    assert order.executed == Decimal("0.01")
    venue.advance(BEGIN + seconds(60))
    assert order.executed == Decimal("0.02")


def test_a_delisting_cancels_what_rests_and_the_market_is_unknown() -> None:
    gone = BEGIN + timedelta(hours=30, milliseconds=250)
    venue = opened(falling(delisted={XRP: gone}))
    order = resting(venue, "bid", "900", "100", XRP)
    venue.advance(gone - timedelta(milliseconds=1))
    assert order.open
    venue.advance(gone + timedelta(days=1))
    assert (order.status, XRP in venue.floor.listed()) == ("cancel", False)
    assert venue.accounts["paper"].wallet.holding("KRW").free == 10_000_000


def test_time_never_goes_back() -> None:
    venue = opened(falling())
    venue.advance(BEGIN + seconds(10))
    venue.advance(BEGIN)
    assert venue.now == BEGIN + seconds(10)


@pytest.mark.parametrize("step", [60, 3_599, 86_400 * 5])
def test_the_steps_in_which_time_moves_change_nothing(step: int) -> None:
    def run(length: int) -> list[str]:
        gone = BEGIN + timedelta(hours=29, milliseconds=7)
        venue = opened(falling("0.013", delisted={XRP: gone}), KRW="10000000", BTC="0.2")
        resting(venue, "bid", "95000000", "0.05")
        resting(venue, "bid", "94500000", "0.03")
        resting(venue, "ask", "99500000", "0.1")
        resting(venue, "bid", "990", "100", XRP)
        for at in range(length, 86_400 * 2, length):
            venue.advance(BEGIN + seconds(at))
        venue.advance(BEGIN + timedelta(days=2))
        return venue.state()

    assert run(step) == run(86_400 * 2)


def test_each_order_that_is_met_is_looked_for_once() -> None:
    asked = 0

    class Counting(Street):
        def crossing(self, *args: Any) -> tuple[datetime, Decimal] | None:
            nonlocal asked
            asked += 1
            return super().crossing(*args)

    venue = opened(Counting(steps={BTC: STEPS}), BTC="1")
    for number in range(100):
        resting(venue, "ask", str(101_000_000 + 1000 * number), "0.001")
    venue.advance(BEGIN + timedelta(days=2))
    assert all(order.status == "done" for order in venue.accounts["paper"].history)
    assert asked == 100


FENCE = Fence(floor=Price(94_500_000), peak=Price(115_000_000))


def test_a_watcher_is_woken_by_the_first_fence_that_is_touched() -> None:
    venue = opened(falling())
    assert venue.watch(BEGIN + timedelta(days=3), {BTC: FENCE}) == BEGIN + seconds(7_000)
    assert venue.now == BEGIN + seconds(7_000)
    low = Fence(floor=Price(1), peak=Price(115_000_000))
    assert venue.watch(BEGIN + timedelta(days=3), {BTC: low}) == BEGIN + seconds(90_000)
    assert venue.floor.best_bids([BTC]) == {BTC: Decimal(119_999_000)}


def test_a_watcher_without_a_touch_wakes_at_the_time_asked() -> None:
    venue = opened(falling())
    wide = Fence(floor=Price(1), peak=Price(999_000_000))
    assert venue.watch(BEGIN + seconds(50), {BTC: wide}) == BEGIN + seconds(50)
    assert venue.watch(BEGIN + seconds(20), {}) == BEGIN + seconds(50)


def test_a_watcher_of_a_delisted_market_sees_no_bid() -> None:
    venue = opened(falling(delisted={XRP: BEGIN + seconds(10)}))
    venue.advance(BEGIN + seconds(20))
    assert venue.watch(BEGIN + seconds(30), {XRP: FENCE}) == BEGIN + seconds(30)
    assert venue.floor.best_bids([XRP]) == {}


def test_a_book_shows_the_orders_of_accounts() -> None:
    venue = opened(falling())
    resting(venue, "bid", "99998000", "0.04")
    assert venue.floor.book(BTC, 2).bids == (
        (Decimal(99_999_000), Decimal(1)),
        (Decimal(99_998_000), Decimal("1.04")),
    )
