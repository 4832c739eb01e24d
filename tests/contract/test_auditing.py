"""The audit trail: who did what, as one timeline; what is altered or cut off is found; what people do is noted."""
# ruff: noqa: S608 - every statement is a text of these tests

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from makenaide.app.auditing import note_action, note_configuration
from makenaide.app.halted import keep_throw
from makenaide.app.noting import FOLDER, keep_action, note_kept, note_somewhere
from makenaide.app.person import person as me
from makenaide.app.remembering import broken_chains, require_whole
from makenaide.cli.auditing import parse_links
from makenaide.cli.halt import lift_halt, set_halt
from makenaide.cli.wishing import make
from makenaide.domain.errors import Inconsistent, Misconfigured
from makenaide.environment import Environment, load
from makenaide.execution.halt import Halt, note_halt
from makenaide.store.audit import Entry, Link, Sought, broken, heads_of, holder, owners, trail
from makenaide.store.chain import ChainHead, chain_heads, named_heads
from makenaide.store.db import Database
from makenaide.store.jobs import claim_job, finish_job
from makenaide.store.outbox import Message, Urgency, put_message
from makenaide.store.runs import AuditEntry, put_audit
from tests.contract.charts import ETH, FIRST, XRP
from tests.contract.conftest import Connect
from tests.contract.trading import Trader

AT = datetime(2026, 1, 5, tzinfo=UTC)


def put(db: Database, action: str, *, account: str | None = None, actor: str = "person kim", **more: Any) -> None:
    """One audit row, `more` minutes after AT."""
    at = AT + timedelta(minutes=more.pop("minutes", 0))
    put_audit(db, AuditEntry(account_id=account, at=at, actor=actor, action=action, detail=more))


def actions(entries: list[Entry]) -> list[str]:
    """What was done, in its order."""
    return [each.action for each in entries]


def as_owner(connect: Connect, table: str, command: str) -> None:
    """Run `command` as the schema's owner, who may switch a table's triggers off."""
    db = connect()
    with db.transaction():
        db.connection.execute(f"alter table {table} disable trigger user".encode())
        db.connection.execute(command.encode())
        db.connection.execute(f"alter table {table} enable trigger user".encode())


# ---- the timeline ----


def test_orders_stops_and_rows_of_the_trail_are_one_timeline_with_their_links(trader: Trader) -> None:
    key = trader.account.account_id
    trader.buy(XRP, "100")
    put(trader.db, "halt.set", minutes=-60)
    found = list(trail(trader.db, Sought(account_id=key)))
    assert [each.at for each in found] == sorted(each.at for each in found)
    assert {"order.committed", "order.accepted", "stop.set", "halt.set"} <= set(actions(found))
    committed = next(each for each in found if each.action == "order.committed")
    assert (committed.account_id, committed.actor) == (key, "trader")
    assert {name: committed.detail[name] for name in ("market", "side", "state", "volume")} == {
        "market": "KRW-XRP",
        "side": "bid",
        "state": "planned",
        "volume": "100",
    }
    links = {each.action: each.link for each in found}
    assert links["order.committed"] == Link(chain="order_event", number=1)
    assert links["stop.set"] == Link(chain="stop", number=1)
    assert links["halt.set"] == Link(chain="audit", number=1)


def test_a_job_is_in_the_trail_once_it_is_at_its_end(trader: Trader) -> None:
    key = trader.account.account_id
    claim = claim_job(trader.db, (key, "morning", AT), "steward", AT, timedelta(minutes=5))
    assert claim is not None
    assert list(trail(trader.db, Sought(action="job"))) == []
    finish_job(trader.db, claim, AT + timedelta(seconds=3), "done", {"verdict": "WARN"})
    (entry,) = trail(trader.db, Sought(action="job"))
    assert (entry.action, entry.actor, entry.link) == ("job.done", "schedule", None)
    assert (entry.detail["job"], entry.detail["verdict"]) == ("morning", "WARN")


@pytest.mark.parametrize(
    ("sought", "expected"),
    [
        (Sought(), ["a.one", "a.two", "b", "ab"]),
        (Sought(since=AT + timedelta(minutes=2)), ["b", "ab"]),
        (Sought(until=AT + timedelta(minutes=2)), ["a.one", "a.two"]),
        (Sought(actor="person"), ["a.one", "b"]),
        (Sought(actor="KIM"), ["a.one"]),
        (Sought(actor="person lee"), ["b"]),
        (Sought(actor="per"), []),
        (Sought(actor="%"), []),
        (Sought(action="a"), ["a.one", "a.two"]),
        (Sought(action="a.two"), ["a.two"]),
        (Sought(action="a.%"), []),
        (Sought(account_id="0001aaaaaaaa"), ["a.one", "a.two", "b"]),
        (Sought(account_id="0002bbbbbbbb"), ["a.one", "b", "ab"]),
    ],
)
def test_the_trail_is_narrowed_by_time_actor_action_and_account(
    trader: Trader, sought: Sought, expected: list[str]
) -> None:
    db, key, other = trader.db, trader.account.account_id, "0002bbbbbbbb"
    db.connection.execute(
        b"insert into account (account_id, venue, mode, feed, installation, identity, settings)"
        b" values ('0002bbbbbbbb', 'simulator', 'paper', 'x', '0002', '{}', '{}')"
    )
    put(db, "a.one", minutes=0)
    put(db, "a.two", minutes=1, account=key, actor="trader")
    put(db, "b", minutes=2, actor="person lee")
    put(db, "ab", minutes=3, account=other, actor="guard")
    assert actions(list(trail(db, sought))) == expected


def test_the_newest_entries_come_last_and_any_number_of_them_fits(journal: Database) -> None:
    for number in range(1200):
        put(journal, "x", minutes=number, number=number)
    assert [each.detail["number"] for each in trail(journal, Sought())] == list(range(1200))
    assert [each.detail["number"] for each in trail(journal, Sought(), newest=2)] == [1198, 1199]
    with journal.snapshot():
        assert len(list(trail(journal, Sought(since=AT + timedelta(minutes=1190))))) == 10


# ---- the chains ----


def test_a_row_that_its_owner_alters_is_found_by_its_number(trader: Trader, connect: Connect) -> None:
    for number in range(3):
        put(trader.db, "halt.set", number=number)
        put(trader.db, "market.pause", account=trader.account.account_id, number=number)
    assert broken(trader.db) == ()
    as_owner(connect, "audit", "update audit set actor = 'nobody' where account_id is null and chain_number = 2")
    assert broken(trader.db) == ("the installation: chain audit: link 2 is altered",)
    as_owner(connect, "audit", "update audit set detail = '{}' where action = 'market.pause'")
    first = broken(trader.db)[1]
    assert first.startswith(f"account {trader.account.account_id}: chain audit: link ")


def manifest(home: Path, told: object, name: str = "20260105T000000.json", **more: object) -> None:
    """A backup's manifest with heads."""
    (home / "backups").mkdir(parents=True, exist_ok=True)
    content = {"mode": "paper", "heads": told, **more}
    (home / "backups" / name).write_text(json.dumps(content), encoding="utf-8")


def message(db: Database, account: str, told: object, key: str = "morning") -> None:
    """A message that carried heads away."""
    about = Message(
        key=key, account_id=account, at=AT, urgency=Urgency.INFO, title="t", body="b", detail={"heads": told}
    )
    assert put_message(db, about)


Carry = Callable[[Database, Path, str, object], None]
CARRIERS: dict[str, Carry] = {
    "backups/20260105T000000.json": lambda _db, home, key, told: manifest(home, told, account_id=key),
    "message morning": lambda db, _home, key, told: message(db, key, told),
}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_an_end_that_was_cut_off_with_its_head_shows_against_what_was_carried_away(
    trader: Trader, connect: Connect, tmp_path: Path, carrier: str
) -> None:
    key = trader.account.account_id
    put(trader.db, "halt.set")
    put(trader.db, "market.pause", account=key)
    told = heads(trader.db, key)
    assert {"audit", "installation.audit", "posting"} <= told.keys()
    CARRIERS[carrier](trader.db, tmp_path, key, told)
    assert broken_chains(trader.db, tmp_path) == ()
    put(trader.db, "market.resume", account=key)
    assert broken_chains(trader.db, tmp_path) == (), "an older head is still a link"
    last = told["audit"]["number"]
    as_owner(connect, "audit", f"delete from audit where account_id = '{key}' and chain_number >= {last}")
    as_owner(connect, "chain_head", f"delete from chain_head where chain = 'audit' and account_id = '{key}'")
    before = f"account {key}: chain audit: "
    assert f"{before}the remembered link {last} is gone ({carrier})" in broken_chains(trader.db, tmp_path)


def test_a_chain_that_was_made_again_is_another_than_the_remembered_one(
    trader: Trader, connect: Connect, tmp_path: Path
) -> None:
    put(trader.db, "halt.set")
    manifest(tmp_path, heads(trader.db, trader.account.account_id), account_id=trader.account.account_id)
    as_owner(connect, "audit", "delete from audit where account_id is null")
    as_owner(connect, "chain_head", "delete from chain_head where chain = 'audit' and account_id = ''")
    put(trader.db, "halt.set", reason="another")
    assert broken(trader.db) == (), "the chain alone looks whole"
    assert broken_chains(trader.db, tmp_path) == (
        "the installation: chain audit: the remembered link 1 is another (backups/20260105T000000.json)",
    )


def held(db: Database, link: str) -> tuple[str | None, str]:
    """What is found of a head that a person types."""
    return holder(db, *parse_links([link]))


def test_a_head_that_a_person_holds_is_a_link_gone_or_another(trader: Trader, connect: Connect) -> None:
    key = trader.account.account_id
    put(trader.db, "halt.set")
    put(trader.db, "market.pause", account=key)
    told = heads_of(trader.db)
    mine, shared = told[key]["audit"], told[""]["audit"]
    put(trader.db, "market.resume", account=key)
    old = f"audit {mine.number} {mine.hash[:12]}"
    assert held(trader.db, old) == (key, ""), "an old head is a link still"
    assert held(trader.db, f"audit {mine.number} {mine.hash.upper()}") == (key, "")
    assert held(trader.db, f"installation.audit 1 {shared.hash[:16]}") == ("", "")
    before = f"account {key}: chain audit: the remembered link"
    assert held(trader.db, f"audit {mine.number} {shared.hash}") == (None, f"{before} {mine.number} is another")
    assert held(trader.db, f"audit 999 {mine.hash}") == (None, f"{before} 999 is gone")
    assert held(trader.db, f"installation.audit 1 {mine.hash}")[1].endswith("the remembered link 1 is another")
    assert held(trader.db, f"nothing 1 {mine.hash}") == (None, "chain nothing: there is none")
    as_owner(connect, "audit", f"delete from audit where account_id = '{key}' and chain_number >= {mine.number}")
    assert held(trader.db, old) == (None, f"{before} {mine.number} is gone")


@pytest.mark.parametrize(
    ("told", "flaw"),
    [
        ({"audit": {"number": 1}}, "its heads cannot be read"),
        ({"audit": {"number": "1", "hash": "00" * 32}}, "its heads cannot be read"),
        ({"audit": {"number": 1, "hash": "zz" * 32}}, "its heads cannot be read"),
        ({"audit": {"number": 1, "hash": "00"}}, "its heads cannot be read"),
        ({"audit": 7}, "its heads cannot be read"),
        ({"audit; drop table audit": {"number": 1, "hash": "00" * 32}}, "there is none"),
        ({"posting": {"number": 10**9, "hash": "00" * 32}}, "the remembered link 1000000000 is gone"),
    ],
)
def test_heads_that_make_no_sense_are_told_and_run_nothing(
    trader: Trader, tmp_path: Path, told: object, flaw: str
) -> None:
    manifest(tmp_path, told, account_id=trader.account.account_id)
    (only,) = broken_chains(trader.db, tmp_path)
    assert flaw in only


def test_only_the_newest_manifest_of_these_rows_counts(trader: Trader, tmp_path: Path) -> None:
    bad = {"audit": {"number": 10**6, "hash": "00" * 32}}
    key = trader.account.account_id
    manifest(tmp_path, bad, "20260101T000000.json", account_id=key)
    manifest(tmp_path, bad, "20260104T000000.json", account_id=key, mode="live")
    manifest(tmp_path, heads(trader.db, key), "20260103T000000.json", account_id=key)
    (tmp_path / "backups" / "20260106T000000.json").write_text("{ torn", encoding="utf-8")
    assert broken_chains(trader.db, tmp_path) == ()
    manifest(tmp_path, bad, "20260107T000000.json", account_id="0009ffffffff")
    assert broken_chains(trader.db, tmp_path) == (
        "account 0009ffffffff: it is gone (backups/20260107T000000.json)",
    )


def test_the_newest_backup_speaks_of_every_account_that_it_holds(trader: Trader, tmp_path: Path) -> None:
    key = trader.account.account_id
    mine = {chain: head for chain, head in heads(trader.db, key).items() if "." not in chain}
    manifest(tmp_path, {}, account_id="", contents={"heads": {"": {}, key: mine}})
    assert broken_chains(trader.db, tmp_path) == ()
    assert require_whole(trader.db, tmp_path)["chains"] == len(mine)
    spoilt = mine | {"posting": {"number": 1, "hash": "00" * 32}}
    manifest(tmp_path, {}, account_id="", contents={"heads": {key: spoilt}})
    with pytest.raises(Inconsistent, match="chain posting: the remembered link 1 is another"):
        require_whole(trader.db, tmp_path)


def test_the_heads_are_by_owner(trader: Trader) -> None:
    put(trader.db, "halt.set")
    key = trader.account.account_id
    found = heads_of(trader.db)
    assert set(owners(trader.db)) == {"", key}
    assert list(found) == ["", key]
    assert found[""] == {"audit": ChainHead(number=1, hash=heads(trader.db, "")["installation.audit"]["hash"])}


# ---- the configuration ----


def environment(home: Path, **variables: str) -> Environment:
    """A data folder's environment."""
    return load({"MAKENAIDE_HOME": str(home), **variables})


def noted(db: Database) -> list[Entry]:
    """The rows about the configuration."""
    return list(trail(db, Sought(action="config")))


def test_a_changed_setting_is_noted_once_with_what_it_was_and_is(trader: Trader, tmp_path: Path) -> None:
    key = trader.account.account_id
    env = environment(tmp_path)
    assert note_configuration(trader.db, env, key, "trader")
    assert not note_configuration(trader.db, env, key, "trader")
    more = environment(tmp_path, MAKENAIDE_RISK__MAX_POSITIONS="5", MAKENAIDE_OPERATIONS__EVENING_AT="19:00")
    assert note_configuration(trader.db, more, key, "trader", AT)
    first, change = sorted(noted(trader.db), key=lambda each: each.action, reverse=True)
    assert (first.action, first.detail["changed"]) == ("config.first", {})
    assert first.detail["hashes"]["before"] is None
    assert (change.action, change.at, change.account_id) == ("config.change", AT, key)
    old = first.detail["tree"]["risk.max_positions"]
    assert change.detail["changed"] == {
        "operations.evening_at": {"old": "18:00", "new": "19:00"},
        "risk.max_positions": {"old": old, "new": 5},
    }
    assert change.detail["hashes"]["before"] == first.detail["hashes"]["after"]
    assert change.detail["tree"] == first.detail["tree"] | {
        "operations.evening_at": "19:00",
        "risk.max_positions": 5,
    }
    assert note_configuration(trader.db, env, key, "trader"), "back again is a change, too"
    assert note_configuration(trader.db, env, None, "steward"), "the installation's own is apart"


def test_another_code_is_a_change_without_a_changed_setting(
    journal: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = environment(tmp_path)
    assert note_configuration(journal, env, None, "trader")
    monkeypatch.setattr("makenaide.app.auditing.code_hash", lambda: "ab" * 32)
    assert note_configuration(journal, env, None, "trader")
    change = noted(journal)[-1]
    assert (change.action, change.detail["changed"]) == ("config.change", {})
    assert change.detail["hashes"]["after"]["code"] == "ab" * 32


def test_no_secret_is_in_what_is_noted(journal: Database, tmp_path: Path) -> None:
    secret = {"MAKENAIDE_UPBIT_ACCESS_KEY": "a" * 40, "MAKENAIDE_UPBIT_SECRET_KEY": "s" * 40}
    note_configuration(journal, environment(tmp_path, DATABASE_URL="postgresql://u:hush@h/d", **secret), None, "t")
    row = str(noted(journal)[0])
    assert [each for each in ("a" * 40, "s" * 40, "hush") if each in row] == []


# ---- what a person does ----


def test_an_action_is_noted_under_the_name_of_who_types(trader: Trader) -> None:
    key = trader.account.account_id
    note_action(trader.db, key, "backup.take", {"name": "[red]\x1b[2J"})
    note_action(trader.db, None, "db.init", {}, actor="steward")
    (mine,) = trail(trader.db, Sought(action="backup"))
    assert (mine.actor, mine.account_id, mine.detail) == (me(), key, {"name": "[red]\x1b[2J"})
    assert me().startswith("person")
    (its,) = trail(trader.db, Sought(action="db"))
    assert (its.actor, its.account_id) == ("steward", None)


def test_halts_and_wishes_name_who_wanted_them(trader: Trader) -> None:
    note_halt(trader.db, Halt(reason="x", by="kim", at=AT), AT, me())
    make(trader.db, trader.account, [("sell", ETH, {"positions": []})], FIRST)
    assert {each.action for each in trail(trader.db, Sought(actor=me()))} == {"wish.made", "halt.set"}


def heads(db: Database, account_id: str) -> dict[str, Any]:
    """What is carried away: by chain, with the installation's."""
    own = chain_heads(db, account_id) if account_id else {}
    named = named_heads(own, chain_heads(db, ""))
    return {chain: {"number": head.number, "hash": head.hash} for chain, head in named.items()}


def kept(home: Path) -> list[str]:
    """What waits for a database."""
    return sorted(each.name for each in (home / FOLDER).glob("*"))


def test_what_was_done_without_a_database_is_noted_once_later(trader: Trader, tmp_path: Path) -> None:
    key, gone = trader.account.account_id, environment(tmp_path, DATABASE_URL="postgresql://u@127.0.0.1:9/none")
    assert not note_somewhere(gone, tmp_path, key, "guard.end", {"accept_unguarded": True})
    assert not note_somewhere(None, tmp_path, "0009ffffffff", "guard.end", {})
    assert len(kept(tmp_path)) == 2
    before = datetime.now(UTC)
    note_configuration(trader.db, environment(tmp_path), key, "trader")
    (entry,) = trail(trader.db, Sought(action="guard.end"))
    assert (entry.actor, entry.account_id) == (me(), key)
    assert entry.at <= before
    assert entry.detail["accept_unguarded"] is True
    assert len(kept(tmp_path)) == 1, "another database's account"
    assert note_kept(trader.db, tmp_path) == 0


def kept_throw(home: Path, halt: Halt, minutes: int, *, was_set: bool) -> None:
    keep_throw(home, (halt, was_set), AT + timedelta(minutes=minutes), "person kim")


def halts(db: Database) -> list[tuple[str, str, bool]]:
    return [(each.action, each.actor, "late" in each.detail) for each in trail(db, Sought(action="halt"))]


def test_a_halt_set_and_lifted_while_there_is_no_database_is_in_the_trail_once(
    journal: Database, tmp_path: Path
) -> None:
    halt = Halt(reason="x", by="kim", at=AT)
    kept_throw(tmp_path, halt, 0, was_set=True)
    assert note_kept(journal, tmp_path) == 1
    assert not note_halt(journal, halt, AT + timedelta(minutes=1), "trader"), "the trail says so already"
    kept_throw(tmp_path, halt, 2, was_set=False)
    kept_throw(tmp_path, Halt(reason="y", by="kim", at=AT), 3, was_set=True)
    kept_throw(tmp_path, Halt(reason="y", by="kim", at=AT), 4, was_set=False)
    assert note_kept(journal, tmp_path) == 3
    assert not note_halt(journal, None, AT + timedelta(minutes=5), "trader")
    kim = [("halt.set", "person kim", False), ("halt.lift", "person kim", False)]
    assert halts(journal) == kim * 2


def test_a_kept_throw_that_the_trail_has_gone_past_does_not_tell_how_the_switch_stands(
    journal: Database, tmp_path: Path
) -> None:
    old, new = Halt(reason="old", by="kim", at=AT), Halt(reason="new", by="kim", at=AT)
    assert note_halt(journal, old, AT, "person kim")
    kept_throw(tmp_path, old, 1, was_set=False)
    kept_throw(tmp_path, new, 2, was_set=True)
    assert note_halt(journal, new, AT + timedelta(minutes=3), "trader"), "quicker than the kept ones"
    assert note_kept(journal, tmp_path) == 2
    assert not note_halt(journal, new, AT + timedelta(minutes=4), "trader")
    assert halts(journal) == [
        ("halt.set", "person kim", False),
        ("halt.lift", "person kim", True),
        ("halt.set", "person kim", True),
        ("halt.set", "trader", False),
    ]


@pytest.mark.parametrize("configured", [True, False])
def test_the_command_keeps_a_throw_that_no_database_takes(
    journal: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configured: bool
) -> None:
    monkeypatch.setenv("MAKENAIDE_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@127.0.0.1:9/none")
    monkeypatch.delenv("MAKENAIDE_UPBIT_ACCESS_KEY", raising=False)
    monkeypatch.delenv("MAKENAIDE_UPBIT_SECRET_KEY", raising=False)
    if not configured:
        (tmp_path / "makenaide.toml").write_text("no [ toml", encoding="utf-8")
    set_halt("enough", as_json=True)
    (tmp_path / "makenaide.toml").unlink(missing_ok=True)
    lift_halt(yes=True, as_json=True)
    lift_halt(yes=True, as_json=True)
    assert note_kept(journal, tmp_path) == 2, "lifting nothing is nothing"
    assert halts(journal) == [("halt.set", me(), False), ("halt.lift", me(), False)]


def test_a_crash_between_note_and_file_makes_no_second_row(trader: Trader, tmp_path: Path) -> None:
    key = trader.account.account_id
    keep_action(tmp_path, AuditEntry(account_id=key, at=AT, actor="person", action="guard.end", detail={}))
    (name,) = kept(tmp_path)
    content = (tmp_path / FOLDER / name).read_bytes()
    assert note_kept(trader.db, tmp_path) == 1
    (tmp_path / FOLDER / name).write_bytes(content)
    assert note_kept(trader.db, tmp_path) == 0
    assert len(list(trail(trader.db, Sought(action="guard.end")))) == 1
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[[[[", b"\xff", b'{"account_id": null, "at": "x", "actor": "", "action": ""}']
)
def test_a_kept_action_that_makes_no_sense_is_laid_aside_and_told(
    journal: Database, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "odd.json").write_bytes(content)
    assert note_kept(journal, tmp_path) == 1
    assert note_kept(journal, tmp_path) == 0
    (entry,) = trail(journal, Sought(action="audit.unreadable"))
    assert entry.detail["file"] == "odd.json"
    assert kept(tmp_path) == ["odd.unreadable"]


def test_a_folder_that_cannot_be_written_is_a_fault_for_whoever_keeps_and_none_for_who_only_notes(
    tmp_path: Path,
) -> None:
    (tmp_path / FOLDER).write_text("in the way", encoding="utf-8")
    entry = AuditEntry(account_id=None, at=AT, actor="person", action="x", detail={})
    with pytest.raises(Misconfigured):
        keep_action(tmp_path, replace(entry, action="y"))
    assert not note_somewhere(None, tmp_path, None, "x", {})
