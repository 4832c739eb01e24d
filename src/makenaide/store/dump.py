"""A whole schema as a file, and back: PostgreSQL's own dump, and what has to be equal after it was restored.

    with snapshot(db) as name:                    # one moment, which the dump sees too
        before = contents(db)
        dump(conninfo, before.schema, name, file, 600)
    restore(scratch, file, 600)
    differences(before, contents(restored))       # nothing

No password is on a command line: the address names a file that holds it.
"""

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from makenaide.domain.errors import DiskFull, Halted, Inconsistent, Unavailable
from makenaide.domain.money import plain
from makenaide.store.binaries import resolve
from makenaide.store.chain import ChainHead, broken_links
from makenaide.store.db import Database, Role, StoreSettings
from makenaide.store.faults import named_faults
from makenaide.store.migrate import ensure_roles

_LONG = 86_400.0
"""Seconds that a snapshot may wait for its dump, and a count of the largest table may take."""
_COUNT = "select count(*) as many from {table}"
_DROP = "drop schema if exists {schema} cascade"
_NO_SPACE = "No space left on device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a schema holds at one moment: `version` of the schema, rows by table, sums of postings by "account book
    currency" as decimal text, and the heads of the hash chains by account ("" = the installation) and table.
    """

    schema: str
    version: int
    counts: Mapping[str, int]
    balances: Mapping[str, str]
    heads: Mapping[str, Mapping[str, ChainHead]]


def patient(settings: StoreSettings) -> StoreSettings:
    """`settings` for a connection that waits while a dump is made."""
    return replace(settings, idle_timeout=_LONG, statement_timeout=_LONG)


@contextmanager
def snapshot(db: Database) -> Iterator[str]:
    """One moment, seen by this connection until the block ends, and by whoever is given the name."""
    with db.snapshot():
        row = db.row("backup_snapshot")
        assert row is not None  # noqa: S101 - a select without a table
        yield row.name


def contents(db: Database) -> Contents:
    """What the connection's schema holds; in one moment only within a snapshot."""
    counts = {}
    for table in db.rows("backup_tables"):
        with named_faults(db.name):
            query = sql.SQL(_COUNT).format(table=sql.Identifier(db.settings.schema, table.name))
            row = db.connection.execute(query).fetchone()
        counts[table.name] = 0 if row is None else int(row.many)
    version = db.row("backup_version")
    return Contents(
        schema=db.settings.schema,
        version=0 if version is None else version.version,
        counts=counts,
        balances={
            f"{row.account_id} {row.book} {row.currency}": plain(row.amount) for row in db.rows("backup_balances")
        },
        heads=all_heads(db),
    )


def all_heads(db: Database) -> dict[str, dict[str, ChainHead]]:
    """The heads of the chains of all accounts, by account ("" = the installation) and table."""
    heads: dict[str, dict[str, ChainHead]] = {}
    for row in db.rows("backup_heads"):
        heads.setdefault(row.account_id, {})[row.chain] = ChainHead(number=row.number, hash=row.hash.hex())
    return heads


def dump(conninfo: str, schema: str, moment: str, file: Path, seconds: float) -> None:
    """Write `schema` as the snapshot `moment` sees it to `file`, compressed, for its owner's eyes only, durably.

    `DiskFull`; `Unavailable` with the last words of pg_dump, or when it took longer than `seconds`.
    """
    with _reached(conninfo, file.parent) as (address, more):
        _run(
            ["pg_dump", "--format=custom", "--compress=6", "--schema", schema, "--snapshot", moment],
            ["--file", str(file), "--no-password", "--dbname", address],
            (more, seconds),
        )


def restore(conninfo: str, file: Path, seconds: float) -> None:
    """Put `file` into the database that `conninfo` leads to, as its superuser; roles are made first. All or nothing:
    its schema must not be there yet.

    `Inconsistent` when it cannot be restored whole; `DiskFull`; `Unavailable` after `seconds`.
    """
    with Database.connect(conninfo, role=Role.OWNER) as db, db.transaction():
        ensure_roles(db)
    with _reached(conninfo, file.parent) as (address, more):
        try:
            _run(
                ["pg_restore", "--single-transaction", "--exit-on-error", "--no-password", "--dbname", address],
                [str(file)],
                (more, seconds),
            )
        except (DiskFull, _TooLong):
            raise
        except Unavailable as cause:
            raise Inconsistent(f"{file.name}: cannot be restored: {cause}") from cause


def require_vacant(db: Database) -> None:
    """`Halted` when the connection's schema holds an account, or tables that are not ours."""
    schema = db.settings.schema
    found = db.row("backup_schema", schema=schema)
    if found is None or not found.tables:
        return
    if not found.ours:
        raise Halted(f"{db.name}: the schema {schema} holds tables that are not Makenaide's")
    row = db.row("backup_accounts")
    if row is None or row.many:
        many = 0 if row is None else row.many
        raise Halted(f"{db.name}: the schema {schema} holds accounts ({many}): nothing is restored over them")


def vacate(db: Database) -> None:
    """Drop the connection's schema, which must hold no account: `Halted` when it does."""
    with db.transaction():
        require_vacant(db)
        drop(db)


def drop(db: Database) -> None:
    """Drop the connection's schema with all that it holds; the owner's role is needed."""
    with named_faults(db.name):
        db.connection.execute(sql.SQL(_DROP).format(schema=sql.Identifier(db.settings.schema)))


def differences(before: Contents, after: Contents) -> tuple[str, ...]:
    """What `after` has that `before` has not, or the other way round, in words; nothing when they are equal."""
    found = []
    if before.version != after.version:
        found.append(f"schema {after.version} instead of {before.version}")
    found += _unlike("rows of", before.counts, after.counts)
    found += _unlike("balance of", before.balances, after.balances)
    for account in sorted(before.heads.keys() | after.heads.keys()):
        whose = f"{account or 'the installation'}'s chain"
        found += _unlike(whose, before.heads.get(account, {}), after.heads.get(account, {}))
    return tuple(found)


def broken_chains(db: Database, heads: Mapping[str, Mapping[str, ChainHead]]) -> tuple[str, ...]:
    """The first broken link of every chain of every account in `heads`, which must be links themselves."""
    return tuple(
        f"{account or 'the installation'}: {flaw}"
        for account, chains in sorted(heads.items())
        for flaw in broken_links(db, account, chains)
    )


def _unlike(what: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"{what} {name}: {after.get(name, 'none')} instead of {before.get(name, 'none')}"


@contextmanager
def _reached(conninfo: str, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """`conninfo` without its password, and the variable that names the file which holds it until the block ends."""
    parts = {name: value for name, value in conninfo_to_dict(conninfo).items() if value is not None}
    password = parts.pop("password", None)
    if password is None:
        yield make_conninfo("", **parts), {}
        return
    parts.pop("passfile", None)
    word = folder / f".{secrets.token_hex(8)}.pgpass"
    escaped = str(password).replace("\\", "\\\\").replace(":", "\\:")
    try:
        with os.fdopen(os.open(word, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"*:*:*:*:{escaped}\n")
        yield make_conninfo("", **parts), {"PGPASSFILE": str(word)}
    finally:
        word.unlink(missing_ok=True)


def _run(command: Sequence[str], more: Sequence[str], about: tuple[Mapping[str, str], float]) -> None:
    """Run one of PostgreSQL's own programs for so many seconds at most."""
    variables, seconds = about
    program = command[0]
    try:
        done = subprocess.run(
            [str(resolve().program(program)), *command[1:], *more],
            env={**os.environ, "LC_ALL": "C", "PGTZ": "UTC", **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=max(1.0, seconds),
            umask=0o077,
        )
    except subprocess.TimeoutExpired:
        raise _TooLong(f"{program} has not ended after {seconds:.0f} s") from None
    if done.returncode == 0:
        return
    words = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    told = f"{program} failed: {words[0] if words else 'it said nothing'}"
    raise DiskFull(told) if _NO_SPACE in done.stderr else Unavailable(told)


class _TooLong(Unavailable):
    """A program of PostgreSQL takes longer than it may."""
