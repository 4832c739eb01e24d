"""`makenaide start` and `stop` as a person meets them, with every process that is really started and really ended."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from makenaide.app import workers
from makenaide.app.clock import boot_seconds
from makenaide.app.detached import until
from makenaide.app.guardpost import Watch
from makenaide.app.operation import Operation, State, read_operation
from makenaide.app.power import Grip, backups
from makenaide.app.proving import gathered
from makenaide.environment import load
from makenaide.execution.guard.guard import STOPS
from makenaide.ops.proof import Item, prove
from makenaide.store.modes import Mode
from makenaide.store.switch import kept_up, running
from tests.acceptance.holding import QUICK, Holder, prices
from tests.acceptance.worlds import LIVELY, NEVER, Home, Outcome, dead, require_told

WALL = ("--endless", "--markets", "4")


def state(home: Home) -> Operation:
    """What the last plan left."""
    found = read_operation(home.path)
    assert found is not None
    return found


def outcomes(done: Outcome) -> dict[str, str]:
    """The steps of a plan that was carried out, and how each ended."""
    return {each["step"]: each["outcome"] for each in done.data()["results"]}


def up(home: Home) -> bool:
    """Whether the database is."""
    return running(home.path) is not None


def watch(home: Home) -> Watch:
    """How the guard stands."""
    return home.post().standing(boot_seconds()).watch


def called(home: Home) -> set[str]:
    """The workers that live, by their commands."""
    return {told.split()[0] for told in home.processes().values()}


def told(home: Home) -> list[str]:
    """The titles of the messages that went out while there was no database."""
    files = sorted((home.path / "told").glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
    return [json.loads(file.read_bytes())["title"] for file in files]


def test_everything_is_started_found_again_and_stopped(home: Home) -> None:
    home.configure(LIVELY + NEVER)
    require_told(home.call("start", "--seed", "3"), 3, "--endless")
    planned = home.must("start", "--plan", *WALL, "--json").data()
    assert [each["step"] for each in planned["steps"]] == [
        "S1",
        "S2",
        "S3",
        "S4a",
        "S4",
        "S5a",
        "S5b",
        "S5c",
        "S5",
    ]
    assert [file.name for file in home.path.iterdir()] == ["makenaide.toml"], "a plan changes nothing"

    first = home.must("start", *WALL, "--json")
    assert all(each in ("done", "skipped") for each in outcomes(first).values())
    assert (state(home).state, state(home).arguments) == (State.STARTED, ("--markets", "4", "--endless"))
    assert called(home) >= {"run", "schedule", "guard"}
    assert home.must("status", "--json").data()["account"]["running"] is True
    assert kept_up(home.path)
    before = home.processes()

    again = home.must("start", "--json")
    assert [step for step, how in outcomes(again).items() if how == "done"] == ["S4"], "all else holds"
    assert home.processes().items() >= before.items()

    require_told(home.call("start", "--endless", "--markets", "5"), 8, "is started in this data folder")

    stopped = home.must("stop", "--json")
    assert outcomes(stopped) == dict.fromkeys(("T1", "T2", "T3", "T4"), "done")
    assert (state(home).state, state(home).account) == (State.STOPPED, planned["account"])
    assert dead(list(before)), "by their ids"
    assert not up(home)
    (kept,) = backups(home.path)
    assert kept.intact
    assert kept.verified_at is not None
    assert not (home.path / "halt.json").exists(), "its own halt is lifted: nobody is there who could buy"
    idle = home.must("stop")
    assert "holds already" in idle.out
    assert "stopped safely" in idle.out
    assert len(backups(home.path)) == 1
    assert len(told(home)) == 1, "one message, and none for a stop that did nothing"


def test_a_stop_leaves_positions_to_the_guard_and_the_guard_to_nobody_unasked(home: Home) -> None:
    with prices(5) as served:
        home.configure(QUICK.format(url=served.url))
        holder = Holder(home, served)
        coin = served.coins()[-1]
        trader = holder.begin([coin])
        holder.adopt(coin)
        first = home.post().on_duty()
        assert first is not None

        refused = home.call("stop", "--all", "--json")
        assert refused.code == 13, refused.err
        assert "1 positions" in refused.err
        assert (state(home).state, state(home).step) == (State.FAILED, "T1")
        assert trader.process.poll() is None, "nothing was done"

        unproven = home.call("stop", "--json", env={"MAKENAIDE_OPERATIONS__DEAD_MAN": "true"})
        assert unproven.code == 13, unproven.err
        assert "the database stays up: dead_man" in unproven.err
        assert (state(home).state, state(home).step) == (State.FAILED, "T3")
        assert kept_up(home.path), "and nobody who comes and goes takes it along"
        assert trader.outcome().code == 0, "it was asked to end"
        assert home.post().on_duty() == first
        assert "stop" in home.must("status").out, "buying stays halted"
        assert up(home)
        missing_things_are_seen(home)

        os.kill(first.pid, signal.SIGKILL)
        done = home.must("stop", "--json")
        assert outcomes(done)["T3"] == "done"
        second = home.post().on_duty()
        assert second is not None
        assert second.pid != first.pid, "the drain starts one that is missing"
        assert watch(home) is Watch.WATCHING
        assert not up(home)

        again = home.call("stop", "--all", "--json")
        assert again.code == 13, again.err
        assert "1 positions" in again.err
        assert (home.post().on_duty(), watch(home)) == (second, Watch.WATCHING)
        served.fall(coin, "0.9")
        holder.wait_for(holder.journal, "the guard sells without the database")
        bare = home.must("stop", "--all", "--json")
        assert outcomes(bare)["T3"] == "done", "what it sold is in the books, so nothing is left to guard"
        assert holder_gone(home)
        assert not up(home)


def missing_things_are_seen(home: Home) -> None:
    """The facts of the proof are those of the machine: what is really taken away is really missed."""
    grip = Grip(env=load({"MAKENAIDE_HOME": str(home.path)}), mode=Mode.PAPER)

    def missed() -> set[Item]:
        with gathered(grip, None) as facts:
            return {each.item for each in prove(facts).missing}

    stops, saved = home.post().folder / STOPS, home.path / "backups"
    content = stops.read_bytes()
    try:
        assert missed() == set()
        stops.write_bytes(content[:-3] + b"xx\n")
        assert until(lambda: missed() == {Item.STOPS, Item.JOURNAL}, 10), "the guard's next heartbeat says so"
        stops.write_bytes(content)
        assert until(lambda: missed() == set(), 10), "and the one after takes it back"
        saved.rename(home.path / "elsewhere")
        assert missed() == {Item.BACKUP}
        (home.path / "elsewhere").rename(saved)
    finally:
        grip.give_back()


def holder_gone(home: Home) -> bool:
    """Whether nobody guards any more."""
    return watch(home) is Watch.NONE and home.post().on_duty() is None


def test_a_start_that_fails_is_taken_back(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.configure(LIVELY + NEVER)
    real: Callable[..., tuple[str, ...]] = workers.program

    def broken(*arguments: str) -> tuple[str, ...]:
        dies = (sys.executable, "-c", "raise SystemExit('no schedule today')")
        return dies if arguments[0] == "schedule" else real(*arguments)

    monkeypatch.setattr(workers, "program", broken)
    done = home.inside("start", *WALL, "--json")
    assert done.code == 11, done.err
    data: dict[str, Any] = done.data()
    assert (data["done"], data["step"]) == (False, "S5c")
    assert "no schedule today" in data["cause"]
    assert any(each.startswith("trader ended") for each in data["undone"])
    assert (state(home).state, state(home).step) == (State.FAILED, "S5c")
    assert not up(home)
    assert called(home) <= {"exchange"}, "the venue goes when nobody claims it"
    assert len(told(home)) + deliveries(home.path) >= 1


def deliveries(home: Path) -> int:
    """How many messages the log tells of."""
    log = (home / "logs" / "makenaide.jsonl").read_text(encoding="utf-8")
    return sum("was not started" in line for line in log.splitlines())
