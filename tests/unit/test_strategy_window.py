"""Statistics of windows against their plain definitions."""

from collections.abc import Callable, Sequence
from statistics import fmean, linear_regression, median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.strategy import window
from makenaide.strategy.panel import Floats

FUNCTIONS: dict[str, tuple[Callable[[Floats, int], Floats], Callable[[Sequence[float]], float]]] = {
    "mean": (window.mean, fmean),
    "highest": (window.highest, max),
    "lowest": (window.lowest, min),
    "median": (window.median, median),
    "slope": (window.slope, lambda values: linear_regression(range(len(values)), values).slope),
}


def random_values(seed: int, rows: int) -> Floats:
    """Two columns of noise."""
    return np.random.default_rng(seed).normal(0, 1, (rows, 2))


@pytest.mark.parametrize("name", FUNCTIONS)
@given(rows=st.integers(0, 25), days=st.integers(2, 12), seed=st.integers(0, 1000))
def test_a_window_is_its_plain_definition_and_nan_until_full(name: str, rows: int, days: int, seed: int) -> None:
    fast, plain = FUNCTIONS[name]
    values = random_values(seed, rows)
    result = fast(values, days)
    assert result.shape == values.shape
    assert np.isnan(result[: days - 1]).all()
    for row in range(days - 1, rows):
        for column in range(2):
            expected = plain(values[row - days + 1 : row + 1, column].tolist())
            assert result[row, column] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", ["mean", "highest", "lowest", "median"])
def test_a_window_of_one_bar_is_the_bar(name: str) -> None:
    values = random_values(1, 4)
    assert FUNCTIONS[name][0](values, 1).tolist() == values.tolist()


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("days", [2, 3, 4, 5])
@pytest.mark.parametrize("hole", range(6))
def test_a_nan_spoils_the_windows_that_hold_it_and_no_other(name: str, days: int, hole: int) -> None:
    values = random_values(2, 9)
    values[hole, 0] = np.nan
    result = FUNCTIONS[name][0](values, days)
    for row in range(9):
        spoilt = row < days - 1 or row - days + 1 <= hole <= row
        assert bool(np.isnan(result[row, 0])) is spoilt
    assert not np.isnan(result[days - 1 :, 1]).any()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_place_in_the_panel_does_not_change_a_bit(name: str) -> None:
    fast = FUNCTIONS[name][0]
    values = random_values(3, 300)
    whole = fast(values, 21)
    assert np.array_equal(fast(values[:100], 21), whole[:100], equal_nan=True)
    assert np.array_equal(fast(values[57:], 21)[20:], whole[77:])
    assert np.array_equal(fast(values[:, :1], 21), whole[:, :1], equal_nan=True)


@pytest.mark.parametrize("days", [2, 3, 20, 21])
def test_a_level_line_has_a_slope_of_exactly_zero(days: int) -> None:
    result = window.slope(np.full((40, 1), 0.1), days)
    assert (result[days - 1 :] == 0).all()


def test_a_straight_line_has_its_own_slope() -> None:
    line = (3 + 0.25 * np.arange(30.0))[:, None]
    assert window.slope(line, 20)[19:, 0].tolist() == pytest.approx([0.25] * 11)


def test_before_moves_every_bar_one_day_down() -> None:
    assert window.before(np.array([[1.0], [2.0], [3.0]]))[1:].tolist() == [[1], [2]]
    assert np.isnan(window.before(np.array([[1.0], [2.0]]))[0, 0])
    assert window.before(np.empty((0, 2))).shape == (0, 2)
