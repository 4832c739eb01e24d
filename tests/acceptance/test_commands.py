"""Every command besides `run`: what it prints for people and for programs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import Finished
from tests.acceptance.worlds import Home, require_told

COMMANDS = (
    "run",
    "report",
    "status",
    "scan",
    "collect",
    "decide",
    "trace",
    "reconcile",
    "halt",
    "live",
    "live check",
    "live confirm",
    "live import-rehearsal",
    "db",
    "db init",
    "db validate",
    "exchange",
    "exchange simulate",
    "config",
    "config show",
    "config check",
)


@pytest.mark.parametrize("command", ["", *COMMANDS])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_command_explains_itself_in_both_languages(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, language: str
) -> None:
    monkeypatch.setenv("MAKENAIDE_LANG", language)
    for name in [each for each in sys.modules if each.startswith("makenaide.cli")]:
        monkeypatch.delitem(sys.modules, name)
    from makenaide.cli import main  # noqa: PLC0415 - read anew, in the language that was set

    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert "Usage: makenaide" in shown
    assert bool(re.search("[가-힣]", shown)) is (language == "ko")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("repot",), "report"),
        (("stauts",), "status"),
        (("run", "--sed", "1"), "--seed"),
        (("run", "--seed", "x"), "--seed"),
        (("run", "--days", "0"), "--days"),
        (("trace",), "ORDER"),
    ],
)
def test_a_misspelt_command_line_names_what_was_meant(home: Home, arguments: tuple[str, ...], hint: str) -> None:
    require_told(home.inside(*arguments), 2, hint)
    assert not home.path.exists(), "a mere misspelling made a data folder"


def test_help_loads_neither_arrays_nor_database_nor_cloud(home: Home) -> None:
    show = (
        "import sys; sys.argv = ['makenaide', '--help']\n"
        "try:\n    from makenaide.cli import main; main()\n"
        "except SystemExit:\n    pass\n"
        "print('LOADED', *sorted(m for m in sys.modules if '.' not in m))"
    )
    loaded = _loaded(home, show)
    assert not loaded & {"numpy", "psycopg", "boto3", "rich", "urllib3", "uvicorn", "asyncio", "msgspec"}


def test_status_loads_neither_arrays_nor_the_exchange(short: Finished) -> None:
    show = (
        "import sys; sys.argv = ['makenaide', 'status']\n"
        "try:\n    from makenaide.cli import main; main()\n"
        "except SystemExit:\n    pass\n"
        "print('LOADED', *sorted(sys.modules))"
    )
    loaded = _loaded(short.home, show)
    assert "makenaide.cli.status" in loaded
    assert not loaded & {"numpy", "boto3", "urllib3", "uvicorn", "makenaide.app.venues"}


def _loaded(home: Home, program: str) -> set[str]:
    env = {**os.environ, "MAKENAIDE_HOME": str(home.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.rpartition("LOADED")[2].split())


def test_status_of_an_empty_home_says_how_to_begin(home: Home) -> None:
    assert "makenaide run" in home.must("status").out
    assert home.must("status", "--json").data()["account"] is None


def test_status_tells_where_a_finished_account_stands(short: Finished) -> None:
    account = short.home.must("status", "--json").data()["account"]
    assert account["finished"]
    assert not account["running"]
    assert account["last_slot"] == account["ends"]
    assert account["flaws"] == account["unsettled_orders"] == []
    assert account["id"] == short.first.data()["account"]["id"]
    assert account["id"] in short.home.must("status").out


def test_the_report_is_the_one_the_run_printed(short: Finished) -> None:
    assert short.home.must("report", "--json").out == short.first.out


def test_the_page_holds_everything_in_one_file(trading: Finished, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert trading.home.must("report", "--html", str(page)).out == ""
    text = page.read_text(encoding="utf-8")
    assert "says nothing about profit" in text
    assert "<svg" in text
    assert "://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert trading.first.data()["trades"][0]["market"] in text
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".part")] == []


def test_scan_collect_decide_and_reconcile_work_on_the_account_used_last(short: Finished) -> None:
    home = short.home
    scanned = home.must("scan", "--json").data()
    assert len(scanned["markets"]) == 6
    assert {row["market"] for row in scanned["markets"]} >= {"KRW-BTC"}
    collected = home.must("collect", "--json").data()
    assert collected["new_candles"] == 0
    assert collected["failed"] == {}
    decided = home.must("decide", "--json").data()
    assert set(decided) == {"day", "gate", "candidates"}
    explained = home.must("decide", "--explain", "KRW-BTC", "--json").data()
    assert {rule["rule"] for rule in explained["rules"]} >= {"history", "stage", "above_pivot", "volume_ratio"}
    assert home.must("reconcile", "--json").data()["equal"] is True
    assert home.must("report", "--json").out == short.first.out


def test_an_explained_decision_shows_every_rule_to_a_person(short: Finished) -> None:
    shown = short.home.must("decide", "--explain", "krw-btc", env={"MAKENAIDE_LANG": "ko"}).out
    assert "KRW-BTC" in shown
    assert len(re.findall("[✓✗?] ", shown)) >= 8
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("code", "words"),
    [("KRW-BTK", ("KRW-BTK", "KRW-BTC")), ("KRW-NOSUCHCOIN", ("KRW-NOSUCHCOIN",)), ("bit coin", ("bit coin",))],
)
def test_an_unknown_market_is_named_with_the_nearest_known_one(
    short: Finished, code: str, words: tuple[str, ...]
) -> None:
    require_told(short.home.call("decide", "--explain", code), 4, *words)


def test_a_trade_can_be_followed_by_identifier_and_by_the_venues_id(trading: Finished) -> None:
    home = trading.home
    position = trading.first.data()["trades"][0]["position"]
    identifier = f"mk1-{trading.first.data()['account']['id'][:4]}-{position}-e01"
    told = home.must("trace", identifier, "--json").data()
    assert {"candles", "features", "gate", "size", "entry", "orders", "stops"} <= set(told)
    assert told["candles"]
    assert told["features"]
    entry, *exits = told["orders"]
    assert exits
    for order in told["orders"]:
        assert order["events"]
        assert order["fills"]
        assert order["postings"]
    uuid = next(event["uuid"] for event in entry["events"] if event["uuid"])
    by_uuid = home.must("trace", uuid, "--json").data()
    assert by_uuid["orders"] == told["orders"]
    shown = home.must("trace", identifier).out
    assert identifier in shown
    assert uuid in shown


def test_an_unknown_order_is_told_as_such(trading: Finished) -> None:
    require_told(trading.home.call("trace", "mk1-none"), 3, "mk1-none")


def test_the_configuration_is_shown_and_checked(home: Home) -> None:
    home.configure("[risk]\nmax_positions = 5\n")
    shown = home.must("config", "show", "--json").data()
    assert shown["risk"]["max_positions"] == 5
    assert (
        home.must("config", "show", "--json", env={"MAKENAIDE_RISK__MAX_POSITIONS": "4"}).data()["risk"][
            "max_positions"
        ]
        == 4
    )
    checked = home.must("config", "check", "--json").data()
    assert checked["sound"]
    assert checked["smallest_account_krw"] > 0
    assert "risk.max_positions" in home.must("config", "show").out


def test_the_database_is_made_once_and_found_sound(home: Home) -> None:
    assert home.must("db", "init", "--json").data()["applied"]
    assert home.must("db", "init", "--json").data()["applied"] == []
    checked = home.must("db", "validate", "--json").data()
    assert checked == {"sound": True, "differences": [], "accounts": []}


def test_json_is_all_that_stdout_holds(short: Finished) -> None:
    for command in (("status",), ("report",), ("config", "show"), ("config", "check"), ("db", "validate")):
        json.loads(short.home.must(*command, "--json").out)
