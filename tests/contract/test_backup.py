"""Backups on a real server: taken in one moment, restored to prove it, and nothing that is half one ever counts."""

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from makenaide.domain.errors import DiskFull, Inconsistent, Unavailable
from makenaide.execution.disk import Disk
from makenaide.ops import backup
from makenaide.ops.backup import KEPT, Kept, Manifest, Shelf, Source, expired, newest
from makenaide.store import dump as dumping
from makenaide.store.binaries import Binaries
from makenaide.store.db import Database, Role, StoreSettings
from makenaide.store.dump import contents, differences, dump, patient, restore, snapshot
from makenaide.store.embedded import EmbeddedPostgres
from makenaide.store.scratch import scratch
from tests.contract.charts import ETH
from tests.contract.conftest import Connect, dead
from tests.contract.test_store_chain import as_superuser, deposit
from tests.contract.trading import Trader

AT = datetime(2026, 11, 28, 18, 30, 0, 123456, tzinfo=UTC)
NAME = "20261128T183000123Z"
Program = Callable[..., None]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty folder of backups."""
    return Shelf(folder=tmp_path / "backups", files=Disk())


@pytest.fixture
def source(postgres: EmbeddedPostgres, schema: str, trader: Trader) -> Source:
    """A schema in which something was bought."""
    trader.buy(ETH, "0.1")
    return Source(
        conninfo=postgres.conninfo,
        settings=StoreSettings(schema=schema),
        account_id=trader.account.account_id,
        program="0.1.0",
    )


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts a script in the place of one of PostgreSQL's programs."""

    def put(name: str, script: str) -> None:
        folder = tmp_path / "programs"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        fake = Binaries(folder=folder, version="18.6", root=folder)
        monkeypatch.setattr(dumping, "resolve", lambda: fake)

    return put


def files(shelf: Shelf) -> list[str]:
    """What is in the folder, but for the lock."""
    return sorted(file.name for file in shelf.folder.iterdir() if file.name != "lock")


def test_a_backup_is_whole_private_restored_and_compared(shelf: Shelf, source: Source) -> None:
    taken = shelf.take(source, AT, 60)
    assert taken.name == f"{NAME}-{source.settings.schema}"
    assert taken.verified_at is None
    assert taken.contents.counts["fill"] > 0
    assert taken.contents.balances[f"{source.account_id} assets ETH"].startswith("0.1")
    assert set(taken.heads) >= {"posting", "fill", "orders", "stop"}
    assert files(shelf) == [f"{taken.name}.dump", f"{taken.name}.json"]
    dumped = shelf.dump_of(taken.name)
    assert dumped.read_bytes()[:5] == b"PGDMP", "the custom format, which is compressed"
    assert {stat.S_IMODE(file.stat().st_mode) for file in shelf.folder.glob(f"{NAME}*")} == {0o600}

    verified = shelf.verify(taken, AT + timedelta(minutes=1), 60)
    assert verified == msgspec.structs.replace(taken, verified_at=AT + timedelta(minutes=1))
    assert shelf.all() == (verified,)
    assert shelf.looked_through() == (Kept(manifest=verified, intact=True),)
    assert files(shelf) == [f"{taken.name}.dump", f"{taken.name}.json", f"{taken.name}.seen"], "no scratch is left"


def test_a_backup_is_of_one_moment_whatever_is_written_meanwhile(
    tmp_path: Path, source: Source, connect: Connect, trader: Trader
) -> None:
    reader = Database.connect(source.conninfo, role=Role.READER, settings=patient(source.settings))
    with reader, snapshot(reader) as moment:
        before = contents(reader)
        deposit(connect(Role.WRITER), "meanwhile", trader.account.account_id)
        dump(source.conninfo, source.settings.schema, moment, tmp_path / "one.dump", 60)
        assert contents(reader) == before
    with Database.connect(source.conninfo, role=Role.READER, settings=source.settings) as now:
        told = differences(before, contents(now))
        assert f"rows of posting: {before.counts['posting'] + 2} instead of {before.counts['posting']}" in told
    with scratch(tmp_path / "scratch") as copies:
        restore(copies.server, tmp_path / "one.dump", 60)
        with Database.connect(copies.server, role=Role.READER, settings=source.settings) as restored:
            assert differences(before, contents(restored)) == ()


def spoil(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def test_a_file_that_was_changed_is_no_backup(shelf: Shelf, source: Source) -> None:
    taken = shelf.take(source, AT, 60)
    file = shelf.dump_of(taken.name)
    whole = file.read_bytes()
    spoil(file, whole[:-100] + b"\0" * 100)
    assert [each.intact for each in shelf.looked_through()] == [False]
    with pytest.raises(Inconsistent, match="its bytes are not those that were written"):
        shelf.verify(taken, AT, 60)
    file.unlink()
    assert [each.intact for each in shelf.looked_through()] == [False]
    with pytest.raises(Inconsistent, match="its bytes"):
        shelf.verify(taken, AT, 60)

    half = whole[: len(whole) // 2]  # and whoever broke it made the manifest fit
    spoil(file, half)
    forged = msgspec.structs.replace(taken, sha256=backup.checksum(file), size=len(half))
    with pytest.raises(Inconsistent, match="cannot be restored: pg_restore failed"):
        shelf.verify(forged, AT, 60)
    assert shelf.all() == (taken,), "nothing of this is verified"
    assert not list(shelf.folder.glob("scratch-*"))


def test_every_difference_is_named(shelf: Shelf, source: Source) -> None:
    taken = shelf.take(source, AT, 60)
    held = taken.contents
    key = f"{source.account_id} assets KRW"
    other = replace(
        held,
        counts={**held.counts, "fill": held.counts["fill"] + 1, "gone": 3},
        balances={**held.balances, key: "1"},
        heads={
            "": {},
            source.account_id: {**held.heads[source.account_id], "fill": held.heads[source.account_id]["stop"]},
        },
    )
    with pytest.raises(Inconsistent) as told:
        shelf.verify(msgspec.structs.replace(taken, contents=other), AT, 60)
    words = str(told.value)
    assert f"rows of fill: {held.counts['fill']} instead of {held.counts['fill'] + 1}" in words
    assert "rows of gone: none instead of 3" in words
    assert f"balance of {key}: {held.balances[key]} instead of 1" in words
    assert f"{source.account_id}'s chain fill" in words
    assert "the remembered link" in words
    assert shelf.all()[0].verified_at is None


def test_books_whose_chain_was_broken_are_saved_and_never_verified(
    shelf: Shelf, source: Source, connect: Connect
) -> None:
    as_superuser(connect, "update posting set amount = amount * 2 where currency = 'ETH'")
    taken = shelf.take(source, AT, 60)
    with pytest.raises(Inconsistent, match=r"chain posting: link \d+ is altered"):
        shelf.verify(taken, AT, 60)
    assert shelf.all()[0].verified_at is None


@pytest.mark.parametrize(
    "case",
    [
        ("echo 'pg_dump: error: No space left on device' >&2; touch $PART; exit 1", DiskFull, "No space left"),
        (
            "echo 'pg_dump: error: out of luck' >&2; exit 1",
            Unavailable,
            "pg_dump failed: pg_dump: error: out of luck",
        ),
        ("exit 3", Unavailable, "it said nothing"),
        ("sleep 30", Unavailable, "has not ended"),
    ],
)
def test_a_dump_that_breaks_off_leaves_nothing_behind(
    shelf: Shelf, source: Source, program: Program, case: tuple[str, type[Exception], str]
) -> None:
    script, fault, word = case
    program("pg_dump", script.replace("$PART", str(shelf.folder / f"{NAME}-{source.settings.schema}.dump.part")))
    with pytest.raises(fault, match=word):
        shelf.take(source, AT, 0)
    assert files(shelf) == []
    assert shelf.all() == ()


class Full(Disk):
    """A disk that takes no manifest."""

    def replace(self, path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_dump_without_its_manifest_is_none(shelf: Shelf, source: Source) -> None:
    with pytest.raises(DiskFull):
        replace(shelf, files=Full()).take(source, AT, 60)
    assert files(shelf) == []


def test_what_was_left_by_the_killed_is_taken_away(shelf: Shelf, source: Source) -> None:
    shelf.folder.mkdir()
    for name in (f"{NAME}-paper.dump", f"{NAME}-paper.dump.part", ".0011.pgpass"):
        (shelf.folder / name).write_text("half")
    left = shelf.folder / "scratch-4000000-123.ab-00ff"
    server = EmbeddedPostgres(left).start()
    pid, location = server.pid, server.location
    for claim in (left / "postgres-users").iterdir():
        claim.unlink()  # its user was killed
    taken = shelf.take(source, AT, 60)
    assert dead(pid)
    assert not location.exists()
    assert files(shelf) == [f"{taken.name}.dump", f"{taken.name}.json"]


def test_bytes_are_read_again_only_when_the_file_was_touched(
    shelf: Shelf, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = shelf.take(source, AT, 60)
    read: list[Path] = []
    real = backup.checksum

    def counted(file: Path) -> str:
        read.append(file)
        return real(file)

    monkeypatch.setattr(backup, "checksum", counted)
    file = shelf.dump_of(taken.name)
    for _ in range(3):
        assert shelf.looked_through()[0].intact
    assert read == [file]
    about = file.stat()
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    assert shelf.looked_through()[0].intact
    assert read == [file, file]
    (shelf.folder / f"{taken.name}.seen").write_bytes(b"\xff")
    assert shelf.looked_through()[0].intact
    assert len(read) == 3
    (shelf.folder / f"{taken.name}.json").write_bytes(b"{")
    assert shelf.looked_through() == (), "a manifest that cannot be read is no backup"


def test_no_password_is_on_a_command_line(tmp_path: Path, program: Program) -> None:
    told = tmp_path / "told"
    program("pg_dump", f'echo "$@" >{told}; cat "$PGPASSFILE" >>{told}; stat -c %a "$PGPASSFILE" >>{told}')
    login = ":".join(["me", "ge", "he\\im"])
    dump(f"postgresql://{login}@db.invalid:5433/books?sslmode=require", "paper", "1-2", tmp_path / "x.dump", 5)
    command, word, rights = told.read_text().splitlines()
    assert "ge:he" not in command
    assert "host=db.invalid" in command
    assert "sslmode=require" in command
    assert "--snapshot 1-2" in command
    assert "--schema paper" in command
    assert word == r"*:*:*:*:ge\:he\\im"
    assert rights == "600"
    assert not list(tmp_path.glob(".*.pgpass")), "and the file is gone"


def manifest(number: int, *, mode: str = "paper", verified: bool = True) -> Manifest:
    """The n-th backup, newest first."""
    at = AT - timedelta(days=number)
    empty = dumping.Contents(schema=mode, version=6, counts={}, balances={}, heads={})
    return Manifest(
        name=f"{mode}-{number:02}",
        mode=mode,
        account_id="",
        program="0.1.0",
        taken_at=at,
        size=1,
        sha256="",
        heads={},
        contents=empty,
        verified_at=at if verified else None,
    )


def test_the_newest_are_kept_and_the_last_verified_always() -> None:
    assert expired([manifest(n) for n in range(KEPT)]) == ()
    assert expired([manifest(n) for n in range(KEPT + 2)]) == ("paper-14", "paper-15")
    unproven = [manifest(n, verified=n == 20) for n in range(22)]
    assert expired(unproven) == tuple(f"paper-{n}" for n in (14, 15, 16, 17, 18, 19, 21))
    both = [*(manifest(n) for n in range(15)), *(manifest(n, mode="live") for n in range(15))]
    assert expired(both) == ("live-14", "paper-14")


def test_the_newest_of_each_kind_speaks() -> None:
    kept = [Kept(manifest=manifest(n, mode=mode), intact=True) for n in range(2) for mode in ("live", "paper")]
    assert [each.manifest.name for each in newest(kept)] == ["live-00", "paper-00"]


def test_pruning_deletes_what_has_expired(shelf: Shelf) -> None:
    shelf.folder.mkdir()
    for number in range(KEPT + 1):
        one = manifest(number)
        (shelf.folder / f"{one.name}.json").write_bytes(msgspec.json.encode(one))
        shelf.dump_of(one.name).write_bytes(b"x")
    assert shelf.prune() == ("paper-14",)
    assert len(files(shelf)) == 2 * KEPT
