"""Every step that a start or a stop may have, and every way in which it may come: the planner itself is asked.

A plan depends on the situation that it is made in, and making one is pure: all situations there are can be tried.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import product
from typing import Any

from makenaide.ops.plan import Plan, Procedure
from makenaide.ops.plans.situation import Schema, Situation
from makenaide.ops.plans.start import start_plan
from makenaide.ops.plans.stop import Wish, stop_plan
from makenaide.ops.scene import PartState

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_CHOICES: Mapping[str, Sequence[Any]] = {
    "database": (PartState.DOWN, PartState.UP, PartState.STARTING, PartState.STOPPING, PartState.BROKEN),
    "ours": (True, False),
    "kept_up": (False, True),
    "account": ("0123456789ab", None),
    "stored": (True, False, None),
    "live": (False, True),
    "schema": tuple(Schema),
    "trader": (False, True),
    "guard": (False, True),
    "steward": (False, True),
    "holding": (0, 1, None),
    "guarded": (0,),
    "stopped": (False, True),
}
_WISHES = (Wish(), Wish(everything=True), Wish(everything=True, accept_unguarded=True))

Way = tuple[str, str, bool]
"""What is done (`plan.does`), why (`plan.why`), and whether it is skipped for that reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One step of the procedure, and the ways in which it may come; `does` is that of the first, deadline in s."""

    id: str
    does: str
    deadline: float
    ways: tuple[Way, ...]


@cache
def known_steps(procedure: Procedure) -> tuple[Known, ...]:
    """The steps of `procedure` in their order, over all situations."""
    ways: dict[str, dict[Way, float]] = {}
    for values in product(*_CHOICES.values()):
        for plan in _plans(procedure, Situation(**dict(zip(_CHOICES, values, strict=True)))):
            for step in plan.steps:
                ways.setdefault(step.id, {})[step.does, step.why, step.skip] = step.deadline
    return tuple(
        Known(id=name, does=next(iter(met))[0], deadline=max(met.values()), ways=tuple(met))
        for name, met in ways.items()
    )


def _plans(procedure: Procedure, situation: Situation) -> Iterator[Plan]:
    match procedure:
        case Procedure.START:
            yield start_plan(situation, "runbook", _AT)
        case Procedure.STOP:
            for wish in _WISHES:
                yield stop_plan(situation, wish, "runbook", _AT)
