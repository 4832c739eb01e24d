"""Every client run once, side by side, each against a simulator of its own."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.peers.roster import EXAMPLES, ROSTER, Caller
from tests.peers.simulator import Outcome, outcomes, simulator

REQUIRED = "REQUIRE_PEERS"
"""Set by `make test`: a missing environment is then a failure, so that nothing is passed over in silence."""
SIDE_BY_SIDE = 3


@pytest.fixture(scope="session")
def peers(repository: Path) -> Path:
    """The environment of the clients; skips where `make peers` has not made it."""
    folder = repository / ".venv-peers"
    if not list(folder.glob(".peers-*")):
        if os.environ.get(REQUIRED):
            pytest.fail(f"{folder.name} is missing, and {REQUIRED} is set")
        pytest.skip("other people's clients are not installed: make peers")
    return folder


def _runner(repository: Path, peers: Path, homes: Path) -> Callable[[Caller], list[Outcome]]:
    def run(caller: Caller) -> list[Outcome]:
        arguments = [str(peers / each) if each == EXAMPLES else each for each in caller.arguments]
        script = [str(peers / "bin" / "python"), "-m", f"tests.peers.callers.{caller.module}", *arguments]
        with simulator(homes / str(ROSTER.index(caller)), caller.scenario) as variables:
            return outcomes(script, variables, repository)

    return run


@pytest.fixture(scope="session")
def results(repository: Path, peers: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Outcome]]:
    """What every client found, by its title."""
    run = _runner(repository, peers, tmp_path_factory.mktemp("peers"))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return dict(zip((caller.title for caller in ROSTER), pool.map(run, ROSTER), strict=True))
