"""The size budget (house style): file 400 lines (500 at most), function 40 (60), class 15 methods, 5 parameters."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.unit.source_tree import Function, classes, functions, length, sources

FOLDERS = ("src", "tests", "bench")
OVER_ALLOWED = 0.05  # the share that may lie between the budget and the ceiling
DOORS = ("src/makenaide/cli/", "src/makenaide/cli.py", "src/makenaide/lambdas/")
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "services", "managers", "interfaces", "misc"}
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")


def over(sizes: dict[str, int], budget: int) -> list[str]:
    """What exceeds `budget`, the largest first."""
    return [f"{name}: {size}" for name, size in sorted(sizes.items(), key=lambda i: -i[1]) if size > budget]


def function_lengths(folder: str) -> dict[str, int]:
    """Length by "file:line name"."""
    return {
        f"{source.name}:{node.lineno} {node.name}": length(node)
        for source in sources(folder)
        for node in functions(source.tree)
    }


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_is_longer_than_its_ceiling(folder: str) -> None:
    sizes = {source.name: source.lines for source in sources(folder)}
    assert over(sizes, 500) == []
    assert len(over(sizes, 400)) <= OVER_ALLOWED * len(sizes), over(sizes, 400)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_function_is_longer_than_its_ceiling(folder: str) -> None:
    sizes = function_lengths(folder)
    assert over(sizes, 60) == []
    assert len(over(sizes, 40)) <= OVER_ALLOWED * len(sizes), over(sizes, 40)


def test_no_class_has_more_than_fifteen_methods() -> None:
    counts = {
        f"{source.name}:{node.lineno} {node.name}": sum(
            isinstance(item, Function) and not item.name.startswith("__") for item in node.body
        )
        for source in sources(*FOLDERS)
        for node in classes(source.tree)
    }
    assert over(counts, 15) == []


def parameters(node: Function) -> int:
    """Named parameters; `self` and `cls` are none, nor are *args and **kwargs."""
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def is_command(node: Function) -> bool:
    """A click command: its parameters are the options that a person reads in --help."""
    return any(
        isinstance(part, ast.Attribute) and part.attr in ("command", "group", "option", "argument")
        for decorator in node.decorator_list
        for part in ast.walk(decorator)
    )


def test_no_function_takes_more_than_five_parameters() -> None:
    counts = {
        f"{source.name}:{node.lineno} {node.name}": parameters(node)
        for source in sources("src", "bench")
        for node in functions(source.tree)
        if not is_command(node)
    }
    assert over(counts, 5) == []


def broad(handler: ast.ExceptHandler) -> bool:
    """A bare except, or one of Exception or BaseException; not one that tidies up and raises again."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    caught = handler.type
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        name is None or (isinstance(name, ast.Name) and name.id in ("Exception", "BaseException"))
        for name in names
    )


def broad_handlers() -> Iterator[str]:
    for source in sources("src"):
        if source.name.startswith(DOORS):
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ExceptHandler) and broad(node):
                yield f"{source.name}:{node.lineno}"


def test_only_the_doors_catch_everything() -> None:
    assert list(broad_handlers()) == []


def test_nothing_is_left_for_later() -> None:
    found = [
        f"{source.name}:{number}"
        for source in sources(*FOLDERS)
        for number, line in enumerate(source.text.split("\n"), 1)
        if UNFINISHED.search(line)
    ]
    assert found == []


def test_no_file_is_named_after_nothing() -> None:
    parts = {part.removesuffix(".py") for source in sources(*FOLDERS) for part in source.name.split("/")}
    assert parts & FORBIDDEN_NAMES == set()


def missing_docstrings() -> Iterator[str]:
    for source in sources("src"):
        if source.text.strip() and ast.get_docstring(source.tree) is None:
            yield source.name
        for node in source.tree.body:
            if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None:
                yield f"{source.name}:{node.lineno} {node.name}"


def test_every_public_name_says_what_it_promises() -> None:
    assert list(missing_docstrings()) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(a, b, *, c): ...", 3),
        ("def f(self, a, b, /, c, *args, d=1, **kwargs): ...", 4),
        ("async def f(cls): ...", 0),
        ("def f(): ...", 0),
    ],
)
def test_parameters_are_counted_without_self_and_the_rest(code: str, expected: int) -> None:
    (node,) = functions(ast.parse(code))
    assert parameters(node) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("try: ...\nexcept: ...", True),
        ("try: ...\nexcept Exception: ...", True),
        ("try: ...\nexcept (OSError, BaseException) as e: ...", True),
        ("try: ...\nexcept BaseException:\n    close()\n    raise", False),
        ("try: ...\nexcept (OSError, ValueError): ...", False),
        ("try: ...\nexcept OSError: ...", False),
    ],
)
def test_a_broad_handler_is_seen(code: str, expected: bool) -> None:
    (handler,) = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ExceptHandler))
    assert broad(handler) is expected
