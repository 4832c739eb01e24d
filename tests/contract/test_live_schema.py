"""Paper and live rows never mix: the schema itself refuses the other's accounts, and a connection sees one schema."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from makenaide.app.database import Store
from makenaide.domain.errors import Inconsistent
from makenaide.domain.verdict import Verdict
from makenaide.store.accounts import Account, find_account, open_account
from makenaide.store.db import Database, Role, StoreSettings
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.evidence import Evidence, evidence_of, newest_evidence, put_evidence
from makenaide.store.modes import Mode, require_mode, schema_mode
from makenaide.store.validate import validate
from tests.contract.live import NOW, schema_of

ACCOUNT = Account(
    account_id="0001aaaaaaaa",
    venue="upbit",
    mode="paper",
    feed="upbit",
    installation="0001",
    identity={},
    settings={},
    first_slot=None,
    last_slot=None,
)
SUBJECT = "a" * 64


@pytest.fixture
def paper(postgres: EmbeddedPostgres, schema: str) -> Iterator[Database]:
    with schema_of(postgres, schema) as db:
        yield db


@pytest.fixture
def live(postgres: EmbeddedPostgres, schema: str) -> Iterator[Database]:
    with schema_of(postgres, f"{schema}_live") as db:
        yield db


def test_a_schema_takes_the_accounts_of_its_own_mode_only(paper: Database, live: Database) -> None:
    for db, own, other in ((paper, "paper", "live"), (live, "live", "paper")):
        assert schema_mode(db) == own
        open_account(db, replace(ACCOUNT, mode=own))
        with pytest.raises((Inconsistent, psycopg.errors.ForeignKeyViolation)):
            open_account(db, replace(ACCOUNT, account_id="0002aaaaaaaa", mode=other))
        with pytest.raises((Inconsistent, psycopg.errors.ForeignKeyViolation)):
            db.connection.execute(b"update account set mode = %(mode)s", {"mode": other})


def test_not_even_the_owner_turns_a_schema_into_the_other_kind(postgres: EmbeddedPostgres, schema: str) -> None:
    with schema_of(postgres, f"{schema}_live", Role.OWNER) as db:
        for command in (
            b"update schema_mode set mode = 'paper'",
            b"delete from schema_mode",
            b"truncate schema_mode cascade",
            b"insert into schema_mode (mode) values ('paper')",
            b"insert into schema_mode (only_row, mode) values (false, 'paper')",
        ):
            with pytest.raises(psycopg.errors.IntegrityError):
                db.connection.execute(command)
        assert schema_mode(db) is Mode.LIVE


def test_a_connection_for_paper_sees_no_live_row_and_the_other_way_round(paper: Database, live: Database) -> None:
    open_account(live, replace(ACCOUNT, mode="live"))
    assert find_account(paper, ACCOUNT.account_id) is None
    path = paper.connection.execute(b"select current_schemas(false) as path").fetchone()
    assert path is not None
    assert path.path == [paper.settings.schema]


def test_a_renamed_schema_does_not_pass_for_the_other_kind(
    postgres: EmbeddedPostgres, live: Database, schema: str
) -> None:
    with pytest.raises(Inconsistent, match="holds live rows, not paper ones"):
        require_mode(live, Mode.PAPER)
    require_mode(live, Mode.LIVE)
    drop(postgres, "paper")
    rename(postgres, f"{schema}_live", "paper")
    try:
        store = Store(conninfo=postgres.conninfo, location="", embedded=True)
        with pytest.raises(Inconsistent, match="holds live rows"), store.open(Role.READER):
            pass
    finally:
        rename(postgres, "paper", f"{schema}_live")


def rename(postgres: EmbeddedPostgres, before: str, after: str) -> None:
    with Database.connect(postgres.conninfo, role=Role.OWNER) as owner:
        owner.connection.execute(b"reset role")
        owner.connection.execute(f"alter schema {before} rename to {after}".encode())


def drop(postgres: EmbeddedPostgres, schema: str) -> None:
    with Database.connect(postgres.conninfo, role=Role.OWNER) as owner:
        owner.connection.execute(b"reset role")
        owner.connection.execute(f"drop schema if exists {schema} cascade".encode())


def test_both_schemas_are_the_same_in_the_eyes_of_validate(paper: Database, live: Database) -> None:
    assert validate(paper) == validate(live) == ()


def test_the_mode_chooses_the_schema_in_one_place(postgres: EmbeddedPostgres) -> None:
    assert {mode: mode.settings for mode in Mode} == {
        Mode.PAPER: StoreSettings(schema="paper"),
        Mode.LIVE: StoreSettings(schema="live"),
    }
    store = Store(conninfo=postgres.conninfo, location="", embedded=True, prepare=True)
    with store.of(Mode.LIVE).open(Role.WRITER) as db:
        assert (db.settings.schema, schema_mode(db)) == ("live", Mode.LIVE)
    drop(postgres, "live")


def test_evidence_is_found_newest_first_and_cannot_be_changed(paper: Database) -> None:
    one = Evidence(kind="rehearsal", subject=SUBJECT, verdict=Verdict.PASS, detail={"seeds": 20}, taken_at=NOW)
    two = replace(one, verdict=Verdict.FAIL, taken_at=NOW.replace(hour=11))
    other = replace(one, subject="b" * 64, taken_at=NOW.replace(hour=13))
    for each in (one, two, other):
        put_evidence(paper, each)
    assert evidence_of(paper, "rehearsal", SUBJECT) == (one, two)
    assert newest_evidence(paper, "rehearsal") == other
    assert newest_evidence(paper, "backup") is None
    for command in (b"update evidence set verdict = 'PASS'", b"delete from evidence"):
        with pytest.raises(psycopg.errors.Error):
            paper.connection.execute(command)
