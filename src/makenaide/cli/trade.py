"""`run` and `report`: trade an account to its end (or until stopped), and show what came of it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from makenaide import __version__
from makenaide.app.auditing import note_configuration
from makenaide.app.clock import StopFlag
from makenaide.app.database import Store, open_store
from makenaide.app.deployed import deploy
from makenaide.app.guardpost import Post
from makenaide.app.identity import mode_of
from makenaide.app.logs import causes_told, log_to
from makenaide.app.operation import Worker, enter, leave, started
from makenaide.app.trader import open_session, trade
from makenaide.app.wanted import Wanted, finished
from makenaide.app.warden import audited, keeping, orders_for, relieve
from makenaide.catalogue import Text
from makenaide.cli.chosen import stored, wanted
from makenaide.cli.document import report_data
from makenaide.cli.door import environment
from makenaide.cli.live import live_account
from makenaide.cli.output import console, print_json, safe, won
from makenaide.cli.page import write_page
from makenaide.cli.render import print_report
from makenaide.environment import Environment
from makenaide.ops.fingerprint import code_hash
from makenaide.pipeline.cycle import CycleResult
from makenaide.pipeline.loop import Progress as Told
from makenaide.pipeline.report import Report, build_report, shown_day
from makenaide.pipeline.session import Session
from makenaide.store.accounts import find_account
from makenaide.store.db import Database, Role


def run_account(asked: Mapping[str, Any], *, as_json: bool) -> int:
    """Trade the account that the options name, then report it; a finished one is only reported again."""
    env, text = environment()
    meant = wanted(env, asked)
    log_to(env.home, uuid4().hex[:12])
    flag = StopFlag()
    rows = mode_of(env.config, asked)
    if meant.source.live:
        meant = live_account(env, meant, text)
    with flag.on_signals(), open_store(env, prepare=True, mode=rows) as store:
        with store.open(Role.WRITER) as db:
            ended = finished(db, find_account(db, meant.account_id)) or _trade(
                env, (store, db), (meant, flag), text
            )
        report = _read(store, meant)
    _show(report, text, as_json=as_json)
    _say_where(env, store, text, stopped=not ended)
    return 0


def _trade(env: Environment, opened: tuple[Store, Database], run: tuple[Wanted, StopFlag], text: Text) -> bool:
    (store, db), (meant, flag) = opened, run
    err = console(error=True)
    if meant.source.kind == "upbit":
        where = text("live.running") if meant.source.live else text("run.upbit")
        err.print(f"[yellow]{where}[/]")
    with open_session(env, db, meant, flag) as session, _progress(session, text) as told:
        account = session.account
        note_configuration(db, env, account.account_id, "trader")
        if not started(env.home):
            deploy(env)
        if account.last_slot is not None:
            return trade(session, told)  # a stepped run, whose stops are watched along the path of its time
        secrets = env.secrets.variables() if meant.source.live else None
        orders, alarm = orders_for(env.config, account), audited(store, account.account_id)
        enter(env.home, Worker.TRADER, account.account_id, (__version__, code_hash()))
        with keeping(meant.folder, orders, alarm, secrets, session.measures):
            ended = trade(session, told)
        leave(env.home, Worker.TRADER)  # not when it broke off: then the steward starts another one
        _say_guarded(relieve(db, account.account_id, meant.folder), meant.folder, text)
        return ended


def _say_guarded(count: int, folder: Path, text: Text) -> None:
    guard = Post(folder).on_duty()
    if count and guard is not None:
        said = text("guard.stays", pid=guard.pid, count=count)
        console(error=True).print(f"[yellow]{said}[/]", soft_wrap=True)


@contextmanager
def _progress(session: Session, text: Text) -> Iterator[Told]:
    """A bar over the run's days on a terminal; a line a slot for a run without an end; nothing in a pipe."""
    err = console(error=True)
    first, last = session.account.first_slot, session.account.last_slot
    if last is None or first is None:
        with causes_told(
            "cycle.broken", lambda cause: err.print(f"[yellow]{text('run.broken')}[/] {safe(cause)}")
        ):
            yield lambda result: err.print(_line(result, text))
        return
    columns = (TextColumn("{task.description}"), BarColumn(None), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(text("run.starting"), total=(last - first).days)

        def told(result: CycleResult) -> None:
            bar.update(task, completed=(result.slot - first).days, description=_line(result, text))

        yield told


def _line(result: CycleResult, text: Text) -> str:
    equity = "-" if result.equity is None else won(result.equity.equity)
    return text("run.progress", slot=shown_day(result.slot), equity=equity)


def _read(store: Store, meant: Wanted) -> Report:
    with store.open(Role.READER) as db:
        account = find_account(db, meant.account_id)
        assert account is not None  # noqa: S101 - opened above
        return build_report(db, account)


def show_report(asked: Mapping[str, Any], *, as_json: bool, html: Path | None) -> None:
    """Report a stored account: on the terminal, as JSON, or as a page."""
    env, text = environment()
    with stored(env, asked) as (store, db, account):
        report = build_report(db, account)
    if html is not None:
        write_page(html, report, text)
        console(error=True).print(text("report.written", file=safe(html)))
        if not as_json:
            return
    _show(report, text, as_json=as_json)
    _say_where(env, store, text, stopped=False)


def _show(report: Report, text: Text, *, as_json: bool) -> None:
    if as_json:
        print_json(report_data(report))
    else:
        print_report(console(), report, text)
    sys.stdout.flush()


def _say_where(env: Environment, store: Store, text: Text, *, stopped: bool) -> None:
    """Where the data is: on stderr, so that the report itself is the same on every machine."""
    err = console(error=True)
    if stopped:
        err.print(f"[yellow]{text('run.stopped')}[/]")
    err.print(text("run.where", home=safe(env.home), database=safe(store.location)), soft_wrap=True)
