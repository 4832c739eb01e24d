"""Rehearsals as evidence: fresh, green, large enough, of this code and configuration; signed between machines."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from makenaide.config import Config, LiveSettings, tree
from makenaide.domain.errors import Misconfigured
from makenaide.domain.verdict import Verdict
from makenaide.ops.fingerprint import code_hash, code_hash_of, configuration_hash
from makenaide.ops.readiness import judge, rehearsal, require_importable
from makenaide.ops.signed import sign_result, verify_result

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CODE, CONFIGURATION = "c" * 64, "d" * 64
KEY = b"k" * 32


def result(**more: Any) -> dict[str, Any]:
    """A green, large, fresh result."""
    taken = (NOW - more.pop("age", timedelta(0))).isoformat()
    plain = {"seeds": 20, "days": 30, "violations": 0, "code": CODE, "configuration": CONFIGURATION}
    return plain | {"taken_at": taken} | more


def days(number: float) -> timedelta:
    return timedelta(days=number)


@pytest.mark.parametrize(
    ("known", "verdict", "words"),
    [
        ([result()], Verdict.PASS, "20 seeds x 30 days, 0 violations, 0 days old"),
        ([result(age=days(7))], Verdict.PASS, "7 days old"),
        ([result(age=days(7.1))], Verdict.WARN, "7 days old"),
        ([result(age=days(30))], Verdict.WARN, "30 days old"),
        ([result(age=days(30.1))], Verdict.FAIL, "rehearsal too old"),
        ([result(seeds=19)], Verdict.FAIL, "too small"),
        ([result(days=29)], Verdict.FAIL, "too small"),
        ([result(seeds=1, age=days(1)), result(age=days(2))], Verdict.PASS, "2 days old"),
        ([result(violations=1)], Verdict.FAIL, "found 1 violations"),
        ([result(violations=1, age=days(1)), result(age=days(2))], Verdict.FAIL, "violations"),
        ([result(violations=1, seeds=1, age=days(1)), result(age=days(2))], Verdict.FAIL, "violations"),
        ([result(violations=1, age=days(2)), result(age=days(1))], Verdict.PASS, "1 days old"),
        ([result(violations=1), result()], Verdict.FAIL, "violations"),
        ([result(age=days(-1))], Verdict.UNKNOWN, "dated in the future"),
        ([result(age=days(-1)), result(age=days(3))], Verdict.PASS, "3 days old"),
        ([result(age=days(-1), violations=1), result(age=days(3))], Verdict.FAIL, "violations"),
        ([], Verdict.FAIL, "none of this code"),
    ],
)
def test_the_newest_large_rehearsal_decides_and_a_red_one_after_it_closes(
    known: list[dict[str, Any]], verdict: Verdict, words: str
) -> None:
    judged = judge([rehearsal(each) for each in known], NOW)
    assert judged.verdict is verdict, judged.reason
    assert words in judged.reason


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"violations": None}, "violations"),
        ({"seeds": "many"}, "seeds"),
        ({"violations": -1}, "below zero"),
        ({"taken_at": "2026-03-01T12:00:00"}, "zone"),
        ({"taken_at": "soon"}, "taken_at"),
    ],
)
def test_what_does_not_say_all_it_must_is_no_result(broken: dict[str, Any], words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        rehearsal(result() | broken)
    incomplete = result()
    del incomplete["violations"]
    with pytest.raises(Misconfigured, match="violations"):
        rehearsal(incomplete)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"code": "e" * 64}, "another code: eeeeeeeeeeee, here it is cccccccccccc"),
        ({"configuration": "e" * 64}, "another configuration"),
        ({"violations": 2}, "2 violations"),
        ({"seeds": 3}, "too small"),
        ({"age": days(31)}, "too old"),
        ({"age": days(-1)}, "future"),
    ],
)
def test_a_result_that_would_not_open_is_not_imported(more: dict[str, Any], words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        require_importable(result(**more), CODE, CONFIGURATION, NOW)
    assert require_importable(result(age=days(8)), CODE, CONFIGURATION, NOW).seeds == 20


def test_a_signed_result_is_believed_with_the_same_key_only() -> None:
    said = result(crash_points=1234, ratio=0.25, laws=["a", "b"], 한글="예")
    content = sign_result(said, KEY)
    assert verify_result(content, KEY) == said
    with pytest.raises(Misconfigured, match="signature is wrong"):
        verify_result(content, b"x" * 32)


def test_every_changed_byte_of_a_signed_file_is_noticed() -> None:
    content = sign_result(result(), KEY)
    for at in range(len(content)):
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        with pytest.raises(Misconfigured, match=r"damaged|signature is wrong"):
            verify_result(changed, KEY)
    for at in range(len(content)):
        with pytest.raises(Misconfigured, match=r"damaged|signature is wrong"):
            verify_result(content[:at], KEY)
    with pytest.raises(Misconfigured, match="damaged"):
        verify_result(content + b" " * 1_000_001, KEY)


def test_a_signature_of_nonsense_makes_it_no_result() -> None:
    body = sign_result({}, KEY).replace(b"{}", b"[]")
    with pytest.raises(Misconfigured):
        verify_result(body, KEY)
    with pytest.raises(Misconfigured, match="key is damaged"):
        sign_result({}, b"short")


def test_the_code_hash_sees_every_source_file_and_nothing_else(tmp_path: Path) -> None:
    for name in ("a.py", "b/c.sql", "b/__pycache__/c.pyc", "b/d.toml"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    first = code_hash_of(tmp_path)
    (tmp_path / "b/__pycache__/c.pyc").write_text("other")
    (tmp_path / "notes.txt").write_text("other")
    assert code_hash_of(tmp_path) == first
    for name in ("a.py", "b/c.sql", "b/d.toml"):
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_text(text + " ")
        assert code_hash_of(tmp_path) != first
        (tmp_path / name).write_text(text)
    (tmp_path / "a.py").rename(tmp_path / "z.py")
    assert code_hash_of(tmp_path) != first
    assert len(code_hash()) == 64


def test_the_configuration_hash_is_of_what_changes_trading() -> None:
    config = Config()
    first = configuration_hash(tree(config))
    traded = replace(config, risk=replace(config.risk, max_positions=3))
    assert configuration_hash(tree(traded)) != first
    elsewhere = replace(config, upbit=replace(config.upbit, base_url="http://127.0.0.1:1"), live=LiveSettings())
    assert configuration_hash(tree(elsewhere)) == first
    assert configuration_hash(tree(config) | {"guard": {"new": 1}}) != first, "a new table counts until it is told"
