"""The report of an account, made of stored rows alone: what a person wants to know of a run.

A pure reading: the same rows give the same report, byte for byte; nothing in it depends on the machine.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from makenaide.domain.clock import kst
from makenaide.domain.money import ZERO_KRW, Krw, Price
from makenaide.domain.order import PositionId
from makenaide.domain.reason import SIGNAL_REFUSALS, Exit, Refusal
from makenaide.execution.portfolio import Position, open_positions
from makenaide.ledger.performance import (
    EquityPoint,
    TradeStatistics,
    buy_and_hold,
    maximum_drawdown,
    month_returns,
    month_to_date,
    rolling_return,
    statistics,
    time_weighted_return,
    worst_trade,
)
from makenaide.ledger.position import ClosedTrade, closed_trade
from makenaide.store.accounts import Account
from makenaide.store.db import Database
from makenaide.store.journal import all_fills, flaws, total_fees
from makenaide.store.orders import unsettled_orders
from makenaide.store.runs import EquityRow, equity_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosition:
    """A position that is still held at the end, marked at the last valuation's price."""

    position: PositionId
    market: str
    opened: datetime
    entry: Price
    quantity: str
    mark: Price | None
    value: Krw | None
    gain: Decimal | None
    stop: Price
    stop_kind: Exit
    high_water: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSignal:
    """A market that broke out and was not bought."""

    slot: datetime
    market: str
    refusal: Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The figures of the whole run; ratios: 0.05 = 5 %. Everything None where there is nothing to tell it from.

    Up to the last valuation: `month_to_date` of its KST month, `rolling_30` of the 30 days before it (E2).
    """

    start: Krw
    end: Krw
    deposited: Krw
    time_weighted: Decimal
    month_to_date: Decimal
    rolling_30: Decimal
    bitcoin: Decimal | None
    drawdown: Decimal
    drawdown_peak: datetime | None
    drawdown_trough: datetime | None
    worst_trade: Decimal | None
    worst_position: PositionId | None
    months: dict[str, Decimal]
    fees: Krw


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it. `stamp` says what the prices were: "generated", "replayed" or "real"."""

    stamp: str
    account: Account
    finished: bool
    first_slot: datetime | None
    last_slot: datetime | None
    days: int
    markets: int
    runs: dict[str, int]
    gate_open_days: int
    gate_shut_days: int
    equity: tuple[EquityRow, ...]
    result: Result | None
    statistics: TradeStatistics
    trades: tuple[ClosedTrade, ...]
    exits: dict[Exit, int]
    open_positions: tuple[OpenPosition, ...]
    refusals: dict[Refusal, int]
    signals: tuple[RefusedSignal, ...]
    unsettled: tuple[str, ...]
    alarms: dict[str, int]
    flaws: tuple[str, ...]


_STAMPS = {"simulator": "generated", "replay": "replayed", "upbit": "real"}


def build_report(db: Database, account: Account) -> Report:
    """Read everything in one snapshot of the database."""
    with db.snapshot():
        key = account.account_id
        rows = equity_rows(db, key)
        trades = closed_trades(db, key)
        held = _open(db, account)
        counts = {row.refusal: row.many for row in db.rows("decision_counts", account_id=key)}
        runs = {row.status: row.many for row in db.rows("run_counts", account_id=key)}
        gates = {row.open: row.many for row in db.rows("gate_days", account_id=key)}
        newest = rows[-1].slot if rows else None
        return Report(
            stamp=_STAMPS[account.venue],
            account=account,
            finished=account.last_slot is not None and newest == account.last_slot,
            first_slot=account.first_slot,
            last_slot=newest,
            days=(newest - rows[0].slot).days if newest is not None else 0,
            markets=_markets(db, account),
            runs=runs,
            gate_open_days=gates.get(True, 0),
            gate_shut_days=gates.get(False, 0),
            equity=rows,
            result=_result(db, key, rows, (trades, held)) if rows else None,
            statistics=statistics(trades),
            trades=trades,
            exits=_exits(db, key),
            open_positions=held,
            refusals=_refusals(db, key, counts),
            signals=_signals(db, key),
            unsettled=tuple(order.identifier for order in unsettled_orders(db, key)),
            alarms=_alarms(db, key),
            flaws=flaws(db, key),
        )


def closed_trades(db: Database, account_id: str) -> tuple[ClosedTrade, ...]:
    """Every position that was entered and left again, in the order of its closing."""
    closed = []
    for position, group in groupby(all_fills(db, account_id), key=lambda each: each.position_id):
        entries = tuple(group)
        balance = sum(
            (each.fill.volume.value * (1 if each.fill.side == "bid" else -1) for each in entries), Decimal(0)
        )
        if balance == 0:
            reasons = list(dict.fromkeys(each.reason for each in entries if each.reason != "entry"))
            exits = [Exit(reason) for reason in reasons]
            closed.append(closed_trade(position, [each.fill for each in entries], exits))
    return tuple(sorted(closed, key=lambda trade: (trade.closed, trade.position)))


def _result(
    db: Database,
    account_id: str,
    rows: tuple[EquityRow, ...],
    known: tuple[tuple[ClosedTrade, ...], tuple[OpenPosition, ...]],
) -> Result:
    trades, held = known
    points = [EquityPoint(at=row.slot, equity=row.equity, flow=row.flow) for row in rows]
    fall = maximum_drawdown(points)
    worst = worst_trade(trades, {each.position: each.gain for each in held if each.gain is not None})
    bitcoin = [Price(row.bitcoin) for row in rows if row.bitcoin is not None]
    return Result(
        start=rows[0].equity,
        end=rows[-1].equity,
        deposited=sum((row.flow for row in rows), ZERO_KRW),
        time_weighted=time_weighted_return(points),
        month_to_date=month_to_date(points, rows[-1].slot),
        rolling_30=rolling_return(points, 30),
        bitcoin=buy_and_hold(bitcoin) if bitcoin else None,
        drawdown=fall.depth if fall else Decimal(0),
        drawdown_peak=fall.peak_at if fall else None,
        drawdown_trough=fall.trough_at if fall else None,
        worst_trade=worst[1] if worst else None,
        worst_position=worst[0] if worst else None,
        months=dict(month_returns(points)),
        fees=total_fees(db, account_id),
    )


def _open(db: Database, account: Account) -> tuple[OpenPosition, ...]:
    latest = db.row("equity_latest", account_id=account.account_id)
    marks = {} if latest is None else latest.marks
    return tuple(_shown(each, marks.get(each.market)) for each in open_positions(db, account.account_id))


def _shown(position: Position, mark: str | None) -> OpenPosition:
    price = None if mark is None else Price(mark)
    cost = position.holding.cost
    return OpenPosition(
        position=position.position_id,
        market=position.market,
        opened=position.opened_at,
        entry=position.facts.entry,
        quantity=str(position.facts.quantity),
        mark=price,
        value=None if price is None else price * position.facts.quantity,
        gain=None if price is None or not cost else position.holding.unrealised(price).value / cost.value,
        stop=position.stop.price,
        stop_kind=position.stop.kind,
        high_water=position.stop.high_water,
    )


def _exits(db: Database, account_id: str) -> dict[Exit, int]:
    """How often each rule sold, the ones that never did included; an exit order counts once, however many trades."""
    sold = {(each.fill.identifier, each.reason) for each in all_fills(db, account_id) if each.reason != "entry"}
    return {kind: sum(1 for _, reason in sold if reason == kind) for kind in Exit}


def _refusals(db: Database, account_id: str, counts: dict[str, int]) -> dict[Refusal, int]:
    """How often each rule spoke, the ones that never did included; entries that got nothing count as not filled."""
    found = {refusal: counts.get(refusal, 0) for refusal in Refusal}
    for row in db.rows("orders_unfilled", account_id=account_id):
        found[Refusal.VENUE_REFUSED if row.state == "rejected" else Refusal.NOT_FILLED] += 1
    return found


def _signals(db: Database, account_id: str) -> tuple[RefusedSignal, ...]:
    rows = db.rows("decision_signals", account_id=account_id, kinds=[str(each) for each in SIGNAL_REFUSALS])
    return tuple(RefusedSignal(slot=row.slot, market=row.market, refusal=Refusal(row.refusal)) for row in rows)


def _alarms(db: Database, account_id: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in db.rows("audit_of", account_id=account_id, action="alarm.%"):
        counts[row.action] = counts.get(row.action, 0) + 1
    return counts


def _markets(db: Database, account: Account) -> int:
    row = db.row("candle_count", feed=account.feed)
    return 0 if row is None else int(row.markets)


def shown_day(moment: datetime) -> str:
    """The KST date and minute of `moment`, as the report writes times."""
    return f"{kst(moment):%Y-%m-%d %H:%M}"
