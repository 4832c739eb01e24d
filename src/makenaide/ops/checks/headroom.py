"""E8: what may run out: disk, memory, connections, the exchange's limits; and whatever else the place tells of."""

import math
from collections.abc import Mapping

from makenaide.domain.verdict import Verdict
from makenaide.ops.checks.finding import Point, evidence, point
from makenaide.ops.checks.wording import clean
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Resource, Scene
from makenaide.ops.settings import OperationsSettings

SCARCE = 0.1
"""Free share below which a resource without a threshold of its own is scarce."""


def headroom(scene: Scene) -> Evidence:
    """E8: the free share of each resource against its threshold; one that this table does not know WARNs below 10 %.

    UNKNOWN when the place tells of none.
    """
    found = tuple(scene.place.resources())
    points = [judge_resource(each, scene.settings) for each in found]
    if not points:
        points = [point(Verdict.UNKNOWN, "e8_none")]
    value = {clean(each.name, 60): _shown(each) for each in found}
    if all(each.verdict is Verdict.PASS for each in points):
        least = min(found, key=lambda each: each.free)
        told = {"name": clean(least.name, 60), "free": _percent(least.free), "many": len(found)}
        points = [point(Verdict.PASS, "e8_enough", **told)]
    return evidence(scene, points, {"resources": value}, "the place's resources")


def judge_resource(resource: Resource, settings: OperationsSettings) -> Point:
    """One resource; which it is, its name tells: a word of it is "disk", "memory" or "connections"."""
    told = {"name": clean(resource.name, 60), "free": _percent(resource.free), "told": clean(resource.told)}
    key = "e8_scarce" if math.isfinite(resource.free) else "e8_unseen"
    return point(_verdict(resource, settings), key, **told)


def _verdict(resource: Resource, settings: OperationsSettings) -> Verdict:
    free, words = resource.free, resource.name.lower().replace("_", " ").split()
    if not math.isfinite(free):
        return Verdict.UNKNOWN
    if "disk" in words:
        if free < settings.disk_fail:
            return Verdict.FAIL
        return Verdict.WARN if free < settings.disk_warn else Verdict.PASS
    if "memory" in words:
        return Verdict.WARN if free < settings.memory_warn else Verdict.PASS
    if "connections" in words:
        return Verdict.WARN if 1 - free > settings.connections_warn else Verdict.PASS
    return Verdict.WARN if free < SCARCE else Verdict.PASS


def _percent(free: float) -> str:
    return f"{free * 100:.1f}" if math.isfinite(free) else "?"


def _shown(resource: Resource) -> Mapping[str, object]:
    free = round(resource.free, 4) if math.isfinite(resource.free) else None
    return {"free": free, "told": clean(resource.told)}
