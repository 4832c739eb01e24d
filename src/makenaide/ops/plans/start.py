"""The start (S1-S5): database, schema, workers, gates; each only when what is before it holds."""

from datetime import datetime

from makenaide.ops.plan import Plan, Procedure, Step
from makenaide.ops.plans.situation import Schema, Situation
from makenaide.ops.scene import PartState

DATABASE, CONNECT, WARM, MIGRATE, SCHEMA = "S1", "S2", "S3", "S4a", "S4"
GUARD, TRADER, STEWARD, GATES = "S5a", "S5b", "S5c", "S5"

DEADLINES = {
    DATABASE: 600.0,
    CONNECT: 300.0,
    WARM: 120.0,
    MIGRATE: 120.0,
    SCHEMA: 60.0,
    GUARD: 60.0,
    TRADER: 180.0,
    STEWARD: 60.0,
    GATES: 60.0,
}
"""Seconds. S1: a database that is just stopping has to end first; S5b: a venue of 289 markets has to be made."""


def start_plan(situation: Situation, name: str, at: datetime) -> Plan:
    """What a start does in `situation`, in order; `name` is the plan's, `at` the present (UTC)."""
    steps = (
        _database(situation),
        _step(CONNECT, "connect", "bounded"),
        _warm(situation),
        _migrate(situation),
        _step(SCHEMA, "validate", "read_only"),
        _guard(situation),
        _worker(TRADER, "trader", alive=situation.trader, live=situation.live),
        _steward(situation),
        _step(GATES, "gates", "only_then"),
    )
    return Plan(id=name, procedure=Procedure.START, at=at, account=situation.account, steps=steps)


def _step(name: str, does: str, why: str, *, skip: bool = False) -> Step:
    return Step(id=name, does=does, deadline=DEADLINES[name], why=why, skip=skip)


def _database(situation: Situation) -> Step:
    if not situation.ours:
        return _step(DATABASE, "database_up", "not_ours", skip=True)
    match situation.database:
        case PartState.UP if situation.kept_up:
            return _step(DATABASE, "database_up", "up_already", skip=True)
        case PartState.UP:
            return _step(DATABASE, "database_up", "keep_up")
        case PartState.STOPPING:
            return _step(DATABASE, "database_up", "stopping_first")
        case PartState.STARTING:
            return _step(DATABASE, "database_up", "starting_already")
        case _:
            return _step(DATABASE, "database_up", "is_down")


def _warm(situation: Situation) -> Step:
    if situation.trader and situation.steward and not situation.hung and situation.guard:
        return _step(WARM, "warm_up", "run_already", skip=True)
    return _step(WARM, "warm_up", "no_side_effect")


def _migrate(situation: Situation) -> Step:
    if not situation.ours:
        return _step(MIGRATE, "migrate", "not_ours", skip=True)
    why = {
        Schema.CURRENT: "schema_current",
        Schema.OLDER: "schema_older",
        Schema.MISSING: "schema_missing",
        Schema.UNSEEN: "schema_unseen",
    }[situation.schema]
    return _step(MIGRATE, "migrate", why, skip=situation.schema is Schema.CURRENT)


def _guard(situation: Situation) -> Step:
    if situation.guard:
        return _step(GUARD, "guard", "runs_already", skip=True)
    if situation.stored is False:
        return _step(GUARD, "guard", "account_new", skip=True)
    return _step(GUARD, "guard", "guard_first")


def _steward(situation: Situation) -> Step:
    if situation.hung:
        return _step(STEWARD, "steward", "hangs")
    return _worker(STEWARD, "steward", alive=situation.steward)


def _worker(name: str, does: str, *, alive: bool, live: bool = False) -> Step:
    if alive:
        return _step(name, does, "runs_already", skip=True)
    return _step(name, does, "live_checked" if live else "not_running")
