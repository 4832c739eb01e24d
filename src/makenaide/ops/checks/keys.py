"""E6: the trading key: when it ends, and what it may do besides trading."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from makenaide.domain.errors import MakenaideError
from makenaide.domain.verdict import Verdict
from makenaide.ops.checks.finding import Point, evidence, point
from makenaide.ops.checks.wording import clean, names
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Key, Scene
from makenaide.ops.settings import OperationsSettings

LINE = "MAKENAIDE_UPBIT_ACCESS_KEY is not set"
SOURCE = "GET /v1/api_keys and probes of the key"
UNWANTED = ("deposit", "transfer", "pockets")
"""Rights that a trading key does not need and had better not have."""


def key(scene: Scene) -> Evidence:
    """E6: the key's end at 30, 7, 1 and 0 days, the withdrawal right, the allowed address, and rights too many.

    FAIL: a day or less is left, it may withdraw, or this address is not on its list. WARN: the end comes near, or it
    may deposit, transfer or manage pockets. N/A without a key, never in live mode: there it is UNKNOWN.
    """
    if scene.key is None:
        verdict = Verdict.UNKNOWN if scene.live else Verdict.NOT_APPLICABLE
        none = point(verdict, "e6_no_key", line=LINE)
        return evidence(scene, [none], {"line": LINE}, "environment")
    rights, told = _rights(scene)
    end, ending = _end(scene, scene.key)
    value = {"key": scene.key.mark, **ending, "rights": told}
    return evidence(scene, [*end, *rights], value, SOURCE)


def _end(scene: Scene, ours: Key) -> tuple[list[Point], dict[str, Any]]:
    try:
        terms = scene.ask().api_keys()
    except MakenaideError as cause:
        return [point(Verdict.UNKNOWN, "e6_no_answer", cause=clean(cause))], {"expires_at": None}
    term = next((each for each in terms if each.access == ours.access), None)
    if term is None:
        return [point(Verdict.UNKNOWN, "e6_unlisted", mark=ours.mark)], {"expires_at": None}
    left = term.expires_at - scene.now
    value = {"expires_at": term.expires_at.isoformat(), "days": round(left / timedelta(days=1), 2)}
    return [judge_end(term.expires_at, scene.now, scene.settings)], value


def judge_end(expires_at: datetime, now: datetime, settings: OperationsSettings) -> Point:
    """By the days that are left (`key_warn_days`): WARN from the first step on, FAIL from the last day on."""
    left = expires_at - now
    days = {"days": f"{left / timedelta(days=1):.1f}"}
    steps = [step for step in settings.key_warn_days if left <= timedelta(days=step)]
    if left <= timedelta(0):
        return point(Verdict.FAIL, "e6_ended")
    if any(step <= 1 for step in steps):
        return point(Verdict.FAIL, "e6_ends", **days)
    if steps:
        return point(Verdict.WARN, "e6_ends", **days)
    return point(Verdict.PASS, "e6_valid", **days)


def _rights(scene: Scene) -> tuple[list[Point], dict[str, str]]:
    if scene.rights is None:
        return [point(Verdict.UNKNOWN, "e6_unprobed", cause="-")], {}
    try:
        told = {name: clean(word) for name, word in scene.rights.rights().items()}
    except MakenaideError as cause:
        return [point(Verdict.UNKNOWN, "e6_unprobed", cause=clean(cause))], {}
    return judge_rights(told), told


def judge_rights(told: Mapping[str, str]) -> list[Point]:
    """What the probes answered, by right: "yes", "no", or why nobody knows.

    Of the unwanted rights, which have no probe without an effect everywhere, only a "yes" is spoken of.
    """
    points = []
    withdraw, address = told.get("withdraw", "-"), told.get("address", "-")
    if withdraw == "yes":
        points.append(point(Verdict.FAIL, "e6_withdraws"))
    elif withdraw != "no":
        points.append(point(Verdict.UNKNOWN, "e6_unprobed", cause=withdraw))
    if address == "no":
        points.append(point(Verdict.FAIL, "e6_address"))
    elif address != "yes":
        points.append(point(Verdict.UNKNOWN, "e6_unprobed", cause=address))
    extra = [name for name in UNWANTED if told.get(name) == "yes"]
    if extra:
        points.append(point(Verdict.WARN, "e6_too_much", rights=names(extra)))
    return points
