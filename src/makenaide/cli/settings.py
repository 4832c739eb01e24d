"""`config show` and `config check`."""

from dataclasses import fields, is_dataclass
from typing import Any

from makenaide.cli.door import environment
from makenaide.cli.output import console, print_json, safe, table, won
from makenaide.config import tree
from makenaide.domain.money import Krw
from makenaide.risk.sizing import smallest_account


def show_config(*, as_json: bool) -> None:
    """Every setting with its value, unit and source."""
    env, text = environment()
    if as_json:
        print_json(tree(env.config))
        return
    rows = [
        (safe(name), safe(_short(value)), safe(about.unit), safe(about.source))
        for name, value, about in _parameters(env.config, "")
    ]
    columns = [(text(f"column.{name}"), "left") for name in ("setting", "value", "unit", "source")]
    out = console()
    out.print(table(columns, rows))
    out.print(text("config.file", file=safe(env.config_file), found=text(_found(env.config_file.exists()))))


def check_config(*, as_json: bool) -> None:
    """Say that the configuration is sound, and what is the smallest account that can trade with it."""
    env, text = environment()
    least = smallest_account(env.config.risk, Krw(env.config.risk.minimum_total))
    enough = env.config.paper.opening >= least
    if as_json:
        data = {"sound": True, "smallest_account_krw": least.value, "paper_krw": env.config.paper.krw}
        print_json(data | {"paper_can_trade": enough, "home": str(env.home), "file": str(env.config_file)})
        return
    out = console()
    out.print(f"[green]{text('config.sound')}[/]")
    out.print(text("config.smallest", least=won(least)))
    if not enough:
        out.print(f"[yellow]{text('config.too_small', krw=won(env.config.paper.opening))}[/]")
    out.print(text("config.file", file=safe(env.config_file), found=text(_found(env.config_file.exists()))))


def _found(exists: bool) -> str:
    return "config.found" if exists else "config.absent"


def _short(value: Any) -> str:
    shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return shown if len(shown) <= 40 else shown[:39] + "…"


def _parameters(settings: Any, path: str) -> list[tuple[str, Any, Any]]:
    found: list[tuple[str, Any, Any]] = []
    for each in fields(settings):
        value, name = getattr(settings, each.name), f"{path}{each.name}"
        if is_dataclass(value) and not isinstance(value, type):
            found += _parameters(value, f"{name}.")
        elif "parameter" in each.metadata:
            found.append((name, value, each.metadata["parameter"]))
    return found
