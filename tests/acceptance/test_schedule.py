"""The schedule as a user meets it: what `makenaide schedule` shows, and the process that keeps it."""

import json
import signal
from datetime import datetime, timedelta
from typing import Any

from makenaide.app.detached import until
from makenaide.app.operation import Worker, process_of
from makenaide.domain.clock import KST
from makenaide.store.db import Database, Role
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.modes import Mode
from tests.acceptance.worlds import SHORT, Home, require_told

NAMES = ["audit", "backup", "database", "readiness", "decision", "morning", "evening"]


def test_in_a_fresh_home_the_schedule_is_shown_with_nothing_done_yet(home: Home) -> None:
    shown = home.must("schedule", "--json").data()
    assert [job["job"] for job in shown["jobs"]] == NAMES
    assert [job["last"] for job in shown["jobs"]] == [None] * len(NAMES)
    assert shown["account"] is None
    assert shown["steward"] is None
    now = datetime.fromisoformat(shown["now"])
    for job in shown["jobs"]:
        following = datetime.fromisoformat(job["next"])
        assert following.utcoffset() == timedelta(hours=9)
        assert job["times"] == [f"{following:%H:%M}"]
        assert 0 <= job["seconds"] <= 86_400
        assert abs((following - now).total_seconds() - job["seconds"]) <= 1
    assert {job["job"]: job["latest"] for job in shown["jobs"] if job["latest"]} == {"morning": "09:10"}
    assert {job["job"]: job["doer"] for job in shown["jobs"] if job["doer"] != "steward"} == {"decision": "trader"}


def test_the_table_is_in_the_users_language_and_names_every_time(home: Home) -> None:
    english, korean = home.must("schedule"), home.must("schedule", env={"MAKENAIDE_LANG": "ko"})
    for word in ("03:10", "03:30", "08:40", "08:50", "09:00, by 09:10", "18:00", "steward", "trader"):
        assert word in english.out
    assert "makenaide start" in english.err
    assert "저녁 점검" in korean.out
    assert "늦어도 09:10" in korean.out


def test_the_steward_keeps_the_schedule_alone_and_ends_at_once_when_asked(home: Home) -> None:
    home.must(*SHORT)
    going = home.start("schedule", "--run")
    going.wait_for(lambda: process_of(home.path, Worker.STEWARD) is not None and "steward.start" in home.actions())
    steward = process_of(home.path, Worker.STEWARD)
    assert steward is not None
    assert (steward.pid, steward.alive) == (going.process.pid, True)
    shown = home.must("schedule", "--json").data()
    assert shown["steward"] == {"process": steward.pid, "account": shown["account"]}
    decision = next(job for job in shown["jobs"] if job["job"] == "decision")
    assert decision["last"]["outcome"] == "done"
    require_told(home.call("schedule", "--run"), 8, "another process keeps the schedule")
    assert process_of(home.path, Worker.STEWARD) == steward
    done = going.end()
    assert done.code == 0, done.err
    assert done.seconds < 5, "at once, on a machine that is busy"
    assert "Traceback" not in done.err
    assert process_of(home.path, Worker.STEWARD) is None
    assert home.actions()[-1] == "steward.stop"
    lines = (home.path / "logs" / "makenaide.jsonl").read_text().splitlines()
    assert all(json.loads(line)["at"] for line in lines)


def test_the_steward_takes_a_list_that_is_due_and_tells_of_it_once(home: Home) -> None:
    home.must(*SHORT)
    slot = (datetime.now(KST) - timedelta(minutes=2)).replace(second=0, microsecond=0)
    home.configure(f'[operations]\nevening_at = "{slot:%H:%M}"\ncatch_up_minutes = 10\n')
    opened_yesterday(home)
    going = home.start("schedule", "--run")
    going.wait_for(lambda: last_of(home, "evening") is not None)
    last = last_of(home, "evening")
    assert last is not None
    assert datetime.fromisoformat(last["slot"]) == slot
    assert last["outcome"] == "done"
    assert going.end().code == 0
    again = home.start("schedule", "--run")
    again.wait_for(lambda: home.actions().count("steward.start") == 2 and messages(home))
    assert again.end().code == 0
    done = [line for line in log_of(home) if line.get("action") == "job.done" and line["job"] == "evening"]
    assert len(done) == 1
    assert len(messages(home)) == 1


def log_of(home: Home) -> list[dict[str, Any]]:
    """The program's log."""
    lines = (home.path / "logs" / "makenaide.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def messages(home: Home) -> list[dict[str, Any]]:
    """The evening list's messages, as the channel that is always there has them."""
    return [line for line in log_of(home) if str(line.get("key", "")).startswith("evening ")]


def last_of(home: Home, name: str) -> dict[str, str] | None:
    """The job's last slot that is over."""
    jobs = home.must("schedule", "--json").data()["jobs"]
    last: dict[str, str] | None = next(job["last"] for job in jobs if job["job"] == name)
    return None if last is None or last["outcome"] == "running" else last


def opened_yesterday(home: Home) -> None:
    """As far as the database knows."""
    paper = Mode.PAPER.settings
    with (
        EmbeddedPostgres(home.path) as server,
        Database.connect(server.conninfo, role=Role.OWNER, settings=paper) as db,
    ):
        db.connection.execute(b"update account set opened_at = now() - interval '1 day'")


def test_a_killed_stewards_place_is_free_for_the_next(home: Home) -> None:
    home.must(*SHORT)
    first = home.start("schedule", "--run")
    first.wait_for(lambda: "steward.start" in home.actions())
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(10)
    left = process_of(home.path, Worker.STEWARD)
    assert left is not None
    assert not left.alive
    assert home.must("schedule", "--json").data()["steward"] is None
    second = home.start("schedule", "--run")
    second.wait_for(lambda: home.actions().count("steward.start") == 2)
    assert until(lambda: (process_of(home.path, Worker.STEWARD) or left).pid == second.process.pid, 5)
    assert second.end(signal.SIGINT).code == 0


def test_without_an_account_nobody_keeps_a_schedule(home: Home) -> None:
    require_told(home.call("schedule", "--run"), 3, "no such account yet")
