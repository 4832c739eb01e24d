"""Warming up has no side effect: watched by the interpreter itself while a worker's code is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

from makenaide.app.operation import Worker

WATCHED = """
import os, sys
home = sys.argv[2]
def watch(event, arguments):
    if event.startswith(("socket.connect", "socket.send", "socket.get", "subprocess.", "os.system", "os.exec",
                         "os.fork", "os.posix_spawn", "os.kill")):
        raise SystemExit(f"{event} {arguments}")
    if event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir"):
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes)) else ""
        written = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if path.startswith(home) or (path and written and not path.endswith(".pyc") and ".pyc." not in path):
            raise SystemExit(f"{event} {arguments}")
from makenaide.cli import main
sys.addaudithook(watch)
{more}
main(["warmup", sys.argv[1]])
"""


def watched(worker: str, home: Path, more: str = "") -> subprocess.CompletedProcess[str]:
    """Warm `worker` up, and end with what it touched as soon as it touches anything."""
    return subprocess.run(
        [sys.executable, "-c", WATCHED.replace("{more}", more), worker, str(home)],
        env={"MAKENAIDE_HOME": str(home), "DATABASE_URL": "postgresql://nobody@db.invalid/none", "TZ": "UTC"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("worker", list(Worker))
def test_loading_a_worker_touches_no_database_no_network_and_no_data_folder(
    worker: Worker, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    done = watched(worker, home)
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout) < 60
    assert not home.exists()


@pytest.mark.parametrize(
    ("deed", "word"),
    [
        ("import socket; socket.socket().connect(('127.0.0.1', 1))", "socket."),
        ("import subprocess; subprocess.run(['true'])", "subprocess.Popen"),
        ("open(home + '/x')", "open"),
        ("open('/tmp/x', 'w')", "open"),
    ],
)
def test_the_watch_itself_sees_what_is_touched(deed: str, word: str, tmp_path: Path) -> None:
    done = watched("trader", tmp_path / "home", deed)
    assert done.returncode == 1
    assert done.stderr.startswith(word)


def test_a_worker_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    done = watched("cook", tmp_path / "home")
    assert done.returncode == 3
    assert "trader, guard, steward" in done.stderr
