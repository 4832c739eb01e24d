"""What `ledger.rounding` needs to know of the books: fills not yet answered for, and what was rounded away today."""

from datetime import datetime, time, timedelta

from makenaide.domain.clock import KST, kst
from makenaide.ledger.rounding import Room
from makenaide.store.db import Database


def rounding_room(db: Database, account_id: str, at: datetime, since: int = 0) -> Room:
    """The room at `at` (aware; "today" is its KST day). `since` is the `upto` of the last equal comparison.

    Fills are numbered as they were booked (their chain), so that one which the venue dates back is not missed.
    """
    newest = db.row("rounding_upto", account_id=account_id)
    midnight = datetime.combine(kst(at).date(), time(), KST)
    fills = db.rows("rounding_fills", account_id=account_id, since=since)
    booked = db.rows("rounding_booked", account_id=account_id, since=midnight, until=midnight + timedelta(days=1))
    return Room(
        upto=0 if newest is None else newest.number,
        fills={row.currency: row.many for row in fills},
        booked={row.currency: row.amount for row in booked},
    )
