"""Accounts and the lease on one: who may write for it now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from makenaide.domain.errors import InUse
from makenaide.store.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One paper (or live) account.

    `account_id` is the fingerprint of `identity`: the venue, its data, the seed and every setting that changes
    what is traded. `feed` names the prices it trades on; `installation` is the four hex digits in its order
    identifiers. Slots are UTC; `last_slot` is None for a run without an end.
    """

    account_id: str
    venue: str
    mode: str
    feed: str
    installation: str
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    first_slot: datetime | None
    last_slot: datetime | None


def open_account(db: Database, account: Account) -> None:
    """Store `account`, or mark the stored one as the latest used."""
    with db.transaction():
        db.do(
            "account_open",
            account_id=account.account_id,
            venue=account.venue,
            mode=account.mode,
            feed=account.feed,
            installation=account.installation,
            identity=dict(account.identity),
            settings=dict(account.settings),
            first_slot=account.first_slot,
            last_slot=account.last_slot,
        )


def find_account(db: Database, account_id: str) -> Account | None:
    """The stored account of that id."""
    row = db.row("account_get", account_id=account_id)
    return None if row is None else Account(**row._asdict())


def latest_account(db: Database) -> Account | None:
    """The account used last in this database."""
    row = db.row("account_latest")
    return None if row is None else Account(**row._asdict())


class Lease:
    """The exclusive right to write for one account.

    The right is a session lock of PostgreSQL, so that it ends with the process that holds it, however that ends;
    the fencing number rises with each holder and is checked inside every writing transaction (house protocol,
    point 7): a holder that lost its session can't write with the old number.
    """

    def __init__(self, db: Database, account_id: str, holder: str) -> None:
        """Take the lease; `InUse` names the holder when another process has it."""
        self._db = db
        self._account_id = account_id
        with db.transaction():
            locked = db.row("account_lock", account_id=account_id)
            if locked is None or not locked.taken:
                other = db.row("lease_holder", account_id=account_id)
                raise InUse(f"account {account_id} is in use by {other.holder if other else 'another run'}")
            taken = db.row("lease_take", account_id=account_id, holder=holder)
        assert taken is not None  # noqa: S101 - RETURNING always gives the row
        self.fence: int = taken.fence

    def check(self) -> None:
        """Call first in each writing transaction: `InUse` when a later holder has taken over."""
        row = self._db.row("lease_check", account_id=self._account_id)
        if row is None or row.fence != self.fence:
            raise InUse(f"account {self._account_id}: the lease {self.fence} was taken over")

    def release(self) -> None:
        """Give the lease back."""
        with self._db.transaction():
            self._db.row("account_unlock", account_id=self._account_id)
