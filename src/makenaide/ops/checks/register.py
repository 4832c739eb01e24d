"""Every check by its list, in the order of the guide."""

from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import near
from makenaide.ops.check import Check, Checklist
from makenaide.ops.checks.buying import READINESS
from makenaide.ops.checks.evening import EVENING
from makenaide.ops.checks.morning import MORNING

LISTS: dict[Checklist, tuple[Check, ...]] = {
    Checklist.MORNING: MORNING,
    Checklist.EVENING: EVENING,
    Checklist.READINESS: READINESS,
}

BY_ID: dict[str, Check] = {check.id: check for checks in LISTS.values() for check in checks}


def chosen(what: str) -> tuple[Check, ...]:
    """The checks that a person means: a list by its name, or one by its id; `Misconfigured` with the nearest."""
    if what.lower() in set(Checklist):
        return LISTS[Checklist(what.lower())]
    if what.upper() in BY_ID:
        return (BY_ID[what.upper()],)
    raise Misconfigured(f"check: unknown: {what}{near(what, [*Checklist, *BY_ID])}")
