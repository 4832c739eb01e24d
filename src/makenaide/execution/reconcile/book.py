"""Verdicts into the books: each explained event once, in one transaction with its lots, fills and audit row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from makenaide.domain.intent import PERSON, StoredOrder
from makenaide.domain.money import plain
from makenaide.domain.order import Found, Leg, OrderLife, OrderRequest, OrderState, OrderType, Side
from makenaide.domain.reason import Exit
from makenaide.execution.portfolio import Unreadable, open_positions
from makenaide.execution.reconcile.facts import (
    Booking,
    Dust,
    Event,
    Explained,
    Held,
    Moved,
    Shrink,
    Standing,
    Traded,
    Unknown,
)
from makenaide.execution.reconcile.judge import manual_identifier
from makenaide.execution.reconcile.look import Foreign
from makenaide.execution.submit import Desk
from makenaide.ledger.fees import EXACT_DIGITS
from makenaide.ledger.lots import LotChange
from makenaide.ledger.postings import Book, Posting, fill_postings
from makenaide.store.db import Database
from makenaide.store.journal import JournalFill, put_fill, put_postings
from makenaide.store.orders import commit_order, get_order, next_number, record_event
from makenaide.store.reconciliation import (
    Decision,
    Finding,
    FindingEnd,
    FindingKind,
    Outside,
    decided,
    end_finding,
    end_foreign,
    lots,
    open_findings,
    put_finding,
    put_lots,
    put_outside,
    remember_foreign,
)
from makenaide.store.runs import AuditEntry, put_audit

ACTOR = "reconcile"


def standing(db: Database, account_id: str) -> Standing:
    """The person's lots and our positions as the books have them now."""
    return Standing(
        lots=lots(db, account_id),
        positions=tuple(
            Held(
                position_id=each.position_id,
                market=each.market,
                quantity=each.facts.quantity,
                opened_at=each.opened_at,
            )
            for each in open_positions(db, account_id)
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookkeeper:
    """Writes for one account, under the desk's lease."""

    desk: Desk
    account_id: str

    @property
    def _db(self) -> Database:
        return self.desk.db

    def explain(self, verdict: Explained) -> None:
        """Book `verdict`; its source can't be booked twice."""
        with self._db.transaction():
            self.desk.lease.check()
            self._deal(verdict.event, str(verdict.cause), booked=True)
            for booking in verdict.bookings:
                self.write(booking)
            self.audit(f"reconcile.{verdict.cause}", {"source": verdict.event.source, **told(verdict.bookings)})

    def lay_aside(self, events: Iterable[Event], kind: str) -> None:
        """Deal with `events` without booking them; call it in the transaction of the decision about them."""
        for event in events:
            self._deal(event, kind, booked=False)

    def covered(self, event: Event, finding: int) -> None:
        """`event` stands in the books already, with what a person decided about `finding`: it is never booked."""
        with self._db.transaction():
            self.desk.lease.check()
            self._deal(event, "decided", booked=False, finding=finding)
            self.audit("reconcile.decided", {"source": event.source, "finding": finding})

    def _deal(self, event: Event, kind: str, *, booked: bool, finding: int | None = None) -> None:
        about = {} if finding is None else {"finding": finding}
        match event:
            case Moved():
                detail = {"currency": event.currency, "amount": plain(event.amount), **event.evidence, **about}
                row = Outside(source=event.source, kind=kind, booked=booked, at=event.at, detail=detail)
            case Traded():
                row = Outside(
                    source=event.source,
                    kind=kind,
                    booked=booked,
                    at=event.at,
                    detail={
                        "market": event.market,
                        "side": event.side,
                        "price": plain(event.price),
                        "funds": plain(event.funds),
                        **about,
                    },
                    order_uuid=event.order,
                    volume=event.volume,
                    fee=event.fee,
                )
        put_outside(self._db, self.account_id, row)

    def write(self, booking: Booking) -> None:
        """The lines of `booking`; call it in a transaction."""
        put_postings(self._db, self.account_id, postings(booking))
        put_lots(self._db, self.account_id, booking.source, booking.lots, booking.at)
        if booking.shrink is not None:
            self._shrink(booking.shrink)

    def _shrink(self, gone: Shrink) -> None:
        """The sale of coins of ours: a fill of a manual order. The stop stays as long as something is left."""
        order = self._manual_order(gone)
        fill = replace(gone.fill, identifier=order.identifier)
        entry = JournalFill(fill=fill, position_id=gone.position_id, reason=order.reason)
        put_fill(self._db, self.account_id, entry, fill_postings(fill))

    def _manual_order(self, gone: Shrink) -> StoredOrder:
        """The row of the person's order in that position, made with its first fill."""
        number = 1
        while (stored := get_order(self._db, manual_identifier(gone.order, number))) is not None:
            if stored.position_id == gone.position_id:
                return stored
            number += 1
        at = self.desk.clock.now()
        order = StoredOrder(
            request=OrderRequest(
                market=gone.fill.market,
                side=Side.ASK,
                type=OrderType.MARKET,
                identifier=manual_identifier(gone.order, number),
            ),
            account_id=self.account_id,
            position_id=gone.position_id,
            decision_id=None,
            leg=Leg.MANUAL,
            number=next_number(self._db, self.account_id, gone.position_id, Leg.MANUAL),
            reason=Exit.MANUAL,
            evidence={"order": gone.order},
            created_at=at,
            sender=PERSON,
        )
        put_closed(self._db, order, gone.order)
        return order

    def rounding(self, found: Iterable[Dust]) -> None:
        """Book what rounding made, so that the books tell the account's amounts again."""
        for dust in found:
            with self._db.transaction():
                self.desk.lease.check()
                put_postings(self._db, self.account_id, dust.lines)
                amount = plain(dust.lines[0].amount)
                self.audit("reconcile.dust", {"currency": dust.currency, "amount": amount})

    def foreign(self, order: Foreign, unexplained: frozenset[str]) -> None:
        """Remember an order that is not ours as long as something may come of it; give it its end otherwise."""
        at = self.desk.clock.now()
        with self._db.transaction():
            self.desk.lease.check()
            self.lay_aside(order.early, "before_opening")
            left = any(each.source in unexplained for each in order.trades)
            if order.ended and order.complete and not left:
                end_foreign(self._db, self.account_id, order.uuid, at)
            else:
                remember_foreign(self._db, self.account_id, order.uuid, at)

    def find(self, unknown: Iterable[Unknown]) -> None:
        """Store each of `unknown` that is neither open nor decided by a person, with an alarm, once.

        A balance that differs by another amount than was found is found anew: a person decides what was told.
        """
        opened = {(each.kind, each.subject): each for each in open_findings(self._db, self.account_id)}
        for each in {(each.kind, each.subject): each for each in unknown}.values():
            lasting = each.kind is not FindingKind.BOOKS_DIFFER  # a balance may differ anew after a decision
            before = opened.get((each.kind, each.subject))
            if before is not None:
                if lasting or before.evidence.get("difference") == each.evidence.get("difference"):
                    continue
                self.explained(before, "the difference is another by now: it is told by a finding of its own")
            if lasting and decided(self._db, self.account_id, each.kind, [each.subject]):
                continue
            at = self.desk.clock.now()
            finding = Finding(
                finding_id=0,
                kind=each.kind,
                subject=each.subject,
                currency=each.currency,
                market=each.market,
                evidence=each.evidence,
                opened_at=at,
            )
            with self._db.transaction():
                self.desk.lease.check()
                number = put_finding(self._db, self.account_id, finding)
                detail = {"finding": number, "subject": each.subject, "market": each.market, **each.evidence}
                self.audit(f"alarm.{each.kind}", detail)

    def end(self, finding: Finding, decision: FindingEnd) -> None:
        """Give `finding` its end with an audit row; call it in the transaction of what it books."""
        end_finding(self._db, finding.finding_id, decision)
        detail = {"finding": finding.finding_id, "subject": finding.subject, "how": decision.how}
        self.audit("finding.end", detail | {"note": decision.note, **decision.detail}, actor=decision.actor)

    def explained(self, finding: Finding, note: str = "") -> None:
        """`finding` has explained itself: what was missing was found."""
        at = self.desk.clock.now()
        decision = FindingEnd(at=at, actor=ACTOR, how=Decision.EXPLAINED, note=note, detail={})
        with self._db.transaction():
            self.desk.lease.check()
            self.end(finding, decision)

    def unreadable(self, positions: Iterable[Unreadable]) -> None:
        """Call a person for each position that cannot be read, once."""
        action = "alarm.position_unreadable"
        for each in positions:
            rows = self._db.rows("audit_of", account_id=self.account_id, action=action)
            if any(row.detail["position"] == each.position_id for row in rows):
                continue
            with self._db.transaction():
                self.desk.lease.check()
                detail = {"position": each.position_id, "market": each.market, "cause": each.cause}
                self.audit(action, detail)

    def audit(self, action: str, detail: Mapping[str, Any], actor: str = ACTOR) -> None:
        """One row of the audit trail."""
        entry = AuditEntry(
            account_id=self.account_id, at=self.desk.clock.now(), actor=actor, action=action, detail=detail
        )
        put_audit(self._db, entry)


def put_closed(db: Database, order: StoredOrder, uuid: str) -> None:
    """Store an order that was not sent by us and is at its end."""
    commit_order(db, order)
    life = OrderLife(OrderState.CLOSED, uuid=uuid)
    record_event(db, order.identifier, order.created_at, Found(uuid, closed=True), life)


def postings(booking: Booking) -> tuple[Posting, ...]:
    """The lines of what the person brought or took, won and coins: a shrinking position's are those of its fill."""
    coins = tuple((Book.OWNER, change.currency, change.quantity) for change in booking.lots)
    won = ((Book.ASSETS, "KRW", booking.krw),)
    brought = _lines(booking.source, booking.at, (*won, *coins), Book.CAPITAL)
    if booking.rounded is None:
        return brought
    dust = ((Book.ASSETS, *booking.rounded),)
    return (*brought, *_lines(booking.source, booking.at, dust, Book.ROUNDING))


def _lines(
    source: str, at: datetime, moved: Iterable[tuple[Book, str, Decimal]], against: Book
) -> tuple[Posting, ...]:
    with localcontext(prec=EXACT_DIGITS):
        return tuple(
            Posting(source=source, book=book, currency=currency, amount=amount, at=at)
            for holder, currency, change in moved
            if change
            for book, amount in ((holder, change), (against, -change))
        )


def told(bookings: Iterable[Booking]) -> dict[str, Any]:
    """What `bookings` did, for the audit trail."""
    parts: list[dict[str, Any]] = []
    for each in bookings:
        part: dict[str, Any] = {"source": each.source, "krw": plain(each.krw)}
        part["lots"] = [_lot(change) for change in each.lots]
        if each.shrink is not None:
            part |= {"position": each.shrink.position_id, "sold": str(each.shrink.fill.volume)}
        parts.append(part)
    return {"booked": parts}


def _lot(change: LotChange) -> dict[str, str | None]:
    cost = None if change.cost is None else plain(change.cost)
    return {"currency": change.currency, "quantity": plain(change.quantity), "cost": cost}
