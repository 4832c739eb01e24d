"""A run from its first to its last day: what it prints, and that it prints the same again."""

import re

import pytest

from tests.acceptance.conftest import Finished
from tests.acceptance.worlds import LIVELY, SHORT, TRADING, Home, Make

PARTS = {
    "stamp",
    "account",
    "period",
    "result",
    "statistics",
    "exits",
    "refusals",
    "refusals_never",
    "trades",
    "open_positions",
    "refused_signals",
    "equity",
    "unsettled_orders",
    "alarms",
    "flaws",
}


def test_a_run_ends_with_its_report_and_says_what_the_prices_were(short: Finished) -> None:
    report = short.first.data()
    assert set(report) == PARTS
    assert report["stamp"] == "generated"
    assert report["period"]["finished"]
    assert report["period"]["days"] == 3
    assert report["period"]["markets"] == 6
    assert len(report["equity"]) == 4
    assert report["flaws"] == report["unsettled_orders"] == []
    assert report["alarms"] == {}


def test_where_the_data_is_is_said_beside_the_report_not_in_it(short: Finished) -> None:
    assert f"Data: {short.home.path}" in short.first.err
    assert str(short.home.path) not in short.first.out


def test_every_kind_of_refusal_is_either_counted_or_named_as_never_spoken(short: Finished) -> None:
    report = short.first.data()
    assert report["refusals_never"]
    assert not set(report["refusals"]) & set(report["refusals_never"])


def test_a_run_that_trades_reports_its_trades_with_their_reasons(trading: Finished) -> None:
    report = trading.first.data()
    assert report["statistics"]["closed_trades"] == len(report["trades"]) > 0
    assert all(trade["exits"] for trade in report["trades"])
    assert report["result"]["fees"] > 0
    assert report["flaws"] == []


def test_a_finished_run_is_reported_again_not_continued(trading: Finished) -> None:
    before = trading.home.actions()
    again = trading.home.must(*TRADING)
    assert again.out == trading.first.out
    assert trading.home.actions() == before
    assert again.seconds < max(5.0, trading.first.seconds)


def test_the_same_seed_gives_the_same_report_in_another_home_byte_for_byte(short: Finished, home: Home) -> None:
    assert home.must(*SHORT).out == short.first.out


def test_another_seed_is_another_account_with_other_prices(short: Finished, make_home: Make) -> None:
    other = make_home("other").must(*SHORT, "--seed", "3").data()
    report = short.first.data()
    assert other["account"]["id"] != report["account"]["id"]
    assert [row["bitcoin"] for row in other["equity"]] != [row["bitcoin"] for row in report["equity"]]


def test_a_changed_rule_opens_a_new_account_beside_the_old_one(home: Home) -> None:
    home.configure(LIVELY)
    first = home.must("run", "--json", "--days", "1", "--markets", "4").data()
    home.configure(LIVELY.replace("dwell = 1", "dwell = 2"))
    second = home.must("run", "--json", "--days", "1", "--markets", "4").data()
    assert first["account"]["id"] != second["account"]["id"]
    known = home.must("db", "validate", "--json").data()["accounts"]
    assert set(known) == {first["account"]["id"], second["account"]["id"]}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_report_for_people_has_no_colours_in_a_pipe(trading: Finished, language: str) -> None:
    shown = trading.home.must("report", env={"MAKENAIDE_LANG": language, "NO_COLOR": "", "TERM": "xterm-256color"})
    assert "\x1b" not in shown.out + shown.err
    assert re.search("[\u2800-\u28ff]", shown.out), "the equity curve is missing"
    assert bool(re.search("[가-힣]", shown.out)) is (language == "ko")
