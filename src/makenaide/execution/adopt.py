"""Adopting: coins of the person become a position of the system, with a stop, at the price of this moment.

The position's cost is what the coins cost the person (unknown: what they are worth now); its exits measure from the
bid at which it was taken over, so that an old price neither sells it at once nor counts as a gain to be taken. To the
account's return the coins are money that was brought: their worth now.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from makenaide.domain.clock import kst
from makenaide.domain.errors import Misconfigured
from makenaide.domain.intent import PERSON, StoredOrder
from makenaide.domain.market import Market, base_of, minimum_total, quote_of, round_up
from makenaide.domain.money import Krw, Price, Quantity, plain
from makenaide.domain.order import (
    Identifier,
    Leg,
    OrderRequest,
    OrderType,
    PositionId,
    Side,
    position_id,
)
from makenaide.domain.reason import Exit
from makenaide.exchange.venue import Quotation
from makenaide.execution.reconcile.book import postings, put_closed
from makenaide.execution.reconcile.facts import Booking
from makenaide.execution.submit import Desk
from makenaide.ledger.fees import EXACT_DIGITS
from makenaide.ledger.fill import Fill
from makenaide.ledger.lots import Lot, LotChange
from makenaide.ledger.postings import Book, Posting, fill_postings
from makenaide.risk.settings import RiskSettings
from makenaide.store.accounts import Account
from makenaide.store.db import Database
from makenaide.store.journal import JournalFill, StoredStop, put_fill, put_postings, put_stop
from makenaide.store.orders import orders_of_position
from makenaide.store.reconciliation import lots, put_lots

LEAST_PERCENT = Decimal(1)
"""The nearest stop below the bid that may be asked for, in percent; the farthest is the risk room's `hard_high`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """What was taken over: the position, its quantity and cost, the bid it was taken over at, and its stop."""

    position: PositionId
    quantity: Quantity
    cost: Krw
    bid: Price
    stop: Price


@dataclass(frozen=True, slots=True)
class Declined:
    """Why nothing was taken over."""

    cause: str


def require_percent(percent: Decimal, risk: RiskSettings) -> None:
    """`Misconfigured` unless the stop lies within the limits that hold for every position."""
    most = risk.hard_high * 100
    if not LEAST_PERCENT <= percent <= most:
        raise Misconfigured(f"--stop: expected {LEAST_PERCENT} to {plain(most)} percent, got {plain(percent)}")


def price_now(quotes: Quotation, market: Market) -> Price | None:
    """The best bid; None when nobody bids. Raises `Unavailable` and `UnknownMarket`."""
    return quotes.books([market], depth=1)[market].best_bid


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """Takes over the person's coins for one account."""

    desk: Desk
    account: Account
    risk: RiskSettings

    def adopt(self, market: Market, percent: Decimal, bid: Price | None, wished: Decimal) -> Adopted | Declined:
        """All of the person's coins of `market`, if they are `wished`; call it in a transaction, lease checked.

        Raises `Unavailable` when the venue does not tell whether an order of the person's holds some of them.
        """
        lot = lots(self.desk.db, self.account.account_id).get(base_of(market), Lot())
        if quote_of(market) != "KRW" or not lot.quantity:
            return Declined(f"the account holds no coins of the person in {market}")
        if lot.quantity != wished:
            now, then = plain(lot.quantity), plain(wished)
            return Declined(f"{market}: the person's coins are {now} now, {then} were meant: wish it again")
        if bid is None:
            return Declined(f"{market}: nobody bids")
        balance = self.desk.venue.accounts().get(base_of(market))
        if balance is not None and balance.locked:
            return Declined(f"{market}: {plain(balance.locked)} are locked in an open order: cancel it first")
        quantity = Quantity(lot.quantity).share(Decimal(1))  # what the venue trades: further digits stay behind
        if (bid * quantity).value < minimum_total(market):
            return Declined(f"{market}: worth less than the venue's minimum order")
        at = self.desk.clock.now()
        key = free_position(self.desk.db, self.account.account_id, market, at)
        known = lot.part(quantity.value)
        cost = Krw(known) if known else bid * quantity
        self._enter(key, market, (quantity, cost, bid), (at, percent))
        self._pass_on(key, base_of(market), (quantity, cost, bid * quantity), (at, lot))
        stop = round_up(market, bid.scale(1 - percent / 100).value, kst(at).date())
        first = StoredStop(at=at, price=stop, kind=Exit.HARD_STOP, high_water=bid)
        put_stop(self.desk.db, self.account.account_id, key, first)
        return Adopted(position=key, quantity=quantity, cost=cost, bid=bid, stop=stop)

    def _enter(
        self,
        key: PositionId,
        market: Market,
        size: tuple[Quantity, Krw, Price],
        about: tuple[datetime, Decimal],
    ) -> None:
        """The position's entry in the books: an order that nobody sent, at its end, with one fill."""
        (quantity, cost, bid), (at, percent) = size, about
        source = f"adopt:{key}"
        order = StoredOrder(
            request=OrderRequest(
                market=market, side=Side.BID, type=OrderType.MARKET, identifier=Identifier(f"manual-{source}")
            ),
            account_id=self.account.account_id,
            position_id=key,
            decision_id=None,
            leg=Leg.MANUAL,
            number=1,
            reason="entry",
            evidence={
                # The hard stop that the risk room makes of it is as far away as the person asked for.
                "atr_percent": plain(percent / self.risk.hard_multiple),
                "adopted_at": str(bid),
                "stop_percent": plain(percent),
            },
            created_at=at,
            sender=PERSON,
        )
        put_closed(self.desk.db, order, source)
        with localcontext(prec=EXACT_DIGITS):
            price = Price((cost.value / quantity.value).quantize(Decimal("1e-16")))
        fill = Fill(
            trade_uuid=source,
            identifier=order.identifier,
            market=market,
            side=Side.BID,
            price=price,
            volume=quantity,
            funds=cost,
            fee=Krw(0),
            at=at,
        )
        entry = JournalFill(fill=fill, position_id=key, reason=order.reason)
        put_fill(self.desk.db, self.account.account_id, entry, fill_postings(fill))

    def _pass_on(
        self, key: PositionId, currency: str, money: tuple[Quantity, Krw, Krw], about: tuple[datetime, Lot]
    ) -> None:
        """The coins leave the person's book, and the won of the entry are the person's: no won moved at the venue."""
        (quantity, cost, worth), (at, lot) = money, about
        part = lot.part(quantity.value)
        spent = None if part is None else -part
        change = LotChange(currency=currency, quantity=-quantity.value, cost=spent)
        source = f"adopt:{key}:lot"
        put_postings(
            self.desk.db, self.account.account_id, postings(Booking(source=source, at=at, lots=(change,)))
        )
        put_lots(self.desk.db, self.account.account_id, source, (change,), at)
        lines = (
            (Book.ASSETS, cost.value),
            (Book.CAPITAL, -worth.value),
            (Book.ADJUSTMENT, worth.value - cost.value),
        )
        put_postings(
            self.desk.db,
            self.account.account_id,
            [
                Posting(source=f"adopt:{key}:won", book=book, currency="KRW", amount=amount, at=at)
                for book, amount in lines
                if amount
            ],
        )


def free_position(db: Database, account_id: str, market: Market, at: datetime) -> PositionId:
    """The position of `at`, or of the first later minute that has none yet in that market."""
    while orders_of_position(db, account_id, key := position_id(market, at)):
        at += timedelta(minutes=1)
    return key
