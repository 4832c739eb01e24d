"""A sample of the matrix on every run; the whole is `make check-matrix`."""

from pathlib import Path

import pytest

from tests.matrix.changes import TABLE
from tests.matrix.matrix import look
from tests.matrix.worlds import Ground, world_of

SAMPLE = ("M7 blind", "E4 bad", "E5 good", "M2 blind", "E6 bad")


@pytest.mark.parametrize("ground", Ground)
def test_what_was_changed_shows_in_its_check_and_nowhere_else(ground: Ground, tmp_path: Path) -> None:
    cells = [cell for cell in TABLE if cell.name in SAMPLE and cell.ground is ground]
    assert len(cells) >= 2
    with world_of(ground, tmp_path / "world") as world:
        differences = [each.line for cell in cells for each in look(world, cell).differences]
    assert not differences, "\n".join(differences)
