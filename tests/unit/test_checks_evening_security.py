"""E5: a fixture that fires for each rule, and a clean one that fires none; logs are hostile and may have no end."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from makenaide.ops.check import Severity
from makenaide.ops.checks.security import security
from makenaide.ops.logrules import GUESSING, RULES, role_of, sweep
from makenaide.ops.scene import Gap, LogLine, Scene, Unread
from tests.unit.evening_scene import DOWN, NOW, Evening, ago, evening, keys, said


class Looks:
    """A database that knows of one look before, or of none."""

    def __init__(self, before: datetime | None) -> None:
        self._before = before

    def rows(self, name: str, *, subject: str, kinds: Iterable[str]) -> list[Any]:
        assert (name, list(kinds)) == ("evidence_latest", ["e5"])
        about: dict[str, Any] = {
            "kind": "e5",
            "subject": subject,
            "verdict": "PASS",
            "detail": {},
            "valid_until": None,
        }
        return [] if self._before is None else [SimpleNamespace(**about, taken_at=self._before)]


def looked(place: Evening, before: datetime | None = None) -> Scene:
    """A scene with books in which the look `before` stands."""
    return evening(place, books=lambda: nullcontext(Looks(before)))


STAMP = "2026-03-02 02:00:00.000 UTC [77] "
TERM = {"sessionContext": {"sessionIssuer": {"userName": "makenaide-trader"}}}


def database(text: str) -> LogLine:
    return LogLine(log="database", at=ago(1), text=STAMP + text)


def process(action: str, message: str = "m", **more: Any) -> LogLine:
    data = {"action": action, "message": message, "logger": "makenaide.app", **more}
    return LogLine(log="process", at=ago(1), text=message, data=data)


def cloud(event: str, **more: Any) -> LogLine:
    return LogLine(log="cloud", at=ago(1), text=json.dumps({"eventName": event, **more}))


def audit(action: str) -> LogLine:
    return LogLine(log="audit", at=ago(1), text=action, data={"action": action, "actor": "person"})


FIRES = [
    ("e5_failed_login", "WARN", database('FATAL:  password authentication failed for user "root"')),
    ("e5_failed_login", "WARN", database('FATAL:  no pg_hba.conf entry for host "203.0.113.7", user "x"')),
    ("e5_failed_login", "WARN", database('FATAL:  role "admin" does not exist')),
    ("e5_failed_login", "WARN", database('FATAL:  Peer authentication failed for user "x"')),
    ("e5_role_change", "FAIL", database("STATEMENT:  ALTER ROLE makenaide_reader SUPERUSER")),
    ("e5_role_change", "FAIL", database("LOG:  statement: grant all on audit to public")),
    ("e5_role_change", "FAIL", database("LOG:  execute <unnamed>: CREATE USER x")),
    ("e5_role_change", "FAIL", database("STATEMENT:  alter default privileges grant select on tables to x")),
    ("e5_role_change", "FAIL", database("LOG:  statement: \n\tALTER ROLE x SUPERUSER")),
    ("e5_role_change", "FAIL", database("LOG:  statement: /* x */ ALTER ROLE x")),
    ("e5_role_change", "FAIL", database("LOG:  statement:  -- x\n\t;;/* a /* b */ c */--\n\tgrant\n\tx to y")),
    ("e5_role_change", "FAIL", database("LOG:  statement: drop/**/policy p on t")),
    ("e5_role_change", "FAIL", database("LOG:  statement: /*" + "x" * 9_000 + "*/ create -- y\n\trole z")),
    ("e5_triggers_off", "FAIL", database("LOG:  statement: /**/alter table t\n\tdisable /* */ trigger all")),
    ("e5_triggers_off", "FAIL", database("LOG:  statement: drop trigger x on t")),
    ("e5_database_setting", "WARN", database("LOG:  statement: alter\n\tsystem reset all")),
    ("e5_database_setting", "WARN", database('LOG:  parameter "log_statement" changed to "none"')),
    ("e5_database_setting", "WARN", database("LOG:  statement: ALTER SYSTEM SET fsync = off")),
    ("e5_triggers_off", "FAIL", database("STATEMENT:  ALTER TABLE audit DISABLE TRIGGER ALL")),
    ("e5_triggers_off", "FAIL", database("LOG:  statement: SET session_replication_role = replica")),
    ("e5_tampering", "FAIL", database("ERROR:  order_event is append-only")),
    ("e5_tampering", "FAIL", database("ERROR:  the chain audit of 0001aaaaaaaa only grows")),
    ("e5_denied", "WARN", database("ERROR:  permission denied for table fill")),
    ("e5_new_address", "FAIL", process("cycle.broken", cause="GET /v1/accounts: 401 no_authorization_ip")),
    ("e5_new_address", "FAIL", process("x", "the answer was no_authorization_i_p")),
    ("e5_forged_stops", "FAIL", process("alarm.guard_stops", cause="damaged, or signed with another key")),
    ("e5_forged_journal", "FAIL", process("alarm.guard_journal", "the journal is damaged")),
    ("e5_config_change", "WARN", audit("config.change")),
    ("e5_secret_read", "FAIL", cloud("GetSecretValue", userIdentity={"type": "Root"})),
    ("e5_secret_read", "FAIL", cloud("GetSecretValue", userIdentity={"sessionContext": {"sessionIssuer": 7}})),
    ("e5_policy_change", "FAIL", cloud("AuthorizeSecurityGroupIngress")),
    ("e5_policy_change", "FAIL", cloud("PutRolePolicy", userIdentity=None)),
    ("e5_console_login", "WARN", cloud("ConsoleLogin", responseElements={"ConsoleLogin": "Failure"})),
]

CLEAN = [
    database("LOG:  database system is ready to accept connections"),
    database("LOG:  checkpoint complete: wrote 3 buffers"),
    database("LOG:  connection authorized: user=postgres database=postgres application_name=makenaide"),
    database("LOG:  connection authorized: user=makenaide database=postgres"),
    database("FATAL:  terminating connection due to administrator command"),
    database('FATAL:  the database system is starting up, asked by "GRANT x"'),
    database("LOG:  statement: SELECT 'GRANT ALL' FROM audit"),
    database('ERROR:  relation "append-only" does not exist'),
    LogLine(log="database", at=None, text="\tGRANT in a line that goes on"),
    database("LOG:  statement: -- GRANT all\n\tCREATE TABLE t ();\n\tGRANT select ON t TO x"),
    database("LOG:  statement: /* open /* nested */ GRANT x"),
    database("LOG:  statement: -- GRANT x"),
    database("LOG:  statement: CREATE FUNCTION f() AS 'ALTER TABLE t DISABLE TRIGGER x'"),
    database("LOG:  statement: ALTER TABLE t ADD x int; ALTER TABLE t DISABLE TRIGGER x"),
    process("upbit.address"),
    audit("key.address"),
    process("guard.start"),
    process("alarm.guard_stops", cause="No such file or directory"),
    process("alarm.guard_journal", "the journal cannot be written"),
    process("config.change"),
    process("x", "address 203.0.113.7 NotAllowedness"),
    audit("config.first"),
    audit("halt.lift"),
    cloud("GetSecretValue", userIdentity=TERM),
    cloud("PutRolePolicy", userIdentity=TERM),
    cloud("ConsoleLogin", responseElements={"ConsoleLogin": "Success"}),
    cloud("DescribeDBInstances"),
    LogLine(log="weather", at=ago(1), text="FATAL:  password authentication failed"),
]


@pytest.mark.parametrize(("rule", "verdict", "line"), FIRES)
def test_each_rule_fires(rule: str, verdict: str, line: LogLine) -> None:
    found = security(looked(Evening(lines=[*CLEAN, line, *CLEAN])))
    assert said(found) == (verdict, rule)
    assert found.value["found"].keys() == {rule}
    assert found.value["found"][rule]["count"] == 1
    assert found.value["found"][rule]["first"] == ago(1).isoformat()
    assert found.said.values["sample"] in line.text


def test_every_rule_has_a_fixture() -> None:
    assert {rule.name for rule in RULES} == {name for name, _, _ in FIRES}


@pytest.mark.parametrize("line", CLEAN)
def test_no_rule_fires_at_what_is_clean(line: LogLine) -> None:
    assert sweep([line]).findings == {}


def test_clean_logs_pass_and_the_last_day_is_looked_at() -> None:
    place = Evening(lines=CLEAN)
    found = security(looked(place))
    assert said(found) == ("PASS", "e5_clean")
    assert found.value["lines"] == found.said.values["lines"] == len(CLEAN)
    assert place.asked == [NOW - timedelta(hours=24)]


def test_many_failed_log_ins_are_no_slip_of_the_finger() -> None:
    line = database("FATAL:  password authentication failed")
    few = sweep([line] * (GUESSING - 1)).findings["e5_failed_login"]
    many = sweep([line] * GUESSING).findings["e5_failed_login"]
    assert (few.severity, many.severity) == (Severity.MINOR, Severity.MAJOR)
    assert said(security(looked(Evening(lines=[line] * GUESSING)))) == ("FAIL", "e5_failed_login")


def test_the_worst_speaks_and_the_others_are_named() -> None:
    lines = [audit("config.change"), database("ERROR:  audit is append-only")]
    assert keys(security(looked(Evening(lines=lines)))) == ["e5_tampering", "e5_config_change"]


@pytest.mark.parametrize(
    ("lines", "spoken"),
    [
        ([], ["e5_unreadable"]),
        ([audit("config.change")], ["e5_unreadable", "e5_config_change"]),
        ([database("ERROR:  audit is append-only")], ["e5_tampering", "e5_unreadable"]),
    ],
)
@pytest.mark.parametrize("cause", [DOWN, PermissionError(13, "no")])
def test_a_log_that_breaks_off_is_unknown_beside_what_was_found(
    lines: list[LogLine], spoken: list[str], cause: Exception
) -> None:
    found = security(looked(Evening(lines=lines, broken=cause)))
    assert keys(found) == spoken
    assert str(found.verdict) == ("FAIL" if spoken[0] == "e5_tampering" else "UNKNOWN")


@pytest.mark.parametrize(
    ("before", "since"),
    [
        (None, timedelta(hours=24)),
        (timedelta(hours=-1), timedelta(hours=24)),
        (timedelta(hours=3), timedelta(hours=24)),
        (timedelta(hours=30), timedelta(hours=30)),
        (timedelta(days=7), timedelta(days=7)),
        (timedelta(days=9), timedelta(days=7)),
    ],
)
def test_no_moment_falls_between_two_looks_of_a_week(before: timedelta | None, since: timedelta) -> None:
    place = Evening()
    found = security(looked(place, None if before is None else NOW - before))
    assert place.asked == [NOW - since]
    assert found.value["since"] == (NOW - since).isoformat()


def test_without_books_nobody_knows_when_the_look_before_was() -> None:
    place = Evening()
    assert said(security(evening(place))) == ("UNKNOWN", "e5_unreadable")
    assert place.asked == [NOW - timedelta(hours=24)]


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (Gap.ABSENT, ("UNKNOWN", "e5_absent")),
        (Gap.CUT, ("UNKNOWN", "e5_cut")),
        (Gap.ELSEWHERE, ("N/A", "e5_elsewhere")),
        (Gap.UNBEGUN, ("PASS", "e5_unbegun")),
    ],
)
def test_a_log_that_nobody_read_is_told(gap: Gap, expected: tuple[str, str]) -> None:
    unread = Unread(log="database", gap=gap, told="A_LINE is set")
    found = security(looked(Evening(lines=[unread, process("guard.start")])))
    assert said(found) == expected
    assert found.value["unread"] == {"database": {"gap": str(gap), "told": "A_LINE is set"}}
    assert any("A_LINE is set" in str(each) for each in found.said.values.values())
    assert found.value["lines"] == 1
    worse = security(looked(Evening(lines=[unread, database("ERROR:  audit is append-only")])))
    assert said(worse) == ("FAIL", "e5_tampering")


def test_our_own_words_about_a_finding_are_no_finding() -> None:
    echo = "GET /v1/accounts: no_authorization_ip"
    for logger in ("makenaide.ops.runner", "makenaide.monitoring.channels", "makenaide.cli.checking"):
        assert sweep([process("told", echo, logger=logger)]).findings == {}
    assert sweep([process("told", echo, logger="makenaide.execution")]).findings.keys() == {"e5_new_address"}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"eventName": "GetSecretValue"',
        '{"a":' * 20_000,
        "[" * 100_000,
        "\0\x1b[31m\u202e\ud800",
        "GetSecretValue" * 80_000,
        '{"eventName": ["GetSecretValue"]}',
        '{"eventName": {}, "userIdentity": "x"}',
        "null",
        "",
    ],
)
def test_hostile_lines_find_nothing_and_break_nothing(text: str) -> None:
    lines = [LogLine(log=log, at=None, text=text) for log in ("database", "process", "cloud", "audit")]
    assert sweep(lines).lines == 4
    assert sweep(lines).findings == {}


def test_what_is_quoted_can_be_stored_and_is_short() -> None:
    text = "ERROR:  audit is append-only \0\ud800" + "x" * 1_000_000
    found = security(looked(Evening(lines=[LogLine(log="database", at=None, text=text)])))
    told = found.value["found"]["e5_tampering"]
    assert told["sample"].startswith("ERROR:  audit is append-only \ufffd?xx")
    assert len(told["sample"]) == 200
    assert (told["first"], told["last"]) == (None, None)


def test_what_lies_beyond_the_part_of_a_line_that_is_looked_at_is_not_found() -> None:
    line = LogLine(log="database", at=None, text="x" * 5_000 + "ERROR:  audit is append-only")
    assert sweep([line]).findings == {}


def test_a_million_lines_are_looked_at_in_time_and_no_more() -> None:
    def endless() -> Iterator[LogLine]:
        quiet = database(
            "LOG:  checkpoint complete: wrote 3 buffers (0.0%), write=0.2 s, sync=0.01 s, total=0.2 s"
        )
        while True:
            yield quiet

    began = time.monotonic()
    found = security(looked(Evening(lines=endless())))
    assert said(found) == ("UNKNOWN", "e5_too_many")
    assert found.value["lines"] == 1_000_000
    assert time.monotonic() - began < 15


def test_the_role_behind_a_cloud_event_is_only_what_it_says() -> None:
    assert role_of({"userIdentity": TERM}) == "makenaide-trader"
    assert role_of({"userIdentity": {"sessionContext": []}}) == ""
    assert role_of({}) == ""
