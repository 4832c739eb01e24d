"""Bad input: each fault has its exit code and a message that names the place, and leaves nothing half-done."""

import http.server
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from makenaide.store.db import Database, Role, StoreSettings
from makenaide.store.embedded import EmbeddedPostgres
from tests.acceptance.conftest import Finished
from tests.acceptance.worlds import LIVELY, TRADING, Home, Make, require_sound, require_told

HUSH = "tell-nobody"
HEADER = "timestamp,open,high,low,close,volume"
GOOD = [f"2025-01-0{day}T00:00:00Z,100,110,90,105,{day}" for day in range(1, 8)]

FAULTS = {
    "a wrong column": ([HEADER.replace("high", "hihg"), *GOOD], ("line 1", "high")),
    "high below low": ([HEADER, *GOOD[:2], "2025-01-03T00:00:00Z,100,90,110,105,1"], ("line 4", "high")),
    "a time twice": ([HEADER, GOOD[0], GOOD[1], GOOD[1]], ("line 4", "timestamp")),
    "descending time": ([HEADER, GOOD[0], GOOD[2], GOOD[1]], ("line 4", "timestamp")),
    "not a number": ([HEADER, GOOD[0], "2025-01-02T00:00:00Z,NaN,110,90,105,1"], ("line 3", "open")),
    "a word": ([HEADER, "2025-01-02T00:00:00Z,100,110,90,dear,1"], ("line 2", "close")),
    "negative volume": ([HEADER, GOOD[0], "2025-01-02T00:00:00Z,100,110,90,105,-1"], ("line 3", "volume")),
    "a missing cell": ([HEADER, "2025-01-02T00:00:00Z,100,110,90,105"], ("line 2", "columns")),
    "no candle": ([HEADER], ("line 2",)),
    "nothing": ([], ("line 1", "empty")),
}


def candles(folder: Path, lines: list[str], name: str = "KRW-BTC_1d.csv") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


@pytest.mark.parametrize("fault", FAULTS)
def test_broken_candles_are_refused_with_file_and_line(home: Home, tmp_path: Path, fault: str) -> None:
    lines, words = FAULTS[fault]
    file = candles(tmp_path / "replay", lines)
    done = home.inside("exchange", "simulate", "--replay", str(file))
    require_told(done, 5, str(file), *words)


def test_a_run_on_broken_candles_opens_no_account(home: Home, tmp_path: Path) -> None:
    lines, words = FAULTS["high below low"]
    file = candles(tmp_path / "replay", lines)
    require_told(home.call("run", "--json", "--replay", str(file.parent)), 5, str(file), *words)
    assert home.must("status", "--json").data()["account"] is None
    require_sound(home)


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("nowhere", 3, ("nowhere", "No such file")),
        ("empty", 5, ("empty", ".csv")),
        ("KRW-BTC.csv", 5, ("KRW-BTC.csv", "KRW-BTC_60m.csv")),
        ("BTC_1d.csv", 5, ("BTC_1d.csv",)),
    ],
)
def test_a_path_without_candles_is_refused(
    home: Home, tmp_path: Path, path: str, code: int, words: tuple[str, ...]
) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("KRW-BTC.csv", "BTC_1d.csv"):
        candles(tmp_path, [HEADER, *GOOD], name)
    require_told(home.inside("exchange", "simulate", "--replay", str(tmp_path / path)), code, *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[risk]\nmax_postions = 5\n", ("risk.max_postions", "did you mean max_positions?")),
        ("[rsik]\nmax_positions = 5\n", ("rsik", "did you mean risk?")),
        ("[risk]\nmax_positions = -1\n", ("risk.max_positions", "-1")),
        ("[risk]\nmax_positions = 'many'\n", ("risk.max_positions", "many")),
        ("[strategy]\nma_days = 1.5\n", ("strategy.ma_days", "1.5")),
        ("[schedule]\nslots = ['09:00', '25:00']\n", ("schedule.slots", "25:00")),
        ("[schedule]\nslots = ['10:00']\n", ("schedule.slots", "09:00")),
        ("risk = 5\n", ("risk", "table")),
        ("[risk\n", ("makenaide.toml", "not TOML", "line 1")),
        ("[paper]\nkrw = nan\n", ("paper.krw",)),
        ("[upbit.retry]\nattempts = 0\n", ("upbit.retry.attempts", "0")),
    ],
)
@pytest.mark.parametrize("command", [("config", "check"), ("status",), ("run", "--json")], ids=" ".join)
def test_a_wrong_setting_is_named_before_anything_is_started(
    home: Home, text: str, words: tuple[str, ...], command: tuple[str, ...]
) -> None:
    home.configure(text)
    require_told(home.inside(*command), 3, *words)
    assert [each.name for each in home.path.iterdir()] == ["makenaide.toml"]


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"MAKENAIDE_RISK__MAX_POSITIONS": "many"}, ("risk.max_positions", "many")),
        ({"MAKENAIDE_RISK__MAX_POSITION": "1"}, ("risk.max_position", "max_positions")),
        ({"MAKENAIDE_HOEM": "/x"}, ("MAKENAIDE_HOEM", "MAKENAIDE_HOME")),
        ({"MAKENAIDE_CONFIG": "/nowhere/x.toml"}, ("MAKENAIDE_CONFIG", "/nowhere/x.toml")),
        ({"MAKENAIDE_RISK": "1"}, ("MAKENAIDE_RISK",)),
    ],
)
def test_a_wrong_variable_is_named(home: Home, env: dict[str, str], words: tuple[str, ...]) -> None:
    require_told(home.inside("config", "check", env=env), 3, *words)


def test_an_address_of_the_exchange_that_is_none_is_refused(home: Home) -> None:
    home.configure('[upbit]\nbase_url = "ftp://example.invalid"\n')
    require_told(home.call("scan", "--exchange", "upbit"), 3, "ftp://example.invalid")


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        (f"postgresql://u:{HUSH}@127.0.0.1:1/x", 6, ("127.0.0.1:1",)),
        (f"postgresql://u:{HUSH}@nowhere.invalid/x", 6, ("nowhere.invalid",)),
        (f"postgresql://u:{HUSH}@[::1/x", 3, ("DATABASE_URL",)),
        ("what is this", 3, ("DATABASE_URL",)),
    ],
)
@pytest.mark.parametrize("command", [("status",), ("run", "--json"), ("db", "validate")], ids=" ".join)
def test_a_database_out_of_reach_is_named_without_its_password(
    home: Home, address: str, code: int, words: tuple[str, ...], command: tuple[str, ...]
) -> None:
    done = home.inside(*command, env={"DATABASE_URL": address})
    require_told(done, code, *words)
    assert HUSH not in done.err


def test_a_home_that_cannot_be_a_folder_is_refused(home: Home) -> None:
    home.path.write_text("a file")
    require_told(home.inside("run", "--json"), 3, str(home.path))
    require_told(home.inside("status"), 3, str(home.path))
    home.path.unlink()


def test_a_database_of_another_version_is_left_alone(make_home: Make) -> None:
    server, home = make_home("server"), make_home("home")
    with EmbeddedPostgres(server.path) as postgres:
        env = {"DATABASE_URL": postgres.conninfo}
        require_told(home.inside("run", "--json", env=env), 7, "db init")
        assert home.must("db", "init", "--json", env=env).data()["applied"]
        with Database.connect(postgres.conninfo, role=Role.OWNER, settings=StoreSettings(schema="paper")) as db:
            db.connection.execute(b"insert into migration (version, name, sha256) values (9999, 'later', 'x')")
        for command in (("run", "--json"), ("status",), ("db", "init"), ("db", "validate"), ("report",)):
            require_told(home.inside(*command, env=env), 7, "9999")


def test_a_page_on_a_full_disk_is_told_as_such(short: Finished) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    require_told(short.home.call("report", "--html", "/dev/full"), 9, "/dev/full", "The disk is full")


def test_a_page_in_a_folder_that_is_not_there_is_refused(short: Finished, tmp_path: Path) -> None:
    require_told(short.home.call("report", "--html", str(tmp_path / "no" / "page.html")), 3, "page.html")


@pytest.mark.parametrize("command", [("report", "--json"), ("report",), ("status",), ("--help",)], ids=" ".join)
def test_output_that_finds_no_room_is_told_as_such(short: Finished, command: tuple[str, ...]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    going = short.home.start(*command, out=Path("/dev/full"))
    done = going.outcome()
    assert done.code == 9, done.err
    assert "The disk is full" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["report --json", "report", "config show"])
def test_a_reader_who_has_seen_enough_is_no_fault(short: Finished, command: str) -> None:
    makenaide = f"{sys.executable} -m makenaide {command}"
    piped = subprocess.run(
        ["/bin/bash", "-c", f"{makenaide} | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}"],
        env={**os.environ, "MAKENAIDE_HOME": str(short.home.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert piped.returncode == 0, piped.stderr
    assert "Traceback" not in piped.stderr


@pytest.fixture
def aside(make_home: Make) -> Iterator[dict[str, str]]:
    """A database on another disk than the home: the variable that leads there."""
    server = make_home("server")
    with EmbeddedPostgres(server.path) as postgres:
        yield {"DATABASE_URL": postgres.conninfo}


@pytest.mark.parametrize("room", [1500, 9000])
def test_a_run_on_a_full_disk_stops_and_goes_on_when_there_is_room_again(
    trading: Finished, home: Home, aside: dict[str, str], room: int
) -> None:
    """No file may grow beyond `room` bytes: world, log and command log of the simulator run into it one by one."""
    home.configure(LIVELY)
    home.must("db", "init", env=aside)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    require_told(home.call(*TRADING, env=aside, preexec_fn=limited), 9, "The disk is full", str(home.path))
    assert home.must("db", "validate", "--json", env=aside).data()["sound"]
    assert home.must(*TRADING, env=aside).out == trading.first.out
    assert home.must("reconcile", "--json", env=aside).data()["equal"] is True


class _Venue(http.server.BaseHTTPRequestHandler):
    status, body, silent = 200, b"", False

    def do_GET(self) -> None:
        if self.silent:
            time.sleep(5)
            return
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *anything: object) -> None:
        """Say nothing."""


@contextmanager
def venue(status: int, body: bytes, *, silent: bool) -> Iterator[str]:
    """A server that always gives the same answer, or none; gives its address."""
    kind = type("Fixed", (_Venue,), {"status": status, "body": body, "silent": silent})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


HASTE = """
[upbit.transport]
connect = 0.3
read = 0.3
total = 0.5
[upbit.retry]
base = 0.01
patience = 1.0
"""

ANSWERS = {
    "500": (500, b'{"error":{"name":"internal_server_error","message":"x"}}', False, "answered 500"),
    "429": (429, b"Too many API requests.", False, "shut this group"),
    "418": (418, b'{"error":{"name":418,"message":"blocked for 300 seconds"}}', False, "shut this group"),
    "html": (200, b"<!doctype html><html>maintenance</html>", False, "malformed"),
    "garbage": (200, b"\xff\x00\x01{{{", False, "malformed"),
    "another shape": (200, b'{"market":"KRW-BTC"}', False, "array"),
    "an empty list": (200, b"[]", False, "empty"),
    "a refusal": (400, b'{"error":{"name":400,"message":"no"}}', False, "refused with 400"),
    "never": (200, b"", True, "tries failed"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_venue_out_of_its_mind_is_told_and_given_up_in_time(
    short: Finished, tmp_path: Path, answer: str
) -> None:
    status, body, silent, word = ANSWERS[answer]
    settings = tmp_path / "settings.toml"
    with venue(status, body, silent=silent) as address:
        settings.write_text(f'[upbit]\nbase_url = "{address}"\n{HASTE}', encoding="utf-8")
        env = {"MAKENAIDE_CONFIG": str(settings)}
        done = short.home.inside("scan", "--json", "--exchange", "upbit", env=env)
    require_told(done, 11, "/v1/market/all", word)
    assert done.seconds < 30


def test_a_paper_run_tells_that_the_venue_fails_and_stops_when_asked(home: Home) -> None:
    with venue(500, b"", silent=False) as address:
        home.configure(f'[upbit]\nbase_url = "{address}"\n{HASTE}')
        going = home.start("run", "--json", "--exchange", "upbit")
        going.wait_for(lambda: "answered 500" in going.said())
        assert home.must("status", "--json").data()["account"]["running"]
        stopped = going.end()
    assert stopped.code == 0, stopped.err
    assert stopped.seconds < 5
    assert "Traceback" not in stopped.err
    assert stopped.data()["equity"] == []
    require_sound(home)
