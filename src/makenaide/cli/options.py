"""Options that several commands share: which account is meant."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from makenaide.catalogue import Text


def source_options(text: Text) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that choose an account: the built-in simulator's seed, a replay, or the real exchange."""
    options = (
        click.option("--seed", type=click.IntRange(min=0), help=text("help.option.seed")),
        click.option("--days", type=click.IntRange(min=1, max=3650), help=text("help.option.days")),
        click.option("--markets", type=click.IntRange(min=3, max=289), help=text("help.option.markets")),
        click.option("--replay", type=click.Path(path_type=Path), help=text("help.option.replay")),
        click.option("--exchange", type=click.Choice(["simulator", "upbit"]), help=text("help.option.exchange")),
        mode_option(text),
        click.option("--endless", is_flag=True, help=text("help.option.endless")),
    )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def mode_option(text: Text) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--mode`: paper, or real money."""
    return click.option(
        "--mode", type=click.Choice(["paper", "live"]), default="paper", help=text("help.option.mode")
    )


def json_option(text: Text) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--json`: machine-readable output on stdout."""
    return click.option("--json", "as_json", is_flag=True, help=text("help.option.json"))
