"""M1-M3, and what M4 says without a database: the parts of the place, in every state."""

from dataclasses import replace
from datetime import timedelta

import pytest

from makenaide.catalogue import messages
from makenaide.domain.errors import Unavailable
from makenaide.domain.verdict import Verdict
from makenaide.ops.checks.morning import MORNING
from makenaide.ops.checks.parts import board, database, installed, workers
from makenaide.ops.runner import run_check
from makenaide.ops.scene import Manifest, Part, PartState
from makenaide.store.accounts import Account
from tests.unit.morning_scene import NOW, HandMade, manifest, part, said, scene

UP, STARTING, STOPPING, DOWN, BROKEN = (
    PartState.UP,
    PartState.STARTING,
    PartState.STOPPING,
    PartState.DOWN,
    PartState.BROKEN,
)


def test_the_morning_list_has_the_ten_lines_of_the_guide_in_its_order_and_a_text_for_each() -> None:
    assert [check.id for check in MORNING] == [f"M{number}" for number in range(1, 11)]
    assert [check.id for check in MORNING if check.money] == ["M7"]
    known = messages("en")
    assert all(f"check.{kind}.{check.id}" in known for check in MORNING for kind in ("title", "remedy"))


# ---- M1 ----


@pytest.mark.parametrize(
    ("state", "wanted", "expected"),
    [
        (UP, True, ("PASS", "m1_up")),
        (UP, False, ("PASS", "m1_up")),
        (UP, None, ("PASS", "m1_up")),
        (STARTING, True, ("WARN", "m1_changing")),
        (STOPPING, False, ("WARN", "m1_changing")),
        (DOWN, True, ("FAIL", "m1_down")),
        (DOWN, None, ("FAIL", "m1_down")),
        (DOWN, False, ("PASS", "m1_stopped")),
        (BROKEN, True, ("FAIL", "m1_broken")),
        (BROKEN, False, ("FAIL", "m1_broken")),
        (BROKEN, None, ("FAIL", "m1_broken")),
    ],
)
def test_a_database_is_judged_by_its_state_and_by_what_the_schedule_wants(
    state: PartState, wanted: bool | None, expected: tuple[str, str]
) -> None:
    found = database(scene(HandMade(the_database=part(state, wanted=wanted, word="storage-full"))))
    assert said(found) == expected
    assert found.said.values == {"word": "storage-full"}
    assert found.taken_at == NOW


def test_a_database_that_nobody_could_look_at_is_unknown() -> None:
    result = run_check(MORNING[0], scene(HandMade(broken=Unavailable("the place does not answer"))))
    assert said(result.evidence) == ("UNKNOWN", "raised")
    assert result.evidence.said.values == {"cause": "the place does not answer"}


# ---- M2 ----

ENDLESS = Account(
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


def worker(state: PartState, wanted: bool | None = True, name: str = "trader") -> Part:
    return part(state, name=name, wanted=wanted)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], ("UNKNOWN", "m2_unknown")),
        ([worker(UP)], ("PASS", "m2_up")),
        ([worker(UP, None)], ("PASS", "m2_up")),
        ([worker(UP), worker(DOWN, None)], ("PASS", "m2_up")),
        ([worker(UP), worker(DOWN, False)], ("PASS", "m2_up")),
        ([worker(DOWN, None), worker(DOWN, False)], ("PASS", "m2_none_wanted")),
        ([worker(UP), worker(STARTING)], ("WARN", "m2_changing")),
        ([worker(STOPPING)], ("WARN", "m2_changing")),
        ([worker(UP), worker(DOWN)], ("FAIL", "m2_down")),
        ([worker(STARTING), worker(DOWN)], ("FAIL", "m2_down")),
        ([worker(BROKEN, None)], ("FAIL", "m2_broken")),
        ([worker(BROKEN), worker(DOWN)], ("FAIL", "m2_broken")),
    ],
)
def test_every_worker_that_is_wanted_has_to_be_up(parts: list[Part], expected: tuple[str, str]) -> None:
    assert said(workers(scene(HandMade(the_workers=parts)))) == expected


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([worker(DOWN, None)], ("UNKNOWN", "m2_unsaid")),
        ([worker(DOWN, None), worker(UP, name="guard")], ("UNKNOWN", "m2_unsaid")),
        ([worker(DOWN, None), worker(DOWN, name="guard")], ("FAIL", "m2_down")),
        ([worker(DOWN, False), worker(DOWN, None, "steward")], ("PASS", "m2_none_wanted")),
        ([worker(UP, None), worker(DOWN, None, "steward")], ("PASS", "m2_up")),
    ],
)
def test_a_trader_of_which_nobody_said_whether_it_may_rest_is_unknown_on_the_wall_clock(
    parts: list[Part], expected: tuple[str, str]
) -> None:
    assert said(workers(scene(HandMade(the_workers=parts), account=ENDLESS))) == expected
    stepped = replace(ENDLESS, first_slot=NOW, last_slot=NOW)
    by_steps = said(workers(scene(HandMade(the_workers=parts), account=stepped)))
    assert by_steps[0] == ("FAIL" if expected[0] == "FAIL" else "PASS")


def test_the_age_of_the_last_success_is_told_and_a_clock_ahead_makes_none_below_zero() -> None:
    parts = [
        part(UP, name="trader", success=NOW - timedelta(minutes=90)),
        part(UP, name="guard", success=NOW + timedelta(minutes=5)),
        part(UP, name="steward"),
    ]
    found = workers(scene(HandMade(the_workers=parts)))
    assert found.said.values == {"count": 3, "ages": "trader 1.5 h, guard 0.0 h, steward -"}
    assert found.value["workers"]["trader"]["success_hours"] == 1.5


def test_workers_that_are_not_up_are_named_with_the_words_of_the_place_and_the_lesser_ones_by_their_key() -> None:
    parts = [
        part(DOWN, name="guard", word="gone", detail="exit code 9"),
        part(STARTING, name="trader", word="InProgress"),
    ]
    found = workers(scene(HandMade(the_workers=parts)))
    assert found.said.values == {"names": "guard (gone: exit code 9)"}
    assert found.value["also"] == ["m2_changing"]


# ---- M3 ----

DEPLOYED = manifest(numpy="2.1.0", rich="14.0")


@pytest.mark.parametrize(
    ("here", "expected", "told"),
    [
        (DEPLOYED, ("PASS", "m3_same"), None),
        (replace(DEPLOYED, version="1.1"), ("FAIL", "m3_code"), "version 1.0 -> 1.1"),
        (replace(DEPLOYED, code="e" * 64), ("FAIL", "m3_code"), "code cccccccccccc -> eeeeeeeeeeee"),
        (manifest(numpy="2.10.0", rich="14.0"), ("WARN", "m3_packages"), "numpy 2.1.0 -> 2.10.0"),
        (manifest(rich="14.0"), ("WARN", "m3_packages"), "numpy 2.1.0 -> -"),
        (manifest(numpy="2.1.0", rich="14.0", click="8.2"), ("WARN", "m3_packages"), "click - -> 8.2"),
    ],
)
def test_what_is_installed_is_compared_with_what_was_deployed(
    here: Manifest, expected: tuple[str, str], told: str | None
) -> None:
    found = installed(scene(HandMade(here=here, wanted=DEPLOYED)))
    assert said(found) == expected
    assert found.said.values.get("differences") == told


@pytest.mark.parametrize(
    ("version", "newer"), [("2.10.0", True), ("2.1.1", True), ("2.0.9", False), ("2.1.0rc1", False)]
)
def test_a_package_that_is_newer_than_the_deployed_one_is_flagged(version: str, newer: bool) -> None:
    found = installed(scene(HandMade(here=manifest(numpy=version, rich="14.0"), wanted=DEPLOYED)))
    assert [each["newer"] for each in found.value["differences"]] == [newer]


def test_other_code_speaks_before_other_packages() -> None:
    found = installed(scene(HandMade(here=replace(manifest(), code="e" * 64), wanted=DEPLOYED)))
    assert said(found) == ("FAIL", "m3_code")
    assert found.value["also"] == ["m3_packages"]
    assert [each["name"] for each in found.value["differences"]] == ["code", "numpy", "rich"]


def test_nothing_was_ever_deployed_is_unknown() -> None:
    assert said(installed(scene(HandMade(wanted=None)))) == ("UNKNOWN", "m3_never")


# ---- M4 ----


def test_a_dashboard_that_the_configuration_turns_off_is_not_applicable_and_names_the_line() -> None:
    found = board(scene(dashboard=False))
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert found.value == {"line": "operations.dashboard = false"}
    assert found.said.values == found.value
