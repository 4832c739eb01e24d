"""Killed, stopped, and gone on: a run that was broken off ends with the report of one that never was."""

import signal
from collections.abc import Callable

import pytest

from tests.acceptance.conftest import Finished
from tests.acceptance.worlds import LIVELY, TRADING, Going, Home, dead, require_sound

MOMENTS = (
    ("cycle.collect", 1),
    ("order.commit", 1),
    ("order.event", 1),
    ("order.event", 2),
    ("cycle.leave", 2),
    ("cycle.enter", 1),
)
"""Right after which line of the log, counted from the start of each process, the trader is killed."""


@pytest.fixture
def lively(home: Home) -> Home:
    """An empty home with the settings of `trading`."""
    home.configure(LIVELY)
    return home


def after(home: Home, action: str, times: int) -> Callable[[], bool]:
    """Whether `action` was logged `times` times from now on."""
    before = len(home.actions())
    return lambda: home.actions()[before:].count(action) >= times


def begun(home: Home, action: str, times: int) -> Going:
    """A run that has come as far as that."""
    seen = after(home, action, times)
    going = home.start(*TRADING)
    going.wait_for(seen)
    return going


def test_a_run_killed_again_and_again_ends_with_the_same_report(trading: Finished, lively: Home) -> None:
    for action, times in MOMENTS:
        going = begun(lively, action, times)
        simulator = going.simulator().pid
        going.kill()
        assert dead([simulator]), f"the simulator outlived its trader, killed after {action}"
    require_sound(lively)
    assert lively.must("reconcile", "--json").data()["equal"] is True
    assert lively.must(*TRADING).out == trading.first.out
    require_sound(lively)
    assert lively.must("reconcile", "--json").data()["equal"] is True
    assert lively.simulators() == []


def test_a_killed_simulator_ends_the_run_with_a_message_and_the_next_one_goes_on(
    trading: Finished, lively: Home
) -> None:
    for action, times in (("order.commit", 2), ("cycle.collect", 2)):
        going = begun(lively, action, times)
        going.simulator().kill()
        done = going.outcome()
        assert done.code == 11, done.err
        assert "the same command starts it again and goes on" in done.err
        assert "Traceback" not in done.err
        assert done.out == ""
        assert done.seconds < 30
    require_sound(lively)
    assert lively.must(*TRADING).out == trading.first.out


def test_a_signal_stops_the_run_at_once_and_the_same_command_goes_on(trading: Finished, lively: Home) -> None:
    early = lively.start(*TRADING)
    early.wait_for((lively.path / "accounts").is_dir)
    stops = [early.end()]
    stops += [begun(lively, "cycle.enter", 2).end(number) for number in (signal.SIGTERM, signal.SIGINT)]
    for stopped in stops:
        assert stopped.code == 0, stopped.err
        assert stopped.seconds < 5
        assert "The same command goes on from here" in stopped.err
        assert not stopped.data()["period"]["finished"]
    assert lively.simulators() == []
    assert lively.must(*TRADING).out == trading.first.out
