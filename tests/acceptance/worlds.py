"""Makenaide as a user meets it: a command in a data folder, its exit code, and what it said."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]

from makenaide.app.detached import Living, end
from makenaide.app.guardpost import Post, latest_post
from makenaide.app.resident import Address, venue_address
from makenaide.cli import main
from makenaide.environment import ACCESS_NAME, SECRET_NAME
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.processes import birth
from makenaide.store.switch import let_go
from tests.harness import is_loopback

PATIENCE = 300.0
"""Seconds after which a command counts as hung: far above what any needs on a busy machine."""

LIVELY = """
[market]
history_days = 60
[strategy]
ma_days = 20
slope_days = 5
slope_on = 0.1
dwell = 1
pivot_days = 5
volume_multiple = 0.0
reach = 100.0
min_history = 30
min_turnover = 0
[risk]
gate_open_breadth = 0
gate_shut_breadth = 0
max_atr_percent = 100
hard_multiple = 0.1
hard_low = 0.005
hard_high = 0.01
cooldown_days = 0
stops_in_week = 1000
monthly_loss_limit = 1
drawdown_limit = 1
max_spread = 1
"""
"""Rules so loose, and stops so near, that a few days of a few markets are enough to buy and to sell."""

NEVER = "late_minutes = 0\n"
"""Behind `LIVELY`: on the wall clock every entry is too late, so that what a test meets does not hang on the hour."""

TRADING = ("run", "--json", "--seed", "2", "--days", "8", "--markets", "8")
"""With `LIVELY`: a run that closes trades."""

SHORT = ("run", "--json", "--days", "3", "--markets", "6")
"""The smallest run worth its name; buys nothing under the real rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float

    def data(self) -> Any:
        """Stdout as JSON: all of it, and nothing else."""
        return json.loads(self.out)


@dataclass(slots=True, kw_only=True)
class Going:
    """A command under way."""

    process: subprocess.Popen[bytes]
    home: "Home"
    out: Path
    err: Path
    begun: float = field(default_factory=time.monotonic)

    def said(self) -> str:
        """What it wrote on stderr so far."""
        return self.err.read_text(encoding="utf-8")

    def wait_for(self, seen: Callable[[], object], patience: float = PATIENCE) -> None:
        """Return as soon as `seen` says so; fails when the command ends before, or patience does."""
        deadline = time.monotonic() + patience
        while not seen():
            code = self.process.poll()
            if code is not None and not seen():
                raise AssertionError(f"ended with {code}: {self.said()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain: {self.said()}")
            time.sleep(0.005)

    def simulator(self) -> psutil.Process:
        """The simulator process that this trader started."""
        return next(
            child for child in psutil.Process(self.process.pid).children() if "simulate" in child.cmdline()
        )

    def kill(self) -> None:
        """`kill -9`; returns when it is dead."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def end(self, number: int = signal.SIGTERM) -> Outcome:
        """Send a signal and wait for the end; `seconds` counts from the signal."""
        self.begun = time.monotonic()
        self.process.send_signal(number)
        return self.outcome()

    def outcome(self) -> Outcome:
        """Wait for the end."""
        code = self.process.wait(PATIENCE)
        seconds = time.monotonic() - self.begun
        said = self.out.read_text(encoding="utf-8") if self.out.is_file() else ""
        return Outcome(code=code, out=said, err=self.said(), seconds=seconds)


@dataclass(slots=True, kw_only=True)
class Home:
    """A data folder of its own, and the commands that work in it."""

    path: Path
    _started: list[Going] = field(default_factory=list)

    def start(
        self, *arguments: str, env: Mapping[str, str] | None = None, out: Path | None = None, **popen: Any
    ) -> Going:
        """Start `makenaide` with `arguments`, without waiting for it; its stdout goes to `out`, if given."""
        name = f"{self.path.name}.{len(self._started)}"
        out, err = out or self.path.with_name(f"{name}.out"), self.path.with_name(f"{name}.err")
        command = [sys.executable, "-m", "makenaide", *arguments]
        environment = {**os.environ, "MAKENAIDE_HOME": str(self.path), **_here(env or {})}
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment, **popen
            )
        self._started.append(Going(process=process, home=self, out=out, err=err))
        return self._started[-1]

    def call(self, *arguments: str, env: Mapping[str, str] | None = None, **popen: Any) -> Outcome:
        """Run `makenaide` with `arguments` to its end."""
        return self.start(*arguments, env=env, **popen).outcome()

    def inside(self, *arguments: str, env: Mapping[str, str] | None = None) -> Outcome:
        """As `call`, in this process: for commands that end before anything is started."""
        begun = time.monotonic()
        environment = {"MAKENAIDE_HOME": str(self.path), **_here(env or {})}
        with (
            patch.dict(os.environ, environment),
            redirect_stdout(StringIO()) as out,
            redirect_stderr(StringIO()) as err,
        ):
            try:
                main(list(arguments))
            except SystemExit as ended:
                code = ended.code
        assert isinstance(code, int)
        seconds = time.monotonic() - begun
        return Outcome(code=code, out=out.getvalue(), err=err.getvalue(), seconds=seconds)

    def must(self, *arguments: str, env: Mapping[str, str] | None = None) -> Outcome:
        """Run `makenaide` with `arguments`; it has to succeed."""
        done = self.call(*arguments, env=env)
        assert done.code == 0, done.err
        return done

    def configure(self, text: str) -> None:
        """Write the configuration file."""
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / "makenaide.toml").write_text(text, encoding="utf-8")

    def actions(self) -> list[str]:
        """The actions of the program's log so far, oldest first."""
        log = self.path / "logs" / "makenaide.jsonl"
        if not log.exists():
            return []
        return [json.loads(line).get("action", "") for line in log.read_bytes().split(b"\n")[:-1]]

    def post(self) -> Post:
        """The files of this home's guard."""
        return latest_post(self.path / "accounts")

    def venue(self) -> Address:
        """The venue process of this home's guarded account, living or not."""
        address = venue_address(self.post().account)
        assert address is not None
        return address

    def simulators(self) -> list[int]:
        """The living simulator processes of this home's worlds."""
        return [
            each.pid
            for each in psutil.process_iter(["cmdline"])
            if any(str(self.path) in part for part in each.info["cmdline"] or ())
            and "simulate" in each.info["cmdline"]
        ]

    def processes(self) -> dict[int, str]:
        """The living processes of Makenaide in this home, its database's apart, by id: what each is called with."""
        found = {}
        for each in psutil.process_iter(["cmdline", "status"]):
            called = each.info["cmdline"] or []
            if "makenaide" not in called or each.info["status"] == psutil.STATUS_ZOMBIE:
                continue
            try:
                if each.environ().get("MAKENAIDE_HOME") == str(self.path):
                    found[each.pid] = " ".join(called[called.index("makenaide") + 1 :])
            except psutil.Error:
                continue
        return found

    def remove(self) -> None:
        """Kill what still runs, and delete the database, which may lie outside of the folder."""
        for going in self._started:
            if going.process.poll() is None:
                going.kill()
        for pid in self.processes():
            end(Living(pid=pid, born=birth(pid) or ""), 5)
        let_go(self.path)
        for folder in (self.path / "accounts").glob("*"):
            for process in (Post(folder).on_duty(), venue_address(folder)):
                if process is not None:
                    end(process, 5)
        EmbeddedPostgres(self.path).remove()


def _here(env: Mapping[str, str]) -> Mapping[str, str]:
    """`env`, unless a key in it could be sent off this machine."""
    if {ACCESS_NAME, SECRET_NAME} & env.keys():
        place = urlsplit(env.get("MAKENAIDE_UPBIT__BASE_URL", "https://api.upbit.com"))
        assert is_loopback(place.hostname or ""), "no key leaves this machine in a test"
    return env


Make = Callable[[str], Home]


@contextmanager
def homes(folder: Path) -> Iterator[Make]:
    """Makes homes by name below `folder`; all are removed at the end."""
    made: list[Home] = []

    def make(name: str) -> Home:
        made.append(Home(path=folder / name))
        return made[-1]

    try:
        yield make
    finally:
        for home in made:
            home.remove()


def require_sound(home: Home) -> None:
    """The schema and the books are as they must be: nothing was left half-done."""
    checked = home.must("db", "validate", "--json").data()
    assert checked["sound"], checked


def require_told(done: Outcome, code: int, *words: str) -> None:
    """It failed with `code`, named every one of `words` on stderr, printed no traceback and nothing on stdout."""
    assert done.code == code, f"{done.code}: {done.err}"
    assert "Traceback" not in done.err, done.err
    for word in words:
        assert word in done.err, done.err
    assert done.out == ""


def dead(pids: Sequence[int], patience: float = 15.0) -> bool:
    """Whether all of `pids` end within `patience` seconds."""
    deadline = time.monotonic() + patience
    while any(psutil.pid_exists(pid) and not _zombie(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
