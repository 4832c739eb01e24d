"""E5: the security rules over the last day's logs: the database's, the processes', the cloud's, the audit trail."""

from datetime import timedelta
from typing import Any

from makenaide.domain.errors import MakenaideError
from makenaide.domain.verdict import Verdict
from makenaide.ops.check import Severity
from makenaide.ops.checks.finding import Point, evidence, point
from makenaide.ops.checks.wording import clean
from makenaide.ops.evidence import Evidence
from makenaide.ops.logrules import Finding, Sweep, sweep
from makenaide.ops.scene import Scene

WINDOW = timedelta(hours=24)


def security(scene: Scene) -> Evidence:
    """E5: what the rules of `ops.logrules` find in the place's logs of the last 24 hours.

    FAIL for a major finding, WARN for a minor one; UNKNOWN, unless something worse was found up to there, when a log
    cannot be read or is too long to be read whole.
    """
    since = scene.now - WINDOW
    found = Sweep()
    blind = []
    try:
        sweep(scene.place.logs(since), found)
    except (MakenaideError, OSError) as cause:
        blind = [point(Verdict.UNKNOWN, "e5_unreadable", cause=clean(cause))]
    if not found.whole:
        blind = [point(Verdict.UNKNOWN, "e5_too_many", lines=found.lines)]
    points = [*(_point(each) for each in found.findings.values()), *blind]
    points = points or [point(Verdict.PASS, "e5_clean", lines=found.lines)]
    told = {name: _told(each) for name, each in sorted(found.findings.items())}
    value = {"lines": found.lines, "garbled": found.garbled, "since": since.isoformat(), "found": told}
    return evidence(scene, points, value, "logs of the last 24 h")


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
