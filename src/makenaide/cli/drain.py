"""`drain`: before an account is left alone, what is open is brought to an end, and what is left is named (T1)."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from makenaide.app.auditing import note_action
from makenaide.app.clock import StopFlag
from makenaide.app.database import open_store
from makenaide.app.draining import Asked, Emptied, drain_account
from makenaide.app.halted import halt_file
from makenaide.app.identity import mode_of, named
from makenaide.app.logs import log_to
from makenaide.app.wanted import stored_account
from makenaide.catalogue import Text
from makenaide.cli.chosen import chosen, wanted
from makenaide.cli.door import environment
from makenaide.cli.output import console, print_json, safe, table
from makenaide.cli.reconciling import actor
from makenaide.domain.errors import Halted
from makenaide.environment import Environment
from makenaide.execution.drain import Drained, Policy
from makenaide.execution.halt import Halt, note_halt
from makenaide.store.accounts import Account
from makenaide.store.db import Role
from makenaide.store.home import file_faults

REASON = "drain"


def ask(policy: str, seconds: float, *, accept_unguarded: bool) -> Asked:
    """What the command line asks for."""
    return Asked(policy=Policy(policy), seconds=seconds, accept_unguarded=accept_unguarded)


def drain(asked: Mapping[str, Any], how: Asked, *, as_json: bool) -> None:
    """Halt buying, end the trading process, settle what is open, tell what is left; `Halted` (13) when something is.

    The halt stays: a person lifts it.
    """
    env, text = environment()
    log_to(env.home, uuid4().hex[:12])
    halt, flag = _halted(env), StopFlag()
    with (
        flag.on_signals(),
        open_store(env, prepare=True, mode=mode_of(env.config, asked)) as store,
        store.open(Role.WRITER) as db,
    ):
        account = stored_account(db, wanted(env, asked) if named(asked) else None)
        note_halt(db, halt, datetime.now(UTC), actor())
        note_action(db, account.account_id, "drain.ask", asdict(how))
        done = drain_account(env, db, chosen(env, db, asked), how, flag)
    if as_json:
        print_json(report(account, halt, how, done))
    else:
        _print(account, halt, done, text)
    if not done.drained.safe:
        raise Halted("\n  ".join(f"{each.kind} {each.name}: {each.cause}" for each in done.drained.left))


def _halted(env: Environment) -> Halt:
    """Buys are blocked from here on; a halt that is in force already stays as it is."""
    switch = halt_file(env.home)
    if switch.halt() is None:
        with file_faults(env.home):
            env.home.mkdir(parents=True, exist_ok=True)
            switch.set(REASON, actor(), datetime.now(UTC))
    halt = switch.halt()
    return halt or Halt(reason=REASON)


def report(account: Account, halt: Halt, how: Asked, done: Emptied) -> dict[str, Any]:
    """Everything that draining came to, as plain values."""
    drained = done.drained
    return {
        "account": account.account_id,
        "safe": drained.safe,
        "halt": {"reason": halt.reason, "by": halt.by, "at": halt.at},
        "policy": str(how.policy),
        "trader_ended": None if done.trader is None else done.trader.pid,
        "guard": done.guard,
        "settled": list(drained.settled),
        "cancelled": list(drained.cancelled),
        "guarded": list(drained.guarded),
        "unguarded": list(drained.unguarded),
        "foreign": list(drained.foreign),
        "left": [{"kind": str(each.kind), "name": each.name, "cause": each.cause} for each in drained.left],
    }


def _print(account: Account, halt: Halt, done: Emptied, text: Text) -> None:
    out = console()
    rows = _rows(done.drained, text)
    if rows:
        columns = [(text("drain.what"), "left"), (text("drain.name"), "left"), (text("drain.cause"), "left")]
        out.print(table(columns, rows))
    if done.trader is not None:
        out.print(text("drain.trader", pid=done.trader.pid), soft_wrap=True)
    if done.guard is not None:
        out.print(text("drain.guard", pid=done.guard), soft_wrap=True)
    said = text("drain.safe" if done.drained.safe else "drain.unsafe", account=account.account_id)
    out.print(f"[{'green' if done.drained.safe else 'bold red'}]{said}[/]", soft_wrap=True)
    out.print(text("drain.halted", halt=safe(halt)), soft_wrap=True)


def _rows(drained: Drained, text: Text) -> list[tuple[str, str, str]]:
    named_only = {
        "settled": drained.settled,
        "cancelled": drained.cancelled,
        "guarded": drained.guarded,
        "unguarded": drained.unguarded,
        "foreign": drained.foreign,
    }
    rows = [(text(f"drain.{what}"), safe(name), "") for what, names in named_only.items() for name in names]
    rows += [
        (f"[red]{text('drain.left')}[/]", safe(each.name), f"{text(f'drain.of.{each.kind}')}: {safe(each.cause)}")
        for each in drained.left
    ]
    return rows
