"""E4: whether what must not be lost is kept: the newest backup's age and checksum, and when one was last restored."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from makenaide.domain.verdict import Verdict
from makenaide.ops.checks.finding import Point, evidence, point
from makenaide.ops.checks.wording import clean, names
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Backup, Scene
from makenaide.ops.settings import OperationsSettings

LINE = "operations.paper_backup = false"
_TOLERANCE = timedelta(minutes=5)
"""How far ahead of us the clock that dated a backup may be."""


def backups(scene: Scene) -> Evidence:
    """E4: FAIL without a backup, with one that is too old, damaged or never restored; WARN when the drill is old.

    N/A for a paper account that keeps none, by the line `operations.paper_backup`; backups that are there are judged
    whatever it says. Ages are by the place's clock.
    """
    kept = sorted(scene.place.backups(), key=lambda each: each.taken_at, reverse=True)
    # A stepped account's time is its own; backups are dated by the machine's clock.
    now = scene.clock.now() if scene.stepped else scene.now
    if not kept and not scene.live and not scene.settings.paper_backup:
        none = point(Verdict.NOT_APPLICABLE, "e4_paper", line=LINE)
        return evidence(scene, [none], {"backups": 0, "line": LINE}, "the place's backups")
    return evidence(scene, judge_backups(kept, now, scene.settings), _value(kept, now), "the place's backups")


def judge_backups(kept: Sequence[Backup], now: datetime, settings: OperationsSettings) -> list[Point]:
    """What there is to say of `kept`, newest first, at `now` (UTC)."""
    if not kept:
        return [point(Verdict.FAIL, "e4_none")]
    newest = kept[0]
    name, age = clean(newest.name), now - newest.taken_at
    points = []
    if not newest.intact:
        points.append(point(Verdict.FAIL, "e4_corrupt", name=name))
    if age < -_TOLERANCE:
        points.append(point(Verdict.UNKNOWN, "e4_future", name=name))
    if age > timedelta(hours=settings.backup_hours):
        points.append(point(Verdict.FAIL, "e4_old", name=name, hours=_hours(age)))
    older = [each.name for each in kept[1:] if not each.intact]
    if older:
        points.append(point(Verdict.WARN, "e4_corrupt_older", names=names(older)))
    points += _drill(kept, now, settings)
    fresh = {"name": name, "hours": _hours(age), "kept": len(kept)}
    return points or [point(Verdict.PASS, "e4_kept", **fresh)]


def _drill(kept: Sequence[Backup], now: datetime, settings: OperationsSettings) -> list[Point]:
    restored = _restored(kept)
    if restored is None:
        return [point(Verdict.FAIL, "e4_unproven")]
    age = now - restored
    if age <= timedelta(days=settings.drill_days):
        return []
    return [point(Verdict.WARN, "e4_drill", days=age.days)]


def _restored(kept: Sequence[Backup]) -> datetime | None:
    """When one that still has its checksum was restored last."""
    return max((each.verified_at for each in kept if each.verified_at and each.intact), default=None)


def _hours(age: timedelta) -> str:
    return f"{age / timedelta(hours=1):.1f}"


def _value(kept: Sequence[Backup], now: datetime) -> dict[str, Any]:
    if not kept:
        return {"backups": 0}
    restored = _restored(kept)
    return {
        "backups": len(kept),
        "newest": clean(kept[0].name),
        "taken_at": kept[0].taken_at.isoformat(),
        "hours": round((now - kept[0].taken_at) / timedelta(hours=1), 2),
        "intact": kept[0].intact,
        "bytes": kept[0].size,
        "restored_at": None if restored is None else restored.isoformat(),
    }
