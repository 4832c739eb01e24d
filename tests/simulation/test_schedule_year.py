"""A sample of a schedule under kills: no slot is lost and none is doubled. The whole year: SCHEDULE_DAYS=366.

The sample is another one each time: it is printed, and SCHEDULE_SEED=<that number> draws it again.
"""

import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from makenaide.store.accounts import open_account
from makenaide.store.db import Database, Role
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.migrate import migrate
from tests.simulation.schedule_world import OPENED, World, account, broken_laws, connected

SEED = int(os.environ.get("SCHEDULE_SEED") or random.SystemRandom().randrange(1, 10_000))
DAYS = int(os.environ.get("SCHEDULE_DAYS") or 15)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("schedule") / "home")
    try:
        with server:
            yield server
    finally:
        server.remove()


@pytest.fixture
def books(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """An empty database with one account, opened when the world begins."""
    with Database.connect(postgres.conninfo, role=Role.OWNER) as owner:
        owner.connection.execute(b"drop schema if exists makenaide cascade")
        migrate(owner)
        open_account(owner, account())
        owner.connection.execute(b"update account set opened_at = %s", [OPENED])
    with Database.connect(postgres.conninfo, role=Role.WRITER) as db:
        yield db


@pytest.mark.parametrize("more", [0, 1])
def test_under_kills_every_slot_is_done_once_or_known_to_be_missed(
    more: int, postgres: EmbeddedPostgres, books: Database, tmp_path: Path
) -> None:
    seed = SEED + more
    world = World(seed, books, connected(postgres.conninfo), tmp_path)
    world.run(OPENED + timedelta(days=DAYS))
    rows = books.rows("job_since", account_id=account().account_id, since=OPENED - timedelta(days=9))
    outcomes = Counter(row.outcome for row in rows)
    sys.stdout.write(f"SCHEDULE_SEED={seed} ({DAYS} d): {dict(world.deeds)} {dict(outcomes)}\n")
    assert broken_laws(world, rows) == [], f"SCHEDULE_SEED={seed}"
    assert world.deeds["kills"] >= DAYS / 5
    assert outcomes["done"] >= DAYS


def test_the_laws_notice_a_slot_that_is_lost_or_done_twice(
    postgres: EmbeddedPostgres, books: Database, tmp_path: Path
) -> None:
    world = World(1, books, connected(postgres.conninfo), tmp_path)
    world.chances.kill = world.chances.failure = world.chances.outage = 0
    world.run(OPENED + timedelta(days=2))
    rows = books.rows("job_since", account_id=account().account_id, since=OPENED)
    assert broken_laws(world, rows) == []
    assert any(each.startswith("lost") for each in broken_laws(world, rows[1:]))
    world.completed[rows[0].name, rows[0].slot] += 1
    assert any(each.startswith("done 2 times") for each in broken_laws(world, rows))
