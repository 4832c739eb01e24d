"""The embedded database's switch: kept up it outlives its users, let go it goes with the last of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from makenaide.store.db import Database, Role
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.switch import address, keep_up, kept_up, let_go, running, status, users
from tests.contract.conftest import dead


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A home without a database; none is left behind."""
    folder = tmp_path / "home"
    yield folder
    let_go(folder)
    EmbeddedPostgres(folder).remove()


def test_looking_leaves_no_trace(place: Path) -> None:
    for _ in range(2):
        assert (running(place), status(place), address(place), kept_up(place), users(place)) == (
            None,
            None,
            None,
            False,
            (),
        )
        assert not keep_up(place)
        assert not let_go(place)
        place.mkdir(exist_ok=True)
    assert list(place.iterdir()) == []


def test_a_server_that_is_kept_up_outlives_its_users_and_goes_when_it_is_let_go(place: Path) -> None:
    with EmbeddedPostgres(place) as server:
        pid = server.pid
        assert keep_up(place)
        assert not keep_up(place), "once is enough"
        assert users(place) == ()
    assert status(place) == "ready"
    where = address(place)
    assert where is not None
    with Database.connect(where, role=Role.READER) as db:
        assert db.name
    with EmbeddedPostgres(place) as server:
        assert server.pid == pid
    assert kept_up(place)
    with EmbeddedPostgres(place):
        assert let_go(place)
        assert not let_go(place)
        assert status(place) == "ready", "somebody uses it"
    assert dead(pid)
    assert (running(place), status(place), kept_up(place)) == (None, None, False)


def test_a_server_that_died_is_kept_up_no_more(place: Path) -> None:
    with EmbeddedPostgres(place) as server:
        keep_up(place)
        os.kill(server.pid, signal.SIGKILL)
        assert dead(server.pid)
        assert (running(place), status(place), kept_up(place), address(place)) == (None, None, False, None)
    with EmbeddedPostgres(place) as server:
        assert not kept_up(place), "the next one has to be told again"
        pid = server.pid
    assert dead(pid)


USER = """
import sys
from pathlib import Path
from makenaide.store.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])):
    print("in", flush=True)
    sys.stdin.read()
"""


def test_other_users_are_named_by_their_processes(place: Path) -> None:
    with EmbeddedPostgres(place):
        keep_up(place)
        other = subprocess.Popen(
            [sys.executable, "-c", USER, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"in\n"
        assert users(place) == (other.pid,)
        other.communicate()
        assert users(place) == ()
