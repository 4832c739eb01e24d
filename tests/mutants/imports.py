"""Who reaches whom by importing, read from the source: how far a test file is from a module."""

import ast
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path


def module_of(path: Path, root: Path) -> str:
    """The dotted name of a file below `root`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def graph(repository: Path) -> dict[str, frozenset[str]]:
    """The modules that each module of src and tests imports directly, packages on the way included."""
    files = {
        module_of(path, root): path
        for root, folder in ((repository / "src", "makenaide"), (repository, "tests"))
        for path in sorted((root / folder).rglob("*.py"))
    }
    return {name: frozenset(_imported(path, files)) for name, path in files.items()}


def _imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: Iterable[str] = ()
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name in known)


def distances(imports: Mapping[str, frozenset[str]], start: str) -> dict[str, int]:
    """The steps from `start` to every module that it reaches."""
    found, queue = {start: 0}, deque([start])
    while queue:
        here = queue.popleft()
        for there in imports.get(here, ()):
            if there not in found:
                found[there] = found[here] + 1
                queue.append(there)
    return found
