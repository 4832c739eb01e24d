"""The ground of the checks where nobody can look at the database: the lists are taken all the same."""

from datetime import UTC, datetime
from pathlib import Path

from makenaide.app.checking import ground_of
from makenaide.app.operation import Operation, State, write_operation
from makenaide.environment import load


def test_a_server_that_nobody_can_look_at_is_not_said_to_be_down(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    (data / "postmaster.pid").mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")
    write_operation(tmp_path, Operation(state=State.STOPPED, at=datetime.now(UTC)))
    with ground_of(load({"MAKENAIDE_HOME": str(tmp_path)})) as ground:
        assert ground.store is None
        assert ground.found is None, "M1 looks by itself, and says why it cannot"
        assert ground.away
