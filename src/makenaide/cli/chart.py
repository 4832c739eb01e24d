"""A line chart in text: braille dots, eight to a character cell, one series or two on one scale."""

from collections.abc import Sequence
from itertools import pairwise

_BLANK = 0x2800
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The braille bit of (column, row) within a cell of 2 x 4 dots."""


def line_chart(series: Sequence[Sequence[float]], width: int, height: int) -> tuple[list[list[str]], float, float]:
    """Draw each of `series` (values in equal steps) in a grid of `width` x `height` cells on one common scale.

    Returns one list of text lines a series, top line first, blank where the series does not pass, and the lowest
    and the highest value of the scale. Nothing is drawn of an empty series, a dot of one value, a line of equal ones.
    """
    values = [value for line in series for value in line]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    return [_draw(line, (low, high), width, height) for line in series], low, high


def _draw(line: Sequence[float], scale: tuple[float, float], width: int, height: int) -> list[str]:
    cells = [[0] * width for _ in range(height)]
    points = _points(line, scale, width * 2, height * 4)
    for (x0, y0), (x1, y1) in pairwise(points[:1] + points):  # the first one twice: one point is a dot
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            x = x0 + round((x1 - x0) * step / steps)
            y = y0 + round((y1 - y0) * step / steps)
            cells[y // 4][x // 2] |= _DOTS[x % 2][y % 4]
    return ["".join(chr(_BLANK + bits) if bits else " " for bits in row) for row in cells]


def _points(line: Sequence[float], scale: tuple[float, float], columns: int, rows: int) -> list[tuple[int, int]]:
    low, high = scale
    span = (high - low) or 1.0
    last = max(len(line) - 1, 1)
    return [
        (round(at * (columns - 1) / last), round((high - value) / span * (rows - 1)))
        for at, value in enumerate(line)
    ]
