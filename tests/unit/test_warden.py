"""The dead-man's check: a missing guard is replaced and an alarm raised, and nothing ends the trader for it."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from makenaide.app import warden
from makenaide.app.guardian import Kept
from makenaide.app.warden import FAILED, GONE, Warden, keeping
from makenaide.domain.errors import DatabaseUnavailable, DiskFull, Unavailable
from tests.unit.test_heartbeat import orders

FOUND = Kept(pid=1)
FIRST = Kept(pid=1, started=True, cause="none was on duty")
AGAIN = Kept(pid=2, started=True, alarm=True, cause="its process 1 is gone")


@dataclass
class Rows:
    """The alarms; `fault` is raised instead of keeping them."""

    kept: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    fault: Exception | None = None

    def __call__(self, action: str, detail: Mapping[str, Any]) -> None:
        if self.fault is not None:
            raise self.fault
        self.kept.append((action, detail))

    @property
    def actions(self) -> list[str]:
        """What they were."""
        return [action for action, _ in self.kept]


Script = Callable[..., None]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Says what each look at the guard finds, the last for ever."""

    def set_script(*steps: Kept | Exception) -> None:
        left = list(steps)

        def ensure(*_: object) -> Kept:
            step = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(step, Exception):
                raise step
            return step

        monkeypatch.setattr(warden, "ensure_guard", ensure)

    return set_script


def looked(times: int, rows: Rows) -> Warden:
    one = Warden(Path("account"), orders(), rows)
    for _ in range(times):
        one.look()
    return one


@pytest.mark.parametrize(
    ("steps", "alarms"),
    [
        ([FIRST, FOUND, FOUND], []),
        ([FOUND, FOUND, FOUND], []),
        ([AGAIN, FOUND, FOUND], [GONE]),
        ([FIRST, FOUND, AGAIN], [GONE]),
        ([FIRST, FIRST, FOUND], [GONE]),
        ([Unavailable("no"), Unavailable("no"), FIRST], [FAILED]),
        ([Unavailable("no"), FOUND, DiskFull("full")], [FAILED, FAILED]),
        ([PermissionError("closed"), FIRST, FOUND], [FAILED]),
    ],
    ids=[
        "a first guard",
        "one that a killed trader left",
        "one that died with the trader",
        "one that died",
        "one that somebody ended under us",
        "two tries at once missing one",
        "missing twice",
        "a closed folder",
    ],
)
def test_an_alarm_is_raised_when_a_guard_was_missing(
    script: Script, steps: list[Kept | Exception], alarms: list[str]
) -> None:
    script(*steps)
    rows = Rows()
    looked(3, rows)
    assert rows.actions == alarms


def test_a_guard_that_dies_again_and_again_is_started_ever_later_until_one_lives(script: Script) -> None:
    now = [0.0]
    script(FIRST, AGAIN, AGAIN, AGAIN, FOUND)
    one = Warden(Path("account"), orders(), Rows(), lambda: now[0])
    pauses = []
    for _ in range(5):
        one.look()
        pauses.append(one.pause)
    assert pauses == [1, 1, 2, 4, 4]
    now[0] = 31.0
    one.look()
    assert one.pause == 1


def test_a_guard_that_cannot_be_started_is_tried_less_and_less_often(script: Script) -> None:
    script(Unavailable("no"))
    assert [looked(times, Rows()).pause for times in (1, 2, 5, 99)] == [2, 4, 30, 30]


def test_a_database_that_is_down_leaves_the_alarm_to_the_log(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    script(AGAIN)
    with caplog.at_level(logging.INFO, "makenaide"):
        looked(1, Rows(fault=DatabaseUnavailable("down")))
    assert [getattr(record, "action", None) for record in caplog.records] == [GONE, "alarm.lost"]


@pytest.fixture
def propagated() -> Iterator[None]:
    """The program's log reaches the test, whoever has set it up before."""
    root = logging.getLogger("makenaide")
    before, root.propagate = root.propagate, True
    yield
    root.propagate = before


pytestmark = pytest.mark.usefixtures("propagated")


def test_it_looks_before_anything_else_and_then_each_second(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warden, "_LOOK_SECONDS", 0.01)
    script(FIRST, FOUND, AGAIN, FOUND)
    rows = Rows()
    with keeping(Path("account"), orders(), rows) as one:
        for _ in range(500):
            if rows.kept:
                break
            one._stop.wait(0.01)
    assert rows.kept == [(GONE, {"process": 2, "cause": "its process 1 is gone"})]
    assert not one._thread.is_alive()
