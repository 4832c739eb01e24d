"""The stage machine: its 24 cells, its hysteresis, its dwell and its days."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.strategy.settings import StrategySettings
from makenaide.strategy.stage import Memory, SlopeClass, Stage, candidate, classify, fold, step

RISING, FLAT, FALLING = SlopeClass.RISING, SlopeClass.FLAT, SlopeClass.FALLING
SETTINGS = StrategySettings()
UP, LEVEL, DOWN = 3.0, 0.0, -3.0
NAN = float("nan")

CELLS = [
    # close above its average, slope, from, stage: trading.md, Stage, written out
    (True, RISING, 1, 2),
    (True, RISING, 2, 2),
    (True, RISING, 3, 2),
    (True, RISING, 4, 2),
    (False, FALLING, 1, 4),
    (False, FALLING, 2, 4),
    (False, FALLING, 3, 4),
    (False, FALLING, 4, 4),
    (True, FLAT, 1, 1),
    (True, FLAT, 2, 3),
    (True, FLAT, 3, 3),
    (True, FLAT, 4, 1),
    (False, FLAT, 1, 1),
    (False, FLAT, 2, 3),
    (False, FLAT, 3, 3),
    (False, FLAT, 4, 1),
    (True, FALLING, 1, 1),
    (True, FALLING, 2, 3),
    (True, FALLING, 3, 3),
    (True, FALLING, 4, 1),
    (False, RISING, 1, 1),
    (False, RISING, 2, 3),
    (False, RISING, 3, 3),
    (False, RISING, 4, 1),
]


def test_the_table_of_cells_is_complete() -> None:
    assert len({cell[:3] for cell in CELLS}) == 24


@pytest.mark.parametrize(("above", "slope", "came_from", "expected"), CELLS)
def test_every_cell_of_the_table(above: bool, slope: SlopeClass, came_from: int, expected: int) -> None:
    assert candidate(above, slope, Stage(came_from)) == expected


@pytest.mark.parametrize(
    ("previous", "slope", "expected"),
    [
        (FLAT, 2.0, FLAT),
        (FLAT, 2.01, RISING),
        (FLAT, -2.0, FLAT),
        (FLAT, -2.01, FALLING),
        (FLAT, 0.0, FLAT),
        (RISING, 0.01, RISING),
        (RISING, 0.0, RISING),
        (RISING, -0.01, FLAT),
        (RISING, -2.01, FALLING),
        (FALLING, -0.01, FALLING),
        (FALLING, 0.0, FALLING),
        (FALLING, 0.01, FLAT),
        (FALLING, 2.01, RISING),
    ],
)
def test_a_slope_class_is_kept_until_the_slope_changes_its_sign(
    previous: SlopeClass, slope: float, expected: SlopeClass
) -> None:
    assert classify(previous, slope, 2.0) is expected


@pytest.mark.parametrize("wanted", [Stage.TOPPING, Stage.DECLINING])
@pytest.mark.parametrize("now", [Stage.BASING, Stage.ADVANCING])
def test_stages_3_and_4_act_at_once(now: Stage, wanted: Stage) -> None:
    assert step(Memory(now), wanted, 5) == Memory(wanted)


@pytest.mark.parametrize("wanted", [Stage.BASING, Stage.ADVANCING])
@pytest.mark.parametrize("now", [Stage.TOPPING, Stage.DECLINING])
def test_stages_1_and_2_act_on_the_fifth_bar_in_a_row(now: Stage, wanted: Stage) -> None:
    memory = Memory(now)
    for bar in range(1, 5):
        memory = step(memory, wanted, 5)
        assert memory == Memory(now, wanted, bar)
    assert step(memory, wanted, 5) == Memory(wanted)


def test_a_bar_without_the_wish_starts_the_dwell_anew() -> None:
    waiting = Memory(Stage.DECLINING, Stage.BASING, 4)
    assert step(waiting, Stage.DECLINING, 5) == Memory(Stage.DECLINING)
    assert step(waiting, Stage.ADVANCING, 5) == Memory(Stage.DECLINING, Stage.ADVANCING, 1)
    assert step(waiting, Stage.TOPPING, 5) == Memory(Stage.TOPPING)


def test_a_dwell_of_one_bar_delays_nothing() -> None:
    assert step(Memory(), Stage.ADVANCING, 1) == Memory(Stage.ADVANCING)


def test_the_first_computable_bar_comes_from_stage_3() -> None:
    folded = fold([True] * 8, [NAN, NAN, UP, UP, UP, UP, UP, UP], SETTINGS)
    assert folded.stage == [0, 0, 3, 3, 3, 3, 2, 2]
    assert folded.days == [0, 0, 1, 2, 3, 4, 1, 2]
    assert folded.slope_class == [0, 0, 1, 1, 1, 1, 1, 1]


def test_a_whole_cycle_is_counted_in_days() -> None:
    above = [False] * 3 + [False] * 6 + [True] * 7 + [True] * 2 + [False] * 2
    slopes = [DOWN] * 3 + [LEVEL + 0.1] * 6 + [UP] * 7 + [-0.1] * 2 + [DOWN] * 2
    folded = fold(above, slopes, SETTINGS)
    assert folded.stage == [4] * 7 + [1] * 6 + [2] * 3 + [3] * 2 + [4] * 2
    assert folded.days == [*range(1, 8), *range(1, 7), 1, 2, 3, 1, 2, 1, 2]


def test_after_a_gap_the_memory_is_gone() -> None:
    folded = fold([False] * 4, [DOWN, NAN, -1.0, DOWN], SETTINGS)
    assert folded.stage == [4, 0, 3, 4]
    assert folded.days == [1, 0, 1, 1]
    assert folded.slope_class == [-1, 0, 0, -1]


def test_stage_values_are_those_that_people_say() -> None:
    assert [(stage.name, int(stage)) for stage in Stage] == [
        ("UNKNOWN", 0),
        ("BASING", 1),
        ("ADVANCING", 2),
        ("TOPPING", 3),
        ("DECLINING", 4),
    ]


@given(st.lists(st.tuples(st.booleans(), st.floats(-5, 5) | st.just(NAN)), max_size=60))
def test_laws_of_any_walk(bars: list[tuple[bool, float]]) -> None:
    folded = fold([above for above, _ in bars], [slope for _, slope in bars], SETTINGS)
    for (_, slope), stage, days in zip(bars, folded.stage, folded.days, strict=True):
        assert (stage == 0) == (days == 0) == bool(np.isnan(slope))
    for (stage, days), (later, later_days) in pairwise(zip(folded.stage, folded.days, strict=True)):
        assert later_days == (0 if later == 0 else days + 1 if later == stage else 1)
        if later in (1, 2) and later != stage:
            assert stage != 0, "no market begins in stage 1 or 2"


@given(st.lists(st.tuples(st.booleans(), st.floats(-5, 5)), min_size=1, max_size=40), st.integers(0, 40))
def test_a_stage_knows_no_later_bar(bars: list[tuple[bool, float]], cut: int) -> None:
    above, slopes = [above for above, _ in bars], [slope for _, slope in bars]
    whole, part = fold(above, slopes, SETTINGS), fold(above[:cut], slopes[:cut], SETTINGS)
    assert (part.stage, part.days, part.slope_class) == (
        whole.stage[:cut],
        whole.days[:cut],
        whole.slope_class[:cut],
    )
