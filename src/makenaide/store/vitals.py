"""How the database itself is doing, seen over one connection."""

from dataclasses import dataclass
from datetime import datetime

from makenaide.store.db import Database
from makenaide.store.migrate import applied


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The server and this connection to it.

    `schema` is the number of the newest migration; `used` of `most` connections are taken. `encrypted`: by TLS;
    `private`: encrypted, or nobody between could listen (a socket of this machine, or loopback).
    """

    schema: int
    server: str
    used: int
    most: int
    encrypted: bool
    private: bool


def ping(db: Database) -> None:
    """Ask for nothing, and get an answer."""
    db.row("vitals_ping")


def server_time(db: Database) -> datetime:
    """What time it is by the server's clock (UTC)."""
    row = db.row("vitals_clock")
    assert row is not None  # noqa: S101 - a query without a table always gives a row
    at: datetime = row.now
    return at


def vitals(db: Database) -> Vitals:
    """How the server is doing now."""
    row = db.row("vitals_about")
    assert row is not None  # noqa: S101 - as above
    done = applied(db)
    return Vitals(
        schema=done[-1].version if done else 0,
        server=row.server,
        used=row.used,
        most=row.most,
        encrypted=row.encrypted,
        private=row.encrypted or row.local,
    )
