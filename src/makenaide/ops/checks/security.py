"""E5: the security rules over the logs since the last look: the database's, the processes', the cloud's, audit."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from makenaide.domain.errors import MakenaideError
from makenaide.domain.verdict import Verdict
from makenaide.ops.check import Severity
from makenaide.ops.checks.finding import Point, evidence, point
from makenaide.ops.checks.wording import clean, names
from makenaide.ops.evidence import Evidence
from makenaide.ops.logrules import Finding, Sweep, sweep
from makenaide.ops.scene import Gap, LogLine, Scene, Unread
from makenaide.store.evidence import account_subject, latest_evidence

WINDOW = timedelta(hours=24)
LONGEST = timedelta(days=7)
"""So far back is looked at most, when the look before was longer ago."""

_KIND = "e5"


def security(scene: Scene) -> Evidence:
    """E5: what the rules of `ops.logrules` find in the place's logs of the last 24 hours, or since the look before.

    FAIL for a major finding, WARN for a minor one; UNKNOWN, unless something worse was found up to there, when a log
    is not there, cannot be read or is too long to be read whole. A log that a line of the configuration puts
    elsewhere is N/A.
    """
    since, blind = scene.now - WINDOW, []
    found, unread = Sweep(), list[Unread]()
    try:
        since = _since(scene)
    except (MakenaideError, OSError) as cause:
        blind = [point(Verdict.UNKNOWN, "e5_unreadable", cause=clean(cause))]
    try:
        sweep(_lines(scene, since, unread), found)
    except (MakenaideError, OSError) as cause:
        blind = [point(Verdict.UNKNOWN, "e5_unreadable", cause=clean(cause))]
    if not found.whole:
        blind = [point(Verdict.UNKNOWN, "e5_too_many", lines=found.lines)]
    points = [*(_point(each) for each in found.findings.values()), *blind, *_unread(unread, found.lines)]
    points = points or [point(Verdict.PASS, "e5_clean", lines=found.lines)]
    told = {name: _told(each) for name, each in sorted(found.findings.items())}
    value = {
        "lines": found.lines,
        "garbled": found.garbled,
        "since": since.isoformat(),
        "found": told,
        "unread": {each.log: {"gap": str(each.gap), "told": clean(each.told)} for each in unread},
    }
    return evidence(scene, points, value, "logs since the look before, of 24 h at least")


def _since(scene: Scene) -> datetime:
    """From when on is looked, so that no moment falls between two looks."""
    subject = account_subject("" if scene.account is None else scene.account.account_id)
    with scene.books() as db:
        before = latest_evidence(db, subject, [_KIND]).get(_KIND)
    day = scene.now - WINDOW
    return day if before is None else max(scene.now - LONGEST, min(day, before.taken_at))


def _lines(scene: Scene, since: datetime, unread: list[Unread]) -> Iterator[LogLine]:
    """The lines of the place's logs; what was not read of them goes to `unread`."""
    for each in scene.place.logs(since):
        if isinstance(each, Unread):
            unread.append(each)
        else:
            yield each


def _unread(unread: Sequence[Unread], lines: int) -> list[Point]:
    """What no rule has seen. A log that nothing ever wrote to is told, and is well."""
    told = {gap: [f"{each.log} ({each.told})" for each in unread if each.gap is gap] for gap in Gap}
    points = []
    if told[Gap.ABSENT]:
        points.append(point(Verdict.UNKNOWN, "e5_absent", logs=names(told[Gap.ABSENT])))
    if told[Gap.CUT]:
        points.append(point(Verdict.UNKNOWN, "e5_cut", logs=names(told[Gap.CUT])))
    if lies := [each.told for each in unread if each.gap is Gap.ELSEWHERE]:
        points.append(point(Verdict.NOT_APPLICABLE, "e5_elsewhere", line=names(lies), lines=lines))
    if told[Gap.UNBEGUN]:
        points.append(point(Verdict.PASS, "e5_unbegun", logs=names(told[Gap.UNBEGUN]), lines=lines))
    return points


def _point(finding: Finding) -> Point:
    verdict = Verdict.WARN if finding.severity is Severity.MINOR else Verdict.FAIL
    return point(verdict, finding.rule.name, count=finding.count, sample=clean(finding.sample, 120))


def _told(finding: Finding) -> dict[str, Any]:
    return {
        "severity": str(finding.severity),
        "count": finding.count,
        "first": None if finding.first is None else finding.first.isoformat(),
        "last": None if finding.last is None else finding.last.isoformat(),
        "sample": clean(finding.sample),
    }
