"""The default run, as `make run` starts it: 365 days of 45 generated markets, whole, once."""

import pytest

from tests.acceptance.conftest import Finished
from tests.acceptance.worlds import Make, require_sound


@pytest.fixture(scope="module")
def default(kept_homes: Make) -> Finished:
    home = kept_homes("default")
    return Finished(home=home, first=home.must("run", "--json"))


def test_the_default_run_trades_a_year_of_at_least_forty_markets(default: Finished) -> None:
    report = default.first.data()
    assert report["stamp"] == "generated"
    assert report["period"]["finished"]
    assert report["period"]["days"] == 365
    assert report["period"]["markets"] >= 40
    assert report["period"]["runs"] == {"done": 366}


def test_the_default_run_closes_thirty_trades_and_meets_every_exit_rule(default: Finished) -> None:
    report = default.first.data()
    assert report["statistics"]["closed_trades"] >= 30
    exits = dict(report["exits"])
    assert exits.pop("delisting") == exits.pop("manual") == 0, (
        "the one has no announcement, the other no person here"
    )
    assert set(exits) == {"hard_stop", "trailing_stop", "third", "stage", "no_progress", "warning"}
    assert min(exits.values()) >= 1, exits


def test_the_books_of_the_default_run_are_sound(default: Finished) -> None:
    report = default.first.data()
    assert report["alarms"] == {}
    assert report["flaws"] == report["unsettled_orders"] == []
    require_sound(default.home)
    assert default.home.must("reconcile", "--json").data()["equal"] is True


def test_any_trade_of_the_default_run_can_be_followed_from_candle_to_posting(default: Finished) -> None:
    position = default.first.data()["trades"][0]["position"]
    rows = default.home.must("report", "--json").data()["trades"]
    assert rows[0]["position"] == position
    assert default.home.must("trace", position).out.count(f"-{position}-e01") == 1
    found = default.home.must("trace", "--json", f"mk1-{default.first.data()['account']['id'][:4]}-{position}-e01")
    trace = found.data()
    assert len(trace["candles"]) == 80
    assert trace["features"]["breakout"] is True
    assert trace["gate"]["open"] is True
    assert trace["size"]["bound"]
    for order in trace["orders"]:
        assert next(event["state"] for event in order["events"]) == "planned"
        assert order["fills"]
        assert order["postings"]
    assert trace["stops"]
