"""Market data beyond the daily candle: candles of every unit, trades, and all tickers of a currency."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from makenaide.domain.errors import UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.money import Price, Quantity
from makenaide.domain.order import Side
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.settings import VenueSettings
from makenaide.exchange.upbit.errors import VenueGarbled
from makenaide.exchange.venue import CandleUnit
from tests.unit.simulator_street import BTC, XRP
from tests.unit.simulator_tapes import ORIGIN, drawn, source, tape
from tests.unit.test_upbit_wire import CANDLE, TICKER, changed
from tests.unit.upbit_desk import desk
from tests.unit.upbit_script import START, reply, stand

ETH = Market("KRW-ETH")


def traded_until(at: datetime) -> Venue:
    """A venue whose KRW-XRP has been traded from ORIGIN on, standing at `at`."""
    venue = Venue(tape(source(drawn(seed=4, count=24 * 120))), VenueSettings())
    venue.open_account("paper", {"KRW": Decimal(10_000)})
    venue.advance(at)
    return venue


@pytest.mark.parametrize("unit", CandleUnit)
def test_candles_of_every_unit_come_ascending_and_end_before_the_time(unit: CandleUnit) -> None:
    before = ORIGIN + timedelta(days=100)
    client = desk(traded_until(before)).client
    found = client.candles(XRP, unit, before, 5)
    assert 1 <= len(found) <= 5
    starts = [each.start for each in found]
    assert starts == sorted(set(starts))
    assert starts[-1] < before
    assert {(each.unit, each.market) for each in found} == {(unit, XRP)}
    assert client.candles(XRP, unit, before, 1) == found[-1:]
    with pytest.raises(UnknownMarket):
        client.candles(ETH, unit, before, 1)


def test_a_fraction_of_a_second_loses_no_candle() -> None:
    at = stand([reply([changed(CANDLE, candle_date_time_utc="2026-01-05T00:00:10")])])
    (bar,) = at.client.candles(BTC, CandleUnit.SECONDS, START + timedelta(milliseconds=1), 5)
    assert bar.start == START
    assert dict(at.sent[0].query)["to"] == "2026-01-05T00:00:11Z"


@pytest.mark.parametrize(
    ("unit", "start"),
    [
        (CandleUnit.MINUTES_5, "2026-01-05T00:01:00"),
        (CandleUnit.MINUTES_240, "2026-01-05T00:30:00"),
        (CandleUnit.WEEKS, "2026-01-05T00:01:00"),
        (CandleUnit.MONTHS, "2026-01-02T00:00:00"),
        (CandleUnit.YEARS, "2026-02-01T00:00:00"),
        (CandleUnit.SECONDS, "2026-01-05T00:00:00.5"),
    ],
)
def test_a_candle_that_starts_at_no_start_is_garbage(unit: CandleUnit, start: str) -> None:
    at = stand([reply([changed(CANDLE, candle_date_time_utc=start)])])
    with pytest.raises(VenueGarbled, match="not the start of"):
        at.client.candles(BTC, unit, START + timedelta(days=60), 5)


def test_the_official_trade_keeps_every_digit() -> None:
    row = {
        "market": "KRW-BTC",
        "trade_date_utc": "2025-06-27",
        "trade_time_utc": "23:59:59",
        "timestamp": 1751068799336,
        "trade_price": 147058000,
        "trade_volume": 0.00006043,
        "prev_closing_price": 146852000,
        "change_price": 206000,
        "ask_bid": "BID",
        "sequential_id": 17510687993360000,
    }
    at = stand([reply([row])])
    (trade,) = at.client.trades(BTC, 5, cursor=17510687993360001, days_ago=1)
    assert (trade.price, trade.volume) == (Price(147058000), Quantity("0.00006043"))
    assert (trade.taker, trade.number) == (Side.BID, 17510687993360000)
    assert trade.at == datetime(2025, 6, 27, 23, 59, 59, 336000, tzinfo=UTC)
    assert at.sent[0].query == (
        ("market", "KRW-BTC"),
        ("count", "5"),
        ("cursor", "17510687993360001"),
        ("days_ago", "1"),
    )
    with pytest.raises(VenueGarbled, match="asked for KRW-ETH"):
        at.client.trades(ETH)
    for count, days in ((0, 1), (501, 1), (1, 0), (1, 8)):
        with pytest.raises(ValueError, match="expected 1"):
            at.client.trades(BTC, count, days_ago=days)


def test_the_trades_of_the_simulated_venue_parse() -> None:
    found = desk(traded_until(ORIGIN + timedelta(days=99, hours=20))).client.trades(XRP, 7)
    assert [each.market for each in found] == [XRP] * 7
    times = [each.at for each in found]
    assert times == sorted(times, reverse=True)


def test_the_tickers_of_a_currency_come_in_one_call() -> None:
    at = desk()
    assert set(at.client.tickers_of(["KRW"])) == {BTC, XRP}
    assert len(at.client.tickers_of(["KRW", "BTC"])) == 3
    assert at.client.tickers_of([]) == {}
    assert at.paths() == ["/v1/ticker/all"] * 2
    official = json.loads(TICKER)
    for rows in ([official, official], [official | {"market": "BTC-ETH"}], [official | {"market": "?"}]):
        with pytest.raises(VenueGarbled):
            stand([reply(rows)]).client.tickers_of(["KRW"])


@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"trade_price": None, "acc_trade_price_24h": None, "trade_timestamp": None},
        {"trade_price": None, "acc_trade_price_24h": 0, "trade_timestamp": 1751606040327},
        {"trade_price": 0, "acc_trade_price_24h": 0, "trade_timestamp": 1751606040327},
        {"trade_price": 0, "acc_trade_price_24h": 0, "trade_timestamp": None},
    ],
)
def test_a_market_that_was_never_traded_spoils_no_other_ones_ticker(rest: dict[str, int | None]) -> None:
    official = json.loads(TICKER)
    fresh = {name: value for name, value in official.items() if "trade" not in name}
    client = stand([reply([official, fresh | rest | {"market": "KRW-NEW"}])]).client
    assert set(client.tickers_of(["KRW"])) == {ETH}
    assert set(client.tickers([ETH, Market("KRW-NEW")])) == {ETH}


@pytest.mark.parametrize("name", ["acc_trade_price_24h", "trade_timestamp"])
def test_a_price_without_its_time_or_turnover_is_garbled(name: str) -> None:
    official = json.loads(TICKER)
    for row in (official | {name: None}, {each: value for each, value in official.items() if each != name}):
        with pytest.raises(VenueGarbled, match=r"\[0\]: a price without"):
            stand([reply([row])]).client.tickers([ETH])
