"""The journal: fills, the postings made of them, and the stops of positions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from makenaide.domain.market import Market
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import Identifier, PositionId, Side
from makenaide.domain.reason import Exit
from makenaide.ledger.fill import Fill
from makenaide.ledger.postings import Book, Posting
from makenaide.store.chain import ChainHead, broken_links
from makenaide.store.db import Database, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFill:
    """A fill with the position it belongs to and the reason of its order ("entry" or the exit rule)."""

    fill: Fill
    position_id: PositionId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dust:
    """A rest of a position that was worth less than the venue's minimum order when it was to be sold."""

    position_id: PositionId
    at: datetime
    quantity: Quantity
    bid: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStop:
    """The newest stop of a position: the trigger price, the rule that set it, the high-water mark."""

    at: datetime
    price: Price
    kind: Exit
    high_water: Price


def put_fill(db: Database, account_id: str, entry: JournalFill, postings: Sequence[Posting] = ()) -> None:
    """Post one trade of the venue (or a position's share of it): exactly once by the trade's own id."""
    fill = entry.fill
    db.do(
        "fill_put",
        account_id=account_id,
        trade_uuid=fill.trade_uuid,
        identifier=fill.identifier,
        position_id=entry.position_id,
        market=fill.market,
        side=fill.side,
        price=fill.price,
        volume=fill.volume,
        funds=fill.funds,
        fee=fill.fee,
        at=fill.at,
    )
    put_postings(db, account_id, postings)


def put_postings(db: Database, account_id: str, postings: Sequence[Posting]) -> None:
    """Append postings; the database refuses the commit unless each source sums to zero in each currency."""
    db.do_many(
        "posting_put",
        [
            {
                "account_id": account_id,
                "source": posting.source,
                "book": posting.book,
                "currency": posting.currency,
                "amount": posting.amount,
                "at": posting.at,
            }
            for posting in postings
        ],
    )


def fills_of_order(db: Database, account_id: str, identifier: Identifier) -> tuple[Fill, ...]:
    """The posted fills of one order, ascending in time."""
    return tuple(_fill(row) for row in db.rows("fill_of_order", account_id=account_id, identifier=identifier))


def shares_of_order(db: Database, account_id: str, identifier: Identifier) -> dict[PositionId, Decimal]:
    """How much each position has traded by one order: more than one where a sale took dust along."""
    rows = db.rows("fill_shares", account_id=account_id, identifier=identifier)
    return {PositionId(row.position_id): row.volume for row in rows}


def all_fills(db: Database, account_id: str) -> tuple[JournalFill, ...]:
    """Every fill of the account by position, each as it happened."""
    return tuple(_journal(row) for row in db.rows("fill_all", account_id=account_id))


def open_fills(db: Database, account_id: str) -> tuple[JournalFill, ...]:
    """Every fill of the positions that still hold something, by position, each as it happened."""
    return tuple(_journal(row) for row in db.rows("fill_open", account_id=account_id))


def entries(db: Database, account_id: str) -> dict[PositionId, Row]:
    """Of every position ever filled: position_id, market, created_at, decision_id, evidence of its entry."""
    return {PositionId(row.position_id): row for row in db.rows("fill_entries", account_id=account_id)}


def stop_exits(db: Database, account_id: str, since: datetime) -> tuple[tuple[Market, datetime], ...]:
    """The stops that sold since `since`: market and time, ascending."""
    rows = db.rows("stop_exits", account_id=account_id, since=since)
    return tuple((Market(row.market), row.at) for row in rows)


def books(db: Database, account_id: str) -> dict[str, Decimal]:
    """What the books say the account holds, by currency."""
    return {row.currency: row.amount for row in db.rows("posting_sums", account_id=account_id)}


def flows(db: Database, account_id: str) -> tuple[tuple[datetime, Krw], ...]:
    """Money that came in (positive) or went out, with its time."""
    return tuple((row.at, Krw(row.amount)) for row in db.rows("posting_flows", account_id=account_id))


def total_fees(db: Database, account_id: str) -> Krw:
    """All fees ever paid."""
    row = db.row("posting_fees", account_id=account_id)
    return Krw(0 if row is None else row.amount)


def put_stop(db: Database, account_id: str, position: PositionId, stop: StoredStop) -> None:
    """Append a stop; the database refuses one that falls."""
    db.do(
        "stop_put",
        account_id=account_id,
        position_id=position,
        at=stop.at,
        price=stop.price,
        kind=stop.kind,
        high_water=stop.high_water,
    )


def put_dust(db: Database, account_id: str, dust: Dust) -> None:
    """A position is dust from now on; the first word stands."""
    db.do(
        "dust_put",
        account_id=account_id,
        position_id=dust.position_id,
        at=dust.at,
        quantity=dust.quantity,
        bid=dust.bid,
    )


def all_dust(db: Database, account_id: str) -> Mapping[PositionId, Dust]:
    """Every position that ever became dust."""
    return {
        PositionId(row.position_id): Dust(
            position_id=PositionId(row.position_id),
            at=row.at,
            quantity=Quantity(row.quantity),
            bid=Price(row.bid),
        )
        for row in db.rows("dust_all", account_id=account_id)
    }


def latest_stops(
    db: Database, account_id: str, positions: Sequence[PositionId]
) -> Mapping[PositionId, StoredStop]:
    """The newest stop of each of `positions`."""
    rows = db.rows("stop_latest", account_id=account_id, positions=list(positions))
    return {PositionId(row.position_id): _stop(row) for row in rows}


def stop_history(db: Database, account_id: str, position: PositionId) -> tuple[StoredStop, ...]:
    """Every stop the position ever had, ascending."""
    rows = db.rows("stop_history", account_id=account_id, position_id=position)
    return tuple(_stop(row) for row in rows)


def postings_of(db: Database, account_id: str, sources: Sequence[str]) -> tuple[Posting, ...]:
    """The postings of the named sources, in the order in which they were made."""
    rows = db.rows("posting_of", account_id=account_id, sources=list(sources))
    return tuple(
        Posting(source=row.source, book=Book(row.book), currency=row.currency, amount=row.amount, at=row.at)
        for row in rows
    )


def flaws(db: Database, account_id: str, remembered: Mapping[str, ChainHead] | None = None) -> tuple[str, ...]:
    """What the journal itself shows to be wrong with the books; nothing in a sound one.

    `remembered` are heads of its chains that were kept elsewhere, by table: they must still be links of them.
    """
    checks = {
        "posting_unbalanced": "postings of {0.source} do not sum to zero in {0.currency}: {0.amount}",
        "fill_unposted": "trade {0.trade_uuid} has no postings",
        "position_unguarded": "position {0.position_id} has no stop",
        "position_oversold": "position {0.position_id} sold more than it bought",
    }
    told = [text.format(row) for name, text in checks.items() for row in db.rows(name, account_id=account_id)]
    return (*told, *broken_links(db, account_id, remembered))


def _fill(row: Row) -> Fill:
    return Fill(
        trade_uuid=row.trade_uuid,
        identifier=Identifier(row.identifier),
        market=Market(row.market),
        side=Side(row.side),
        price=Price(row.price),
        volume=Quantity(row.volume),
        funds=Krw(row.funds),
        fee=Krw(row.fee),
        at=row.at,
    )


def _journal(row: Row) -> JournalFill:
    return JournalFill(fill=_fill(row), position_id=PositionId(row.position_id), reason=row.reason)


def _stop(row: Row) -> StoredStop:
    return StoredStop(at=row.at, price=Price(row.price), kind=Exit(row.kind), high_water=Price(row.high_water))
