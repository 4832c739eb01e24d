"""Whether the books go on without a gap: runs, numbers of orders, events and trades."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from makenaide.domain.market import Market
from makenaide.domain.order import Identifier, OrderState
from makenaide.store.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run: its slot (UTC) and "running", "done" or "missed"."""

    slot: datetime
    status: str
    started_at: datetime
    finished_at: datetime | None


def run_rows(db: Database, account_id: str) -> tuple[RunRow, ...]:
    """Every run of the account, ascending."""
    return tuple(RunRow(**row._asdict()) for row in db.rows("continuity_runs", account_id=account_id))


def orphaned_slots(db: Database, account_id: str) -> tuple[datetime, ...]:
    """Slots that have a valuation or a gate, but no run: it was there and is gone."""
    return tuple(row.slot for row in db.rows("continuity_orphans", account_id=account_id))


def broken_threads(db: Database, account_id: str) -> tuple[str, ...]:
    """Where orders, their events, their trades and the postings of those do not hang together; in words."""
    texts = {
        "continuity_numbers": "order {0.leg}{0.number:02d} of position {0.position_id} is missing",
        "continuity_eventless": "order {0.identifier} has no event of its commit",
        "continuity_trades": "order {0.identifier}: its events tell of {0.told} trades, the books hold {0.booked}",
        "continuity_impossible": "order {0.identifier} has trades and is {0.state}",
        "continuity_filless": "trade {0.source} has postings and no fill",
    }
    return tuple(text.format(row) for name, text in texts.items() for row in db.rows(name, account_id=account_id))


def journal_size(db: Database, account_id: str) -> tuple[int, int]:
    """How many orders and fills the account has."""
    row = db.row("continuity_counts", account_id=account_id)
    return (0, 0) if row is None else (row.orders, row.fills)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """An order of ours as the books have it: its state, the volume of its trades and their ids at the venue."""

    market: Market
    state: OrderState
    filled: Decimal
    trades: frozenset[str]

    @property
    def at_venue(self) -> bool:
        """Whether the venue must know it."""
        return bool(self.filled) or self.state in (OrderState.ACCEPTED, OrderState.CLOSED)


def traded_since(db: Database, account_id: str, since: datetime) -> Mapping[Identifier, Traded]:
    """The orders of ours that were made or filled since `since`, oldest first."""
    return {
        Identifier(row.identifier): Traded(
            market=Market(row.market),
            state=OrderState(row.state),
            filled=row.filled,
            trades=frozenset(row.trades),
        )
        for row in db.rows("continuity_traded", account_id=account_id, since=since)
    }


def run_status(db: Database, account_id: str, slot: datetime) -> str | None:
    """The state of the run of `slot`: "running", "done", "missed"; None when there is none."""
    row = db.row("run_get", account_id=account_id, slot=slot)
    return None if row is None else str(row.status)
