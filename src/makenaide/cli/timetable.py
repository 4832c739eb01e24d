"""`schedule`: what runs when and what came of it; and the steward, which keeps it."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from makenaide.app.clock import StopFlag
from makenaide.app.database import Store, open_store
from makenaide.app.identity import mode_of, named
from makenaide.app.logs import log_to
from makenaide.app.notify import tell
from makenaide.app.operation import Process, Worker, process_of
from makenaide.app.steward import Duties, audit_body, steward
from makenaide.app.wanted import stored_account
from makenaide.catalogue import Text
from makenaide.cli.chosen import wanted
from makenaide.cli.door import environment
from makenaide.cli.output import console, print_json, safe, table
from makenaide.domain.clock import KST, kst
from makenaide.domain.errors import DatabaseUnavailable, Misconfigured
from makenaide.environment import Environment
from makenaide.ops.attempt import MISSED, Body, Ended, Failed
from makenaide.ops.check import Checklist
from makenaide.ops.timetable import JobName, Line, Past, jobs, listing
from makenaide.store.accounts import Account, find_account, latest_account
from makenaide.store.db import Role
from makenaide.store.jobs import latest_jobs
from makenaide.store.outbox import Message, Urgency
from makenaide.store.runs import latest_run

_ACCOUNT_SECONDS = 60.0
"""So long a steward waits for the trader that was started with it to open the account."""
_PAUSE = 0.2
_NAMES = {
    JobName.AUDIT: "schedule.name.audit",
    JobName.BACKUP: "schedule.name.backup",
    JobName.DATABASE: "schedule.name.database",
    JobName.READINESS: "schedule.name.readiness",
    JobName.DECISION: "schedule.name.decision",
    JobName.MORNING: "schedule.name.morning",
    JobName.EVENING: "schedule.name.evening",
}
_TODO: Mapping[str, str] = {JobName.AUDIT: "schedule.todo.audit", JobName.BACKUP: "schedule.todo.backup"}
_STATES = {
    "done": "schedule.state.done",
    "failed": "schedule.state.failed",
    "missed": "schedule.state.missed",
    "running": "schedule.state.running",
}
_COLOURS = {"done": "green", "failed": "red", "missed": "yellow", "running": "cyan"}
_WORKERS = {"steward": "schedule.worker.steward", "trader": "schedule.worker.trader"}


# ---- what is to be seen ----


def show(asked: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the timetable with what came of each job last; starts nothing but the embedded database."""
    env, text = environment()
    account, past, away = _known(env, asked)
    now = datetime.now(UTC)
    installation = "" if account is None else account.installation
    lines = listing(jobs(env.config.operations, env.config.schedule, installation), now, past)
    keeper = process_of(env.home, Worker.STEWARD)
    keeper = keeper if keeper is not None and keeper.alive else None
    if as_json:
        print_json(_data((lines, now), account, keeper, away))
        return
    _print(text, lines, now)
    err = console(error=True)
    if away:
        err.print(f"[yellow]{text('schedule.away', cause=safe(away))}[/]")
    elif account is None:
        err.print(text("schedule.no_account"))
    if keeper is None:
        err.print(f"[yellow]{text('schedule.unkept')}[/]")
    else:
        err.print(text("schedule.kept", pid=keeper.pid, account=safe(keeper.account)))


def _known(env: Environment, asked: Mapping[str, Any]) -> tuple[Account | None, dict[str, Past], str]:
    """The account, the newest slot of each job, and why nothing is known of them if nothing is."""
    meant = wanted(env, asked).account_id if named(asked) else None
    try:
        with (
            open_store(env, prepare=True, mode=mode_of(env.config, asked)) as store,
            store.open(Role.READER) as db,
        ):
            account = latest_account(db) if meant is None else find_account(db, meant)
            if account is None:
                return None, {}, ""
            past = {
                name: Past(slot=row.slot, outcome=row.outcome or "running")
                for name, row in latest_jobs(db, account.account_id).items()
            }
            run = latest_run(db, account.account_id)
            if run is not None:
                past[JobName.DECISION.value] = Past(slot=run.slot, outcome=run.status)
            return account, past, ""
    except DatabaseUnavailable as cause:
        return None, {}, str(cause)


def _print(text: Text, lines: tuple[Line, ...], now: datetime) -> None:
    columns = [
        (text("schedule.job"), "left"),
        (text("schedule.times"), "left"),
        (text("schedule.last"), "left"),
        (text("schedule.outcome"), "left"),
        (text("schedule.next"), "left"),
        (text("schedule.wait"), "right"),
        (text("schedule.doer"), "left"),
    ]
    rows = [
        (
            text(_NAMES[line.job.name]),
            _times(line, text),
            text("schedule.never") if line.last is None else _minute(line.last.slot),
            "" if line.last is None else _outcome(line.last.outcome, text),
            _minute(line.next),
            _span(line.wait(now)),
            text(_WORKERS[line.job.doer]),
        )
        for line in lines
    ]
    console().print(table(columns, rows, title=text("schedule.title", now=_minute(now))))


def _times(line: Line, text: Text) -> str:
    at = ", ".join(f"{each:%H:%M}" for each in line.job.times)
    return at if line.job.waits is None else text("schedule.by", at=at, latest=_latest(line))


def _latest(line: Line) -> str:
    at = datetime.combine(datetime(2000, 1, 1, tzinfo=KST), line.job.times[0], KST)
    return f"{at + (line.job.waits or timedelta(0)):%H:%M}"


def _outcome(outcome: str, text: Text) -> str:
    return (
        f"[{_COLOURS.get(outcome, 'default')}]{text(_STATES[outcome]) if outcome in _STATES else safe(outcome)}[/]"
    )


def _minute(moment: datetime) -> str:
    return f"{kst(moment):%Y-%m-%d %H:%M}"


def _span(wait: timedelta) -> str:
    minutes = max(0, int(wait.total_seconds())) // 60
    return f"{minutes // 60}:{minutes % 60:02d}"


def _data(
    listed: tuple[tuple[Line, ...], datetime], account: Account | None, keeper: Process | None, away: str
) -> dict[str, Any]:
    lines, now = listed
    return {
        "now": now,
        "zone": "+09:00",
        "account": None if account is None else account.account_id,
        "steward": None if keeper is None else {"process": keeper.pid, "account": keeper.account},
        "database": away or None,
        "jobs": [
            {
                "job": line.job.name,
                "times": [f"{each:%H:%M}" for each in line.job.times],
                "latest": None if line.job.waits is None else _latest(line),
                "doer": line.job.doer,
                "last": None if line.last is None else {"slot": kst(line.last.slot), "outcome": line.last.outcome},
                "next": kst(line.next),
                "seconds": round(line.wait(now).total_seconds()),
            }
            for line in lines
        ],
    }


# ---- the steward ----


def run(asked: Mapping[str, Any]) -> None:
    """Keep the schedule in this process until SIGTERM or SIGINT; `InUse` when another one keeps it here."""
    env, text = environment()
    log_to(env.home, uuid4().hex[:12])
    flag = StopFlag()
    with flag.on_signals(), open_store(env, prepare=True, mode=mode_of(env.config, asked)) as store:
        account = _account(env, store, asked, flag)
        if account is None:
            return
        told = text("schedule.keeping", account=account.account_id, pid=os.getpid())
        console(error=True).print(told, soft_wrap=True)
        failed = telling(env, store, account, text)
        steward(env, store, account, flag, Duties(bodies=bodies(env, store, account, text), failed=failed))


def _account(env: Environment, store: Store, asked: Mapping[str, Any], flag: StopFlag) -> Account | None:
    """The account that is named, else the one used last; None when asked to stop before it was opened."""
    meant = wanted(env, asked) if named(asked) else None
    deadline = time.monotonic() + _ACCOUNT_SECONDS
    while not flag():
        with store.open(Role.READER) as db:
            if meant is None or time.monotonic() > deadline:
                return stored_account(db, meant)
            with suppress(Misconfigured):
                return stored_account(db, meant)
        flag.wait(_PAUSE)
    return None


def bodies(env: Environment, store: Store, account: Account, text: Text) -> dict[str, Body]:
    """What the steward does in each job, in the language of `text`."""
    return {
        JobName.READINESS.value: _list_body((env, store, account), Checklist.READINESS, text),
        JobName.MORNING.value: _list_body((env, store, account), Checklist.MORNING, text),
        JobName.EVENING.value: _list_body((env, store, account), Checklist.EVENING, text),
        JobName.BACKUP.value: _backup_body(env, store, account),
        JobName.AUDIT.value: audit_body(env, store),
    }


def telling(env: Environment, store: Store, account: Account, text: Text) -> Failed:
    """Tells people of a backup or an audit that failed or was missed, once a slot; raises nothing foreseen."""

    def told(name: str, slot: datetime, ended: Ended) -> None:
        todo = _TODO.get(name)
        if todo is None:
            return  # a list tells of itself, and of the one before it
        about = {"job": text(_NAMES[JobName(name)]), "slot": _minute(slot)}
        missed = ended.outcome == MISSED
        cause = text("schedule.missed_why") if missed else str(ended.detail.get("cause", ""))
        tell(
            env,
            store,
            Message(
                key=f"{name} {slot.isoformat()} {account.account_id}",
                account_id=account.account_id,
                at=datetime.now(UTC),
                urgency=Urgency.PAGE if name == JobName.AUDIT and not missed else Urgency.WARNING,
                title=text("schedule.missed" if missed else "schedule.failed", **about),
                body=text("schedule.failed_why", cause=cause, todo=text(todo)),
                detail={"job": name, "slot": slot.isoformat(), "cause": cause},
            ),
        )

    return told


def _list_body(about: tuple[Environment, Store, Account], checklist: Checklist, text: Text) -> Body:
    def work(slot: datetime) -> Mapping[str, Any]:
        from makenaide.app.checking import take_list  # noqa: PLC0415 - every check and the dashboard come along
        from makenaide.cli.checking import message  # noqa: PLC0415

        env, store, account = about
        taken = take_list(env, store, account, (checklist, slot), message(text))
        if taken is None:
            return {"taken": "before"}
        checks = {each.check.id: str(each.evidence.verdict) for each in taken.results}
        return {"verdict": str(taken.verdict), "checks": checks, "kept": taken.kept}

    return work


def _backup_body(env: Environment, store: Store, account: Account) -> Body:
    def work(_slot: datetime) -> Mapping[str, Any]:
        from makenaide.app.power import back_up  # noqa: PLC0415 - needed once a day

        backup = back_up(env, store, account, "steward")
        return {"name": backup.name, "bytes": backup.size, "verified_at": backup.verified_at}

    return work
