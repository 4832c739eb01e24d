"""The pytest plugins of a run in a fork: its tests in their order, no shrinking, what ran where, one database."""

import os
import signal
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import hypothesis
import pytest

ALL_OF = "::*"
"""Ends the context of a fixture that the tests of a file share: its lines belong to all of them."""


@dataclass(slots=True, eq=False)
class Guide:
    """What a run is told, `tests` by node id or None for all, and what it tells.

    A test that takes longer than `slowest` seconds is broken off and has failed: no mutant could wait for it.
    """

    tests: Sequence[str] | None = None
    coverage: Any = None
    slowest: float = 0.0
    rooms: tuple[str, ...] = ()
    failed: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    _contexts: list[str] = field(default_factory=list)

    def pytest_configure(self) -> None:
        """Properties are checked by the same examples every time, and a counter-example need not be short."""
        phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate, hypothesis.Phase.target]
        house = hypothesis.settings.get_profile("house")
        hypothesis.settings.register_profile("mutants", house, database=None, derandomize=True, phases=phases)
        hypothesis.settings.load_profile("mutants")
        signal.signal(signal.SIGALRM, _too_slow)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only the chosen tests, in their order."""
        if self.tests is not None:
            order = {nodeid: number for number, nodeid in enumerate(self.tests)}
            items[:] = sorted(
                (item for item in items if item.nodeid in order), key=lambda each: order[each.nodeid]
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Time each test, its fixtures included; lines that run belong to it."""
        forget(self.rooms)
        started = time.perf_counter()
        with self._context(item.nodeid):
            result = yield
        self.seconds[item.nodeid] = time.perf_counter() - started
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Break off what takes too long."""
        signal.setitimer(signal.ITIMER_REAL, self.slowest)
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, object, object]:
        """Lines that run for a shared fixture belong to every test of the file."""
        here = self._contexts[-1] if self._contexts else ""
        shared = fixturedef.scope != "function" and here
        with self._context(here.partition("::")[0] + ALL_OF if shared else here):
            return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The first test that fails is the one that killed."""
        if report.outcome != "passed":
            self.bad.add(report.nodeid)
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A test file that cannot even be imported kills, too."""
        if report.failed:
            self.failed = self.failed or report.nodeid

    @contextmanager
    def _context(self, name: str) -> Iterator[None]:
        self._contexts.append(name)
        self._switch()
        try:
            yield
        finally:
            self._contexts.pop()
            self._switch()

    def _switch(self) -> None:
        if self.coverage is not None:
            self.coverage.switch_context(self._contexts[-1] if self._contexts else "")


def forget(rooms: Sequence[str]) -> None:
    """Empty the caches of functions of these packages: what is remembered from another test would run no line."""
    for name, module in list(sys.modules.items()):
        if name.startswith(tuple(rooms)):
            for each in list(vars(module).values()):
                clear = getattr(each, "cache_clear", None)
                if callable(clear) and not isinstance(each, type):
                    clear()


def _too_slow(*_: object) -> None:
    raise TimeoutError("no mutant can wait for this test")


@dataclass(frozen=True, slots=True)
class OneServer:
    """In place of the fixture `postgres`: what the tests ask a running server for."""

    conninfo: str


@dataclass(slots=True, eq=False)
class OneDatabase:
    """All forks use one server; schemas, which the tests count from 1, are told apart by process."""

    server: OneServer
    _schemas: Iterator[int] = field(default_factory=lambda: count(1))

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> object:
        """The shared server, and a schema that no other process has."""
        made: object = None
        ours = (
            getattr(fixturedef.func, "__module__", "") == "tests.contract.conftest"
        )  # the crash tests borrow them
        if ours and fixturedef.argname == "postgres":
            made = self.server
        elif ours and fixturedef.argname == "schema":
            made = f"mutant_{os.getpid()}_{next(self._schemas)}"
        if made is not None:
            fixturedef.cached_result = (made, fixturedef.cache_key(request), None)
        return made
