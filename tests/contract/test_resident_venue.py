"""The venue of a wall-clock account as a process: one for all its users, gone after the last, back when needed."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from makenaide.app import resident as residents
from makenaide.app.client import read_keys
from makenaide.app.detached import until
from makenaide.app.resident import (
    ResidentVenue,
    Tended,
    move_in,
    move_out_when_idle,
    resident,
    venue_address,
)
from makenaide.domain.errors import DiskFull, Inconsistent, InUse
from makenaide.domain.order import Accepted
from makenaide.exchange.http import NotConnected, Request
from makenaide.store.claims import Claim, claims, exclusive
from tests.contract.residents import CONFIG, Place, bought, place

pytestmark = pytest.mark.sockets


def today() -> tuple[datetime, datetime]:
    """From an hour ago on."""
    now = datetime.now(UTC)
    return now - timedelta(hours=1), now + timedelta(hours=1)


def refused(port: int) -> bool:
    """Whether the system itself answers there: the sockets of a dead process are gone a moment after it."""
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


LIST = Request(method="GET", path="/v1/market/all")
USER = """
import sys, time
from pathlib import Path
from makenaide.app.resident import resident
with resident(Path(sys.argv[1])) as venue:
    print(venue.url(), flush=True)
    time.sleep(60)
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    """An account whose venue has never run."""
    with place(tmp_path) as made:
        yield made


def test_a_killed_venue_is_started_by_the_next_request_with_its_account_and_address(here: Place) -> None:
    with resident(here.folder) as venue, here.client(venue) as client:
        assert isinstance(client.place(bought("e01")), Accepted)
        before = client.accounts()
        assert before["BTC"].total > 0
        killed = here.kill_venue()
        assert client.accounts() == before
        assert here.address.pid != killed.pid
        assert here.address.port == killed.port
        assert client.order(bought("e01").identifier) is not None


def test_a_request_to_a_venue_that_died_just_before_is_sent_once_more(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with resident(here.folder) as venue, here.client(venue) as client:
        dead, real = here.kill_venue(), ResidentVenue.url
        assert until(lambda: refused(dead.port), 5)
        looks = [dead.url]
        monkeypatch.setattr(ResidentVenue, "url", lambda self: looks.pop() if looks else real(self))
        assert isinstance(client.place(bought("e01")), Accepted)
        assert not looks
        assert [order.identifier for order in client.closed_orders(*today())] == [bought("e01").identifier]


def test_a_request_to_a_venue_that_lives_and_cannot_be_reached_starts_nothing(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    move_in(here.folder, port)  # this process lives, and takes no requests
    real, looks = ResidentVenue.url, []

    def counted(self: ResidentVenue) -> str:
        looks.append(real(self))
        return looks[-1]

    monkeypatch.setattr(ResidentVenue, "url", counted)
    line = Tended(ResidentVenue(here.folder), CONFIG.upbit.transport)
    with pytest.raises(NotConnected):
        line.send(LIST)
    line.close()
    assert len(looks) == 1, "and nothing is sent twice to a venue that lives"
    assert here.address.pid == os.getpid()
    (here.folder / "venue.json").unlink()  # or it would be ended with the rest


def test_several_who_start_it_at_once_get_one_and_the_secrets_are_nowhere_to_be_read(here: Place) -> None:
    venues = [ResidentVenue(here.folder) for _ in range(4)]
    claim = Claim(here.folder / "venue-users")
    claim.take()
    with ThreadPoolExecutor(4) as pool:
        assert {*pool.map(ResidentVenue.url, venues)} == {here.address.url}
    secret = read_keys(here.folder / "keys.json").secret
    command = Path(f"/proc/{here.address.pid}/cmdline").read_text()
    assert "simulate" in command
    said = [(here.folder / name).read_text() for name in ("venue.json", "venue.out", "venue.err", "world.json")]
    assert not any(secret in text for text in (command, *said))
    modes = [(here.folder / name).stat().st_mode & 0o077 for name in ("keys.json", "venue.err", "venue.json")]
    assert modes == [0, 0, 0]
    began = time.monotonic()
    os.kill(here.address.pid, signal.SIGTERM)
    assert until(lambda: not here.address.alive, 5)
    assert time.monotonic() - began < 2, "told to end, it does not wait for its users"
    claim.drop()


def test_a_venue_whose_last_user_was_killed_ends_by_itself(here: Place) -> None:
    user = subprocess.Popen([sys.executable, "-c", USER, str(here.folder)], stdout=subprocess.PIPE)
    assert user.stdout is not None
    url = user.stdout.readline().decode().strip()
    with resident(here.folder) as venue:
        assert venue.url() == url, "one for both"
    address = here.address
    user.kill()
    user.wait()
    user.stdout.close()
    assert address.alive
    assert until(lambda: not address.alive, 10)
    assert here.address.port == address.port, "for the next one"
    assert (here.folder / "venue.err").read_text() == ""


def test_a_taken_port_is_left_to_its_taker_and_the_new_one_is_kept(here: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        move_in(here.folder, taken)
        address = here.address
        (here.folder / "venue.json").write_bytes(
            (here.folder / "venue.json").read_bytes().replace(str(address.pid).encode(), b"0")
        )
        with resident(here.folder) as venue, here.client(venue) as client:
            assert here.address.port != taken
            assert client.accounts()["KRW"].total > 0


def test_a_venue_that_cannot_be_built_tells_its_own_fault(here: Place) -> None:
    (here.folder / "commands.log").write_bytes(b"nonsense\n")
    with pytest.raises(Inconsistent, match=r"commands\.log line 1: damaged"), resident(here.folder):
        pass
    assert claims(here.folder / "venue-users") == ()


def test_a_venue_that_dies_without_a_word_is_not_connected_with_its_last_words(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    line = Tended(ResidentVenue(here.folder), CONFIG.upbit.transport)
    with pytest.raises(NotConnected, match=r"the venue does not start: .*nowhere/python"):
        line.send(LIST)
    line.close()


# ---- what the processes do, in this one ----


def test_a_full_disk_of_the_venue_is_ours(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    full = DiskFull("no space left")

    def no_space(_venue: ResidentVenue) -> str:
        raise full

    monkeypatch.setattr(ResidentVenue, "url", no_space)
    with pytest.raises(DiskFull):
        Tended(ResidentVenue(here.folder), CONFIG.upbit.transport).send(LIST)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A venue that looks often and waits for nobody."""
    monkeypatch.setattr(residents, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(residents, "_IDLE_SECONDS", 0.1)


@pytest.mark.usefixtures("hasty")
def test_an_idle_venue_gives_up_its_address_only_when_nobody_is_just_coming(tmp_path: Path) -> None:
    move_in(tmp_path, 4711)
    stopped: list[bool] = []
    with exclusive(tmp_path / "venue.lock", 0, InUse()):
        move_out_when_idle(tmp_path, lambda: stopped.append(True))
        assert not until(lambda: bool(stopped), 0.5), "somebody is at it"
        claim = Claim(tmp_path / "venue-users")
        claim.take()
    assert not until(lambda: bool(stopped), 0.5), "somebody has come"
    assert residents._left(tmp_path) is False, "not even between its look and its leaving"
    assert (found := venue_address(tmp_path)) is not None
    assert found.alive
    claim.drop()
    assert until(lambda: bool(stopped), 2)
    assert (left := venue_address(tmp_path)) is not None
    assert (left.alive, left.port) == (False, 4711)


@pytest.mark.usefixtures("hasty")
def test_a_venue_whose_folder_is_gone_ends(tmp_path: Path) -> None:
    stopped: list[bool] = []
    move_out_when_idle(tmp_path / "gone", lambda: stopped.append(True))
    assert until(lambda: bool(stopped), 2)


@pytest.mark.parametrize("content", [b"", b"{", b'{"port": "x"}', b"\xff"])
def test_an_address_that_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "venue.json").write_bytes(content)
    assert venue_address(tmp_path) is None
    with pytest.raises(NotConnected):
        ResidentVenue(tmp_path).last_url()
