"""M8-M10: starts of workers, answers of the exchange, failures of work; from our own measures of 24 hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from makenaide.domain.verdict import Verdict, worst
from makenaide.monitoring.measures import CYCLE, Name, Summary, summary
from makenaide.ops.checks.finding import Point, evidence, point
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Scene
from makenaide.ops.settings import OperationsSettings
from makenaide.store.continuity import run_rows
from makenaide.store.db import Database
from makenaide.store.jobs import jobs_since
from makenaide.store.measures import Sample, samples

WINDOW = timedelta(hours=24)
"""What counts, back from the world's present."""

START_BANDS = (1.0, 2.0, 5.0)
"""G1, in seconds: below the first is the target, above the second a warning, above the third danger."""

_SLOWEST = 5
_FEW_FAILURES = 3


def _measured(scene: Scene, db: Database, name: Name) -> tuple[Sample, ...]:
    return samples(db, scene.account_or_raise().account_id, name, (scene.now - WINDOW, scene.now))


def _by_label(found: Sequence[Sample]) -> dict[str, Summary]:
    labels = sorted({each.label for each in found})
    return {label: summary(each for each in found if each.label == label) for label in labels}


def _told(found: Summary) -> dict[str, Any]:
    return {
        "count": found.count,
        "failures": found.failures,
        "mean": found.mean,
        "p50": found.p50,
        "p95": found.p95,
        "p99": found.p99,
        "largest": found.largest,
    }


# ---- M8 ----


def band(seconds: float) -> str:
    """The band of G1 that a start of `seconds` lies in: "target", "fine", "warning" or "danger"."""
    target, warning, danger = START_BANDS
    if seconds > danger:
        return "danger"
    if seconds > warning:
        return "warning"
    return "target" if seconds < target else "fine"


def starts(scene: Scene) -> Evidence:
    """M8: no more starts than are planned, and a few to spare; above is WARN, above twice as many FAIL.

    How long they took is shown with its band (G1), not judged: nobody waits for a start here.
    """
    planned = scene.place.planned_runs()
    with scene.books() as db:
        found = _measured(scene, db, Name.START)
    whole = summary(found)
    limit = sum(planned.values()) + scene.settings.cold_starts_spare
    value = {
        **_told(whole),
        "limit": limit,
        "guide": scene.settings.cold_starts_guide,
        "planned": dict(planned),
        "band": None if whole.p95 is None else band(whole.p95),
        "workers": {label: each.count for label, each in _by_label(found).items()},
    }
    source = "table measure: start; the place: planned runs"
    if not found and any(planned.values()):
        return evidence(scene, [point(Verdict.UNKNOWN, "m8_none", planned=sum(planned.values()))], value, source)
    target, warning, danger = (f"{each:g}" for each in START_BANDS)
    told = {
        "count": whole.count,
        "limit": limit,
        "guide": scene.settings.cold_starts_guide,
        "seconds": "-" if whole.p95 is None else f"{whole.p95:.1f}",
        "bands": f"< {target}, > {warning}, > {danger}",
    }
    if whole.count <= limit:
        return evidence(scene, [point(Verdict.PASS, "m8_good", **told)], value, source)
    verdict = Verdict.FAIL if whole.count > 2 * limit else Verdict.WARN
    return evidence(scene, [point(verdict, "m8_many", **told)], value, source)


# ---- M9 ----


def answers(scene: Scene) -> Evidence:
    """M9: the exchange answers on average in less than the limit; from the limit on WARN, above twice of it FAIL."""
    with scene.books() as db:
        found = _measured(scene, db, Name.API)
    whole, limit = summary(found), scene.settings.api_mean_seconds
    ends = sorted(
        ((label, each) for label, each in _by_label(found).items() if each.mean is not None),
        key=lambda pair: -(pair[1].mean or 0),
    )[:_SLOWEST]
    value = {**_told(whole), "limit": limit, "slowest": {label: _told(each) for label, each in ends}}
    source = "table measure: api"
    if whole.mean is None:
        return evidence(scene, [point(Verdict.UNKNOWN, "m9_none")], value, source)
    slowest = ends[0]
    told = {
        "mean": f"{whole.mean:.2f}",
        "limit": f"{limit:g}",
        "count": whole.count,
        "slowest": slowest[0],
        "slowest_mean": f"{slowest[1].mean or 0:.2f}",
        "slowest_p95": "-" if slowest[1].p95 is None else f"{slowest[1].p95:.2f}",
    }
    if whole.mean < limit:
        return evidence(scene, [point(Verdict.PASS, "m9_good", **told)], value, source)
    verdict = Verdict.FAIL if whole.mean > 2 * limit else Verdict.WARN
    return evidence(scene, [point(verdict, "m9_slow", **told)], value, source)


# ---- M10 ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How often something ran, how often that failed, and how many of its slots nobody ran at all."""

    count: int = 0
    failures: int = 0
    missed: int = 0


def failures(scene: Scene) -> Evidence:
    """M10: the share of work that failed, by label and in all; nothing run is UNKNOWN, never 0 %.

    From `error_samples` runs on the ratio decides: below `error_warn` PASS (the target, `error_target`, is shown), up
    to `error_danger` WARN, above FAIL. Fewer runs tell no ratio: one failure is a WARN, three a FAIL, and so is work
    of which nothing at all succeeded, counted over all labels. A missed slot did not run, so it is in no ratio; it is
    a WARN.

    Work is counted by measures, jobs and runs by their rows, too: whichever tells more of a label is believed.
    """
    with scene.books() as db:
        known = _work(scene, db)
    total = Work(
        count=sum(each.count for each in known.values()),
        failures=sum(each.failures for each in known.values()),
        missed=sum(each.missed for each in known.values()),
    )
    value = {
        **_rate(total),
        "target": scene.settings.error_target,
        "work": {label: _rate(each) for label, each in known.items()},
    }
    return evidence(scene, judge_work(known, total, scene.settings), value, "tables measure, job, run")


def judge_work(known: Mapping[str, Work], total: Work, settings: OperationsSettings) -> list[Point]:
    """Every point of the work done, by label in `known`, and in all."""
    points = []
    if total.missed:
        names = ", ".join(f"{label} {each.missed}" for label, each in known.items() if each.missed)
        points.append(point(Verdict.WARN, "m10_missed", count=total.missed, names=names))
    if not total.count:
        return [point(Verdict.UNKNOWN, "m10_none"), *points]
    nothing_done = total.failures == total.count
    verdicts = {label: _verdict(each, settings) for label, each in known.items()}
    verdict = Verdict.FAIL if nothing_done else worst([_verdict(total, settings), *verdicts.values()])
    told = {
        "failures": total.failures,
        "count": total.count,
        "percent": f"{100 * total.failures / total.count:.2f}",
    }
    if verdict is Verdict.PASS:
        return [*points, point(Verdict.PASS, "m10_good", **told)]
    names = ", ".join(f"{label} {each.failures}/{each.count}" for label, each in known.items() if each.failures)
    return [point(verdict, "m10_failed", **told, names=names), *points]


def _verdict(work: Work, settings: OperationsSettings) -> Verdict:
    if not work.failures:
        return Verdict.PASS
    if work.count < settings.error_samples:
        return Verdict.FAIL if work.failures >= _FEW_FAILURES else Verdict.WARN
    ratio = work.failures / work.count
    if ratio > settings.error_danger:
        return Verdict.FAIL
    return Verdict.WARN if ratio >= settings.error_warn else Verdict.PASS


def _work(scene: Scene, db: Database) -> dict[str, Work]:
    measured = {
        label: Work(count=each.count, failures=each.failures)
        for label, each in _by_label(_measured(scene, db, Name.WORK)).items()
    }
    rows = {**_jobs(scene, db), CYCLE: _runs(scene, db)}
    labels = sorted({*measured, *rows})
    both = {label: (measured.get(label, Work()), rows.get(label, Work())) for label in labels}
    found = {
        label: Work(
            count=max(first.count, second.count),
            failures=max(first.failures, second.failures),
            missed=second.missed,
        )
        for label, (first, second) in both.items()
    }
    return {label: each for label, each in found.items() if each != Work()}


def _jobs(scene: Scene, db: Database) -> dict[str, Work]:
    """The slots of jobs; one whose holder died, so that its lease ran out, has failed."""
    found: dict[str, Work] = {}
    for row in jobs_since(db, scene.account_or_raise().account_id, scene.now - WINDOW):
        outcome = row.outcome or ("failed" if row.expires_at <= scene.now else "")
        before = found.get(row.name, Work())
        found[row.name] = Work(
            count=before.count + (outcome in ("done", "failed")),
            failures=before.failures + (outcome == "failed"),
            missed=before.missed + (outcome == "missed"),
        )
    return found


def _runs(scene: Scene, db: Database) -> Work:
    """The runs by their slots; a missed one by when it was written down, which is not before the slot after it."""
    rows = run_rows(db, scene.account_or_raise().account_id)
    since = scene.now - WINDOW
    return Work(
        count=sum(each.status == "done" and since < each.slot <= scene.now for each in rows),
        missed=sum(each.status == "missed" and since < each.started_at <= scene.now for each in rows),
    )


def _rate(work: Work) -> dict[str, Any]:
    return {
        "count": work.count,
        "failures": work.failures,
        "missed": work.missed,
        "ratio": work.failures / work.count if work.count else None,
    }
