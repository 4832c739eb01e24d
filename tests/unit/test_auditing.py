"""`audit` on the command line: when "since" is, and that no word of the trail steers a terminal."""

import json
import os
import pwd
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest

from makenaide.app.auditing import changes, flat
from makenaide.app.person import person, user
from makenaide.catalogue import texts
from makenaide.cli import auditing
from makenaide.cli.auditing import SHOWN, Found, entry_data, parse_links, parse_since, short
from makenaide.domain.errors import Misconfigured
from makenaide.store.audit import Entry, Link, Sought
from makenaide.store.chain import ChainHead
from tests.unit.report_cases import HOSTILE

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
TEXT = texts("en")
WHOLE = ({"": {"audit": ChainHead(number=3, hash="ab" * 32)}}, ())


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("7d", NOW - timedelta(days=7)),
        (" 36H ", NOW - timedelta(hours=36)),
        ("90m", NOW - timedelta(minutes=90)),
        ("0d", NOW),
        ("2026-11-01", datetime(2026, 10, 31, 15, 0, tzinfo=UTC)),
        ("2026-11-01T09:00", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01 09:00", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T09:00+09:00", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-01-01", datetime(2025, 12, 31, 15, 0, tzinfo=UTC)),
    ],
)
def test_since_is_a_korean_day_a_time_or_how_long_ago(asked: str, expected: datetime) -> None:
    assert parse_since(asked, NOW) == expected


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "yesterday",
        "7",
        "-7d",
        "7w",
        "d",
        "2026-13-01",
        "2026-02-29",
        "01.11.2026",
        "999999d",
        "9999999d",
        "0001-01-01",
        "٧d",
        "\x1b[2J",
    ],
)
def test_any_other_since_says_what_was_expected(asked: str) -> None:
    with pytest.raises(Misconfigured, match="--since: expected a day such as 2026-11-01"):
        parse_since(asked, NOW)


def entry(**more: object) -> Entry:
    """An entry, with what differs."""
    about: dict[str, object] = {
        "at": NOW,
        "account_id": None,
        "actor": "person kim",
        "action": "halt.set",
        "detail": {"halt": "enough"},
        "link": Link(chain="audit", number=1),
    }
    return Entry(**(about | more))  # type: ignore[arg-type]


def printed(entries: list[Entry], capsys: pytest.CaptureFixture[str]) -> str:
    """What a person sees."""
    auditing._print(iter(entries), TEXT, WHOLE)
    return capsys.readouterr().out


def test_the_table_shows_korean_time_actor_action_and_the_chains(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed([entry(), entry(account_id="0001aaaaaaaa", action="market.pause")], capsys)
    assert "2026-11-28 12:00:00" in out
    for word in ("person kim", "halt.set", "halt: enough", "0001aaaa", "market.pause", "abababababababab"):
        assert word in out
    assert "Every link of 1 chains holds" in out


@pytest.mark.parametrize("field", ["actor", "action", "account_id", "key", "value"])
def test_hostile_words_of_the_trail_steer_no_terminal(field: str, capsys: pytest.CaptureFixture[str]) -> None:
    odd = f"{HOSTILE}\x1b]0;x\x07\x9b31m[bold red]\u202e\r\n"
    more: dict[str, object] = {field: odd}
    if field in ("key", "value"):
        more = {"detail": {odd: 1} if field == "key" else {"reason": odd}}
    out = printed([entry(**more)], capsys)
    assert all(char.isprintable() or char == "\n" for char in out)


def test_only_the_newest_are_shown_and_how_many_were_not(capsys: pytest.CaptureFixture[str]) -> None:
    many = [entry(detail={"number": f"n{number}n"}) for number in range(SHOWN + 5)]
    out = printed(many, capsys)
    assert "5 older ones are not shown" in out
    assert "n4n" not in out
    assert "n5n" in out
    assert f"n{SHOWN + 4}n" in out
    assert "Nothing in that time" in printed([], capsys)


def test_the_json_is_one_object_whatever_the_words_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = StringIO()
    monkeypatch.setattr("sys.stdout", out)
    several: Iterator[Entry] = iter([entry(actor=HOSTILE), entry(link=None)])
    auditing._write(several, Sought(since=NOW, actor="person"), (WHOLE[0], ('a "broken" link',)))
    data = json.loads(out.getvalue())
    assert list(data) == ["since", "actor", "entries", "links", "heads", "verified", "broken"]
    assert [each["actor"] for each in data["entries"]] == [HOSTILE, "person kim"]
    assert data["entries"][0]["link"] == {"chain": "audit", "number": 1}
    assert data["heads"] == {"": {"audit": {"number": 3, "hash": "ab" * 32}}}
    assert (data["verified"], data["broken"]) == (False, ['a "broken" link'])
    assert entry_data(entry())["at"] == "2026-11-28T12:00:00+09:00"


def test_a_detail_is_one_line_of_bounded_length() -> None:
    assert short({"reason": "x" * 500}).endswith("...")
    assert len(short({"reason": "x" * 500})) <= 160
    changed = {"risk.a": {"old": 1, "new": 2}, "risk.b": {"new": "x"}, "risk.c": {"old": None}}
    assert short({"changed": changed, "tree": {}}) == 'risk.a: 1 -> 2, risk.b: - -> "x", risk.c: null -> -'
    assert short({"changed": {}, "tree": {}}) == "code"
    assert short({"a": {"b": [1, 2]}, "c": None}) == 'a: {"b":[1,2]}, c: null'


def test_changes_tell_old_and_new_and_leave_out_a_side_that_was_not_there() -> None:
    before, now = flat({"a": {"x": 1, "y": [1]}, "b": 0.1}), flat({"a": {"x": 2, "y": [1]}, "c": None})
    assert changes(before, now) == {"a.x": {"old": 1, "new": 2}, "b": {"old": 0.1}, "c": {"new": None}}
    assert changes(now, now) == {}


def test_who_types_is_the_systems_user_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert user() == pwd.getpwuid(os.getuid()).pw_name
    assert person() == f"person {user()}"

    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert (person(), user()) == (f"person {os.getuid()}", str(os.getuid()))


# ---- heads that a person holds ----


def test_heads_are_read_as_a_message_prints_them() -> None:
    one, two, three = parse_links(
        ["audit 812 3F9C0A1B2C3D,  installation.audit 7 0b1c2d3e4f50", f"fill 1 {'a' * 64}"]
    )
    assert (one.chain, one.head, bool(one.owner)) == ("audit", ChainHead(number=812, hash="3f9c0a1b2c3d"), True)
    assert (two.chain, two.head.number, two.owner) == ("audit", 7, "")
    assert (three.chain, len(three.head.hash)) == ("fill", 64)
    assert parse_links([]) == ()


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "audit",
        "audit 812",
        "audit 812 3f9c0a1b2c3",
        f"audit 812 {'a' * 65}",
        "audit 0 3f9c0a1b2c3d",
        "audit -1 3f9c0a1b2c3d",
        "audit x 3f9c0a1b2c3d",
        "audit 812 3f9c0a1b2c3g",
        "audit; drop 812 3f9c0a1b2c3d",
        "audit 812 3f9c0a1b2c3d,",
        "other.audit 812 3f9c0a1b2c3d",
        f"audit {'9' * 19} 3f9c0a1b2c3d",
    ],
)
def test_what_is_no_head_is_told_with_what_was_expected(asked: str) -> None:
    with pytest.raises(Misconfigured, match="--link: expected a chain, a number and a hash"):
        parse_links([asked])


def test_what_came_of_each_head_is_in_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    found = (Found(link="audit 3 abab", owner="", flaw=""), Found(link="fill 9 abab", owner=None, flaw="gone"))
    auditing._write([], Sought(since=NOW), WHOLE, found)
    assert json.loads(capsys.readouterr().out)["links"] == [
        {"link": "audit 3 abab", "account": "", "flaw": None},
        {"link": "fill 9 abab", "account": None, "flaw": "gone"},
    ]
