"""The planner: what a start and a stop would do in every situation, and why; read from plain data alone."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from makenaide.app.meant import arguments_of, options_of
from makenaide.catalogue import messages
from makenaide.domain.errors import Misconfigured
from makenaide.ops.plan import Plan, Procedure, Step
from makenaide.ops.plans import start, stop
from makenaide.ops.plans.situation import Schema, Situation
from makenaide.ops.plans.start import start_plan
from makenaide.ops.plans.stop import Wish, stop_plan
from makenaide.ops.scene import PartState

AT = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)
ACCOUNT = "0123456789ab"


def quiet(**changes: Any) -> Situation:
    """A machine on which nothing was ever started."""
    base = Situation(
        database=PartState.DOWN,
        ours=True,
        kept_up=False,
        account=ACCOUNT,
        stored=False,
        live=False,
        schema=Schema.MISSING,
        trader=False,
        guard=False,
        steward=False,
        holding=None,
        guarded=0,
        stopped=False,
    )
    return replace(base, **changes)


def running(**changes: Any) -> Situation:
    """A machine on which everything runs, with one position."""
    base = quiet(
        database=PartState.UP,
        kept_up=True,
        stored=True,
        schema=Schema.CURRENT,
        trader=True,
        guard=True,
        steward=True,
        holding=1,
        guarded=1,
    )
    return replace(base, **changes)


def stopped(**changes: Any) -> Situation:
    """A machine that was stopped safely with one position, which the guard watches."""
    base = quiet(stored=None, schema=Schema.UNSEEN, guard=True, guarded=1, stopped=True)
    return replace(base, **changes)


def test_a_steward_that_hangs_is_replaced() -> None:
    step = by_id(start_plan(running(hung=True), "p", AT))[start.STEWARD]
    assert (step.skip, step.why) == (False, "hangs")
    assert by_id(start_plan(running(), "p", AT))[start.STEWARD].skip


def by_id(plan: Plan) -> dict[str, Step]:
    """The steps by their id."""
    return {step.id: step for step in plan.steps}


def started(situation: Situation) -> dict[str, Step]:
    """What a start would do."""
    return by_id(start_plan(situation, "p", AT))


def stopping(situation: Situation, wish: Wish | None = None) -> dict[str, Step]:
    """What a stop would do."""
    return by_id(stop_plan(situation, wish or Wish(), "p", AT))


def test_a_start_has_its_steps_in_order_whatever_the_situation() -> None:
    for situation in (quiet(), running(), stopped()):
        plan = start_plan(situation, "p", AT)
        names = [step.id for step in plan.steps]
        assert names == ["S1", "S2", "S3", "S4a", "S4", "S5a", "S5b", "S5c", "S5"]
        assert (plan.id, plan.procedure, plan.at, plan.account) == ("p", Procedure.START, AT, ACCOUNT)
        assert [step.id for step in stop_plan(situation, Wish(), "p", AT).steps] == ["T1", "T2", "T3", "T4"]


@pytest.mark.parametrize(
    ("situation", "why", "skip"),
    [
        (quiet(), "is_down", False),
        (quiet(database=PartState.BROKEN), "is_down", False),
        (quiet(database=PartState.STOPPING), "stopping_first", False),
        (quiet(database=PartState.STARTING), "starting_already", False),
        (running(kept_up=False), "keep_up", False),
        (running(), "up_already", True),
        (running(ours=False), "not_ours", True),
        (quiet(ours=False), "not_ours", True),
    ],
)
def test_the_database_is_powered_up_in_every_state(situation: Situation, why: str, skip: bool) -> None:
    step = started(situation)[start.DATABASE]
    assert (step.why, step.skip) == (why, skip)


@pytest.mark.parametrize(
    ("schema", "ours", "why", "skip"),
    [
        (Schema.CURRENT, True, "schema_current", True),
        (Schema.OLDER, True, "schema_older", False),
        (Schema.MISSING, True, "schema_missing", False),
        (Schema.UNSEEN, True, "schema_unseen", False),
        (Schema.OLDER, False, "not_ours", True),
    ],
)
def test_a_schema_is_brought_up_to_date_only_where_the_database_is_ours(
    schema: Schema, ours: bool, why: str, skip: bool
) -> None:
    step = started(running(schema=schema, ours=ours))[start.MIGRATE]
    assert (step.why, step.skip) == (why, skip)


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (running(), {"S3": True, "S5a": True, "S5b": True, "S5c": True}),
        (running(trader=False), {"S3": False, "S5a": True, "S5b": False, "S5c": True}),
        (running(steward=False), {"S3": False, "S5a": True, "S5b": True, "S5c": False}),
        (running(guard=False), {"S3": False, "S5a": False, "S5b": True, "S5c": True}),
        (stopped(), {"S3": False, "S5a": True, "S5b": False, "S5c": False}),
        (quiet(), {"S3": False, "S5a": True, "S5b": False, "S5c": False}),
    ],
)
def test_workers_that_run_are_left_alone(situation: Situation, expected: dict[str, bool]) -> None:
    steps = started(situation)
    assert {name: steps[name].skip for name in expected} == expected


def test_what_a_trader_with_real_money_needs_is_said() -> None:
    assert started(quiet(live=True))[start.TRADER].why == "live_checked"
    assert started(quiet())[start.TRADER].why == "not_running"


@pytest.mark.parametrize(
    ("situation", "wish", "does", "why"),
    [
        (running(), Wish(), "drain", "guard_stays"),
        (running(), Wish(everything=True), "drain_all", "refuses_holding"),
        (running(holding=0), Wish(everything=True), "drain_all", "guard_goes"),
        (running(holding=None), Wish(everything=True), "drain_all", "guard_goes"),
        (running(), Wish(everything=True, accept_unguarded=True), "drain_bare", "accepted"),
        (stopped(), Wish(), "drain", "stopped_already"),
        (stopped(), Wish(everything=True), "drain_all", "guard_goes"),
        (quiet(), Wish(), "drain", "no_account"),
        (running(stored=False), Wish(), "drain", "no_account"),
    ],
)
def test_a_stop_says_what_becomes_of_the_guard(situation: Situation, wish: Wish, does: str, why: str) -> None:
    step = stopping(situation, wish)[stop.DRAIN]
    assert (step.does, step.why) == (does, why)


@pytest.mark.parametrize(
    ("situation", "wish", "skipped"),
    [
        (running(), Wish(), []),
        (stopped(), Wish(), ["T1", "T2", "T3"]),
        (stopped(), Wish(everything=True), []),
        (stopped(guard=False), Wish(everything=True), []),  # positions that nobody watches, as after a reboot
        (stopped(guard=False), Wish(), []),
        (stopped(guard=False), Wish(everything=True, accept_unguarded=True), ["T1", "T2", "T3"]),
        (stopped(guard=False, guarded=0), Wish(everything=True), ["T1", "T2", "T3"]),
        (stopped(steward=True), Wish(), []),
        (stopped(database=PartState.UP), Wish(), []),
        (quiet(), Wish(), ["T1", "T2", "T3"]),
        (running(ours=False), Wish(), ["T3"]),
        (stopped(ours=False), Wish(), ["T1", "T2", "T3"]),
    ],
)
def test_a_stop_skips_what_holds(situation: Situation, wish: Wish, skipped: list[str]) -> None:
    assert [name for name, step in stopping(situation, wish).items() if step.skip] == skipped


def test_every_step_of_every_plan_has_its_texts_and_a_deadline() -> None:
    known = messages("en")
    situations = [
        replace(base, database=database, schema=schema, ours=ours, live=live)
        for base in (quiet(), running(), stopped())
        for database, schema, ours, live in product(PartState, Schema, (True, False), (True, False))
    ]
    wishes = (Wish(), Wish(everything=True), Wish(everything=True, accept_unguarded=True))
    for each in situations:
        for plan in (start_plan(each, "p", AT), *(stop_plan(each, wish, "p", AT) for wish in wishes)):
            for step in plan.steps:
                assert f"plan.does.{step.does}" in known
                assert f"plan.why.{step.why}" in known
                assert f"runbook.failed.{step.id}" in known
                assert step.deadline > 0


@pytest.mark.parametrize(
    "options",
    [
        {"endless": True},
        {"exchange": "upbit"},
        {"mode": "live"},
        {"endless": True, "seed": 0, "markets": 4},
        {"endless": True, "seed": 7, "days": None, "mode": "paper", "replay": None, "exchange": None},
    ],
)
def test_the_options_of_a_start_are_found_again(options: dict[str, Any]) -> None:
    plain = {key: value for key, value in options.items() if value is not None and value != "paper"}
    assert options_of(arguments_of(options)) == plain


@pytest.mark.parametrize("arguments", [("--seed",), ("--seed", "x")])
def test_arguments_that_make_no_sense_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(Misconfigured, match="make no sense"):
        options_of(arguments)
