"""The matrix: every world changed, looked at as a user would, and put back; a table, and every difference."""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from makenaide.domain.verdict import Verdict
from tests.harness import clean_environment, stripped
from tests.matrix.changes import TABLE, Cell, Kind
from tests.matrix.worlds import DECLARED, IDS, Ground, World, world_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A check said something else than was declared. `where` is a cell ("M6 bad"), or the world as it was made.

    `found` is None where nothing was said at all; `said` is the check's own sentence, or how its list ended.
    """

    where: str
    what: str
    check: str
    declared: Verdict
    found: Verdict | None
    said: str

    @property
    def line(self) -> str:
        """For people."""
        return (
            f"{self.where} ({self.what}): {self.check} is {self.found or 'not told'}"
            f" instead of {self.declared}: {self.said}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What came of one cell: what its check said, and whatever was not as declared."""

    cell: Cell
    found: Verdict | None
    differences: tuple[Difference, ...]
    seconds: float


Told = Callable[[str], None]
"""Is told what is being done."""


def look(world: World, cell: Cell) -> Looked:
    """Change the world, take both lists, put it back."""
    began = time.monotonic()
    with cell.change(world):
        found = world.verdicts()
        expected = {**DECLARED[cell.ground], **cell.also, cell.check: cell.verdict}
        differences = compared(world, (cell.name, cell.what), expected, found)
    return Looked(
        cell=cell,
        found=found.get(cell.check),
        differences=differences,
        seconds=time.monotonic() - began,
    )


def compared(
    world: World, about: tuple[str, str], expected: Mapping[str, Verdict], found: Mapping[str, Verdict]
) -> tuple[Difference, ...]:
    """Every check that did not say what was expected, in the order of the lists."""
    return tuple(
        Difference(
            where=about[0],
            what=about[1],
            check=check,
            declared=expected[check],
            found=found.get(check),
            said=world.said.get(check, ""),
        )
        for check in IDS
        if found.get(check) != expected[check]
    )


def untouched(world: World, when: str) -> tuple[Difference, ...]:
    """What the world says while nothing is changed, against what is declared of it."""
    about = (f"the {world.ground} world", f"{when} everything")
    return compared(world, about, DECLARED[world.ground], world.verdicts())


def taken(cells: Sequence[Cell], folder: Path, tell: Told) -> Iterator[Looked | tuple[Difference, ...]]:
    """Each cell, world by world; what a world says before and after is between them."""
    for ground in Ground:
        own = [cell for cell in cells if cell.ground is ground]
        if not own:
            continue
        tell(f"making the {ground} world")
        with world_of(ground, folder / ground) as world:
            yield untouched(world, "before")
            for cell in own:
                tell(cell.name)
                yield look(world, cell)
            yield untouched(world, "after")


def main(arguments: Sequence[str]) -> int:
    """Take the matrix, or the cells of some checks; 1 when anything is not as declared."""
    asked = _options(arguments)
    cells = [cell for cell in TABLE if not asked.only or cell.check in asked.only]
    began, found, differences = time.monotonic(), list[Looked](), list[Difference]()

    def tell(what: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{len(found)}/{len(cells)} {what}")
            sys.stderr.flush()

    with tempfile.TemporaryDirectory(prefix="makenaide-matrix-", ignore_cleanup_errors=True) as folder:
        _move_in(Path(folder))
        for each in taken(cells, Path(folder), tell):
            if isinstance(each, Looked):
                found.append(each)
                differences += each.differences
            else:
                differences += each
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    seconds = time.monotonic() - began
    print(_data(found, differences, seconds) if asked.json else _page(found, differences, seconds))  # noqa: T201
    return 1 if differences else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        type=str.upper,
        choices=IDS,
        metavar="ID",
        help="the worlds of this check; again for more",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser.parse_args(arguments)


def _move_in(folder: Path) -> None:
    """Nothing of the caller's own is seen or touched."""
    for name in stripped(list(os.environ)):
        del os.environ[name]
    os.environ.update(clean_environment(str(folder / "home"), str(folder / "data")))


# ---- telling ----


def _page(found: Sequence[Looked], differences: Sequence[Difference], seconds: float) -> str:
    cells = {(each.cell.check, each.cell.kind): each for each in found}
    lines = [f"{'':4}" + "".join(f"{kind:<12}" for kind in Kind)]
    for check in (each for each in IDS if (each, Kind.GOOD) in cells):
        marks = [_mark(cells[check, kind]) for kind in Kind]
        lines.append(f"{check:<4}" + "".join(f"{mark:<12}" for mark in marks).rstrip())
    right = sum(not each.differences for each in found)
    lines += [f"{right} of {len(found)} worlds as declared, {seconds:.0f} s"]
    return "\n".join([*lines, *(each.line for each in differences)])


def _mark(looked: Looked) -> str:
    return f"{looked.found or '-'} {'x' if looked.differences else 'ok'}"


def _data(found: Sequence[Looked], differences: Sequence[Difference], seconds: float) -> str:
    worlds = [
        {
            "check": each.cell.check,
            "kind": each.cell.kind,
            "world": each.cell.ground,
            "what": each.cell.what,
            "declared": each.cell.verdict,
            "found": each.found,
            "also": dict(each.cell.also),
            "as_declared": not each.differences,
            "seconds": round(each.seconds, 1),
        }
        for each in found
    ]
    told = {"seconds": round(seconds, 1), "worlds": worlds, "differences": [asdict(each) for each in differences]}
    return json.dumps(told, indent=2, ensure_ascii=False)
