"""Reconcile: settle what is unsettled, look both ways, book what is explained, and find what nobody can explain.

At the start, every cycle and on every reconnect. "Could not look" and "not comparable yet" are unknown, never the
same; they close buying for now, and are no findings.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

from makenaide.domain.errors import Inconsistent, Unavailable, UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.domain.order import Identifier
from makenaide.execution.portfolio import portfolio
from makenaide.execution.reconcile.balances import NotComparable, rest, steady_balances
from makenaide.execution.reconcile.book import Bookkeeper, standing
from makenaide.execution.reconcile.decided import Decided
from makenaide.execution.reconcile.facts import Dust, Event, Explained, Moved, Same, Unknown, Verdict
from makenaide.execution.reconcile.judge import judge_balances, judge_events
from makenaide.execution.reconcile.look import Looked, Looker, nowhere
from makenaide.execution.reconcile.rounding import Allowance
from makenaide.execution.submit import Desk
from makenaide.execution.worth import delisted_price, last_close
from makenaide.ledger.postings import difference
from makenaide.store.accounts import find_account
from makenaide.store.journal import books
from makenaide.store.orders import unsettled_orders
from makenaide.store.reconciliation import (
    Finding,
    FindingKind,
    decided,
    decided_balances,
    fills_at_equal,
    known_orders,
    open_findings,
    outside_known,
    put_look,
)
from makenaide.store.rounding import rounding_room

log = logging.getLogger(__name__)


class Other(Protocol):
    """The other process of ours that trades on the account: the guard, by its journal."""

    def take_in(self) -> int:
        """What it did comes into the books, its exits as orders in doubt; how much was new."""
        ...

    def knows(self, name: Identifier) -> bool:
        """Whether it tells of an order under that identifier."""
        ...


class _Alone:
    """Nobody else trades."""

    def take_in(self) -> int:
        """There is nothing."""
        return 0

    def knows(self, name: Identifier) -> bool:
        """It never does."""
        return nowhere(name)


ALONE = _Alone()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Books against balances. `equal` None means that nobody could look, or that it moves: that is not "equal"."""

    equal: bool | None
    differences: tuple[str, ...]
    books: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What stands after reconciling: the comparison, every verdict, the open findings.

    `closed_markets` are those in which an order is not at its end or a finding is open; `account_open` is whether
    anything may be bought at all.
    """

    comparison: Comparison
    closed_markets: frozenset[Market]
    account_open: bool
    verdicts: tuple[Verdict, ...] = ()
    findings: tuple[Finding, ...] = ()


def reconcile(desk: Desk, account_id: str, other: Other = ALONE) -> Reconciliation:
    """Settle every unsettled order, then compare; never raises for a venue that does not answer.

    `other` is the other process of ours that trades: what it did comes into the books before each look.
    """
    other.take_in()
    for order in unsettled_orders(desk.db, account_id):
        desk.settle(order)
    account = find_account(desk.db, account_id)
    if account is None:
        raise Inconsistent(f"account {account_id} is not stored")
    looker = Looker(db=desk.db, venue=desk.venue, account=account, elsewhere=other.knows)
    round_ = _Round(
        desk=desk,
        looker=looker,
        keeper=Bookkeeper(desk=desk, account_id=account_id),
        other=other,
    )
    comparison = round_.compare()
    return _standing(desk, account_id, comparison, round_)


def _standing(desk: Desk, account_id: str, comparison: Comparison, seen: "_Round") -> Reconciliation:
    if comparison.equal is not True:
        log.error(
            "books and balances are not known to be equal",
            extra={"action": "reconcile.differs", "differences": list(comparison.differences)},
        )
    findings = open_findings(desk.db, account_id)
    unreadable = portfolio(desk.db, account_id).unreadable
    seen.keeper.unreadable(unreadable)
    unsettled = {order.request.market for order in unsettled_orders(desk.db, account_id)}
    return Reconciliation(
        comparison=comparison,
        closed_markets=frozenset(
            {
                *unsettled,
                *seen.pending,
                *(each.market for each in unreadable),
                *(each.market for each in findings if each.market),
            }
        ),
        # Sizing and limits count what is held: while a position cannot be read, nobody buys anything.
        account_open=comparison.equal is not None and not unreadable and all(each.market for each in findings),
        verdicts=tuple(seen.verdicts),
        findings=findings,
    )


@dataclass(slots=True, kw_only=True)
class _Round:
    """One reconciling: looks and compares a few times before it calls a person, because lists lag behind balances."""

    desk: Desk
    looker: Looker
    keeper: Bookkeeper
    other: Other
    verdicts: list[Verdict] = field(default_factory=list)
    pending: frozenset[Market] = frozenset()
    _blind: bool = False

    @property
    def _id(self) -> str:
        return self.keeper.account_id

    def compare(self) -> Comparison:
        """Look, book, compare; what still differs after the last try becomes a finding."""
        tries = self.desk.settings.compare_tries
        transfers = False
        for attempt in range(1, tries + 1):
            if attempt > 1:
                self._catch_up()
            try:
                looked, doubts = self._look(transfers=transfers)
                balances = steady_balances(self.desk, self._id, rest(self.desk, self._id))
                judged = self._judge(balances) if looked.complete and isinstance(balances, Mapping) else ()
            except Unavailable as cause:
                return self._nothing(f"could not look: {cause}")
            except Inconsistent as cause:  # one order that tells nonsense never mutes the exits of the others
                return self._nothing(f"what was seen cannot be: {cause}")
            self.pending = looked.pending
            if isinstance(balances, NotComparable) or not looked.complete:
                moving = (
                    balances.cause if isinstance(balances, NotComparable) else "orders are not listed whole yet"
                )
                if attempt == tries:
                    return self._nothing(f"not comparable yet: {moving}")
            else:
                differing = [each for each in judged if isinstance(each, Unknown)]
                if not (differing or doubts) or attempt == tries:
                    return self._conclude(looked, doubts, judged, balances)
                transfers = True
            self.desk.clock.sleep(self.desk.settings.compare_pause)
        raise AssertionError("compare_tries is at least 1")

    def _catch_up(self) -> None:
        """A stop may have sold while we looked: that is no difference, it is only not booked yet."""
        if self.other.take_in():
            for order in unsettled_orders(self.desk.db, self._id):
                self.desk.settle(order)

    def _nothing(self, why: str) -> Comparison:
        return Comparison(equal=None, differences=(why,), books=books(self.desk.db, self._id))

    def _look(self, *, transfers: bool) -> tuple[Looked, tuple[Unknown, ...]]:
        """Look at the orders (and at the transfers when something is to be explained); book what is explained."""
        overlap = timedelta(seconds=self.desk.settings.look_overlap)
        looked = self.looker.look(self.desk.clock.now(), overlap)
        trades: list[Event] = [trade for each in looked.foreign for trade in each.trades]
        moved: tuple[Moved, ...] | None = ()
        if transfers or trades:
            moved = self.looker.transfers()
        doubts = []
        fresh = self._not_covered([*trades, *(moved or ())])
        for verdict in judge_events(fresh, standing(self.desk.db, self._id)):
            if isinstance(verdict, Explained):
                self.keeper.explain(verdict)
                self.verdicts.append(verdict)
            else:
                doubts.append(verdict)
        unexplained = frozenset(each.subject for each in doubts)
        for each in looked.foreign:
            self.keeper.foreign(each, unexplained)
        self._blind = moved is None
        return looked, (*self._undecided(looked.unknown), *doubts)

    def _not_covered(self, events: list[Event]) -> list[Event]:
        """`events` but those that a person's decision about a balance has put into the books already."""
        decided_before = Decided(decided_balances(self.desk.db, self._id)) if events else Decided(())
        fresh = []
        for event in sorted(events, key=lambda each: (each.at, each.source)):
            number = decided_before.covering(event)
            if number is None:
                fresh.append(event)
            else:
                self.keeper.covered(event, number)
        return fresh

    def _undecided(self, unknown: tuple[Unknown, ...]) -> tuple[Unknown, ...]:
        """Those of `unknown` about which no person has decided."""
        db = self.desk.db
        return tuple(each for each in unknown if not decided(db, self._id, each.kind, [each.subject]))

    def _judge(self, balances: Mapping[str, Decimal]) -> tuple[Same | Dust | Unknown, ...]:
        db = self.desk.db
        now = self.desk.clock.now()
        room = rounding_room(db, self._id, now, since=fills_at_equal(db, self._id))
        return judge_balances(books(db, self._id), balances, Allowance(room, self._price, now))

    def _price(self, coin: str) -> Price | None:
        """The coin's latest trade, or its last known price; None when there never was one. Raises `Unavailable`."""
        code, feed = Market(f"KRW-{coin}"), self.looker.account.feed
        try:
            seen = self.desk.venue.tickers([code]).get(code)
        except UnknownMarket:
            return delisted_price(self.desk.db, feed, code)
        return last_close(self.desk.db, feed, code) if seen is None else seen.price

    def _conclude(
        self,
        looked: Looked,
        doubts: tuple[Unknown, ...],
        judged: tuple[Same | Dust | Unknown, ...],
        balances: Mapping[str, Decimal],
    ) -> Comparison:
        self.keeper.rounding(each for each in judged if isinstance(each, Dust))
        differing = tuple(self._with_evidence(each) for each in judged if isinstance(each, Unknown))
        self.keeper.find((*doubts, *differing))
        self._end_explained({each.subject for each in (*doubts, *differing)})
        self.verdicts += [*judged, *doubts]
        with self.desk.db.transaction():
            self.desk.lease.check()
            put_look(self.desk.db, self._id, looked.until, equal=not differing)
        held = books(self.desk.db, self._id)
        told = difference(held, balances, Decimal(0), Decimal(0))
        return Comparison(equal=not differing, differences=tuple(str(each) for each in told), books=held)

    def _with_evidence(self, unknown: Unknown) -> Unknown:
        """Whether the transfers could be seen at all belongs to the evidence of a balance that differs."""
        transfers = "this key may not see them" if self._blind else "none that explains it"
        evidence = {**unknown.evidence, "transfers": transfers, "orders": "none that explains it"}
        return Unknown(
            kind=unknown.kind,
            subject=unknown.subject,
            currency=unknown.currency,
            market=unknown.market,
            evidence=evidence,
        )

    def _end_explained(self, still: set[str]) -> None:
        """Findings whose matter explains itself by now have an end without a person."""
        db = self.desk.db
        for finding in open_findings(db, self._id):
            if finding.subject in still:
                continue
            match finding.kind:
                case FindingKind.BOOKS_DIFFER:
                    over = True
                case FindingKind.UNEXPLAINED:
                    over = bool(outside_known(db, self._id, [finding.subject]))
                case FindingKind.ORDER_UNKNOWN:
                    over = bool(known_orders(db, self._id, [finding.subject]))
                case FindingKind.ORDER_MISSING:
                    over = self._found(finding)
                case FindingKind.ORDER_DIFFERS:
                    over = not self._ours(finding)  # of a person's order: its trades are whole by now
            if over:
                self.keeper.explained(finding)

    def _found(self, finding: Finding) -> bool:
        name = Identifier(finding.subject)
        try:
            if self._ours(finding):
                return name in self.desk.venue.orders([name])
            return self.desk.venue.by_uuid(finding.subject) is not None
        except Unavailable:
            return False

    def _ours(self, finding: Finding) -> bool:
        """Whether the order is ours, named by its identifier; a person's goes by the venue's id."""
        return finding.subject.startswith(f"mk1-{self.looker.account.installation}-")
