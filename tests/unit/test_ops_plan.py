"""Plans carried out with a clock in our hands: every step fails once in every way, and what it leaves is named."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from makenaide.app.operation import State, read_operation
from makenaide.app.planbook import HomeJournal, one_plan
from makenaide.domain.errors import DiskFull, Halted, Inconsistent, InUse, LiveClosed, MakenaideError, Unavailable
from makenaide.ops.plan import (
    FOLDER,
    Course,
    Deed,
    Ended,
    Left,
    Outcome,
    Plan,
    Procedure,
    Result,
    Step,
    carry_out,
    read_traces,
)
from makenaide.ops.plans.start import start_plan
from makenaide.ops.plans.stop import Wish, stop_plan
from tests.unit.test_ops_plans import quiet, running

AT = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)
START = start_plan(quiet(), "start-1", AT)
STOP = stop_plan(running(), Wish(), "stop-1", AT)
PLANS = {Procedure.START: START, Procedure.STOP: STOP}
EVERY_STEP = [(plan, step.id) for plan in (START, STOP) for step in plan.steps]
NAMES = [f"{plan.procedure}-{step}" for plan, step in EVERY_STEP]


@dataclass
class Hours:
    """Time that passes only when somebody waits or works."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return AT + timedelta(seconds=self.seconds)

    def passing(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class World:
    """A place where a step holds once it was done. `faults` are raised by an act, `slow` never come to hold."""

    hours: Hours = field(default_factory=Hours)
    holding: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    faults: dict[str, BaseException] = field(default_factory=dict)
    refusals: dict[str, MakenaideError] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    late: dict[str, float] = field(default_factory=dict)
    undone: int = 0
    undo_fault: MakenaideError | None = None
    lefts: list[float] = field(default_factory=list)

    def deed(self, step: str) -> Deed:
        """As a place does it."""

        def lacks() -> str | None:
            arrived = step not in self.late or self.hours.seconds >= self.late[step]
            return None if step in self.holding and arrived else f"{step} does not hold"

        def require() -> None:
            if step in self.refusals:
                raise self.refusals[step]

        def act(left: Left) -> str:
            self.lefts.append(left())
            self.hours.sleep(1.0)
            self.done.append(step)
            if step in self.faults:
                raise self.faults[step]
            if step not in self.slow:
                self.holding.add(step)
            return f"did {step}"

        return Deed(lacks=lacks, require=require, act=act)

    def undo(self) -> Sequence[str]:
        """As a place takes it back."""
        self.undone += 1
        if self.undo_fault is not None:
            raise self.undo_fault
        return ["taken back"]


def carried(plan: Plan, world: World, home: Path, stopping: Callable[[], bool] = lambda: False) -> Ended:
    """The plan, carried out, with its traces in `home`."""
    course = Course(
        now=world.hours.now,
        seconds=world.hours.passing,
        sleep=world.hours.sleep,
        journal=HomeJournal(home=home, plan=plan.id, account="a" * 12, arguments=("--endless",)),
        stopping=stopping,
    )
    return carry_out(plan, world, course)


def traces(home: Path, plan: Plan) -> list[tuple[str, str | None]]:
    """What the file of the plan tells: each step's outcome, and the end's."""
    lines = read_traces(home / FOLDER / f"{plan.id}.jsonl")
    assert lines[0]["kind"] == "plan"
    return [(each["data"].get("step") or "-", each["data"]["outcome"]) for each in lines[1:]]


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_plan_does_each_step_in_order_and_leaves_its_state(plan: Plan, tmp_path: Path) -> None:
    world = World()
    ended = carried(plan, world, tmp_path)
    assert ended.failure is None
    assert world.done == [step.id for step in plan.steps]
    assert {each.outcome for each in ended.results} == {Outcome.DONE}
    assert world.undone == 0
    assert traces(tmp_path, plan) == [*((step.id, "done") for step in plan.steps), ("-", "done")]
    stored = read_operation(tmp_path)
    assert stored is not None
    assert stored.state == {Procedure.START: State.STARTED, Procedure.STOP: State.STOPPED}[plan.procedure]
    assert (stored.plan, stored.step, stored.cause) == (plan.id, None, "")
    assert (stored.account, stored.arguments) == ("a" * 12, ("--endless",))
    assert world.lefts == [step.deadline for step in plan.steps], "each gets its own time, whole"


@pytest.mark.parametrize(("plan", "step"), EVERY_STEP, ids=NAMES)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Unavailable("no answer"), Unavailable),
        (Halted("not proven"), Halted),
        (Inconsistent("two records"), Inconsistent),
        (PermissionError("closed"), Unavailable),
    ],
    ids=["unavailable", "halted", "inconsistent", "system"],
)
def test_a_step_that_fails_leaves_a_named_state_and_undoes_what_is_safe(
    plan: Plan, step: str, fault: Exception, kind: type[MakenaideError], tmp_path: Path
) -> None:
    world = World(faults={step: fault})
    ended = carried(plan, world, tmp_path)
    assert type(ended.failure) is kind
    assert str(ended.failure) == f"{plan.procedure} {step}: {fault}"
    assert ended.failed is not None
    assert (ended.failed.step, ended.failed.outcome, ended.failed.cause) == (step, Outcome.FAILED, str(fault))
    assert world.done[-1] == step, "nothing after it is done"
    assert (world.undone, ended.undone) == (1, ("taken back",))
    stored = read_operation(tmp_path)
    assert stored is not None
    assert (stored.state, stored.step, stored.plan) == (State.FAILED, step, plan.id)
    assert str(fault) in stored.cause
    assert traces(tmp_path, plan)[-2:] == [(step, "failed"), (step, "failed")]


@pytest.mark.parametrize(("plan", "step"), EVERY_STEP, ids=NAMES)
def test_a_step_that_never_holds_is_late_when_its_deadline_has_passed(
    plan: Plan, step: str, tmp_path: Path
) -> None:
    world = World(slow={step})
    ended = carried(plan, world, tmp_path)
    deadline = next(each.deadline for each in plan.steps if each.id == step)
    assert isinstance(ended.failure, Unavailable)
    assert f"not within {deadline:g} s: {step} does not hold" in str(ended.failure)
    assert ended.results[-1].outcome is Outcome.LATE
    assert deadline <= ended.results[-1].seconds < deadline + 1.1
    stored = read_operation(tmp_path)
    assert stored is not None
    assert (stored.state, stored.step) == (State.FAILED, step)


@pytest.mark.parametrize(("plan", "step"), EVERY_STEP, ids=NAMES)
def test_what_nobody_foresaw_leaves_the_same_traces_and_propagates(plan: Plan, step: str, tmp_path: Path) -> None:
    world = World(faults={step: ZeroDivisionError("a bug")})
    with pytest.raises(ZeroDivisionError):
        carried(plan, world, tmp_path)
    assert world.undone == 1
    stored = read_operation(tmp_path)
    assert stored is not None
    assert (stored.state, stored.step) == (State.FAILED, step)
    assert "ZeroDivisionError: a bug" in stored.cause


@pytest.mark.parametrize(("plan", "step"), EVERY_STEP, ids=NAMES)
def test_the_same_command_goes_on_from_the_step_that_failed(plan: Plan, step: str, tmp_path: Path) -> None:
    world = World(faults={step: Unavailable("no answer")})
    carried(plan, world, tmp_path)
    world.faults.clear()
    world.done.clear()
    ended = carried(plan, world, tmp_path)
    names = [each.id for each in plan.steps]
    assert ended.failure is None
    assert world.done == names[names.index(step) :], "what held already was skipped"
    skipped = [each.step for each in ended.results if each.outcome is Outcome.SKIPPED]
    assert skipped == names[: names.index(step)]


def test_what_is_refused_is_not_done(tmp_path: Path) -> None:
    world = World(refusals={"T3": Halted("proof: the guard holds version 3, not 4")})
    ended = carried(STOP, world, tmp_path)
    assert isinstance(ended.failure, Halted)
    assert "the guard holds version 3, not 4" in str(ended.failure)
    assert world.done == ["T1", "T2"]


def test_what_holds_already_needs_no_permission(tmp_path: Path) -> None:
    world = World(holding={"T3"}, refusals={"T3": Halted("no")})
    assert carried(STOP, world, tmp_path).failure is None


def test_a_step_is_waited_for_while_there_is_time(tmp_path: Path) -> None:
    world = World(late={"S2": 250.0})
    ended = carried(START, world, tmp_path)
    assert ended.failure is None
    (waited,) = [each for each in ended.results if each.step == "S2"]
    assert waited.outcome is Outcome.DONE
    assert 248.0 < waited.seconds < 250.0


def test_an_act_that_breaks_off_after_its_deadline_is_late(tmp_path: Path) -> None:
    world = World(faults={"S1": Unavailable("pg_dump has not ended")})
    plan = Plan(
        id="p",
        procedure=Procedure.START,
        at=AT,
        account=None,
        steps=(Step(id="S1", does="x", deadline=0.5, why="y"),),
    )
    assert carried(plan, world, tmp_path).results[-1].outcome is Outcome.LATE


@pytest.mark.parametrize("procedure", list(Procedure))
def test_an_interruption_stops_between_two_looks(procedure: Procedure, tmp_path: Path) -> None:
    world = World()
    ended = carried(PLANS[procedure], world, tmp_path, stopping=lambda: len(world.done) >= 2)
    assert isinstance(ended.failure, Halted)
    assert "the same command goes on" in str(ended.failure)
    assert len(world.done) == 2


def test_what_cannot_be_taken_back_is_told(tmp_path: Path) -> None:
    world = World(faults={"S4": Unavailable("no")}, undo_fault=Unavailable("the trader does not end"))
    ended = carried(START, world, tmp_path)
    assert ended.undone == ("not everything could be taken back: the trader does not end",)
    assert str(ended.failure) == "start S4: no", "the first cause is the one that counts"


@dataclass
class FullDisk:
    """A journal whose disk is full from the n-th write on."""

    writes: int
    ends: list[Ended] = field(default_factory=list)

    def _write(self) -> None:
        self.writes -= 1
        if self.writes < 0:
            raise DiskFull("no space left")

    def began(self, plan: Plan) -> None:
        self._write()

    def stepped(self, result: Result) -> None:
        self._write()

    def ended(self, ended: Ended) -> None:
        self.ends.append(ended)
        self._write()


def test_a_full_disk_stops_the_plan_at_whatever_write() -> None:
    for number in range(len(START.steps) + 2):
        world, journal = World(), FullDisk(number)
        hours = world.hours
        course = Course(now=hours.now, seconds=hours.passing, sleep=hours.sleep, journal=journal)
        if number == 0:
            with pytest.raises(DiskFull):
                carry_out(START, world, course)
            assert world.done == [], "nothing is done that leaves no trace"
            continue
        ended = carry_out(START, world, course)
        assert isinstance(ended.failure, DiskFull), number
        assert len(world.done) == min(number, len(START.steps))


def test_a_torn_last_line_hides_no_other(tmp_path: Path) -> None:
    carried(STOP, World(), tmp_path)
    file = tmp_path / FOLDER / f"{STOP.id}.jsonl"
    whole = read_traces(file)
    file.write_bytes(file.read_bytes()[:-10])
    assert read_traces(file) == whole[:-1]
    assert read_traces(tmp_path / "none") == ()


def test_two_plans_never_go_on_at_once(tmp_path: Path) -> None:
    with one_plan(tmp_path), pytest.raises(InUse, match="another start or stop"), one_plan(tmp_path):
        raise AssertionError("two plans at once")
    with one_plan(tmp_path):
        pass


def test_a_start_that_fails_makes_no_other_account_the_one_that_is_meant(tmp_path: Path) -> None:
    carried(START, World(), tmp_path)
    world = World(faults={"S5b": LiveClosed("closed")})
    journal = HomeJournal(
        home=tmp_path,
        plan="start-2",
        account="b" * 12,
        arguments=("--mode", "live"),
        before=read_operation(tmp_path),
    )
    course = Course(now=world.hours.now, seconds=world.hours.passing, sleep=world.hours.sleep, journal=journal)
    assert isinstance(carry_out(START, world, course).failure, LiveClosed)
    stored = read_operation(tmp_path)
    assert stored is not None
    assert (stored.state, stored.account, stored.arguments) == (State.FAILED, "a" * 12, ("--endless",))


def test_a_stop_keeps_what_was_started(tmp_path: Path) -> None:
    carried(START, World(), tmp_path)
    world = World()
    course = Course(
        now=world.hours.now,
        seconds=world.hours.passing,
        sleep=world.hours.sleep,
        journal=HomeJournal(home=tmp_path, plan=STOP.id),
    )
    carry_out(STOP, world, course)
    stored = read_operation(tmp_path)
    assert stored is not None
    assert (stored.state, stored.account, stored.arguments) == (State.STOPPED, "a" * 12, ("--endless",))
