"""Runs without an end: on the simulator in real pace, and with the public client against a served simulator."""

import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator

import pytest

from makenaide.app.clock import boot_seconds
from makenaide.app.database import open_store
from makenaide.app.guardpost import Watch
from makenaide.environment import load
from makenaide.store.accounts import latest_account
from makenaide.store.db import Role
from tests.acceptance.worlds import LIVELY, NEVER, Going, Home, Make, dead, homes, require_sound, require_told

ENDLESS = ("run", "--json", "--endless", "--markets", "4")
PAPER = ("run", "--json", "--exchange", "upbit", "--mode", "paper")


def done_slots(home: Home) -> int:
    return home.actions().count("cycle.collect")


def running(home: Home) -> bool:
    account = home.must("status", "--json").data()["account"]
    return account is not None and bool(account["running"])


def traded_today(home: Home, command: tuple[str, ...]) -> Going:
    """The command, under way with today's slot behind it."""
    going = home.start(*command)
    going.wait_for(lambda: " KRW\n" in going.said())
    return going


@pytest.fixture
def endless(home: Home) -> Home:
    """An empty home with little history to collect, which buys nothing, not even in the hour after nine."""
    home.configure(LIVELY + NEVER)
    return home


def test_an_endless_run_does_todays_slot_late_and_survives_its_signals_and_kills(endless: Home) -> None:
    first = traded_today(endless, ENDLESS)
    status = endless.must("status", "--json").data()["account"]
    assert status["running"]
    assert status["last_run"] == "done"
    assert status["ends"] is None
    require_told(endless.call(*ENDLESS), 8, "in use")
    require_told(endless.call("reconcile"), 8, "in use")

    stopped = first.end()
    assert stopped.code == 0, stopped.err
    assert stopped.seconds < 5
    assert "The same command goes on from here" in stopped.err
    report = stopped.data()
    assert report["period"]["runs"] == {"done": 1}
    assert not running(endless)

    again = endless.start(*ENDLESS)
    again.wait_for(lambda: running(endless))
    again.kill()
    assert endless.must("reconcile", "--json").data()["equal"] is True
    assert endless.must("report", "--json").data()["equity"] == report["equity"]
    require_sound(endless)


def watching(home: Home) -> bool:
    """Whether a guard does."""
    return home.post().standing(boot_seconds()).watch is Watch.WATCHING


def alarms(home: Home) -> list[tuple[str, str]]:
    """The alarms in the audit trail: action and cause."""
    with open_store(load({"MAKENAIDE_HOME": str(home.path)})) as store, store.open(Role.READER) as db:
        account = latest_account(db)
        assert account is not None
        rows = db.rows("audit_of", account_id=account.account_id, action="alarm.guard%")
    return [(row.action, row.detail["cause"]) for row in rows]


def test_guard_and_venue_outlive_a_killed_run_and_each_is_replaced_when_it_dies(endless: Home) -> None:
    first = traded_today(endless, ENDLESS)
    guard, venue = endless.post().on_duty(), endless.venue()
    assert guard is not None
    first.kill()
    time.sleep(5)
    assert guard.alive
    assert venue.alive, "claimed by the guard alone"
    told = endless.must("status", "--json").data()["account"]["guard"]
    assert (told["state"], told["process"], told["seconds"] < 5) == ("watching", guard.pid, True)
    assert "watching, " in endless.must("status").out
    require_told(endless.call("guard"), 8, "another process guards account")

    again = endless.start(*ENDLESS)
    again.wait_for(lambda: running(endless))
    assert endless.post().on_duty() == guard, "found, not replaced"
    os.kill(guard.pid, signal.SIGKILL)
    began = time.monotonic()
    again.wait_for(lambda: (now := endless.post().on_duty()) is not None and now != guard and now.alive)
    again.wait_for(lambda: watching(endless))
    assert time.monotonic() - began < 5, "guarded again"
    os.kill(venue.pid, signal.SIGKILL)
    assert dead([venue.pid])
    assert again.process.poll() is None

    replaced = endless.post().on_duty()
    stopped = again.end()
    assert stopped.code == 0, stopped.err
    assert "Guard" not in endless.must("status").out
    assert replaced is not None
    assert not replaced.alive, "with nothing to guard it ends with the run"
    assert "has no guard" in endless.must("guard", "--stop").out
    assert alarms(endless) == [("alarm.guard_gone", f"its process {guard.pid} is gone")]
    assert endless.must("reconcile", "--json").data()["equal"] is True
    require_sound(endless)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a simulator that `exchange simulate` serves in real pace."""
    with homes(tmp_path_factory.mktemp("served")) as make:
        home = make("served")
        home.configure("[market]\nhistory_days = 60\n")
        going = home.start("exchange", "simulate", "--json", "--markets", "4")
        going.wait_for(lambda: going.out.read_bytes().endswith(b"\n"))
        yield json.loads(going.out.read_bytes())["url"]
        stopped = going.end()
        assert stopped.code == 0, stopped.err
        assert "Traceback" not in stopped.err


def test_a_served_simulator_answers_any_client(served: str) -> None:
    with urllib.request.urlopen(f"{served}/v1/market/all?isDetails=true", timeout=10) as reply:  # noqa: S310
        assert reply.headers["Remaining-Req"]
        listed = json.loads(reply.read())
    assert {"KRW-BTC"} <= {each["market"] for each in listed}


def test_paper_on_the_real_client_starts_collects_stops_and_resumes(served: str, make_home: Make) -> None:
    home = make_home("paper")
    home.configure(LIVELY.split("[strategy]")[0] + f'[upbit]\nbase_url = "{served}"\n')
    first = traded_today(home, PAPER)
    assert "No order leaves this machine" in first.said()
    first.kill()

    again = home.start(*PAPER)
    again.wait_for(lambda: running(home))
    stopped = again.end()
    assert stopped.code == 0, stopped.err
    assert stopped.seconds < 5
    report = stopped.data()
    assert report["stamp"] == "real"
    assert report["period"]["runs"] == {"done": 1}
    assert report["period"]["markets"] >= 4
    collected = home.must("collect", "--json").data()
    assert collected["failed"] == {}
    assert collected["stored_candles"] > 100
    assert home.must("reconcile", "--json").data()["equal"] is True
    require_sound(home)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("run", "--mode", "live", "--exchange", "upbit"), 14, "preconditions do not hold"),
        (("collect", "--mode", "live"), 14, "preconditions do not hold"),
        (("reconcile", "--mode", "live"), 14, "preconditions do not hold"),
        (("run", "--mode", "live", "--replay", "nowhere"), 3, "cannot be combined with --replay"),
        (("run", "--mode", "live", "--exchange", "upbit", "--seed", "1"), 3, "cannot be combined with --seed"),
        (("report", "--mode", "live"), 3, "no such account yet"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else str(each),
)
def test_live_trading_is_closed_in_every_combination(
    home: Home, options: tuple[str, ...], code: int, words: str
) -> None:
    require_told(home.inside(*options), code, words)
