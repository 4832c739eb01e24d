"""What is asked of the stream: always the whole list, in one message, and nothing that the venue does not offer."""

import json
from collections.abc import Callable

import pytest

from makenaide.domain.errors import Misconfigured, UnknownMarket
from makenaide.domain.market import Market
from makenaide.exchange.upbit.stream.subscription import (
    ACCOUNT_TYPES,
    MARKET_TYPES,
    Delivery,
    Subscription,
    Wanted,
    account_news,
    books_of,
)
from makenaide.exchange.upbit.stream.wire import parse
from tests.unit.upbit_frames import ALL, ANNOUNCEMENT

BTC, ETH = Market("KRW-BTC"), Market("KRW-ETH")


def test_one_message_holds_everything_in_upper_case_and_once() -> None:
    wanted = Subscription(
        (
            Wanted(type="ticker", codes=(Market("krw-btc"), ETH, BTC)),
            Wanted(type="orderbook", codes=(BTC,), depth=5, delivery=Delivery.REALTIME),
            Wanted(type="candle.1s", codes=(ETH,), delivery=Delivery.SNAPSHOT),
        )
    )
    assert json.loads(wanted.request("t-1")) == [
        {"ticket": "t-1"},
        {"type": "ticker", "codes": ["KRW-BTC", "KRW-ETH"]},
        {"type": "orderbook", "codes": ["KRW-BTC.5"], "is_only_realtime": True},
        {"type": "candle.1s", "codes": ["KRW-ETH"], "is_only_snapshot": True},
        {"format": "DEFAULT"},
    ]
    assert not wanted.private
    assert wanted.snapshots == {("ticker", BTC), ("ticker", ETH), ("candle.1s", ETH)}


def test_the_account_asks_for_orders_balances_and_announcements_by_category() -> None:
    news = account_news(("trade",))
    assert json.loads(news.request("t")) == [
        {"ticket": "t"},
        {"type": "myOrder"},
        {"type": "myAsset"},
        {"type": "announcement", "categories": ["trade"]},
        {"format": "DEFAULT"},
    ]
    assert news.private
    assert news.snapshots == frozenset()


def test_announcements_may_be_asked_with_their_bodies() -> None:
    assert '"include_body":true' in Subscription((Wanted(type="announcement", body=True),)).request("t")


def test_books_are_asked_beside_the_market_that_is_never_silent() -> None:
    assert books_of([ETH], "KRW-BTC").wanted == (Wanted(type="orderbook", codes=(BTC, ETH), depth=1),)
    assert books_of([ETH], "").wanted == (Wanted(type="orderbook", codes=(ETH,), depth=1),)
    assert not books_of([], "KRW-BTC")


def test_silence_means_something_only_where_the_heartbeat_is_heard() -> None:
    assert books_of([ETH], "KRW-BTC").busy("KRW-BTC")
    assert not books_of([ETH], "").busy("KRW-BTC")
    assert not account_news().busy("KRW-BTC")
    assert not Subscription((Wanted(type="ticker", codes=(BTC,), delivery=Delivery.SNAPSHOT),)).busy("KRW-BTC")
    assert not Subscription((Wanted(type="candle.1m", codes=(BTC,)),)).busy("KRW-BTC")


@pytest.mark.parametrize("kind", ALL)
def test_frames_that_were_asked_for_are_told_from_others(kind: str) -> None:
    (frame,) = parse(ALL[kind])
    codes = (BTC, ETH) if kind in MARKET_TYPES else ()
    assert Subscription((Wanted(type=kind, codes=codes),)).includes(frame)
    other = "myAsset" if kind == "myOrder" else "myOrder"
    assert not Subscription((Wanted(type=other),)).includes(frame)


def test_orders_may_be_asked_for_one_market_only() -> None:
    (frame,) = parse(ALL["myOrder"])
    assert Subscription((Wanted(type="myOrder", codes=(BTC,)),)).includes(frame)
    assert not Subscription((Wanted(type="myOrder", codes=(ETH,)),)).includes(frame)


def test_an_announcement_of_another_category_was_not_asked_for() -> None:
    (frame,) = parse(ANNOUNCEMENT)
    assert account_news(("trade", "maintenance")).includes(frame)
    assert not account_news(("event",)).includes(frame)
    assert account_news(()).includes(frame)


def test_the_answer_to_ping_is_always_in_order() -> None:
    (frame,) = parse('{"status":"UP"}')
    assert account_news().includes(frame)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Wanted(type="myTrade"),
        lambda: Wanted(type="ticker"),
        lambda: Wanted(type="myAsset", codes=(BTC,)),
        lambda: Wanted(type="ticker", codes=(BTC,), depth=5),
        lambda: Wanted(type="orderbook", codes=(BTC,), depth=10),
        lambda: Wanted(type="myOrder", categories=("trade",)),
        lambda: Wanted(type="ticker", codes=(BTC,), body=True),
        lambda: Subscription((Wanted(type="myOrder"), Wanted(type="ticker", codes=(BTC,)))),
        lambda: Subscription((Wanted(type="ticker", codes=(BTC,)), Wanted(type="ticker", codes=(ETH,)))),
        lambda: Subscription((Wanted(type="ticker", codes=tuple(Market(f"KRW-A{n}") for n in range(4000))),)),
    ],
)
def test_what_the_venue_does_not_offer_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(Misconfigured):
        wrong()


def test_a_code_of_no_market_is_refused() -> None:
    with pytest.raises(UnknownMarket):
        Wanted(type="ticker", codes=(Market("BITCOIN"),))


@pytest.mark.parametrize("many", [1, 2, 3, 40])
def test_every_code_is_asked_for_however_many_there_are(many: int) -> None:
    codes = [f"KRW-COIN{number}" for number in range(many)]
    wanted = Wanted(type="orderbook", codes=tuple(map(Market, codes)), depth=1)
    assert wanted.spelled()["codes"] == [f"{code}.1" for code in codes]


def test_all_855_markets_fit_into_one_message() -> None:
    codes = tuple(Market(f"KRW-COIN{number}") for number in range(855))
    assert len(Subscription((Wanted(type="orderbook", codes=codes),)).request("t")) < 20_000


def test_every_type_is_public_or_private() -> None:
    assert not set(MARKET_TYPES) & set(ACCOUNT_TYPES)
