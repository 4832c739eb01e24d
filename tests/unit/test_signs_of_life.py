"""What hangs or hides shows: a steward without a sign of life, a backup without its manifest."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from makenaide.app.crew import Crew
from makenaide.app.operation import Operation, State, Worker, beat, enter, leave, silent
from makenaide.app.power import backups
from makenaide.ops.backup import FOLDER


def aged(home: Path, seconds: float) -> None:
    """The steward's last sign of life was so long ago."""
    then = time.time() - seconds
    os.utime(home / "workers" / "steward.json", (then, then))


def keeping(home: Path) -> bool:
    """Whether somebody keeps the schedule."""
    return Crew(home=home, account=None).keeping


def test_a_steward_that_lives_and_gives_no_sign_of_life_keeps_no_schedule(tmp_path: Path) -> None:
    assert not keeping(tmp_path)
    enter(tmp_path, Worker.STEWARD, "0001aaaaaaaa", ("0.1.0", "c"))
    assert keeping(tmp_path)
    aged(tmp_path, 59)
    assert keeping(tmp_path)
    aged(tmp_path, 61)
    assert silent(tmp_path, Worker.STEWARD)
    assert not keeping(tmp_path)
    beat(tmp_path, Worker.STEWARD)
    assert keeping(tmp_path)
    leave(tmp_path, Worker.STEWARD)
    beat(tmp_path, Worker.STEWARD)
    assert not keeping(tmp_path)
    assert not silent(tmp_path, Worker.STEWARD), "it was told to end: nothing hangs"


def test_a_dump_whose_manifest_cannot_be_read_is_a_backup_that_is_not_intact(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    assert backups(tmp_path) == ()
    folder.mkdir()
    (folder / "20261128T000000000Z-paper.dump").write_bytes(b"12345")
    (folder / "20261128T000000000Z-paper.json").write_bytes(b"{")
    (found,) = backups(tmp_path)
    assert (found.name, found.intact, found.verified_at, found.size) == (
        "20261128T000000000Z-paper",
        False,
        None,
        5,
    )


@pytest.mark.parametrize(
    ("state", "step", "again"),
    [
        (State.STARTED, None, True),
        (State.FAILED, "S5", True),  # a start over a system that ran: what ran goes on
        (State.FAILED, "T3", False),
        (State.FAILED, None, False),
        (State.STARTING, None, False),
        (State.STOPPING, None, False),
        (State.STOPPED, None, False),
    ],
)
def test_a_dead_trader_is_started_again_unless_a_plan_is_at_work_or_a_stop_began(
    state: State, step: str | None, again: bool
) -> None:
    assert Operation(state=state, step=step, at=datetime.now(UTC)).supervised is again
