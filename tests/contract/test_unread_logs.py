"""What of the logs at home is not read is told, each with its reason."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from makenaide.app import place as places
from makenaide.app.database import Store
from makenaide.app.scene import scene_of
from makenaide.ops.checks.security import security
from makenaide.ops.scene import Gap, Place, Unread
from makenaide.store.db import Database
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.runs import AuditEntry, put_audit
from tests.contract.charts import FIRST
from tests.contract.looking import SchemaStore, account_of, environment

pytestmark = pytest.mark.sockets
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(postgres: EmbeddedPostgres, schema: str) -> Store:
    return SchemaStore(conninfo=postgres.conninfo, location="tests", embedded=False, schema=schema)


def unread(place: Place) -> list[Unread]:
    return [each for each in place.logs(LONG_AGO) if isinstance(each, Unread)]


def test_logs_that_are_not_read_are_told_each_with_its_reason(
    journal: Database, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = environment(tmp_path)
    account = account_of(env, journal)
    for action in ("halt.set", "halt.lift"):
        entry = AuditEntry(account_id=None, at=FIRST, actor="person", action=action, detail={})
        with journal.transaction():
            put_audit(journal, entry)
    monkeypatch.setattr(places, "_MANY", 1)
    with scene_of(env, store, account, venue=False) as scene:
        found = {each.log: each.gap for each in unread(scene.place)}
    assert found == {"process": Gap.ABSENT, "database": Gap.ABSENT, "audit": Gap.CUT}
    with scene_of(env, store, None) as scene:
        found = {each.log: each.gap for each in unread(scene.place)}
    assert found == {"process": Gap.UNBEGUN, "database": Gap.UNBEGUN, "audit": Gap.CUT}
    monkeypatch.setattr(places, "_MANY", 1_000)
    foreign = replace(env, database_url="postgresql://elsewhere/books")
    with scene_of(foreign, store, account, venue=False) as scene:
        found_there = {each.log: each for each in unread(scene.place)}
        told = security(scene)
    assert found_there.keys() == {"process", "database"}
    assert found_there["database"].gap is Gap.ELSEWHERE
    assert found_there["database"].told == "DATABASE_URL is set: its log is not on this machine"
    assert told.value["unread"]["database"]["told"] == found_there["database"].told
