"""Matching and money of the simulated venue: the official examples to the last digit, and the order types."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.errors import Inconsistent, Misconfigured
from makenaide.exchange.simulator.core.orders import Order
from makenaide.exchange.simulator.core.treasury import Direction
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.core.wallet import Wallet
from makenaide.exchange.simulator.rest import replies
from tests.unit.simulator_street import BTC, ETH_BTC, XRP, Street, buy, flat, limit, opened, seconds, sell


def place(venue: Venue, body: Mapping[str, object], name: str = "paper") -> Order:
    accepted = venue.place(name, body)
    assert accepted.status == "wait"
    assert not accepted.trades
    return venue.accounts[name].orders[accepted.uuid]


def shown(order: Order, *fields: str) -> dict[str, Any]:
    shape = replies.order(order)
    return {field: shape.get(field) for field in fields}


def held(venue: Venue, currency: str, name: str = "paper") -> tuple[str, str]:
    row = replies.account(currency, venue.accounts[name].wallet.holding(currency))
    return str(row["balance"]), str(row["locked"])


def test_a_limit_buy_locks_the_funds_and_the_fee_of_the_official_example() -> None:
    venue = opened(flat("160000000"))
    order = place(venue, limit("bid", "155772000", "0.0001"))
    assert shown(order, "state", "reserved_fee", "remaining_fee", "paid_fee", "locked", "executed_volume") == {
        "state": "wait",
        "reserved_fee": "7.7886",
        "remaining_fee": "7.7886",
        "paid_fee": "0",
        "locked": "15584.9886",
        "executed_volume": "0",
    }
    assert held(venue, "KRW") == ("9984415.0114", "15584.9886")


def test_the_reply_shows_every_digit_that_is_locked_however_many_the_total_has() -> None:
    venue = opened(flat("100000000"), KRW="999999999")
    accepted = venue.place("paper", buy("99999999.98765432109876543219"))
    assert shown(accepted, "reserved_fee", "remaining_fee", "locked") == {
        "reserved_fee": "49999.999993827160549382716095",
        "remaining_fee": "49999.999993827160549382716095",
        "locked": "100049999.987648148259314814906095",
    }


def test_a_market_buy_ends_cancelled_with_the_amounts_of_the_official_example() -> None:
    venue = opened(flat("160594000"))
    order = place(venue, buy("6000"))
    assert replies.order(order) == {
        "market": "KRW-BTC",
        "uuid": order.uuid,
        "side": "bid",
        "ord_type": "price",
        "price": "6000",
        "state": "cancel",
        "created_at": "2026-01-05T09:00:00+09:00",
        "reserved_fee": "3",
        "remaining_fee": "0.00010408",
        "paid_fee": "2.99989592",
        "locked": "0.20826408",
        "executed_volume": "0.00003736",
        "prevented_locked": "0",
        "trades_count": 1,
        "smp_type": "cancel_maker",
    }
    assert replies.order_with_trades(order)["trades"] == [
        {
            "market": "KRW-BTC",
            "uuid": order.trades[0].uuid,
            "price": "160594000",
            "volume": "0.00003736",
            "funds": "5999.79184",
            "trend": "up",
            "created_at": "2026-01-05T09:00:00.000000+09:00",
            "side": "bid",
        }
    ]
    assert held(venue, "KRW") == ("9993997.20826408", "0")
    assert held(venue, "BTC") == ("0.00003736", "0")


def test_a_market_buy_that_divides_exactly_is_done() -> None:
    venue = opened(flat("100000000"))
    assert shown(place(venue, buy("6000")), "state", "locked") == {"state": "done", "locked": "0"}


def test_a_market_sell_pays_its_fee_from_the_proceeds_like_the_official_example() -> None:
    street = Street(steps={XRP: [(seconds(0), Decimal(1376))]}, size=Decimal(100))
    venue = opened(street, KRW="0", XRP="5.377594")
    order = place(venue, sell("5.377594", market=XRP))
    assert shown(order, "state", "price", "reserved_fee", "remaining_fee", "paid_fee", "locked") == {
        "state": "done",
        "price": None,
        "reserved_fee": "0",
        "remaining_fee": "0",
        "paid_fee": "3.697095875",
        "locked": "0",
    }
    assert order.funds == Decimal("7394.19175")
    trades: Any = replies.order_with_trades(order)["trades"]
    assert [trade["trend"] for trade in trades] == ["down"]
    assert held(venue, "KRW") == ("7390.494654125", "0")
    assert dict(venue.accounts["paper"].wallet).keys() == {"KRW"}


def test_a_limit_sell_locks_its_volume_and_reserves_no_fee() -> None:
    venue = opened(flat(), BTC="2")
    order = place(venue, limit("ask", "140000000", "1"))
    assert shown(order, "locked", "reserved_fee", "volume", "remaining_volume", "price") == {
        "locked": "1",
        "reserved_fee": "0",
        "volume": "1",
        "remaining_volume": "1",
        "price": "140000000",
    }
    assert held(venue, "BTC") == ("1", "1")


def test_an_order_that_eats_levels_has_a_trade_for_each_and_gets_the_better_prices_back() -> None:
    venue = opened(flat(size=Decimal("0.01")))
    order = place(venue, limit("bid", "100001000", "0.015", time_in_force="ioc"))
    assert [(trade.price, trade.volume) for trade in order.trades] == [
        (Decimal(100000000), Decimal("0.01")),
        (Decimal(100001000), Decimal("0.005")),
    ]
    assert shown(order, "state", "remaining_volume", "locked") == {
        "state": "done",
        "remaining_volume": "0",
        "locked": "10.005",
    }
    spent = Decimal(1000000) + Decimal("500005")
    assert Decimal(held(venue, "KRW")[0]) == 10_000_000 - spent * Decimal("1.0005")


def test_immediate_or_cancel_keeps_what_it_got() -> None:
    venue = opened(flat(size=Decimal("0.01")))
    order = place(venue, limit("bid", "100000000", "0.05", time_in_force="ioc"))
    assert shown(order, "state", "executed_volume", "remaining_volume") == {
        "state": "cancel",
        "executed_volume": "0.01",
        "remaining_volume": "0.04",
    }
    assert held(venue, "KRW")[1] == "0"


@pytest.mark.parametrize(("volume", "state"), [("0.02", "done"), ("0.03", "cancel")])
def test_fill_or_kill_takes_all_or_nothing(volume: str, state: str) -> None:
    venue = opened(flat(size=Decimal("0.01")))
    order = place(venue, limit("bid", "100001000", volume, time_in_force="fok"))
    assert (order.status, order.executed) == (state, Decimal(volume) if state == "done" else 0)


def test_fill_or_kill_beyond_the_whole_book_is_killed() -> None:
    venue = opened(flat(size=Decimal("0.001"), levels=2))
    assert place(venue, limit("bid", "101000000", "0.01", time_in_force="fok")).status == "cancel"


@pytest.mark.parametrize(("price", "state"), [("100000000", "cancel"), ("99999000", "wait")])
def test_post_only_never_takes(price: str, state: str) -> None:
    order = place(opened(flat()), limit("bid", price, "0.01", time_in_force="post_only"))
    assert (order.status.value, order.executed) == (state, Decimal(0))


@pytest.mark.parametrize(("total", "state", "bought"), [("500000", "cancel", "0.005"), ("1500000", "cancel", "0")])
def test_a_best_buy_takes_the_best_price_only(total: str, state: str, bought: str) -> None:
    venue = opened(flat("100003000", size=Decimal("0.01")))
    order = place(
        venue, {"market": BTC, "side": "bid", "ord_type": "best", "price": total, "time_in_force": "fok"}
    )
    wanted = Decimal(0) if bought == "0" else Decimal("0.00499985")
    assert (order.status, order.executed) == (state, wanted)
    assert shown(order, "volume", "price", "time_in_force") == {
        "volume": None,
        "price": total,
        "time_in_force": "fok",
    }


def test_a_best_buy_for_exactly_what_the_best_price_holds_is_filled() -> None:
    body = {"market": BTC, "side": "bid", "ord_type": "best", "price": "1000000", "time_in_force": "fok"}
    order = place(opened(flat(size=Decimal("0.01"))), body)
    assert (order.status, order.executed) == ("done", Decimal("0.01"))


def test_a_best_sell_stops_below_the_best_bid() -> None:
    venue = opened(flat(size=Decimal("0.01")), BTC="1")
    order = place(venue, {"market": BTC, "side": "ask", "ord_type": "best", "volume": "1", "time_in_force": "ioc"})
    assert (order.status.value, order.executed, order.trades) == ("cancel", Decimal("0.01"), order.trades[:1])
    assert order.trades[0].price == 99_999_000


def test_a_best_order_without_a_book_is_cancelled() -> None:
    body = {"market": BTC, "side": "bid", "ord_type": "best", "price": "6000", "time_in_force": "ioc"}
    assert place(opened(flat(levels=0)), body).status == "cancel"


def test_volumes_are_cut_to_eight_decimals() -> None:
    order = place(opened(flat()), limit("bid", "90000000", "0.0100000099"))
    assert order.ticket.volume == Decimal("0.01")


def test_the_average_price_moves_by_price_and_only_with_buys() -> None:
    venue = opened(flat(size=Decimal("0.01")))
    place(venue, limit("bid", "100000000", "0.01"))
    assert venue.accounts["paper"].wallet.holding("BTC").average == 100_000_000
    place(venue, limit("bid", "100001000", "0.01"))
    assert venue.accounts["paper"].wallet.holding("BTC").average == 100_000_500
    place(venue, sell("0.005"))
    assert venue.accounts["paper"].wallet.holding("BTC").average == 100_000_500
    place(venue, sell("0.015", market=BTC))
    assert venue.accounts["paper"].wallet.holding("BTC").average == 0


@pytest.mark.parametrize(
    ("volume", "paid", "average"),
    [("3", "200", "66.66666667"), ("2", "0.00000003", "0.00000002"), ("2", "0.00000001", "0")],
)
def test_the_average_price_is_rounded_to_eight_decimals_half_to_even(volume: str, paid: str, average: str) -> None:
    wallet = Wallet()
    wallet.bought("BTC", Decimal(volume), Decimal(paid))
    assert wallet.holding("BTC").average == Decimal(average)


def test_a_coin_bought_with_coins_costs_a_quarter_percent_and_keeps_its_average() -> None:
    venue = opened(flat(), BTC="1")
    order = place(venue, limit("bid", "0.03", "1", market=ETH_BTC))
    assert order.paid_fee == Decimal("0.000075")
    assert venue.accounts["paper"].wallet.holding("ETH").average == 0


def test_what_was_taken_stays_taken_until_the_minute_changes() -> None:
    venue = opened(flat(size=Decimal("0.01")))
    place(venue, limit("bid", "100000000", "0.01"))
    assert place(venue, limit("bid", "100001000", "0.01", time_in_force="ioc")).trades[0].price == 100_001_000
    assert venue.floor.book(BTC, 1).asks == ((Decimal(100_002_000), Decimal("0.01")),)
    venue.advance(venue.now + timedelta(seconds=59))
    assert venue.floor.book(BTC, 1).asks[0][0] == 100_002_000
    venue.advance(venue.now + timedelta(seconds=1))
    assert venue.floor.book(BTC, 1).asks[0][0] == 100_000_000


def test_the_orders_of_accounts_come_first_at_equal_price_and_then_by_time() -> None:
    venue = opened(flat(), "a", "b", "c", KRW="20000000", BTC="1")
    first = place(venue, limit("ask", "100000000", "0.01"), "a")
    second = place(venue, limit("ask", "100000000", "0.01"), "b")
    taker = place(venue, limit("bid", "100000000", "0.025"), "c")
    assert [trade.volume for trade in taker.trades] == [Decimal("0.01"), Decimal("0.01"), Decimal("0.005")]
    assert [trade.uuid for trade in taker.trades[:2]] == [first.trades[0].uuid, second.trades[0].uuid]
    assert (first.status, second.status, first.trades[0].taker) == ("done", "done", "bid")


@pytest.mark.parametrize(
    ("smp", "maker", "taker"),
    [
        ("cancel_maker", ("cancel", "0", "0.01", "0.01"), ("done", "0.02", "0", "0")),
        ("cancel_taker", ("wait", "0", "0", "0"), ("cancel", "0", "0.02", "2002000.5")),
        ("reduce", ("cancel", "0", "0.01", "0.01"), ("cancel", "0.01", "0.01", "1001000.25")),
        ("none", ("done", "0.01", "0", "0"), ("done", "0.02", "0", "0")),
    ],
)
def test_self_matches_are_prevented_as_the_taker_wishes(
    smp: str, maker: tuple[str, ...], taker: tuple[str, ...]
) -> None:
    venue = opened(flat("100002000"), KRW="10000000", BTC="1")
    fields = ("state", "executed_volume", "prevented_volume", "prevented_locked")
    resting = place(venue, limit("ask", "100002000", "0.01"))
    coming = place(venue, limit("bid", "100050000", "0.02", smp_type=smp))
    assert tuple(shown(resting, *fields).values()) == maker
    assert tuple(shown(coming, *fields).values()) == taker
    assert_locks_match(venue)


def test_a_reduced_maker_stays_with_the_rest() -> None:
    venue = opened(flat("100002000"), KRW="10000000", BTC="1")
    resting = place(venue, limit("ask", "100002000", "0.03"))
    coming = place(venue, limit("bid", "100002000", "0.01", smp_type="reduce"))
    assert (resting.status, resting.remaining, coming.status) == ("wait", Decimal("0.02"), "cancel")
    assert_locks_match(venue)


@pytest.mark.parametrize(
    ("smp", "state"), [("cancel_maker", "done"), ("cancel_taker", "cancel"), ("reduce", "cancel")]
)
def test_fill_or_kill_does_not_count_its_own_orders(smp: str, state: str) -> None:
    venue = opened(flat("100002000"), KRW="10000000", BTC="1")
    place(venue, limit("ask", "100002000", "0.01"))
    order = place(venue, limit("bid", "100002000", "0.01", time_in_force="fok", smp_type=smp))
    assert (order.status, order.executed) == (state, Decimal("0.01") if state == "done" else 0)


def test_a_market_buy_that_meets_itself_is_reduced_by_funds() -> None:
    venue = opened(flat("100002000"), KRW="10000000", BTC="1")
    place(venue, limit("ask", "100002000", "0.01"))
    order = place(venue, buy("2000000", smp_type="reduce"))
    assert order.prevented_locked == Decimal("1000520.01")
    assert order.executed == Decimal("0.00999960")
    assert_locks_match(venue)


def test_a_maker_that_is_taken_in_part_rests_on() -> None:
    venue = opened(flat(), "a", "b", KRW="20000000", BTC="1")
    maker = place(venue, limit("ask", "100000000", "0.05"), "a")
    taker = place(venue, limit("bid", "100000000", "0.02"), "b")
    assert (maker.status.value, maker.remaining, taker.status.value) == ("wait", Decimal("0.03"), "done")
    assert shown(maker, "locked", "paid_fee") == {"locked": "0.03", "paid_fee": "1000"}
    assert venue.floor.book(BTC, 1).asks == ((Decimal(100_000_000), Decimal("1.03")),)


def test_an_order_without_a_price_never_rests() -> None:
    venue = opened(flat())
    order = place(venue, buy("6000"))
    with pytest.raises(Inconsistent, match="no price to rest at"):
        venue.settlement.met(order, Decimal(1), venue.now)


def test_a_cancel_gives_the_lock_back_and_answers_as_it_was() -> None:
    venue = opened(flat())
    order = place(venue, limit("bid", "90000000", "0.01"))
    assert venue.cancel(order).status == "wait"
    assert (order.status, held(venue, "KRW")) == ("cancel", ("10000000", "0"))


def test_accounts_open_once_with_sound_balances() -> None:
    venue = opened(flat())
    with pytest.raises(Misconfigured, match="open already"):
        venue.open_account("paper", {})
    with pytest.raises(Misconfigured, match="a name is needed"):
        venue.open_account("", {})
    with pytest.raises(Misconfigured, match="KRW must be at least 0"):
        venue.open_account("other", {"KRW": Decimal(-1)})
    with pytest.raises(Misconfigured, match="below 1e20"):
        venue.open_account("other", {"KRW": Decimal("1e20")})


def test_a_wallet_never_gives_what_it_has_not() -> None:
    wallet = Wallet()
    wallet.credit("KRW", Decimal(5))
    with pytest.raises(Inconsistent, match="cannot lock 6 of 5 free"):
        wallet.lock("KRW", Decimal(6))
    with pytest.raises(Inconsistent, match="cannot take 1 of 0 locked"):
        wallet.spend("KRW", Decimal(1))


def test_the_test_call_keeps_nothing() -> None:
    venue = opened(flat())
    before = venue.state()
    order = venue.test("paper", buy("6000", identifier="only-a-test"))
    assert (order.locked, order.status) == (Decimal("6003.0000"), "wait")
    assert venue.state() == before


def assert_locks_match(venue: Venue) -> None:
    for account in venue.accounts.values():
        locked: dict[str, Decimal] = {}
        for order in account.orders.values():
            if order.live:
                currency = order.ticket.lock_currency
                locked[currency] = locked.get(currency, Decimal(0)) + order.locked
        for each in venue.treasury.of(account.name, Direction.WITHDRAW):
            if each.under_way:
                locked[each.currency] = locked.get(each.currency, Decimal(0)) + each.amount + each.fee
        assert {name: each.locked for name, each in account.wallet if each.locked} == locked
