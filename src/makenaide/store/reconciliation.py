"""What reconciling keeps: the person's lots, what happened without us, how far was looked, and the findings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from makenaide.domain.market import Market
from makenaide.domain.order import Identifier, OrderState
from makenaide.ledger.lots import Lot, LotChange
from makenaide.store.db import Database


def put_lots(db: Database, account_id: str, source: str, changes: Iterable[LotChange], at: datetime) -> None:
    """Append changes of the person's coins; their postings go with them in the same transaction."""
    for change in changes:
        db.do(
            "lot_put",
            account_id=account_id,
            source=source,
            currency=change.currency,
            quantity=change.quantity,
            cost=change.cost,
            at=at,
        )


def lots(db: Database, account_id: str) -> dict[str, Lot]:
    """The person's coins by currency; one without any is absent."""
    found: dict[str, Lot] = {}
    for row in db.rows("lot_all", account_id=account_id):
        change = LotChange(currency=row.currency, quantity=row.quantity, cost=row.cost)
        found[row.currency] = found.get(row.currency, Lot()).after(change)
    return {currency: lot for currency, lot in found.items() if lot.quantity}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """A transfer or trade that was not our doing and has been dealt with; `volume` and `fee` of a trade."""

    source: str
    kind: str
    booked: bool
    at: datetime
    detail: Mapping[str, Any]
    order_uuid: str | None = None
    volume: Decimal | None = None
    fee: Decimal | None = None


def put_outside(db: Database, account_id: str, event: Outside) -> None:
    """Record `event` as dealt with; its source is unique for ever."""
    db.do(
        "outside_put",
        account_id=account_id,
        source=event.source,
        order_uuid=event.order_uuid,
        kind=event.kind,
        booked=event.booked,
        volume=event.volume,
        fee=event.fee,
        detail=dict(event.detail),
        at=event.at,
    )


def outside_known(db: Database, account_id: str, sources: Sequence[str]) -> frozenset[str]:
    """Those of `sources` that have been dealt with."""
    if not sources:
        return frozenset()
    return frozenset(row.source for row in db.rows("outside_known", account_id=account_id, sources=list(sources)))


def outside_of_order(db: Database, account_id: str, uuid: str) -> Mapping[str, tuple[Decimal, Decimal]]:
    """The trades of a foreign order that have been dealt with: volume and fee by source."""
    rows = db.rows("outside_of_order", account_id=account_id, uuid=uuid)
    return {row.source: (row.volume, row.fee) for row in rows}


def remember_foreign(db: Database, account_id: str, uuid: str, at: datetime) -> None:
    """Look at this order, which is not ours, by its id until its end has been dealt with."""
    db.do("foreign_seen", account_id=account_id, uuid=uuid, at=at)


def end_foreign(db: Database, account_id: str, uuid: str, at: datetime) -> None:
    """All of this foreign order has been dealt with."""
    db.do("foreign_ended", account_id=account_id, uuid=uuid, at=at)


def open_foreign(db: Database, account_id: str) -> tuple[str, ...]:
    """The remembered foreign orders that have no end yet."""
    return tuple(foreign_since(db, account_id))


def foreign_since(db: Database, account_id: str) -> Mapping[str, datetime]:
    """The remembered foreign orders that have no end yet, each with the moment it was first seen."""
    return {row.uuid: row.seen_at for row in db.rows("foreign_open", account_id=account_id)}


def done_foreign(db: Database, account_id: str, uuids: Sequence[str]) -> frozenset[str]:
    """Those of `uuids` that need no further look."""
    if not uuids:
        return frozenset()
    return frozenset(row.uuid for row in db.rows("foreign_done", account_id=account_id, uuids=list(uuids)))


def put_look(db: Database, account_id: str, until: datetime, *, equal: bool) -> None:
    """The venue's history up to `until` has been looked through."""
    db.do("look_put", account_id=account_id, until=until, equal=equal)


def looked_until(db: Database, account_id: str) -> datetime | None:
    """How far the venue's history has been looked through; None = never."""
    row = db.row("look_last", account_id=account_id)
    return None if row is None else row.until


def opening(db: Database, account_id: str) -> datetime | None:
    """When the books of the account begin: what happened earlier is in its opening money."""
    row = db.row("look_opening", account_id=account_id)
    return None if row is None else row.at


def fills_at_equal(db: Database, account_id: str) -> int:
    """The number of the last fill that was booked when books and balances were last equal; 0 = never."""
    row = db.row("look_fills", account_id=account_id)
    return 0 if row is None else int(row.fills)


def last_change(db: Database, account_id: str) -> datetime | None:
    """The moment of the newest order event, fill or outside event."""
    row = db.row("look_changed", account_id=account_id)
    return None if row is None else row.at


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownOrder:
    """An order in the books: its state and what was filled of it."""

    market: Market
    state: OrderState
    filled: Decimal


def known_orders(db: Database, account_id: str, identifiers: Sequence[str]) -> dict[str, KnownOrder]:
    """Those of `identifiers` that are in the books."""
    rows = db.rows("orders_known", account_id=account_id, identifiers=list(identifiers)) if identifiers else []
    return {
        row.identifier: KnownOrder(market=Market(row.market), state=OrderState(row.state), filled=row.filled)
        for row in rows
    }


def taken_since(db: Database, account_id: str, since: datetime) -> dict[Identifier, Market]:
    """Our orders since `since` that the venue must know."""
    rows = db.rows("orders_taken_since", account_id=account_id, since=since)
    return {Identifier(row.identifier): Market(row.market) for row in rows}


class FindingKind(StrEnum):
    """What nobody can explain."""

    BOOKS_DIFFER = "books_differ"
    ORDER_UNKNOWN = "order_unknown"
    ORDER_MISSING = "order_missing"
    ORDER_DIFFERS = "order_differs"
    UNEXPLAINED = "unexplained"


class Decision(StrEnum):
    """How a finding ended: by itself (EXPLAINED), or as a person said."""

    EXPLAINED = "explained"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    MANUAL = "manual"
    AIRDROP = "airdrop"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding: about a currency or a market, with its evidence; `subject` tells it from others of its kind."""

    finding_id: int
    kind: FindingKind
    subject: str
    currency: str | None
    market: Market | None
    evidence: Mapping[str, Any]
    opened_at: datetime


def put_finding(db: Database, account_id: str, finding: Finding) -> int:
    """Store `finding`; returns its number (the one in `finding` is not used)."""
    row = db.row(
        "finding_put",
        account_id=account_id,
        kind=finding.kind,
        subject=finding.subject,
        currency=finding.currency,
        market=finding.market,
        evidence=dict(finding.evidence),
        at=finding.opened_at,
    )
    assert row is not None  # noqa: S101 - RETURNING always gives the row
    return int(row.finding_id)


def open_findings(db: Database, account_id: str) -> tuple[Finding, ...]:
    """Every finding without an end, oldest first."""
    return tuple(_finding(row) for row in db.rows("finding_open", account_id=account_id))


def find_finding(db: Database, account_id: str, finding_id: int) -> tuple[Finding, Decision | None] | None:
    """The finding of that number, and how it ended (None: it is open)."""
    row = db.row("finding_get", account_id=account_id, finding_id=finding_id)
    return None if row is None else (_finding(row), None if row.how is None else Decision(row.how))


def decided(db: Database, account_id: str, kind: FindingKind, subjects: Sequence[str]) -> frozenset[str]:
    """Those of `subjects` about which a person has decided."""
    rows = (
        db.rows("finding_decided", account_id=account_id, kind=kind, subjects=list(subjects)) if subjects else []
    )
    return frozenset(row.subject for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedBalance:
    """What a person decided of a balance that differed: `amount` went into the books, as the balance was at `until`.

    `met`: a transfer was found since that it stood for.
    """

    finding_id: int
    currency: str
    amount: Decimal
    until: datetime
    met: bool


def decided_balances(db: Database, account_id: str) -> tuple[DecidedBalance, ...]:
    """Every decision of a person about a differing balance, oldest first."""
    return tuple(
        DecidedBalance(
            finding_id=row.finding_id, currency=row.subject, amount=row.amount, until=row.until, met=row.met
        )
        for row in db.rows("finding_balances", account_id=account_id)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingEnd:
    """How, when and by whom a finding was ended."""

    at: datetime
    actor: str
    how: Decision
    note: str
    detail: Mapping[str, Any]


def end_finding(db: Database, finding_id: int, end: FindingEnd) -> None:
    """Give the finding its end, once."""
    db.do(
        "finding_end_put",
        finding_id=finding_id,
        at=end.at,
        actor=end.actor,
        how=end.how,
        note=end.note,
        detail=dict(end.detail),
    )


def _finding(row: Any) -> Finding:
    return Finding(
        finding_id=row.finding_id,
        kind=FindingKind(row.kind),
        subject=row.subject,
        currency=row.currency,
        market=None if row.market is None else Market(row.market),
        evidence=row.evidence,
        opened_at=row.opened_at,
    )
