"""What the account is worth: free won plus our lots at the best bid (trading.md, Sizing)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from makenaide.domain.market import Market
from makenaide.domain.money import ZERO_KRW, Krw, Price
from makenaide.exchange.venue import Quotation
from makenaide.execution.portfolio import open_positions
from makenaide.ledger.performance import EquityPoint
from makenaide.store.accounts import Account
from makenaide.store.candles import last_days
from makenaide.store.db import Database
from makenaide.store.journal import books, flows
from makenaide.store.runs import equity_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """The account at one moment; `positions` counts those worth more than dust, `marks` are the prices used."""

    equity: Krw
    cash: Krw
    invested: Krw
    positions: int
    marks: Mapping[Market, Price]


def value_account(db: Database, venue: Quotation, account: Account) -> Valuation:
    """The account at the venue's present best bids; where nobody bids, at the last stored close."""
    positions = open_positions(db, account.account_id)
    held = sorted({position.market for position in positions})
    seen = venue.books(held, depth=1) if held else {}
    marks: dict[Market, Price] = {}
    for market in held:
        bid = seen[market].best_bid
        marks[market] = bid or last_days(db, account.feed, market, seen[market].at, 1)[0].close
    invested = sum((marks[each.market] * each.facts.quantity for each in positions), ZERO_KRW)
    cash = Krw(books(db, account.account_id).get("KRW", 0))
    return Valuation(
        equity=cash + invested,
        cash=cash,
        invested=invested,
        positions=sum(1 for each in positions if not each.dust(marks[each.market])),
        marks=marks,
    )


def flow_since(db: Database, account: Account, since: datetime | None, until: datetime) -> Krw:
    """Money that came in (or went out) after `since` (None: ever) up to `until`."""
    moved = flows(db, account.account_id)
    return sum((amount for at, amount in moved if (since is None or at > since) and at <= until), ZERO_KRW)


def equity_points(db: Database, account: Account, present: Valuation, now: datetime) -> tuple[EquityPoint, ...]:
    """The stored equity of every slot so far and, last, the present."""
    rows = equity_rows(db, account.account_id)
    points = tuple(EquityPoint(at=row.slot, equity=row.equity, flow=row.flow) for row in rows)
    if rows and now <= rows[-1].valued_at:
        return points
    since = rows[-1].valued_at if rows else None
    return (*points, EquityPoint(at=now, equity=present.equity, flow=flow_since(db, account, since, now)))
