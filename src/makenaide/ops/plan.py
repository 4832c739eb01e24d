"""A plan: what will be done, step by step, and why; made first, printed, then carried out.

    plan = start_plan(situation, name, at)           # pure: reads and changes nothing
    ended = carry_out(plan, acts, course)            # pre-check, act, post-check; each within its deadline

A plan is plain data. What a step does here is its `Deed`, which the place looks up (`Acts`): this machine at home,
the cloud on AWS. Every result is durable in a file outside the database that the plan powers, before the next step
begins. A plan that broke off is carried out again by the same command: what holds by then is skipped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import msgspec

from makenaide.domain.errors import Halted, MakenaideError, Unavailable
from makenaide.execution.disk import Files
from makenaide.store.home import file_faults

FOLDER = "plans"
_PAUSE = 0.05
"""Seconds between two looks at whether a step holds."""


class Procedure(StrEnum):
    """What a plan is for."""

    START = "start"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step. `does` and `why` are keys of the catalogue (plan.does.<does>, plan.why.<why>) with their `values`.

    `deadline`: seconds from its pre-check until its post-check holds. `skip`: it holds already, as far as the plan
    can know; its pre-check has the last word.
    """

    id: str
    does: str
    deadline: float
    why: str
    skip: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps of one start or stop, in order. `account`: the one that is meant, None where there is none yet."""

    id: str
    procedure: Procedure
    at: datetime
    account: str | None
    steps: tuple[Step, ...]

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return all(step.skip for step in self.steps)


class Outcome(StrEnum):
    """How a step ended; LATE: its deadline passed before it held."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    LATE = "late"

    @property
    def good(self) -> bool:
        """Whether what the step is for holds."""
        return self in (Outcome.DONE, Outcome.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one step: `at` its end (UTC), `detail` what was done, `cause` what was wrong."""

    step: str
    outcome: Outcome
    at: datetime
    seconds: float
    detail: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What came of a plan. `failure` is what its command exits with; `undone` what was taken back after it."""

    plan: Plan
    results: tuple[Result, ...]
    failure: MakenaideError | None = None
    undone: tuple[str, ...] = ()

    @property
    def failed(self) -> Result | None:
        """The step that failed."""
        return next((each for each in self.results if not each.outcome.good), None)


Left = Callable[[], float]
"""How many seconds of the step's deadline are left; below zero when it has passed."""


def _nothing() -> None:
    """There is nothing that could forbid it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What a step does in one place; each part may raise a `MakenaideError` or `OSError`, which fails the step.

    `lacks` is the pre-check and the post-check: what is missing until the step holds, None when it does; it changes
    nothing. `require` raises what forbids the act. `act` does it, bounded by what is `left`, and tells what it did.
    """

    lacks: Callable[[], str | None]
    act: Callable[[Left], str]
    require: Callable[[], None] = _nothing


class Acts(Protocol):
    """What the steps of a plan do in one place."""

    def deed(self, step: str) -> Deed:
        """What the step of that id does."""
        ...

    def undo(self) -> Sequence[str]:
        """A step failed: leave what is safe. A start takes back what it did, a stop leaves the database up.

        What was done for it, in words. Raises as a deed does.
        """
        ...


class Journal(Protocol):
    """Where a plan leaves its traces; `MakenaideError` or `OSError` where they cannot be kept."""

    def began(self, plan: Plan) -> None:
        """The plan is under way."""
        ...

    def stepped(self, result: Result) -> None:
        """A step ended."""
        ...

    def ended(self, ended: Ended) -> None:
        """The plan ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The time and the ears of one execution: `seconds` never goes back, `told` hears each step begin and end."""

    now: Callable[[], datetime]
    seconds: Callable[[], float]
    sleep: Callable[[float], None]
    journal: Journal
    told: Callable[[Step, Result | None], None] = lambda _step, _result: None
    stopping: Callable[[], bool] = lambda: False


def carry_out(plan: Plan, acts: Acts, course: Course) -> Ended:
    """Carry out `plan` to its end or to the first step that fails; then what is safe is left (`Acts.undo`).

    Returns what came of it, failed or not, once that is in the journal. What is no fault of the error tree leaves
    the same traces, and propagates.
    """
    course.journal.began(plan)
    run = _Run(plan=plan, acts=acts, course=course)
    try:
        run.go()
    except BaseException as cause:
        run.broken(cause)
        raise
    return run.ended


@dataclass(slots=True, kw_only=True)
class _Run:
    plan: Plan
    acts: Acts
    course: Course
    results: list[Result] = field(default_factory=list)
    failure: MakenaideError | None = None
    undone: tuple[str, ...] = ()
    at: Step | None = None

    @property
    def ended(self) -> Ended:
        """What came of it so far."""
        return Ended(plan=self.plan, results=tuple(self.results), failure=self.failure, undone=self.undone)

    def go(self) -> None:
        """All steps, or the first ones and the way back."""
        for step in self.plan.steps:
            self.at = step
            self.course.told(step, None)
            result = self._stepped(step)
            self.results.append(result)
            try:
                self.course.journal.stepped(result)
            except (MakenaideError, OSError) as cause:
                self._fail(cause)
            self.course.told(step, result)
            if self.failure is not None:
                break
        self._end()

    def broken(self, cause: BaseException) -> None:
        """Something broke that nobody foresaw, in the step that is under way."""
        if self.at is None or self.failure is not None:
            return
        told = f"{type(cause).__name__}: {cause}"
        self.results.append(
            Result(step=self.at.id, outcome=Outcome.FAILED, at=self.course.now(), seconds=0.0, cause=told)
        )
        self._fail(Unavailable(told))
        self._end()

    def _end(self) -> None:
        if self.failure is not None:
            self._undo()
        try:
            self.course.journal.ended(self.ended)
        except (MakenaideError, OSError) as cause:
            if self.failure is None:
                self.failure = self._named(cause)

    def _undo(self) -> None:
        try:
            self.undone = tuple(self.acts.undo())
        except (MakenaideError, OSError) as cause:
            self.undone = (f"not everything could be taken back: {cause}",)

    def _stepped(self, step: Step) -> Result:
        began = self.course.seconds()
        detail, missing = "", None

        def left() -> float:
            return step.deadline - (self.course.seconds() - began)

        def result(outcome: Outcome, cause: str = "") -> Result:
            seconds = self.course.seconds() - began
            at = self.course.now()
            return Result(step=step.id, outcome=outcome, at=at, seconds=seconds, detail=detail, cause=cause)

        try:
            deed = self.acts.deed(step.id)
            if deed.lacks() is None:
                return result(Outcome.SKIPPED)
            self._require_going_on()
            deed.require()
            detail = deed.act(left)
            missing = self._awaited(deed, left)
        except (MakenaideError, OSError) as cause:
            self._fail(cause)
            return result(Outcome.FAILED if left() > 0 else Outcome.LATE, str(cause))
        if missing is not None:
            self._fail(Unavailable(f"not within {step.deadline:g} s: {missing}"))
            return result(Outcome.LATE, missing)
        return result(Outcome.DONE)

    def _awaited(self, deed: Deed, left: Left) -> str | None:
        """The post-check, again and again while there is time; what is missing at last."""
        missing = deed.lacks()
        while missing is not None and left() > 0:
            self._require_going_on()
            self.course.sleep(min(_PAUSE, max(left(), 0.001)))
            missing = deed.lacks()
        return missing

    def _require_going_on(self) -> None:
        if self.course.stopping():
            raise Halted("it was broken off: the same command goes on from here")

    def _fail(self, cause: MakenaideError | OSError) -> None:
        if self.failure is None:
            self.failure = self._named(cause)

    def _named(self, cause: MakenaideError | OSError) -> MakenaideError:
        """`cause` under its own class, with the step's name: the class says what its reader must do."""
        kind = type(cause) if isinstance(cause, MakenaideError) else Unavailable
        return kind(f"{self.plan.procedure} {self.at.id if self.at else ''}: {cause}")


# ---- the traces ----


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    kind: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """The traces of one plan in a file of its own, `<folder>/<plan id>.jsonl`: each line durable when it is told."""

    files: Files
    folder: Path
    plan: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"{self.plan}.jsonl"

    def began(self, plan: Plan) -> None:
        """The first line: the whole plan."""
        steps = [
            {"id": each.id, "does": each.does, "deadline": each.deadline, "why": each.why, "skip": each.skip}
            for each in plan.steps
        ]
        told = {"plan": plan.id, "procedure": str(plan.procedure), "account": plan.account, "steps": steps}
        with file_faults(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._append("plan", plan.at, told)

    def stepped(self, result: Result) -> None:
        """A line for each step."""
        self._append("step", result.at, result_data(result))

    def ended(self, ended: Ended) -> None:
        """The last line."""
        at = ended.results[-1].at if ended.results else ended.plan.at
        failed = ended.failed
        told = {
            "outcome": "done" if ended.failure is None else "failed",
            "step": None if failed is None else failed.step,
            "cause": "" if ended.failure is None else str(ended.failure),
            "undone": list(ended.undone),
        }
        self._append("end", at, told)

    def _append(self, kind: str, at: datetime, data: dict[str, Any]) -> None:
        line = msgspec.json.encode(_Line(kind=kind, at=at, data=data)) + b"\n"
        with file_faults(self.folder):
            self.files.append(self.path, line)


def result_data(result: Result) -> dict[str, Any]:
    """`result` as plain values."""
    return {
        "step": result.step,
        "outcome": str(result.outcome),
        "at": result.at.isoformat(),
        "seconds": round(result.seconds, 3),
        "detail": result.detail,
        "cause": result.cause,
    }


def read_traces(path: Path) -> tuple[Mapping[str, Any], ...]:
    """The lines of a plan's file that can be read, oldest first; a torn last one is left out."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    found = []
    for line in content.split(b"\n")[:-1]:
        try:
            found.append(msgspec.json.decode(line, type=dict[str, Any]))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            break
    return tuple(found)
