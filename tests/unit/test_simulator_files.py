"""Replay files: what is read, what is refused and with which words."""

import gzip
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from makenaide.domain.errors import BadCandles, Misconfigured
from makenaide.domain.market import Market
from makenaide.exchange.simulator.prices.files import fingerprint, load, read
from makenaide.exchange.simulator.prices.tape import Tape
from makenaide.exchange.venue import CandleUnit
from tests.unit.simulator_street import BTC, XRP
from tests.unit.simulator_tapes import ORIGIN

HEADER = "timestamp,open,high,low,close,volume"
FIRST = "2025-06-02 00:00:00,100,110,90,105,2.5"
SECOND = "2025-06-02 01:00:00,105,106,104,105.5,1"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def csv(*lines: str, header: str = HEADER) -> str:
    return "\n".join([header, *lines]) + "\n"


def put(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return file


def starts(tape: Tape, market: Market, unit: CandleUnit = CandleUnit.MINUTES_60) -> list[str]:
    rows = tape.candles(market, unit, tape.end + DAY, 999, tape.end)
    return [row.start.strftime("%d %H:%M") for row in rows[::-1]]


def candle(minute: int, close: float = 105.0, **fields: Any) -> dict[str, Any]:
    return {
        "market": "KRW-XRP",
        "candle_date_time_utc": f"2025-06-02T00:{minute:02d}:00",
        "opening_price": 100,
        "high_price": 110,
        "low_price": 90,
        "trade_price": close,
        "candle_acc_trade_price": 207.5,
        "candle_acc_trade_volume": 2,
        "unit": 1,
    } | fields


@pytest.mark.parametrize("name", ["KRW-XRP_60m.csv", "KRW-XRP_60m.csv.gz", "krw-xrp_1h.csv"])
def test_a_csv_file_names_its_market_and_length(tmp_path: Path, name: str) -> None:
    tape = load(put(tmp_path, name, csv(FIRST, SECOND)))
    assert starts(tape, XRP) == ["02 00:00", "02 01:00"]
    row = tape.candles(XRP, CandleUnit.MINUTES_60, ORIGIN + HOUR, 1, ORIGIN + HOUR)[0]
    assert (row.open, row.high, row.low, row.close, row.volume) == (100.0, 110.0, 90.0, 105.0, 2.5)
    assert row.turnover == pytest.approx(2.5 * (110 + 90 + 105) / 3)
    assert (tape.listings(ORIGIN)[0].korean_name, tape.end) == ("엑스알피(리플)", ORIGIN + 2 * HOUR)


def test_turnover_is_read_where_it_was_recorded(tmp_path: Path) -> None:
    text = csv(FIRST + ",251.5", SECOND + ",105", header=HEADER + ",turnover")
    tape = load(put(tmp_path, "KRW-NEWCOIN_1h.csv", text))
    assert (
        tape.candles(Market("KRW-NEWCOIN"), CandleUnit.MINUTES_60, ORIGIN + HOUR, 1, tape.end)[0].turnover == 251.5
    )
    assert tape.listings(ORIGIN)[0].english_name == "NEWCOIN"


@pytest.mark.parametrize("stamp", ["2025-06-02T09:00:00+09:00", "2025-06-02T00:00:00Z", "2025-06-02 00:00:00"])
def test_times_are_utc_unless_they_carry_an_offset(tmp_path: Path, stamp: str) -> None:
    text = "\ufeff" + csv(FIRST.replace("2025-06-02 00:00:00", stamp)) + "\n\r\n"
    assert load(put(tmp_path, "KRW-XRP_60m.csv", text)).start == ORIGIN


def test_candles_without_volume_and_missing_slots_are_gaps(tmp_path: Path) -> None:
    lines = [FIRST, "2025-06-02 03:00:00,100,100,100,100,0", "2025-06-02 05:00:00,100,100,100,100,1"]
    assert starts(load(put(tmp_path, "KRW-XRP_60m.csv", csv(*lines))), XRP) == ["02 00:00", "02 05:00"]


def test_prices_off_the_tick_are_kept(tmp_path: Path) -> None:
    line = "2025-09-02 00:00:00,1000.123,1000.123,1000.123,1000.123,5"
    tape = load(put(tmp_path, "KRW-XRP_1d.csv", csv(line)))
    assert tape.price(XRP, tape.start + HOUR) == Decimal("1000.123")


@pytest.mark.parametrize("newest_first", [True, False])
def test_replies_of_the_venue_are_read_in_either_order(tmp_path: Path, newest_first: bool) -> None:
    candles = [candle(0), candle(1), candle(2)]
    text = json.dumps(candles[::-1] if newest_first else candles)
    tape = load(put(tmp_path, "any name.json.gz", text))
    assert starts(tape, XRP, CandleUnit.MINUTES_1) == ["02 00:00", "02 00:01", "02 00:02"]


def test_day_candles_are_known_by_their_previous_close(tmp_path: Path) -> None:
    day = candle(0, prev_closing_price=99)
    del day["unit"]
    tape = load(put(tmp_path, "days.json", json.dumps([day])))
    assert (tape.start, tape.end) == (ORIGIN, ORIGIN + DAY)


def test_files_of_one_series_are_joined(tmp_path: Path) -> None:
    put(tmp_path, "b.json", json.dumps([candle(2), candle(1)]))
    put(tmp_path, "a.json", json.dumps([candle(1), candle(0)]))
    assert starts(load(tmp_path), XRP, CandleUnit.MINUTES_1) == ["02 00:00", "02 00:01", "02 00:02"]


def test_files_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.json", json.dumps([candle(1), candle(0)]))
    put(tmp_path, "b.json", json.dumps([candle(2), candle(1, close=104)]))
    with pytest.raises(BadCandles, match=r"b\.json, row 1: another candle than at .*a\.json, row 0"):
        load(tmp_path)


def test_the_longest_series_is_the_base_and_finer_ones_refine_it(tmp_path: Path) -> None:
    halves = ["2025-06-02 00:00:00,100,110,90,95,1", "2025-06-02 00:30:00,95,105,95,105,1"]
    put(tmp_path, "KRW-XRP_60m.csv", csv(FIRST, SECOND))
    put(tmp_path, "KRW-XRP_30m.csv", csv(*halves))
    put(tmp_path, "KRW-BTC_1d.csv", csv("2025-06-02,100,110,90,105,2.5", "2025-06-03,100,110,90,105,2.5"))
    put(tmp_path, "KRW-BTC_1h.csv", csv(FIRST))
    replay = read(tmp_path)
    assert replay.notes == ()
    assert starts(replay.tape, XRP, CandleUnit.MINUTES_30)[:2] == ["02 00:00", "02 00:30"]
    assert replay.tape.price(XRP, ORIGIN + HOUR / 2 - timedelta(milliseconds=1)) == Decimal("95.0")
    assert starts(replay.tape, BTC, CandleUnit.DAYS) == ["02 00:00", "03 00:00"]


def test_of_a_folder_only_its_own_candle_files_count(tmp_path: Path) -> None:
    put(tmp_path, "KRW-XRP_60m.csv", csv(FIRST))
    put(tmp_path, "README.md", "not data")
    put(tmp_path, ".hidden.csv", "not data")
    (tmp_path / "wire").mkdir()
    put(tmp_path / "wire", "a.json", "not data")
    assert starts(load(tmp_path), XRP) == ["02 00:00"]


def test_coarser_series_are_left_out_with_a_note(tmp_path: Path) -> None:
    put(tmp_path, "KRW-XRP_60m.csv", csv(FIRST, SECOND, "2025-06-02 09:00:00,100,100,100,100,1"))
    put(tmp_path, "KRW-XRP_4h.csv", csv("2025-06-02 00:00:00,100,100,100,100,1"))
    put(tmp_path, "KRW-XRP_45m.csv", csv("2025-06-02 00:00:00,100,100,100,100,1"))
    replay = read(tmp_path)
    assert replay.notes == (
        "KRW-XRP: 240-minute candles are left out beside 60-minute ones",
        "KRW-XRP: 45-minute candles are left out beside 60-minute ones",
    )
    assert len(starts(replay.tape, XRP)) == 3


WRONG = {
    "no header": (FIRST, "line 1: expected column 1 to be timestamp, got '2025-06-02 00:00:00'"),
    "missing column": (csv(FIRST, header="timestamp,open,high,low,close"), "line 1: expected column 6 .*nothing"),
    "wrong column": (
        csv(FIRST, header="timestamp,high,open,low,close,volume"),
        "line 1: expected column 2 .*'high'",
    ),
    "extra column": (csv(FIRST, header=HEADER + ",count"), "line 1: expected nothing or turnover .*got count"),
    "short row": (csv(FIRST, "2025-06-02 01:00:00,1,2"), "line 3: expected 6 columns, got 3"),
    "blank row": (csv(FIRST, "", SECOND), "line 3: expected 6 columns, got 1"),
    "empty": ("", "line 1: the file is empty"),
    "only a header": (csv(), "line 2: no candle"),
    "a word": (csv(FIRST, SECOND.replace("106", "abc")), "line 3, high: expected a number, got 'abc'"),
    "a grouped number": (csv(FIRST.replace("110", "1_10")), "line 2, high: expected a number"),
    "no time": (csv(FIRST.replace("2025-06-02 00:00:00", "soon")), "line 2, timestamp: expected an ISO time"),
    "not a number": (csv(FIRST, SECOND.replace("105.5", "nan")), "line 3, close: nan is not a finite"),
    "infinite": (csv(FIRST, SECOND.replace("106", "inf")), "line 3, high: inf is not a finite"),
    "negative volume": (csv(FIRST.replace("2.5", "-2.5")), "line 2, volume: -2.5 is negative"),
    "price of zero": (csv(FIRST.replace(",90", ",0")), "line 2, low: 0.0 is not above zero"),
    "high below low": (csv(FIRST.replace("110", "80")), "line 2, high: 80.0 is below the low"),
    "open outside": (csv(FIRST.replace("100", "89")), "line 2, open: 89.0 is outside"),
    "close outside": (csv(FIRST.replace("105", "111")), "line 2, close: 111.0 is outside"),
    "twice": (csv(FIRST, FIRST), "line 3, timestamp: 2025-06-02T00:00:00.*is there twice"),
    "descending": (csv(SECOND, FIRST), "line 3, timestamp: 2025-06-02T00:00:00.*earlier"),
    "off the grid": (csv(FIRST.replace("00:00:00", "00:30:00")), "line 2, timestamp: .*off the grid of 60"),
    "far off": (csv(FIRST.replace("2025", "1925")), "line 2, timestamp: .*outside the years"),
    "beyond the calendar": (
        csv(FIRST.replace("2025-06-02 00:00:00", "0001-01-01T00:00:00+14:00")),
        "line 2, timestamp: expected an ISO time",
    ),
    "too large": (csv(FIRST.replace("110", "1e19")), "line 2, high: 1e\\+19 is too large for a market"),
    "the first of two": (csv(FIRST.replace(",90", ",0"), SECOND.replace("106", "inf")), "line 2, low"),
    "turnover unknown": (csv(FIRST + ",nan", header=HEADER + ",turnover"), "line 2, turnover: nan"),
    "turnover negative": (csv(FIRST + ",-1", header=HEADER + ",turnover"), "line 2, turnover: -1.0 is negative"),
    "turnover infinite": (csv(FIRST + ",inf", header=HEADER + ",turnover"), "line 2, turnover: inf"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_fault_in_a_csv_file_is_named_by_file_line_and_field(tmp_path: Path, text: str, words: str) -> None:
    file = put(tmp_path, "KRW-XRP_60m.csv", text)
    with pytest.raises(BadCandles, match=f"{file}, {words}"):
        load(tmp_path)


WRONG_JSON = {
    "not json": ('[{"market": }]', "line 1: not JSON"),
    "a long number": (f"[{'9' * 5000}]", "line 1 or later: not JSON that can be read"),
    "empty": (" ", "line 1: the file is empty"),
    "no list": ("{}", "row 0: expected a list"),
    "no candle": ("[]", "row 0: expected a list"),
    "no object": ("[1]", "row 0: expected a candle object, got int"),
    "no market": (json.dumps([candle(1), candle(0, market="XRP")]), "row 1, market: expected QUOTE-BASE"),
    "two markets": (json.dumps([candle(1), candle(0, market="KRW-BTC")]), "row 1, market: expected"),
    "no unit": (json.dumps([candle(1, unit=None)]), "row 0, unit"),
    "a strange unit": (json.dumps([candle(1, unit=7)]), "candles of 7 minutes do not fill a day"),
    "no time": (json.dumps([candle(1, candle_date_time_utc=None)]), "row 0, candle_date_time_utc: expected"),
    "a word": (json.dumps([candle(1, high_price="1")]), "row 0, high_price: expected a number, got '1'"),
    "a truth": (json.dumps([candle(1, high_price=True)]), "row 0, high_price: expected a number, got True"),
    "not a number": (json.dumps([candle(1, low_price=float("nan"))]), "row 0, low_price: expected a number"),
    "missing": (json.dumps([{**candle(1), "trade_price": None}]), "row 0, trade_price: expected a number"),
    "outside": (json.dumps([candle(1), candle(0, close=111)]), "row 1, trade_price: 111.0 is outside"),
    "twice": (json.dumps([candle(2), candle(1), candle(1)]), "row 1, candle_date_time_utc: .*twice"),
    "off the grid": (json.dumps([candle(1, unit=3)]), "row 0, candle_date_time_utc: .*off the grid of 3"),
}


@pytest.mark.parametrize(("text", "words"), WRONG_JSON.values(), ids=WRONG_JSON.keys())
def test_a_fault_in_a_reply_is_named_by_file_row_and_field(tmp_path: Path, text: str, words: str) -> None:
    file = put(tmp_path, "reply.json", text)
    with pytest.raises(BadCandles, match=f"{file}(, |: ){words}"):
        load(file)


@pytest.mark.parametrize("name", ["prices.csv", "KRW-XRP_60s.csv", "KRW-XRP.csv", "XRP_60m.csv", "KRW-XRP_7m.csv"])
def test_a_file_name_that_says_too_little_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadCandles, match=name):
        load(put(tmp_path, name, csv(FIRST)))


def test_a_cut_gzip_file_is_refused(tmp_path: Path) -> None:
    file = put(tmp_path, "KRW-XRP_60m.csv.gz", csv(*[FIRST] * 5000))
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(BadCandles, match=f"{file}, line .* or later: the gzip data is broken"):
        load(file)


@pytest.mark.parametrize("place", [4, 15, -3])
def test_a_gzip_file_with_a_flipped_byte_is_refused(tmp_path: Path, place: int) -> None:
    file = put(tmp_path, "KRW-XRP_60m.csv.gz", csv(FIRST))
    raw = bytearray(file.read_bytes())
    raw[place if place != 4 else 2] ^= 0xFF
    file.write_bytes(bytes(raw))
    with pytest.raises(BadCandles, match="gz"):
        load(file)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "KRW-XRP_60m.csv"
    file.write_bytes(csv(FIRST).encode() + b"\xff\xfe")
    with pytest.raises(BadCandles, match=r"KRW-XRP_60m\.csv, line 3: not UTF-8"):
        load(file)


def test_a_path_that_is_not_there_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"--replay .*nowhere: No such file"):
        load(tmp_path / "nowhere")


def test_a_folder_without_candles_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "README.md", "nothing here")
    with pytest.raises(BadCandles, match="no file ends in"):
        load(tmp_path)


def test_the_fingerprint_names_the_data_not_its_packing(tmp_path: Path) -> None:
    plain, packed, other = (tmp_path / name for name in ("plain", "packed", "other"))
    for folder in (plain, packed, other):
        folder.mkdir()
    put(plain, "KRW-XRP_60m.csv", csv(FIRST))
    put(packed, "KRW-XRP_60m.csv.gz", csv(FIRST))
    put(other, "KRW-XRP_60m.csv", csv(FIRST, SECOND))
    assert fingerprint(plain) == fingerprint(packed) == read(plain).fingerprint
    assert fingerprint(other) != fingerprint(plain)
    (plain / "KRW-XRP_60m.csv").rename(plain / "KRW-BTC_60m.csv")
    assert fingerprint(plain) != fingerprint(packed)
