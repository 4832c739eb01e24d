"""One PostgreSQL cluster on this machine: made once, started without `pg_ctl`, asked through its own pid file.

`pg_ctl` looks every 100 ms; the server itself is ready after some 25 ms. The cluster appears whole or not at
all: `initdb` works in a draft folder that is renamed when it is done.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from makenaide.domain.errors import DatabaseUnavailable, DiskFull, MakenaideError, Misconfigured
from makenaide.store.binaries import Binaries
from makenaide.store.processes import Account, all_in, birth, me, works_in

SUPERUSER = "postgres"
_LOCALE = "C" if sys.platform == "darwin" else "C.UTF-8"
_READY, _STARTING = "ready", "starting"
_PAUSE = 0.002
_LOG_LIMIT = 8 * 1024 * 1024
_PROMPT, _OVERRUN = 15.0, 15.0
_TRY_AGAIN = ("lock file", "shared memory block")
_PATH = "/usr/local/bin:/usr/bin:/bin"
_DETACH = '"$@" </dev/null >>server.log 2>&1 & echo $!'
"""Through a shell the server becomes nobody's child: it outlives us, and the system reaps it when it dies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that answers: its process, and the folder of its socket."""

    pid: int
    born: str
    socket: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The files of one cluster below `folder`, which belongs to `account`."""

    folder: Path
    account: Account

    @property
    def data(self) -> Path:
        """The server's data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server said."""
        return self.folder / "server.log"

    @property
    def exists(self) -> bool:
        """Whether the cluster was made."""
        return (self.data / "PG_VERSION").is_file()

    @property
    def major(self) -> int | None:
        """The major version of the data; None before there is any."""
        return int((self.data / "PG_VERSION").read_text(encoding="ascii")) if self.exists else None

    def running(self) -> Running | None:
        """The server if it is ready for connections, without asking it anything."""
        lines = self._pid_file()
        if len(lines) < 8 or lines[7].strip() != _READY:
            return None
        pid, socket = int(lines[0]), Path(lines[4])
        born = birth(pid)
        if born is None or not works_in(pid, self.data) or not (socket / ".s.PGSQL.5432").exists():
            return None
        return Running(pid=pid, born=born, socket=socket)

    def make(self, binaries: Binaries, password: str) -> None:
        """Run `initdb`; the superuser gets `password`, which is on no command line."""
        draft = self.folder / f"draft-{secrets.token_hex(4)}"
        word = self.folder / f"{draft.name}.word"
        try:
            word.touch(mode=0o600)
            os.chown(word, self.account.uid, self.account.gid)
            word.write_text(password + "\n", encoding="ascii")
            self._run(
                [
                    str(binaries.program("initdb")),
                    *("--pgdata", str(draft), "--username", SUPERUSER, "--pwfile", str(word)),
                    *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", _LOCALE),
                ]
            )
            draft.rename(self.data)
        finally:
            word.unlink(missing_ok=True)
            shutil.rmtree(draft, ignore_errors=True)

    def start(self, binaries: Binaries, socket: Path, patience: float) -> Running:
        """Start the server and wait until it is ready; `DatabaseUnavailable` with its last words if it never is.

        For a moment after a violent death the old server's processes may still hold its memory: tried again. A
        server that is still repairing its data is waited for, and left to its work when patience ends.
        """
        deadline = time.monotonic() + patience
        while True:
            begin = self._begin_log()
            pid = self._starting() or self._launch(binaries, socket)
            while birth(pid) is not None and time.monotonic() < deadline:
                running = self.running()
                if running is not None:
                    return running
                time.sleep(_PAUSE)
            said = _words_after(begin, self.log)
            if time.monotonic() >= deadline or not any(each in said for each in _TRY_AGAIN):
                if birth(pid) is not None and self._own_pid() is None:
                    os.kill(pid, signal.SIGKILL)  # it never was a server
                raise _failure("the embedded PostgreSQL did not start", said, self.log)
            time.sleep(0.1)

    def stop(self, known: Running | None = None) -> None:
        """Stop the server, if it runs: fast, and if it does not obey, at once; its data is safe either way."""
        pid = known.pid if known is not None and birth(known.pid) == known.born else self._own_pid()
        if pid is None:
            return
        for order, patience in ((signal.SIGINT, _PROMPT), (signal.SIGQUIT, _OVERRUN)):
            try:
                os.kill(pid, order)
            except ProcessLookupError:
                return
            if _wait(lambda: birth(pid) is None, patience):
                return
        raise DatabaseUnavailable(f"the embedded PostgreSQL (process {pid}) does not stop")

    def _pid_file(self) -> Sequence[str]:
        try:
            return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return ()

    def _own_pid(self) -> int | None:
        lines = self._pid_file()
        if not lines or not lines[0].isdigit():
            return None
        pid = int(lines[0])
        return pid if works_in(pid, self.data) else None

    def _starting(self) -> int | None:
        """The server that somebody started and that is not ready yet."""
        pid, lines = self._own_pid(), self._pid_file()
        return None if len(lines) > 7 and lines[7].strip() != _STARTING else pid

    def _clear_remains(self) -> None:
        """Take away what a killed server left, once none of its processes lives; an unready server is stopped.

        PostgreSQL itself asks only whether the number in the file is in use, by whomever.
        """
        if not self._pid_file():
            return
        self.stop()
        if not _wait(lambda: not any(all_in(self.data)), 5.0):
            return  # let the server judge, and say why
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _launch(self, binaries: Binaries, socket: Path) -> int:
        self._clear_remains()
        for left in socket.glob(".s.PGSQL.*"):
            left.unlink(missing_ok=True)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(socket),
            "unix_socket_permissions": "0700",
            "port": "5432",
            "max_connections": "40",
            "shared_buffers": "64MB",
            "max_wal_size": "256MB",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_destination": "stderr",
            "log_statement": "ddl",
            "logging_collector": "off",
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
        }
        if binaries.has_library("pg_stat_statements"):
            settings["shared_preload_libraries"] = "pg_stat_statements"
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = [str(binaries.program("postgres")), "-D", str(self.data), *options]
        return int(self._run(["/bin/sh", "-c", _DETACH, "sh", *server]))

    def _begin_log(self) -> int:
        """Where the next words will begin; a long log is put aside first."""
        if not self.log.exists():
            return 0
        size = self.log.stat().st_size
        if size > _LOG_LIMIT and self._own_pid() is None:
            self.log.replace(self.log.with_suffix(".log.1"))
            return 0
        return size

    def _run(self, command: Sequence[str]) -> str:
        """Run as the cluster's account, in its folder, in a session of its own; `_failure` if it fails."""
        other: dict[str, Any] = {}
        if self.account != me():
            other = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        try:
            done = subprocess.run(
                command,
                **other,
                cwd=self.folder,
                env={"PATH": _PATH, "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                start_new_session=True,
                umask=0o077,
            )
        except PermissionError as fault:
            raise Misconfigured(f"cannot run {command[0]} as user number {self.account.uid}: {fault}") from fault
        if done.returncode != 0:
            raise _failure(f"{Path(command[0]).name} failed", done.stdout + done.stderr, self.folder)
        return str(done.stdout)


def _words_after(begin: int, log: Path) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(begin)
        return file.read().decode(errors="replace")


def _wait(condition: Callable[[], bool], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True


def _failure(headline: str, said: str, place: Path) -> MakenaideError:
    if "No space left on device" in said:
        return DiskFull(f"{headline}: no space left for {place}")
    words = [line for line in said.strip().splitlines() if line.strip()][-3:]
    return DatabaseUnavailable(f"{headline} (see {place}): {' / '.join(words) or 'it said nothing'}")
