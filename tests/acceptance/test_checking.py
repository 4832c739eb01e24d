"""`makenaide check` and `acknowledge` as people and programs meet them."""

from typing import Any

import pytest

from makenaide.domain.verdict import Verdict, worst
from tests.acceptance.worlds import SHORT, Home, Outcome, require_told

MORNING = [f"M{number}" for number in range(1, 11)]
EVENING = [f"E{number}" for number in range(1, 10)]
READINESS = [f"B{number}" for number in range(1, 11)]
FACTS = {"id", "title", "verdict", "value", "source", "taken_at", "valid_until", "said", "severity", "runbook"}


def checked(done: Outcome, what: str) -> list[dict[str, Any]]:
    """The checks of a list's JSON, which exited with its worst verdict."""
    data = done.data()
    assert data["list"] == what
    found: list[dict[str, Any]] = data["checks"]
    verdicts = [Verdict(each["verdict"]) for each in found]
    assert data["verdict"] == str(worst(verdicts))
    assert done.code == worst(verdicts).exit_code, done.err
    assert all(each.keys() >= FACTS for each in found)
    assert all(each["taken_at"] == data["taken_at"] for each in found)
    assert all(each["taken_at"] < each["valid_until"] for each in found)
    assert all(each["source"] and each["said"] for each in found)
    assert all(bool(each["remedy"]) is not Verdict(each["verdict"]).quiet for each in found)
    return found


def test_every_list_of_a_finished_run_is_looked_at_kept_and_compared(home: Home) -> None:
    home.must(*SHORT)
    for what, ids in (("morning", MORNING), ("evening", EVENING), ("readiness", READINESS)):
        found = checked(home.call("check", what, "--json"), what)
        assert [each["id"] for each in found] == ids
        assert not [each for each in found if each["verdict"] == "FAIL"], found
        assert not [each for each in found if "raised" in each["said"]], found

    single = home.call("check", "b9", "--json")
    (sound,) = checked(single, "B9")
    assert (sound["verdict"], single.code, single.data()["stored"]) == ("PASS", 0, True)

    table = home.call("check", "readiness")
    assert table.code == 0, "a sound paper account may buy"
    assert "\x1b[" not in table.out
    assert table.out.splitlines()[0].startswith("Verdict  Check")
    assert table.out.splitlines()[-1].startswith("readiness: PASS")
    korean = home.call("check", "B2", "--markdown", env={"MAKENAIDE_LANG": "ko"})
    assert korean.out.startswith("# B2: PASS")
    assert "장부와 잔고 일치" in korean.out
    assert home.call("check", "B10", "--html").out.startswith("<!doctype html>")


def test_a_warning_is_folded_until_its_day_once_a_person_has_seen_it(home: Home) -> None:
    home.must(*SHORT)
    (home.path / "dashboard" / "panels.json").unlink()
    (board,) = checked(home.call("check", "M4", "--json"), "M4")
    assert (board["verdict"], board["acknowledged_until"]) == ("WARN", None)
    home.must("acknowledge", "m4", "--until", "2099-12-31", "--note", "known")
    (board,) = checked(home.call("check", "M4", "--json"), "M4")
    assert (board["verdict"], board["acknowledged_until"]) == ("WARN", "2099-12-31")
    require_told(home.call("acknowledge", "M4", "--until", "2001-01-01"), 3, "that day is over")


def test_a_fresh_home_is_looked_at_and_says_what_is_missing(home: Home) -> None:
    found = {each["id"]: each for each in checked(home.call("check", "morning", "--json"), "morning")}
    assert found["M1"]["verdict"] == "PASS"
    assert found["M6"]["verdict"] == "UNKNOWN"
    assert "makenaide run" in found["M6"]["said"]
    ready = home.call("check", "readiness", "--json")
    assert ready.code == Verdict.UNKNOWN.exit_code
    assert ready.data()["account"] is None


def test_a_database_that_is_away_is_a_finding_and_no_fault(home: Home) -> None:
    away = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    done = home.call("check", "morning", "--json", env=away)
    found = {each["id"]: each["verdict"] for each in checked(done, "morning")}
    assert (found["M1"], found["M5"], found["M7"]) == ("FAIL", "FAIL", "UNKNOWN")
    assert done.data()["stored"] is False
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "mornin"), ("mornin", "morning")),
        (("check", "M11"), ("M11", "M1")),
        (("check", "[bold]\x1b[31m"), ("unknown",)),
        (("acknowledge", "M44", "--until", "2099-01-01"), ("M44", "M4")),
        (("acknowledge", "morning", "--until", "2099-01-01"), ("unknown",)),
    ],
)
def test_a_name_that_is_not_known_gets_the_nearest(
    home: Home, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    done = home.inside(*arguments)
    require_told(done, 3, *words)
    assert "\x1b" not in done.err
    assert not (home.path / "postgres").exists(), "nothing was opened for it"


def test_real_money_is_not_taken_for_paper_because_the_database_is_away(home: Home) -> None:
    keyed = {
        "DATABASE_URL": "postgresql://127.0.0.1:9/none",
        "MAKENAIDE_UPBIT__BASE_URL": "http://127.0.0.1:9",
        "MAKENAIDE_UPBIT_ACCESS_KEY": "access",
        "MAKENAIDE_UPBIT_SECRET_KEY": "s" * 40,
    }
    for what in ("evening", "readiness"):
        found = checked(home.call("check", what, "--mode", "live", "--json", env=keyed), what)
        told = {each["id"]: (each["verdict"], each["said"]) for each in found}
        assert [name for name, (verdict, _) in told.items() if verdict == "N/A"] == []
        assert [name for name, (_, words) in told.items() if "no account yet" in words] == []
        for name in ("E6",) if what == "evening" else ("B1", "B2", "B3", "B4", "B7"):
            assert told[name][0] == "UNKNOWN"
            assert "127.0.0.1:9" in told[name][1]
