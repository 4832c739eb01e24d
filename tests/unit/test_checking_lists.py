"""A list of checks for its readers: table, data, Markdown, page and message; foreign words harm none of them."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from makenaide.app.checking import Taken, urgency
from makenaide.catalogue import texts
from makenaide.cli.auditing import parse_links
from makenaide.cli.checking import message
from makenaide.cli.found import change, counts, sentence
from makenaide.cli.lists import html_page, list_data, markdown, print_table
from makenaide.cli.output import print_json
from makenaide.domain.verdict import Verdict, worst
from makenaide.ops.check import Check, Checklist, Severity
from makenaide.ops.checks.register import BY_ID
from makenaide.ops.evidence import Evidence, Said
from makenaide.ops.record import Change
from makenaide.ops.runner import Result
from makenaide.store.chain import ChainHead
from makenaide.store.checklists import Acknowledgement
from makenaide.store.outbox import Urgency

NOW = datetime(2026, 11, 28, 0, 10, tzinfo=UTC)
ENGLISH, KOREAN = texts("en"), texts("ko")
PASS, ABSENT, WARN, UNKNOWN, FAIL = (
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
    Verdict.WARN,
    Verdict.UNKNOWN,
    Verdict.FAIL,
)
HOSTILE = "\x1b[31m[bold]<script>alert(1)</script>\u202e|`*x\n## {0} {cause}\0"


def look(_: Any) -> Evidence:
    raise AssertionError


def result(name: str, verdict: Verdict, said: Said, severity: Severity = Severity.MAJOR) -> Result:
    return Result(
        check=Check(id=name, list=Checklist.MORNING, severity=severity, look=look),
        evidence=Evidence(
            verdict=verdict,
            value={"name": HOSTILE},
            source="a table",
            taken_at=NOW,
            valid_for=timedelta(hours=1),
            said=said,
        ),
        seconds=0.1234,
    )


def outcome(name: str, verdict: Verdict, said: str) -> Result:
    """Of a check of the evening list, as it is declared there."""
    return replace(result(name, verdict, Said(said)), check=BY_ID[name])


GOOD = result("M1", PASS, Said("m1_up", {"word": "ready"}))
BAD = result("M5", FAIL, Said("m5_down", {"cause": HOSTILE}), Severity.CRITICAL)
DULL = result("M3", WARN, Said("m4_none"))


def taken(*results: Result, **more: Any) -> Taken:
    plain: dict[str, Any] = {
        "checklist": Checklist.MORNING,
        "slot": None,
        "at": NOW,
        "account_id": "0001aaaaaaaa",
        "results": results,
        "verdict": worst(each.evidence.verdict for each in results),
    }
    return Taken(**(plain | more))


def drawn(list_taken: Taken, *, terminal: bool = False, korean: bool = False) -> str:
    out = StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, highlight=False, emoji=False)
    print_table(console, list_taken, "morning", KOREAN if korean else ENGLISH)
    return out.getvalue()


def seen(name: str, until: date) -> dict[str, Acknowledgement]:
    return {name: Acknowledgement(check_id=name, until=until, actor="person", note="", at=NOW)}


# ---- the table ----


def test_the_table_tells_what_to_do_only_where_something_is_not_well() -> None:
    shown = drawn(taken(GOOD, BAD))
    assert "The database is up (ready)." in shown
    assert shown.count("->") == 1
    assert "Start the database, or mend DATABASE_URL" in shown
    assert shown.rstrip().endswith("morning: FAIL (1 FAIL, 1 PASS) at 2026-11-28 09:10 KST, account 0001aaaaaaaa")


def test_what_was_otherwise_before_is_marked() -> None:
    shown = drawn(
        taken(
            GOOD,
            DULL,
            was={"M1": FAIL, "M3": WARN},
            changed=(Change(id="M1", before=FAIL, after=PASS),),
        )
    )
    assert "M1 FAIL -> PASS" in shown
    (first, second) = (line for line in shown.splitlines() if line.startswith(("PASS", "WARN")))
    assert first.rstrip().endswith("FAIL")
    assert not second.rstrip().endswith("WARN")


def test_colours_are_for_terminals_alone() -> None:
    assert "\x1b[" not in drawn(taken(GOOD, BAD))
    assert "\x1b[" in drawn(taken(GOOD), terminal=True)


@pytest.mark.parametrize("korean", [False, True])
def test_foreign_words_steer_no_terminal(korean: bool) -> None:
    shown = drawn(taken(BAD), korean=korean)
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert "[bold]" in shown.replace("\n", "").replace(" ", "")


def test_verdicts_are_never_translated() -> None:
    shown = drawn(taken(GOOD, BAD, DULL), korean=True)
    assert all(word in shown for word in ("PASS", "FAIL", "WARN", "데이터베이스"))


# ---- sentences ----


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Said("m1_up", {"word": "{0}{x}"}), "The database is up ({0}{x})."),
        (Said("no_such_text", {"a": 1}), "no_such_text: a 1"),
        (Said("m1_up", {"other": 1}), "m1_up: other 1"),
        (Said("e6_unlisted", {"key": "ab"}), sentence(Said("e6_unlisted", {"key": "ab"}), ENGLISH)),
    ],
)
def test_a_sentence_that_is_not_there_is_told_by_its_key(said: Said, expected: str) -> None:
    assert sentence(said, ENGLISH) == expected


def test_a_parameter_may_have_any_name() -> None:
    assert "ab" in sentence(Said("e6_unlisted", {"key": "ab"}), ENGLISH)


# ---- data, Markdown, page ----


def test_the_data_holds_every_fact(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(list_data(taken(GOOD, BAD, was={"M1": PASS, "M5": PASS}), "morning", ENGLISH))
    data = json.loads(capsys.readouterr().out)
    assert (data["list"], data["verdict"], data["taken_at"]) == ("morning", "FAIL", "2026-11-28T09:10:00+09:00")
    good, bad = data["checks"]
    assert bad["said"] == f"The database cannot be reached: {HOSTILE}"
    assert bad["value"] == {"name": HOSTILE}
    assert {name: bad[name] for name in ("id", "severity", "runbook", "was", "seconds")} == {
        "id": "M5",
        "severity": "critical",
        "runbook": "docs/runbooks/morning.md#m5",
        "was": "PASS",
        "seconds": 0.123,
    }
    assert bad["valid_until"] == "2026-11-28T10:10:00+09:00"
    assert (good["remedy"], good["was"], good["acknowledged_until"]) == (None, None, None)


def test_markdown_and_page_keep_foreign_words_as_words() -> None:
    text = markdown(taken(BAD), "morning", ENGLISH)
    (row,) = (line for line in text.splitlines() if line.startswith("| FAIL"))
    assert row.count(" | ") == 4
    assert "<script" not in text
    assert "\\`\\*x" in text
    page = html_page(taken(BAD), "morning", ENGLISH)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page, "it needs nothing else"
    for written in (text, page):
        assert all(char.isprintable() or char == "\n" for char in written)
    assert "lang=ko" in html_page(taken(GOOD), "morning", KOREAN)


# ---- the message ----


def test_the_message_begins_with_what_changed_then_tells_only_what_is_not_well_the_worst_first() -> None:
    title, body = message(ENGLISH)(
        taken(
            GOOD,
            DULL,
            BAD,
            slot=NOW,
            was={"M1": PASS},
            changed=(Change(id="M5", before=PASS, after=FAIL), Change(id="M3", before=None, after=WARN)),
            heads={"audit": ChainHead(number=7, hash="ab" * 32)},
        )
    )
    assert title == "FAIL: morning list of 2026-11-28"
    lines = body.split("\n")
    assert lines[0] == "Changed since yesterday: M5 PASS -> FAIL, M3 - -> WARN"
    assert lines[1] == "Chain heads: audit 7 abababababab", "before what may be so long that a channel cuts it"
    assert parse_links([lines[1].removeprefix("Chain heads: ")])[0].head == ChainHead(number=7, hash="ab" * 6)
    assert [line[:7] for line in lines[2:]] == ["FAIL M5", "WARN M3"]
    assert all(char.isprintable() or char == "\n" for char in body)


def test_a_warning_that_a_person_has_seen_is_one_word_of_one_line() -> None:
    body = message(ENGLISH)(taken(GOOD, DULL, acknowledged=seen("M3", date(2026, 12, 1)), was={"M3": WARN}))[1]
    assert body.split("\n") == [
        "Changed since yesterday: nothing",
        "All is well (1 WARN, 1 PASS).",
        "Acknowledged: M3 (2026-12-01)",
    ]


def test_the_first_message_and_one_without_a_database_say_so() -> None:
    assert "this is the first list" in message(ENGLISH)(taken(GOOD))[1]
    body = message(KOREAN)(taken(GOOD, kept=False, away="gone"))[1]
    assert "데이터베이스를 조회할 수 없음" in body
    assert body.endswith("저장되지 않음: gone")


@pytest.mark.parametrize("checklist", list(Checklist))
def test_every_list_has_a_title_in_both_languages(checklist: Checklist) -> None:
    for text in (ENGLISH, KOREAN):
        assert "2026-11-28" in message(text)(replace(taken(GOOD), checklist=checklist))[0]


def test_a_pass_tells_of_the_parts_that_nobody_looked_at() -> None:
    absent = (Said("e7_no_wallets", {"line": "no key"}), Said("e7_unheard", {"line": "no key"}))
    quiet = Said("e7_quiet", {"day": "2026-11-29", "events": "-"}, more=absent)
    assert sentence(quiet, ENGLISH) == (
        "nothing on 2026-11-29 that needs a person; macro events: - "
        "(N/A: the wallets are not to be seen: no key; announcements are not heard: no key)"
    )
    (row,) = list_data(taken(result("E7", PASS, quiet)), "evening", KOREAN)["checks"]
    assert row["said"].endswith("(N/A: 지갑 상태는 볼 수 없습니다: no key; 공지는 듣지 않습니다: no key)")


# ---- how urgent it is ----


@pytest.mark.parametrize(
    ("results", "folded", "expected"),
    [
        ([GOOD], {}, Urgency.INFO),
        ([GOOD, DULL], {}, Urgency.WARNING),
        ([GOOD, DULL], seen("M3", date(2026, 12, 1)), Urgency.INFO),
        ([result("M2", UNKNOWN, Said("hung"), Severity.CRITICAL)], {}, Urgency.WARNING),
        ([result("M2", FAIL, Said("hung"))], {}, Urgency.WARNING),
        ([BAD], {}, Urgency.PAGE),
        ([result("M2", ABSENT, Said("hung"))], {}, Urgency.INFO),
        ([outcome("E2", FAIL, "e2_danger")], {}, Urgency.PAGE),
        ([outcome("E2", WARN, "e2_weak")], {}, Urgency.WARNING),
        ([outcome("E3", FAIL, "e3_drawdown")], {}, Urgency.PAGE),
        ([outcome("E3", FAIL, "e3_trade")], {}, Urgency.WARNING),
        ([outcome("E1", FAIL, "e1_late")], {}, Urgency.WARNING),
    ],
)
def test_only_a_critical_failure_and_danger_call_a_person_at_once(
    results: list[Result], folded: dict[str, Acknowledgement], expected: Urgency
) -> None:
    assert urgency(taken(*results, acknowledged=folded)) is expected


def test_counts_name_the_worst_first() -> None:
    many = [
        result(f"M{n}", verdict, Said("hung")) for n, verdict in enumerate((PASS, FAIL, ABSENT, UNKNOWN, PASS))
    ]
    assert counts(taken(*many)) == "1 FAIL, 1 UNKNOWN, 1 N/A, 2 PASS"
    assert change(Change(id="M6", before=None, after=PASS)) == "M6 - -> PASS"
