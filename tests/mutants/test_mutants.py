"""The mutation runner itself: on a tree of three files it counts, lists, times out, refuses and leaves nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from tests.mutants import report
from tests.mutants.covering import candidates
from tests.mutants.mutant import Equivalent, Mutant, Outcome, Verdict, equivalents
from tests.mutants.session import FOLDERS, REPOSITORY, Plan, sampled, tried
from tests.mutants.worker import Unusable

SUMS = """\
from functools import cache


def seven() -> int:
    return 7


LIMIT = seven()


def least(numbers: list[int]) -> int:
    found = numbers[0]
    for number in numbers:
        if number < found:
            found = number
    return found


@cache
def double(number: int) -> int:
    return number + number


def steps(number: int) -> int:
    count = 0
    while number > 0:
        number = number - 2
        count = count + 1
    return count


def unseen() -> int:
    return 1
"""
TESTS = """\
from makenaide.domain.sums import LIMIT, double, least, steps


def test_the_least_is_found() -> None:
    assert least([3, 1, 2]) == 1


def test_steps_are_counted() -> None:
    assert steps(6) == 3


def test_doubling_is_quick() -> None:
    assert double(3) > 0


def test_doubling_is_right() -> None:
    assert double(3) == 6


def test_the_limit_is_lucky() -> None:
    assert LIMIT == 7
"""
CONFTEST = 'import hypothesis\nhypothesis.settings.register_profile("house", deadline=None)\n'
INI = '[tool.pytest.ini_options]\naddopts = "--strict-markers"\nfilterwarnings = ["error"]\n'
LESS = ("        if number < found:", "        if number <= found:")
MORE = ("        if number < found:", "        if number >= found:")
STUCK = ("        number = number - 2", "        number = number + 2")
UNSEEN = ("    return 1", "    return 2")
LUCK = ("LIMIT = seven()", "LIMIT = None")
DOUBLE = ("    return number + number", "    return number + 1")
SEVEN = ("    return 7", "    return 8")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with one room of one file, and its tests."""
    files = {
        "pyproject.toml": INI,
        "src/makenaide/__init__.py": "",
        "src/makenaide/domain/__init__.py": "",
        "src/makenaide/domain/sums.py": SUMS,
        "tests/__init__.py": "",
        "tests/conftest.py": CONFTEST,
        "tests/unit/__init__.py": "",
        "tests/unit/test_domain_sums.py": TESTS,
        "tests/unit/test_else.py": "def test_nothing() -> None:\n    raise AssertionError\n",
    }
    for name, text in files.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "tree"


def planted(change: tuple[str, str]) -> Mutant:
    was, now = change
    at = SUMS.splitlines().index(was)
    file = "src/makenaide/domain/sums.py"
    return Mutant(room="domain", file=file, start=at, stop=at + 1, lines=(now,), was=(was,))


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.mutants.worker.GRACE", 2.0)


def outcomes(tree: Path, *changes: tuple[str, str]) -> dict[str, Outcome]:
    plan = Plan(rooms=("domain",), repository=tree, workers=1)
    found = tried(plan, [planted(each) for each in changes], lambda words: None)
    return {each.mutant.lines[0]: each for each in found}


def test_each_mutant_gets_its_verdict(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick(monkeypatch)
    found = outcomes(tree, LESS, MORE, STUCK, UNSEEN, LUCK, SEVEN)
    assert {line: each.verdict for line, each in found.items()} == {
        LESS[1]: Verdict.SURVIVED,
        MORE[1]: Verdict.KILLED,
        STUCK[1]: Verdict.TIMED_OUT,
        UNSEEN[1]: Verdict.NOT_COVERED,
        LUCK[1]: Verdict.KILLED,  # at module level, which runs at import only
        SEVEN[1]: Verdict.KILLED,  # so does this function
    }
    assert found[MORE[1]].killer == "tests/unit/test_domain_sums.py::test_the_least_is_found"
    assert (tree / "src/makenaide/domain/sums.py").read_text(encoding="utf-8") == SUMS


def test_what_one_test_has_cached_is_run_by_the_next_one_as_well(tree: Path) -> None:
    found = outcomes(tree, DOUBLE)[DOUBLE[1]]
    assert found.killer == "tests/unit/test_domain_sums.py::test_doubling_is_right"


def test_a_test_that_fails_anyway_kills_nothing(tree: Path) -> None:
    path = tree / "tests/unit/test_domain_sums.py"
    path.write_text(TESTS.replace("== 1", "== 5"), encoding="utf-8")
    assert outcomes(tree, MORE)[MORE[1]].verdict is Verdict.NOT_COVERED


def test_a_test_that_no_mutant_can_wait_for_is_broken_off(tree: Path) -> None:
    path = tree / "tests/unit/test_domain_sums.py"
    slow = "import time\n" + TESTS.replace("    assert least", "    time.sleep(30)\n    assert least")
    path.write_text(slow, encoding="utf-8")
    said: list[str] = []
    plan = Plan(rooms=("domain",), repository=tree, workers=1, patience={"domain": 0.5})
    (found,) = tried(plan, [planted(MORE)], said.append)
    assert found.verdict is Verdict.NOT_COVERED
    assert any("not a witness" in words and "test_the_least_is_found" in words for words in said)


def test_tests_that_do_not_pass_by_themselves_cannot_judge(tree: Path) -> None:
    path = tree / "tests/unit/test_domain_sums.py"
    once = f"from pathlib import Path\nSEEN = Path({str(tree / 'seen')!r})\n"
    kept = "    assert not SEEN.exists()\n    SEEN.touch()\n    assert least([3, 1, 2]) == 1"
    path.write_text(once + TESTS.replace("    assert least([3, 1, 2]) == 1", kept), encoding="utf-8")
    with pytest.raises(Unusable, match="test_the_least_is_found fails without any mutant"):
        outcomes(tree, MORE)


def test_only_tests_that_reach_the_room_are_asked(tree: Path) -> None:
    assert candidates(tree, "domain", ("unit",)) == ["tests/unit/test_domain_sums.py"]


def test_the_seed_alone_decides_the_sample() -> None:
    mutants = [planted((was, str(number))) for was, _ in (LESS, LUCK) for number in range(50)]
    assert sampled(mutants, 10, 1) == sampled(mutants, 10, 1)
    assert sampled(mutants, 10, 1) != sampled(mutants, 10, 2)
    assert len(set(sampled(mutants, 10, 1))) == 10
    assert sampled(mutants, None, 1) == sampled(mutants, 1000, 1) == mutants


LIVING = Outcome(mutant=planted(LESS), verdict=Verdict.SURVIVED)
EXCUSE = Equivalent(
    file=LIVING.mutant.file,
    was="if number < found:",
    now="if number <= found:",
    why="an equal number changes nothing",
)


def test_the_report_counts_by_verdict_and_sets_the_equivalent_apart() -> None:
    found = [
        LIVING,
        Outcome(mutant=planted(MORE), verdict=Verdict.KILLED),
        Outcome(mutant=planted(STUCK), verdict=Verdict.TIMED_OUT),
        Outcome(mutant=planted(UNSEEN), verdict=Verdict.NOT_COVERED),
    ]
    (row,) = report.lines(found, [EXCUSE])
    assert row.cells == ["domain", "4", "1", "1", "1", "1", "1", "50.0", "66.7"]
    assert report.enough([row], 66.0)
    assert not report.enough([row], 67.0)
    assert [each.mutant for each in report.living(found, [EXCUSE])] == [planted(UNSEEN)]
    assert report.survivors(found, []).splitlines() == [
        "src/makenaide/domain/sums.py:14",
        "    -         if number < found:",
        "    +         if number <= found:",
        "src/makenaide/domain/sums.py:33  no test runs it",
        "    -     return 1",
        "    +     return 2",
    ]
    assert "66.7" in report.table([row])


def test_an_excuse_that_a_test_refutes_is_told() -> None:
    assert report.stale([LIVING], [EXCUSE]) == []
    killed = Outcome(mutant=LIVING.mutant, verdict=Verdict.KILLED)
    assert report.stale([killed], [EXCUSE]) == [EXCUSE]


def test_each_excuse_is_of_a_line_that_is_there_and_says_why() -> None:
    for each in equivalents(REPOSITORY / "tests/mutants/equivalent.toml"):
        text = " ".join(line.strip() for line in (REPOSITORY / each.file).read_text(encoding="utf-8").splitlines())
        assert each.was in text, each
        assert len(each.why) > 20


def test_every_room_of_the_plan_is_there() -> None:
    assert all((REPOSITORY / "src/makenaide" / room).is_dir() for room in FOLDERS)


HANG = """
import sys
from pathlib import Path
from tests.mutants.session import Plan, tried
from tests.mutants.test_mutants import STUCK, planted
plan = Plan(rooms=("domain",), repository=Path(sys.argv[1]), workers=1)
tried(plan, [planted(STUCK)], lambda words: print(words, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_session_leaves_no_process_and_its_tree_as_it_was(
    tree: Path, tmp_path: Path, number: signal.Signals
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    session = subprocess.Popen(
        [sys.executable, "-c", HANG, str(tree)],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert session.stdout is not None
    with session, session.stdout as words:
        assert any("are the witnesses" in line for line in words)
        stuck = eventually(lambda: [each for each in offspring(session.pid) if busy(each)])
        everyone = offspring(session.pid)
        session.send_signal(number)
        session.wait(20)
        eventually(lambda: not [each for each in everyone if each.is_running() and each.status() != "zombie"])
    assert stuck
    if number is signal.SIGINT:
        assert list(temporary.iterdir()) == []
    assert (tree / "src/makenaide/domain/sums.py").read_text(encoding="utf-8") == SUMS


def offspring(pid: int) -> list[Any]:
    return list(psutil.Process(pid).children(recursive=True))


def busy(process: Any) -> bool:
    """Whether it computes for longer than any start takes: the mutant that hangs."""
    return bool(sum(process.cpu_times()[:2]) > 1.0)


def eventually(look: Callable[[], Any], patience: float = 20.0) -> Any:
    """What `look` finds, as soon as it finds anything."""
    deadline = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)
    return found
