"""The harness of all tests: a clean environment, guarded sockets, golden files, and the sum of their time."""

import os
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import hypothesis
import pytest

from tests.harness import POLICY, clean_environment, folder_of, guard_sockets, stripped

BUDGET_SECONDS = 1200
"""Of one process: `make test` runs two beside each other."""
REPOSITORY = Path(__file__).resolve().parents[1]
NUMBERS = count()
SECONDS: defaultdict[str, float] = defaultdict(float)

for _name in stripped(list(os.environ)):  # before any session fixture can start a child
    del os.environ[_name]
guard_sockets()
# No deadline: the machine is shared, and a slow example is not a wrong one.
hypothesis.settings.register_profile("house", deadline=None, print_blob=True)
hypothesis.settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rewrite-golden` (see `make exports`)."""
    parser.addoption("--rewrite-golden", action="store_true", help="write the golden files instead of comparing")


@pytest.fixture(scope="session")
def rewrite_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew."""
    return bool(request.config.getoption("--rewrite-golden"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data(repository: Path) -> Path:
    """Real Upbit candles beside the repository; skips where they are absent."""
    folder = repository.parent / "shared" / "data" / "upbit"
    if not folder.is_dir():
        pytest.skip("the shared folder of real candles is not beside this repository")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of all homes; the first is for what session fixtures start."""
    homes = tmp_path_factory.mktemp("homes")
    with pytest.MonkeyPatch.context() as patch:
        _move_in(patch, homes)
        yield homes


def _move_in(patch: pytest.MonkeyPatch, homes: Path) -> None:
    home = homes / str(next(NUMBERS))
    home.mkdir()
    for name in stripped(list(os.environ)):
        patch.delenv(name)
    for name, value in clean_environment(str(home), str(home / "data")).items():
        patch.setenv(name, value)


@pytest.fixture(autouse=True)
def _nothing_real(request: pytest.FixtureRequest, _homes: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home and a data folder of its own for every test, and sockets only where they belong."""
    _move_in(monkeypatch, _homes)
    unit = folder_of(request.node.nodeid) == "unit"
    POLICY.sockets = not unit or request.node.get_closest_marker("sockets") is not None
    yield
    POLICY.sockets = True


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up the time of set-up, call and teardown by folder."""
    SECONDS[folder_of(report.nodeid)] += report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sum by folder, the dearest first."""
    terminalreporter.section("seconds by folder")
    for folder, seconds in sorted(SECONDS.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{folder:<12} {seconds:8.1f}")
    terminalreporter.write_line(f"{'all':<12} {sum(SECONDS.values()):8.1f} of {BUDGET_SECONDS}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that took more than its budget, so that nobody stops running the tests."""
    if sum(SECONDS.values()) > BUDGET_SECONDS and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
