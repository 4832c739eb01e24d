"""`live`: what keeps live trading closed, the person's confirmation, and rehearsals from another machine."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from makenaide.app.database import open_store
from makenaide.app.evidence import import_rehearsal
from makenaide.app.identity import mode_of, source
from makenaide.app.live import Grounds, LiveCheck, admit, check_live, confirm, grounds_of, sentence
from makenaide.app.wanted import Wanted, wanted_account
from makenaide.catalogue import Text
from makenaide.cli.door import environment
from makenaide.cli.output import console, print_json, safe, table
from makenaide.domain.errors import LiveClosed, MakenaideError, Misconfigured
from makenaide.domain.verdict import Verdict
from makenaide.environment import Environment
from makenaide.store.db import Role

_LIVE = {"mode": "live"}
_COLOURS = {Verdict.PASS: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red", Verdict.UNKNOWN: "magenta"}
_LONGEST = 2_000_000


def show_check(*, as_json: bool) -> int:
    """Print every precondition; 0 when live mode would open, else the exit code of `LiveClosed`."""
    env, text = environment()
    with _grounds(env, wanted_account(env, source(env.config, _LIVE)), Role.READER) as grounds:
        check = check_live(grounds)
    if as_json:
        rows = [
            {
                "name": each.name,
                "verdict": each.verdict,
                "seen": each.seen,
                "todo": None if each.verdict is Verdict.PASS else text(f"live.todo.{each.name}"),
            }
            for each in check.conditions
        ]
        print_json({"open": check.open, "account": grounds.wanted.account_id, "conditions": rows})
    else:
        _print(check, text, error=False)
    return 0 if check.open else LiveClosed.exit_code


def confirm_live() -> None:
    """Let a person type the sentence that opens live mode; everything else must hold already."""
    env, text = environment()
    with _grounds(env, wanted_account(env, source(env.config, _LIVE)), Role.WRITER) as grounds:
        check = check_live(grounds)
        if check.open:
            console().print(f"[green]{text('live.open')}[/]")
            return
        _ask(grounds, check, text)


def live_account(env: Environment, meant: Wanted, text: Text) -> Wanted:
    """The live account with its admission; asks the person when nothing but the word is missing; `LiveClosed`."""
    with _grounds(env, meant, Role.WRITER) as grounds:
        check = check_live(grounds)
        if check.confirmable and _terminal():
            _ask(grounds, check, text)
            check = check_live(grounds)
        return replace(meant, admission=admit(grounds, check))


def take_rehearsal(file: Path, *, as_json: bool) -> None:
    """Keep the rehearsal in the signed `file` as evidence for live trading."""
    env, text = environment()
    try:
        with file.open("rb") as stream:
            content = stream.read(_LONGEST)
    except OSError as cause:
        raise Misconfigured(f"{file}: cannot be read: {cause.strerror}") from None
    with open_store(env, prepare=True) as store:
        try:
            kept = import_rehearsal(store, env.config, env.home, content, datetime.now(UTC))
        except Misconfigured as cause:
            raise Misconfigured(f"{file}: {cause}") from None
    if as_json:
        print_json({"subject": kept.subject, "verdict": kept.verdict, "valid_until": kept.valid_until})
    else:
        console().print(text("live.imported", until=kept.valid_until))


@contextmanager
def _grounds(env: Environment, meant: Wanted, role: Role) -> Iterator[Grounds]:
    """A database that cannot be used is a reason among others."""
    with ExitStack() as stack:
        try:
            store = stack.enter_context(open_store(env, prepare=True, mode=mode_of(env.config, _LIVE)))
            found = grounds_of(env, stack.enter_context(store.open(role)), meant)
        except MakenaideError as cause:
            found = grounds_of(env, None, meant, str(cause))
        yield found


def _ask(grounds: Grounds, check: LiveCheck, text: Text) -> None:
    """The typed confirmation: at a terminal only, and only when it is all that is missing."""
    if not check.confirmable:
        admit(grounds, check)  # raises with every reason
    if not _terminal():
        raise LiveClosed(text("live.terminal"))
    err = console(error=True)
    _print(check, text, error=True)
    err.print(text("live.type"))
    err.print(f"  [bold]{safe(sentence(grounds))}[/]", soft_wrap=True)
    if not confirm(grounds, sys.stdin.readline()):
        raise LiveClosed(text("live.wrong"))
    err.print(f"[green]{text('live.confirmed')}[/]")


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _print(check: LiveCheck, text: Text, *, error: bool) -> None:
    columns = [(text(f"column.{name}"), "left") for name in ("condition", "verdict", "seen", "todo")]
    rows = [
        (
            text(f"live.condition.{each.name}"),
            f"[{_COLOURS[each.verdict]}]{each.verdict}[/]",
            safe(each.seen),
            "" if each.verdict is Verdict.PASS else text(f"live.todo.{each.name}"),
        )
        for each in check.conditions
    ]
    out = console(error=error)
    out.print(table(columns, rows))
    out.print(f"[green]{text('live.open')}[/]" if check.open else f"[red]{text('live.closed')}[/]")
