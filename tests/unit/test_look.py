"""What the commands that look at the market make of what the venue says."""

from datetime import UTC, datetime

import pytest

from makenaide.cli.look import scan_rows
from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price
from makenaide.domain.reason import Refusal
from makenaide.exchange.venue import Listing, Ticker

BTC, ETH, NEW = Market("KRW-BTC"), Market("KRW-ETH"), Market("KRW-NEW")
NOON = datetime(2026, 1, 5, 3, tzinfo=UTC)
LISTINGS = [
    Listing(market=NEW, korean_name="새", english_name="New", warning=True, cautions=("SOARING",)),
    Listing(market=ETH, korean_name="이더", english_name="Ether", warning=False),
    Listing(market=BTC, korean_name="비트", english_name="Bitcoin", warning=False),
]
TICKERS = {
    BTC: Ticker(market=BTC, price=Price(100), turnover_24h=Krw("5.4"), at=NOON),
    ETH: Ticker(market=ETH, price=Price(10), turnover_24h=Krw("7.6"), at=NOON),
}


def test_a_market_that_was_never_traded_shows_no_price_and_no_turnover_and_comes_last() -> None:
    rows = scan_rows(LISTINGS, TICKERS, {}, "en")
    assert [(row["market"], row["price"], row["turnover_24h"]) for row in rows] == [
        (ETH, 10, 8),
        (BTC, 100, 5),
        (NEW, None, None),
    ]
    assert [(row["warning"], row["cautions"]) for row in rows[1:]] == [(False, []), (True, ["SOARING"])]


def test_a_market_that_the_rules_have_not_seen_is_no_part_of_the_universe() -> None:
    rows = scan_rows(LISTINGS, TICKERS, {BTC: None, ETH: Refusal.HELD}, "en")
    assert {row["market"]: row["excluded"] for row in rows} == {BTC: None, ETH: None, NEW: "unknown_data"}


@pytest.mark.parametrize(("language", "name"), [("ko", "이더"), ("en", "Ether")])
def test_a_market_is_named_in_the_readers_language(language: str, name: str) -> None:
    assert scan_rows(LISTINGS, TICKERS, {}, language)[0]["name"] == name
