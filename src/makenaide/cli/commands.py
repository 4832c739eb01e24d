"""The commands: names, options and help. What each does is imported when it is called."""
# ruff: noqa: PLC0415 - the imports inside the commands keep `--help` within its 0.12 s

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from makenaide.catalogue import Text
from makenaide.cli import operating
from makenaide.cli.options import json_option, mode_option, source_options


def register(group: click.Group, text: Text) -> None:
    """Add every command to `group`, with its texts from the catalogue."""
    for add in (
        _run,
        _report,
        _status,
        _look,
        _trace,
        _export,
        _reconcile,
        _wishes,
        _pauses,
        _rehearse,
        _guard,
        _drain,
        _halt,
        _live,
        _database,
        _exchange,
        _config,
    ):
        add(group, text)
    operating.register(group, text)


def _run(group: click.Group, text: Text) -> None:
    @group.command("run", help=text("help.run"))
    @source_options(text)
    @json_option(text)
    def run(*, as_json: bool, **source: Any) -> int:
        from makenaide.cli.trade import run_account

        return run_account(source, as_json=as_json)


def _report(group: click.Group, text: Text) -> None:
    @group.command("report", help=text("help.report"))
    @source_options(text)
    @json_option(text)
    @click.option("--html", type=click.Path(path_type=Path), help=text("help.option.html"))
    def report(*, as_json: bool, html: Path | None, **source: Any) -> None:
        from makenaide.cli.trade import show_report

        show_report(source, as_json=as_json, html=html)


def _status(group: click.Group, text: Text) -> None:
    @group.command("status", help=text("help.status"))
    @mode_option(text)
    @json_option(text)
    def status(*, mode: str, as_json: bool) -> None:
        from makenaide.cli.status import show_status

        show_status(mode, as_json=as_json)


def _look(group: click.Group, text: Text) -> None:
    @group.command("scan", help=text("help.scan"))
    @source_options(text)
    @json_option(text)
    def scan(*, as_json: bool, **source: Any) -> None:
        from makenaide.cli.look import scan_markets

        scan_markets(source, as_json=as_json)

    @group.command("collect", help=text("help.collect"))
    @source_options(text)
    @json_option(text)
    def collect(*, as_json: bool, **source: Any) -> None:
        from makenaide.cli.look import collect_candles

        collect_candles(source, as_json=as_json)

    @group.command("decide", help=text("help.decide"))
    @click.option("--explain", metavar="MARKET", help=text("help.option.explain"))
    @source_options(text)
    @json_option(text)
    def decide(*, explain: str | None, as_json: bool, **source: Any) -> None:
        from makenaide.cli.look import explain_decision

        explain_decision(source, explain, as_json=as_json)


def _trace(group: click.Group, text: Text) -> None:
    @group.command("trace", help=text("help.trace"))
    @click.argument("order")
    @mode_option(text)
    @json_option(text)
    def trace(order: str, *, mode: str, as_json: bool) -> None:
        from makenaide.cli.trace import show_trace

        show_trace(order, mode, as_json=as_json)


def _export(group: click.Group, text: Text) -> None:
    @group.group("export", help=text("help.export"))
    def export() -> None:
        """Only a group."""

    @export.command("trades", help=text("help.export_trades"))
    @click.option("--year", required=True, help=text("help.option.year"))
    @click.option("--csv", metavar="FILE|-", help=text("help.option.csv"))
    @source_options(text)
    @json_option(text)
    def trades(*, year: str, csv: str | None, as_json: bool, **source: Any) -> None:
        from makenaide.cli.export import export_trades

        export_trades(source, year, csv=csv, as_json=as_json)


def _reconcile(group: click.Group, text: Text) -> None:
    @group.command("reconcile", help=text("help.reconcile"))
    @click.option("--resolve", "numbers", type=int, multiple=True, metavar="ID", help=text("help.option.resolve"))
    @click.option(
        "--as",
        "how",
        type=click.Choice(["deposit", "withdrawal", "manual", "airdrop", "adjustment"]),
        default="adjustment",
        help=text("help.option.as"),
    )
    @click.option("--note", default="", help=text("help.option.note"))
    @source_options(text)
    @json_option(text)
    def reconcile(*, numbers: tuple[int, ...], how: str, note: str, as_json: bool, **source: Any) -> None:
        from makenaide.cli.reconciling import reconcile_account

        reconcile_account(source, (numbers, how, note), as_json=as_json)


def _wishes(group: click.Group, text: Text) -> None:
    wait = click.option("--wait", type=click.FloatRange(0, 600), default=30.0, help=text("help.option.wait"))

    @group.command("sell", help=text("help.sell"))
    @click.argument("market", required=False)
    @click.option("--all", "everything", is_flag=True, help=text("help.option.all"))
    @wait
    @source_options(text)
    @json_option(text)
    def sell(*, market: str | None, everything: bool, wait: float, as_json: bool, **source: Any) -> None:
        from makenaide.cli.wishing import sell as carry_out

        if everything == (market is not None):
            raise click.UsageError(text("wish.which"))
        carry_out(source, () if market is None else (market,), wait=wait, as_json=as_json)

    @group.command("adopt", help=text("help.adopt"))
    @click.argument("market")
    @click.option("--stop", type=str, required=True, metavar="PCT", help=text("help.option.stop"))
    @wait
    @source_options(text)
    @json_option(text)
    def adopt(*, market: str, stop: str, wait: float, as_json: bool, **source: Any) -> None:
        from makenaide.cli.wishing import adopt as carry_out
        from makenaide.cli.wishing import percent

        carry_out(source, market, percent(stop), wait=wait, as_json=as_json)


def _pauses(group: click.Group, text: Text) -> None:
    def add(name: str, helped: str, *, paused: bool) -> None:
        @group.command(name, help=helped)
        @click.argument("market")
        @source_options(text)
        @json_option(text)
        def command(*, market: str, as_json: bool, **source: Any) -> None:
            from makenaide.cli.wishing import pause

            pause(source, market, paused=paused, as_json=as_json)

    add("pause", text("help.pause"), paused=True)
    add("resume", text("help.resume"), paused=False)


def _rehearse(group: click.Group, text: Text) -> None:
    options: tuple[Callable[[Any], Any], ...] = (
        click.option("--seed", type=click.IntRange(0, 2**31), default=1, help=text("help.option.first_seed")),
        click.option("--seeds", type=click.IntRange(1, 100_000), default=1, help=text("help.option.seeds")),
        click.option("--days", type=click.IntRange(2, 365), default=30, help=text("help.option.rehearsed_days")),
        click.option("--workers", type=click.IntRange(1, 64), default=2, help=text("help.option.workers")),
        click.option("--crashes", is_flag=True, help=text("help.option.crashes")),
        click.option("--at", hidden=True),
        click.option("--storm", type=int, hidden=True),
        click.option("--alone", is_flag=True, hidden=True),
        json_option(text),
    )

    def rehearse(*, as_json: bool, **asked: Any) -> None:
        from makenaide.cli.rehearse import Asked, rehearse_worlds

        rehearse_worlds(Asked(**asked), as_json=as_json)

    command = rehearse
    for option in reversed(options):
        command = option(command)
    group.command("rehearse", help=text("help.rehearse"))(command)


def _halt(group: click.Group, text: Text) -> None:
    @group.command("halt", help=text("help.halt"))
    @click.option("--reason", metavar="TEXT", help=text("help.option.reason"))
    @click.option("--lift", is_flag=True, help=text("help.option.lift"))
    @click.option("--yes", is_flag=True, help=text("help.option.yes"))
    @json_option(text)
    def halt(*, reason: str | None, lift: bool, yes: bool, as_json: bool) -> None:
        from makenaide.cli.halt import lift_halt, set_halt

        if lift == (reason is not None) or (yes and not lift) or (reason is not None and not reason.strip()):
            raise click.UsageError(text("halt.usage"))
        if reason is not None:
            set_halt(reason.strip(), as_json=as_json)
        else:
            lift_halt(yes=yes, as_json=as_json)


def _live(group: click.Group, text: Text) -> None:
    @group.group("live", help=text("help.live"))
    def live() -> None:
        """Only a group."""

    @live.command("check", help=text("help.live_check"))
    @json_option(text)
    def check(*, as_json: bool) -> int:
        from makenaide.cli.live import show_check

        return show_check(as_json=as_json)

    @live.command("confirm", help=text("help.live_confirm"))
    def confirm() -> None:
        from makenaide.cli.live import confirm_live

        confirm_live()

    @live.command("import-rehearsal", help=text("help.live_import"))
    @click.argument("file", type=click.Path(path_type=Path))
    @json_option(text)
    def imported(*, file: Path, as_json: bool) -> None:
        from makenaide.cli.live import take_rehearsal

        take_rehearsal(file, as_json=as_json)


def _guard(group: click.Group, text: Text) -> None:
    @group.command("guard", help=text("help.guard"))
    @click.option("--account", metavar="ID", help=text("help.option.guarded"))
    @click.option("--stop", is_flag=True, help=text("help.option.guard_stop"))
    @click.option("--accept-unguarded", is_flag=True, help=text("help.option.accept_unguarded"))
    @click.option("--folder", type=click.Path(path_type=Path), hidden=True)
    def guard(*, account: str | None, stop: bool, accept_unguarded: bool, folder: Path | None) -> None:
        from makenaide.cli import guard as door

        if accept_unguarded and not stop:
            raise click.UsageError(text("guard.only_with_stop"))
        if stop:
            door.end_guard(account, accept_unguarded=accept_unguarded)
        else:
            door.stand_guard(account, folder)


def _drain(group: click.Group, text: Text) -> None:
    @group.command("drain", help=text("help.drain"))
    @click.option(
        "--policy", type=click.Choice(["wait", "cancel"]), default="wait", help=text("help.option.policy")
    )
    @click.option("--seconds", type=click.FloatRange(0, 3600), default=90.0, help=text("help.option.seconds"))
    @click.option("--accept-unguarded", is_flag=True, help=text("help.option.drain_unguarded"))
    @source_options(text)
    @json_option(text)
    def drain(*, policy: str, seconds: float, accept_unguarded: bool, as_json: bool, **source: Any) -> None:
        from makenaide.cli.drain import ask, drain

        drain(source, ask(policy, seconds, accept_unguarded=accept_unguarded), as_json=as_json)


def _database(group: click.Group, text: Text) -> None:
    @group.group("db", help=text("help.db"))
    def database() -> None:
        """Only a group."""

    @database.command("init", help=text("help.db_init"))
    @mode_option(text)
    @json_option(text)
    def init(*, mode: str, as_json: bool) -> None:
        from makenaide.cli.database import init_database

        init_database(mode, as_json=as_json)

    @database.command("validate", help=text("help.db_validate"))
    @mode_option(text)
    @json_option(text)
    def validate(*, mode: str, as_json: bool) -> None:
        from makenaide.cli.database import validate_database

        validate_database(mode, as_json=as_json)


def _exchange(group: click.Group, text: Text) -> None:
    @group.group("exchange", help=text("help.exchange"))
    def exchange() -> None:
        """Only a group."""

    options: tuple[Callable[[Any], Any], ...] = (
        click.option("--port", type=click.IntRange(0, 65535), default=0, help=text("help.option.port")),
        click.option("--seed", type=click.IntRange(min=0), help=text("help.option.seed")),
        click.option("--days", type=click.IntRange(1, 3650), help=text("help.option.generated_days")),
        click.option("--markets", type=click.IntRange(3, 289), help=text("help.option.markets")),
        click.option("--replay", type=click.Path(path_type=Path), help=text("help.option.served_replay")),
        click.option("--stepped", is_flag=True, help=text("help.option.stepped")),
        click.option("--scenario", type=click.Path(path_type=Path), help=text("help.option.scenario")),
        click.option("--world", type=click.Path(path_type=Path), hidden=True),
        click.option("--resident", is_flag=True, hidden=True),
        json_option(text),
    )

    def simulate(**chosen: Any) -> None:
        from makenaide.cli.simulate import serve_simulator

        serve_simulator(**chosen)

    command = simulate
    for option in reversed(options):
        command = option(command)
    exchange.command("simulate", help=text("help.simulate"))(command)


def _config(group: click.Group, text: Text) -> None:
    @group.group("config", help=text("help.config"))
    def config() -> None:
        """Only a group."""

    @config.command("show", help=text("help.config_show"))
    @json_option(text)
    def show(*, as_json: bool) -> None:
        from makenaide.cli.settings import show_config

        show_config(as_json=as_json)

    @config.command("check", help=text("help.config_check"))
    @json_option(text)
    def check(*, as_json: bool) -> None:
        from makenaide.cli.settings import check_config

        check_config(as_json=as_json)
