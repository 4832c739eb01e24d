"""E6: the trading key: when it ends, and what it may do besides trading."""

from collections.abc import Mapping, Sequence
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
PAPER = "mode = paper"
SOURCE = "GET /v1/api_keys and probes of the key"
UNWANTED = ("deposit", "transfer", "pockets")
"""Rights that a trading key does not need and had better not have."""
UNPROBED = ("deposit", "transfer")
"""Those of them for which there is no harmless probe: only a key that manages pockets is shown the list."""
_KNOWN = ("yes", "no")


def key(scene: Scene) -> Evidence:
    """E6: the key's end at 30, 7, 1 and 0 days, the withdrawal right, the allowed address, and rights too many.

    FAIL: a day or less is left, it may withdraw, or this address is not on its list. WARN: the end comes near, or it
    may deposit, transfer or manage pockets. N/A without a key and for a paper account, never in live mode: there it
    is UNKNOWN, as is a key that no venue can be asked about.
    """
    if scene.key is None:
        verdict = Verdict.UNKNOWN if scene.live else Verdict.NOT_APPLICABLE
        none = point(verdict, "e6_no_key", line=LINE)
        return evidence(scene, [none], {"line": LINE}, "environment")
    if scene.account is not None and not scene.live:
        unused = point(Verdict.NOT_APPLICABLE, "e6_unused", line=PAPER)
        return evidence(scene, [unused], {"key": scene.key.mark, "line": PAPER}, "environment")
    if scene.venue is None:
        unasked = point(Verdict.UNKNOWN, "e6_unasked", cause=clean(scene.no_venue))
        return evidence(scene, [unasked], {"key": scene.key.mark}, "environment")
    rights, told = _rights(scene)
    end, ending = _end(scene, scene.key, [name for name in UNPROBED if told.get(name) not in _KNOWN])
    value = {"key": scene.key.mark, **ending, "rights": told}
    return evidence(scene, [*end, *rights], value, SOURCE)


def _end(scene: Scene, ours: Key, unprobed: Sequence[str]) -> tuple[list[Point], dict[str, Any]]:
    try:
        terms = scene.ask().api_keys()
    except MakenaideError as cause:
        return [point(Verdict.UNKNOWN, "e6_no_answer", cause=clean(cause))], {"expires_at": None}
    term = next((each for each in terms if each.access == ours.access), None)
    if term is None:
        return [point(Verdict.UNKNOWN, "e6_unlisted", mark=ours.mark)], {"expires_at": None}
    left = term.expires_at - scene.now
    value = {"expires_at": term.expires_at.isoformat(), "days": round(left / timedelta(days=1), 2)}
    return [judge_end(term.expires_at, scene.now, scene.settings, unprobed)], value


def judge_end(expires_at: datetime, now: datetime, settings: OperationsSettings, unprobed: Sequence[str]) -> Point:
    """By the days that are left (`key_warn_days`): WARN from the first step on, FAIL from the last day on.

    `unprobed`: the rights that nobody can ask about, of which a key that is good must not be called free.
    """
    left = expires_at - now
    days = {"days": f"{left / timedelta(days=1):.1f}"}
    steps = [step for step in settings.key_warn_days if left <= timedelta(days=step)]
    if left <= timedelta(0):
        return point(Verdict.FAIL, "e6_ended")
    if any(step <= 1 for step in steps):
        return point(Verdict.FAIL, "e6_ends", **days)
    if steps:
        return point(Verdict.WARN, "e6_ends", **days)
    return point(Verdict.PASS, "e6_valid", **days, unprobed=names(unprobed) or "-")


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

    Of the unwanted rights without a harmless probe only a "yes" is judged.
    """
    points = []
    withdraw, address, pockets = (told.get(name, "-") for name in ("withdraw", "address", "pockets"))
    if withdraw == "yes":
        points.append(point(Verdict.FAIL, "e6_withdraws"))
    elif withdraw != "no":
        points.append(point(Verdict.UNKNOWN, "e6_unprobed", cause=withdraw))
    if address == "no":
        points.append(point(Verdict.FAIL, "e6_address"))
    elif address != "yes":
        points.append(point(Verdict.UNKNOWN, "e6_unprobed", cause=address))
    if pockets not in _KNOWN:
        points.append(point(Verdict.UNKNOWN, "e6_unprobed", cause=pockets))
    extra = [name for name in UNWANTED if told.get(name) == "yes"]
    if extra:
        points.append(point(Verdict.WARN, "e6_too_much", rights=names(extra)))
    return points
