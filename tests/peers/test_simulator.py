"""A simulator that hangs, at its start or at its end, fails the run of the clients and does not hold it up."""

import sys
from pathlib import Path

import pytest

from tests.peers import simulator

MUTE = "import time; time.sleep(60)"
DEAF = """
import json, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).write_text('{"access": "a", "secret": "s"}')
print(json.dumps({"url": "http://127.0.0.1", "keys": sys.argv[1], "operator": sys.argv[1]}), flush=True)
time.sleep(60)
"""


def test_one_that_never_says_its_address_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "COMMAND", (sys.executable, "-c", MUTE))
    monkeypatch.setattr(simulator, "START_SECONDS", 0.2)
    with pytest.raises(AssertionError, match="did not start"), simulator.simulator(tmp_path / "home"):
        pass


def test_one_that_does_not_stop_when_told_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "COMMAND", (sys.executable, "-c", DEAF, str(tmp_path / "keys.json")))
    monkeypatch.setattr(simulator, "STOP_SECONDS", 0.2)
    with pytest.raises(AssertionError, match="ended with -9"), simulator.simulator(tmp_path / "home"):
        pass
