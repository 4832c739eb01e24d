"""M1-M4: the parts of the place, as the place itself tells them: database, workers, what is installed, dashboard."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from makenaide.domain.verdict import Verdict
from makenaide.ops.checks.finding import MOMENT, Point, evidence, point
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Board, Manifest, Part, PartState, Scene
from makenaide.store.measures import measured_last

_ABSENT = "-"
_WINDOW = timedelta(hours=24)
_FEW = 20
_TRADER = "trader"
_CHANGING = (PartState.STARTING, PartState.STOPPING)


# ---- M1 ----


def database(scene: Scene) -> Evidence:
    """M1: the database is up. Down is right only where the schedule says so; nobody having said is not enough."""
    part = scene.place.database()
    return evidence(scene, [_database(part)], _told(scene, part), f"the place: {part.name}", MOMENT)


def _database(part: Part) -> Point:
    match part.state:
        case PartState.UP:
            return point(Verdict.PASS, "m1_up", word=_words(part))
        case PartState.STARTING | PartState.STOPPING:
            return point(Verdict.WARN, "m1_changing", word=_words(part))
        case PartState.DOWN if part.wanted is False:
            return point(Verdict.PASS, "m1_stopped", word=_words(part))
        case PartState.DOWN:
            return point(Verdict.FAIL, "m1_down", word=_words(part))
        case PartState.BROKEN:
            return point(Verdict.FAIL, "m1_broken", word=_words(part))


# ---- M2 ----


def workers(scene: Scene) -> Evidence:
    """M2: every worker that ought to work does. One that nobody wants may rest; no worker known at all is UNKNOWN,
    and so is a trader that rests on the wall clock without anybody having said that it may.
    """
    parts = tuple(scene.place.workers())
    value = {part.name: _told(scene, part) for part in parts}
    return evidence(scene, _workers(scene, parts), {"workers": value}, "the place: workers", MOMENT)


def _workers(scene: Scene, parts: Sequence[Part]) -> list[Point]:
    if not parts:
        return [point(Verdict.UNKNOWN, "m2_unknown")]
    broken = [each for each in parts if each.state is PartState.BROKEN]
    down = [each for each in parts if each.state is PartState.DOWN and each.wanted]
    changing = [each for each in parts if each.state in _CHANGING]
    up = [each for each in parts if each.state is PartState.UP]
    points = []
    if broken:
        points.append(point(Verdict.FAIL, "m2_broken", names=_names(broken)))
    if down:
        points.append(point(Verdict.FAIL, "m2_down", names=_names(down)))
    if changing:
        points.append(point(Verdict.WARN, "m2_changing", names=_names(changing)))
    endless = scene.account is not None and not scene.stepped
    unsaid = [
        each for each in parts if each.state is PartState.DOWN and each.wanted is None and each.name == _TRADER
    ]
    if endless and unsaid:
        points.append(point(Verdict.UNKNOWN, "m2_unsaid", names=_names(unsaid)))
    if points:
        return points
    if not up:
        return [point(Verdict.PASS, "m2_none_wanted", names=_names(parts))]
    return [point(Verdict.PASS, "m2_up", count=len(up), ages=", ".join(_age(scene, each) for each in up))]


def _names(parts: Sequence[Part]) -> str:
    return ", ".join(f"{part.name} ({_words(part)})" for part in parts)


def _age(scene: Scene, part: Part) -> str:
    hours = _hours(scene, part)
    return f"{part.name} {_ABSENT}" if hours is None else f"{part.name} {hours:.1f} h"


def _hours(scene: Scene, part: Part) -> float | None:
    """How long ago the part last succeeded; a moment ago where its clock is ahead."""
    if part.success is None:
        return None
    return round(max(timedelta(0), scene.now - part.success) / timedelta(hours=1), 2)


def _words(part: Part) -> str:
    return f"{part.word}: {part.detail}" if part.detail else part.word


def _told(scene: Scene, part: Part) -> dict[str, Any]:
    return {
        "state": str(part.state),
        "word": part.word,
        "wanted": part.wanted,
        "since": None if part.since is None else part.since.isoformat(),
        "success_hours": _hours(scene, part),
        "detail": part.detail,
    }


# ---- M3 ----


def installed(scene: Scene) -> Evidence:
    """M3: what is installed is what was deployed. Other code FAIL, other packages WARN, nothing deployed UNKNOWN."""
    here, wanted = scene.place.installed(), scene.place.deployed()
    value: dict[str, Any] = {"version": here.version, "code": here.code, "differences": []}
    source = "the place: what is installed, and the manifest of what was deployed"
    if wanted is None:
        return evidence(scene, [point(Verdict.UNKNOWN, "m3_never", version=here.version)], value, source)
    code, packages = _code(here, wanted), _packages(here.packages, wanted.packages)
    value["differences"] = [*code, *packages]
    points = []
    if code:
        points.append(point(Verdict.FAIL, "m3_code", differences=_listed(code)))
    if packages:
        points.append(point(Verdict.WARN, "m3_packages", count=len(packages), differences=_listed(packages)))
    good = point(Verdict.PASS, "m3_same", version=here.version, packages=len(wanted.packages))
    return evidence(scene, points or [good], value, source)


def _code(here: Manifest, wanted: Manifest) -> list[dict[str, Any]]:
    pairs = (("version", wanted.version, here.version), ("code", wanted.code, here.code))
    return [_difference(*each) for each in pairs if each[1] != each[2]]


def _packages(here: Mapping[str, str], wanted: Mapping[str, str]) -> list[dict[str, Any]]:
    pairs = ((name, wanted.get(name), here.get(name)) for name in sorted({*here, *wanted}))
    return [_difference(*each) for each in pairs if each[1] != each[2]]


def _difference(name: str, deployed: str | None, here: str | None) -> dict[str, Any]:
    newer = None if deployed is None or here is None or name == "code" else _order(here) > _order(deployed)
    return {"name": name, "deployed": deployed, "installed": here, "newer": newer}


def _order(version: str) -> tuple[tuple[int, str], ...]:
    """A version in an order that is right for numbers, and for what is no number at least the same each time."""
    return tuple((int(each), "") if each.isdecimal() else (-1, each) for each in version.split("."))


def _listed(differences: Sequence[Mapping[str, Any]]) -> str:
    shown = [
        f"{each['name']} {(each['deployed'] or _ABSENT)[:12]} -> {(each['installed'] or _ABSENT)[:12]}"
        for each in differences[:_FEW]
    ]
    return ", ".join([*shown, "..."] if len(differences) > _FEW else shown)


# ---- M4 ----


def board(scene: Scene) -> Evidence:
    """M4: the dashboard is the generated one, and each of its widgets has fresh data of each of its measures."""
    source = "the dashboard, table measure"
    if not scene.settings.dashboard:
        line = "operations.dashboard = false"
        return evidence(scene, [point(Verdict.NOT_APPLICABLE, "m4_off", line=line)], {"line": line}, source)
    shown = scene.place.board()
    with scene.books() as db:
        last = measured_last(db, scene.account_or_raise().account_id)
    after = scene.now - _WINDOW
    fresh = {name for name, at in last.items() if at > after}
    silent = {
        widget: missing
        for widget, names in shown.widgets.items()
        if (missing := [name for name in names if name not in fresh])
    }
    value = {
        "shown": shown.shown,
        "generated": shown.generated,
        "widgets": len(shown.widgets),
        "silent": silent,
    }
    return evidence(scene, _board(shown, silent), value, source)


def _board(shown: Board, silent: Mapping[str, Sequence[str]]) -> list[Point]:
    points = []
    if shown.shown is None:
        points.append(point(Verdict.WARN, "m4_none"))
    elif shown.shown != shown.generated:
        points.append(point(Verdict.WARN, "m4_other"))
    if silent:
        names = ", ".join(f"{widget} ({', '.join(names)})" for widget, names in silent.items())
        points.append(point(Verdict.WARN, "m4_silent", count=len(silent), widgets=names))
    return points or [point(Verdict.PASS, "m4_good", widgets=len(shown.widgets))]
