"""E3: two losses, which are two numbers: the worst trade against its own stop, and the account's drawdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from makenaide.domain.clock import KST, kst
from makenaide.domain.errors import MakenaideError
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.domain.order import PositionId
from makenaide.domain.verdict import Verdict
from makenaide.execution.portfolio import Portfolio, portfolio
from makenaide.ledger.performance import EquityPoint, drawdown_now, maximum_drawdown
from makenaide.ops.checks.finding import Point, evidence, point
from makenaide.ops.checks.wording import names, percent, ratio
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Scene
from makenaide.ops.settings import OperationsSettings
from makenaide.pipeline.report import closed_trades
from makenaide.pipeline.valuation import equity_points, value_account
from makenaide.store.accounts import Account
from makenaide.store.db import Database
from makenaide.store.journal import entries
from makenaide.store.runs import equity_rows

LATELY = timedelta(hours=26)
"""What was closed so lately counts also in a new month: the look before has not seen it."""

FRESH = timedelta(days=3)
"""Marks of a valuation that is older say nothing of the present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What one trade lost, net of fees (0.05 = 5 %; below zero: a gain), and how far away its stop was at entry.

    `distance` None: it has no hard stop in the books.
    """

    position: PositionId
    loss: Decimal
    distance: Decimal | None
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The account's growth up to the present, and the price of each market held: `when` they are from."""

    points: tuple[EquityPoint, ...]
    prices: dict[Market, Price]
    when: datetime
    source: str


def losses(scene: Scene) -> Evidence:
    """E3: the worst trade since the KST month began, and of the last 26 hours (those still open included, dust not);
    and the drawdown (G7).

    A trade passes up to its own stop distance + `stop_slip`, warns above, fails above `stop_fail` x its distance.
    Coins taken over from a person are measured from the price at which they were. The drawdown is the present fall
    from the peak, which the brake on buying looks at, too; the deepest ever is in the value. Prices are the venue's
    present ones where it answers, else those of the last valuation; UNKNOWN when that is older than three days.
    """
    account = scene.account_or_raise()
    with scene.books() as db:
        marks = _marks(scene, db, account)
        if marks is None:
            none = point(Verdict.UNKNOWN, "e3_none")
            return evidence(scene, [none], {}, "table equity")
        held = portfolio(db, account.account_id)
        found = _losses(db, account, held, (marks.prices, min(_month_start(scene.now), scene.now - LATELY)))
    # The account first: of two that fail its danger speaks, and pages.
    points = [_account(marks.points, scene.settings), *_trades(found, scene.settings), *_blind(held, marks)]
    if scene.now - marks.when > FRESH:
        points.append(point(Verdict.UNKNOWN, "e3_stale", at=f"{kst(marks.when):%Y-%m-%d %H:%M}"))
    both = _numbers(found, marks, scene.settings)
    points = [point(each.verdict, each.said.key, **{**each.said.values, **both}) for each in points]
    return evidence(scene, points, _value(found, marks), f"tables fill, stop, equity; {marks.source}")


def _month_start(now: datetime) -> datetime:
    local = kst(now)
    return datetime(local.year, local.month, 1, tzinfo=KST)


def _marks(scene: Scene, db: Database, account: Account) -> Marks | None:
    rows = equity_rows(db, account.account_id)
    if not rows:
        return None
    if scene.venue is not None:
        try:
            present = value_account(db, scene.venue, account)
        except MakenaideError:
            pass  # the last valuation is what is left, and `source` says so
        else:
            points = equity_points(db, account, present, scene.now)
            return Marks(points=points, prices=dict(present.marks), when=scene.now, source="order books")
    latest = db.row("equity_latest", account_id=account.account_id)
    stored = {} if latest is None else latest.marks
    return Marks(
        points=tuple(EquityPoint(at=row.slot, equity=row.equity, flow=row.flow) for row in rows),
        prices={Market(market): Price(price) for market, price in stored.items()},
        when=rows[-1].valued_at,
        source="last valuation",
    )


def _losses(
    db: Database, account: Account, held: Portfolio, about: tuple[dict[Market, Price], datetime]
) -> tuple[Loss, ...]:
    prices, since = about
    closed = [trade for trade in closed_trades(db, account.account_id) if trade.closed >= since]
    still = [each for each in held.positions if not each.dust and each.market in prices]
    keys = [*(trade.position for trade in closed), *(each.position_id for each in still)]
    rows = db.rows("check_hard_stops", account_id=account.account_id, positions=keys)
    stops = {PositionId(row.position_id): Price(row.price) for row in rows}
    begun = entries(db, account.account_id)
    adopted = {key: Price(begun[key].evidence["adopted_at"]) for key in keys if _taken_over(begun[key].evidence)}
    found = []
    for trade in closed:
        base = adopted.get(trade.position)
        loss = -trade.gain if base is None else 1 - trade.exit / base
        found.append(_loss(trade.position, loss, (base or trade.entry, stops), still=False))
    for each in still:
        base, cost = adopted.get(each.position_id), each.holding.cost.value
        price = prices[each.market]
        gain = each.holding.unrealised(price).value / cost if cost else Decimal(0)
        loss = -gain if base is None else 1 - price / base
        found.append(_loss(each.position_id, loss, (each.facts.entry, stops), still=True))
    return tuple(found)


def _taken_over(evidence: dict[str, Any]) -> bool:
    return "adopted_at" in evidence


def _loss(key: PositionId, loss: Decimal, about: tuple[Price, dict[PositionId, Price]], *, still: bool) -> Loss:
    entry, stops = about
    distance = max(1 - stops[key] / entry, Decimal(0)) if key in stops else None
    return Loss(position=key, loss=loss, distance=distance, open=still)


def judge_loss(loss: Decimal, distance: Decimal, settings: OperationsSettings) -> Verdict:
    """A trade's loss against the distance of its own stop (ratios)."""
    if loss <= distance + settings.stop_slip:
        return Verdict.PASS
    return Verdict.FAIL if loss > settings.stop_fail * distance else Verdict.WARN


def judge_drawdown(fall: Decimal, settings: OperationsSettings) -> tuple[Verdict, str]:
    """The account's fall by G7: the verdict, and the state's name."""
    if fall > settings.drawdown_danger:
        return Verdict.FAIL, "danger"
    if fall > settings.drawdown_warn:
        return Verdict.WARN, "warning"
    return Verdict.PASS, "safe" if fall < settings.drawdown_safe else "watch"


def _trades(found: Sequence[Loss], settings: OperationsSettings) -> list[Point]:
    judged = []
    for each in found:
        if each.distance is None:
            told = {"position": each.position, "loss": percent(each.loss)}
            judged.append(point(Verdict.UNKNOWN, "e3_unstopped", **told))
            continue
        verdict = judge_loss(each.loss, each.distance, settings)
        told = {"position": each.position, "loss": percent(each.loss), "distance": percent(each.distance)}
        judged.append(point(verdict, "e3_trade", **told))
    loud = [each for each in judged if not each.verdict.quiet]
    return sorted(loud, key=lambda each: -each.verdict.exit_code)


def _account(points: Sequence[EquityPoint], settings: OperationsSettings) -> Point:
    verdict, _ = judge_drawdown(drawdown_now(points), settings)
    return point(verdict, "e3_drawdown" if verdict is not Verdict.PASS else "e3_within")


def _numbers(found: Sequence[Loss], marks: Marks, settings: OperationsSettings) -> dict[str, Any]:
    """The two numbers that every sentence tells: what the worst trade brought, and how far below its peak we are."""
    worst, fall = _worst(found), drawdown_now(marks.points)
    return {
        "worst": "-" if worst is None else worst.position,
        "gain": "-" if worst is None else percent(-worst.loss),
        "fall": percent(fall),
        "state": judge_drawdown(fall, settings)[1],
    }


def _worst(found: Sequence[Loss]) -> Loss | None:
    return max(found, key=lambda each: (each.loss, each.position), default=None)


def _blind(held: Portfolio, marks: Marks) -> list[Point]:
    """What nobody can put a number to: positions that cannot be read, and those without a price."""
    dark = [each.position_id for each in held.unreadable]
    dark += [each.position_id for each in held.positions if not each.dust and each.market not in marks.prices]
    if not dark:
        return []
    return [point(Verdict.UNKNOWN, "e3_unseen", positions=names(dark))]


def _value(found: Sequence[Loss], marks: Marks) -> dict[str, Any]:
    worst = _worst(found)
    deepest = maximum_drawdown(marks.points)
    told = None
    if worst is not None:
        told = {
            "position": worst.position,
            "loss": ratio(worst.loss),
            "distance": None if worst.distance is None else ratio(worst.distance),
            "open": worst.open,
        }
    return {
        "worst_trade": told,
        "trades": len(found),
        "drawdown": ratio(drawdown_now(marks.points)),
        "maximum_drawdown": None if deepest is None else ratio(deepest.depth),
        "marks": marks.source,
        "marked_at": marks.when.isoformat(),
    }
