"""The repository's own Python, parsed once for the house tests."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One Python file: `name` is its path inside the repository."""

    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        """Physical lines."""
        return self.text.count("\n")


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file below `folders`, in order of name."""
    found = []
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            name = path.relative_to(REPOSITORY).as_posix()
            found.append(Source(name=name, text=text, tree=ast.parse(text, name)))
    return tuple(found)


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method at any depth."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def classes(tree: ast.AST) -> Iterator[ast.ClassDef]:
    """Every class at any depth."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def length(node: Function) -> int:
    """Lines from `def` to the end, decorators not counted."""
    return (node.end_lineno or node.lineno) - node.lineno + 1
