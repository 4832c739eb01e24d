"""`start`, `stop`, `backup`, `restore`: the plan as a table, a line for each step carried out, and the message.

A person's interruption breaks a plan off between two looks; the same command goes on from there.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from makenaide.app.clock import StopFlag, WallClock
from makenaide.app.deployed import deploy
from makenaide.app.identity import mode_of, named
from makenaide.app.logs import log_to
from makenaide.app.meant import Meant, meant, to_start
from makenaide.app.notify import tell
from makenaide.app.noting import note_somewhere
from makenaide.app.operation import Worker, process_of
from makenaide.app.person import person
from makenaide.app.planbook import HomeJournal, one_plan
from makenaide.app.power import Grip, back_up, bring_back
from makenaide.app.shutdown import HomeStop
from makenaide.app.situation import situation
from makenaide.app.startup import HomeStart
from makenaide.app.wanted import Wanted, stored_account
from makenaide.catalogue import Text
from makenaide.cli.chosen import wanted
from makenaide.cli.door import environment
from makenaide.cli.output import console, print_json, safe, table, visible
from makenaide.cli.warmth import warm_up as load
from makenaide.domain.clock import kst
from makenaide.domain.errors import Halted, InUse, Misconfigured
from makenaide.environment import Environment
from makenaide.ops.plan import Acts, Course, Ended, Outcome, Plan, Procedure, Result, Step, carry_out, result_data
from makenaide.ops.plans.start import GATES, SCHEMA, start_plan
from makenaide.ops.plans.stop import STOPPED, Wish, stop_plan
from makenaide.store.accounts import latest_account
from makenaide.store.db import Role
from makenaide.store.outbox import Message, Urgency

_COLOURS = {Outcome.DONE: "green", Outcome.SKIPPED: "dim", Outcome.FAILED: "bold red", Outcome.LATE: "bold red"}
_UNTOLD = (SCHEMA, GATES, STOPPED)
"""Steps that only look or tell: a plan in which nothing else was done is no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAsked:
    """The options of `stop`."""

    everything: bool
    accept_unguarded: bool
    plan: bool


def start(asked: Mapping[str, Any], *, plan: bool, as_json: bool) -> int:
    """Start the system, or only print the plan; raises what the step that failed raised."""
    env, text = environment()
    about = meant(env, asked)
    account = to_start(env, about)
    _require_alone(env, account)
    desk = _Desk(env=env, text=text, as_json=as_json, about=about)
    stands = situation(env, about.mode, account.account_id, live=account.source.live)
    planned = start_plan(stands, desk.name, desk.now)
    if plan:
        return desk.show_plan(planned)
    return _started(desk, planned, account)


def _require_alone(env: Environment, account: Wanted) -> None:
    """One account is started in a data folder at a time: a stop has to know which one it is."""
    steward = process_of(env.home, Worker.STEWARD)
    if steward is not None and steward.alive and steward.account != account.account_id:
        raise InUse(f"account {steward.account} is started in this data folder: `makenaide stop` first")


def _started(desk: "_Desk", planned: Plan, account: Wanted) -> int:
    env, grip = desk.env, Grip(env=desk.env, mode=desk.about.mode)
    log_to(env.home, uuid4().hex[:12])
    journal = HomeJournal(
        home=env.home,
        plan=planned.id,
        account=account.account_id,
        arguments=desk.about.arguments,
        before=desk.about.before,
    )
    with desk.flag.on_signals(), one_plan(env.home):
        deploy(env)
        acts = HomeStart(env=env, about=desk.about, wanted=account, grip=grip, plan=planned.id, actor=person())
        return desk.carry_out(planned, acts, (journal, grip))


def stop(asked: Mapping[str, Any], how: StopAsked, *, as_json: bool) -> int:
    """Stop the system safely, or only print the plan; raises what the step that failed raised."""
    env, text = environment()
    if how.accept_unguarded and not how.everything:
        raise Misconfigured(text("plan.only_with_all"))
    about = meant(env, asked)
    wish = Wish(everything=how.everything, accept_unguarded=how.accept_unguarded)
    desk = _Desk(env=env, text=text, as_json=as_json, about=about)
    account = _to_stop(env, asked, about)
    stands = situation(env, about.mode, account, live=about.options.get("mode") == "live")
    planned = stop_plan(stands, wish, desk.name, desk.now)
    if how.plan:
        return desk.show_plan(planned)
    log_to(env.home, uuid4().hex[:12])
    grip = Grip(env=env, mode=about.mode, prepare=True)
    with desk.flag.on_signals(), one_plan(env.home):
        acts = HomeStop(
            env=env,
            about=about,
            wish=wish,
            account=planned.account,
            grip=grip,
            flag=desk.flag,
            plan=planned.id,
            actor=person(),
        )
        journal = HomeJournal(home=env.home, plan=planned.id, account=planned.account)
        return desk.carry_out(planned, acts, (journal, grip))


def _to_stop(env: Environment, asked: Mapping[str, Any], about: Meant) -> str | None:
    """The account by its id, as far as that is known without the database."""
    if named(asked):
        return wanted(env, asked).account_id
    return None if about.before is None else about.before.account


def backup(asked: Mapping[str, Any], *, as_json: bool) -> int:
    """Take a backup, restore it, compare; raises what went wrong."""
    env, text = environment()
    log_to(env.home, uuid4().hex[:12])
    grip = Grip(env=env, mode=mode_of(env.config, asked), prepare=True)
    try:
        store = grip.store()
        with store.open(Role.READER) as db:
            account = stored_account(db, wanted(env, asked)) if named(asked) else latest_account(db)
        taken = back_up(env, store, account)
    finally:
        grip.give_back()
    if as_json:
        at = None if taken.verified_at is None else taken.verified_at.isoformat()
        told = {"name": taken.name, "taken_at": taken.taken_at.isoformat(), "verified_at": at, "size": taken.size}
        print_json(told | {"heads": dict(taken.heads)})
        return 0
    said = text("plan.backed_up", name=safe(taken.name), size=f"{taken.size:,}", folder=safe(env.home / "backups"))
    console().print(f"[green]{said}[/]", soft_wrap=True)
    return 0


def restore(name: str, mode: str, *, as_json: bool) -> int:
    """Bring the backup `name` back into a database without accounts, compare; raises what went wrong."""
    env, text = environment()
    log_to(env.home, uuid4().hex[:12])
    with one_plan(env.home):
        held = bring_back(env, name, mode_of(env.config, {"mode": mode}))
    had = held.contents
    heads = {
        owner: {chain: {"number": head.number, "hash": head.hash} for chain, head in of.items()}
        for owner, of in had.heads.items()
    }
    if as_json:
        told = {"name": held.name, "mode": held.mode, "taken_at": held.taken_at.isoformat(), "sha256": held.sha256}
        print_json(told | {"rows": dict(had.counts), "balances": dict(had.balances), "heads": heads})
        return 0
    chains = sum(map(len, heads.values()))
    said = {"rows": f"{sum(had.counts.values()):,}", "balances": len(had.balances), "chains": chains}
    console().print(f"[green]{text('plan.restored', name=safe(held.name), **said)}[/]", soft_wrap=True)
    return 0


def warm_up(worker: str) -> None:
    """Load what `worker` needs, and print the seconds that it took."""
    sys.stdout.write(f"{load(worker):.3f}\n")


@dataclass(slots=True, kw_only=True)
class _Desk:
    """What start and stop have in common: the plan's name and time, and how they speak."""

    env: Environment
    text: Text
    as_json: bool
    about: Meant
    flag: StopFlag = field(default_factory=StopFlag)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def name(self) -> str:
        """A name that no other plan of this folder has."""
        return f"{self.now:%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"

    def show_plan(self, plan: Plan) -> int:
        """Print what would be done, and why."""
        if self.as_json:
            print_json(_plan_data(plan))
            return 0
        columns = [(self.text(f"plan.column.{name}"), "left") for name in ("step", "what", "why")]
        rows = [
            (each.id, self._does(each), f"[dim]{self._why(each)}[/]" if each.skip else self._why(each))
            for each in plan.steps
        ]
        title = self.text(f"plan.of.{plan.procedure}", account=plan.account or "-")
        console().print(table(columns, rows, title=title))
        return 0

    def carry_out(self, plan: Plan, acts: Acts, means: tuple[HomeJournal, Grip]) -> int:
        """Carry it out, tell people, and show what came of it; raises the failure."""
        journal, grip = means
        clock = WallClock(self.flag)
        course = Course(
            now=clock.now,
            seconds=time.monotonic,
            sleep=clock.sleep,
            journal=journal,
            told=self._progress,
            stopping=self.flag,
        )
        try:
            ended = carry_out(plan, acts, course)
            self._tell(ended, grip)
            self._note_failure(ended)
        finally:
            grip.give_back()
        if self.as_json:
            print_json(_ended_data(ended))
        else:
            self._show(ended)
        if ended.failure is not None:
            raise ended.failure
        return 0

    def _note_failure(self, ended: Ended) -> None:
        """A plan that failed or was refused is in the audit trail too; what succeeds notes itself."""
        if ended.failure is None:
            return
        step = None if ended.failed is None else ended.failed.step
        detail = {"plan": ended.plan.id, "outcome": "failed", "step": step, "cause": str(ended.failure)}
        note_somewhere(self.env, self.env.home, ended.plan.account, f"system.{ended.plan.procedure}", detail)

    def _does(self, step: Step) -> str:
        return self.text(f"plan.does.{step.does}")

    def _why(self, step: Step) -> str:
        why = self.text(f"plan.why.{step.why}")
        return self.text("plan.skip", why=why) if step.skip else why

    def _progress(self, step: Step, result: Result | None) -> None:
        """A line for each step on a terminal, as it ends; what is under way before that, for the steps that wait."""
        err = console(error=True)
        if not err.is_terminal:
            return
        if result is None:
            err.print(f"[dim]{step.id:<4}{self._does(step)} ...[/]", end="\r", soft_wrap=True)
            return
        err.print(self._line(step, result), soft_wrap=True)

    def _line(self, step: Step, result: Result) -> str:
        outcome = f"[{_COLOURS[result.outcome]}]{self.text(f'plan.outcome.{result.outcome}')}[/]"
        words = (result.cause or result.detail).partition("\n")[0]
        if step.skip and result.outcome is Outcome.SKIPPED:
            words = self.text(f"plan.why.{step.why}")
        said = f" {safe(words)}" if words else ""
        return f"{step.id:<4}{self._does(step)}: {outcome} ({result.seconds:.1f} s){said}"

    def _show(self, ended: Ended) -> None:
        out = console()
        if not console(error=True).is_terminal:
            steps = {each.id: each for each in ended.plan.steps}
            for result in ended.results:
                out.print(self._line(steps[result.step], result), soft_wrap=True)
        for each in ended.undone:
            out.print(self.text("plan.undone", what=safe(each)), soft_wrap=True)
        colour = "green" if ended.failure is None else "bold red"
        out.print(f"[{colour}]{safe(self._title(ended))}[/]", soft_wrap=True)

    def _title(self, ended: Ended) -> str:
        procedure = ended.plan.procedure
        if ended.failure is None:
            return self.text(f"plan.ended.{procedure}")
        refused = isinstance(ended.failure, Halted)
        how = "refused" if refused else "failed"
        step = ended.failed.step if ended.failed is not None else "-"
        return self.text(f"plan.{how}.{procedure}", step=step)

    def _tell(self, ended: Ended, grip: Grip) -> None:
        """One message a plan that did something or failed; through the outbox while the database is up."""
        done = any(each.outcome is Outcome.DONE and each.step not in _UNTOLD for each in ended.results)
        if not done and ended.failure is None:
            return
        up = ended.plan.procedure is Procedure.START or ended.failure is not None
        message = Message(
            key=f"plan {ended.plan.id}",
            account_id=ended.plan.account or "",
            at=datetime.now(UTC),
            urgency=Urgency.INFO if ended.failure is None else Urgency.PAGE,
            title=self._title(ended),
            body="\n".join(visible(line) for line in self._body(ended)),
            detail=_ended_data(ended),
        )
        store = grip.opened if up else None
        tell(self.env, store, message)

    def _body(self, ended: Ended) -> list[str]:
        lines = [self.text("plan.at", at=f"{kst(ended.plan.at):%Y-%m-%d %H:%M:%S}", plan=ended.plan.id)]
        if ended.failure is not None:
            lines += str(ended.failure).splitlines()
        if ended.failed is not None:
            lines.append(self.text(f"runbook.failed.{ended.failed.step}"))
        lines += [self.text("plan.undone", what=each) for each in ended.undone]
        if ended.failure is None:
            lines += [f"{each.step}: {each.detail}" for each in ended.results if each.detail]
        return lines


def _plan_data(plan: Plan) -> dict[str, Any]:
    return {
        "plan": plan.id,
        "procedure": str(plan.procedure),
        "account": plan.account,
        "steps": [
            {
                "step": each.id,
                "does": each.does,
                "why": each.why,
                "skip": each.skip,
                "deadline": each.deadline,
            }
            for each in plan.steps
        ],
    }


def _ended_data(ended: Ended) -> dict[str, Any]:
    failed = ended.failed
    return {
        "plan": ended.plan.id,
        "procedure": str(ended.plan.procedure),
        "account": ended.plan.account,
        "done": ended.failure is None,
        "step": None if failed is None else failed.step,
        "cause": None if ended.failure is None else str(ended.failure),
        "undone": list(ended.undone),
        "results": [result_data(each) for each in ended.results],
    }
