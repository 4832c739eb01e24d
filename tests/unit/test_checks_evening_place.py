"""E4, E8, E9: backups, headroom and alarms, at every edge of their thresholds."""

import math
from datetime import timedelta
from typing import Any

import pytest

from makenaide.domain.verdict import Verdict
from makenaide.ops.checks.alarms import alarms
from makenaide.ops.checks.headroom import headroom
from makenaide.ops.checks.safekeeping import backups
from makenaide.ops.scene import Alarm, Backup, Resource
from makenaide.store.accounts import Account
from tests.unit.evening_scene import NOW, Evening, ago, evening, keys, said

SECOND = timedelta(seconds=1)


def backup(hours: float = 1, **more: Any) -> Backup:
    """One that is so old, sound, and restored as soon as it was taken."""
    taken = ago(hours)
    plain: dict[str, Any] = {"name": "b", "taken_at": taken, "intact": True, "verified_at": taken, "size": 9}
    return Backup(**(plain | more))


# ---- E4 ----


@pytest.mark.parametrize(
    ("kept", "verdict", "spoken"),
    [
        ([], "FAIL", ["e4_none"]),
        ([backup(26)], "PASS", ["e4_kept"]),
        ([backup(26.01)], "FAIL", ["e4_old"]),
        ([backup(intact=False)], "FAIL", ["e4_corrupt", "e4_unproven"]),
        ([backup(intact=False), backup(20)], "FAIL", ["e4_corrupt"]),
        ([backup(20, intact=False), backup()], "WARN", ["e4_corrupt_older"]),
        ([backup(verified_at=None)], "FAIL", ["e4_unproven"]),
        ([backup(verified_at=None), backup(20)], "PASS", ["e4_kept"]),
        ([backup(verified_at=ago(30 * 24))], "PASS", ["e4_kept"]),
        ([backup(verified_at=ago(30 * 24) - SECOND)], "WARN", ["e4_drill"]),
        ([backup(-0.05)], "PASS", ["e4_kept"]),
        ([backup(-1)], "UNKNOWN", ["e4_future"]),
        ([backup(99, intact=False)], "FAIL", ["e4_corrupt", "e4_old", "e4_unproven"]),
    ],
)
def test_the_newest_backup_is_fresh_sound_and_proven_or_it_is_said(
    kept: list[Backup], verdict: str, spoken: list[str]
) -> None:
    found = backups(evening(Evening(kept=kept), paper_backup=True))
    assert str(found.verdict) == verdict
    assert keys(found) == spoken


def test_the_newest_is_the_newest_whatever_the_order() -> None:
    found = backups(evening(Evening(kept=[backup(50), backup(2, name="young")]), paper_backup=True))
    assert (said(found), found.value["newest"], found.value["hours"]) == (("PASS", "e4_kept"), "young", 2.0)


def test_a_paper_account_without_backups_names_the_line_that_says_so() -> None:
    found = backups(evening())
    assert said(found) == ("N/A", "e4_paper")
    assert found.value["line"] == found.said.values["line"] == "operations.paper_backup = false"


def test_backups_that_are_there_are_judged_whatever_the_line_says() -> None:
    assert said(backups(evening(Evening(kept=[backup(99)])))) == ("FAIL", "e4_old")


def test_real_money_without_a_backup_fails_whatever_the_line_says() -> None:
    assert said(backups(evening(live=True))) == ("FAIL", "e4_none")


def test_backups_of_a_stepped_account_are_dated_by_the_machines_clock() -> None:
    account = Account(
        account_id="0001aaaaaaaa",
        venue="simulator",
        mode="paper",
        feed="f",
        installation="0001",
        identity={},
        settings={},
        first_slot=NOW,
        last_slot=NOW,
    )
    looked = evening(Evening(kept=[backup(1)]), account=account, paper_backup=True)
    looked.clock.sleep(30 * 3600)
    assert said(backups(looked)) == ("FAIL", "e4_old")


# ---- E8 ----


@pytest.mark.parametrize(
    ("name", "free", "verdict"),
    [
        ("disk", 0.15, "PASS"),
        ("disk", 0.149, "WARN"),
        ("disk", 0.05, "WARN"),
        ("disk", 0.049, "FAIL"),
        ("disk of the database", 0.0, "FAIL"),
        ("memory", 0.1, "PASS"),
        ("memory", 0.099, "WARN"),
        ("memory", 0.0, "WARN"),
        ("connections", 0.2, "PASS"),
        ("database_connections", 0.199, "WARN"),
        ("exchange limiter", 0.1, "PASS"),
        ("exchange limiter", 0.09, "WARN"),
        ("diskette", 0.12, "PASS"),
        ("disk", float("nan"), "UNKNOWN"),
        ("memory", float("inf"), "UNKNOWN"),
    ],
)
def test_each_resource_has_its_own_edge_and_an_unknown_one_a_tenth(name: str, free: float, verdict: str) -> None:
    found = headroom(evening(Evening(left=[Resource(name=name, free=free, told="so much")])))
    assert str(found.verdict) == verdict
    assert keys(found) == [{"PASS": "e8_enough", "UNKNOWN": "e8_unseen"}.get(verdict, "e8_scarce")]
    assert found.value["resources"][name]["told"] == "so much"


def test_the_worst_resource_speaks() -> None:
    left = [Resource(name=name, free=free, told="") for name, free in (("memory", 0.01), ("disk", 0.01), ("x", 1))]
    found = headroom(evening(Evening(left=left)))
    assert (found.verdict, found.said.values["name"]) == (Verdict.FAIL, "disk")
    assert found.value["also"] == ["e8_scarce"]


def test_a_database_that_is_away_hides_no_full_disk() -> None:
    left = [Resource(name=name, free=free, told="") for name, free in (("disk", 0.01), ("connections", math.nan))]
    found = headroom(evening(Evening(left=left)))
    assert (found.verdict, keys(found)) == (Verdict.FAIL, ["e8_scarce", "e8_unseen"])


def test_the_least_is_named_when_all_have_enough_and_nothing_at_all_is_unknown() -> None:
    left = [Resource(name=name, free=free, told="") for name, free in (("memory", 0.5), ("disk", 0.4))]
    found = headroom(evening(Evening(left=left)))
    assert (found.said.values["name"], found.said.values["free"]) == ("disk", "40.0")
    assert said(headroom(evening())) == ("UNKNOWN", "e8_none")


# ---- E9 ----


def alarm(name: str = "a", **more: Any) -> Alarm:
    """One that is on, and tells one person."""
    plain: dict[str, Any] = {"name": name, "enabled": True, "tells": ("me",), "rule": "r"}
    return Alarm(**(plain | more))


@pytest.mark.parametrize(
    ("declared", "live", "verdict", "spoken"),
    [
        ([alarm()], [alarm()], "PASS", ["e9_equal"]),
        ([alarm(tells=("x", "y"))], [alarm(tells=("y", "x"))], "PASS", ["e9_equal"]),
        ([alarm(enabled=False)], [alarm(enabled=False)], "PASS", ["e9_equal"]),
        ([], [], "UNKNOWN", ["e9_undeclared"]),
        ([], [alarm()], "UNKNOWN", ["e9_undeclared"]),
        ([alarm()], [], "FAIL", ["e9_missing"]),
        ([alarm()], [alarm(enabled=False)], "FAIL", ["e9_disabled"]),
        ([alarm()], [alarm(tells=())], "FAIL", ["e9_mute"]),
        ([alarm(tells=())], [alarm(tells=())], "FAIL", ["e9_mute"]),
        ([alarm()], [alarm(rule="other")], "WARN", ["e9_rule"]),
        ([alarm()], [alarm(tells=("you",))], "WARN", ["e9_hearers"]),
        ([alarm(enabled=False)], [alarm()], "WARN", ["e9_enabled"]),
        ([alarm()], [alarm(), alarm("b")], "WARN", ["e9_foreign"]),
        ([alarm(), alarm("b")], [alarm(rule="x"), alarm("c")], "FAIL", ["e9_missing", "e9_rule", "e9_foreign"]),
    ],
)
def test_every_difference_between_declared_and_live_alarms_is_named(
    declared: list[Alarm], live: list[Alarm], verdict: str, spoken: list[str]
) -> None:
    found = alarms(evening(Evening(declared=declared, live=live)))
    assert str(found.verdict) == verdict
    assert keys(found) == spoken


@pytest.mark.parametrize(
    ("tells", "live", "verdict"),
    [
        (("log",), True, "WARN"),
        (("log", "terminal"), True, "WARN"),
        (("log", "webhook"), True, "PASS"),
        (("log",), False, "PASS"),
    ],
)
def test_with_real_money_a_message_has_to_leave_the_machine(
    tells: tuple[str, ...], live: bool, verdict: str
) -> None:
    one = [alarm(tells=tells)]
    found = alarms(evening(Evening(declared=one, live=one), live=live))
    assert str(found.verdict) == verdict
    assert ("e9_at_home" in keys(found)) is (verdict == "WARN")


def test_the_names_are_told_and_hostile_ones_can_be_stored() -> None:
    found = alarms(evening(Evening(declared=[alarm("a\0\ud800[red]"), alarm("b")], live=[])))
    assert found.said.values["names"] == "a\ufffd?[red], b"
    assert found.value["e9_missing"] == ["a\ufffd?[red]", "b"]
