"""M7: the trading log is continuous, and tells what the venue tells.

First the books by themselves: one run a slot, orders numbered without a gap, each with its events, trades and
postings, every chain whole. Only then is the venue asked: books that are wrong already need no second witness.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from makenaide.domain.clock import DAY as ONE_DAY
from makenaide.domain.clock import kst, last_slot
from makenaide.domain.errors import MakenaideError
from makenaide.domain.verdict import Verdict
from makenaide.ops.checks.finding import Point, evidence, point
from makenaide.ops.checks.history import Witness
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Scene
from makenaide.store.accounts import Account
from makenaide.store.chain import broken_links
from makenaide.store.continuity import RunRow, broken_threads, journal_size, orphaned_slots, run_rows
from makenaide.store.db import Database
from makenaide.store.journal import flaws

LONG = timedelta(hours=1)
"""A run that takes longer, or a slot that nobody has begun for so long, is worth a word."""

_FEW = 20
_INSTALLATION = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The runs of an account, slots that left something behind without one, and the moment to judge from (UTC)."""

    runs: Sequence[RunRow]
    orphans: Sequence[datetime]
    first_slot: datetime | None
    times: tuple[time, ...]
    now: datetime
    stepped: bool


def continuity(scene: Scene) -> Evidence:
    """M7. Wrong books are a FAIL whether or not the venue can be asked; a venue that cannot be is UNKNOWN."""
    account = scene.account_or_raise()
    with scene.books() as db:
        points, value = _books(scene, db, account)
        source = "tables run, orders, order_event, fill, posting, audit"
        if not any(each.verdict is Verdict.FAIL for each in points):
            source += "; the venue's orders and balances"
            asked, seen = _venue(scene, db, account)
            points, value = [*points, *asked], {**value, "venue": seen}
    runs, orders, fills = value["runs"], value["orders"], value["fills"]
    good = point(Verdict.PASS, "m7_good", runs=runs, orders=orders, fills=fills)
    return evidence(scene, points or [good], value, source)


def _books(scene: Scene, db: Database, account: Account) -> tuple[list[Point], dict[str, Any]]:
    key = account.account_id
    with db.snapshot():
        log = Log(
            runs=run_rows(db, key),
            orphans=orphaned_slots(db, key),
            # Where nobody steps, the first run is that of the newest slot, which may be later than the first one.
            first_slot=account.first_slot if scene.stepped else None,
            times=scene.schedule.times,
            now=scene.now - scene.schedule.delay,
            stepped=scene.stepped,
        )
        wrong = (*flaws(db, key), *broken_threads(db, key), *broken_links(db, _INSTALLATION))
        orders, fills = journal_size(db, key)
    points = judge_runs(log)
    if wrong:
        points.insert(0, point(Verdict.FAIL, "m7_books", count=len(wrong), first="; ".join(wrong[:3])))
    value = {
        "runs": len(log.runs),
        "newest": log.runs[-1].slot.isoformat() if log.runs else None,
        "missed": sum(each.status == "missed" for each in log.runs),
        "gaps": _slots(gaps(log)[:_FEW]),
        "orders": orders,
        "fills": fills,
        "flaws": list(wrong[:_FEW]),
        "flaw_count": len(wrong),
    }
    return points, value


def _venue(scene: Scene, db: Database, account: Account) -> tuple[list[Point], Mapping[str, Any]]:
    try:
        return Witness(db=db, venue=scene.ask(), account=account, now=scene.now).compare()
    except (MakenaideError, OSError) as cause:
        return [point(Verdict.UNKNOWN, "m7_blind", cause=str(cause))], {"asked": False}


# ---- the log of runs ----


def judge_runs(log: Log) -> list[Point]:
    """What is wrong with the runs: a slot without one, one that was never ended, one that was missed lately."""
    if not log.runs:
        return [point(Verdict.UNKNOWN, "m7_none")]
    points = []
    if missing := gaps(log):
        points.append(point(Verdict.FAIL, "m7_gap", count=len(missing), slots=_listed(missing)))
    newest = log.runs[-1]
    running = [each for each in log.runs if each.status == "running" and log.now - each.slot > LONG]
    if left := [each.slot for each in running if each is not newest]:
        points.append(point(Verdict.FAIL, "m7_unfinished", count=len(left), slots=_listed(left)))
    if newest in running:
        points.append(point(Verdict.WARN, "m7_long", slot=_told(newest.slot)))
    # By when the row was written, which is not before the next slot has come: the missed one is a day old by then.
    missed = [each.slot for each in log.runs if each.status == "missed" and each.started_at > log.now - ONE_DAY]
    if missed:
        points.append(point(Verdict.WARN, "m7_missed", count=len(missed), slots=_listed(missed)))
    if behind := not_begun(log):
        points.append(point(Verdict.WARN, "m7_behind", count=len(behind), slots=_listed(behind)))
    return points


def gaps(log: Log) -> tuple[datetime, ...]:
    """The slots that must have a run and have none, ascending: the loop gives a missed one its row, too.

    A time of day counts from the first run that it had, for a schedule may get more slots. In a stepped account time
    only passes when its trader works, so there is no slot that nobody has got to yet.
    """
    known = {each.slot for each in log.runs}
    there = sorted({*known, *log.orphans})
    if not there:
        return ()
    until = last_slot(log.now, log.times) if log.stepped else there[-1]
    wanted = {slot for each in log.times for slot in _slots_at(each, there, log.first_slot, max(until, there[-1]))}
    return tuple(sorted((wanted | set(log.orphans)) - known))


def not_begun(log: Log) -> tuple[datetime, ...]:
    """The slots after the newest run that nobody has begun for long: they will be rows when a trader is back."""
    if log.stepped or not log.runs:
        return ()
    until = last_slot(log.now - LONG, log.times)
    after = max([log.runs[-1].slot, *log.orphans])
    return tuple(
        sorted(slot for each in log.times for slot in _slots_at(each, [after], after, until) if slot > after)
    )


def _slots_at(at: time, there: Sequence[datetime], first: datetime | None, until: datetime) -> Iterator[datetime]:
    """The slots at one time of day (KST), from `first` or the first that is there, up to `until`."""
    begin = first or next((each for each in there if kst(each).time() == at), None)
    if begin is None:
        return
    local = datetime.combine(kst(begin).date(), at, kst(begin).tzinfo)
    slot = local.astimezone(begin.tzinfo)
    while slot <= until:
        if slot >= begin:
            yield slot
        slot += ONE_DAY


def _slots(slots: Sequence[datetime]) -> list[str]:
    return [each.isoformat() for each in slots]


def _told(slot: datetime) -> str:
    return f"{kst(slot):%Y-%m-%d %H:%M} KST"


def _listed(slots: Sequence[datetime]) -> str:
    return ", ".join([*map(_told, slots[:3]), *(["..."] if len(slots) > 3 else [])])
