"""Running checks: whatever one look does, the others are looked at, and nonsense never passes for evidence."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.domain.errors import Unavailable
from makenaide.domain.verdict import Verdict
from makenaide.ops.check import Check, Checklist, Severity
from makenaide.ops.evidence import Evidence, Said
from makenaide.ops.runner import run_check, run_checks
from makenaide.ops.scene import Scene
from tests.unit.morning_scene import NOW, scene

GOOD = Evidence(
    verdict=Verdict.PASS,
    value={"number": 1},
    source="a table",
    taken_at=NOW,
    valid_for=timedelta(hours=1),
    said=Said("fine"),
)


def check(look: Callable[[Scene], Any], name: str = "M1", **more: Any) -> Check:
    about: dict[str, Any] = {"id": name, "list": Checklist.MORNING, "severity": Severity.MINOR, "look": look}
    return Check(**(about | more))


def raising(fault: BaseException) -> Callable[[Scene], Any]:
    def look(_: Scene) -> Any:
        raise fault

    return look


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Unavailable("the venue sleeps"), "the venue sleeps"),
        (PermissionError(13, "no"), "[Errno 13] no"),
        (KeyError("x"), "KeyError: 'x'"),
        (RecursionError("deep"), "RecursionError: deep"),
    ],
)
def test_a_look_that_raises_is_unknown_with_its_cause(fault: BaseException, words: str) -> None:
    found = run_check(check(raising(fault)), scene()).evidence
    assert (found.verdict, found.said.key) == (Verdict.UNKNOWN, "raised")
    assert found.said.values == {"cause": words}
    assert found.taken_at == NOW


def spoilt(**more: Any) -> Any:
    return replace(GOOD, **more)


NONSENSE: dict[str, Any] = {
    "nothing": None,
    "a word": "PASS",
    "a verdict that is none": spoilt(verdict="PASS"),
    "a time without a zone": spoilt(taken_at=datetime(2026, 3, 2)),  # noqa: DTZ001 - that is the point
    "never valid": spoilt(valid_for=timedelta(0)),
    "a number that is none": spoilt(value={"mean": float("nan")}),
    "a decimal that is none": spoilt(value=[Decimal("Infinity")]),
    "an object": spoilt(value={"at": object()}),
    "a key that is no word": spoilt(value={1: 2}),
    "a sentence that is none": spoilt(said="fine"),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_unknown(name: str) -> None:
    found = run_check(check(lambda _: NONSENSE[name]), scene()).evidence
    assert (found.verdict, found.said.key) == (Verdict.UNKNOWN, "nonsense")


def test_a_check_about_money_is_never_not_applicable_with_real_money() -> None:
    absent = replace(GOOD, verdict=Verdict.NOT_APPLICABLE)
    paper, live = scene(), replace(scene(), live=True)
    assert run_check(check(lambda _: absent, money=True), paper).evidence.verdict is Verdict.NOT_APPLICABLE
    assert run_check(check(lambda _: absent), live).evidence.verdict is Verdict.NOT_APPLICABLE
    assert run_check(check(lambda _: absent, money=True), live).evidence.verdict is Verdict.UNKNOWN


def test_one_that_hangs_one_that_raises_and_one_that_babbles_never_stop_the_others() -> None:
    release = threading.Event()

    def hanging(_: Scene) -> Evidence:
        release.wait(30)
        return GOOD

    looks = [
        check(hanging, "M1", deadline=0.2),
        check(raising(ZeroDivisionError("x")), "M2"),
        check(lambda _: 7, "M3"),
        check(lambda _: GOOD, "M4"),
        check(hanging, "M5", deadline=0.2),
    ]
    began = time.monotonic()
    results = run_checks(looks, scene())
    took = time.monotonic() - began
    release.set()
    assert [each.check.id for each in results] == ["M1", "M2", "M3", "M4", "M5"]
    assert [each.evidence.said.key for each in results] == ["hung", "raised", "nonsense", "fine", "hung"]
    assert results[0].evidence.said.values == {"seconds": "0.2"}
    assert results[3].evidence == GOOD
    assert took < 5, "they are looked at beside each other"


def test_an_end_of_the_program_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        run_check(check(raising(KeyboardInterrupt())), scene())
