"""M5: the database answers, is the one that this version knows, tells the time, has room, and nobody listens in.

Here "cannot be reached" is the finding itself, a FAIL; whatever else goes wrong is UNKNOWN, by the runner.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from makenaide.domain.errors import DatabaseUnavailable, SchemaMismatch
from makenaide.domain.verdict import Verdict
from makenaide.monitoring.measures import Name, Summary, summary
from makenaide.ops.checks.finding import MOMENT, Point, evidence, point
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Scene
from makenaide.ops.settings import OperationsSettings
from makenaide.store.db import Database
from makenaide.store.measures import samples
from makenaide.store.migrate import require_current
from makenaide.store.vitals import Vitals, ping, server_time, vitals

WINDOW = timedelta(hours=24)
"""How far back connections and statements are counted (G4, G5)."""


def _wall() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """What a connection showed. Times in seconds; `skew` is the database's clock less ours."""

    connect: float
    latency: float
    skew: float
    vitals: Vitals
    connections: Summary
    queries: Summary


def connection(scene: Scene, wall: Callable[[], datetime] = _wall) -> Evidence:
    """M5. `wall` is the machine's own clock, also for an account whose time stands still."""
    source = "a new connection, its server, table measure"
    try:
        began = time.monotonic()
        with scene.books() as db:
            seen = _looked(scene, db, time.monotonic() - began, wall)
    except SchemaMismatch as cause:
        found = point(Verdict.FAIL, "m5_schema", cause=str(cause))
        return evidence(scene, [found], {"schema": None}, source, MOMENT)
    except DatabaseUnavailable as cause:
        found = point(Verdict.FAIL, "m5_down", cause=str(cause))
        return evidence(scene, [found], {"up": False}, source, MOMENT)
    return evidence(scene, judged(seen, scene.settings), _value(seen), source, MOMENT)


def _looked(scene: Scene, db: Database, connect: float, wall: Callable[[], datetime]) -> Connected:
    require_current(db)
    about = vitals(db)
    began = time.monotonic()
    ping(db)
    latency = time.monotonic() - began
    before = wall()
    theirs = server_time(db)
    middle = before + (wall() - before) / 2
    return Connected(
        connect=connect,
        latency=latency,
        skew=(theirs - middle).total_seconds(),
        vitals=about,
        connections=_measured(scene, db, Name.CONNECT),
        queries=_measured(scene, db, Name.QUERY),
    )


def _measured(scene: Scene, db: Database, name: Name) -> Summary:
    if scene.account is None:
        return summary(())
    return summary(samples(db, scene.account.account_id, name, (scene.now - WINDOW, scene.now)))


def judged(seen: Connected, settings: OperationsSettings) -> list[Point]:
    """Every point of the connection. Skew: WARN and FAIL from their limits on; times (G5): above theirs.

    Statements are judged by their mean: a percentile is only known within its class.
    """
    limits = (settings.query_warn_seconds, settings.query_danger_seconds)
    about = seen.vitals
    points = [
        point(_from(abs(seen.skew), settings), "m5_skew", seconds=f"{seen.skew:+.2f}"),
        point(_above(seen.latency, limits), "m5_slow", milliseconds=f"{seen.latency * 1000:.1f}"),
        point(_above(seen.queries.mean or 0.0, limits), "m5_queries", seconds=f"{seen.queries.mean or 0:.3f}"),
        *_refused(seen.connections, settings),
    ]
    if about.used > settings.connections_warn * about.most:
        points.append(point(Verdict.WARN, "m5_full", used=about.used, most=about.most))
    if not about.private:
        points.append(point(Verdict.WARN, "m5_plain"))
    bad = [each for each in points if each.verdict is not Verdict.PASS]
    good = point(
        Verdict.PASS,
        "m5_good",
        milliseconds=f"{seen.latency * 1000:.1f}",
        schema=about.schema,
        used=about.used,
        most=about.most,
    )
    return bad or [good]


def _from(skew: float, settings: OperationsSettings) -> Verdict:
    if skew >= settings.skew_fail_seconds:
        return Verdict.FAIL
    return Verdict.WARN if skew >= settings.skew_warn_seconds else Verdict.PASS


def _above(seconds: float, limits: tuple[float, float]) -> Verdict:
    warn, danger = limits
    if seconds > danger:
        return Verdict.FAIL
    return Verdict.WARN if seconds > warn else Verdict.PASS


def _refused(connections: Summary, settings: OperationsSettings) -> list[Point]:
    """G4: the share of connections that came about. Too few to tell a ratio: one that did not is a WARN."""
    if not connections.failures:
        return []
    good = 1 - connections.failures / connections.count
    verdict = Verdict.WARN if good < settings.connect_warn else Verdict.PASS
    if connections.count < settings.error_samples:
        verdict = Verdict.WARN
    elif good < settings.connect_danger:
        verdict = Verdict.FAIL
    return [point(verdict, "m5_refused", failures=connections.failures, count=connections.count)]


def _value(seen: Connected) -> dict[str, Any]:
    about = seen.vitals
    return {
        "up": True,
        "connect_seconds": round(seen.connect, 4),
        "latency_seconds": round(seen.latency, 5),
        "skew_seconds": round(seen.skew, 3),
        "schema": about.schema,
        "server": about.server,
        "connections": {"used": about.used, "most": about.most},
        "encrypted": about.encrypted,
        "private": about.private,
        "connects": _counted(seen.connections),
        "queries": _counted(seen.queries),
    }


def _counted(found: Summary) -> Mapping[str, Any]:
    return {
        "count": found.count,
        "failures": found.failures,
        "mean": found.mean,
        "p95": found.p95,
        "p99": found.p99,
    }
