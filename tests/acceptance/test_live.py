"""Live mode as a user meets it: closed with every reason, opened at a simulator on this machine, not by accident."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from makenaide.app.database import open_store
from makenaide.app.person import person
from makenaide.environment import ACCESS_NAME, SECRET_NAME, load
from makenaide.store.db import Role
from makenaide.store.embedded import EmbeddedPostgres
from tests.acceptance.stage import Stage, staged
from tests.acceptance.worlds import Home, Make, require_told

CONDITIONS = ["venue", "keys", "withdrawal", "address", "limits", "rehearsal", "confirmation", "halt"]


@pytest.fixture
def stage(make_home: Make, tmp_path: Path) -> Iterator[Stage]:
    """Everything is in place but the rehearsal and the person's word."""
    with staged(make_home, tmp_path) as stage:
        yield stage


def test_in_an_empty_folder_everything_that_is_missing_is_told_at_once(home: Home) -> None:
    done = home.call("live", "check", "--json")
    assert done.code == 14, done.err
    told = done.data()
    assert told["open"] is False
    assert [each["name"] for each in told["conditions"]] == CONDITIONS
    verdicts = {each["name"]: each["verdict"] for each in told["conditions"]}
    assert verdicts["keys"] == verdicts["limits"] == verdicts["rehearsal"] == verdicts["confirmation"] == "FAIL"
    assert verdicts["withdrawal"] == verdicts["address"] == "UNKNOWN"
    assert all(each["todo"] for each in told["conditions"] if each["verdict"] != "PASS")
    require_told(home.call("run", "--mode", "live"), 14, "Live trading is closed", "keys", "limits", "rehearsal")
    require_told(home.call("scan", "--mode", "live"), 14, "Live trading is closed")


def test_the_way_to_live_trading_and_back(stage: Stage) -> None:
    """Refused, rehearsed, confirmed by a person, traded, restarted without a question, halted; the secret nowhere."""
    assert stage.check() == dict.fromkeys(CONDITIONS, "PASS") | {"rehearsal": "FAIL", "confirmation": "FAIL"}
    taken = stage.call("live", "import-rehearsal", str(stage.rehearsal()))
    assert taken.code == 0, taken.err
    refused = stage.home.call("run", "--mode", "live", "--json", env=stage.env)
    require_told(refused, 14, "1 of 8 preconditions", "confirmation")
    confirmless = stage.call("live", "confirm")
    require_told(confirmless, 14, "on a terminal")
    code, said = stage.typed("yes", "live", "confirm")
    assert code == 14, said
    code, said = stage.typed(stage.sentence(), "live", "confirm")
    assert (code, "Confirmed" in said) == (0, True), said
    assert stage.call("live", "check", "--json").code == 0
    halted = stage.call("halt", "--reason", "only looking")
    assert halted.code == 0, halted.err
    going = stage.home.start("run", "--mode", "live", "--json", env=stage.env)
    going.wait_for(lambda: "cycle.collect" in stage.home.actions())
    holders = [each for each in psutil.process_iter() if stage.secret in given_to(each)]
    assert going.process.pid in [each.pid for each in holders]
    others = [each.cmdline() for each in holders if each.pid != going.process.pid]
    assert all("guard" in command for command in others), "the guard alone of its children has the key"
    assert stage.secret not in str([each.cmdline() for each in holders])
    stopped = going.end()
    assert stopped.code == 0, stopped.err
    report = stopped.data()
    assert report["account"]["mode"] == "paper"
    assert stage.call("status", "--json").data()["account"]["venue"] == "simulator"
    wrong = stage.call("halt", "--lift", "--yes")
    require_told(wrong, 3, "a person has to type")
    said_all = [each.read_text(errors="replace") for each in written(stage.home.path)]
    said_all += [done.out + done.err for done in (taken, refused, confirmless, stopped, halted, wrong)]
    assert not [text for text in (*said_all, said) if stage.secret in text]


def given_to(process: psutil.Process) -> str:
    """The arguments and the variables of a process."""
    try:
        return f"{process.cmdline()} {process.environ()}"
    except psutil.Error:
        return ""


def written(home: Path) -> list[Path]:
    """Everything that was written beside and below the data folder, but the simulator's own."""
    logs = [each for each in home.parent.iterdir() if each.is_file() and each.name.startswith("live.")]
    return logs + [each for each in home.rglob("*") if each.is_file()]


def test_a_rehearsal_that_would_not_open_is_refused_with_its_reason(home: Home) -> None:
    stage = Stage(home=home, env={})
    old = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    for more, words in (
        ({"violations": 1}, "1 violations"),
        ({"seeds": 19}, "too small"),
        ({"code": "0" * 64}, "another code"),
        ({"configuration": "0" * 64}, "another configuration"),
        ({"taken_at": old}, "too old"),
    ):
        file = stage.rehearsal(**more)
        require_told(home.inside("live", "import-rehearsal", str(file)), 3, words)
    file = stage.rehearsal()
    file.write_bytes(file.read_bytes().replace(b"20", b"99"))
    require_told(home.inside("live", "import-rehearsal", str(file)), 3, "signature is wrong")
    file.write_bytes(b"nonsense")
    require_told(home.inside("live", "import-rehearsal", str(file)), 3, "damaged")
    require_told(home.inside("live", "import-rehearsal", str(file.with_name("none"))), 3, "cannot be read")
    assert home.inside("live", "import-rehearsal", str(stage.rehearsal())).code == 0


def test_the_kill_switch_needs_no_database_and_a_damaged_one_halts(home: Home) -> None:
    env = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    done = home.inside("halt", "--reason", "enough", env=env)
    assert done.code == 0, done.err
    assert "enough" in done.out
    assert (home.path / "halt.json").exists()
    assert home.inside("halt", "--lift", "--yes", env=env).code == 0
    assert not (home.path / "halt.json").exists()
    (home.path / "halt.json").write_text("{")
    status = home.inside("status", "--json").data()
    assert next(iter(status)) == "halt"
    assert "damaged" in status["halt"]["reason"]
    assert "BUYING IS halted" in home.inside("status").out.split("\n")[0]
    require_told(home.inside("halt", "--lift"), 3, "type a sentence on a terminal")
    told = home.inside("halt", "--lift", "--yes", "--json").data()
    assert told == {"halt": None, "noted": False}, "no database ran, and none was started for it"
    for wrong in ("", "--yes --reason x", "--reason x --lift"):
        assert home.inside("halt", *wrong.split()).code == 2
    assert home.inside("halt", "--reason", " ").code == 2


def test_a_database_that_runs_takes_a_note_of_the_switch(home: Home) -> None:
    assert home.inside("status").code == 0  # makes the schema
    with EmbeddedPostgres(home.path):
        for arguments, action in ((("--reason", "enough"), "halt.set"), (("--lift", "--yes"), "halt.lift")):
            assert home.inside("halt", *arguments, "--json").data()["noted"] is True
            with open_store(load({"MAKENAIDE_HOME": str(home.path)})) as store, store.open(Role.READER) as db:
                row = db.row("audit_installation", action="%")
            assert row is not None
            assert (row.action, row.actor, "enough" in row.detail["halt"]) == (action, person(), True)


def test_status_tells_a_halt_first_even_when_the_database_is_gone(home: Home) -> None:
    gone = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    assert home.inside("halt", "--reason", "enough", env=gone).code == 0
    done = home.inside("status", env=gone)
    assert done.code == 6
    assert done.out.startswith("BUYING IS halted")


def test_without_a_database_the_other_reasons_are_told_all_the_same(home: Home) -> None:
    told = home.inside("live", "check", "--json", env={"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"})
    verdicts = {each["name"]: each["verdict"] for each in told.data()["conditions"]}
    assert (told.code, verdicts["rehearsal"], verdicts["confirmation"]) == (14, "UNKNOWN", "UNKNOWN")
    assert verdicts["keys"] == "FAIL"


def test_a_test_can_send_no_key_anywhere_but_to_this_machine(home: Home) -> None:
    """The harness refuses before a process is started, for a process of its own is beyond the guard of sockets."""
    for env in ({ACCESS_NAME: "a"}, {ACCESS_NAME: "a", "MAKENAIDE_UPBIT__BASE_URL": "https://api.upbit.com"}):
        with pytest.raises(AssertionError, match="no key leaves this machine"):
            home.start("live", "check", env=env)
        with pytest.raises(AssertionError, match="no key leaves this machine"):
            home.inside("live", "check", env=env)


def test_live_mode_at_another_address_is_closed_and_no_key_goes_there(home: Home) -> None:
    env = {ACCESS_NAME: "a", SECRET_NAME: "b", "MAKENAIDE_UPBIT__BASE_URL": "http://127.0.0.1:9"}
    told = home.inside("live", "check", "--json", env=env)
    verdicts = {each["name"]: each["verdict"] for each in told.data()["conditions"]}
    assert (told.code, verdicts["venue"], verdicts["withdrawal"]) == (14, "FAIL", "UNKNOWN")
