"""A mutant: one change of one file, the lines it stands on, and what became of it."""

import ast
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.unit.source_tree import Function


class Verdict(StrEnum):
    """What the tests said."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    NOT_COVERED = "not covered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """`lines` stand in `file` (relative to the repository) instead of those from `start` to before `stop`, from 0."""

    room: str
    file: str
    start: int
    stop: int
    lines: tuple[str, ...]
    was: tuple[str, ...] = ()

    def planted(self, text: str) -> str:
        """The file's `text` with this mutant in it."""
        lines = text.splitlines()
        return "\n".join([*lines[: self.start], *self.lines, *lines[self.stop :]]) + "\n"

    @property
    def place(self) -> str:
        """file:line, as editors count."""
        return f"{self.file}:{self.start + 1}"

    @property
    def shown(self) -> str:
        """The place and the change as a diff."""
        return "\n".join(
            [self.place, *(f"    - {line}" for line in self.was), *(f"    + {line}" for line in self.lines)]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The verdict on a mutant, the test that killed it, and whether some of its tests were left out for time."""

    mutant: Mutant
    verdict: Verdict
    killer: str = ""
    cut: bool = False

    @property
    def killed(self) -> bool:
        """Whether a test noticed it; a mutant that hangs is noticed."""
        return self.verdict in (Verdict.KILLED, Verdict.TIMED_OUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalent:
    """A change that no test can notice, and why; lines without their margins, so that it survives a move."""

    file: str
    was: str
    now: str
    why: str

    def is_(self, mutant: Mutant) -> bool:
        """Whether `mutant` is this change."""
        return (self.file, self.was, self.now) == (mutant.file, bare(mutant.was), bare(mutant.lines))


def bare(lines: Iterable[str]) -> str:
    """The lines without margins, joined by one space."""
    return " ".join(line.strip() for line in lines)


def equivalents(path: Path) -> tuple[Equivalent, ...]:
    """The `[[equivalent]]` tables of `path`: file, was, now, why."""
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
    return tuple(Equivalent(**row) for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The lines (from 1) that run together with a mutant's, and whether they run at import only."""

    lines: frozenset[int]
    at_import: bool


def span(tree: ast.Module, mutant: Mutant) -> Span:
    """The statements that a mutant touches, by their own lines: a header without its body.

    Coverage counts lines that have code of their own, and a mutant may stand on one that has none.
    """
    touched = range(mutant.start + 1, max(mutant.stop, mutant.start + 1) + 1)
    lines: set[int] = set()
    for own in _headers(tree):
        if own.start < touched.stop and touched.start < own.stop:
            lines |= set(own)
    return Span(lines=frozenset(lines), at_import=not lines & _inside_functions(tree))


def _headers(tree: ast.Module) -> Iterable[range]:
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.match_case | ast.ExceptHandler):
            first = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
            body: Sequence[ast.stmt] = getattr(node, "body", [])
            last = max(first, body[0].lineno - 1) if body else getattr(node, "end_lineno", first)
            yield range(first, last + 1)


def _inside_functions(tree: ast.Module) -> set[int]:
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, Function)
        for line in range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
    }
