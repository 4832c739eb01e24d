"""Sessions of the simulator's public streams, without sockets (upbit-api.md section 9)."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from time import process_time

import pytest

from makenaide.domain.market import Market
from makenaide.exchange.simulator.market import DayStats, PublicTrade
from tests.unit.simulator_listener import Listener, hub_of, listen, listener, pass_time
from tests.unit.simulator_street import BEGIN, BTC, ETH_BTC, XRP, Street, buy, flat, limit, opened, seconds

TICKER = {"type": "ticker", "codes": [BTC]}
TRADE = {"type": "trade", "codes": [BTC]}
BOOK = {"type": "orderbook", "codes": [BTC]}
CANDLE = {"type": "candle.1m", "codes": [BTC]}


def error(client: Listener) -> str:
    [frame] = client.heard()
    return str(frame["error"]["name"])


def test_each_code_gets_one_snapshot_and_then_what_happens() -> None:
    client = listener()
    client.ask(TICKER, TRADE, BOOK, CANDLE)
    assert client.kinds() == [f"{each} SNAPSHOT" for each in ("ticker", "trade", "orderbook", "candle.1m")]
    pass_time(client.hub, 2)
    kinds = client.kinds()
    assert kinds[:1] == ["trade REALTIME"]
    assert set(kinds) == {"ticker REALTIME", "trade REALTIME", "orderbook REALTIME", "candle.1m REALTIME"}
    client.hub.pulse()
    assert client.raw() == []


def test_only_snapshot_and_only_realtime_are_kept_apart() -> None:
    client = listener()
    client.ask(TICKER | {"is_only_snapshot": True}, TRADE | {"isOnlyRealtime": True})
    assert client.kinds() == ["ticker SNAPSHOT"]
    pass_time(client.hub, 1)
    assert client.kinds() == ["trade REALTIME"]


def test_a_new_request_replaces_the_earlier_one() -> None:
    client = listener()
    client.ask(TICKER)
    client.ask({"type": "trade", "codes": [XRP]})
    client.heard()
    pass_time(client.hub, 1)
    assert [(each["type"], each["code"]) for each in client.heard()] == [("trade", XRP)]


def test_unknown_and_lower_case_codes_are_silently_ignored() -> None:
    client = listener()
    client.ask({"type": "ticker", "codes": ["KRW-NOPE", "krw-btc", "nonsense", BTC]})
    assert [each["code"] for each in client.heard()] == [BTC]
    assert not client.session.ended


def test_a_market_is_told_until_it_is_delisted() -> None:
    client = listener(flat(delisted={XRP: BEGIN + seconds(5)}))
    client.ask({"type": "trade", "codes": [XRP], "is_only_realtime": True})
    pass_time(client.hub, 3)
    assert client.kinds() == ["trade REALTIME"]
    pass_time(client.hub, 3)
    assert client.raw() == []


def test_a_book_has_the_depth_asked_for_and_a_code_without_suffix() -> None:
    client = listener()
    client.ask(*({"type": "orderbook", "codes": [code]} for code in (BTC, "KRW-BTC.1", "KRW-BTC.5", "KRW-BTC.15")))
    frames = client.heard()
    assert [len(each["orderbook_units"]) for each in frames] == [30, 1, 5, 15]
    assert {each["code"] for each in frames} == {BTC}
    assert frames[1]["orderbook_units"] == [
        {"ask_price": 1e8, "bid_price": 99_999_000.0, "ask_size": 1.0, "bid_size": 1.0}
    ]
    assert (frames[1]["total_ask_size"], frames[0]["total_ask_size"]) == (1.0, 30.0)


def test_a_level_groups_prices_in_krw_markets_only() -> None:
    client = listener()
    client.ask({"type": "orderbook", "codes": [BTC, ETH_BTC], "level": 10000})
    [frame] = client.heard()
    assert (frame["code"], frame["level"]) == (BTC, 10000.0)
    assert frame["orderbook_units"][1]["ask_price"] - frame["orderbook_units"][0]["ask_price"] == 10000


def test_a_level_that_a_market_does_not_have_gives_nothing() -> None:
    client = listener()
    client.ask({"type": "orderbook", "codes": [BTC], "level": 7}, {"type": "ticker", "codes": [BTC]})
    assert [each["type"] for each in client.heard()] == ["ticker"]


@pytest.mark.parametrize("level", ["10_000", "+10000", " 10000 ", "1E4", "10000.0", 10000, 10000.0])
def test_a_level_is_listed_as_json_however_it_was_spelled(level: object) -> None:
    client = listener()
    client.ask({"type": "orderbook", "codes": [BTC], "level": level})
    [frame] = client.heard()
    assert frame["level"] == 10000.0
    client.say('[{"ticket":"t"},{"method":"LIST_SUBSCRIPTIONS"}]')
    [listing] = client.heard()
    assert listing["result"] == [{"type": "orderbook", "codes": [BTC], "level": 10000}]


def test_books_come_on_the_grid_and_only_when_something_changed() -> None:
    client = listener()
    client.ask(BOOK | {"is_only_realtime": True})
    pass_time(client.hub, 0.05)
    client.hub.face.venue.place("paper", limit("bid", "99000000", "0.01"))
    client.hub.pulse()
    [first] = client.heard()
    assert first["timestamp"] % 100 == 0
    client.hub.face.venue.place("paper", limit("bid", "99001000", "0.01"))
    client.hub.pulse()
    pass_time(client.hub, 0.02)
    assert client.raw() == []
    pass_time(client.hub, 0.04)
    [second] = client.heard()
    assert second["timestamp"] == first["timestamp"] + 100
    pass_time(client.hub, 0.3)
    assert client.raw() == []


def test_a_book_is_told_again_when_taken_liquidity_comes_back() -> None:
    client = listener()
    client.ask(BOOK | {"is_only_realtime": True})
    client.hub.face.venue.place("paper", buy("6000"))
    client.hub.pulse()
    assert client.heard()[0]["orderbook_units"][0]["ask_size"] == pytest.approx(0.99994)
    pass_time(client.hub, 59.5)
    client.raw()
    pass_time(client.hub, 0.5)
    assert client.heard()[0]["orderbook_units"][0]["ask_size"] == 1.0
    pass_time(client.hub, 0.2)
    assert client.raw() == []


class Quiet(Street):
    """Nobody trades on it."""

    def trades(self, *_asked: object) -> list[PublicTrade]:
        return []


def test_a_book_is_told_again_when_taken_liquidity_comes_back_though_nobody_trades() -> None:
    client = listener(Quiet(steps=flat().steps))
    client.ask(BOOK | {"is_only_realtime": True})
    client.hub.face.venue.place("paper", buy("6000"))
    client.hub.pulse()
    assert client.heard()[0]["orderbook_units"][0]["ask_size"] == pytest.approx(0.99994)
    pass_time(client.hub, 59.5)
    assert client.raw() == []
    pass_time(client.hub, 0.5)
    assert client.heard()[0]["orderbook_units"][0]["ask_size"] == 1.0
    pass_time(client.hub, 60)
    assert client.raw() == []


def test_a_warning_is_told_by_a_ticker_though_nobody_trades() -> None:
    street = Quiet(steps=flat().steps)
    client = listener(street)
    client.ask(TICKER | {"is_only_realtime": True})
    pass_time(client.hub, 1)
    assert client.raw() == []
    street.warned = frozenset({BTC})
    pass_time(client.hub, 1)
    assert [each["market_warning"] for each in client.heard()] == ["CAUTION"]
    pass_time(client.hub, 1)
    assert client.raw() == []


def test_a_change_of_price_between_trades_is_seen_in_the_book() -> None:
    moving = Street(steps={BTC: [(seconds(0), Decimal(10**8)), (seconds(1.5), Decimal(101_000_000))]})
    client = listener(moving)
    pass_time(client.hub, 1.2)
    client.ask(BOOK | {"is_only_realtime": True})
    pass_time(client.hub, 0.1)
    client.raw()
    pass_time(client.hub, 0.3)
    assert client.heard()[0]["orderbook_units"][0]["ask_price"] == 101_000_000


def test_an_accounts_execution_is_a_trade_of_the_market() -> None:
    client = listener()
    client.ask(TRADE | {"is_only_realtime": True})
    client.hub.face.venue.place("paper", buy("6000"))
    client.hub.pulse()
    [trade] = client.heard()
    assert (trade["trade_price"], trade["trade_volume"], trade["ask_bid"]) == (1e8, 0.00006, "BID")
    assert trade["best_ask_size"] == pytest.approx(0.99994)


def test_a_ticker_carries_state_end_and_warning() -> None:
    client = listener(flat(warned=frozenset({XRP}), delisted={XRP: BEGIN + timedelta(days=9, hours=16)}))
    client.ask({"type": "ticker", "codes": [BTC, XRP]})
    bitcoin, ripple = client.heard()
    assert (bitcoin["market_state"], bitcoin["delisting_date"], bitcoin["market_warning"]) == (
        "ACTIVE",
        None,
        "NONE",
    )
    assert ripple["delisting_date"] == {"year": 2026, "month": 1, "day": 15}
    assert ripple["market_warning"] == "CAUTION"
    assert bitcoin["acc_ask_volume"] + bitcoin["acc_bid_volume"] == bitcoin["acc_trade_volume"]
    assert (bitcoin["change"], bitcoin["signed_change_rate"], bitcoin["change_rate"]) == ("FALL", -0.2, 0.2)


class Odd(Street):
    """A day's volume that has no half of eight decimals."""

    def day(self, market: Market, at: datetime) -> DayStats:
        return replace(super().day(market, at), volume=0.00000003)


def test_what_was_sold_and_what_was_bought_add_up_to_the_last_digit_of_the_volume() -> None:
    client = listener(Odd(steps=flat().steps))
    client.ask(TICKER)
    [frame] = client.heard()
    assert sorted([frame["acc_ask_volume"], frame["acc_bid_volume"]]) == [0.00000001, 0.00000002]


def test_numbers_are_spelled_by_the_format() -> None:
    client = listener()
    client.ask(TRADE)
    assert b'"trade_price":1.0E8,"trade_volume":0.01000000' in client.raw()[0]
    client.ask(TRADE, format_="SIMPLE")
    assert b'"tp":100000000,"tv":0.01' in client.raw()[0]
    client.ask(TRADE, format_="JSON_LIST")
    assert client.heard()[0][0]["type"] == "trade"
    client.ask(TRADE, format_="SIMPLE_LIST")
    assert client.heard()[0][0]["ty"] == "trade"


def test_a_candle_is_told_at_most_once_a_second() -> None:
    client = listener()
    client.ask(CANDLE | {"is_only_realtime": True})
    for _ in range(10):
        client.hub.face.venue.place("paper", buy("6000"))
        pass_time(client.hub, 0.15)
    assert client.kinds() == ["candle.1m REALTIME"]


def test_the_subscriptions_can_be_listed_and_the_format_follows() -> None:
    client = listener()
    client.ask(TICKER, {"type": "orderbook", "codes": ["KRW-BTC.5"], "level": 10000})
    client.raw()
    client.ask({"method": "LIST_SUBSCRIPTIONS"})
    assert client.heard() == [
        {
            "method": "LIST_SUBSCRIPTIONS",
            "result": [
                {"type": "ticker", "codes": [BTC]},
                {"type": "orderbook", "codes": ["KRW-BTC.5"], "level": 10000},
            ],
            "ticket": "t",
        }
    ]
    client.ask({"method": "LIST_SUBSCRIPTIONS"}, format_="SIMPLE")
    assert client.heard()[0]["rslt"][0] == {"ty": "ticker", "cds": [BTC]}
    pass_time(client.hub, 1)
    assert client.heard()[0]["ty"] == "ticker"


def test_a_ping_is_answered_and_then_every_ten_seconds() -> None:
    client = listener()
    client.say("PING")
    assert client.raw() == [b'{"status":"UP"}']
    pass_time(client.hub, 9)
    assert client.raw() == []
    pass_time(client.hub, 1)
    assert client.raw() == [b'{"status":"UP"}']
    client.say(b"PING")
    assert client.raw() == [b'{"status":"UP"}']


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("nope", "WRONG_FORMAT"),
        ("[]", "NO_TICKET"),
        ('[{"ticket":"t"}]', "NO_TYPE"),
        ('[{"ticket":"t"},{"type":"ticker"}]', "NO_CODES"),
        ('[{"ticket":"t"},{"type":"indicator"}]', "INVALID_PARAM"),
        ('[{"ticket":"t"},{"type":"myOrder"}]', "INVALID_AUTH"),
        ('[{"ticket":"t"},{"type":"announcement"}]', "INVALID_AUTH"),
    ],
)
def test_after_an_error_nothing_more_is_said(message: str, name: str) -> None:
    client = listener()
    client.ask(TICKER)
    client.raw()
    client.say(message)
    assert error(client) == name
    assert client.session.ended
    client.ask(TICKER)
    pass_time(client.hub, 1)
    assert client.raw() == []


def test_messages_are_limited_a_second_and_a_minute() -> None:
    hub = hub_of(opened(flat()), quota=True)
    client = listen(hub)
    for _ in range(5):
        client.say("PING")
    client.raw()
    client.say("PING")
    assert error(client) == "Too Many Requests"
    patient = listen(hub)
    for _ in range(25):
        pass_time(hub, 1)
        for _ in range(4):
            patient.say("PING")
    assert not patient.session.ended
    pass_time(hub, 1)
    patient.raw()
    patient.say("PING")
    assert error(patient) == "Too Many Requests"


def test_a_listing_that_the_codes_name_twice_is_told_once() -> None:
    client = listener()
    client.say(json.dumps([{"ticket": "t"}, TICKER | {"codes": [BTC, BTC]}]))
    assert client.kinds() == ["ticker SNAPSHOT"]


def test_a_code_is_shown_once_a_depth_and_thousands_of_them_cost_no_time() -> None:
    client = listener()
    codes = [f"{BTC}.{number}" for number in range(15_000)]
    started = process_time()
    client.ask({"type": "orderbook", "codes": codes})
    assert process_time() - started < 2
    assert [len(each["orderbook_units"]) for each in client.heard()] == [30, 1, 5, 15]
