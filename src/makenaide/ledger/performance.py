"""Performance: time-weighted return, drawdown, worst trade, months, and what the closed trades tell.

Source: mission.md, E1-E3; trading.md, Truth. A deposit counts as made at the start of the period that ends at its
point, a withdrawal as made at its end, and periods are linked (daily valuation), so that money coming or going is
never taken for profit or loss; and as a period is measured by all that was at work in it, an owner who takes nearly
everything out turns no small loss into a big one (G7 would halt buying for it). All ratios: 0.05 = 5 %.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from makenaide.domain.clock import kst
from makenaide.domain.errors import Inconsistent
from makenaide.domain.money import ZERO_KRW, Krw, Price
from makenaide.domain.order import PositionId
from makenaide.ledger.position import ClosedTrade

_ONE = Decimal(1)
_ZERO = Decimal(0)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """The account's worth at `at` (aware), and what flowed in (+) or out (-) since the point before.

    The flow of the first point is its starting capital, already within its equity.
    """

    at: datetime
    equity: Krw
    flow: Krw = ZERO_KRW


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """The deepest fall from a peak, as a ratio of it (0.1 = 10 %); both moments equal when there was none."""

    depth: Decimal
    peak_at: datetime
    trough_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeStatistics:
    """What the closed trades tell; None where there is nothing to divide by.

    A trade that came out even is neither a win nor a loss. `profit_factor` = won / lost; `expectancy` = mean
    profit of a trade in won; `mean_gain` = mean of the trades' own ratios.
    """

    count: int
    wins: int
    losses: int
    win_rate: Decimal | None
    profit_factor: Decimal | None
    expectancy: Krw | None
    mean_gain: Decimal | None
    mean_days: Decimal | None
    pnl: Krw
    fees: Krw


def period_returns(points: Sequence[EquityPoint]) -> tuple[Decimal, ...]:
    """The return of each period between neighbouring points: (equity + withdrawn) / (equity before + deposited) - 1.

    A period that starts with nothing (or less) has no return: zero, whatever came of it. What comes of nothing is
    no result of trading (a last digit booked late, a flow learnt of a slot later), no ratio can tell it, and a raise
    here would end the cycle of an account from which a person took everything. `Inconsistent` when times do not
    ascend.
    """
    return tuple(_period(before, point) for before, point in pairwise(points))


def _period(before: EquityPoint, point: EquityPoint) -> Decimal:
    if point.at <= before.at:
        raise Inconsistent(f"equity at {point.at.isoformat()} does not follow {before.at.isoformat()}")
    start = before.equity + max(point.flow, ZERO_KRW)
    end = point.equity - min(point.flow, ZERO_KRW)
    return end.value / start.value - _ONE if start.value > 0 else _ZERO


def growth(points: Sequence[EquityPoint]) -> tuple[Decimal, ...]:
    """The worth over time of 1 invested at the first point, flows taken out; empty for no points."""
    curve = [_ONE] if points else []
    for each in period_returns(points):
        curve.append(curve[-1] * (_ONE + each))
    return tuple(curve)


def time_weighted_return(points: Sequence[EquityPoint]) -> Decimal:
    """The return from the first to the last point as if nothing had flowed; zero for fewer than two points."""
    curve = growth(points)
    return curve[-1] - _ONE if curve else _ZERO


def month_returns(points: Sequence[EquityPoint]) -> Mapping[str, Decimal]:
    """The time-weighted return of each KST month, "2026-01" first to last.

    A period belongs to the month in which it ends; ending on the month's very first instant, to the one before.
    """
    months: dict[str, Decimal] = {}
    for point, each in zip(points[1:], period_returns(points), strict=True):
        month = f"{kst(point.at - _INSTANT):%Y-%m}"
        months[month] = (_ONE + months.get(month, _ZERO)) * (_ONE + each) - _ONE
    return months


def month_to_date(points: Sequence[EquityPoint], now: datetime) -> Decimal:
    """The time-weighted return of `now`'s KST month so far; zero when no period has ended in it."""
    return month_returns(points).get(f"{kst(now):%Y-%m}", _ZERO)


def rolling_return(points: Sequence[EquityPoint], days: int) -> Decimal:
    """The time-weighted return of the last `days` days before the last point, or of all there is."""
    if not points:
        return _ZERO
    since = points[-1].at - timedelta(days=days)
    return time_weighted_return([point for point in points if point.at >= since])


def drawdowns(points: Sequence[EquityPoint]) -> tuple[Decimal, ...]:
    """At each point the fall from the highest growth so far (0 at a peak); flows neither make nor hide one."""
    peak, falls = _ZERO, []
    for worth in growth(points):
        peak = max(peak, worth)
        falls.append(_ONE - worth / peak if peak else _ZERO)
    return tuple(falls)


def drawdown_now(points: Sequence[EquityPoint]) -> Decimal:
    """The present fall from the peak: what G7's brake looks at; zero for no points."""
    falls = drawdowns(points)
    return falls[-1] if falls else _ZERO


def standing(points: Sequence[EquityPoint]) -> tuple[Decimal, Decimal]:
    """`time_weighted_return` and `drawdown_now` in one walk, for whoever asks at each slot."""
    curve = growth(points)
    if not curve:
        return _ZERO, _ZERO
    return curve[-1] - _ONE, _ONE - curve[-1] / max(curve)


def maximum_drawdown(points: Sequence[EquityPoint]) -> Drawdown | None:
    """The account's deepest peak-to-trough fall, the earliest of equals; None for no points."""
    if not points:
        return None
    falls, curve = drawdowns(points), growth(points)
    trough = falls.index(max(falls))
    peak = curve.index(max(curve[: trough + 1]))
    return Drawdown(depth=falls[trough], peak_at=points[peak].at, trough_at=points[trough].at)


def worst_trade(
    closed: Iterable[ClosedTrade], still_open: Mapping[PositionId, Decimal]
) -> tuple[PositionId, Decimal] | None:
    """The position with the lowest return, closed or still open (its unrealised ratio); None without any.

    The second of E3's two numbers: a trade's own loss, told apart from the account's drawdown.
    """
    gains = [*((trade.position, trade.gain) for trade in closed), *still_open.items()]
    return min(gains, key=lambda each: (each[1], each[0]), default=None)


def buy_and_hold(prices: Sequence[Price]) -> Decimal:
    """The return of buying at the first price and holding to the last, before costs; zero for fewer than two."""
    return prices[-1] / prices[0] - _ONE if prices else _ZERO


def exposure(invested: Krw, equity: Krw) -> Decimal | None:
    """The share of the account that stands in coins; None without equity."""
    return invested.value / equity.value if equity.value > 0 else None


def statistics(trades: Sequence[ClosedTrade]) -> TradeStatistics:
    """Wins, losses and means of the closed trades, all net of fees."""
    count = len(trades)
    won = [trade.pnl.value for trade in trades if trade.pnl.value > 0]
    lost = [trade.pnl.value for trade in trades if trade.pnl.value < 0]
    total = sum((trade.pnl for trade in trades), ZERO_KRW)
    gains = sum((trade.gain for trade in trades), _ZERO)
    days = sum(trade.holding_days for trade in trades)
    return TradeStatistics(
        count=count,
        wins=len(won),
        losses=len(lost),
        win_rate=Decimal(len(won)) / count if count else None,
        profit_factor=sum(won, _ZERO) / -sum(lost, _ZERO) if lost else None,
        expectancy=Krw(total.value / count) if count else None,
        mean_gain=gains / count if count else None,
        mean_days=Decimal(days) / count if count else None,
        pnl=total,
        fees=sum((trade.fees for trade in trades), ZERO_KRW),
    )
