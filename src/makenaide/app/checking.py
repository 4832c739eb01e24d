"""Taking a list of checks: look, keep what was found, and tell of it, once a slot.

    taken = take_list(env, store, account, (Checklist.MORNING, slot), render)

Where the database is away the looks go on, nothing is kept, and the message goes out without it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from makenaide.app.auditing import note_action
from makenaide.app.database import Store, open_store
from makenaide.app.parts import database_before
from makenaide.app.scene import Before, scene_of
from makenaide.domain.errors import MakenaideError, Misconfigured
from makenaide.domain.verdict import Verdict, worst
from makenaide.environment import Environment
from makenaide.ops.check import Check, Checklist
from makenaide.ops.checks.register import LISTS
from makenaide.ops.record import (
    Change,
    Taking,
    acknowledged,
    before,
    changes,
    keep_alone,
    keep_list,
    korean_day,
    last,
    warned,
)
from makenaide.ops.runner import Result, run_checks
from makenaide.ops.scene import Part, PartState
from makenaide.store.accounts import Account
from makenaide.store.chain import ChainHead, chain_heads, named_heads
from makenaide.store.checklists import Acknowledgement, checklist_taken, put_acknowledgement
from makenaide.store.db import Database, Role
from makenaide.store.modes import Mode
from makenaide.store.outbox import Message, Urgency, put_message
from makenaide.store.surroundings import world_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One run of a list, or of a single check. `at` is the world's time (UTC).

    `was` holds the verdicts that it is compared with, `heads` the heads of the chains, to be carried away. `kept`:
    whether it is stored, and if not, `away` says why.
    """

    checklist: Checklist
    slot: datetime | None
    at: datetime
    account_id: str
    results: tuple[Result, ...]
    verdict: Verdict
    changed: tuple[Change, ...] = ()
    was: Mapping[str, Verdict] = field(default_factory=dict)
    acknowledged: Mapping[str, Acknowledgement] = field(default_factory=dict)
    heads: Mapping[str, ChainHead] = field(default_factory=dict)
    kept: bool = True
    away: str = ""


Render = Callable[[Taken], tuple[str, str]]
"""Title and body of the message that tells of a list, in the user's language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is looked at, and how the database stood before; `store` None: it cannot be opened.

    `away` is why that is, or why nothing could be read of the account. `live`: real money is what was asked for.
    """

    env: Environment
    store: Store | None
    found: Part | None = None
    away: str = ""
    live: bool = False


@contextmanager
def ground_of(env: Environment, mode: Mode = Mode.PAPER) -> Iterator[Ground]:
    """The database of `env`, opened if it can be; whatever keeps it from that is part of what is looked at."""
    found, seen = _before(env)
    with ExitStack() as stack:
        try:
            store = stack.enter_context(open_store(env, prepare=True, mode=mode))
        except (MakenaideError, OSError) as cause:
            part = found or Part(name="database", state=PartState.DOWN, word="does not start", wanted=True)
            # Where nobody could look before, M1 looks once more, and says why it cannot.
            yield Ground(
                env=env, store=None, found=replace(part, detail=str(cause)) if seen else None, away=str(cause)
            )
            return
        yield Ground(env=env, store=store, found=found)


def _before(env: Environment) -> tuple[Part | None, bool]:
    """The database before it is opened, and whether anybody could look."""
    try:
        return database_before(env), True
    except (MakenaideError, OSError):
        return None, False


def take_list(
    env: Environment,
    store: Store | None,
    account: Account | None,
    due: tuple[Checklist, datetime | None],
    render: Render,
) -> Taken | None:
    """Take the list that is `due`, and post the one message of its slot; None when that was done already.

    Without a slot it is kept as if a person had asked, and told to nobody. What the database does not take is told
    without it: a message that stays out is an alarm of its own.
    """
    checklist, slot = due
    key = "" if account is None else account.account_id
    if slot is not None and store is not None and _done(store, key, checklist, slot):
        return None
    ground = Ground(env=env, store=store)
    taken = _look(ground, account, LISTS[checklist], due)
    return _tell(ground, taken, render)


def look(ground: Ground, account: Account | None, checks: Sequence[Check], *, whole: bool) -> Taken:
    """Look because a person asked, and keep what was found: as a run of the list when it is `whole`."""
    taken = _look(ground, account, checks, (checks[0].list, None))
    if ground.store is None:
        return taken
    try:
        with ground.store.open(Role.WRITER) as db, db.transaction():
            told = _compared(db, taken, whole=whole)
            if whole:
                keep_list(db, taken.account_id, _taking(taken))
            else:
                keep_alone(db, taken.account_id, taken.results)
    except MakenaideError as cause:
        return replace(taken, kept=False, away=str(cause))
    return told


def acknowledge(db: Database, account_id: str, word: Acknowledgement) -> None:
    """Keep a person's word about the WARN that the check found last, and note it in the audit trail.

    `Misconfigured` for a day that is over, and where the newest look found anything but a WARN, or nobody looked.
    """
    if word.until < korean_day(word.at):
        raise Misconfigured(f"--until {word.until.isoformat()}: that day is over")
    word = replace(word, said=warned(db, account_id, word.check_id))
    detail = {"check": word.check_id, "until": word.until.isoformat(), "note": word.note}
    with db.transaction():
        put_acknowledgement(db, account_id, word)
        note_action(db, account_id or None, "check.acknowledge", detail, word.actor)


def present(db: Database, account: Account | None) -> datetime:
    """The world's time for `account` (UTC): that of a stepped one stands where its books end."""
    known = None if account is None or account.last_slot is None else world_now(db, account.account_id)
    return known or datetime.now(UTC)


# ---- looking ----


def _look(
    ground: Ground,
    account: Account | None,
    checks: Sequence[Check],
    what: tuple[Checklist, datetime | None],
) -> Taken:
    before = Before(found=ground.found, live=ground.live, away=ground.away)
    with scene_of(ground.env, ground.store, account, before=before) as scene:
        results = run_checks(checks, scene)
    return Taken(
        checklist=what[0],
        slot=what[1],
        at=scene.now,
        account_id="" if account is None else account.account_id,
        results=results,
        verdict=worst(each.evidence.verdict for each in results),
        kept=ground.store is not None,
        away=ground.away,
    )


def _compared(db: Database, taken: Taken, *, whole: bool) -> Taken:
    """With what it was before, what a person has seen, and the heads of the chains."""
    key = taken.account_id
    was = before(db, key, _taking(taken)) if whole else last(db, key, [each.check.id for each in taken.results])
    return replace(
        taken,
        was=was,
        changed=changes(was, taken.results),
        acknowledged=acknowledged(db, key, taken.results, korean_day(taken.at)),
        heads=named_heads(chain_heads(db, key) if key else {}, chain_heads(db, "")),
    )


def _taking(taken: Taken) -> Taking:
    return Taking(checklist=taken.checklist, slot=taken.slot, at=taken.at, results=taken.results)


def _done(store: Store, key: str, checklist: Checklist, slot: datetime) -> bool:
    try:
        with store.open(Role.READER) as db:
            return checklist_taken(db, key, checklist, slot)
    except MakenaideError:
        return False  # whoever looks next finds out, and says so


# ---- telling ----


def _tell(ground: Ground, taken: Taken, render: Render) -> Taken | None:
    """Keep the run and its message in one transaction; outside of it when the database is away."""
    if ground.store is None:
        return _told_without(ground, taken, render)
    try:
        with ground.store.open(Role.WRITER) as db, db.transaction():
            told = _compared(db, taken, whole=True)
            if not keep_list(db, taken.account_id, _taking(taken)):
                return None
            if taken.slot is not None:
                put_message(db, _message(told, render))
    except MakenaideError as cause:
        return _told_without(ground, replace(taken, away=str(cause)), render)
    return told


def _told_without(ground: Ground, taken: Taken, render: Render) -> Taken:
    from makenaide.app.notify import tell  # noqa: PLC0415 - opens channels, which only a lost database needs here

    told = replace(taken, kept=False)
    if told.slot is not None:
        tell(ground.env, None, _message(told, render))
    return told


def _message(taken: Taken, render: Render) -> Message:
    title, body = render(taken)
    slot = taken.slot or taken.at
    return Message(
        key=f"{taken.checklist} {slot.isoformat()} {taken.account_id}",
        account_id=taken.account_id,
        at=taken.at,
        urgency=urgency(taken),
        title=title,
        body=body,
        detail={
            "list": str(taken.checklist),
            "verdict": str(taken.verdict),
            "checks": {each.check.id: str(each.evidence.verdict) for each in taken.results},
            "heads": {name: {"number": head.number, "hash": head.hash} for name, head in taken.heads.items()},
        },
    )


def urgency(taken: Taken) -> Urgency:
    """PAGE for a FAIL that pages; a warning for whatever else is not well and that nobody has seen yet."""
    loud = [each for each in taken.results if not each.evidence.verdict.quiet]
    if any(each.evidence.verdict is Verdict.FAIL and each.check.pages(each.evidence.said.key) for each in loud):
        return Urgency.PAGE
    unseen = [each for each in loud if each.check.id not in taken.acknowledged]
    return Urgency.WARNING if unseen else Urgency.INFO
