"""What a look found, point by point: the worst point speaks, the others are named in the value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from makenaide.domain.verdict import Verdict
from makenaide.ops.evidence import Evidence, Said
from makenaide.ops.scene import Scene

MOMENT = timedelta(hours=1)
"""How long what is true of a moment counts: a process that is up, a connection that works."""

DAY = timedelta(hours=26)
"""How long a daily look counts: until the next one, with two hours of grace."""


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was found, and how bad it is."""

    verdict: Verdict
    said: Said


def point(verdict: Verdict, key: str, **values: Any) -> Point:
    """A point that says `check.said.<key>`."""
    return Point(verdict, Said(key, values))


def evidence(
    scene: Scene, points: Sequence[Point], value: Mapping[str, Any], source: str, valid_for: timedelta = DAY
) -> Evidence:
    """The evidence of `points` (one at least): the first of the worst decides and speaks.

    What else is not well stands in the value by its key, as "also", and what is N/A as "not_applicable". A PASS tells
    of what is N/A, too: nobody looked at that.
    """
    speaks = max(points, key=lambda each: each.verdict.exit_code)
    also = [each.said.key for each in points if each is not speaks and not each.verdict.quiet]
    absent = [each.said for each in points if each is not speaks and each.verdict is Verdict.NOT_APPLICABLE]
    told = speaks.said
    if absent and speaks.verdict is Verdict.PASS:
        told = replace(told, more=tuple(absent))
    lists = {"also": also, "not_applicable": [each.key for each in absent]}
    return Evidence(
        verdict=speaks.verdict,
        value={**value, **{name: some for name, some in lists.items() if some}},
        source=source,
        taken_at=scene.now,
        valid_for=valid_for,
        said=told,
    )
