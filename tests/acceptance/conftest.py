"""Homes for the acceptance tests: some finished once and only read, some of a test's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.worlds import LIVELY, SHORT, TRADING, Home, Make, Outcome, homes


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A home whose run came to its end without any interruption, and what it said. Only read it."""

    home: Home
    first: Outcome


@pytest.fixture(scope="session")
def kept_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Homes for the whole session."""
    with homes(tmp_path_factory.mktemp("kept")) as make:
        yield make


@pytest.fixture
def make_home(tmp_path: Path) -> Iterator[Make]:
    """Homes for one test."""
    with homes(tmp_path) as make:
        yield make


@pytest.fixture
def home(make_home: Make) -> Home:
    """One empty home for one test."""
    return make_home("home")


@pytest.fixture(scope="session")
def trading(kept_homes: Make) -> Finished:
    """A finished run that bought and sold."""
    home = kept_homes("trading")
    home.configure(LIVELY)
    return Finished(home=home, first=home.must(*TRADING))


@pytest.fixture(scope="session")
def short(kept_homes: Make) -> Finished:
    """A finished short run under the real rules."""
    home = kept_homes("short")
    return Finished(home=home, first=home.must(*SHORT))
