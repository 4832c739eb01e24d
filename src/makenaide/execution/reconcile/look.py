"""The look: what the venue's lists show that the books do not know, both ways, since the last look.

Raises `Unavailable` when the venue does not answer: that is "could not look", never "nothing there".
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from makenaide.domain.errors import Inconsistent
from makenaide.domain.market import Market
from makenaide.domain.money import ZERO_KRW, Krw, plain
from makenaide.domain.order import Identifier
from makenaide.exchange.venue import OutOfScope, PlacedOrder, Trade, Trading, Transfer
from makenaide.execution.reconcile.facts import Moved, Traded, Unknown
from makenaide.ledger.fees import share_fees
from makenaide.store.accounts import Account
from makenaide.store.db import Database
from makenaide.store.reconciliation import (
    FindingKind,
    KnownOrder,
    done_foreign,
    foreign_since,
    known_orders,
    looked_until,
    open_foreign,
    opening,
    outside_known,
    outside_of_order,
    taken_since,
)

Elsewhere = Callable[[Identifier], bool]
"""Whether an order of ours that the books do not know stands in a journal that was not imported yet (the guard's)."""

WINDOW = timedelta(days=7)
"""The widest window of closed orders that the venue shows."""

PATIENCE = timedelta(minutes=10)
"""So long an order that is not ours may list its trades in part, or tell nonsense, before a person is called."""

_FEW = 100
_OLD = timedelta(days=30)
"""A transfer that takes longer than this from its announcement to its end is nobody's."""


def nowhere(identifier: Identifier) -> bool:  # noqa: ARG001 - the shape of `Elsewhere`
    """There is no other journal."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """An order that is not ours, with the trades that nobody dealt with; `early` ones are in the opening money.

    `ended`: nothing more will come of it. `complete`: every trade of it is listed (else: look again). `vanished`: it
    was there, and the venue does not know it any more. `doubt`: why what it shows cannot be judged; that is a finding
    once it has been so for `PATIENCE` since it was first seen.
    """

    uuid: str
    market: Market | None = None
    doubt: str | None = None
    trades: tuple[Traded, ...]
    early: tuple[Traded, ...]
    ended: bool
    complete: bool
    vanished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a look showed. `pending` are markets of orders that stand in another journal only; `until` as looked."""

    until: datetime
    foreign: tuple[Foreign, ...]
    unknown: tuple[Unknown, ...]
    pending: frozenset[Market]

    @property
    def complete(self) -> bool:
        """Whether everything that was seen can be judged already."""
        return not self.pending and all(each.complete for each in self.foreign)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """Looks at the venue for one account."""

    db: Database
    venue: Trading
    account: Account
    elsewhere: Elsewhere = nowhere

    @property
    def _id(self) -> str:
        return self.account.account_id

    def look(self, until: datetime, overlap: timedelta) -> Looked:
        """Orders from the last look (less `overlap`) up to `until`, in windows of seven days."""
        begun = self._begun()
        last = looked_until(self.db, self._id) or begun
        since = min(last, until) - overlap
        seen = {each.uuid: each for window in windows(since, until) for each in self.venue.closed_orders(*window)}
        seen |= {each.uuid: each for each in self.venue.open_orders()}
        ours, others = self._parted(seen.values())
        known = known_orders(self.db, self._id, list(ours))
        strangers = [each for name, each in ours.items() if name not in known]
        pending = [each for each in strangers if each.identifier and self.elsewhere(each.identifier)]
        unknown = [_stranger(each) for each in strangers if each not in pending]
        unknown += self._differing(ours, known)
        unknown += self._missing(since, ours)
        foreign = tuple(self._foreign(others, begun))
        unknown += [_vanished(each.uuid) for each in foreign if each.vanished]
        hopeless = [each for each in foreign if self._hopeless(each, until)]
        unknown += [_never_whole(each) for each in hopeless]
        return Looked(
            until=until,
            foreign=tuple(each for each in foreign if not each.vanished and each not in hopeless),
            unknown=tuple(unknown),
            pending=frozenset(each.market for each in pending),
        )

    def _begun(self) -> datetime:
        begun = opening(self.db, self._id)
        if begun is None:  # its history would be booked as if it had happened since
            raise Inconsistent(f"account {self._id} was never opened with what it held")
        return begun

    def _hopeless(self, order: Foreign, until: datetime) -> bool:
        since = foreign_since(self.db, self._id).get(order.uuid)
        return not order.complete and since is not None and until - since > PATIENCE

    def _parted(self, seen: Iterable[PlacedOrder]) -> tuple[dict[Identifier, PlacedOrder], dict[str, PlacedOrder]]:
        """Ours by identifier, and all others by the venue's id."""
        prefix = f"mk1-{self.account.installation}-"
        ours: dict[Identifier, PlacedOrder] = {}
        others: dict[str, PlacedOrder] = {}
        for each in seen:
            if each.identifier is not None and each.identifier.startswith(prefix):
                ours[each.identifier] = each
            else:
                others[each.uuid] = each
        return ours, others

    def _differing(self, ours: dict[Identifier, PlacedOrder], known: dict[str, KnownOrder]) -> Iterator[Unknown]:
        """Orders at their end in the books, of which the venue shows another amount."""
        for name, placed in ours.items():
            about = known.get(name)
            if about is not None and about.state.terminal and about.filled != placed.executed.value:
                evidence = {"filled": plain(about.filled), "executed": str(placed.executed), "state": about.state}
                yield _about(FindingKind.ORDER_DIFFERS, name, placed.market, evidence)

    def _missing(self, since: datetime, ours: dict[Identifier, PlacedOrder]) -> Iterator[Unknown]:
        """Orders that the books call taken, and that the venue does not know at all."""
        absent = {
            name: market for name, market in taken_since(self.db, self._id, since).items() if name not in ours
        }
        found = self.venue.orders(list(absent)) if absent else {}
        for name, market in absent.items():
            if name not in found:
                yield _about(FindingKind.ORDER_MISSING, name, market, {"because": "the venue does not know it"})

    def _foreign(self, others: dict[str, PlacedOrder], begun: datetime) -> Iterator[Foreign]:
        """Every order that is not ours and may have trades that nobody dealt with."""
        remembered = open_foreign(self.db, self._id)
        done = done_foreign(self.db, self._id, list(others))
        for uuid in [*remembered, *(each for each in others if each not in remembered and each not in done)]:
            listed = others.get(uuid)
            if listed is not None and not listed.executed:
                if not listed.closed or uuid in remembered:
                    yield Foreign(uuid=uuid, trades=(), early=(), ended=listed.closed, complete=True)
                continue
            placed = self.venue.by_uuid(uuid)
            if placed is None:
                yield Foreign(uuid=uuid, trades=(), early=(), ended=False, complete=True, vanished=True)
            else:
                try:
                    yield self._with_trades(placed, begun)
                except Inconsistent as cause:
                    yield _doubtful(placed, f"what was seen of it cannot be: {cause}")

    def _with_trades(self, placed: PlacedOrder, begun: datetime) -> Foreign:
        dealt = outside_of_order(self.db, self._id, placed.uuid)
        if placed.trades_count != len(placed.trades):
            return _doubtful(placed, f"{len(placed.trades)} of its {placed.trades_count} trades are listed")
        fresh = [each for each in placed.trades if each.uuid not in dealt]
        fresh.sort(key=lambda each: (each.at, each.uuid))
        paid = sum((Krw(fee) for _, fee in dealt.values()), ZERO_KRW)
        fees = share_fees([each.funds for each in fresh], placed.paid_fee - paid) if fresh else ()
        trades = [_traded(placed, trade, fee.value) for trade, fee in zip(fresh, fees, strict=True)]
        return Foreign(
            uuid=placed.uuid,
            trades=tuple(each for each in trades if each.at >= begun),
            early=tuple(each for each in trades if each.at < begun),
            ended=placed.closed,
            complete=True,
        )

    def transfers(self) -> tuple[Moved, ...] | None:
        """Every transfer that is over and not dealt with; None when the key may not see them."""
        begun = self._begun()
        try:
            found = [
                *(_moved("deposit", each) for each in self._all(self.venue.deposits, "ACCEPTED")),
                *(_moved("withdrawal", each) for each in self._all(self.venue.withdrawals, "DONE")),
            ]
        except OutOfScope:
            return None
        known = outside_known(self.db, self._id, [each.source for each in found])
        return tuple(each for each in found if each.source not in known and each.at >= begun)

    def _all(self, ask: Callable[[str | None, int], Sequence[Transfer]], state: str) -> list[Transfer]:
        """The latest transfers; more when the first hundred reach back less than a month before the last look."""
        rows = ask(None, _FEW)
        last = looked_until(self.db, self._id)
        if len(rows) >= _FEW and (last is None or min(each.created_at for each in rows) > last - _OLD):
            rows = ask(None, _FEW * 10)
        return [each for each in rows if each.state.upper() == state]


def windows(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """`since` to `until` in parts of at most seven days that share their edges; one at least."""
    while until - since > WINDOW:
        yield since, since + WINDOW
        since += WINDOW
    yield since, max(since, until)


def _traded(placed: PlacedOrder, trade: Trade, fee: Decimal) -> Traded:
    return Traded(
        source=trade.uuid,
        order=placed.uuid,
        market=placed.market,
        side=placed.side,
        price=trade.price.value,
        volume=trade.volume.value,
        funds=trade.funds.value,
        fee=fee,
        at=trade.at,
    )


def _moved(direction: str, transfer: Transfer) -> Moved:
    """A deposit credits its amount; a withdrawal takes amount and fee."""
    amount = transfer.amount if direction == "deposit" else -(transfer.amount + transfer.fee)
    return Moved(
        source=f"{direction}:{transfer.uuid}",
        currency=transfer.currency,
        amount=amount,
        at=transfer.done_at or transfer.created_at,
        evidence={"fee": plain(transfer.fee), "txid": transfer.txid or "", "network": transfer.network},
        begun=transfer.created_at,
    )


def _stranger(placed: PlacedOrder) -> Unknown:
    evidence = {
        "because": "an order of ours that the books do not know",
        "uuid": placed.uuid,
        "side": str(placed.side),
        "executed": str(placed.executed),
        "created_at": placed.created_at.isoformat(),
    }
    return _about(FindingKind.ORDER_UNKNOWN, placed.identifier or placed.uuid, placed.market, evidence)


def _vanished(uuid: str) -> Unknown:
    because = {"because": "an order that was open is not known to the venue any more"}
    return Unknown(kind=FindingKind.ORDER_MISSING, subject=uuid, currency=None, market=None, evidence=because)


def _doubtful(placed: PlacedOrder, why: str) -> Foreign:
    return Foreign(
        uuid=placed.uuid, market=placed.market, doubt=why, trades=(), early=(), ended=False, complete=False
    )


def _never_whole(order: Foreign) -> Unknown:
    because = {"because": f"an order of a person that cannot be judged: {order.doubt}"}
    return Unknown(
        kind=FindingKind.ORDER_DIFFERS, subject=order.uuid, currency=None, market=order.market, evidence=because
    )


def _about(kind: FindingKind, subject: str, market: Market, evidence: dict[str, str]) -> Unknown:
    return Unknown(kind=kind, subject=subject, currency=None, market=market, evidence=evidence)
