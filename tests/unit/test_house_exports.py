"""The public names of every module are a decision: a golden list, rewritten by `make exports`."""

import ast
import difflib
import json
from collections.abc import Iterator

from tests.unit.source_tree import REPOSITORY, Function, Source, sources

GOLDEN = REPOSITORY / "tests" / "golden" / "exports.json"


def module_name(source: Source) -> str:
    """ "src/makenaide/domain/money.py" -> "makenaide.domain.money"."""
    return source.name.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def targets(node: ast.stmt) -> Iterator[str]:
    """The names that one statement at the top level defines."""
    if isinstance(node, Function | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def public_names(tree: ast.Module) -> list[str]:
    """What a module offers: `__all__` where there is one, else what it defines without an underscore."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and "__all__" in targets(node):
            return sorted(ast.literal_eval(node.value))
    return sorted({name for node in tree.body for name in targets(node) if not name.startswith("_")})


def exports() -> str:
    """The list as it is now."""
    names = {module_name(source): public_names(source.tree) for source in sources("src")}
    rows = [f"  {json.dumps(module)}: {json.dumps(found)}" for module, found in sorted(names.items()) if found]
    return "{\n" + ",\n".join(rows) + "\n}\n"


def test_the_public_names_are_those_of_the_golden_list(rewrite_golden: bool) -> None:
    now = exports()
    if rewrite_golden:
        GOLDEN.write_text(now, encoding="utf-8")
    golden = GOLDEN.read_text(encoding="utf-8")
    difference = difflib.unified_diff(golden.splitlines(), now.splitlines(), "golden", "now", lineterm="", n=0)
    assert golden == now, "\n".join(("public names changed; if it was meant: make exports", *difference))


def test_only_what_a_module_defines_is_its_own() -> None:
    code = "from a import b\nimport c\nX = Y = 1\nz: int = 2\n_h = 3\ndef f(): g = 1\nclass K:\n    m = 1\n"
    assert public_names(ast.parse(code)) == ["K", "X", "Y", "f", "z"]
    assert public_names(ast.parse(code + "__all__ = ['b', 'K']\n")) == ["K", "b"]
