"""E1, the daily report, and E2, the return of a month against its goal: what came of it, told from stored rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from statistics import NormalDist, mean, stdev
from typing import Any

from makenaide.domain.clock import DAY, day_start, kst, last_slot, trading_day
from makenaide.domain.money import ZERO_KRW, Krw, Price
from makenaide.domain.verdict import Verdict
from makenaide.execution.portfolio import open_positions
from makenaide.ledger.performance import (
    EquityPoint,
    buy_and_hold,
    exposure,
    growth,
    month_to_date,
    rolling_return,
    statistics,
)
from makenaide.ledger.position import hold
from makenaide.ops.checks.finding import Point, evidence, point
from makenaide.ops.checks.wording import percent, ratio, won
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Scene
from makenaide.ops.settings import OperationsSettings
from makenaide.pipeline.report import Report, build_report
from makenaide.store.db import Database, Row
from makenaide.store.journal import JournalFill, all_fills
from makenaide.store.runs import EquityRow, equity_rows

GRACE = timedelta(hours=1)
"""How long after its slot a run may still be under way (E1)."""

STALE = timedelta(days=3)
"""An account that was valued longer ago says nothing of the present (E2)."""

MONTH = 30
QUARTER = 90
FEWEST = 10
"""Daily returns below which no interval is told."""

_INSTANT = timedelta(microseconds=1)


# ---- E1 ----


def daily_report(scene: Scene) -> Evidence:
    """E1: the report of the last full trading day (09:00-09:00 KST) and of today so far, if it can be made and is
    that of the last due slot.

    FAIL from an hour after a slot on that nobody valued; UNKNOWN before the first. Amounts in won, net of fees:
    `realised` of what was sold, `unrealised` of all that is held, at the marks of the last valuation. What was traded
    in the full day is the value's "full_day".
    """
    account = scene.account_or_raise()
    since = day_start(trading_day(scene.now))
    with scene.books() as db:
        report = build_report(db, account)
        if not report.equity:
            nothing = point(Verdict.UNKNOWN, "e1_none")
            return evidence(scene, [nothing], {}, "table equity")
        value = _day(db, report, since)
        value["full_day"] = {"day": str(trading_day(since - DAY)), **_traded(db, report, since - DAY)}
    found = _timely(scene, report.equity[-1], value)
    return evidence(scene, [found], value, "tables equity, fill, decision")


def _timely(scene: Scene, newest: EquityRow, value: dict[str, Any]) -> Point:
    due = last_slot(scene.now, scene.schedule.times)
    before = last_slot(due - _INSTANT, scene.schedule.times)
    slot = f"{kst(newest.slot):%Y-%m-%d %H:%M}"
    if newest.slot > scene.now:
        return point(Verdict.UNKNOWN, "e1_future", slot=slot)
    late = newest.slot < (due if scene.now - due > GRACE else before)
    if late:
        told = {"slot": slot, "due": f"{kst(due):%Y-%m-%d %H:%M}"}
        return point(Verdict.FAIL, "e1_late", **told)
    full = value["full_day"]
    said = {
        "slot": slot,
        "day": full["day"],
        "day_realised": won(full["realised"]),
        "day_fills": full["fills"],
        "day_trades": full["trades"],
        "fills": value["fills"],
        "realised": won(value["realised"]),
        "unrealised": won(value["unrealised"]),
        "trades": value["trades"],
        "exposure": percent(value["exposure"]),
        "slippage": percent(value["slippage"]),
        "refused": sum(value["refused"].values()),
    }
    return point(Verdict.PASS, "e1_ready", **said)


def _day(db: Database, report: Report, since: datetime) -> dict[str, Any]:
    account = report.account.account_id
    newest = report.equity[-1]
    refused: dict[str, int] = {}
    for signal in report.signals:
        if signal.slot == newest.slot:
            refused[str(signal.refusal)] = refused.get(str(signal.refusal), 0) + 1
    invested = exposure(newest.equity - newest.cash, newest.equity)
    return {
        "slot": newest.slot.isoformat(),
        "equity": newest.equity.value,
        **_traded(db, report, since),
        "unrealised": _unrealised(db, account).value,
        "win_rate_ever": None if report.statistics.win_rate is None else ratio(report.statistics.win_rate),
        "exposure": None if invested is None else ratio(invested),
        "positions": len(report.open_positions),
        "refused": refused,
        "unsettled": len(report.unsettled),
        "flaws": len(report.flaws),
    }


def _traded(db: Database, report: Report, since: datetime) -> dict[str, Any]:
    """What was traded in the day that began at `since`."""
    account, until = report.account.account_id, since + DAY
    every = all_fills(db, account)
    fills = [each.fill for each in every if since <= each.fill.at < until]
    closed = statistics([trade for trade in report.trades if since <= trade.closed < until])
    slipped = slippage(db.rows("check_bought", account_id=account, since=since, until=until))
    return {
        "since": since.isoformat(),
        "realised": (realised(every, since) - realised(every, until)).value,
        "fees": sum((each.fee for each in fills), ZERO_KRW).value,
        "fills": len(fills),
        "trades": closed.count,
        "win_rate": None if closed.win_rate is None else ratio(closed.win_rate),
        "slippage": None if slipped is None else ratio(slipped),
    }


def realised(fills: Sequence[JournalFill], since: datetime) -> Krw:
    """What was gained from `since` on by selling, net of all fees; `fills` by position, as the journal gives them."""
    total = ZERO_KRW
    for _, group in groupby(fills, key=lambda each: each.position_id):
        own = [each.fill for each in group]
        before = [fill for fill in own if fill.at < since]
        total += hold(own[0].market, own).realised - hold(own[0].market, before).realised
    return total


def _unrealised(db: Database, account_id: str) -> Krw:
    """Of the positions that the last valuation has a mark for; the fee of selling is not yet paid."""
    latest = db.row("equity_latest", account_id=account_id)
    marks = {} if latest is None else latest.marks
    held = [each for each in open_positions(db, account_id) if each.market in marks]
    return sum((each.holding.unrealised(Price(marks[each.market])) for each in held), ZERO_KRW)


def slippage(bought: Sequence[Row]) -> Decimal | None:
    """By how much more than the candle's close, which the decision saw, was paid, as a ratio; by the money spent.

    None when nothing was bought on a decision (what a person handed over has no close).
    """
    priced = [row for row in bought if "close" in row.evidence]
    decided = sum((Decimal(row.evidence["close"]) * row.volume for row in priced), Decimal(0))
    return sum((row.funds for row in priced), Decimal(0)) / decided - 1 if decided else None


# ---- E2 ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Returns as ratios: ours and Bitcoin's, of the KST month so far and of the last 30 days; cash brings 0.

    `whole`: there are 30 days to look back on. `interval`: see `month_interval`.
    """

    month: Decimal
    rolling: Decimal
    bitcoin_month: Decimal | None
    bitcoin_rolling: Decimal | None
    whole: bool
    interval: tuple[float, float] | None


def month_return(scene: Scene) -> Evidence:
    """E2: the time-weighted return of a month against its goal (G6), beside Bitcoin and cash.

    PASS at the goal and below it (said so); WARN below `month_warn`, once there are 30 days to judge; FAIL in danger.
    An outcome never leads to larger bets.
    """
    account = scene.account_or_raise()
    with scene.books() as db:
        rows = equity_rows(db, account.account_id)
    if len(rows) < 2:
        few = point(Verdict.UNKNOWN, "e2_few", points=len(rows))
        return evidence(scene, [few], {"valued": len(rows)}, "table equity")
    if scene.now - rows[-1].slot > STALE:
        old = point(Verdict.UNKNOWN, "e2_stale", slot=f"{kst(rows[-1].slot):%Y-%m-%d %H:%M}")
        return evidence(scene, [old], {"valued": len(rows)}, "table equity")
    found = trend(rows, scene.now)
    value = {
        "month": ratio(found.month),
        "rolling_30": ratio(found.rolling),
        "bitcoin_month": None if found.bitcoin_month is None else ratio(found.bitcoin_month),
        "bitcoin_rolling_30": None if found.bitcoin_rolling is None else ratio(found.bitcoin_rolling),
        "cash": 0,
        "interval": None if found.interval is None else [round(each, 6) for each in found.interval],
        "goal": scene.settings.month_goal,
        "whole_month": found.whole,
        "valued": len(rows),
    }
    return evidence(scene, [judge_month(found, scene.settings)], value, "table equity")


def judge_month(found: Trend, settings: OperationsSettings) -> Point:
    """By the bands of G6, which are about a month: of 30 days; in danger and at the goal the KST month, too."""
    low, high = found.interval or (None, None)
    said = {
        "month": percent(found.month),
        "rolling": percent(found.rolling),
        "bitcoin": percent(found.bitcoin_rolling),
        "goal": percent(settings.month_goal),
        "low": "-" if low is None else f"{low * 100:.2f}",
        "high": "-" if high is None else f"{high * 100:.2f}",
    }
    if min(found.month, found.rolling) < settings.month_danger:
        return point(Verdict.FAIL, "e2_danger", **said)
    if max(found.month, found.rolling) >= settings.month_goal:
        return point(Verdict.PASS, "e2_goal", **said)
    if found.whole and found.rolling < settings.month_warn:
        return point(Verdict.WARN, "e2_weak", **said)
    return point(Verdict.PASS, "e2_below", **said)


def trend(rows: Sequence[EquityRow], now: datetime) -> Trend:
    """The returns up to the last of `rows` (two at least), as of `now` (UTC)."""
    points = [EquityPoint(at=row.slot, equity=row.equity, flow=row.flow) for row in rows]
    last = rows[-1].slot
    begun = [row for row in rows if _month(row.slot - _INSTANT) == _month(now)]
    before = [row for row in rows if _month(row.slot - _INSTANT) < _month(now)]
    recent = [row for row in rows if row.slot >= last - timedelta(days=MONTH)]
    return Trend(
        month=month_to_date(points, now),
        rolling=rolling_return(points, MONTH),
        bitcoin_month=_bitcoin([*before[-1:], *begun]),
        bitcoin_rolling=_bitcoin(recent),
        whole=last - rows[0].slot >= timedelta(days=MONTH),
        interval=month_interval(daily_log_returns(points, last - timedelta(days=QUARTER))),
    )


def _month(moment: datetime) -> tuple[int, int]:
    local = kst(moment)
    return local.year, local.month


def _bitcoin(rows: Sequence[EquityRow]) -> Decimal | None:
    prices = [Price(row.bitcoin) for row in rows if row.bitcoin is not None]
    return buy_and_hold(prices) if len(prices) > 1 else None


def daily_log_returns(points: Sequence[EquityPoint], since: datetime) -> list[float]:
    """The logarithm of each day's growth, flows taken out, from `since` on: from the last point of a trading day to
    that of the day after. A day without a point has no return, and neither has the one that follows it."""
    curve = zip(points, growth(points), strict=True)
    days = {trading_day(point.at): worth for point, worth in curve if point.at >= since}
    return [
        math.log(after / before)
        for (day, before), (following, after) in pairwise(days.items())
        if following - day == DAY and before > 0 and after > 0
    ]


def month_interval(returns: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of the mean return of 30 days, as ratios: exp(30 (m -+ t s / sqrt(n))) - 1.

    m and s are the mean and the sample deviation of the n daily log returns, t is Student's 97.5 % point for n - 1
    degrees of freedom. Assumes that days are independent and alike; since they are not (volatility clusters, the
    market changes), the truth is wider. None for fewer than `FEWEST` returns. It says what these days allow to
    believe of the strategy, not what next month will bring.
    """
    many = len(returns)
    if many < FEWEST:
        return None
    middle, margin = mean(returns), student(many - 1) * stdev(returns) / math.sqrt(many)
    low, high = (math.exp(min(MONTH * edge, 700.0)) - 1 for edge in (middle - margin, middle + margin))
    return low, high


def student(freedom: int) -> float:
    """The 97.5 % point of Student's t, by Cornish and Fisher's expansion: right to 0.001 from 9 degrees on."""
    z = NormalDist().inv_cdf(0.975)
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
