"""What the account is worth: free won plus our lots at the best bid (trading.md, Sizing)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from makenaide.domain.errors import Unavailable, UnknownMarket
from makenaide.domain.intent import StoredOrder
from makenaide.domain.market import Market
from makenaide.domain.money import ZERO_KRW, Krw, Price
from makenaide.domain.order import Leg
from makenaide.exchange.venue import Quotation
from makenaide.execution.portfolio import Portfolio, portfolio
from makenaide.execution.worth import DELISTED, last_close
from makenaide.ledger.performance import EquityPoint
from makenaide.store.accounts import Account
from makenaide.store.db import Database
from makenaide.store.journal import books, flows
from makenaide.store.orders import unsettled_orders
from makenaide.store.runs import EquityRow, equity_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """The account at one moment.

    `positions` counts those worth more than dust, and the entries in doubt; `pending` is what those entries may yet
    cost, fees left aside: to be counted as spent and as invested by whoever sizes. `marks` are the prices used.
    """

    equity: Krw
    cash: Krw
    invested: Krw
    pending: Krw
    positions: int
    marks: Mapping[Market, Price]


def value_account(db: Database, venue: Quotation, account: Account) -> Valuation:
    """The account at the venue's present best bids; where nobody bids, at the last stored close."""
    held_now = portfolio(db, account.account_id)
    positions, unreadable = held_now.positions, held_now.unreadable
    marks = _marks(db, venue, account, sorted(_markets_of(held_now)))
    invested = sum((marks[each.market] * each.facts.quantity for each in positions), ZERO_KRW)
    # What cannot be read is still there: its coins count, so that no equity is stored that was never so low.
    invested += sum((Krw(marks[each.market].value * each.quantity) for each in unreadable), ZERO_KRW)
    cash = Krw(books(db, account.account_id).get("KRW", 0))
    doubtful = [order for order in unsettled_orders(db, account.account_id) if order.leg is Leg.ENTRY]
    held = {each.position_id for each in positions} | {each.position_id for each in unreadable}
    return Valuation(
        equity=cash + invested,
        cash=cash,
        invested=invested,
        pending=sum((_cost(order) for order in doubtful), ZERO_KRW),
        positions=len(unreadable)
        + sum(1 for each in positions if not each.dust)
        + sum(1 for order in doubtful if order.position_id not in held),
        marks=marks,
    )


def _markets_of(held: Portfolio) -> set[Market]:
    return {each.market for each in held.positions} | {each.market for each in held.unreadable}


def _cost(order: StoredOrder) -> Krw:
    price, volume = order.request.price, order.request.volume
    return ZERO_KRW if price is None or volume is None else price * volume


def _marks(db: Database, venue: Quotation, account: Account, markets: Sequence[Market]) -> dict[Market, Price]:
    try:
        books_now = venue.books(markets, depth=1) if markets else {}
    except UnknownMarket:
        # One market that left the venue refuses the whole call: ask for each alone.
        if len(markets) == 1:
            last = _last_close(db, account, markets[0])
            return {markets[0]: last.scale(DELISTED)}
        return {code: mark for each in markets for code, mark in _marks(db, venue, account, [each]).items()}
    return {code: books_now[code].best_bid or _last_close(db, account, code) for code in markets}


def _last_close(db: Database, account: Account, market: Market) -> Price:
    close = last_close(db, account.feed, market)
    if close is None:
        raise Unavailable(f"{market}: nobody bids, and no candle is stored")
    return close


def flow_since(db: Database, account: Account, rows: Sequence[EquityRow]) -> Krw:
    """Money that came in (or went out) and is in none of `rows`, the valuations so far.

    By what was booked, not by its time: a deposit that is learnt of later than the valuation after it still counts,
    once, and never as profit (E2).
    """
    moved = sum((amount for _, amount in flows(db, account.account_id)), ZERO_KRW)
    return moved - sum((row.flow for row in rows), ZERO_KRW)


def equity_points(db: Database, account: Account, present: Valuation, now: datetime) -> tuple[EquityPoint, ...]:
    """The stored equity of every slot so far and, last, the present."""
    rows = equity_rows(db, account.account_id)
    points = tuple(EquityPoint(at=row.slot, equity=row.equity, flow=row.flow) for row in rows)
    if rows and now <= rows[-1].valued_at:
        return points
    return (*points, EquityPoint(at=now, equity=present.equity, flow=flow_since(db, account, rows)))
