"""Q001 to Q029: candles (upbit-api.md section 2.2)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from makenaide.exchange.venue import CandleUnit
from tests.contract.venue.case import case
from tests.contract.venue.cases_events import DOWN, during
from tests.contract.venue.markets import GENERATED, SPARSE, TAPES
from tests.contract.venue.rig import Rig
from tests.unit.simulator_street import BTC, XRP

COMMON = (
    "market candle_date_time_utc candle_date_time_kst opening_price high_price low_price trade_price timestamp "
    "candle_acc_trade_price candle_acc_trade_volume"
).split()
EXTRA = {
    "seconds": [],
    "minutes/1": ["unit"],
    "days": ["prev_closing_price", "change_price", "change_rate"],
    "weeks": ["first_day_of_period"],
    "months": ["first_day_of_period"],
    "years": ["first_day_of_period"],
}
NUMBERS = COMMON[3:7] + COMMON[8:]


def starts(rows: list[Any]) -> list[datetime]:
    return [datetime.fromisoformat(row["candle_date_time_utc"]) for row in rows]


def rows(rig: Rig, unit: str = "minutes/60", **asked: Any) -> list[Any]:
    reply = rig.get(f"candles/{unit}", **{"market": "KRW-XRP", **asked})
    assert reply.status == 200, reply
    found: list[Any] = reply.json
    return found


@case("Q001", "Candles of each family have exactly their own fields, in the documented order", "2.2", world=TAPES)
def fields(rig: Rig) -> None:
    rig.wait(3600)
    for unit, extra in EXTRA.items():
        (row,) = rows(rig, unit, market="KRW-BTC")
        assert list(row) == COMMON + extra, unit
        assert type(row["timestamp"]) is int
        assert all(type(row[name]) in (int, Decimal) for name in NUMBERS)
        assert row["market"] == "KRW-BTC"


@case("Q002", "Minutes come in units of 1, 3, 5, 10, 15, 30, 60 and 240, and say which", "2.2", world=TAPES)
def units(rig: Rig) -> None:
    for unit in (1, 3, 5, 10, 15, 30, 60, 240):
        assert [row["unit"] for row in rows(rig, f"minutes/{unit}")] == [unit]
    assert rig.get("candles/minutes/2", market="KRW-XRP").error == (400, 400)


@case("Q003", "Candles come newest first, in every unit", "2.2", world=TAPES)
def newest_first(rig: Rig) -> None:
    for unit in CandleUnit:
        found = starts(rows(rig, unit.value, count=50))
        assert all(newer > older for newer, older in pairwise(found)), unit


@case("Q004", "`to` is exclusive and bounds a candle's start", "2.2", world=TAPES)
def exclusive_to(rig: Rig) -> None:
    for unit in CandleUnit:
        found = rows(rig, unit.value, market="KRW-BTC", count=3)
        again = rows(rig, unit.value, market="KRW-BTC", count=2, to=found[0]["candle_date_time_utc"])
        assert starts(again)[: len(found) - 1] == starts(found)[1:], unit
    bars = rig.client.candles(BTC, CandleUnit.MINUTES_60, starts(found)[0].replace(tzinfo=UTC), 5)
    assert all(bar.start < starts(found)[0].replace(tzinfo=UTC) for bar in bars)


@case(
    "Q005",
    "`to` is understood with Z, with a space, and with an offset; without one it is UTC",
    "2.2",
    world=TAPES,
)
def forms_of_to(rig: Rig) -> None:
    forms = ("2026-02-16T03:00:00Z", "2026-02-16 03:00:00", "2026-02-16T12:00:00+09:00", "2026-02-16T03:00:00")
    found = [rows(rig, market="KRW-BTC", to=form) for form in forms]
    assert starts(found[0]) == [datetime(2026, 2, 16, 2)]  # noqa: DTZ001 - the row has no offset
    assert all(each == found[0] for each in found)
    assert rig.get("candles/days", market="KRW-BTC", to="yesterday").error == (400, 400)


@case("Q006", "One candle comes unless more are asked, at most 200; 201 are refused", "2.2", world=TAPES)
def how_many(rig: Rig) -> None:
    assert len(rows(rig)) == 1
    assert len(rows(rig, count=200)) == 200
    for count in ("201", "0", "-1"):
        assert rig.get("candles/days", market="KRW-BTC", count=count).error == (400, 400)


@case("Q007", "The forming candle is among them, and grows", "2.2", world=TAPES)
def forming(rig: Rig) -> None:
    rig.wait(600)
    (early,) = rows(rig, market="KRW-BTC")
    assert starts([early]) == [rig.venue.now.replace(minute=0, tzinfo=None)]
    rig.wait(600)
    (late,) = rows(rig, market="KRW-BTC")
    assert starts([late]) == starts([early])
    assert late["candle_acc_trade_volume"] > early["candle_acc_trade_volume"]
    assert late["timestamp"] > early["timestamp"]


@case("Q008", "A slot without a trade has no candle, so N candles do not span N slots", "2.2", world=SPARSE)
def empty_slots(rig: Rig) -> None:
    for unit, length in (("minutes/60", timedelta(hours=1)), ("minutes/240", timedelta(hours=4))):
        found = starts(rows(rig, unit, count=200, to="2026-02-17T00:00:00"))
        assert len(found) == 200
        assert found[0] - found[-1] > length * 199, unit
    hours = starts(rows(rig, count=200))
    later, before = next((newer, older) for newer, older in pairwise(hours) if newer - older > timedelta(hours=1))
    for unit, length in (("minutes/1", timedelta(minutes=1)), ("seconds", timedelta(seconds=1))):
        found = starts(rows(rig, unit, count=5, to=f"{later:%Y-%m-%dT%H:%M:%S}"))
        assert before <= found[0] <= before + timedelta(hours=1) - length, unit


@case("Q009", "Candles of a second reach back three months, and older ones are an empty list", "2.2", world=TAPES)
def old_seconds(rig: Rig) -> None:
    assert rows(rig, "seconds", to="2025-09-01T00:00:00", count=10) == []
    assert rows(rig, "seconds", to="2025-12-01T00:00:00", count=10) != []


@case("Q010", "Slot times are written without an offset, KST nine hours after UTC", "2.2", world=TAPES)
def slot_times(rig: Rig) -> None:
    for unit in CandleUnit:
        for row in rows(rig, unit.value, count=5):
            utc, kst = row["candle_date_time_utc"], row["candle_date_time_kst"]
            assert len(utc) == len(kst) == 19
            assert datetime.fromisoformat(kst) - datetime.fromisoformat(utc) == timedelta(hours=9)


@case("Q011", "`timestamp` is that of the last trade in the candle, not the slot's", "2.2", world=TAPES)
def last_tick(rig: Rig) -> None:
    for row in rows(rig, count=50, to="2026-02-16T00:00:00"):
        start = datetime.fromisoformat(row["candle_date_time_utc"]).replace(tzinfo=UTC).timestamp() * 1000
        assert start <= row["timestamp"] < start + 3_600_000


@case("Q012", "Days start at 00:00 UTC, 09:00 KST", "2.2", world=TAPES)
def days(rig: Rig) -> None:
    for row in rows(rig, "days", count=200):
        assert row["candle_date_time_utc"][11:] == "00:00:00"
        assert row["candle_date_time_kst"][11:] == "09:00:00"


@case(
    "Q013",
    "Weeks start on Mondays, months on the 1st, years on 1 January, as the period's first day says",
    "2.2",
    world=TAPES,
)
def periods(rig: Rig) -> None:
    for unit in ("weeks", "months", "years"):
        for row, start in (
            (row, datetime.fromisoformat(row["candle_date_time_utc"])) for row in rows(rig, unit, count=20)
        ):
            assert row["first_day_of_period"] == row["candle_date_time_utc"][:10]
            assert (start.hour, start.minute, start.second) == (0, 0, 0)
            assert {
                "weeks": start.weekday() == 0,
                "months": start.day == 1,
                "years": start.timetuple().tm_yday == 1,
            }[unit]


@case("Q014", "Candles of 240 minutes are aligned to 00:00 UTC", "2.2", world=TAPES)
def four_hours(rig: Rig) -> None:
    assert {start.hour % 4 for start in starts(rows(rig, "minutes/240", count=50))} == {0}


@case(
    "Q015",
    "A day's change is its close less the close before, signed; the rate is that over the close before",
    "2.2",
    world=TAPES,
)
def change(rig: Rig) -> None:
    found = rows(rig, "days", count=50)
    for row, before in pairwise(found):
        assert row["prev_closing_price"] == before["trade_price"]
        assert row["change_price"] == row["trade_price"] - row["prev_closing_price"]
        rate = Decimal(row["change_price"]) / Decimal(row["prev_closing_price"])
        assert abs(Decimal(row["change_rate"]) - rate) < Decimal("1e-10")
    assert {row["change_price"] > 0 for row in found} == {True, False}


@case(
    "Q016",
    "A converted price stands in day candles when asked for, in KRW alone, by either spelling",
    "2.2",
    world=TAPES,
)
def converted(rig: Rig) -> None:
    for name in ("converting_price_unit", "convertingPriceUnit"):
        (row,) = rows(rig, "days", **{name: "KRW"})
        assert list(row) == COMMON + EXTRA["days"] + ["converted_trade_price"]
        assert row["converted_trade_price"] == row["trade_price"]
        assert rig.get("candles/days", (name, "BTC"), market="KRW-XRP").error == (400, 400)


@case(
    "Q017",
    "Turnover over volume lies between low and high, and so do open and close; minutes add up to their hour",
    "2.2",
    world=GENERATED,
)
def sound(rig: Rig) -> None:
    rig.wait(7200)
    slack = Decimal("1e-12")  # the last digits of a binary fraction
    for unit in ("seconds", *(f"minutes/{each}" for each in (1, 3, 5, 15, 60, 240)), "days", "weeks"):
        for row in rows(rig, unit, count=100):
            low, high = row["low_price"], row["high_price"]
            mean = Decimal(row["candle_acc_trade_price"]) / Decimal(row["candle_acc_trade_volume"])
            assert low * (1 - slack) <= mean <= high * (1 + slack), (unit, row)
            assert low <= row["opening_price"] <= high
            assert low <= row["trade_price"] <= high
    end = rig.venue.now.replace(minute=0, second=0).strftime("%Y-%m-%dT%H:%M:%SZ")
    (hour,), minutes = rows(rig, to=end), rows(rig, "minutes/1", to=end, count=60)
    for name in ("candle_acc_trade_price", "candle_acc_trade_volume"):
        off = sum(Decimal(row[name]) for row in minutes) / Decimal(hour[name]) - 1
        assert abs(off) < Decimal("1e-9"), name


@case(
    "Q018",
    "All candle calls know the market in small letters, and no market that is not listed",
    "2.2",
    world=TAPES,
)
def codes(rig: Rig) -> None:
    for unit in CandleUnit:
        assert rows(rig, unit.value, market="krw-btc")[0]["market"] == "KRW-BTC"
        assert rig.get(f"candles/{unit}", market="KRW-NOPE").error == (404, 404)
        assert rig.get(f"candles/{unit}").error == (400, 400)


@case("Q019", "Paging by the last row's time walks through all candles, each once", "11.2", world=TAPES)
def paging(rig: Rig) -> None:
    whole = rows(rig, count=200)
    walked: list[Any] = []
    to: dict[str, Any] = {}
    while len(walked) < 200:
        page = rows(rig, count=40, **to)
        walked += page
        to = {"to": page[-1]["candle_date_time_utc"]}
    assert walked == whole


@case("Q020", "Our client reads candles of every unit as they stand on the wire", "2.2", world=TAPES)
def through_our_client(rig: Rig) -> None:
    before = rig.venue.now
    for unit in CandleUnit:
        bars = rig.client.candles(XRP, unit, before, 20)
        wire = rows(rig, unit.value, count=20, to=f"{before:%Y-%m-%dT%H:%M:%SZ}")
        assert [bar.start.replace(tzinfo=None) for bar in reversed(bars)] == starts(wire)
        for bar, row in zip(reversed(bars), wire, strict=True):
            ohlc = (bar.open.value, bar.high.value, bar.low.value, bar.close.value)
            assert ohlc == tuple(row[name] for name in COMMON[3:7])
            assert (bar.turnover.value, bar.volume.value) == (row[COMMON[8]], row[COMMON[9]])


@case("Q021", "Of maintenance there is no candle in any short unit, and days go on", "10", world=during(DOWN))
def no_invented_candles(rig: Rig) -> None:
    rig.wait(29 * 3600)
    hours = starts(rows(rig, market=BTC, count=5, to="2026-02-17T05:00:00"))
    assert [f"{each:%d %H}" for each in hours] == ["17 04", "17 03", "17 00", "16 23", "16 22"]
    days = starts(rows(rig, "days", market=BTC, count=3))
    assert [f"{each:%d %H}" for each in days] == ["18 00", "17 00", "16 00"]
