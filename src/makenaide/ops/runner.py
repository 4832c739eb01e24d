"""Running checks: beside each other, each against its own deadline; whatever goes wrong with one is UNKNOWN.

A look that hangs is left behind in a daemon thread: it holds nothing but a reader's connection, which the server
ends by itself.
"""

import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from makenaide.domain.errors import MakenaideError
from makenaide.domain.verdict import Verdict
from makenaide.ops.attempt import Caught
from makenaide.ops.check import Check
from makenaide.ops.evidence import Evidence, Said
from makenaide.ops.scene import Scene

_SHORT = timedelta(minutes=10)
_LONGEST = 500
_DEEPEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One check with its evidence; `seconds` is how long the look took."""

    check: Check
    evidence: Evidence
    seconds: float


def run_checks(checks: Sequence[Check], scene: Scene) -> tuple[Result, ...]:
    """One result for each check, in their order. Never raises for what a look does."""
    looks = [_Look(check, scene) for check in checks]
    for look in looks:
        look.start()
    return tuple(look.result() for look in looks)


def run_check(check: Check, scene: Scene) -> Result:
    """The result of one check, looked at in this thread: for callers whose database connection is theirs alone."""
    began = time.monotonic()
    evidence = _looked(check, scene)
    return Result(check=check, evidence=evidence, seconds=time.monotonic() - began)


class _Look:
    """One look under way in a thread of its own."""

    def __init__(self, check: Check, scene: Scene) -> None:
        self._check = check
        self._scene = scene
        self._done: Evidence | None = None
        self._ended = 0.0
        self._began = 0.0
        self._thread = threading.Thread(target=self._run, name=f"check-{check.id}", daemon=True)

    def start(self) -> None:
        self._began = time.monotonic()
        self._thread.start()

    def result(self) -> Result:
        left = self._began + self._check.deadline - time.monotonic()
        self._thread.join(max(0.0, left))
        evidence = self._done
        if evidence is None:
            seconds = time.monotonic() - self._began
            evidence = unknown(self._scene, Said("hung", {"seconds": f"{self._check.deadline:g}"}))
            return Result(check=self._check, evidence=evidence, seconds=seconds)
        return Result(check=self._check, evidence=evidence, seconds=self._ended - self._began)

    def _run(self) -> None:
        done = _looked(self._check, self._scene)
        self._ended = time.monotonic()
        self._done = done


def unknown(scene: Scene, said: Said, source: str = "-") -> Evidence:
    """Nobody could look, and why."""
    return Evidence(
        verdict=Verdict.UNKNOWN, value=None, source=source, taken_at=scene.now, valid_for=_SHORT, said=said
    )


def _looked(check: Check, scene: Scene) -> Evidence:
    caught = Caught()
    with caught:
        return _sensible(check, scene, check.look(scene))
    cause = caught.cause
    said = str(cause) if isinstance(cause, MakenaideError | OSError) else f"{type(cause).__name__}: {cause}"
    return unknown(scene, Said("raised", {"cause": said[:_LONGEST]}))


def _sensible(check: Check, scene: Scene, evidence: Any) -> Evidence:
    """`evidence` if it makes sense, else UNKNOWN."""
    wrong = _wrong(check, scene, evidence)
    if wrong:
        return unknown(scene, Said("nonsense", {"cause": wrong}))
    assert isinstance(evidence, Evidence)  # noqa: S101 - looked at above
    return evidence


def _wrong(check: Check, scene: Scene, evidence: Any) -> str | None:
    if not isinstance(evidence, Evidence):
        return f"{type(evidence).__name__} instead of evidence"
    expected = {"verdict": Verdict, "said": Said, "taken_at": datetime, "valid_for": timedelta, "source": str}
    for name, kind in expected.items():
        if not isinstance(getattr(evidence, name), kind):
            return f"{name} is no {kind.__name__}"
    if evidence.taken_at.tzinfo is None:
        return "a time without a zone"
    if evidence.valid_for <= timedelta(0):
        return "it never counts"
    if not _plain(evidence.value, 0):
        return "a value that is no plain data"
    if evidence.verdict is Verdict.NOT_APPLICABLE and check.money and scene.live:
        return "a check about money cannot be N/A in live mode"
    return None


def _plain(value: Any, depth: int) -> bool:
    if depth > _DEEPEST:
        return False
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Decimal):
        return value.is_finite()
    if value is None or isinstance(value, str | bool | int):
        return True
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _plain(each, depth + 1) for key, each in value.items())
    if isinstance(value, list | tuple):
        return all(_plain(each, depth + 1) for each in value)
    return False
