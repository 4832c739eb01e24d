"""Which tests can notice a mutant, and in which order to ask them."""

import ast
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import coverage

from tests.mutants.imports import distances, graph, module_of
from tests.mutants.mutant import Mutant, span
from tests.mutants.plugin import ALL_OF

NEW_FILE = 0.1
"""Seconds that one more test file costs: it has to be imported."""

NAMES = {"execution": ("execution", "guard", "reconcile", "settle", "submit", "drain")}
"""The first word of the test files that are a room's own; of other rooms the room's name."""

AT_IMPORT = ""
"""The context of what runs while no test does."""

_FOREMOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The tests for a mutant in two helpings, the room's own tests first, and whether some were left out for time."""

    own: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    cut: bool = False

    @property
    def helpings(self) -> tuple[tuple[str, ...], ...]:
        """Those that are not empty."""
        return tuple(each for each in (self.own, self.others) if each)


def candidates(repository: Path, room: str, folders: Sequence[str]) -> list[str]:
    """The test files of `folders` that reach the room by their imports; not the tests of the house's style."""
    imports = graph(repository)
    package = f"makenaide.{room}"
    found = []
    for folder in folders:
        for path in sorted((repository / "tests" / folder).rglob("test_*.py")):
            reached = distances(imports, module_of(path, repository))
            if not path.name.startswith("test_house_") and any(
                f"{name}.".startswith(f"{package}.") for name in reached
            ):
                found.append(path.relative_to(repository).as_posix())
    return found


@dataclass(slots=True, kw_only=True)
class Cover:
    """What measured runs of the tests in `trees` told: the lines that each of them runs, and its seconds."""

    trees: tuple[Path, ...]
    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    killers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _imports: Mapping[str, frozenset[str]] = field(default_factory=dict)
    _reached: dict[str, dict[str, int]] = field(default_factory=dict)
    _trees: dict[str, ast.Module] = field(default_factory=dict)

    def hear(self, seconds: Mapping[str, float], bad: Iterable[str]) -> None:
        """Take a run's times in; tests that do not pass unmutated are no witnesses."""
        left_out = set(bad)
        self.seconds |= {nodeid: each for nodeid, each in seconds.items() if nodeid not in left_out}

    def read(self, data: Path) -> None:
        """Take in which lines a run's tests ran."""
        measured = coverage.CoverageData(basename=str(data))
        measured.read()
        for file in measured.measured_files():
            tree = next(tree for tree in self.trees if Path(file).is_relative_to(tree))
            for line, contexts in measured.contexts_by_lineno(file).items():
                self.lines[Path(file).relative_to(tree).as_posix()][line].update(contexts)

    def choose(self, mutant: Mutant, folders: Sequence[str], patience: float) -> Choice:
        """The tests of `folders` that run the mutant's lines, fastest first, as many as `patience` seconds hold.

        Lines that run at import, in no test: those that import the file come as well, the nearest first.
        """
        touched = span(self._parsed(mutant.file), mutant)
        allowed = tuple(f"tests/{folder}/" for folder in folders)
        known = [nodeid for nodeid in self.seconds if nodeid.startswith(allowed)]
        contexts = set[str]().union(*(self.lines[mutant.file].get(line, set()) for line in touched.lines))
        shared = {_file(each) for each in contexts if each.endswith(ALL_OF)}
        runs = {nodeid for nodeid in known if nodeid in contexts or _file(nodeid) in shared}
        far: Mapping[str, int] = {}
        if touched.at_import or AT_IMPORT in contexts:
            far = self._distances(mutant.file) | {_file(nodeid): 0 for nodeid in runs}
        return self._ordered(mutant, [each for each in known if each in runs or _file(each) in far], far, patience)

    def time(self, tests: Iterable[str]) -> float:
        """The seconds of these tests together, imports included."""
        listed = list(tests)
        return sum(self.seconds[nodeid] for nodeid in listed) + NEW_FILE * len({_file(each) for each in listed})

    def _parsed(self, file: str) -> ast.Module:
        if file not in self._trees:
            self._trees[file] = ast.parse((self.trees[0] / file).read_text(encoding="utf-8"))
        return self._trees[file]

    def _ordered(self, mutant: Mutant, tests: Sequence[str], far: Mapping[str, int], patience: float) -> Choice:
        mean: dict[str, list[float]] = defaultdict(list)
        for nodeid in tests:
            mean[_file(nodeid)].append(self.seconds[nodeid])

        def order(nodeid: str) -> tuple[bool, int, float, str, float, str]:
            file = _file(nodeid)
            average = sum(mean[file]) / len(mean[file])
            return (not own(file, mutant.room), far.get(file, 0), average, file, self.seconds[nodeid], nodeid)

        kept, spent, files = [], 0.0, set[str]()
        for nodeid in sorted(tests, key=order):
            cost = self.seconds[nodeid] + (NEW_FILE if _file(nodeid) not in files else 0.0)
            if spent + cost <= patience:
                kept.append(nodeid)
                files.add(_file(nodeid))
                spent += cost
        met = self.killers[mutant.file]
        first = sorted((nodeid for nodeid in kept if met[nodeid]), key=lambda nodeid: -met[nodeid])[:_FOREMOST]
        rest = [nodeid for nodeid in kept if nodeid not in first]
        return Choice(
            own=(*first, *(nodeid for nodeid in rest if own(_file(nodeid), mutant.room))),
            others=tuple(nodeid for nodeid in rest if not own(_file(nodeid), mutant.room)),
            cut=len(kept) < len(tests),
        )

    def _distances(self, file: str) -> dict[str, int]:
        """The test files that reach `file`, by steps."""
        if file not in self._reached:
            tree = self.trees[0]
            self._imports = self._imports or graph(tree)
            target = module_of(tree / file, tree / "src")
            found = {}
            for name in {_file(nodeid) for nodeid in self.seconds}:
                steps = distances(self._imports, module_of(tree / name, tree)).get(target)
                if steps is not None:
                    found[name] = steps
            self._reached[file] = found
        return self._reached[file]


def own(file: str, room: str) -> bool:
    """Whether a test file is named after the room."""
    return file.rpartition("/")[2].startswith(tuple(f"test_{name}_" for name in NAMES.get(room, (room,))))


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
