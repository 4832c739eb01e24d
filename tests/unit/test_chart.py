"""The chart in text: whatever is drawn lies in its grid, and says no more than its values."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makenaide.cli.chart import line_chart

VALUES = st.floats(-1e12, 1e12, allow_nan=False)
BRAILLE = {" "} | {chr(0x2800 + bits) for bits in range(1, 256)}


@given(
    series=st.lists(st.lists(VALUES, max_size=200), max_size=3),
    width=st.integers(1, 60),
    height=st.integers(1, 15),
)
def test_every_series_fills_its_grid_and_nothing_else(series: list[list[float]], width: int, height: int) -> None:
    drawn, low, high = line_chart(series, width, height)
    every = [value for line in series for value in line]
    assert (low, high) == ((min(every), max(every)) if every else (0.0, 0.0))
    assert len(drawn) == len(series)
    for lines, values in zip(drawn, series, strict=True):
        assert [len(line) for line in lines] == [width] * height
        assert set("".join(lines)) <= BRAILLE
        assert ("".join(lines).strip() != "") == bool(values)


@given(values=st.lists(VALUES, min_size=2, max_size=120).filter(lambda v: min(v) < max(v)))
def test_the_highest_value_touches_the_top_and_the_lowest_the_bottom(values: list[float]) -> None:
    (lines,), _, _ = line_chart([values], 40, 6)
    assert lines[0].strip()
    assert lines[-1].strip()


@given(values=st.lists(VALUES, min_size=2, max_size=120), width=st.integers(1, 60))
def test_a_line_has_no_gap(values: list[float], width: int) -> None:
    (lines,), _, _ = line_chart([values], width, 5)
    assert all(any(line[column] != " " for line in lines) for column in range(width))


@given(values=st.lists(VALUES, min_size=2, max_size=80).map(sorted), width=st.integers(2, 60))
def test_a_rising_series_never_falls(values: list[float], width: int) -> None:
    (lines,), _, _ = line_chart([values], width, 8)
    tops = [min(row for row, line in enumerate(lines) if line[column] != " ") for column in range(width)]
    assert all(after <= before for before, after in pairwise(tops))


def test_a_flat_series_is_one_straight_line() -> None:
    (lines,), low, high = line_chart([[7.0] * 30], 10, 3)
    assert (low, high) == (7.0, 7.0)
    assert lines == ["⠉" * 10, " " * 10, " " * 10]


def test_one_point_is_one_dot_and_no_point_is_nothing() -> None:
    (dot,), _, _ = line_chart([[7.0]], 4, 2)
    assert dot == ["⠁   ", "    "]
    (nothing,), low, high = line_chart([[]], 4, 2)
    assert nothing == ["    ", "    "]
    assert (low, high) == (0.0, 0.0)
    assert line_chart([], 4, 2) == ([], 0.0, 0.0)


@pytest.mark.parametrize(("values", "expected"), [([0.0, 1.0], ["⡠⠔⠊"]), ([1.0, 0.0], ["⠑⠢⢄"])])
def test_a_diagonal_looks_like_one(values: list[float], expected: list[str]) -> None:
    (lines,), _, _ = line_chart([values], 3, 1)
    assert lines == expected


def test_two_series_share_one_scale() -> None:
    (small, large), low, high = line_chart([[0.0, 1.0], [0.0, 100.0]], 10, 10)
    assert (low, high) == (0.0, 100.0)
    assert not "".join(small[:-1]).strip()
    assert large[0].strip()
