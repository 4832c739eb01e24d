"""M001 to M024 and M028: matching, money and fees (upbit-api.md section 5)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from makenaide.exchange.simulator.prices.incidents import TickTable
from tests.contract.venue.case import World, case
from tests.contract.venue.markets import at, deep_xrp, staged
from tests.contract.venue.rig import Rig
from tests.unit.simulator_street import BTC

ACCOUNT = ["currency", "balance", "locked", "avg_buy_price", "avg_buy_price_modified", "unit_currency"]
D: Any = Decimal
ODD_TICKS = TickTable(
    quote="KRW", at=datetime(2026, 2, 17, 1, tzinfo=UTC), bands=((D(3_000_000), D(3000)), (D(0), D(1)))
)


def amounts(row: Any, *names: str) -> list[Decimal]:
    return [D(row[name]) for name in names]


def fill(rig: Rig, key: str = "paper", **body: object) -> Any:
    """Place an order, and how it stands once all has settled."""
    uuid = rig.order(key, **body)["uuid"]
    rig.settle()
    return rig.seen(uuid, key)


@case("M001", "A balance is what is free, with what is locked and the mean price beside it, all in strings", "4.1")
def accounts(rig: Rig) -> None:
    rows = rig.get("accounts").json
    assert [list(row) for row in rows] == [ACCOUNT] * 2
    for row in rows:
        assert all(type(row[name]) is str for name in ACCOUNT[:4])
        assert (row["avg_buy_price_modified"], row["unit_currency"]) == (False, "KRW")
    rig.order(side="bid", ord_type="limit", price="50000000", volume="0.01")
    assert rig.held("KRW") == (D("9499750"), D("500250"))
    found = rig.client.accounts()["KRW"]
    assert (found.free, found.locked) == rig.held("KRW")


@case("M002", "Currencies of which nothing is held are absent", "4.1")
def nothing_held(rig: Rig) -> None:
    assert {row["currency"] for row in rig.get("accounts").json} == {"KRW", "BTC"}
    fill(rig, side="ask", ord_type="market", volume="1")
    assert {row["currency"] for row in rig.get("accounts").json} == {"KRW"}


@case("M003", "chance tells fees, types, minimum and maximum, and both balances, amounts as strings", "4.2")
def chance(rig: Rig) -> None:
    found = rig.get("orders/chance", market="KRW-BTC").json
    assert list(found)[:4] == ["bid_fee", "ask_fee", "maker_bid_fee", "maker_ask_fee"]
    assert [found[name] for name in list(found)[:4]] == ["0.0005"] * 4
    market = found["market"]
    assert (market["id"], market["name"], market["state"]) == ("KRW-BTC", "BTC/KRW", "active")
    assert market["order_sides"] == ["ask", "bid"]
    assert market["bid_types"] == ["best_fok", "best_ioc", "limit", "limit_fok", "limit_ioc", "price"]
    assert market["ask_types"] == ["best_fok", "best_ioc", "limit", "limit_fok", "limit_ioc", "market"]
    assert (market["bid"]["currency"], market["bid"]["min_total"]) == ("KRW", "5000")
    assert (market["ask"]["currency"], market["ask"]["min_total"]) == ("BTC", "5000")
    assert market["max_total"] == "1000000000"
    assert list(found["bid_account"]) == list(found["ask_account"]) == ACCOUNT
    assert rig.client.chance(BTC).minimum_total.value == 5000


@case("M004", "Fees are 0.05 % in KRW markets and 0.25 % in BTC markets, with their own minimum and maximum", "5")
def fees(rig: Rig) -> None:
    found = rig.get("orders/chance", market="BTC-ETH").json
    assert (found["bid_fee"], found["market"]["bid"]["min_total"], found["market"]["max_total"]) == (
        "0.0025",
        "0.00005",
        "10",
    )
    order = fill(rig, market="BTC-ETH", side="bid", ord_type="price", price="0.03")
    assert amounts(order, "reserved_fee", "paid_fee") == [D("0.000075")] * 2


@case(
    "M005",
    "A limit buy of 0.0001 at 155,772,000 locks 15,584.9886, of which 7.7886 for the fee",
    "5",
    world=at("160000000"),
)
def limit_buy(rig: Rig) -> None:
    order = rig.order(side="bid", ord_type="limit", price="155772000", volume="0.0001")
    assert (order["reserved_fee"], order["remaining_fee"], order["locked"]) == ("7.7886", "7.7886", "15584.9886")
    assert rig.held("KRW") == (D("9984415.0114"), D("15584.9886"))


@case(
    "M006",
    "A market buy for 6,000 at 160,594,000 is the official example to the last digit, and ends cancel",
    "5",
    world=at("160594000"),
)
def market_buy(rig: Rig) -> None:
    order = rig.order(side="bid", ord_type="price", price="6000")
    assert amounts(order, "reserved_fee", "locked") == [3, 6003]
    seen = rig.seen(order["uuid"])
    assert seen["state"] == "cancel"
    assert seen["trades_count"] == 1
    assert amounts(seen, "executed_volume", "paid_fee", "remaining_fee", "locked") == [
        D("0.00003736"),
        D("2.99989592"),
        D("0.00010408"),
        D("0.20826408"),
    ]
    assert D(seen["trades"][0]["funds"]) == D("5999.79184")
    assert not {"volume", "remaining_volume", "prevented_volume"} & set(seen)
    rig.settle()
    assert rig.held("KRW") == (D("10000000") - D("5999.79184") - D("2.99989592"), 0)


@case("M007", "A market buy that divides exactly ends done", "5")
def exact_buy(rig: Rig) -> None:
    assert fill(rig, side="bid", ord_type="price", price="6000")["state"] == "done"


@case("M008", "A best buy ends like a market buy: cancel with a remainder", "5", world=at("160594000"))
def best_buy(rig: Rig) -> None:
    order = fill(rig, side="bid", ord_type="best", price="6000", time_in_force="fok")
    assert (order["state"], D(order["executed_volume"])) == ("cancel", D("0.00003736"))


@case(
    "M009",
    "A market sell reserves no fee and pays it from the won, to full precision, and ends done",
    "5",
    world=at("1376000", BTC="6"),
)
def market_sell(rig: Rig) -> None:
    order = fill(rig, side="ask", ord_type="market", volume="0.377594")
    assert (order["state"], order["reserved_fee"], D(order["locked"])) == ("done", "0", 0)
    (trade,) = order["trades"]
    funds = D(trade["price"]) * D("0.377594")
    assert D(trade["funds"]) == funds
    assert D(order["paid_fee"]) == funds * D("0.0005")
    assert rig.held("KRW") == (funds - funds * D("0.0005"), 0)


@case(
    "M010",
    "The official market sell: 5.377594 at 1,375 is 7,394.19175, less 3.697095875",
    "5",
    world=World(data=deep_xrp),
)
def official_sell(rig: Rig) -> None:
    rig.operator.airdrop("paper", "XRP", D("5.377594"))
    before, _ = rig.held("KRW")
    order = fill(rig, market="KRW-XRP", side="ask", ord_type="market", volume="5.377594")
    (trade,) = order["trades"]
    assert amounts(trade, "price", "volume", "funds") == [1375, D("5.377594"), D("7394.19175")]
    assert (order["state"], order["paid_fee"], order["locked"]) == ("done", "3.697095875", "0")
    after, _ = rig.held("KRW")
    assert after - before == D("7394.19175") - D("3.697095875")


@case(
    "M011",
    "A market buy needs its total and the fee: all of the won is too much",
    "5",
    world=at("100000000", KRW="10000"),
)
def whole_balance(rig: Rig) -> None:
    assert rig.refusal(side="bid", ord_type="price", price="10000") == (400, "insufficient_funds_bid")
    assert rig.refusal(side="bid", ord_type="price", price="9996") == (400, "insufficient_funds_bid")
    rig.order(side="bid", ord_type="price", price="9995")


@case(
    "M012",
    "Both sides need 5,000 won; a billion is the most",
    "5",
    world=at("100000000", KRW="3000000000", BTC="50"),
)
def bounds(rig: Rig) -> None:
    for side in ("bid", "ask"):
        price, volume = ("50000000", "0.00009999") if side == "bid" else ("150000000", "0.00003333")
        assert rig.refusal(side=side, ord_type="limit", price=price, volume=volume) == (
            400,
            f"under_min_total_{side}",
        )
    assert rig.order(side="bid", ord_type="limit", price="50000000", volume="0.0001")["state"] == "wait"
    reply = rig.post("orders", {"market": "KRW-BTC", "side": "bid", "ord_type": "price", "price": "1000000001"})
    assert reply.error == (400, "over_krw_funds_bid")
    assert reply.json["error"]["message"] == "최대 주문 가능 금액 1000000000 KRW 보다 작은 주문을 입력해 주세요."


@case("M013", "Volumes have eight decimals; further digits are cut off", "5")
def truncated(rig: Rig) -> None:
    order = rig.order(side="bid", ord_type="limit", price="50000000", volume="0.001234567891")
    assert D(order["volume"]) == D("0.00123456")
    assert D(order["locked"]) == D("0.00123456") * 50_000_000 * D("1.0005")


@case("M014", "A limit sell locks its volume; the won come net of the fee", "5")
def limit_sell(rig: Rig) -> None:
    order = rig.order(side="ask", ord_type="limit", price="150000000", volume="0.4")
    assert D(order["locked"]) == D("0.4")
    assert rig.held("BTC") == (D("0.6"), D("0.4"))
    seen = fill(rig, side="ask", ord_type="limit", price="99999000", volume="0.5")
    assert seen["state"] == "done"
    assert rig.held("KRW")[0] == 10_000_000 + 49_999_500 - D("24999.75")


@case(
    "M015",
    "One order, many trades: what it takes goes through the book by price",
    "5",
    world=at("100000000", KRW="400000000"),
)
def many_trades(rig: Rig) -> None:
    order = fill(rig, side="bid", ord_type="limit", price="100001000", volume="1.5")
    assert [amounts(trade, "price", "volume") for trade in order["trades"]] == [
        [100_000_000, 1],
        [100_001_000, D("0.5")],
    ]
    assert D(order["paid_fee"]) == sum(D(trade["funds"]) for trade in order["trades"]) / 2000
    assert order["trades_count"] == 2


@case(
    "M016",
    "Among resting orders the better price is met first, then the earlier order",
    "5",
    world=at("100000000", KRW="400000000", BTC="1"),
)
def priority(rig: Rig) -> None:
    worse, first, second = (
        rig.order("other", side="ask", ord_type="limit", price=price, volume="0.01")["uuid"]
        for price in ("100001000", "100000000", "100000000")
    )
    fill(rig, side="bid", ord_type="limit", price="100001000", volume="0.01")
    states = [rig.seen(uuid, "other")["state"] for uuid in (worse, first, second)]
    assert states == ["wait", "done", "wait"]


@case("M017", "A trade's side is the taker's, on both orders", "5")
def takers(rig: Rig) -> None:
    rig.wait(60)
    book = rig.get("orderbook", markets="KRW-BTC", count=1).json[0]["orderbook_units"][0]
    maker = rig.order("other", side="ask", ord_type="limit", price=str(book["ask_price"]), volume="0.5")["uuid"]
    taker = rig.order(
        side="bid", ord_type="limit", price=str(book["ask_price"]), volume="0.09", time_in_force="ioc"
    )
    seen = rig.seen(taker["uuid"])
    assert {(trade["side"], trade["trend"]) for trade in seen["trades"]} == {("bid", "up")}
    for trade in rig.seen(maker, "other")["trades"]:
        assert (trade["side"], trade["trend"]) == ("bid", "up")


@case(
    "M018",
    "An order at any price is refused beyond the best 30 levels",
    "5",
    "venue.beyond_book",
    world=at("1000000", KRW="900000000", BTC="50"),
)
def beyond_book(rig: Rig) -> None:
    assert rig.refusal(side="bid", ord_type="price", price="40000000")[1] == "volume_too_large"
    assert rig.refusal(side="ask", ord_type="market", volume="30.5")[1] == "volume_too_large"
    rig.order(side="ask", ord_type="market", volume="30")


@case("M019", "A limit price must lie on its band's step; the words are the documented ones", "5")
def off_grid(rig: Rig) -> None:
    for side, price in (("bid", "50000500"), ("ask", "150000500")):
        reply = rig.post(
            "orders", {"market": "KRW-BTC", "side": side, "ord_type": "limit", "price": price, "volume": "0.001"}
        )
        assert reply.error == (400, f"invalid_price_{side}")
        assert reply.json["error"]["message"] == "주문가격 단위를 잘못 입력하셨습니다. 확인 후 시도해주세요."


@case("M020", "There is no daily price limit: a limit may lie far off", "5", "venue.far_price_ratio")
def far_prices(rig: Rig) -> None:
    assert rig.order(side="bid", ord_type="limit", price="1000000", volume="0.01")["state"] == "wait"
    assert rig.order(side="ask", ord_type="limit", price="5000000000", volume="0.001")["state"] == "wait"


@case(
    "M021",
    "An order from before a change of the price steps stays in the book and can be cancelled",
    "5",
    world=World(data=lambda: staged(ODD_TICKS)),
)
def old_grid(rig: Rig) -> None:
    price = int(rig.get("ticker", markets="KRW-BTC").json[0]["trade_price"]) // 2 // 1000 * 1000
    old = rig.order(side="bid", ord_type="limit", price=str(price), volume="0.01")
    rig.wait(3700)
    assert rig.get("orderbook/instruments", markets="KRW-BTC").json[0]["tick_size"] == "3000"
    off = price // 3000 * 3000 + 1000
    assert rig.refusal(side="bid", ord_type="limit", price=str(off), volume="0.01")[1] == "invalid_price_bid"
    assert rig.seen(old["uuid"])["state"] == "wait"


@case(
    "M022",
    "An order that meets one of its own account takes it off the book, unless it says otherwise",
    "5",
    "venue.self_match",
)
def self_match(rig: Rig) -> None:
    maker = rig.order(side="bid", ord_type="limit", price="99999000", volume="0.01")
    assert maker["smp_type"] == "cancel_maker"
    fill(rig, side="ask", ord_type="limit", price="99999000", volume="0.02")
    assert (rig.seen(maker["uuid"])["state"], D(rig.seen(maker["uuid"])["executed_volume"])) == ("cancel", 0)
    maker = rig.order(side="bid", ord_type="limit", price="99999000", volume="0.01")
    taker = fill(rig, side="ask", ord_type="limit", price="99999000", volume="0.02", smp_type="cancel_taker")
    assert (taker["state"], taker["smp_type"]) == ("cancel", "cancel_taker")
    assert rig.seen(maker["uuid"])["state"] == "wait"


@case("M023", "post_only with an smp_type other than none is invalid_post_only", "5", "venue.self_match_shown")
def post_only_smp(rig: Rig) -> None:
    body: dict[str, Any] = {
        "side": "bid",
        "ord_type": "limit",
        "price": "50000000",
        "volume": "0.001",
        "time_in_force": "post_only",
    }
    for kind in ("cancel_maker", "cancel_taker", "reduce"):
        assert rig.refusal(**body, smp_type=kind) == (400, "invalid_post_only")
    assert rig.order(**body, smp_type="none")["smp_type"] == "none"


@case(
    "M024",
    "The mean price of a coin is that of its buys, in won, without fees; sells leave it",
    "4.1",
    "venue.average_with_fee",
    world=at("100000000", KRW="400000000"),
)
def average(rig: Rig) -> None:
    fill(rig, side="bid", ord_type="limit", price="100001000", volume="2")
    fill(rig, side="ask", ord_type="market", volume="0.5")
    (row,) = [row for row in rig.get("accounts").json if row["currency"] == "BTC"]
    assert D(row["avg_buy_price"]) == D("100000500")


@case("M028", "Of two own orders that meet goes what the taker says: maker, taker, overlap, or neither", "5")
def self_match_kinds(rig: Rig) -> None:
    outcomes = {
        "cancel_maker": (("cancel", 0), ("done", D("0.02"))),
        "cancel_taker": (("wait", 0), ("cancel", 0)),
        "none": (("done", D("0.01")), ("done", D("0.02"))),
    }
    for kind, expected in outcomes.items():
        maker = rig.order(side="bid", ord_type="limit", price="99999000", volume="0.01")["uuid"]
        taker = fill(rig, side="ask", ord_type="limit", price="99999000", volume="0.02", smp_type=kind)
        both = rig.seen(maker), taker
        assert tuple((each["state"], D(each["executed_volume"])) for each in both) == expected, kind
        rig.delete("order", uuid=maker)
        rig.settle()
    maker = rig.order(side="bid", ord_type="limit", price="99999000", volume="0.01")["uuid"]
    taker = fill(rig, side="ask", ord_type="limit", price="99999000", volume="0.02", smp_type="reduce")
    assert (D(taker["prevented_volume"]), D(taker["executed_volume"])) == (D("0.01"), D("0.01"))
    gone = rig.seen(maker)
    assert (gone["state"], D(gone["prevented_volume"]), D(gone["executed_volume"])) == ("cancel", D("0.01"), 0)
    assert D(gone["prevented_locked"]) == D("0.01") * 99_999_000 * D("1.0005")
