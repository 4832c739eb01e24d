"""`check` and `acknowledge`: lists of checks for people and programs, and the message that tells of a list."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from makenaide.app.checking import Ground, Render, Taken, ground_of, look, present
from makenaide.app.checking import acknowledge as keep
from makenaide.app.database import open_store
from makenaide.app.identity import mode_of, named
from makenaide.app.person import person
from makenaide.app.wanted import stored_account
from makenaide.catalogue import Text
from makenaide.cli.chosen import wanted
from makenaide.cli.door import environment
from makenaide.cli.found import Told, change, counts, told
from makenaide.cli.lists import html_page, list_data, markdown, print_table
from makenaide.cli.output import console, print_json, safe, visible
from makenaide.domain.clock import kst
from makenaide.domain.errors import Inconsistent, Misconfigured, Unavailable
from makenaide.domain.parameter import near
from makenaide.domain.verdict import Verdict
from makenaide.environment import Environment
from makenaide.ops.check import Checklist
from makenaide.ops.checks.register import BY_ID, chosen
from makenaide.store.accounts import Account, latest_account
from makenaide.store.checklists import Acknowledgement
from makenaide.store.db import Role
from makenaide.store.modes import Mode

_TITLES = {
    Checklist.MORNING: "checking.message.morning",
    Checklist.EVENING: "checking.message.evening",
    Checklist.READINESS: "checking.message.readiness",
}
_HEAD = 12
"""Hexadecimal digits of a chain's head that a message tells: enough to tell two apart."""


def check(asked: Mapping[str, Any], what: str, form: str) -> int:
    """Look at the list or the check `what`, print it as `form` says; the exit code of the worst verdict."""
    checks = chosen(what)
    env, text = environment()
    with ground_of(env, mode_of(env.config, asked)) as opened:
        account, away = _account(env, opened, asked)
        ground = replace(opened, away=away, live=asked.get("mode") == Mode.LIVE)
        taken = look(ground, account, checks, whole=what.lower() in set(Checklist))
        _print(taken, what.lower() if what.lower() in set(Checklist) else checks[0].id, form, text)
    return taken.verdict.exit_code


def acknowledge(asked: Mapping[str, Any], check_id: str, until: date, note: str, *, as_json: bool) -> None:
    """Keep a person's word: the WARN that the check found last is folded up to and including `until` (KST)."""
    known = BY_ID.get(check_id.upper())
    if known is None:
        raise Misconfigured(f"acknowledge: unknown: {check_id}{near(check_id.upper(), BY_ID)}")
    env, text = environment()
    with open_store(env, prepare=True, mode=mode_of(env.config, asked)) as store, store.open(Role.WRITER) as db:
        account = stored_account(db, wanted(env, asked)) if named(asked) else latest_account(db)
        key = "" if account is None else account.account_id
        word = Acknowledgement(check_id=known.id, until=until, actor=person(), note=note, at=present(db, account))
        keep(db, key, word)
    if as_json:
        print_json({"check": known.id, "until": until.isoformat(), "account": key, "verdict": Verdict.WARN})
        return
    console().print(text("checking.acknowledged", id=known.id, until=until.isoformat()))


def message(text: Text) -> Render:
    """Makes title and body of the message that tells of a list, in the language of `text`."""

    def render(taken: Taken) -> tuple[str, str]:
        day = f"{kst(taken.slot or taken.at):%Y-%m-%d}"
        title = text(_TITLES[taken.checklist], verdict=str(taken.verdict), day=day)
        return title, "\n".join(visible(line) for line in _body(taken, text))

    return render


# ---- the message ----


def _body(taken: Taken, text: Text) -> list[str]:
    """What changed, the heads (so early that no channel cuts them off), what is not well (the worst first), what a
    person has seen: one line each."""
    rows = told(taken, text)
    loud = [row for row in rows if not row.verdict.quiet and row.until is None]
    lines = [_changed(taken, text), *_heads(taken, text)]
    lines += [_line(row) for row in sorted(loud, key=lambda row: -row.verdict.exit_code)]
    if not loud:
        lines.append(text("checking.message.good", counts=counts(taken)))
    seen = [f"{row.id} ({row.until.isoformat()})" for row in rows if row.until is not None]
    if seen:
        lines.append(text("checking.message.seen", checks=", ".join(seen)))
    if not taken.kept:
        lines.append(text("checking.unkept", cause=taken.away))
    return lines


def _heads(taken: Taken, text: Text) -> list[str]:
    """Each as `makenaide audit --link` takes it."""
    heads = [f"{name} {head.number} {head.hash[:_HEAD]}" for name, head in sorted(taken.heads.items())]
    return [text("checking.message.heads", heads=", ".join(heads))] if heads else []


def _changed(taken: Taken, text: Text) -> str:
    if not taken.kept:
        return text("checking.message.unknown")
    if not taken.was:
        return text("checking.message.first")
    if not taken.changed:
        return text("checking.message.same")
    return text("checking.message.changed", changes=", ".join(change(each) for each in taken.changed))


def _line(row: Told) -> str:
    remedy = f" -> {row.remedy}" if row.remedy else ""
    return f"{row.verdict} {row.id} {row.title}: {row.found}{remedy}"


# ---- which account, which form ----


def _account(env: Environment, ground: Ground, asked: Mapping[str, Any]) -> tuple[Account | None, str]:
    """The account that is named, else the one used last; None in a fresh home, or with why nobody can read of any."""
    if ground.store is None:
        return None, ground.away
    try:
        with ground.store.open(Role.READER) as db:
            return stored_account(db, wanted(env, asked)) if named(asked) else latest_account(db), ""
    except (Unavailable, Inconsistent) as cause:
        return None, str(cause)


def _print(taken: Taken, what: str, form: str, text: Text) -> None:
    printers: Mapping[str, Callable[[], None]] = {
        "json": lambda: print_json(list_data(taken, what, text)),
        "markdown": lambda: _write(markdown(taken, what, text)),
        "html": lambda: _write(html_page(taken, what, text)),
    }
    printers.get(form, lambda: print_table(console(), taken, what, text))()
    if not taken.kept:
        console(error=True).print(f"[yellow]{safe(text('checking.unkept', cause=taken.away))}[/]")


def _write(page: str) -> None:
    sys.stdout.write(page)
