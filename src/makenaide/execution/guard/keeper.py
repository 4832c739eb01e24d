"""The trading process's side of the guard: publish the stops, know that they are held, take in what it did."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from makenaide.domain.clock import Clock
from makenaide.domain.errors import Inconsistent, Misconfigured, Unavailable
from makenaide.domain.intent import GUARD, WITH_DUST, StoredOrder
from makenaide.domain.market import base_of
from makenaide.domain.money import ZERO_QUANTITY, Price, Quantity
from makenaide.domain.order import Found, Identifier, Leg, OrderState, Overtaken, PositionId
from makenaide.domain.reason import Exit, Refusal
from makenaide.execution.disk import Files
from makenaide.execution.guard import entries
from makenaide.execution.guard.entries import Entry, Kind
from makenaide.execution.guard.file import JournalReader, read_journal
from makenaide.execution.guard.guard import STOPS, Ack
from makenaide.execution.guard.stops import GuardedStop, PublishedExit, StopsFile, decode, encode
from makenaide.execution.permit import Forbidden
from makenaide.execution.portfolio import Position, dust_with, portfolio
from makenaide.execution.settings import ExecutionSettings
from makenaide.risk.exits import StopState
from makenaide.store.accounts import Account, Lease
from makenaide.store.db import Database
from makenaide.store.guard import BookedExit, exits_of, imported, put_imported
from makenaide.store.home import file_faults
from makenaide.store.journal import Dust, StoredStop, books, latest_stops, put_dust, put_stop
from makenaide.store.orders import commit_order, get_order, record_event, unsettled_orders
from makenaide.store.runs import AuditEntry, put_audit

log = logging.getLogger(__name__)

_PAUSE = 0.05
"""Seconds between two looks at whether the guard has taken up what was published."""


class Link(Protocol):
    """How the trading process hears of the guard."""

    def ack(self) -> Ack | None:
        """What the guard holds now; None when it has not been heard for too long."""
        ...


@dataclass(slots=True, kw_only=True)
class Keeper:
    """Keeps the guard's stops equal to the books, and is the permit that forbids buying while it does not hold them.

    `folder` and `key` are those of the guard; every write goes through `files`. `damage`: why the guard's journal
    cannot be read; until its guard has put that aside nobody buys, and a person has been called.
    """

    db: Database
    lease: Lease
    account: Account
    clock: Clock
    files: Files
    folder: Path
    key: bytes
    settings: ExecutionSettings
    link: Link
    damage: str | None = None
    _published: StopsFile | None = field(default=None)
    _reader: JournalReader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = JournalReader(folder=self.folder, key=self.key, files=self.files)

    # ---- publishing ----

    def publish(self) -> StopsFile:
        """Write the stops of the books for the guard, if they have changed; what is published now.

        The version only rises, whatever was lost: it follows the file's and the one that the guard holds. `DiskFull`
        or `Misconfigured` when the file cannot be written: what is held stays guarded as it was.
        """
        stops = self.stops_of_books()
        before = self._published or self._stored()
        seen = imported(self.db, self.account.account_id)
        same = before is not None and before.stops == stops and before.account_id == self.account.account_id
        if before is not None and same and seen == before.seen and self._there(before):
            self._published = before
            return before
        ack = self.link.ack()
        version = 1 + max(before.version if before else 0, ack.version if ack else 0)
        file = StopsFile(
            version=version,
            account_id=self.account.account_id,
            installation=self.account.installation,
            made_at=self.clock.now(),
            seen=seen,
            stops=stops,
        )
        with file_faults(self.folder):
            self.files.replace(self.folder / STOPS, encode(file, self.key))
        self._published = file
        log.info("published", extra={"action": "guard.publish", "version": version, "stops": len(stops)})
        return file

    def _there(self, published: StopsFile) -> bool:
        """Whether the file still holds what was published: somebody may have lost or spoilt it."""
        stored = self._stored()
        return stored is not None and stored.version == published.version

    def _stored(self) -> StopsFile | None:
        content = self.files.read(self.folder / STOPS)
        try:
            return None if content is None else decode(content, self.key)
        except Inconsistent as cause:
            log.warning("stops file", extra={"action": "guard.publish", "cause": str(cause)})
            return None

    def stops_of_books(self) -> tuple[GuardedStop, ...]:
        """What the books ask the guard to hold now; writes nothing."""
        account = self.account.account_id
        held_now = portfolio(self.db, account)
        positions = held_now.positions
        entered = {
            order.position_id: order for order in unsettled_orders(self.db, account) if order.leg is Leg.ENTRY
        }
        unreadable = {each.position_id for each in held_now.unreadable}
        # What the books cannot tell any more stays guarded as it was last published; reconciling calls a person.
        before = self._published or self._stored()
        same = before is not None and before.account_id == account
        kept = [each for each in before.stops if each.position_id in unreadable] if before and same else []
        known = {each.position_id for each in positions} | unreadable
        fresh = [order for key, order in entered.items() if key not in known]
        ledger = _Books(
            coins=books(self.db, account),
            exits=exits_of(self.db, account, [*known, *(order.position_id for order in fresh)]),
            positions=positions,
        )
        held = [ledger.held(each, entered.get(each.position_id)) for each in positions if not each.dust]
        stops = latest_stops(self.db, account, [order.position_id for order in fresh])
        # An entry without a stop cannot be guarded, and is not sent: `forbids` says so.
        waiting = [
            ledger.waiting(order, stop) for order in fresh if (stop := stops.get(order.position_id)) is not None
        ]
        return tuple(sorted((*held, *kept, *waiting), key=lambda each: each.position_id))

    # ---- the permit ----

    def forbids(self, order: StoredOrder | None) -> Forbidden | None:
        """No buy unless the guard is heard, sound, and holds what was published; a committed entry's stop with it."""
        if order is not None and get_order(self.db, order.identifier) is not None:
            try:
                guarded = {each.position_id for each in self.publish().stops}
            except (Unavailable, Misconfigured) as fault:
                return Forbidden(Refusal.UNGUARDED, f"its stop cannot be published: {fault}")
            if order.position_id not in guarded:
                return Forbidden(Refusal.UNGUARDED, "no stop is stored for it")
        if self.damage is not None:
            return Forbidden(Refusal.UNGUARDED, self.damage)
        published = self._published
        waited = 0.0
        while True:
            ack = self.link.ack()
            cause = _doubt(ack, published)
            if cause is None:
                return None
            if ack is None or waited >= self.settings.acknowledge_seconds:
                return Forbidden(Refusal.UNGUARDED, cause)
            self.clock.sleep(_PAUSE)
            waited += _PAUSE

    # ---- taking in ----

    def take_in(self) -> int:
        """Put what the guard's journal tells into the books; how many entries were new.

        Its exits come in as orders in doubt, to be settled by looking: fills come from nowhere else. Nothing comes of
        a damaged journal but an alarm: what it hides shows when orders and balances are reconciled.
        """
        account = self.account.account_id
        since = imported(self.db, account)
        try:
            new = [entry for entry in self._reader.fresh() if entry.n > since]
        except Inconsistent as cause:
            self._damaged(str(cause))
            return 0
        self.damage = None
        if not new:
            return 0
        try:
            with self.db.transaction():
                self.lease.check()
                for entry in new:
                    self._enter(entry)
                put_imported(self.db, account, new[-1].n, self.clock.now())
        except BaseException:
            self._reader.forget()
            raise
        return len(new)

    def rival(self, order: StoredOrder) -> Overtaken | None:
        """What the guard asked for under the identifier of `order`; None when it never did, or nobody can tell."""
        try:
            found = [
                entry
                for entry in self._journal()
                if entry.kind == Kind.INTENT and entry.data["identifier"] == order.identifier
            ]
        except Inconsistent:
            return None
        if not found:
            return None
        theirs = entries.intended(self.account.account_id, found[-1])
        assert theirs.request.volume is not None  # noqa: S101 - an exit has one
        return Overtaken(GUARD, theirs.request.volume, theirs.reason, theirs.evidence.get(WITH_DUST, {}))

    def _damaged(self, cause: str) -> None:
        if self.damage is None:
            log.error("the guard's journal is damaged", extra={"action": "alarm.guard_journal", "cause": cause})
            entry = AuditEntry(
                account_id=self.account.account_id,
                at=self.clock.now(),
                actor="keeper",
                action="alarm.guard_journal",
                detail={"cause": cause},
            )
            with self.db.transaction():
                self.lease.check()
                put_audit(self.db, entry)
        self.damage = cause

    def _journal(self) -> list[Entry]:
        return [entry for read in read_journal(self.files, self.folder, self.key) for entry in read.entries]

    def _enter(self, entry: Entry) -> None:
        match entry.kind:
            case Kind.RISE:
                self._risen(entry)
            case Kind.INTENT:
                self._intended(entry)
            case Kind.EVENT:
                self._happened(entry)
            case Kind.DUST:
                put_dust(self.db, self.account.account_id, _dust(entry))
                self._audit(entry, "position.dust")
            case _:
                self._audit(entry, f"alarm.exit_{entry.kind}")

    def _risen(self, entry: Entry) -> None:
        position = PositionId(entry.data["position"])
        risen = StoredStop(
            at=entry.at,
            price=Price(entry.data["price"]),
            kind=Exit(entry.data["kind"]),
            high_water=Price(entry.data["high_water"]),
        )
        known = latest_stops(self.db, self.account.account_id, [position]).get(position)
        if known is None or (risen.price >= known.price and risen.high_water >= known.high_water):
            put_stop(self.db, self.account.account_id, position, risen)

    def _intended(self, entry: Entry) -> None:
        """An exit of the guard's; where the trader used its number in vain, the number is the guard's from now on."""
        order = entries.intended(self.account.account_id, entry)
        known = get_order(self.db, order.identifier)
        if known is None:
            commit_order(self.db, order)
        elif known.life.state in (OrderState.REJECTED, OrderState.VOID) and order.request.volume is not None:
            taken = Overtaken(GUARD, order.request.volume, order.reason, order.evidence.get(WITH_DUST, {}))
            record_event(self.db, order.identifier, entry.at, taken, known.after(taken).life)

    def knows(self, name: Identifier) -> bool:
        """Whether the guard's journal tells of an order under that identifier, in the books or not yet."""
        try:
            return any(entry.kind == Kind.INTENT and entry.data["identifier"] == name for entry in self._journal())
        except Inconsistent:
            return False

    def _happened(self, entry: Entry) -> None:
        """An event of an exit of the guard's; what it found at the venue is looked at again, for the fills."""
        order = get_order(self.db, Identifier(entry.data["identifier"]))
        if order is None or order.sender != GUARD or order.life.state.terminal:
            return
        event = entries.event_of(entry.data)
        if isinstance(event, Found):
            return
        if isinstance(event, Overtaken) and not order.life.state.doubtful:
            return
        record_event(self.db, order.identifier, entry.at, event, entries.life_of(entry.data))

    def _audit(self, entry: Entry, action: str) -> None:
        put_audit(
            self.db,
            AuditEntry(
                account_id=self.account.account_id, at=entry.at, actor="guard", action=action, detail=entry.data
            ),
        )


def _doubt(ack: Ack | None, published: StopsFile | None) -> str | None:
    if ack is None:
        return "the guard is not heard"
    if ack.fault is not None:
        return f"the guard is in trouble: {ack.fault}"
    if published is not None and (ack.version < published.version or ack.digest != published.digest):
        return f"the guard holds version {ack.version} of the stops, not {published.version}"
    return None


def _dust(entry: Entry) -> Dust:
    return Dust(
        position_id=PositionId(entry.data["position"]),
        at=entry.at,
        quantity=Quantity(entry.data["quantity"]),
        bid=Price(entry.data["bid"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    """What the books know, as the guard is told it."""

    coins: Mapping[str, Decimal]
    exits: Mapping[PositionId, Sequence[BookedExit]]
    positions: Sequence[Position]

    def held(self, position: Position, entry: StoredOrder | None) -> GuardedStop:
        facts, holding = position.facts, position.holding
        exits = self._published(position.position_id)
        sold = sum((each.own.value for each in exits.values()), Decimal(0))
        return GuardedStop(
            position_id=position.position_id,
            market=position.market,
            entry=facts.entry,
            atr_percent=facts.atr_percent,
            opened_on=facts.opened_on,
            bought=holding.bought,
            gone=Quantity(max(holding.sold.value - sold, Decimal(0))),
            exits=exits,
            stop=position.stop,
            pending=None if entry is None else entry.identifier,
            dust=dust_with(position, self.positions),
            coins=self.coins.get(base_of(position.market), Decimal(0)),
        )

    def waiting(self, order: StoredOrder, stop: StoredStop) -> GuardedStop:
        request = order.request
        return GuardedStop(
            position_id=order.position_id,
            market=request.market,
            entry=request.price or stop.high_water,
            atr_percent=Decimal(order.evidence["atr_percent"]),
            opened_on=order.created_at.astimezone(UTC).date(),
            bought=ZERO_QUANTITY,
            gone=ZERO_QUANTITY,
            exits=self._published(order.position_id),
            stop=StopState(price=stop.price, kind=stop.kind, high_water=stop.high_water),
            pending=order.identifier,
            dust={},
            coins=self.coins.get(base_of(request.market), Decimal(0)),
        )

    def _published(self, position: PositionId) -> dict[int, PublishedExit]:
        return {
            each.number: PublishedExit(own=each.own, along=each.along, ended=each.ended)
            for each in self.exits.get(position, ())
        }
