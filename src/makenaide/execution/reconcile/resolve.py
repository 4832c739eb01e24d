"""A person decides about a finding: what is booked then, by whom it was said, and that it is at its end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, assert_never

from makenaide.domain.errors import Misconfigured, Unavailable, UnknownMarket
from makenaide.domain.market import Market, base_of, quote_of
from makenaide.domain.money import Krw, Price, Quantity, plain
from makenaide.domain.order import Side
from makenaide.execution.reconcile.book import Bookkeeper, standing, told
from makenaide.execution.reconcile.facts import Booking, Event, Held, Moved, Shrink, Traded
from makenaide.execution.reconcile.judge import manual_identifier
from makenaide.execution.reconcile.rounds import Comparison, reconcile
from makenaide.execution.submit import Desk, nothing
from makenaide.execution.worth import delisted_price
from makenaide.ledger.fill import Fill
from makenaide.ledger.lots import Lot, LotChange
from makenaide.ledger.postings import Book, Posting, cash_postings
from makenaide.store.accounts import Account
from makenaide.store.journal import put_postings
from makenaide.store.orders import unsettled_orders
from makenaide.store.reconciliation import (
    Decision,
    Finding,
    FindingEnd,
    FindingKind,
    end_foreign,
    find_finding,
    open_findings,
    remember_foreign,
)

Bid = Callable[[Market], Price | None]
"""What a coin of the market brings now; None when nobody bids."""

DECISIONS = tuple(each for each in Decision if each is not Decision.EXPLAINED)
"""What a person may say a finding was."""


_MOVES = (Decision.DEPOSIT, Decision.WITHDRAWAL, Decision.AIRDROP, Decision.MANUAL, Decision.ADJUSTMENT)

FITTING: Mapping[FindingKind, tuple[Decision, ...]] = {
    FindingKind.BOOKS_DIFFER: _MOVES,
    FindingKind.UNEXPLAINED: _MOVES,
    FindingKind.ORDER_UNKNOWN: (Decision.MANUAL, Decision.ADJUSTMENT),
    FindingKind.ORDER_MISSING: (Decision.ADJUSTMENT,),
    FindingKind.ORDER_DIFFERS: (Decision.ADJUSTMENT,),
}
"""What may be said of each kind; "adjustment", the default, books nothing of an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person said of a finding, and who it was."""

    how: Decision
    note: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """Carries out decisions for one account; `bid` values coins of ours that left without a price.

    `take_in` puts what the guard did into the books first.
    """

    desk: Desk
    account: Account
    bid: Bid
    take_in: Callable[[], object] = nothing

    @property
    def _keeper(self) -> Bookkeeper:
        return Bookkeeper(desk=self.desk, account_id=self.account.account_id)

    def require(self, numbers: Sequence[int], how: Decision) -> None:
        """`Misconfigured` unless each of `numbers` is an open finding about which `how` can be said."""
        for number in numbers:
            self._open(number, how)

    def resolve(self, number: int, said: Said) -> Mapping[str, Any]:
        """Look first, then book what `said` calls for and end the finding, in one transaction; what was booked.

        `Misconfigured` when there is no such open finding, or when it is another matter by now; `Unavailable` when
        books and balances can't be compared in a calm.
        """
        self._open(number, said.how)
        until = self.desk.clock.now()
        self.take_in()
        compared = reconcile(self.desk, self.account.account_id).comparison
        finding = self._open(number, said.how)
        match finding.kind:
            case FindingKind.BOOKS_DIFFER:
                return self._balance(finding, said, (compared, until))
            case FindingKind.UNEXPLAINED:
                return self._aside(finding, said)
            case FindingKind.ORDER_UNKNOWN:
                return self._order(finding, said)
            case FindingKind.ORDER_MISSING | FindingKind.ORDER_DIFFERS:
                return self._end(finding, said, (), {})
            case _:
                assert_never(finding.kind)

    def _open(self, number: int, how: Decision) -> Finding:
        found = find_finding(self.desk.db, self.account.account_id, number)
        if found is None:
            raise Misconfigured(f"finding {number}: there is none of that number")
        finding, ended = found
        if ended is not None:
            now = [
                each.finding_id
                for each in open_findings(self.desk.db, self.account.account_id)
                if (each.kind, each.subject) == (finding.kind, finding.subject)
            ]
            told = f"; the difference is another by now: look at finding {now[0]} and decide that" if now else ""
            raise Misconfigured(f"finding {number}: it ended as {ended}{told}")
        fitting = FITTING[finding.kind]
        came = Decimal(finding.evidence.get("difference", 0)) if finding.kind is FindingKind.BOOKS_DIFFER else None
        if came is not None:
            wrong = Decision.WITHDRAWAL if came > 0 else Decision.DEPOSIT
            fitting = tuple(each for each in fitting if each is not wrong)
        if how not in fitting:
            raise Misconfigured(f"--as: a finding of {finding.kind} is one of {', '.join(fitting)}, not {how}")
        return finding

    def _balance(self, finding: Finding, said: Said, seen: tuple[Comparison, datetime]) -> Mapping[str, Any]:
        """The difference that was found goes into the books, as what the person said; the same as it is now."""
        compared, until = seen
        if compared.equal is None:
            raise Unavailable("; ".join(compared.differences))
        self._require_settled(finding)
        currency, change = finding.subject, Decimal(finding.evidence["difference"])
        source, at = f"resolve:{finding.finding_id}", self.desk.clock.now()
        upto = {"until": until.isoformat()}
        if currency == "KRW":
            if said.how is Decision.ADJUSTMENT:
                return self._adjust(finding, said, change, upto)
            return self._end(finding, said, (Booking(source=source, at=at, krw=change),), upto)
        return self._end(finding, said, tuple(self._coins(source, currency, change)), upto)

    def _require_settled(self, finding: Finding) -> None:
        """Nothing is under way that may be what differs; what is unexplained of that currency is decided first."""
        waiting = [each.identifier for each in unsettled_orders(self.desk.db, self.account.account_id)]
        if waiting:
            raise Unavailable(f"not at their end yet: {', '.join(waiting)}: wait, then look and decide again")
        for each in open_findings(self.desk.db, self.account.account_id):
            if each.kind is FindingKind.UNEXPLAINED and finding.subject in _touched(each):
                raise Misconfigured(
                    f"finding {each.finding_id} is about {finding.subject} too, and unexplained: decide that first"
                )

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
        bid = self._worth(held.market)
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

    def _worth(self, market: Market) -> Price | None:
        """The bid; in a market that left the venue the last price less 20 %, as it is valued (trading.md)."""
        try:
            return self.bid(market)
        except UnknownMarket:
            return delisted_price(self.desk.db, self.account.feed, market)

    def _adjust(self, finding: Finding, said: Said, change: Decimal, upto: Mapping[str, str]) -> Mapping[str, Any]:
        """Won that are nobody's flow: they count as a result, not as money that was brought."""
        key, at = self.account.account_id, self.desk.clock.now()
        source = f"resolve:{finding.finding_id}"
        lines = tuple(
            Posting(source=source, book=book, currency="KRW", amount=amount, at=at)
            for book, amount in ((Book.ASSETS, change), (Book.ADJUSTMENT, -change))
            if change
        )
        detail = {"adjusted": plain(change), **upto}
        with self.desk.db.transaction():
            self.desk.lease.check()
            put_postings(self.desk.db, key, lines)
            self._keeper.end(finding, self._decision(said, detail))
        return detail

    def _aside(self, finding: Finding, said: Said) -> Mapping[str, Any]:
        """The event is never booked: what it changed is a difference of the balances, to be decided there."""
        chosen = [_event(finding)]  # as it was found: by now the venue may not show it any more
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

    def _end(
        self, finding: Finding, said: Said, bookings: tuple[Booking, ...], more: Mapping[str, str]
    ) -> Mapping[str, Any]:
        keeper, detail = self._keeper, {**told(bookings), **more}
        with self.desk.db.transaction():
            self.desk.lease.check()
            if finding.kind in (FindingKind.ORDER_MISSING, FindingKind.ORDER_DIFFERS):
                # It may be a person's order that is gone, or cannot be judged: nobody looks for it any more.
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


def _touched(finding: Finding) -> frozenset[str]:
    """The currencies that an unexplained event moved."""
    market = finding.evidence.get("market")
    sides = () if market is None else (base_of(Market(market)), quote_of(Market(market)))
    return frozenset((finding.currency or "", *sides))


def _event(finding: Finding) -> Event:
    """The event that nobody could explain, from the evidence that was kept of it."""
    told, at = finding.evidence, datetime.fromisoformat(finding.evidence["at"])
    if "order" not in told:
        return Moved(
            source=finding.subject,
            currency=told["currency"],
            amount=Decimal(told["amount"]),
            at=at,
            evidence={"laid_aside": str(finding.finding_id)},
        )
    return Traded(
        source=finding.subject,
        order=told["order"],
        market=Market(told["market"]),
        side=Side(told["side"]),
        price=Decimal(told.get("price", "0")),
        volume=Decimal(told["volume"]),
        funds=Decimal(told.get("funds", "0")),
        fee=Decimal(told.get("fee", "0")),
        at=at,
    )


def _taken(fill: Fill) -> tuple[Posting, ...]:
    """The won that the fill of coins that left would have brought: the person has them."""
    return cash_postings(f"{fill.trade_uuid}:taken", -fill.funds, fill.at)


def _renamed(booking: Booking, source: str) -> Booking:
    shrink = booking.shrink
    if shrink is not None:
        shrink = replace(shrink, fill=replace(shrink.fill, trade_uuid=source))
    return replace(booking, source=source, shrink=shrink)
