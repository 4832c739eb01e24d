"""The judge: pure. Three verdicts on everything: same, explained (booked as what it is), unknown (a finding).

It never guesses: a change that no order and no transfer tells of is unknown, and so is a trade or a withdrawal of
more than the books hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import assert_never

from makenaide.domain.market import Market, base_of, quote_of
from makenaide.domain.money import Krw, Price, Quantity, plain
from makenaide.domain.order import Identifier, Side
from makenaide.execution.reconcile.facts import (
    Booking,
    Cause,
    Dust,
    Event,
    Explained,
    Held,
    Moved,
    Same,
    Shrink,
    Standing,
    Traded,
    Unknown,
)
from makenaide.execution.reconcile.rounding import Allowance
from makenaide.ledger.fees import EXACT_DIGITS, FEE_STEP
from makenaide.ledger.fill import Fill
from makenaide.ledger.lots import Lot, LotChange
from makenaide.ledger.postings import Difference
from makenaide.store.reconciliation import FindingKind

ZERO = Decimal(0)


# ---- events ----


def judge_events(events: Iterable[Event], standing: Standing) -> tuple[Explained | Unknown, ...]:
    """A verdict on each of `events`, in the order of their happening, from the books as they stand before them."""
    verdicts = []
    for event in sorted(events, key=lambda each: (each.at, isinstance(each, Traded), each.source)):
        verdict = judge_event(event, standing)
        if isinstance(verdict, Explained):
            for booking in verdict.bookings:
                standing = after(standing, booking)
        verdicts.append(verdict)
    return tuple(verdicts)


def judge_event(event: Event, standing: Standing) -> Explained | Unknown:
    """What `event` is, given the books as they stand before it."""
    with localcontext(prec=EXACT_DIGITS):
        match event:
            case Moved():
                return _moved(event, standing)
            case Traded(side=Side.BID):
                return _bought(event, standing)
            case Traded():
                return _sold(event, standing)
            case _:
                assert_never(event)


def _moved(event: Moved, standing: Standing) -> Explained | Unknown:
    cause = Cause.DEPOSIT if event.amount > 0 else Cause.WITHDRAWAL
    if event.currency == "KRW":
        booking = Booking(source=event.source, at=event.at, krw=event.amount)
        return Explained(cause=cause, event=event, bookings=(booking,))
    change = _change(event.currency, event.amount, standing)
    if change is None:
        return _beyond(event, event.currency, standing)
    return Explained(
        cause=cause, event=event, bookings=(Booking(source=event.source, at=event.at, lots=(change,)),)
    )


def _bought(event: Traded, standing: Standing) -> Explained | Unknown:
    """A buy in the app makes a lot of the person's; its won are what the person took out of the account."""
    coin, quote = base_of(event.market), quote_of(event.market)
    paid = event.funds + event.fee
    if quote == "KRW":
        lot = LotChange(currency=coin, quantity=event.volume, cost=paid)
        booking = Booking(source=event.source, at=event.at, krw=-paid, lots=(lot,))
        return Explained(cause=Cause.MANUAL_BUY, event=event, bookings=(booking,))
    return _swapped(event, Cause.MANUAL_BUY, ((coin, event.volume), (quote, -paid)), standing)


def _sold(event: Traded, standing: Standing) -> Explained | Unknown:
    """A sale in the app takes the person's coins first, then ours, the oldest position first."""
    coin, quote = base_of(event.market), quote_of(event.market)
    if quote != "KRW":
        got = ((coin, -event.volume), (quote, event.funds - event.fee))
        return _swapped(event, Cause.MANUAL_SELL, got, standing)
    parts = _parts(event, standing)
    if parts is None:
        return _beyond(event, coin, standing)
    bookings, left = [], (event.funds, event.fee)
    for number, (holder, volume) in enumerate(parts, 1):
        money = left if number == len(parts) else _share(event, volume)
        left = (left[0] - money[0], left[1] - money[1])
        source = event.source if number == 1 else f"{event.source}#{number}"
        bookings.append(_sale(event, source, (holder, volume), (money, standing)))
    return Explained(cause=Cause.MANUAL_SELL, event=event, bookings=tuple(bookings))


def _swapped(
    event: Traded, cause: Cause, moves: Sequence[tuple[str, Decimal]], standing: Standing
) -> Explained | Unknown:
    """A trade of coins for coins: of the person's alone, and no price in won is known for them."""
    changes = []
    for currency, amount in moves:
        change = _change(currency, amount, standing)
        if change is None:
            return _beyond(event, currency, standing)
        changes.append(change)
    booking = Booking(source=event.source, at=event.at, lots=tuple(each for each in changes if each.quantity))
    return Explained(cause=cause, event=event, bookings=(booking,))


def _change(currency: str, amount: Decimal, standing: Standing) -> LotChange | None:
    """The change of the person's lot; None when more would go than is there."""
    lot = standing.lots.get(currency, Lot())
    if amount >= 0:
        return LotChange(currency=currency, quantity=amount, cost=None)
    if -amount > lot.quantity:
        return None
    cost = lot.part(-amount)
    return LotChange(currency=currency, quantity=amount, cost=None if cost is None else -cost)


def _parts(event: Traded, standing: Standing) -> Sequence[tuple[Held | None, Decimal]] | None:
    """Who sold how much: the person (None) first, then our positions; None when the books held less then.

    A position that did not exist yet sold nothing: the venue stamps trades to the second, so within one it did.
    """
    left = event.volume
    lot = standing.lots.get(base_of(event.market), Lot())
    owners: list[tuple[Held | None, Decimal]] = [(None, lot.quantity)]
    owners += [
        (each, each.quantity.value)
        for each in standing.positions
        if each.market == event.market and each.opened_at.replace(microsecond=0) <= event.at
    ]
    parts: list[tuple[Held | None, Decimal]] = []
    for owner, has in owners:
        part = min(left, has)
        if part:
            parts.append((owner, part))
            left -= part
    return None if left else parts


def _share(event: Traded, volume: Decimal) -> tuple[Decimal, Decimal]:
    """What of funds and fee belongs to `volume`, truncated: the last part takes the rest."""
    shares = (money * volume / event.volume for money in (event.funds, event.fee))
    funds, fee = (share.quantize(FEE_STEP, ROUND_DOWN) for share in shares)
    return funds, fee


def _sale(
    event: Traded,
    source: str,
    part: tuple[Held | None, Decimal],
    about: tuple[tuple[Decimal, Decimal], Standing],
) -> Booking:
    (holder, volume), ((funds, fee), standing) = part, about
    if holder is None:
        change = _change(base_of(event.market), -volume, standing)
        assert change is not None  # noqa: S101 - `_parts` took no more than is there
        return Booking(source=source, at=event.at, krw=funds - fee, lots=(change,))
    fill = Fill(
        trade_uuid=source,
        identifier=manual_identifier(event.order),
        market=event.market,
        side=Side.ASK,
        price=Price(event.price),
        volume=Quantity(volume),
        funds=Krw(funds),
        fee=Krw(fee),
        at=event.at,
    )
    shrink = Shrink(position_id=holder.position_id, fill=fill, order=event.order)
    return Booking(source=source, at=event.at, shrink=shrink)


def manual_identifier(order: str, number: int = 1) -> Identifier:
    """The name of the row of a person's order in our books: `number` counts the positions that it took coins from."""
    return Identifier(f"manual-{order}" if number == 1 else f"manual-{order}-{number}")


def _beyond(event: Event, currency: str, standing: Standing) -> Unknown:
    lot = standing.lots.get(currency, Lot())
    ours = sum((each.quantity.value for each in standing.positions if base_of(each.market) == currency), ZERO)
    evidence = {
        "because": "the books held less than went",
        "currency": currency,
        "persons": plain(lot.quantity),
        "ours": plain(ours),
        **_told(event),
    }
    return Unknown(
        kind=FindingKind.UNEXPLAINED,
        subject=event.source,
        currency=currency,
        market=market_of(currency),
        evidence=evidence,
    )


def _told(event: Event) -> dict[str, str]:
    match event:
        case Moved():
            return {"amount": plain(event.amount), "at": event.at.isoformat(), **event.evidence}
        case Traded():
            return {
                "order": event.order,
                "market": event.market,
                "side": event.side,
                "volume": plain(event.volume),
                "price": plain(event.price),
                "funds": plain(event.funds),
                "fee": plain(event.fee),
                "at": event.at.isoformat(),
            }
        case _:
            assert_never(event)


def after(standing: Standing, booking: Booking) -> Standing:
    """The books once `booking` stands in them."""
    lots = dict(standing.lots)
    for change in booking.lots:
        lots[change.currency] = lots.get(change.currency, Lot()).after(change)
    positions = standing.positions
    if booking.shrink is not None:
        gone = booking.shrink
        positions = tuple(
            replace(each, quantity=each.quantity - gone.fill.volume)
            if each.position_id == gone.position_id
            else each
            for each in positions
        )
    return Standing(lots=lots, positions=positions)


# ---- balances ----


def judge_balance(apart: Difference, allowance: Allowance) -> Same | Dust | Unknown:
    """A verdict on the books' and the account's amount of one currency."""
    if apart.balance == apart.books:
        return Same(currency=apart.currency)
    lines = allowance.postings(apart)
    if lines is not None:
        return Dust(currency=apart.currency, lines=lines)
    with localcontext(prec=EXACT_DIGITS):
        difference = apart.balance - apart.books
    return Unknown(
        kind=FindingKind.BOOKS_DIFFER,
        subject=apart.currency,
        currency=apart.currency,
        market=market_of(apart.currency),
        evidence={
            "books": plain(apart.books),
            "account": plain(apart.balance),
            "difference": plain(difference),
        },
    )


def judge_balances(
    held: Mapping[str, Decimal], balances: Mapping[str, Decimal], allowance: Allowance
) -> tuple[Same | Dust | Unknown, ...]:
    """A verdict on each currency that either side knows, in their order."""
    return tuple(
        judge_balance(
            Difference(currency=each, books=held.get(each, ZERO), balance=balances.get(each, ZERO)), allowance
        )
        for each in sorted({*held, *balances})
    )


def market_of(currency: str) -> Market | None:
    """The market that a doubt about `currency` closes; None for won, which closes the account."""
    return None if currency == "KRW" else Market(f"KRW-{currency}")
