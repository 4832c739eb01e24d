"""No key, token or password lies in the tree (W3; house style: secrets never in files)."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.source_tree import REPOSITORY

TOOLS = {".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"}
SKIPPED = TOOLS | {".git", ".venv", ".venv-peers", ".venv-mutants", "__pycache__", "build", "dist"}
ALLOWED = "not a secret"
PATTERNS = {
    "AWS key": re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}\b"),
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY"),
    "JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "database password": re.compile(r"postgres(?:ql)?://[^\s:/@{}<>$]+:(?!password@)[^\s@{}<>$*]{6,}@"),
    "provider token": re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|xox[abpr]-[A-Za-z0-9-]{20,}|sk-[A-Za-z0-9]{32,})\b"
    ),
}
# In a test a made-up secret is allowed; in the product, its documents and samples none is.
ASSIGNED = re.compile(
    r"""(?i)\b(?:secret|password|passwd|api_?key|access_?key|token)[a-z_]*["']?\s*[=:]\s*["']([^"'\s]{12,})["']"""
)


def scan(text: str, strict: bool) -> list[str]:
    """What looks like a secret, as "line: kind"; `strict` also takes string literals given to secret names."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if ALLOWED in line:
            continue
        kinds = [kind for kind, pattern in PATTERNS.items() if pattern.search(line)]
        if strict and ASSIGNED.search(line):
            kinds.append("assigned secret")
        found += [f"{number}: {kind}" for kind in kinds]
    return found


def files() -> Iterator[Path]:
    """Every file of the tree but what tools leave behind."""
    for path in sorted(REPOSITORY.rglob("*")):
        inside = path.relative_to(REPOSITORY)
        if path.is_file() and not SKIPPED & set(inside.parts) and not inside.name.startswith(".coverage"):
            yield path


def test_no_secret_lies_in_the_tree() -> None:
    found = []
    for path in files():
        inside = path.relative_to(REPOSITORY).as_posix()
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{inside}:{finding}" for finding in scan(text, strict=not inside.startswith("tests/"))]
    assert found == []


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("key = AKIA" + "Q" * 16, "AWS key"),
        ("-----BEGIN " + "RSA PRIVATE KEY-----", "private key"),
        ("-----BEGIN " + "PRIVATE KEY-----", "private key"),
        ("Bearer eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + "." + "c" * 20, "JSON web token"),
        ("postgresql://maker:" + "hunter22" + "@db.example.com/makenaide", "database password"),
        ("ghp_" + "a" * 36, "provider token"),
        ("secret = " + '"correct-horse-battery"', "assigned secret"),
        ("'api_key': " + "'0123456789abcdef'", "assigned secret"),
    ],
)
def test_a_seeded_secret_is_found(line: str, kind: str) -> None:
    assert scan(f"first\n{line}\n", strict=True) == [f"2: {kind}"]
    assert scan(f"{line}  # {ALLOWED}", strict=True) == []


@pytest.mark.parametrize(
    "line",
    ["postgresql://user:***@host/db", "secret: str", "password = read_secret(path)", 'token = "short"'],
)
def test_talk_about_secrets_is_no_secret(line: str) -> None:
    assert scan(line, strict=True) == []
