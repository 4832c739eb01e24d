"""The message catalogue: two languages with the same keys, every text that is asked for, and no other."""

import ast
import string
from collections.abc import Iterator

import pytest

from makenaide.app.live import CONDITIONS
from makenaide.catalogue import language, messages, texts
from makenaide.domain import errors
from makenaide.domain.errors import MakenaideError
from makenaide.domain.reason import Exit, Refusal
from makenaide.domain.verdict import Verdict
from makenaide.execution.drain import Leftover
from makenaide.ledger.tax import TaxKind
from makenaide.ops.checks.register import BY_ID
from makenaide.risk.gate import GateReason
from tests.unit.source_tree import sources

ENGLISH, KOREAN = messages("en"), messages("ko")
FAULTS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, MakenaideError)]
CLOSED = {
    "exit": [str(kind) for kind in Exit],
    "refusal": [str(kind) for kind in Refusal],
    "gate": [str(kind) for kind in GateReason],
    "error": [kind.__name__ for kind in FAULTS],
    "report.stamp": ["generated", "replayed", "real"],
    "live.condition": list(CONDITIONS),
    "live.todo": list(CONDITIONS),
    "drain.of": [str(kind) for kind in Leftover],
    "taxkind": [str(kind) for kind in TaxKind],
    "check.title": list(BY_ID),
    "check.remedy": list(BY_ID),
    "runbook.verdict_of": [verdict.name for verdict in Verdict],
}
"""Families of keys that are completed at run time from a closed list: both must be equal."""
RUNBOOK = tuple(
    f"runbook.{part}"
    for part in ("page", "when", "intro", "column", "fail_of", "severity_of", "failed", "compromise", "doing")
)
PLAN = tuple(f"plan.{part}" for part in ("column", "of", "ended", "failed", "refused", "outcome", "does", "why"))
OPEN = (
    *PLAN,
    "column",
    "rule",
    "status",
    "trace",
    "decide",
    "reconcile",
    "wish",
    "drain",
    "audit",
    "check.said",
    *RUNBOOK,
)
"""Families whose last part stands as a word of its own in the code that asks."""


def parameters(message: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(message) if name is not None}


def asked() -> Iterator[tuple[str, ast.Call]]:
    """Every lookup in the code, with its place."""
    for source in sources("src"):
        for node in ast.walk(source.tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("text", "_TEXT")
            ):
                yield f"{source.name}:{node.lineno}", node


def words() -> set[str]:
    """Every string that stands in the code, docstrings and all, but not in the catalogue's own room."""
    return {
        node.value
        for source in sources("src")
        if "/catalogue/" not in source.name
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_both_languages_have_the_same_keys_in_the_same_order() -> None:
    assert list(ENGLISH) == list(KOREAN)


@pytest.mark.parametrize("key", ENGLISH)
def test_a_message_has_the_same_parameters_in_both_languages(key: str) -> None:
    assert parameters(ENGLISH[key]) == parameters(KOREAN[key])


@pytest.mark.parametrize("key", sorted(set(KOREAN) - {"language"}))
def test_a_korean_message_is_in_korean(key: str) -> None:
    assert any("가" <= char <= "힣" for char in KOREAN[key])


@pytest.mark.parametrize("key", ENGLISH)
def test_an_english_message_is_plain_and_no_message_is_empty(key: str) -> None:
    assert ENGLISH[key].strip()
    assert KOREAN[key].strip()
    assert ENGLISH[key].isascii()
    assert "[" not in ENGLISH[key] + KOREAN[key], "brackets would be read as markup"


@pytest.mark.parametrize("family", CLOSED)
def test_a_family_has_a_text_for_each_of_its_values_and_no_other(family: str) -> None:
    found = [key.removeprefix(f"{family}.") for key in ENGLISH if key.rpartition(".")[0] == family]
    assert sorted(found) == sorted(CLOSED[family])


def test_every_text_that_the_code_names_exists_and_gets_its_parameters() -> None:
    wrong = []
    for place, call in asked():
        key = call.args[0]
        if not isinstance(key, ast.Constant):
            continue
        name, given = str(key.value), {each.arg for each in call.keywords}
        if name not in ENGLISH:
            wrong.append(f"{place}: no text {name!r}")
        elif None not in given and given != parameters(ENGLISH[name]):
            wrong.append(f"{place}: {name} takes {parameters(ENGLISH[name])}, got {given}")
    assert not wrong


def test_a_key_is_completed_at_run_time_only_in_the_families_listed_here() -> None:
    prefixes = {
        str(part.value)
        for _, call in asked()
        for key in call.args[:1]
        if isinstance(key, ast.JoinedStr)
        for part in key.values[:1]
        if isinstance(part, ast.Constant)
    }
    assert prefixes <= {f"{family}." for family in (*CLOSED, *OPEN)}


def test_no_text_is_kept_that_nobody_asks_for() -> None:
    known = words()
    unused = [
        key
        for key in ENGLISH
        for family, _, name in [key.rpartition(".")]
        if key not in known and family not in CLOSED and not (family in OPEN and name in known)
    ]
    assert not unused


def test_a_lookup_fills_the_parameters_and_leaves_a_plain_text_alone() -> None:
    text = texts("en")
    assert text("reconcile.equal", count=3) == "Books and balances are equal (3 currencies)."
    assert text("report.none") == "none"
    with pytest.raises(KeyError):
        text("report.no_such_text")


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, "en"),
        ({"MAKENAIDE_LANG": "ko"}, "ko"),
        ({"MAKENAIDE_LANG": "KO"}, "ko"),
        ({"MAKENAIDE_LANG": "en", "LANG": "ko_KR.UTF-8"}, "en"),
        ({"MAKENAIDE_LANG": "", "LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LC_ALL": "C.UTF-8", "LANG": "ko_KR.UTF-8"}, "en"),
        ({"LC_MESSAGES": "ko_KR.UTF-8", "LANG": "en_US.UTF-8"}, "ko"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_language_is_that_of_our_variable_else_of_the_locale(env: dict[str, str], expected: str) -> None:
    assert language(env) == expected
