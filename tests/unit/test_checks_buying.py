"""The readiness list without a database: clock, guard, backup, limits; and how long each counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from makenaide.catalogue import messages
from makenaide.domain.errors import Misconfigured
from makenaide.domain.verdict import Verdict
from makenaide.ops.checks.buying import FAST, READINESS, backup, clock, guard, limits, rehearsal, schema
from makenaide.ops.runner import run_check
from makenaide.ops.scene import Backup, GuardPulse, Scene
from makenaide.store.accounts import Account
from tests.unit.morning_scene import NOW, HandMade, scene

ACCOUNT = Account(
    account_id="0001aaaaaaaa",
    venue="simulator",
    mode="paper",
    feed="feed",
    installation="0001",
    identity={},
    settings={},
    first_slot=None,
    last_slot=None,
)
STEPPED = replace(ACCOUNT, first_slot=NOW, last_slot=NOW)
UNSET = {"live": {"order_krw": "0", "day_krw": "0", "total_krw": "0"}}
SET = {"live": {"order_krw": "50000", "day_krw": "100000", "total_krw": "200000"}}


@dataclass(slots=True, kw_only=True)
class Kept(HandMade):
    """A place with a guard and backups."""

    pulse: GuardPulse = field(default_factory=lambda: GuardPulse(watching=True, seconds=0.5, wanted=True))
    kept: Sequence[Backup] = ()

    def guard(self) -> GuardPulse:
        return self.pulse

    def backups(self) -> Sequence[Backup]:
        return self.kept


@dataclass(frozen=True, slots=True)
class Skewed:
    """A venue's clock, by its bounds in seconds; None: it tells no time."""

    bounds: tuple[float, float] | None

    def clock_skew(self) -> tuple[timedelta, timedelta] | None:
        if self.bounds is None:
            return None
        low, high = self.bounds
        return timedelta(seconds=low), timedelta(seconds=high)


def looked(bounds: tuple[float, float] | None) -> Scene:
    return replace(scene(account=ACCOUNT), skew=Skewed(bounds))


def test_the_list_has_ten_lines_and_a_text_for_each() -> None:
    assert [check.id for check in READINESS] == [f"B{number}" for number in range(1, 11)]
    assert all(check.money for check in READINESS)
    known = messages("en")
    assert all(f"check.{kind}.{check.id}" in known for check in READINESS for kind in ("title", "remedy"))


def test_what_may_change_at_any_moment_does_not_last_from_the_readiness_list_to_the_decision() -> None:
    assert timedelta(minutes=10) > FAST


# ---- B1 ----


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((-0.1, 0.9), Verdict.PASS),
        ((0.0, 1.99), Verdict.PASS),
        ((-1.9, -0.05), Verdict.PASS),
        ((0.6, 1.5), Verdict.WARN),
        ((-1.5, -0.6), Verdict.WARN),
        ((4.4, 5.5), Verdict.WARN),
        ((4.8, 5.8), Verdict.FAIL),  # 5.3 truly
        ((-5.6, -4.4), Verdict.FAIL),
        ((5.0, 6.0), Verdict.FAIL),
        ((-6.0, -5.0), Verdict.FAIL),
        ((-3600.0, -3599.0), Verdict.FAIL),
        (None, Verdict.UNKNOWN),
    ],
)
def test_a_clock_is_judged_by_its_middle_which_is_the_best_guess(
    bounds: tuple[float, float] | None, expected: Verdict
) -> None:
    found = clock(looked(bounds))
    assert found.verdict is expected
    assert found.valid_for == FAST


def test_without_a_venue_nobody_knows_the_skew() -> None:
    with pytest.raises(Misconfigured, match="nobody answers"):
        clock(scene(account=ACCOUNT))


# ---- B4 ----


@pytest.mark.parametrize(
    ("pulse", "expected"),
    [
        (GuardPulse(watching=True, seconds=0.4, wanted=True), (Verdict.PASS, "b4_beating")),
        (GuardPulse(watching=True, seconds=0.4, wanted=False), (Verdict.PASS, "b4_beating")),
        (GuardPulse(watching=False, seconds=None, wanted=False), (Verdict.PASS, "b4_nothing")),
        (GuardPulse(watching=False, seconds=None, wanted=True), (Verdict.FAIL, "b4_silent")),
        (GuardPulse(watching=False, seconds=900.0, wanted=True), (Verdict.FAIL, "b4_silent")),
    ],
)
def test_a_guard_has_to_beat_where_one_is_wanted(pulse: GuardPulse, expected: tuple[Verdict, str]) -> None:
    found = guard(scene(Kept(pulse=pulse), account=ACCOUNT))
    assert (found.verdict, found.said.key) == expected


def test_the_guard_of_a_stepped_account_lives_in_its_trader() -> None:
    silent = Kept(pulse=GuardPulse(watching=False, seconds=None, wanted=True))
    assert guard(scene(silent, account=STEPPED)).said.key == "b4_inside"


# ---- B5 ----


def kept(hours: float, **more: Any) -> Backup:
    taken = NOW - timedelta(hours=hours)
    plain: dict[str, Any] = {
        "name": "b",
        "taken_at": taken,
        "intact": True,
        "verified_at": taken,
        "size": 1,
    }
    return Backup(**(plain | more))


@pytest.mark.parametrize(
    ("backups", "expected"),
    [
        ([], (Verdict.FAIL, "b5_none")),
        ([kept(6)], (Verdict.PASS, "b5_good")),
        ([kept(26)], (Verdict.PASS, "b5_good")),
        ([kept(26.1)], (Verdict.WARN, "b5_old")),
        ([kept(52.1)], (Verdict.FAIL, "b5_old")),
        ([kept(6, verified_at=None)], (Verdict.FAIL, "b5_unverified")),
        ([kept(6, intact=False)], (Verdict.FAIL, "b5_damaged")),
        ([kept(30), kept(6, verified_at=None)], (Verdict.FAIL, "b5_unverified")),
        ([kept(30, intact=False), kept(6)], (Verdict.PASS, "b5_good")),
    ],
)
def test_the_newest_backup_has_to_be_whole_restored_and_young(
    backups: list[Backup], expected: tuple[Verdict, str]
) -> None:
    found = backup(replace(scene(Kept(kept=backups), account=ACCOUNT), live=True))
    assert (found.verdict, found.said.key) == expected
    found = backup(scene(Kept(kept=backups), account=ACCOUNT, paper_backup=True))
    assert (found.verdict, found.said.key) == expected


def test_paper_needs_no_backup_limits_or_rehearsal_and_each_names_its_line() -> None:
    paper = replace(scene(account=ACCOUNT), config=UNSET)
    lines = [backup(paper).value, limits(paper).value, rehearsal(paper).value]
    assert lines == [
        {"line": "operations.paper_backup = false"},
        {"line": "live.order_krw = 0"},
        {"line": "operations.paper_rehearsal = false"},
    ]
    assert all(look(paper).verdict is Verdict.NOT_APPLICABLE for look in (backup, limits, rehearsal))


# ---- B6, B10 ----


@pytest.mark.parametrize("name", ["order_krw", "day_krw", "total_krw"])
def test_with_real_money_every_limit_has_to_be_set(name: str) -> None:
    live = replace(scene(account=ACCOUNT), live=True, config=SET)
    assert limits(live).verdict is Verdict.PASS
    assert limits(live).value["order_krw"] == Decimal(50_000)
    lacking = limits(replace(live, config={"live": SET["live"] | {name: "0"}}))
    assert (lacking.verdict, lacking.said.values) == (Verdict.FAIL, {"names": f"live.{name}"})


def test_without_a_database_the_schema_is_unknown_with_the_cause() -> None:
    check = next(each for each in READINESS if each.look is schema)
    assert run_check(check, scene(account=ACCOUNT)).evidence.said.values == {
        "cause": "these tests have no database"
    }


@pytest.mark.parametrize("check", READINESS, ids=lambda check: check.id)
def test_without_an_account_no_check_about_one_passes(check: Any) -> None:
    found = run_check(check, replace(scene(), config=UNSET)).evidence
    assert found.verdict in (Verdict.UNKNOWN, Verdict.NOT_APPLICABLE)
