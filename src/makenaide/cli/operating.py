"""The commands of operating: names, options and help. What each does is imported when it is called."""
# ruff: noqa: PLC0415 - the imports inside the commands keep `--help` within its 0.12 s

from datetime import datetime
from typing import Any

import click

from makenaide.catalogue import Text
from makenaide.cli.options import json_option, mode_option, source_options


def register(group: click.Group, text: Text) -> None:
    """Add the commands of operating to `group`."""
    for add in (_check, _acknowledge, _start, _stop, _warmup, _schedule, _backup, _restore, _audit):
        add(group, text)


def _check(group: click.Group, text: Text) -> None:
    @group.command("check", help=text("help.check"))
    @click.argument("what")
    @click.option("--json", "form", flag_value="json", help=text("help.option.json"))
    @click.option("--markdown", "form", flag_value="markdown", help=text("help.option.markdown"))
    @click.option("--html", "form", flag_value="html", help=text("help.option.html_list"))
    @source_options(text)
    def check(*, what: str, form: str | None, **source: Any) -> int:
        from makenaide.cli.checking import check

        return check(source, what, form or "table")


def _acknowledge(group: click.Group, text: Text) -> None:
    @group.command("acknowledge", help=text("help.acknowledge"))
    @click.argument("check_id", metavar="ID")
    @click.option("--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help=text("help.option.until"))
    @click.option("--note", default="", help=text("help.option.note"))
    @source_options(text)
    @json_option(text)
    def acknowledge(*, check_id: str, until: datetime, note: str, as_json: bool, **source: Any) -> None:
        from makenaide.cli.checking import acknowledge

        acknowledge(source, check_id, until.date(), note, as_json=as_json)


def _start(group: click.Group, text: Text) -> None:
    @group.command("start", help=text("help.start"))
    @click.option("--plan", is_flag=True, help=text("help.option.plan"))
    @source_options(text)
    @json_option(text)
    def start(*, plan: bool, as_json: bool, **source: Any) -> int:
        from makenaide.cli.starting import start

        return start(source, plan=plan, as_json=as_json)


def _stop(group: click.Group, text: Text) -> None:
    @group.command("stop", help=text("help.stop"))
    @click.option("--all", "everything", is_flag=True, help=text("help.option.stop_all"))
    @click.option("--accept-unguarded", is_flag=True, help=text("help.option.stop_unguarded"))
    @click.option("--plan", is_flag=True, help=text("help.option.plan"))
    @source_options(text)
    @json_option(text)
    def stop(*, everything: bool, accept_unguarded: bool, plan: bool, as_json: bool, **source: Any) -> int:
        from makenaide.cli.starting import StopAsked, stop

        asked = StopAsked(everything=everything, accept_unguarded=accept_unguarded, plan=plan)
        return stop(source, asked, as_json=as_json)


def _warmup(group: click.Group, text: Text) -> None:
    @group.command("warmup", hidden=True, help=text("help.warmup"))
    @click.argument("worker")
    def warmup(*, worker: str) -> None:
        from makenaide.cli.starting import warm_up

        warm_up(worker)


def _schedule(group: click.Group, text: Text) -> None:
    @group.command("schedule", help=text("help.schedule"))
    @click.option("--run", "running", is_flag=True, help=text("help.option.schedule_run"))
    @source_options(text)
    @json_option(text)
    def schedule(*, running: bool, as_json: bool, **source: Any) -> None:
        from makenaide.cli import timetable

        if running:
            timetable.run(source)
        else:
            timetable.show(source, as_json=as_json)


def _backup(group: click.Group, text: Text) -> None:
    @group.command("backup", help=text("help.backup"))
    @source_options(text)
    @json_option(text)
    def backup(*, as_json: bool, **source: Any) -> int:
        from makenaide.cli.starting import backup

        return backup(source, as_json=as_json)


def _restore(group: click.Group, text: Text) -> None:
    @group.command("restore", help=text("help.restore"))
    @click.argument("name")
    @mode_option(text)
    @json_option(text)
    def restore(*, name: str, mode: str, as_json: bool) -> int:
        from makenaide.cli.starting import restore

        return restore(name, mode, as_json=as_json)


def _audit(group: click.Group, text: Text) -> None:
    @group.command("audit", help=text("help.audit"))
    @click.option("--since", metavar="WHEN", help=text("help.option.since"))
    @click.option("--actor", metavar="NAME", help=text("help.option.actor"))
    @click.option("--link", "links", multiple=True, metavar="'CHAIN NUMBER HASH'", help=text("help.option.link"))
    @mode_option(text)
    @json_option(text)
    def audit(*, since: str | None, actor: str | None, links: tuple[str, ...], mode: str, as_json: bool) -> None:
        from makenaide.cli.auditing import show_audit

        show_audit(mode, since, actor, links, as_json=as_json)
