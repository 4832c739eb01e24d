"""A person decides about a finding: what is booked then, by whom it was said, and that it is at its end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, assert_never

from makenaide.domain.errors import Misconfigured, Unavailable
from makenaide.domain.market import Market, base_of
from makenaide.domain.money import Krw, Price, Quantity, plain
from makenaide.domain.order import Side
from makenaide.execution.reconcile.balances import NotComparable, rest, steady_balances
from makenaide.execution.reconcile.book import Bookkeeper, standing, told
from makenaide.execution.reconcile.facts import Booking, Event, Held, Shrink
from makenaide.execution.reconcile.judge import manual_identifier
from makenaide.execution.reconcile.look import Looker
from makenaide.execution.submit import Desk
from makenaide.ledger.fill import Fill
from makenaide.ledger.lots import Lot, LotChange
from makenaide.ledger.postings import Book, Posting, cash_postings
from makenaide.store.accounts import Account
from makenaide.store.journal import books, put_postings
from makenaide.store.reconciliation import (
    Decision,
    Finding,
    FindingEnd,
    FindingKind,
    end_foreign,
    find_finding,
    remember_foreign,
)

Bid = Callable[[Market], Price | None]
"""What a coin of the market brings now; None when nobody bids."""

DECISIONS = tuple(each for each in Decision if each is not Decision.EXPLAINED)
"""What a person may say a finding was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person said of a finding, and who it was."""

    how: Decision
    note: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """Carries out decisions for one account; `bid` values coins of ours that left without a price."""

    desk: Desk
    account: Account
    bid: Bid

    @property
    def _keeper(self) -> Bookkeeper:
        return Bookkeeper(desk=self.desk, account_id=self.account.account_id)

    def resolve(self, number: int, said: Said) -> Mapping[str, Any]:
        """Book what `said` calls for and end the finding, in one transaction; what was booked.

        `Misconfigured` when there is no such open finding, `Unavailable` when the balances can't be read in a calm.
        """
        found = find_finding(self.desk.db, self.account.account_id, number)
        if found is None or found[1] is not None:
            state = "there is none of that number" if found is None else f"it ended as {found[1]}"
            raise Misconfigured(f"finding {number}: {state}")
        finding = found[0]
        match finding.kind:
            case FindingKind.BOOKS_DIFFER:
                return self._balance(finding, said)
            case FindingKind.UNEXPLAINED:
                return self._aside(finding, said)
            case FindingKind.ORDER_UNKNOWN:
                return self._order(finding, said)
            case FindingKind.ORDER_MISSING | FindingKind.ORDER_DIFFERS:
                return self._end(finding, said, ())
            case _:
                assert_never(finding.kind)

    def _balance(self, finding: Finding, said: Said) -> Mapping[str, Any]:
        """The difference as it is now goes into the books, as what the person said."""
        key = self.account.account_id
        balances = steady_balances(self.desk, key, rest(self.desk, key))
        if isinstance(balances, NotComparable):
            raise Unavailable(f"not comparable yet: {balances.cause}")
        currency = finding.subject
        change = balances.get(currency, Decimal(0)) - books(self.desk.db, key).get(currency, Decimal(0))
        source, at = f"resolve:{finding.finding_id}", self.desk.clock.now()
        if currency == "KRW":
            if said.how is Decision.ADJUSTMENT:
                return self._adjust(finding, said, change)
            return self._end(finding, said, (Booking(source=source, at=at, krw=change),) if change else ())
        return self._end(finding, said, tuple(self._coins(source, currency, change)))

    def _coins(self, source: str, currency: str, change: Decimal) -> list[Booking]:
        """Coins that came are the person's; coins that went were the person's first, then ours, the oldest first."""
        at = self.desk.clock.now()
        if change >= 0:
            lot = LotChange(currency=currency, quantity=change, cost=None)
            return [Booking(source=source, at=at, lots=(lot,))] if change else []
        now = standing(self.desk.db, self.account.account_id)
        lot_now, left, bookings = now.lots.get(currency, Lot()), -change, []
        own = min(left, lot_now.quantity)
        if own:
            cost = lot_now.part(own)
            gone = LotChange(currency=currency, quantity=-own, cost=None if cost is None else -cost)
            bookings.append(Booking(source=source, at=at, lots=(gone,)))
        left -= own
        for held in now.positions:
            part = min(left, held.quantity.value) if base_of(held.market) == currency else Decimal(0)
            if part:
                bookings.append(self._kind(source, held, part))
                left -= part
        # What is left is rounding that was booked before: it belongs to no lot and to no position.
        if left:
            bookings.append(Booking(source=source, at=at, rounded=(currency, -left)))
        return [
            each if number == 1 else _renamed(each, f"{source}#{number}")
            for number, each in enumerate(bookings, 1)
        ]

    def _kind(self, source: str, held: Held, volume: Decimal) -> Booking:
        """Coins of ours that left without won for them: valued at the bid, and taken by the person."""
        bid = self.bid(held.market)
        if bid is None:
            raise Unavailable(f"{held.market}: nobody bids, so what left cannot be valued")
        at, quantity = self.desk.clock.now(), Quantity(volume)
        fill = Fill(
            trade_uuid=source,
            identifier=manual_identifier(source),
            market=held.market,
            side=Side.ASK,
            price=bid,
            volume=quantity,
            funds=bid * quantity,
            fee=Krw(0),
            at=at,
        )
        # The fill brings won that never came: the person took them at once.
        shrink = Shrink(position_id=held.position_id, fill=fill, order=source)
        return Booking(source=source, at=at, shrink=shrink)

    def _adjust(self, finding: Finding, said: Said, change: Decimal) -> Mapping[str, Any]:
        """Won that are nobody's flow: they count as a result, not as money that was brought."""
        key, at = self.account.account_id, self.desk.clock.now()
        source = f"resolve:{finding.finding_id}"
        lines = tuple(
            Posting(source=source, book=book, currency="KRW", amount=amount, at=at)
            for book, amount in ((Book.ASSETS, change), (Book.ADJUSTMENT, -change))
            if change
        )
        detail = {"adjusted": plain(change)}
        with self.desk.db.transaction():
            self.desk.lease.check()
            put_postings(self.desk.db, key, lines)
            self._keeper.end(finding, self._decision(said, detail))
        return detail

    def _aside(self, finding: Finding, said: Said) -> Mapping[str, Any]:
        """The event is never booked: what it changed is a difference of the balances, to be decided there."""
        looker = Looker(db=self.desk.db, venue=self.desk.venue, account=self.account)
        looked = looker.look(self.desk.clock.now(), timedelta(seconds=self.desk.settings.look_overlap))
        events: list[Event] = [trade for each in looked.foreign for trade in each.trades]
        events += looker.transfers() or ()
        chosen = [each for each in events if each.source == finding.subject]
        if not chosen:
            raise Unavailable(f"{finding.subject}: the venue does not show it now")
        with self.desk.db.transaction():
            self.desk.lease.check()
            self._keeper.lay_aside(chosen, str(said.how))
            self._keeper.end(finding, self._decision(said, {"laid_aside": finding.subject}))
        return {"laid_aside": finding.subject}

    def _order(self, finding: Finding, said: Said) -> Mapping[str, Any]:
        """An order of ours that the books do not know: as MANUAL its trades are booked like a person's."""
        key, uuid = self.account.account_id, str(finding.evidence["uuid"])
        detail = {"order": uuid, "booked_as_manual": said.how is Decision.MANUAL}
        with self.desk.db.transaction():
            self.desk.lease.check()
            act = remember_foreign if said.how is Decision.MANUAL else end_foreign
            act(self.desk.db, key, uuid, self.desk.clock.now())
            self._keeper.end(finding, self._decision(said, detail))
        return detail

    def _end(self, finding: Finding, said: Said, bookings: tuple[Booking, ...]) -> Mapping[str, Any]:
        keeper, detail = self._keeper, told(bookings)
        with self.desk.db.transaction():
            self.desk.lease.check()
            if finding.kind is FindingKind.ORDER_MISSING:
                # It may be a person's order that was open and is gone: nobody looks for it any more.
                end_foreign(self.desk.db, self.account.account_id, finding.subject, self.desk.clock.now())
            for booking in bookings:
                keeper.write(booking)
                if booking.shrink is not None:
                    put_postings(self.desk.db, self.account.account_id, _taken(booking.shrink.fill))
            keeper.end(finding, self._decision(said, detail))
        return detail

    def _decision(self, said: Said, detail: Mapping[str, Any]) -> FindingEnd:
        return FindingEnd(
            at=self.desk.clock.now(), actor=said.actor, how=said.how, note=said.note, detail=dict(detail)
        )


def _taken(fill: Fill) -> tuple[Posting, ...]:
    """The won that the fill of coins that left would have brought: the person has them."""
    return cash_postings(f"{fill.trade_uuid}:taken", -fill.funds, fill.at)


def _renamed(booking: Booking, source: str) -> Booking:
    shrink = booking.shrink
    if shrink is not None:
        shrink = replace(shrink, fill=replace(shrink.fill, trade_uuid=source))
    return replace(booking, source=source, shrink=shrink)
