"""The venue as a witness of the books (M7): its orders of the last days, and its balances. Asks, changes nothing.

Whatever differs at first is looked at again, because the venue goes on while it is asked. What is still moving is
"not comparable yet", never equal and never a difference.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from makenaide.domain.market import base_of, quote_of
from makenaide.domain.money import plain
from makenaide.domain.order import Identifier, Side
from makenaide.domain.verdict import Verdict
from makenaide.exchange.venue import PlacedOrder, Venue
from makenaide.execution.reconcile.facts import Moved, Traded
from makenaide.execution.reconcile.look import PATIENCE, Looker
from makenaide.ledger.postings import COIN_TOLERANCE, KRW_TOLERANCE, Difference, difference
from makenaide.ops.checks.finding import Point, point
from makenaide.store.accounts import Account
from makenaide.store.continuity import Traded as Booked
from makenaide.store.continuity import traded_since
from makenaide.store.db import Database
from makenaide.store.journal import books
from makenaide.store.orders import unsettled_orders
from makenaide.store.reconciliation import FindingKind, decided, fills_at_equal, known_orders, last_change, opening
from makenaide.store.rounding import rounding_room

WINDOW = timedelta(days=3)
"""How far back orders are compared every day; what is older was compared before."""

_TRIES = 3
_FEW = 20
_OVERLAP = timedelta(minutes=5)


@dataclass(slots=True, kw_only=True)
class Witness:
    """Compares the books of `account` with the venue at `now` (UTC, the world's time). Raises what the venue does."""

    db: Database
    venue: Venue
    account: Account
    now: datetime
    differences: list[str] = field(default_factory=list)
    moving: list[str] = field(default_factory=list)
    unbooked: list[str] = field(default_factory=list)
    orders: int = 0

    @property
    def _id(self) -> str:
        return self.account.account_id

    def compare(self) -> tuple[list[Point], Mapping[str, Any]]:
        """The points of the comparison (none: all is equal), and what was seen."""
        self._orders()
        currencies = self._balances()
        points = []
        if self.differences:
            told = {"count": len(self.differences), "first": "; ".join(self.differences[:3])}
            points.append(point(Verdict.FAIL, "m7_venue", **told))
        if self.moving:
            points.append(point(Verdict.UNKNOWN, "m7_moving", cause="; ".join(self.moving[:3])))
        if self.unbooked:
            points.append(point(Verdict.WARN, "m7_unbooked", count=len(self.unbooked), first=self.unbooked[0]))
        value = {
            "asked": True,
            "orders": self.orders,
            "currencies": currencies,
            "differences": self.differences[:_FEW],
            "difference_count": len(self.differences),
            "moving": self.moving[:_FEW],
            "unbooked": self.unbooked[:_FEW],
        }
        return points, value

    # ---- orders ----

    def _orders(self) -> None:
        since = self.now - WINDOW
        begun = opening(self.db, self._id)
        if begun is not None:
            since = max(since, begun)
        placed = self._placed(since)
        booked = traded_since(
            self.db, self._id, since
        )  # after the venue: an order is in the books before it is sent
        known = known_orders(self.db, self._id, list(placed))
        self._strangers(each for name, each in placed.items() if name not in known)
        absent = [name for name, each in booked.items() if each.at_venue and name not in placed]
        placed |= self.venue.orders(absent) if absent else {}
        self._missing(name for name in absent if name not in placed)
        self.orders = len(placed.keys() & booked.keys())
        for name, about in booked.items():
            seen = placed.get(name)
            if seen is not None and not _agree(seen, about):
                self._again(name, since)

    def _placed(self, since: datetime) -> dict[Identifier, PlacedOrder]:
        """Orders of ours that the venue lists: those closed since `since`, and all that are open."""
        prefix = f"mk1-{self.account.installation}-"
        listed = (*self.venue.closed_orders(since, self.now), *self.venue.open_orders())
        return {
            each.identifier: each
            for each in listed
            if each.identifier is not None and each.identifier.startswith(prefix)
        }

    def _strangers(self, strangers: Iterable[PlacedOrder]) -> None:
        """Orders under names of ours that the books do not know: a fresh one may stand in the guard's journal."""
        for each in strangers:
            name = str(each.identifier)
            told = f"order {name} ({each.side} {each.executed} {each.market}) is at the venue, not in the books"
            if self.now - each.created_at < PATIENCE:
                self.moving.append(told)
            elif not decided(self.db, self._id, FindingKind.ORDER_UNKNOWN, [name]):
                self.differences.append(told)

    def _missing(self, names: Iterable[Identifier]) -> None:
        for name in names:
            if not decided(self.db, self._id, FindingKind.ORDER_MISSING, [name]):
                self.differences.append(f"order {name} is in the books, the venue does not know it")

    def _again(self, name: Identifier, since: datetime) -> None:
        """An order that differed: once more by its name, with its trades."""
        seen, about = self.venue.order(name), traded_since(self.db, self._id, since)[name]
        if seen is None:
            self._missing([name])
        elif _agree(seen, about):
            return
        elif not about.state.terminal or seen.trades_count != len(seen.trades):
            self.moving.append(f"order {name} is {about.state} in the books, {seen.state} at the venue")
        elif not decided(self.db, self._id, FindingKind.ORDER_DIFFERS, [name]):
            self.differences.append(_apart(name, seen, about))

    # ---- balances ----

    def _balances(self) -> int:
        """Compare balances; how many currencies there are."""
        for _ in range(_TRIES):
            changed = last_change(self.db, self._id)
            held, seen = books(self.db, self._id), self._totals()
            apart = self._apart(held, seen)
            if not apart:
                return len({*held, *seen})
            if seen == self._totals() and changed == last_change(self.db, self._id):
                self._explain(apart, held, seen)
                return len({*held, *seen})
        self.moving.append("the balances move")
        return 0

    def _totals(self) -> dict[str, Decimal]:
        return {currency: each.total for currency, each in self.venue.accounts().items() if each.total}

    def _apart(self, held: Mapping[str, Decimal], seen: Mapping[str, Decimal]) -> list[Difference]:
        """What differs by more than the rounding of the fills since the last equal comparison."""
        found = difference(held, seen)
        if not found:
            return []
        since = fills_at_equal(self.db, self._id)
        fills = rounding_room(self.db, self._id, self.now, since=since).fills
        return [each for each in found if abs(each.balance - each.books) > _rounding(each.currency, fills)]

    def _explain(
        self, apart: Sequence[Difference], held: Mapping[str, Decimal], seen: Mapping[str, Decimal]
    ) -> None:
        """A person's doings that no reconciling has booked yet are no difference, nor is an order in doubt."""
        unsettled = unsettled_orders(self.db, self._id)
        if unsettled or self.moving:
            self.moving += [f"order {each.identifier} is not settled yet" for each in unsettled]
            return
        events = self._unbooked()
        effects = [(currency, amount) for each in events for currency, amount in _effects(each)]
        told = dict(held)
        for currency, amount in effects:
            told[currency] = told.get(currency, Decimal(0)) + amount
        if events and not self._apart(told, seen):
            self.unbooked += [_event(each) for each in events]
            return
        self.differences += [
            f"{each.currency}: {plain(each.books)} in the books, {plain(each.balance)} at the venue"
            for each in apart
        ]

    def _unbooked(self) -> list[Traded | Moved]:
        looker = Looker(db=self.db, venue=self.venue, account=self.account)
        looked = looker.look(self.now, _OVERLAP)
        trades = [trade for each in looked.foreign for trade in each.trades]
        return [*trades, *(looker.transfers() or ())]


def _agree(seen: PlacedOrder, about: Booked) -> bool:
    """Whether books and venue tell the same of an order; its trades are counted where they are not listed."""
    if about.state.terminal != seen.closed and (about.filled or seen.executed or about.state.terminal):
        return False
    trades = {each.uuid for each in seen.trades} if seen.trades else None
    same = seen.trades_count == len(about.trades) if trades is None else trades == about.trades
    return same and seen.executed.value == about.filled


def _apart(name: Identifier, seen: PlacedOrder, about: Booked) -> str:
    """In what they differ: by the trade that one side lacks, else by the amounts."""
    trades = {each.uuid for each in seen.trades}
    if lacking := sorted(trades - about.trades):
        return f"trade {lacking[0]} of order {name} is at the venue, not in the books"
    if lacking := sorted(about.trades - trades):
        return f"trade {lacking[0]} of order {name} is in the books, not at the venue"
    return f"order {name}: {plain(about.filled)} in the books ({about.state}), {seen.executed} at the venue"


def _rounding(currency: str, fills: Mapping[str, int]) -> Decimal:
    return max(1, fills.get(currency, 0)) * (KRW_TOLERANCE if currency == "KRW" else COIN_TOLERANCE)


def _effects(event: Traded | Moved) -> tuple[tuple[str, Decimal], ...]:
    """What `event` changed of the balances."""
    if isinstance(event, Moved):
        return ((event.currency, event.amount),)
    sign = 1 if event.side is Side.BID else -1
    won = -sign * event.funds - event.fee
    return ((base_of(event.market), sign * event.volume), (quote_of(event.market), won))


def _event(event: Traded | Moved) -> str:
    if isinstance(event, Moved):
        return f"{event.source}: {plain(event.amount)} {event.currency}"
    return f"{event.side} {plain(event.volume)} {event.market} ({event.source})"
