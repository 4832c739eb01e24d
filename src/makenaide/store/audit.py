"""The audit trail to read: who did what and when, as one timeline, each entry with the link that proves it.

Findings and wishes are audit rows already (`alarm.books_differ`, `finding.end`, `wish.made`, `wish.sell`), written in
the transaction of what they tell of; orders, stops and jobs have tables of their own and are joined in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from makenaide.store.chain import ChainHead, broken_links, chain_heads
from makenaide.store.db import Database, Row
from makenaide.store.faults import named_faults
from makenaide.store.queries import packaged

INSTALLATION = ""
"""Whose chain an audit row is in that belongs to no account."""

_BATCH = 500
"""Rows that the reader holds at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A row's place in its chain: the chained table, and the number that the owner's chain gave it."""

    chain: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was done. `at` UTC, in the account's own time; `account_id` None = the whole installation.

    `link` None: the row is in no chain (a job's outcome).
    """

    at: datetime
    account_id: str | None
    actor: str
    action: str
    detail: Mapping[str, Any]
    link: Link | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which entries are meant; None = whatever it is.

    `since` is included, `until` is not. `account_id`: that account's and the installation's. `actor`: the whole name
    or one of its words ("person", "kim"); `action`: itself or its family ("order", "order.sent").
    """

    account_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    actor: str | None = None
    action: str | None = None


def trail(db: Database, sought: Sought, newest: int | None = None) -> Iterator[Entry]:
    """The entries that are `sought`, the newest last; only the `newest` ones, if that is given.

    They are fetched as they are read, in one transaction that lasts until the last: a trail of any length fits.
    """
    values = {
        "account_id": sought.account_id,
        "since": sought.since,
        "until": sought.until,
        "actor": sought.actor,
        "action": sought.action,
        "many": newest,
    }
    with named_faults(db.name), db.transaction(), db.connection.cursor(name="audit_trail") as cursor:
        cursor.itersize = _BATCH
        cursor.execute(packaged().get("audit_trail").sql, values)
        for row in cursor:
            yield _entry(row)


def _entry(row: Row) -> Entry:
    return Entry(
        at=row.at,
        account_id=row.account_id,
        actor=row.actor,
        action=row.action,
        detail=row.detail,
        link=None if row.chain is None else Link(chain=row.chain, number=row.number),
    )


# ---- what was noted last of the configuration ----


def lock_trail(db: Database, account_id: str | None) -> None:
    """Until the transaction ends nobody else adds to the chains of the account (None: of the installation)."""
    db.row("audit_lock", account_id=account_id)


def noted_configuration(db: Database, account_id: str | None) -> Mapping[str, Any] | None:
    """The detail of the newest `config.first` or `config.change` row; None before the first."""
    row = db.row("audit_configuration", account_id=account_id)
    return None if row is None else row.detail


def is_kept(db: Database, name: str) -> bool:
    """Whether an action that was kept as the file `name` while there was no database has its row."""
    return db.row("audit_kept", kept=name) is not None


# ---- the chains ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The head of a chain as it was carried away: `where` says by what; `owner` is an account, or "" ."""

    where: str
    owner: str
    chain: str
    head: ChainHead


def owners(db: Database) -> tuple[str, ...]:
    """Whose chains there are: the installation's ("") and every account's."""
    return tuple(row.account_id for row in db.rows("audit_owners"))


def told_heads(db: Database) -> tuple[tuple[str, str, Mapping[str, Any]], ...]:
    """Of each account the newest message that carried heads away: the account, the message's key, the heads."""
    return tuple((row.account_id, row.key, row.heads) for row in db.rows("audit_told"))


def heads_of(db: Database) -> dict[str, dict[str, ChainHead]]:
    """The heads of all chains, by their owner and then by their table; an owner without a link is left out."""
    found = {owner: chain_heads(db, owner) for owner in owners(db)}
    return {owner: heads for owner, heads in found.items() if heads}


def broken(db: Database, remembered: tuple[Remembered, ...] = ()) -> tuple[str, ...]:
    """The first broken link of every chain of the database, and every `remembered` head that is none of its links."""
    known = {row.chain for row in db.rows("audit_chains")}
    found = [f"{_whose(owner)}: {flaw}" for owner in owners(db) for flaw in broken_links(db, owner)]
    for each in remembered:
        flaw = _flaw(db, each) if each.chain in known else f"chain {each.chain}: there is none"
        if flaw is not None:
            found.append(f"{_whose(each.owner)}: {flaw} ({each.where})")
    return tuple(found)


def holder(db: Database, each: Remembered) -> tuple[str | None, str]:
    """Whose link the head is, and "" ; None and what is wrong where it is nobody's.

    `owner` "" is the installation; any other one stands for all accounts, for a message does not name its own. The
    hash may be its beginning.
    """
    if each.chain not in {row.chain for row in db.rows("audit_chains")}:
        return None, f"chain {each.chain}: there is none"
    flaws = {}
    for owner in filter(lambda known: bool(known) == bool(each.owner), owners(db)):
        flaw = _flaw(db, replace(each, owner=owner))
        if flaw is None:
            return owner, ""
        flaws[owner] = flaw
    # One that is there and another says more than those that have no such link at all.
    told = sorted((flaw.endswith("gone"), owner, flaw) for owner, flaw in flaws.items())
    if not told:
        return None, f"chain {each.chain}: the remembered link {each.head.number} is gone"
    _, owner, flaw = told[0]
    return None, f"{_whose(owner)}: {flaw}"


def _flaw(db: Database, each: Remembered) -> str | None:
    row = db.row("chain_at", chain=each.chain, account_id=each.owner, number=each.head.number)
    have = None if row is None or row.hash is None else row.hash.hex()
    if have is not None and have.startswith(each.head.hash):  # of a head that a person typed only the beginning
        return None
    how = "gone" if have is None else "another"
    return f"chain {each.chain}: the remembered link {each.head.number} is {how}"


def _whose(owner: str) -> str:
    return f"account {owner}" if owner else "the installation"
