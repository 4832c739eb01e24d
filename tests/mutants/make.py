"""The mutants of files, made by mutmut's operators: `make.py FILE ...` in an environment that has mutmut.

Prints one JSON object a line: file, the first and the last changed line, and what stands there instead. Two kinds
of code that mutmut leaves alone because of its trampolines are mutated here: decorated functions (properties),
and what runs at import (constants, fields of dataclasses).
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import libcst
from libcst.metadata import MetadataWrapper
from mutmut.mutation.file_mutation import NEVER_MUTATE_FUNCTION_NAMES, MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode


class EveryFunction(MutationVisitor):  # type: ignore[misc]  # mutmut is in an environment of its own
    """mutmut's visitor, which also goes into decorated functions."""

    def _skip_node_and_children(self, node: libcst.CSTNode) -> bool:
        if isinstance(node, libcst.FunctionDef) and node.decorators:
            return node.name.value in NEVER_MUTATE_FUNCTION_NAMES
        return bool(super()._skip_node_and_children(node))


def changed(before: Sequence[str], after: Sequence[str]) -> tuple[int, int, list[str]]:
    """The first changed line (from 0), the line after the last, and what stands there in `after`."""
    start, shortest = 0, min(len(before), len(after))
    while start < shortest and before[start] == after[start]:
        start += 1
    tail = 0
    while tail < shortest - start and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return start, len(before) - tail, list(after[start : len(after) - tail])


def mutants(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """The changes of all mutants of `text`, each once; those that are no Python are none."""
    wrapper = MetadataWrapper(libcst.parse_module(text))
    nothing: set[int] = set()
    visitor = EveryFunction(mutation_operators, IgnoredCode(nothing, nothing, nothing), None)
    module = wrapper.visit(visitor)
    lines, seen = text.splitlines(), set()
    for mutation in visitor.mutations:
        mutated: Any = module.deep_replace(mutation.original_node, mutation.mutated_node)
        start, stop, there = changed(lines, mutated.code.splitlines())
        key = (start, stop, "\n".join(there))
        if key in seen or lines[start:stop] == there or not compiles(mutated.code):
            continue
        seen.add(key)
        yield start, stop, there


def compiles(code: str) -> bool:
    """Whether `code` is Python at all."""
    try:
        compile(code, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def main(files: Sequence[str]) -> None:
    """Print the mutants of `files`."""
    for file in files:
        for start, stop, there in mutants(Path(file).read_text(encoding="utf-8")):
            row = {"file": file, "start": start, "stop": stop, "lines": there}
            sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
