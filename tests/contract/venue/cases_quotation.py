"""Q022 to Q051: markets, trades, tickers, books, and what all public calls share (upbit-api.md sections 1 and 2)."""

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market
from makenaide.exchange.simulator.market import CAUTIONS
from makenaide.exchange.simulator.prices.incidents import Thin
from tests.contract.venue.case import World, case
from tests.contract.venue.markets import TAPES, staged
from tests.contract.venue.rig import Rig
from tests.unit.simulator_street import BTC, ETH_BTC, XRP

TRADE = (
    "market trade_date_utc trade_time_utc timestamp trade_price trade_volume prev_closing_price change_price ask_bid "
    "sequential_id"
).split()
TICKER = (
    "market trade_date trade_time trade_date_kst trade_time_kst trade_timestamp opening_price high_price low_price "
    "trade_price prev_closing_price change change_price change_rate signed_change_price signed_change_rate "
    "trade_volume acc_trade_price acc_trade_price_24h acc_trade_volume acc_trade_volume_24h highest_52_week_price "
    "highest_52_week_date lowest_52_week_price lowest_52_week_date timestamp"
).split()
QUOTATIONS = {
    "market/all": {},
    "candles/days": {"market": "KRW-BTC"},
    "trades/ticks": {"market": "KRW-BTC"},
    "ticker": {"markets": "KRW-BTC"},
    "ticker/all": {"quote_currencies": "KRW"},
    "orderbook": {"markets": "KRW-BTC"},
    "orderbook/instruments": {"markets": "KRW-BTC"},
    "orderbook/supported_levels": {"markets": "KRW-BTC"},
}
THIN = World(data=lambda: staged(Thin(market=XRP, start=datetime(2026, 2, 17, 0, 0, 1, tzinfo=UTC), bids=3)))


def trades(rig: Rig, **asked: Any) -> list[Any]:
    reply = rig.get("trades/ticks", **{"market": "KRW-BTC", **asked})
    assert reply.status == 200, reply
    found: list[Any] = reply.json
    return found


@case("Q022", "A market is its code and its names in Korean and English, and nothing else", "2.1")
def market_rows(rig: Rig) -> None:
    found = rig.get("market/all").json
    assert [list(row) for row in found] == [["market", "korean_name", "english_name"]] * 3
    assert [row["market"] for row in found] == ["BTC-ETH", "KRW-BTC", "KRW-XRP"]
    assert rig.get("market/all", is_details="false").json == found


@case("Q023", "Details are a warning and the five cautions, by either spelling of the parameter", "2.1")
def market_events(rig: Rig) -> None:
    for name in ("is_details", "isDetails"):
        for row in rig.get("market/all", (name, "true")).json:
            assert list(row) == ["market", "korean_name", "english_name", "market_event"]
            event = row["market_event"]
            assert event == {"warning": False, "caution": dict.fromkeys(CAUTIONS, False)}
            assert list(event["caution"]) == list(CAUTIONS)
    assert {each.market for each in rig.client.markets()} == {BTC, "KRW-XRP", ETH_BTC}


@case(
    "Q024", "A trade has the documented fields in order, its taker's side and a signed change", "2.3", world=TAPES
)
def trade_rows(rig: Rig) -> None:
    rig.wait(3600)
    found = trades(rig, count=100)
    assert [list(row) for row in found] == [TRADE] * 100
    for row in found:
        assert row["ask_bid"] in ("ASK", "BID")
        assert row["change_price"] == row["trade_price"] - row["prev_closing_price"]
        at = datetime.fromtimestamp(row["timestamp"] // 1000, UTC)
        assert f"{at:%Y-%m-%d %H:%M:%S}" == f"{row['trade_date_utc']} {row['trade_time_utc']}"
    (day,) = rig.get("candles/days", market="KRW-BTC").json
    assert {row["prev_closing_price"] for row in found} == {day["prev_closing_price"]}


@case("Q025", "Trades come newest first, one unless asked, at most 500; each number once", "2.3", world=TAPES)
def trade_lists(rig: Rig) -> None:
    rig.wait(7200)
    assert len(trades(rig)) == 1
    found = trades(rig, count=500)
    assert len({row["sequential_id"] for row in found}) == 500
    assert all(newer["timestamp"] >= older["timestamp"] for newer, older in pairwise(found))
    for count in ("0", "501"):
        assert rig.get("trades/ticks", market="KRW-BTC", count=count).error == (400, 400)


@case("Q026", "`to` of trades is a time of the day in UTC, with colons or without", "2.3", world=TAPES)
def trades_until(rig: Rig) -> None:
    rig.wait(7200)
    found = trades(rig, to="01:00:00", count=50)
    assert found == trades(rig, to="010000", count=50)
    assert all(row["trade_time_utc"] <= "01:00:00" for row in found)
    assert found[0]["trade_time_utc"] >= "00:59:00"
    assert rig.get("trades/ticks", market="KRW-BTC", to="25:00:00").error == (400, 400)


@case("Q027", "A cursor goes on after the trade of that number", "2.3", world=TAPES)
def cursor(rig: Rig) -> None:
    rig.wait(7200)
    whole = trades(rig, count=90)
    walked = trades(rig, count=30)
    while len(walked) < 90:
        walked += trades(rig, count=30, cursor=walked[-1]["sequential_id"])
    assert walked == whole
    assert [each.number for each in rig.client.trades(BTC, 90)] == [row["sequential_id"] for row in whole]


@case("Q028", "`days_ago` of 1 to 7 shows the trades of that day in UTC", "2.3", world=TAPES)
def days_ago(rig: Rig) -> None:
    rig.wait(60)
    for ago in range(1, 8):
        day = rig.venue.now.date() - timedelta(days=ago)
        assert {row["trade_date_utc"] for row in trades(rig, count=20, days_ago=ago)} == {day.isoformat()}
    for ago in (0, 8):
        assert rig.get("trades/ticks", market="KRW-BTC", days_ago=ago).error == (400, 400)


@case("Q029", "An account's own trade is a trade of the market", "2.3")
def own_trade(rig: Rig) -> None:
    rig.wait(1)
    rig.order(side="bid", ord_type="price", price="600000")
    own = [row for row in trades(rig, count=5) if row["trade_volume"] == Decimal("0.006")]
    assert [(row["trade_price"], row["ask_bid"]) for row in own] == [(100_000_000, "BID")]


@case("Q030", "A ticker has the documented fields in order, as numbers, dates in UTC and KST", "2.4", world=TAPES)
def ticker_rows(rig: Rig) -> None:
    rig.wait(16 * 3600)
    (row,) = rig.get("ticker", markets="KRW-BTC").json
    assert list(row) == TICKER
    last = datetime.fromtimestamp(row["trade_timestamp"] / 1000, UTC)
    assert row["trade_date"] + row["trade_time"] == f"{last:%Y%m%d%H%M%S}"
    assert row["trade_date_kst"] + row["trade_time_kst"] == f"{last + timedelta(hours=9):%Y%m%d%H%M%S}"
    assert all(
        type(row[name]) in (int, Decimal)
        for name in TICKER
        if name not in [*TICKER[:5], "change"] and "date" not in name
    )


@case(
    "Q031",
    "A ticker's change is RISE, FALL or EVEN; plain amounts are absolute, the others signed",
    "2.4",
    world=TAPES,
)
def ticker_change(rig: Rig) -> None:
    seen = set()
    for _ in range(20):
        rig.wait(6 * 3600)
        for row in rig.get("ticker/all", quote_currencies="KRW").json:
            signed = row["trade_price"] - row["prev_closing_price"]
            assert row["signed_change_price"] == signed
            assert (row["change_price"], row["change_rate"]) == (abs(signed), abs(row["signed_change_rate"]))
            assert row["change"] == ("RISE" if signed > 0 else "FALL" if signed < 0 else "EVEN")
            assert abs(
                Decimal(row["signed_change_rate"]) - Decimal(signed) / Decimal(row["prev_closing_price"])
            ) < Decimal("1e-9")
            seen.add(row["change"])
    assert {"RISE", "FALL"} <= seen


@case(
    "Q032",
    "The day of a ticker begins at 00:00 UTC: sums restart, the close before is the day candle's",
    "2.4",
    world=TAPES,
)
def ticker_day(rig: Rig) -> None:
    rig.wait(23 * 3600)
    (late,) = rig.get("ticker", markets="KRW-BTC").json
    rig.wait(3600 + 60)
    (early,) = rig.get("ticker", markets="KRW-BTC").json
    assert early["acc_trade_volume"] < late["acc_trade_volume"]
    assert early["acc_trade_volume_24h"] > early["acc_trade_volume"]
    today, before = rig.get("candles/days", market="KRW-BTC", count=2).json
    assert early["prev_closing_price"] == before["trade_price"]
    for name in ("opening_price", "high_price", "low_price", "trade_price"):
        assert early[name] == today[name], name


@case("Q033", "Tickers of a quote currency are the same rows as those of its markets", "2.4", world=TAPES)
def all_tickers(rig: Rig) -> None:
    both = rig.get("ticker", markets="KRW-BTC,KRW-XRP").json
    assert rig.get("ticker/all", quote_currencies="KRW").json == both
    assert rig.get("ticker/all", quote_currencies="USDT").json == []
    assert {str(code): each.price.value for code, each in rig.client.tickers_of(["KRW"]).items()} == {
        row["market"]: row["trade_price"] for row in both
    }


@case("Q034", "Year's extremes bound the day's, and are dates", "2.4", world=TAPES)
def extremes(rig: Rig) -> None:
    for row in rig.get("ticker/all", quote_currencies="KRW").json:
        assert row["lowest_52_week_price"] <= row["low_price"] <= row["high_price"] <= row["highest_52_week_price"]
        for name in ("highest_52_week_date", "lowest_52_week_date"):
            assert datetime.fromisoformat(row[name]).date() <= rig.venue.now.date()


@case(
    "Q035", "A book is 30 levels, best first, each bid_price, bid_size, ask_price, ask_size in this order", "2.5"
)
def book_rows(rig: Rig) -> None:
    (row,) = rig.get("orderbook", markets="KRW-BTC").json
    assert list(row) == ["market", "timestamp", "total_ask_size", "total_bid_size", "orderbook_units", "level"]
    units = row["orderbook_units"]
    assert [list(unit) for unit in units] == [["bid_price", "bid_size", "ask_price", "ask_size"]] * 30
    assert all(a["bid_price"] > b["bid_price"] and a["ask_price"] < b["ask_price"] for a, b in pairwise(units))
    assert units[0]["bid_price"] < units[0]["ask_price"]
    assert row["total_ask_size"] == sum(unit["ask_size"] for unit in units)
    assert row["level"] == 0


@case("Q036", "`count` is 1 to 30; more still gives 30, and a word is a type mismatch", "2.5")
def book_count(rig: Rig) -> None:
    for count, levels in ((1, 1), (15, 15), (30, 30), (31, 30), (50, 30)):
        (row,) = rig.get("orderbook", markets="KRW-BTC", count=count).json
        assert len(row["orderbook_units"]) == levels
    reply = rig.get("orderbook", markets="KRW-BTC", count="abc")
    assert reply.error == (400, 400)
    assert reply.json["error"]["message"] == "Type mismatch error. Check the parameters type!"
    assert len(rig.client.books([BTC], 5)[BTC].bids) == 5


@case("Q037", "A level groups the prices of a KRW book; of a BTC book it leaves an empty list", "2.5")
def book_level(rig: Rig) -> None:
    (row,) = rig.get("orderbook", markets="KRW-BTC", level=10_000).json
    assert row["level"] == 10_000
    assert all(unit[f"{side}_price"] % 10_000 == 0 for unit in row["orderbook_units"] for side in ("bid", "ask"))
    reply = rig.get("orderbook", markets="BTC-ETH", level=1)
    assert (reply.status, reply.json) == (200, [])


@case("Q038", "A thin side is padded with zeros, which our client drops", "2.5", world=THIN)
def padding(rig: Rig) -> None:
    rig.wait(3600)
    (row,) = rig.get("orderbook", markets="KRW-XRP").json
    bids = [(unit["bid_price"], unit["bid_size"]) for unit in row["orderbook_units"]]
    assert all(price > 0 for price, _ in bids[:3])
    assert {(price, size) for price, size in bids[3:]} == {(0, 0)}
    assert len(bids) == 30
    assert len(rig.client.books([XRP])[XRP].bids) == 3


@case("Q039", "A book's time is on a grid of 100 ms and not after now", "2.5", world=TAPES)
def book_time(rig: Rig) -> None:
    rig.wait(1.234)
    (row,) = rig.get("orderbook", markets="KRW-BTC").json
    assert row["timestamp"] % 100 == 0
    assert row["timestamp"] <= rig.venue.now.timestamp() * 1000


@case(
    "Q040", "Instruments are strings: the step at the present price, and the groupings", "2.6", "venue.stable_tick"
)
def instruments(rig: Rig) -> None:
    rows = rig.get("orderbook/instruments", markets="KRW-BTC,KRW-XRP,BTC-ETH").json
    assert [list(row) for row in rows] == [["market", "quote_currency", "tick_size", "supported_levels"]] * 3
    assert rows[0] == {
        "market": "KRW-BTC",
        "quote_currency": "KRW",
        "tick_size": "1000",
        "supported_levels": ["0", "10000", "100000", "1000000", "10000000", "100000000"],
    }
    assert (rows[1]["tick_size"], rows[2]["tick_size"], rows[2]["supported_levels"]) == ("1", "0.00000001", ["0"])
    assert rig.client.instruments([BTC])[BTC].tick_size == 1000


@case("Q041", "The deprecated groupings are still served, with the market", "2.6")
def supported_levels(rig: Rig) -> None:
    (row,) = rig.get("orderbook/supported_levels", markets="KRW-BTC").json
    assert list(row) == ["market", "supported_levels"]


@case("Q042", "One unknown market fails a call for many with 404 Code not found", "2")
def unknown_market(rig: Rig) -> None:
    for path in ("ticker", "orderbook", "orderbook/instruments"):
        reply = rig.get(path, markets="KRW-BTC,KRW-NOPE")
        assert reply.json == {"error": {"name": 404, "message": "Code not found"}}
        assert reply.status == 404
    with pytest.raises(UnknownMarket):
        rig.client.tickers([BTC, Market("KRW-NOPE")])


@case("Q043", "REST takes a market's code in small letters", "1")
def small_letters(rig: Rig) -> None:
    for path, name in (("ticker", "markets"), ("orderbook", "markets"), ("trades/ticks", "market")):
        assert rig.get(path, (name, "krw-btc")).json[0]["market"] == "KRW-BTC"


@case("Q044", "A missing parameter and a wrong one are 400 with an integer name and the documented words", "2")
def wrong_parameters(rig: Rig) -> None:
    missing = "Missing request parameter error. Check the required parameters!"
    for path, given in QUOTATIONS.items():
        if given:
            assert rig.get(path).json == {"error": {"name": 400, "message": missing}}, path
    reply = rig.get("candles/days", market="KRW-BTC", count="many")
    assert reply.json["error"]["message"] == "Type mismatch error. Check the parameters type!"
    reply = rig.get("candles/days", market="KRW-BTC", count=1000)
    assert reply.json["error"]["message"] == "Invalid parameter. Check the given value!"


@case("Q045", "An unknown path is 404 not_found without a remaining-req header", "2")
def unknown_path(rig: Rig) -> None:
    for method in ("GET", "POST", "DELETE"):
        reply = rig.send(method, "/v1/nothing")
        assert reply.status == 404
        assert reply.json == {"error": {"name": "not_found", "message": "no Route matched with those values"}}
        assert "remaining-req" not in reply.headers


@case("Q046", "Quotation replies carry cache-control, a weak etag, limit-by-ip and remaining-req", "1")
def quotation_headers(rig: Rig) -> None:
    for path, given in QUOTATIONS.items():
        headers = rig.get(path, **given).headers
        assert headers["cache-control"].startswith("no-cache")
        assert headers["etag"].startswith('W/"')
        assert headers["limit-by-ip"] == "Yes"
        assert headers["remaining-req"].startswith("group=")
        assert headers["content-type"].startswith("application/json")


@case("Q047", "gzip is for quotations alone, and for those who ask", "1", world=TAPES)
def compressed(rig: Rig) -> None:
    query = (("market", "KRW-BTC"), ("count", "200"))
    plain = rig.send("GET", "/v1/candles/minutes/1", query)
    packed = rig.send("GET", "/v1/candles/minutes/1", query, Accept_Encoding="gzip")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2
    assert "content-encoding" not in rig.get("orders/chance", market="KRW-BTC").headers


@case("Q048", "The Date header tells the venue's time to the second, and there is no call for it", "1")
def date_header(rig: Rig) -> None:
    rig.wait(1.9)
    assert rig.get("market/all").headers["date"] == f"{rig.venue.now:%a, %d %b %Y %H:%M:%S} GMT"
    rig.client.markets()
    assert rig.client.clock_offset() is not None


@case("Q049", "All markets' tickers and books come in one call each", "2.5")
def everything_at_once(rig: Rig) -> None:
    codes = [row["market"] for row in rig.get("market/all").json]
    for path in ("ticker", "orderbook"):
        assert [row["market"] for row in rig.get(path, markets=",".join(codes)).json] == codes


@case("Q050", "Quotations are numbers, the exchange's amounts are decimal strings", "1")
def number_types(rig: Rig) -> None:
    assert type(rig.get("ticker", markets="KRW-BTC").json[0]["trade_price"]) is int
    assert all(type(row["balance"]) is str for row in rig.get("accounts").json)


@case("Q051", "Public calls need no key and mind none", "2")
def no_key(rig: Rig) -> None:
    for path, given in QUOTATIONS.items():
        query = tuple(given.items())
        assert rig.send("GET", f"/v1/{path}", query, Authorization="Bearer nonsense").status == 200
