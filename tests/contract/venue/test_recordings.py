"""The venue's own words: recorded replies, and the examples of its documents, beside what the simulator says."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from makenaide.exchange.simulator.prices.files import load
from makenaide.exchange.upbit import account, orders, quotes
from makenaide.exchange.venue import CandleUnit
from tests.contract.venue.case import World
from tests.contract.venue.examples import CHANCE, DAY, EXAMPLES, INSTRUMENT, ORDER, TICKER, TRADE
from tests.contract.venue.markets import TAPES
from tests.contract.venue.rig import Rig, in_process
from tests.unit.simulator_street import BTC

ETH = "KRW-ETH"
HOUR = timedelta(hours=1)
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def recordings(folder: Path) -> list[Path]:
    found = sorted((folder / "wire").glob("*.json.gz"))
    assert len(found) == 5
    return found


def unit_of(file: Path) -> int:
    return int(file.name.split("_")[1].removesuffix("m"))


def span_of(file: Path) -> tuple[datetime, datetime]:
    """The range in the file's name, which is KST, in UTC."""
    first, last = file.name.split("_", 2)[2].removesuffix(".json.gz").split("-")
    start, end = (
        datetime.strptime(text, "%Y%m%d_%H%M%S").replace(tzinfo=UTC) - 9 * HOUR for text in (first, last)
    )
    return start, end


def read(file: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(gzip.decompress(file.read_bytes()), parse_float=Decimal)
    return rows


def kinds(value: object) -> object:
    """The JSON types of a value, and of all inside it, in the order in which they stand."""
    if isinstance(value, dict):
        return {name: kinds(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [kinds(value[0])] if value else []
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | Decimal) else "string"


def test_our_client_reads_every_recorded_candle(shared_data: Path) -> None:
    for file in recordings(shared_data):
        rows = read(file)
        bars = quotes.bars(
            file.name, gzip.decompress(file.read_bytes()), (BTC, CandleUnit(f"minutes/{unit_of(file)}")), LATER
        )
        assert len(bars) == len(rows) > 0
        for bar, row in zip(reversed(bars), rows, strict=True):
            assert bar.start == datetime.fromisoformat(row["candle_date_time_utc"]).replace(tzinfo=UTC)
            assert [bar.open.value, bar.high.value, bar.low.value, bar.close.value] == [
                row[name] for name in ("opening_price", "high_price", "low_price", "trade_price")
            ]
            assert bar.volume.value == row["candle_acc_trade_volume"]
            assert bar.turnover.value == row["candle_acc_trade_price"]


def test_a_replay_serves_the_recorded_rows_to_the_recorded_questions(shared_data: Path) -> None:
    for file in recordings(shared_data):
        recorded, unit = read(file), unit_of(file)
        rig = in_process(World(data=partial(load, file)))
        rig.wait((rig.venue.data.end - rig.venue.now).total_seconds() + 60)
        _, end = span_of(file)
        reply = rig.get(
            f"candles/minutes/{unit}", market="KRW-BTC", to=f"{end:%Y-%m-%dT%H:%M:%SZ}", count=len(recorded)
        )
        assert reply.status == 200, (file.name, reply)
        assert len(reply.json) == len(recorded)
        for ours, theirs in zip(reply.json, recorded, strict=True):
            assert list(ours) == list(theirs)
            assert kinds(ours) == kinds(theirs)
            start = datetime.fromisoformat(theirs["candle_date_time_utc"]).replace(tzinfo=UTC).timestamp() * 1000
            assert start <= ours["timestamp"] < start + unit * 60_000
            assert {**ours, "timestamp": 0} == {**theirs, "timestamp": 0}


def test_the_recordings_end_before_the_time_that_was_asked_for(shared_data: Path) -> None:
    for file in recordings(shared_data):
        start, end = span_of(file)
        starts = [datetime.fromisoformat(row["candle_date_time_utc"]).replace(tzinfo=UTC) for row in read(file)]
        assert starts == sorted(starts, reverse=True)
        assert start <= starts[-1]
        assert starts[0] < end


def simulated(rig: Rig) -> dict[str, Any]:
    """The simulator's reply of the kind of each example."""
    rig.wait(3600)
    order = rig.order(side="ask", ord_type="limit", price="140000000", volume="1.0")
    rig.delete("order", uuid=order["uuid"])
    rig.settle()
    chance = rig.get("orders/chance", market="KRW-BTC").json
    return {
        DAY: rig.get("candles/days", market="KRW-BTC").json[0],
        TRADE: rig.get("trades/ticks", market="KRW-BTC").json[0],
        TICKER: rig.get("ticker", markets="KRW-BTC").json[0],
        INSTRUMENT: rig.get("orderbook/instruments", markets="KRW-BTC").json[0],
        ORDER: {name: value for name, value in order.items() if name != "smp_type"},
        CHANCE: {**chance, "market": {key: chance["market"][key] for key in EXAMPLES[CHANCE]["market"]}},
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_simulator_says_what_the_documents_show(name: str) -> None:
    """Key by key and type by type; smp_type is newer than the example."""
    assert kinds(simulated(in_process(TAPES))[name]) == kinds(EXAMPLES[name])


@pytest.mark.parametrize("name", [DAY, TRADE, TICKER])
def test_quotations_keep_the_order_of_the_documents(name: str) -> None:
    assert list(simulated(in_process(TAPES))[name]) == list(EXAMPLES[name])


def test_our_client_reads_the_documents_examples() -> None:
    def body(name: str, *, listed: bool = True) -> bytes:
        shown = EXAMPLES[name]
        return json.dumps([shown] if listed else shown, default=float).encode()

    (day,) = quotes.bars("day", body(DAY), (BTC, CandleUnit.DAYS), LATER)
    assert (day.start, day.turnover.value) == (datetime(2025, 6, 30, tzinfo=UTC), Decimal("138812096716.42776"))
    (trade,) = quotes.market_trades("trades", body(TRADE), BTC)
    assert (trade.number, trade.taker) == (17510687993360000, "bid")
    found = quotes.tickers("ticker", body(TICKER), [BTC.replace("BTC", "ETH")])  # type: ignore[list-item]
    assert [each.price.value for each in found.values()] == [3510000]
    assert quotes.instruments("instruments", body(INSTRUMENT), [BTC])[BTC].tick_size == 1000
    order = orders.order_by_uuid("order", body(ORDER, listed=False), str(EXAMPLES[ORDER]["uuid"]))
    assert (order.price, order.created_at) == (Decimal(140_000_000), datetime(2025, 7, 4, 6, tzinfo=UTC))
    chance = account.chance("chance", body(CHANCE, listed=False), BTC)
    assert (chance.minimum_total.value, chance.bid_fee, chance.active) == (Decimal(5000), Decimal("0.0005"), True)
