"""E9: the alarms that are live, against those that are declared."""

from collections.abc import Mapping, Sequence

from makenaide.domain.verdict import Verdict
from makenaide.monitoring.channels import LOG, TERMINAL
from makenaide.ops.checks.finding import evidence, point
from makenaide.ops.checks.wording import clean, names
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Alarm, Scene

_FAILS = ("e9_missing", "e9_disabled", "e9_mute")
_MOST = 50
_AT_HOME = {LOG, TERMINAL}
"""Channels that do not leave the machine."""


def alarms(scene: Scene) -> Evidence:
    """E9: FAIL when a declared alarm is missing, switched off or tells nobody; WARN when it has another rule or other
    hearers, when nobody declared it, or when with real money none leaves the machine. UNKNOWN when nothing is
    declared: then no difference could show."""
    declared, live = scene.place.alarms()
    found = {
        key: [clean(each, 60) for each in sorted(some)] for key, some in drift(declared, live).items() if some
    }
    if scene.live and declared and live and not any(set(each.tells) - _AT_HOME for each in live):
        found["e9_at_home"] = [clean(each.name, 60) for each in live]
    value = {"declared": len(declared), "live": len(live), **{key: some[:_MOST] for key, some in found.items()}}
    if not declared:
        points = [point(Verdict.UNKNOWN, "e9_undeclared")]
    elif not found:
        points = [point(Verdict.PASS, "e9_equal", many=len(declared))]
    else:
        points = [
            point(Verdict.FAIL if key in _FAILS else Verdict.WARN, key, names=names(some))
            for key, some in found.items()
        ]
    return evidence(scene, points, value, "the place's alarms")


def drift(declared: Sequence[Alarm], live: Sequence[Alarm]) -> Mapping[str, Sequence[str]]:
    """The names of the alarms that differ, by how they do."""
    wanted = {each.name: each for each in declared}
    there = {each.name: each for each in live}
    both = [(wanted[name], there[name]) for name in wanted if name in there]
    return {
        "e9_missing": [name for name in wanted if name not in there],
        "e9_disabled": [want.name for want, has in both if want.enabled and not has.enabled],
        "e9_mute": [want.name for want, has in both if not has.tells],
        "e9_rule": [want.name for want, has in both if want.rule != has.rule],
        "e9_hearers": [want.name for want, has in both if has.tells and set(want.tells) != set(has.tells)],
        "e9_enabled": [want.name for want, has in both if has.enabled and not want.enabled],
        "e9_foreign": [name for name in there if name not in wanted],
    }
