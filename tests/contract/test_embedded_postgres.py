"""The embedded server's life: real clusters in real homes, every one removed by the test that made it."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from makenaide.domain.errors import DatabaseUnavailable, Inconsistent, InUse, Misconfigured
from makenaide.store.db import Database, Role
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.processes import birth
from tests.contract.conftest import Make, ask, dead, tell

USER = """
import sys
from pathlib import Path
from makenaide.store.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1])).start()
print(server.pid, flush=True)
sys.stdin.readline()
server.stop()
"""


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
    assert dead(first.pid)
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


def test_twenty_starts_at_once_make_one_server(make: Make) -> None:
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


def test_a_forked_child_has_no_claim_to_give_back(make: Make, home: Path) -> None:
    fork = "\nimport os\nif os.fork() == 0:\n    server.stop()\n    os._exit(0)\nos.wait()\n"
    script = USER.partition("print")[0] + fork
    with make() as server:
        pid = server.pid
        subprocess.run([sys.executable, "-c", script, str(home)], check=True, timeout=20)
        assert ask(server, "select 1") == 1
    assert birth(pid) is None


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
    pid, socket = server.pid, Path(str(ask(server, "show unix_socket_directories")))
    shutil.rmtree(server.home)
    server.stop()
    assert birth(pid) is None
    assert not socket.exists()
    server.remove()
    assert not server.location.exists()


def test_removing_is_refused_while_another_process_uses_it(make: Make, home: Path) -> None:
    with another_user(home) as process:
        first_word(process)
        with pytest.raises(InUse, match=str(process.pid)):
            make().remove()
        process.communicate("\n", timeout=20)


def test_a_lost_password_file_is_named(make: Make, home: Path) -> None:
    with make():
        pass
    secret = (home / "postgres.secret").rename(home / "put aside")
    with pytest.raises(Misconfigured, match=r"postgres\.secret is missing"):
        make().start()
    secret.rename(home / "postgres.secret").chmod(0o644)
    with make() as server:
        assert ask(server, "select 1") == 1
    assert stat.S_IMODE((home / "postgres.secret").stat().st_mode) == 0o600


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="cannot be used"):
        EmbeddedPostgres(tmp_path / "file").start()


def test_windows_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(Misconfigured, match="set DATABASE_URL or use WSL"):
        EmbeddedPostgres(home)
