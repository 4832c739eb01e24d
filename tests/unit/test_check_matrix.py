"""The table of the check matrix is whole, and a verdict that nobody declared is a difference."""

from pathlib import Path

from makenaide.domain.verdict import Verdict
from makenaide.ops.checks.register import BY_ID
from makenaide.store.embedded import EmbeddedPostgres
from tests.acceptance.worlds import Home
from tests.matrix.changes import TABLE, Kind
from tests.matrix.matrix import compared
from tests.matrix.worlds import DECLARED, IDS, Ground, World

EXPECTED = {Kind.GOOD: {Verdict.PASS}, Kind.BAD: {Verdict.WARN, Verdict.FAIL}, Kind.BLIND: {Verdict.UNKNOWN}}


def test_the_table_has_three_worlds_for_each_check_in_the_order_of_the_lists() -> None:
    assert len(IDS) == 19
    assert [(cell.check, cell.kind) for cell in TABLE] == [(check, kind) for check in IDS for kind in Kind]


def test_good_passes_bad_warns_or_fails_blind_is_unknown() -> None:
    assert [cell.name for cell in TABLE if cell.verdict not in EXPECTED[cell.kind]] == []


def test_every_world_says_what_every_check_says_before_it_is_changed() -> None:
    assert {ground: tuple(said) for ground, said in DECLARED.items()} == dict.fromkeys(Ground, IDS)


def test_what_is_declared_of_other_checks_differs_from_before_and_is_of_known_ones() -> None:
    for cell in TABLE:
        assert cell.check not in cell.also
        assert set(cell.also) <= set(BY_ID)
        assert not [check for check, verdict in cell.also.items() if DECLARED[cell.ground][check] is verdict]


def test_a_check_turns_in_its_own_world_or_bears_it() -> None:
    for cell in TABLE:
        assert (DECLARED[cell.ground][cell.check] is cell.verdict) is (cell.kind is Kind.GOOD), cell.name


def test_a_verdict_that_nobody_declared_is_a_difference_and_so_is_none(tmp_path: Path) -> None:
    world = World(ground=Ground.STEPPED, home=Home(path=tmp_path), server=EmbeddedPostgres(tmp_path))
    world.said["E1"] = "it is late"
    expected = dict(DECLARED[Ground.STEPPED])
    assert compared(world, ("M6 bad", "no candle"), expected, expected) == ()
    found = {check: verdict for check, verdict in expected.items() if check != "E9"} | {"E1": Verdict.FAIL}
    lines = [each.line for each in compared(world, ("M6 bad", "no candle"), expected, found)]
    assert lines == [
        "M6 bad (no candle): E1 is FAIL instead of PASS: it is late",
        "M6 bad (no candle): E9 is not told instead of PASS: ",
    ]
