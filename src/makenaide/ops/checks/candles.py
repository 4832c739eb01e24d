"""M6: the newest closed candle of every listed market, and the age of the list itself.

What counts is where a candle starts, never when a row was touched. A market in which nobody traded for a day has no
candle of it: where one is missing the venue is asked whether it has it itself. Where nobody can ask, a few may lack
the newest; the leader of the market gate (KRW-BTC) may not.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from makenaide.domain.clock import DAY as ONE_DAY
from makenaide.domain.clock import KST, day_start, kst, trading_day
from makenaide.domain.errors import MakenaideError
from makenaide.domain.market import Market
from makenaide.domain.verdict import Verdict
from makenaide.exchange.venue import Venue
from makenaide.execution.portfolio import watched_positions
from makenaide.ops.checks.finding import Point, evidence, point
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Scene
from makenaide.ops.settings import OperationsSettings
from makenaide.store.continuity import run_status
from makenaide.store.db import Database
from makenaide.store.freshness import MarketAge, market_ages
from makenaide.strategy.signal import BTC

LATE = timedelta(minutes=2)
"""How long after it is due the run of a slot may not have begun yet."""

_FEW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The day candle (by its start) that each market ought to have. `waiting`: that of today's run is not in yet.

    `listed_by`: the moment at which the list must not be older than allowed.
    """

    start: datetime
    listed_by: datetime
    waiting: bool


def candles(scene: Scene) -> Evidence:
    """M6. Before `operations.morning_by`, while the run of the decision slot is under way or about to begin, the
    candle before counts. A market that is held and lacks its candle is a WARN, however few do.
    """
    account = scene.account_or_raise()
    with scene.books() as db:
        wanted = _wanted(scene, db, account.account_id)
        ages = market_ages(db, account.feed, wanted.start)
        held = {each.market for each in watched_positions(db, account.account_id)}
    stale = without_candle(scene, ages, wanted)
    points = judged(ages, stale, wanted, scene.settings, held)
    value = {
        **_value(ages, stale, wanted),
        "held_stale": [str(each.market) for each in stale if each.market in held],
    }
    return evidence(scene, points, value, "tables candle and listing")


def _wanted(scene: Scene, db: Database, account_id: str) -> Wanted:
    slot = day_start(trading_day(scene.now))
    status = run_status(db, account_id, slot)
    return wanted_candle(scene.now, status, scene.settings, scene.schedule.delay)


def wanted_candle(now: datetime, status: str | None, settings: OperationsSettings, delay: timedelta) -> Wanted:
    """The candle that is to be there at `now` (UTC), when the run of today's decision slot is `status`.

    The run is due `delay` after its slot; one that has not begun `LATE` after that is waited for no longer.
    """
    slot = day_start(trading_day(now))
    patience = datetime.combine(kst(slot).date(), settings.time_of("morning_by"), KST)
    if status is None:
        patience = min(patience, slot + delay + LATE)
    if status in (None, "running") and now < patience:
        return Wanted(start=slot - 2 * ONE_DAY, listed_by=slot, waiting=True)
    return Wanted(start=slot - ONE_DAY, listed_by=now, waiting=False)


def stale_markets(ages: Sequence[MarketAge], wanted: Wanted) -> tuple[MarketAge, ...]:
    """The markets without the wanted candle. One that was first seen after it closed never had it."""
    closed = wanted.start + ONE_DAY
    return tuple(
        each
        for each in ages
        if (each.newest is None or each.newest < wanted.start)
        and (each.newest is not None or each.first_seen < closed or each.market == BTC)
    )


def without_candle(scene: Scene, ages: Sequence[MarketAge], wanted: Wanted) -> tuple[MarketAge, ...]:
    """The stale markets but those in which nobody traded: the venue has no newer closed candle of them either.

    The leader of the gate is never excused. Where the venue does not answer nobody is.
    """
    missing = stale_markets(ages, wanted)
    asked = [each for each in missing if each.market != BTC and each.newest is not None]
    if scene.venue is None or not asked:
        return missing
    try:
        quiet = _quiet(scene.venue, asked, wanted)
    except MakenaideError:
        return missing
    return tuple(each for each in missing if each.market not in quiet)


def _quiet(venue: Venue, asked: Sequence[MarketAge], wanted: Wanted) -> set[Market]:
    """Those whose last trade is from before the wanted day; of the others a few are asked for their newest candle."""
    last = venue.tickers([each.market for each in asked])
    quiet = {market for market, ticker in last.items() if ticker.at < wanted.start}
    unclear = [each for each in asked if each.market not in quiet]
    if len(unclear) > _FEW:
        return quiet
    for each in unclear:
        there = venue.day_candles(each.market, wanted.start + ONE_DAY, 1)
        if all(each.newest is not None and found.start <= each.newest for found in there):
            quiet.add(each.market)
    return quiet


def judged(
    ages: Sequence[MarketAge],
    stale: Sequence[MarketAge],
    wanted: Wanted,
    settings: OperationsSettings,
    held: Collection[Market] = (),
) -> list[Point]:
    """Every point: too many markets without their candle, the leader or one of `held` without it, an old list."""
    if not ages:
        return [point(Verdict.UNKNOWN, "m6_none")]
    points = []
    share = len(stale) / len(ages)
    day = f"{trading_day(wanted.start):%Y-%m-%d}"
    told = {"stale": len(stale), "markets": len(ages), "day": day}
    leader = [each for each in ages if each.market == BTC]
    if not leader or leader[0] in stale:
        points.append(point(Verdict.FAIL, "m6_leader", market=BTC, day=day))
    if share > settings.stale_markets_fail:
        points.append(point(Verdict.FAIL, "m6_stale", **told, names=_names(stale)))
    elif share > settings.stale_markets:
        points.append(point(Verdict.WARN, "m6_stale", **told, names=_names(stale)))
    if lacking := [each for each in stale if each.market in held]:
        points.append(point(Verdict.WARN, "m6_held", day=day, names=_names(lacking)))
    age = wanted.listed_by - max(each.last_seen for each in ages)
    if age > timedelta(hours=settings.candle_hours):
        points.append(point(Verdict.FAIL, "m6_listing", hours=f"{age / timedelta(hours=1):.1f}"))
    good = point(Verdict.PASS, "m6_waiting" if wanted.waiting else "m6_fresh", **told)
    return points or [good]


def _names(stale: Sequence[MarketAge]) -> str:
    names = [str(each.market) for each in stale[:_FEW]]
    return ", ".join([*names, "..."] if len(stale) > _FEW else names)


def _value(ages: Sequence[MarketAge], stale: Sequence[MarketAge], wanted: Wanted) -> dict[str, Any]:
    newest = max((each.newest for each in ages if each.newest), default=None)
    seen = max((each.last_seen for each in ages), default=None)
    return {
        "wanted": wanted.start.isoformat(),
        "waiting": wanted.waiting,
        "markets": len(ages),
        "stale": len(stale),
        "stale_markets": [str(each.market) for each in stale[:_FEW]],
        "newest": None if newest is None else newest.isoformat(),
        "listed_at": None if seen is None else seen.isoformat(),
    }
