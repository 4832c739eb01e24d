"""What the embedded server writes down of itself is what the rules of E5 hear: rights, settings, triggers; not us."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from makenaide.app.logbook import database_lines
from makenaide.ops.logrules import sweep
from makenaide.store.db import Database, Role
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.migrate import migrate
from makenaide.store.modes import Mode


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """A server of its own, with both schemas freshly made."""
    own = EmbeddedPostgres(tmp_path / "home")
    try:
        with own:
            for mode in Mode:
                with Database.connect(own.conninfo, role=Role.OWNER, settings=mode.settings) as db:
                    migrate(db)
            yield own
    finally:
        own.remove()


def heard(server: EmbeddedPostgres) -> set[str]:
    """The rules that fire on the server's log."""
    since = datetime.now(UTC) - timedelta(hours=1)
    return set(sweep(database_lines(server.log, since)).findings)


def test_making_the_schemas_is_nobodys_attack(server: EmbeddedPostgres) -> None:
    assert heard(server) == set()


@pytest.mark.parametrize(
    ("role", "command", "rule"),
    [
        (Role.OWNER, "create role intruder login", "e5_role_change"),
        (Role.OWNER, "/* x */ alter role makenaide_reader\n createdb", "e5_role_change"),
        (Role.OWNER, "\n\t-- x\n create role intruder login", "e5_role_change"),
        (Role.OWNER, "grant update on fill to makenaide_reader", "e5_role_change"),
        (Role.OWNER, "alter table fill\n disable trigger user", "e5_triggers_off"),
        (Role.OWNER, "alter table fill disable trigger user", "e5_triggers_off"),
        (Role.OWNER, "alter system set log_statement = 'none'", "e5_database_setting"),
        (Role.OWNER, "truncate fill", "e5_tampering"),
        (Role.WRITER, "update fill set fee = 0", "e5_denied"),
    ],
)
def test_what_an_intruder_does_at_the_database_is_heard(
    server: EmbeddedPostgres, role: Role, command: str, rule: str
) -> None:
    with Database.connect(server.conninfo, role=role, settings=Mode.PAPER.settings) as db:
        if "create role" in command or command.startswith(("/* x", "alter system")):
            db.connection.execute(b"reset role")
        try:
            db.connection.execute(command.encode())
        except psycopg.Error:
            assert rule in ("e5_tampering", "e5_denied")
    assert heard(server) == {rule}
