"""`export trades` as a person uses it: CSV for Excel, JSON for programs, both languages, and plain refusals."""

import csv
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest

from tests.acceptance.conftest import Finished
from tests.acceptance.worlds import Home, require_told

KOREAN = {"MAKENAIDE_LANG": "ko"}
EXPORT = ("export", "trades", "--year")


def years(home: Home) -> list[str]:
    """The years in which the account may have traded."""
    report = home.must("report", "--json").data()
    return sorted({row["slot"][:4] for row in report["equity"]})


def test_the_years_together_are_what_the_report_tells(trading: Finished) -> None:
    report = trading.home.must("report", "--json").data()
    exported = [trading.home.must(*EXPORT, year, "--json").data() for year in years(trading.home)]
    trades = [trade for each in exported for trade in each["trades"]]
    assert trades
    closed = {trade["position"]: Decimal(str(trade["pnl"])) for trade in report["trades"]}
    assert closed
    for position, pnl in closed.items():
        profit = sum(
            Decimal(str(each["profit"])) for each in trades if each["position"] == position and each["profit"]
        )
        assert abs(profit - pnl) < 1
    fees = sum(Decimal(str(each["fee"])) for each in trades)
    totals = [each["totals"] for each in exported]
    assert abs(fees - sum((Decimal(str(t["buying_fees"] + t["selling_fees"])) for t in totals), Decimal(0))) < 1
    assert all("article 88" in " ".join(each["method"]["notes"]) for each in exported)


def test_the_csv_is_one_row_a_fill_with_its_method_beside_it(trading: Finished, tmp_path: Path) -> None:
    (year, *_) = years(trading.home)
    file = tmp_path / f"trades-{year}.csv"
    done = trading.home.must(*EXPORT, year, "--csv", str(file), env=KOREAN)
    assert done.out == ""
    content = file.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(StringIO(content.decode("utf-8-sig"), newline=""))
    assert head[0] == "체결 시각(KST)"
    data = trading.home.must(*EXPORT, year, "--json").data()
    assert [row[10:13] for row in rows] == [
        [each[key] for key in ("order", "trade", "position")] for each in data["trades"]
    ]
    assert [Decimal(row[6]) for row in rows] == [Decimal(str(each["funds"])) for each in data["trades"]]
    assert {row[13] for row in rows} == {"이동평균법(수수료 포함, 포지션별)"}
    notes = (tmp_path / f"trades-{year}.method.txt").read_bytes()
    assert notes.startswith(b"\xef\xbb\xbf")
    assert "소득세법 제37조" in notes.decode("utf-8-sig")
    piped = trading.home.must(*EXPORT, year, "--csv", "-", env=KOREAN)
    assert piped.out.encode() == content.replace(b"\r\n", b"\n") or piped.out.encode() == content
    assert "소득세법 제37조" in piped.err


def test_a_person_sees_rows_totals_and_the_method(trading: Finished) -> None:
    (year, *_) = years(trading.home)
    shown = trading.home.must(*EXPORT, year).out
    assert "Realised" not in shown
    assert "realised profit" in shown
    assert "Not tax advice" in shown
    assert "Paper account" in shown
    korean = trading.home.must(*EXPORT, year, env=KOREAN).out
    assert "세무 자문이 아닙니다" in korean


def test_a_year_without_a_trade_is_empty_and_no_fault(trading: Finished) -> None:
    data = trading.home.must(*EXPORT, "2019", "--json").data()
    assert data["trades"] == []
    assert data["totals"]["sales"] == 0
    assert f"there are trades of: {years(trading.home)[0]}" in trading.home.must(*EXPORT, "2019").out


@pytest.mark.parametrize("year", ["20x6", "26", "1999", "=2026"])
def test_a_bad_year_is_refused_before_anything_is_opened(home: Home, year: str) -> None:
    require_told(home.inside(*EXPORT, year), 3, "--year: expected a calendar year of four digits")


def test_two_outputs_on_one_stream_are_refused(home: Home) -> None:
    require_told(home.inside(*EXPORT, "2026", "--csv", "-", "--json"), 3, "--csv -")


def test_a_file_that_cannot_be_written_is_named(trading: Finished, tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "trades.csv"
    require_told(trading.home.call(*EXPORT, "2026", "--csv", str(missing)), 3, str(missing))
