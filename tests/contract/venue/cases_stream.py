"""W001 to W020: public streams (upbit-api.md sections 9.1 and 9.2)."""

import re
from decimal import Decimal
from typing import Any

from makenaide.exchange.upbit.stream.frames import (
    BookFrame,
    CandleFrame,
    StreamError,
    TickerFrame,
    TradeFrame,
    Up,
)
from tests.contract.venue.carriers import Ear
from tests.contract.venue.case import World, case
from tests.contract.venue.markets import TAPES
from tests.contract.venue.rig import Rig

TICKER = (
    "type:ty code:cd opening_price:op high_price:hp low_price:lp trade_price:tp prev_closing_price:pcp change:c "
    "change_price:cp signed_change_price:scp change_rate:cr signed_change_rate:scr trade_volume:tv "
    "acc_trade_volume:atv acc_trade_volume_24h:atv24h acc_trade_price:atp acc_trade_price_24h:atp24h trade_date:tdt "
    "trade_time:ttm trade_timestamp:ttms ask_bid:ab acc_ask_volume:aav acc_bid_volume:abv "
    "highest_52_week_price:h52wp highest_52_week_date:h52wdt lowest_52_week_price:l52wp "
    "lowest_52_week_date:l52wdt market_state:ms delisting_date:dd timestamp:tms stream_type:st "
    "is_trading_suspended:its market_warning:mw"
)
TRADE = (
    "type:ty code:cd timestamp:tms trade_date:td trade_time:ttm trade_timestamp:ttms trade_price:tp trade_volume:tv "
    "ask_bid:ab prev_closing_price:pcp change:c change_price:cp sequential_id:sid best_ask_price:bap "
    "best_ask_size:bas best_bid_price:bbp best_bid_size:bbs stream_type:st"
)
BOOK = (
    "type:ty code:cd timestamp:tms total_ask_size:tas total_bid_size:tbs orderbook_units:obu "
    "stream_type:st level:lv"
)
CANDLE = (
    "type:ty code:cd candle_date_time_utc:cdttmu candle_date_time_kst:cdttmk opening_price:op high_price:hp "
    "low_price:lp trade_price:tp candle_acc_trade_volume:catv candle_acc_trade_price:catp "
    "timestamp:tms stream_type:st"
)
MY_ORDER = (
    "type:ty code:cd uuid:uid ask_bid:ab order_type:ot state:s trade_uuid:tuid price:p avg_price:ap volume:v "
    "remaining_volume:rv executed_volume:ev trades_count:tc reserved_fee:rsf remaining_fee:rmf paid_fee:pf locked:l "
    "executed_funds:ef time_in_force:tif trade_fee:tf is_maker:im identifier:id smp_type:smpt prevented_volume:pv "
    "prevented_locked:pl trade_timestamp:ttms order_timestamp:otms timestamp:tms stream_type:st"
)
MY_ASSET = "type:ty asset_uuid:astuid assets:ast asset_timestamp:asttms timestamp:tms stream_type:st"
NOTICE = (
    "type:ty event_type:et uuid:uid title:tt category:cat url:url first_listed_at:flat listed_at:lat body:bd "
    "timestamp:tms stream_type:st"
)
UNIT = "ask_price:ap bid_price:bp ask_size:as bid_size:bs"
CANDLES = ("1s", "1m", "3m", "5m", "10m", "15m", "30m", "60m", "240m")
LIMITED = World(data=TAPES.data, quota={"enforced": True})


def names(table: str, *, short: bool = False) -> set[str]:
    return {pair.split(":")[short] for pair in table.split()}


def part(kind: str, *codes: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "codes": list(codes or ("KRW-BTC",)), **more}


def kinds(ear: Ear) -> list[tuple[str, str]]:
    return [(frame["type"], frame["stream_type"]) for frame in ear.heard()]


def said(rig: Rig, message: str | bytes) -> str:
    """The error that a message is answered with."""
    ear = rig.listen()
    ear.socket.say(message)
    return ear.error()


def both(rig: Rig, kind: str, key: str | None = None) -> tuple[Any, Any]:
    """The first frame in long and in short names, after something has happened."""
    found = []
    for shape in ("DEFAULT", "SIMPLE"):
        ear = rig.listen(key)
        ear.ask({"type": kind} if key else part(kind), shape=shape)
        if key:
            rig.order(side="bid", ord_type="price", price="600000")
            rig.settle()
        found.append(ear.heard()[0])
    return found[0], found[1]


@case("W001", "A ticker frame has the documented fields by their long and short names", "9.2", world=TAPES)
def ticker(rig: Rig) -> None:
    long, short = both(rig, "ticker")
    assert (set(long), set(short)) == (names(TICKER), names(TICKER, short=True))
    assert (long["market_state"], long["delisting_date"], long["stream_type"]) == ("ACTIVE", None, "SNAPSHOT")
    (row,) = rig.get("ticker", markets="KRW-BTC").json
    for name in set(row) & names(TICKER) - {"timestamp", "trade_volume"}:
        value = long[name]
        same = (
            value == row[name]
            if type(value) is str
            else abs(Decimal(value) - Decimal(row[name])) <= Decimal("1e-8")
        )
        assert same, name


@case("W002", "A trade frame has the documented fields, with the best of both sides", "9.2", world=TAPES)
def trade(rig: Rig) -> None:
    long, short = both(rig, "trade")
    assert (set(long), set(short)) == (names(TRADE), names(TRADE, short=True))
    (row,) = rig.get("trades/ticks", market="KRW-BTC").json
    assert (long["sequential_id"], long["ask_bid"]) == (row["sequential_id"], row["ask_bid"])
    assert (long["trade_date"], long["trade_time"]) == (row["trade_date_utc"], row["trade_time_utc"])
    assert long["best_bid_price"] < long["best_ask_price"]


@case("W003", "An order book frame is a whole book of ask and bid units", "9.2", world=TAPES)
def orderbook(rig: Rig) -> None:
    long, short = both(rig, "orderbook")
    assert (set(long), set(short)) == (names(BOOK), names(BOOK, short=True))
    assert {frozenset(unit) for unit in long["orderbook_units"]} == {frozenset(names(UNIT))}
    assert {frozenset(unit) for unit in short["obu"]} == {frozenset(names(UNIT, short=True))}
    (row,) = rig.get("orderbook", markets="KRW-BTC").json
    assert long["orderbook_units"] == row["orderbook_units"]


@case("W004", "Candle frames come in nine lengths, none of them a day", "9.2", world=TAPES)
def candle(rig: Rig) -> None:
    for length in CANDLES:
        long, short = both(rig, f"candle.{length}")
        assert (set(long), set(short)) == (names(CANDLE), names(CANDLE, short=True))
        assert long["type"] == f"candle.{length}"
        unit = "seconds" if length == "1s" else f"minutes/{length[:-1]}"
        (row,) = rig.get(f"candles/{unit}", market="KRW-BTC").json
        for name in set(row) & names(CANDLE) - {"timestamp", "candle_acc_trade_volume"}:
            assert long[name] == row[name], name
    assert said(rig, '[{"ticket":"t"},{"type":"candle.1d","codes":["KRW-BTC"]}]') == "INVALID_PARAM"


@case(
    "W005",
    "Frames are binary UTF-8 JSON: big prices with an exponent, small sizes with all digits in DEFAULT",
    "9.1",
)
def spelling(rig: Rig) -> None:
    ear = rig.listen()
    ear.ask(part("orderbook"))
    (raw,) = ear.socket.raw()
    assert b'"ask_price":1.0E8,' in raw
    assert b'"ask_size":1.00000000' in raw
    ear.ask(part("orderbook"), shape="SIMPLE")
    (raw,) = ear.socket.raw()
    assert b'"ap":100000000,' in raw
    ear.ask(part("trade"), shape="SIMPLE")
    assert re.search(rb'"tv":(0\.01|1\.0E-2)\b', ear.socket.raw()[0])


@case("W006", "JSON_LIST and SIMPLE_LIST put each frame into a list", "9.1")
def lists(rig: Rig) -> None:
    ear = rig.listen()
    for shape, field in (("JSON_LIST", "code"), ("SIMPLE_LIST", "cd")):
        ear.ask(part("ticker"), shape=shape)
        (found,) = ear.heard()
        assert [row[field] for row in found] == ["KRW-BTC"]


@case("W007", "A request is answered by one snapshot per code, then by what happens", "9.1", world=TAPES)
def snapshot_then_realtime(rig: Rig) -> None:
    ear = rig.listen()
    ear.ask(part("ticker", "KRW-BTC", "KRW-XRP"), part("trade"))
    assert sorted(kinds(ear)) == [("ticker", "SNAPSHOT")] * 2 + [("trade", "SNAPSHOT")]
    rig.wait(1)
    later = kinds(ear)
    assert {stream for _, stream in later} == {"REALTIME"}
    assert {kind for kind, _ in later} == {"ticker", "trade"}


@case("W008", "Only snapshots, or only what happens, by either spelling", "9.1", world=TAPES)
def only(rig: Rig) -> None:
    for name in ("is_only_snapshot", "isOnlySnapshot"):
        ear = rig.listen()
        ear.ask(part("trade", **{name: True}))
        assert kinds(ear) == [("trade", "SNAPSHOT")]
        rig.wait(1)
        assert kinds(ear) == []
    for name in ("is_only_realtime", "isOnlyRealtime"):
        ear = rig.listen()
        ear.ask(part("trade", **{name: True}))
        assert kinds(ear) == []
        rig.wait(1)
        assert {stream for _, stream in kinds(ear)} == {"REALTIME"}


@case("W009", "A new request replaces the earlier one", "9.1", world=TAPES)
def replaced(rig: Rig) -> None:
    ear = rig.listen()
    ear.ask(part("ticker"))
    ear.heard()
    ear.ask(part("trade", "KRW-XRP"))
    rig.wait(1)
    assert {(frame["type"], frame["code"]) for frame in ear.heard()} == {("trade", "KRW-XRP")}


@case("W010", "Unknown and small-letter codes are silently ignored, and the socket stays open", "9.1")
def unknown_codes(rig: Rig) -> None:
    ear = rig.listen()
    ear.ask(part("ticker", "KRW-NOPE", "krw-btc", "KRW-XRP"))
    assert [frame["code"] for frame in ear.heard()] == ["KRW-XRP"]
    assert ear.socket.closed() is None


@case("W011", "The text PING is answered with the status, then every ten seconds", "9.1")
def ping(rig: Rig) -> None:
    ear = rig.listen()
    ear.socket.say("PING")
    assert ear.socket.raw() == [b'{"status":"UP"}']
    rig.wait(9)
    assert ear.socket.raw() == []
    rig.wait(1)
    assert ear.frames() == [Up()]


@case("W012", "Wrong requests are answered by their error, and closed with 1000", "9.1")
def errors(rig: Rig) -> None:
    assert said(rig, '[{"type":"ticker","codes":["KRW-BTC"]}]') == "NO_TICKET"
    assert said(rig, '[{"ticket":"t"}]') == "NO_TYPE"
    assert said(rig, '[{"ticket":"t"},{"type":"ticker"}]') == "NO_CODES"
    assert said(rig, "nonsense") == "WRONG_FORMAT"
    assert said(rig, '[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"]},{"format":"X"}]') == "WRONG_FORMAT"
    assert said(rig, '[{"ticket":"t"},{"type":"nope","codes":["KRW-BTC"]}]') == "INVALID_PARAM"
    assert said(rig, '[{"ticket":"t"},{"type":"myOrder"}]') == "INVALID_AUTH"


@case("W013", "The errors' words are the documented ones", "9.1")
def error_words(rig: Rig) -> None:
    words = {
        '[{"type":"ticker"}]': "티켓이 존재하지 않거나, 유효하지 않습니다.",
        "{": "Format 이 맞지 않습니다.",
        '[{"ticket":"t"},{"type":"nope"}]': "nope 은 지원하지 않는 타입입니다.",
        '[{"ticket":"t"},{"type":"myAsset"}]': "인증 정보가 올바르지 않습니다.",
    }
    for message, text in words.items():
        ear = rig.listen()
        ear.socket.say(message)
        (frame,) = ear.frames()
        assert isinstance(frame, StreamError)
        assert frame.message == text


@case(
    "W014", "LIST_SUBSCRIPTIONS tells what is subscribed, and its format switches the stream's", "9.1", world=TAPES
)
def listed(rig: Rig) -> None:
    ear = rig.listen()
    ear.ask(part("ticker"), part("orderbook", "KRW-BTC.5"))
    ear.heard()
    ear.ask({"method": "LIST_SUBSCRIPTIONS"})
    (found,) = ear.heard()
    assert found == {
        "method": "LIST_SUBSCRIPTIONS",
        "result": [
            {"type": "ticker", "codes": ["KRW-BTC"]},
            {"type": "orderbook", "codes": ["KRW-BTC.5"], "level": 0},
        ],
        "ticket": "t",
    }
    ear.ask({"method": "LIST_SUBSCRIPTIONS"}, shape="SIMPLE")
    ear.heard()
    rig.wait(1)
    assert {frame["ty"] for frame in ear.heard()} == {"ticker", "orderbook"}


@case(
    "W015",
    "A code's suffix is the depth of its book: 1, 5, 15 or 30, others give 30; the frame's code has none",
    "9.2",
)
def depths(rig: Rig) -> None:
    ear = rig.listen()
    for suffix, depth in ((".1", 1), (".5", 5), (".15", 15), (".30", 30), (".7", 30), ("", 30)):
        ear.ask(part("orderbook", f"KRW-BTC{suffix}", is_only_snapshot=True))
        (frame,) = ear.heard()
        assert (frame["code"], len(frame["orderbook_units"])) == ("KRW-BTC", depth)
        rig.wait(1)


@case("W016", "A level groups a KRW book in the stream", "9.2")
def levels(rig: Rig) -> None:
    ear = rig.listen()
    ear.ask(part("orderbook", level=10_000))
    (frame,) = ear.heard()
    assert frame["level"] == 10_000
    assert all(unit["bid_price"] % 10_000 == 0 for unit in frame["orderbook_units"])


@case("W017", "Books come on a grid of 100 ms, and not when nothing changed", "9.2", "stream.grid_ms", world=TAPES)
def grid(rig: Rig) -> None:
    ear = rig.listen()
    ear.ask(part("orderbook", is_only_realtime=True))
    for _ in range(10):
        rig.wait(0.33)
    found = ear.heard()
    assert found
    assert all(frame["timestamp"] % 100 == 0 for frame in found)
    assert len({frame["timestamp"] for frame in found}) == len(found)


@case("W018", "A quiet book sends nothing, and one that changes does", "9.2", world=TAPES)
def quiet(rig: Rig) -> None:
    ear = rig.listen()
    rig.wait(23 * 3600 + 60)  # an hour in which nobody trades KRW-XRP
    ear.ask(part("orderbook", "KRW-XRP"))
    ear.heard()
    rig.wait(30)
    assert ear.heard() == []
    ear.ask(part("orderbook", is_only_realtime=True))
    (row,) = rig.get("orderbook", markets="KRW-BTC", count=1).json
    best = row["orderbook_units"][0]
    rig.order(side="bid", ord_type="limit", price=str(best["bid_price"]), volume="0.01")
    (frame,) = ear.heard()[:1]
    assert frame["orderbook_units"][0]["bid_size"] == best["bid_size"] + Decimal("0.01")


@case("W019", "A candle comes at most once a second; the same one again, and the last wins", "9.2", world=TAPES)
def candle_pace(rig: Rig) -> None:
    ear = rig.listen()
    ear.ask(part("candle.1m"))
    ear.heard()
    for _ in range(10):
        rig.wait(0.3)
    found = ear.heard()
    assert 1 <= len(found) <= 4
    volumes = [frame["candle_acc_trade_volume"] for frame in found]
    assert volumes == sorted(volumes)
    assert len({frame["candle_date_time_utc"] for frame in found}) == 1


@case("W020", "Our parser reads every public type in every format", "9.1", world=TAPES)
def our_parser(rig: Rig) -> None:
    for shape in ("DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST"):
        ear = rig.listen()
        ear.ask(part("ticker"), part("trade"), part("orderbook"), part("candle.1m"), shape=shape)
        assert [type(frame) for frame in ear.frames()] == [TickerFrame, TradeFrame, BookFrame, CandleFrame]
