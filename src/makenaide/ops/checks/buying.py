"""What buying needs, and nobody who sells ever asks: the readiness list, B1-B10.

Each counts for as long as what it saw can be relied on. What may change at any moment counts for five minutes: the
list of 08:50 alone opens no 09:00, the trading process looks again right before it enters (`ops.gate`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from makenaide.domain.clock import DAY, day_start, trading_day
from makenaide.domain.errors import DatabaseUnavailable, SchemaMismatch, UnknownMarket
from makenaide.domain.market import Market
from makenaide.domain.money import Price
from makenaide.domain.verdict import Verdict
from makenaide.execution.reconcile.facts import Unknown
from makenaide.execution.reconcile.judge import judge_balances
from makenaide.execution.reconcile.rounding import Allowance
from makenaide.ops.check import Check, Checklist, Severity
from makenaide.ops.checks.candles import Wanted, judged, without_candle
from makenaide.ops.checks.finding import Point, evidence, point
from makenaide.ops.evidence import Evidence
from makenaide.ops.readiness import readiness
from makenaide.ops.scene import Backup, Scene
from makenaide.store.db import Database
from makenaide.store.freshness import market_ages
from makenaide.store.journal import books, flaws
from makenaide.store.migrate import applied, packaged, require_current
from makenaide.store.orders import unsettled_orders
from makenaide.store.reconciliation import fills_at_equal, last_change, open_findings
from makenaide.store.rounding import rounding_room

FAST = timedelta(minutes=5)
"""How long what may change at any moment counts: less than from the list of 08:50 to the decision of 09:00."""
LASTING = timedelta(days=7)
"""How long sound books count: the schedule looks at them every day, and whoever finds a flaw closes at once."""
_TRIES = 3
_PAUSE_SECONDS = 0.7
_SHOWN = 5


# ---- B1 ----


def clock(scene: Scene) -> Evidence:
    """B1: the venue's clock and ours agree.

    Its dates are cut to seconds, so there are only bounds; their middle is the best guess. FAIL when it is
    `skew_fail_seconds` away or more, which it also is when even the nearer bound is; WARN from `skew_warn_seconds`.
    """
    source = "the Date of the venue's replies"
    if scene.skew is None:
        scene.ask()  # tells why there is none
        return evidence(scene, [point(Verdict.UNKNOWN, "b1_silent")], {}, source, FAST)
    bounds = scene.skew.clock_skew()
    if bounds is None:
        return evidence(scene, [point(Verdict.UNKNOWN, "b1_silent")], {}, source, FAST)
    low, high = (each.total_seconds() for each in bounds)
    middle = abs(low + high) / 2
    verdict = Verdict.PASS
    if middle >= scene.settings.skew_fail_seconds:
        verdict = Verdict.FAIL
    elif middle >= scene.settings.skew_warn_seconds:
        verdict = Verdict.WARN
    value = {"low_seconds": round(low, 3), "high_seconds": round(high, 3)}
    told = {"low": f"{low:+.2f}", "high": f"{high:+.2f}"}
    key = "b1_good" if verdict is Verdict.PASS else "b1_skew"
    return evidence(scene, [point(verdict, key, **told)], value, source, FAST)


# ---- B2 ----


def money(scene: Scene) -> Evidence:
    """B2: what the books say is what the venue holds, ours and the person's, and nothing is left unexplained.

    While orders move nobody can compare: looked at again, then UNKNOWN. What differs in one coin and is a finding
    already closes that market alone (WARN); anything else closes buying.
    """
    account = scene.account_or_raise().account_id
    for left in reversed(range(1 if scene.stepped else _TRIES)):
        with scene.books() as db:
            points, value, moving = _compared(scene, db, account)
        if not moving or not left:
            break
        scene.clock.sleep(_PAUSE_SECONDS)
    source = "GET /v1/accounts, tables posting and finding"
    return evidence(scene, points, value, source, FAST)


def _compared(scene: Scene, db: Database, account: str) -> tuple[list[Point], dict[str, Any], bool]:
    changed = last_change(db, account)
    balances = {currency: each.total for currency, each in scene.ask().accounts().items() if each.total}
    held = books(db, account)
    found = open_findings(db, account)
    known = {each.currency or "": each for each in found}
    differing = _differing(scene, db, held, balances)
    fresh = [each for each in differing if each.currency not in known]
    moving = bool(fresh) and (last_change(db, account) != changed or bool(unsettled_orders(db, account)))
    value = {
        "currencies": len({*held, *balances}),
        "differences": [{"currency": each.currency, **each.evidence} for each in differing],
        "findings": [f"{each.kind} {each.subject}" for each in found],
    }
    points = []
    if moving:
        points.append(point(Verdict.UNKNOWN, "b2_moving", names=_names(fresh)))
    elif fresh:
        points.append(point(Verdict.FAIL, "b2_differ", names=_names(fresh)))
    closing = [each for each in found if each.market is None]
    if closing:
        points.append(point(Verdict.FAIL, "b2_findings", count=len(closing)))
    elif found:
        points.append(point(Verdict.WARN, "b2_closed", markets=", ".join(sorted({str(e.market) for e in found}))))
    good = point(Verdict.PASS, "b2_equal", count=value["currencies"])
    return points or [good], value, moving


def _differing(
    scene: Scene, db: Database, held: Mapping[str, Decimal], balances: Mapping[str, Decimal]
) -> list[Unknown]:
    """What reconciling would call unknown: more than rounding explains."""
    account = scene.account_or_raise()

    def price(coin: str) -> Price | None:
        code = Market(f"KRW-{coin}")
        try:
            seen = scene.ask().tickers([code]).get(code)
        except UnknownMarket:
            return None
        return None if seen is None else seen.price

    if all(held.get(each, 0) == balances.get(each, 0) for each in {*held, *balances}):
        return []
    room = rounding_room(db, account.account_id, scene.now, since=fills_at_equal(db, account.account_id))
    verdicts = judge_balances(held, balances, Allowance(room, price, scene.now))
    return [each for each in verdicts if isinstance(each, Unknown)]


def _names(found: list[Unknown]) -> str:
    told = [f"{each.currency}: {each.evidence['books']} / {each.evidence['account']}" for each in found[:_SHOWN]]
    return ", ".join([*told, "..."] if len(found) > _SHOWN else told)


# ---- B3 ----


def candles(scene: Scene) -> Evidence:
    """B3: the candle that closed last is there, of every market that ought to have one; until the next one closes.

    As M6, but without its patience: the decision is made of this candle, so the one before never counts.
    """
    account = scene.account_or_raise()
    slot = day_start(trading_day(scene.now))
    wanted = Wanted(start=slot - DAY, listed_by=scene.now, waiting=False)
    with scene.books() as db:
        ages = market_ages(db, account.feed, wanted.start)
    stale = without_candle(scene, ages, wanted)
    points = judged(ages, stale, wanted, scene.settings)
    value = {"wanted": wanted.start.isoformat(), "markets": len(ages), "stale": len(stale)}
    until_close = max(slot + DAY - scene.now, timedelta(seconds=1))
    return evidence(scene, points, value, "tables candle and listing", until_close)


# ---- B4 ----


def guard(scene: Scene) -> Evidence:
    """B4: the guard beats, where there is something to guard or a trader that may buy."""
    source = "the guard's heartbeat"
    scene.account_or_raise()
    if scene.stepped:
        found = point(Verdict.PASS, "b4_inside")
        return evidence(scene, [found], {"inside": True}, source, FAST)
    pulse = scene.place.guard()
    value = {"watching": pulse.watching, "wanted": pulse.wanted, "seconds": pulse.seconds, "detail": pulse.detail}
    seconds = "-" if pulse.seconds is None else f"{pulse.seconds:.1f}"
    if pulse.watching:
        found = point(Verdict.PASS, "b4_beating", seconds=seconds)
    elif not pulse.wanted:
        found = point(Verdict.PASS, "b4_nothing")
    else:
        found = point(Verdict.FAIL, "b4_silent", seconds=seconds)
    return evidence(scene, [found], value, source, FAST)


# ---- B5 ----


def backup(scene: Scene) -> Evidence:
    """B5: the newest backup is whole, was restored, and is not old: WARN beyond `backup_hours`, FAIL beyond twice."""
    source = "the backups that are kept"
    if not scene.live and not scene.settings.paper_backup:
        return _not_applicable(scene, "b5_off", "operations.paper_backup = false", source)
    kept = sorted(scene.place.backups(), key=lambda each: each.taken_at, reverse=True)
    if not kept:
        return evidence(scene, [point(Verdict.FAIL, "b5_none")], {"backups": 0}, source, FAST)
    newest = kept[0]
    hours = max(_wall(scene) - newest.taken_at, timedelta(0)) / timedelta(hours=1)
    value = {
        "backups": len(kept),
        "name": newest.name,
        "hours": round(hours, 2),
        "intact": newest.intact,
        "verified": newest.verified_at is not None,
    }
    return evidence(scene, [_backup(newest, hours, scene.settings.backup_hours)], value, source, FAST)


def _backup(newest: Backup, hours: float, most: float) -> Point:
    told = {"name": newest.name, "hours": f"{hours:.1f}"}
    if not newest.intact:
        return point(Verdict.FAIL, "b5_damaged", **told)
    if newest.verified_at is None:
        return point(Verdict.FAIL, "b5_unverified", **told)
    if hours > most:
        return point(Verdict.FAIL if hours > 2 * most else Verdict.WARN, "b5_old", **told)
    return point(Verdict.PASS, "b5_good", **told)


# ---- B6, B7 ----


def limits(scene: Scene) -> Evidence:
    """B6: every limit of real money is set."""
    source = "the configuration, table live"
    names = ("order_krw", "day_krw", "total_krw")
    table: Mapping[str, Any] = scene.config["live"]
    value = {name: Decimal(str(table[name])) for name in names}
    unset = [name for name in names if value[name] <= 0]
    if not unset:
        told = {name.removesuffix("_krw"): f"{value[name]:,f}" for name in names}
        return evidence(scene, [point(Verdict.PASS, "b6_set", **told)], value, source, FAST)
    if scene.live:
        missing = ", ".join(f"live.{name}" for name in unset)
        return evidence(scene, [point(Verdict.FAIL, "b6_unset", names=missing)], value, source, FAST)
    return _not_applicable(scene, "b6_off", f"live.{unset[0]} = 0", source)


def rehearsal(scene: Scene) -> Evidence:
    """B7: a rehearsal of this very code and configuration was green."""
    source = "table evidence, kind rehearsal"
    if not scene.live and not scene.settings.paper_rehearsal:
        return _not_applicable(scene, "b7_off", "operations.paper_rehearsal = false", source)
    with scene.books() as db:
        told = readiness(db, scene.code, scene.configuration, _wall(scene))
    found = point(told.verdict, "b7_judged", reason=told.reason)
    return evidence(scene, [found], {"reason": told.reason}, source, FAST)


def _wall(scene: Scene) -> datetime:
    """The place's own present (UTC), by which backups and rehearsals are dated; a stepped account has another."""
    return scene.clock.now() if scene.stepped else scene.now


def _not_applicable(scene: Scene, key: str, line: str, source: str) -> Evidence:
    return evidence(scene, [point(Verdict.NOT_APPLICABLE, key, line=line)], {"line": line}, source, FAST)


# ---- B8, B9, B10 ----


def orders(scene: Scene) -> Evidence:
    """B8: no order is in doubt or open. One that is closes its own market (order protocol, point 3): a WARN.

    What it may have moved is B2's to see: while that moves, nobody can compare, and nothing is bought.
    """
    with scene.books() as db:
        found = unsettled_orders(db, scene.account_or_raise().account_id)
    doubtful = [each for each in found if each.life.state.doubtful]
    names = [str(each.identifier) for each in doubtful]
    value = {"open": len(found), "doubtful": names}
    if doubtful:
        told = point(Verdict.WARN, "b8_doubt", names=", ".join(names[:_SHOWN]), count=len(doubtful))
    elif found:
        told = point(Verdict.WARN, "b8_open", count=len(found))
    else:
        told = point(Verdict.PASS, "b8_settled")
    return evidence(scene, [told], value, "table order_event", FAST)


def journal(scene: Scene) -> Evidence:
    """B9: the books show nothing wrong with themselves, and every link of their chains holds."""
    with scene.books() as db:
        found = flaws(db, scene.account_or_raise().account_id)
    told = point(Verdict.PASS, "b9_sound")
    if found:
        told = point(Verdict.FAIL, "b9_flaws", count=len(found), first=found[0])
    return evidence(scene, [told], {"flaws": list(found[:_SHOWN])}, "the journal and its chains", LASTING)


def schema(scene: Scene) -> Evidence:
    """B10: the database's schema is the one that this version knows."""
    source = "table migration"
    number = len(packaged())
    try:
        with scene.books() as db:
            require_current(db)
            have = applied(db)[-1].version
    except SchemaMismatch as cause:
        found = point(Verdict.FAIL, "b10_other", cause=str(cause))
        return evidence(scene, [found], {"wanted": number}, source, FAST)
    except DatabaseUnavailable as cause:
        found = point(Verdict.FAIL, "b10_away", cause=str(cause))
        return evidence(scene, [found], {"wanted": number}, source, FAST)
    return evidence(scene, [point(Verdict.PASS, "b10_current", number=have)], {"schema": have}, source, FAST)


def _check(number: int, look: Any, severity: Severity, *, money: bool = True, deadline: float = 4.0) -> Check:
    return Check(
        id=f"B{number}",
        list=Checklist.READINESS,
        severity=severity,
        look=look,
        money=money,
        deadline=deadline,
    )


READINESS: tuple[Check, ...] = (
    _check(1, clock, Severity.MAJOR),
    _check(2, money, Severity.CRITICAL),
    _check(3, candles, Severity.MAJOR),
    _check(4, guard, Severity.CRITICAL),
    _check(5, backup, Severity.MAJOR),
    _check(6, limits, Severity.CRITICAL),
    _check(7, rehearsal, Severity.MAJOR),
    _check(8, orders, Severity.MAJOR),
    _check(9, journal, Severity.CRITICAL),
    _check(10, schema, Severity.CRITICAL),
)
"""The readiness list, in the order in which a person reads it."""
