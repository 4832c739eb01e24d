"""How commands speak: JSON on request, tables for people, both escaped against hostile names."""

import re
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from makenaide.domain.money import plain

_NOT_ASCII = re.compile(r"[\x7f-\U0010ffff]")
"""In JSON these stand in strings alone."""
_ENCODER = msgspec.json.Encoder(decimal_format="number", order=None)


def print_json(data: Any) -> None:
    """Write `data` as indented JSON on stdout; decimals as plain JSON numbers, times in ISO 8601 with offset.

    What is not to be seen (C1 controls, marks that turn the writing direction) is escaped: it may steer a terminal.
    """
    text = msgspec.json.format(_ENCODER.encode(data), indent=2).decode()
    sys.stdout.write(_NOT_ASCII.sub(_escaped, text) + "\n")


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    if char.isprintable():
        return char
    units = char.encode("utf-16-be")  # JSON escapes what is above U+FFFF as two halves
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


_PIPE_WIDTH = 120


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the door, which knows that a reader who has seen enough (`| head`) is no fault."""
        raise BrokenPipeError


def console(*, error: bool = False) -> Console:
    """The terminal: colours only if it is one; a pipe or a file always gets lines of the same width."""
    out = _Console(stderr=error, highlight=False, emoji=False)
    return out if out.is_terminal else _Console(stderr=error, highlight=False, emoji=False, width=_PIPE_WIDTH)


def visible(text: object) -> str:
    """`text` with "?" for every control character and every mark that turns the writing direction."""
    return "".join(char if char.isprintable() else "?" for char in str(text))


def safe(text: object) -> str:
    """`text` made visible, and its markup harmless: names come from outside."""
    return escape(visible(text))


def table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[object]], title: str | None = None) -> Table:
    """A plain table; `columns` are (heading, "left" | "right"). Cells may carry markup: escape what is not ours.

    Names (the first column) and numbers are never broken while words can give way.
    """
    headed = any(heading for heading, _ in columns)
    drawn = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=headed
    )
    for at, (heading, side) in enumerate(columns):
        whole = at == 0 or side == "right"
        justify: Literal["left", "right"] = "right" if side == "right" else "left"
        drawn.add_column(heading, justify=justify, no_wrap=whole, overflow="fold", header_style="dim")
    for row in rows:
        drawn.add_row(*[str(cell) for cell in row])
    return drawn


def percent(ratio: Decimal | float | None, digits: int = 2) -> str:
    """0.0512 -> "+5.12 %"; "-" for nothing."""
    if ratio is None:
        return "-"
    return f"{round(Decimal(str(ratio)) * 100, digits) + 0:+.{digits}f} %"  # + 0: never "-0.00 %"


def won(amount: Any) -> str:
    """1234567.8 -> "1,234,568"; "-" for nothing."""
    if amount is None:
        return "-"
    value = getattr(amount, "value", amount)
    return f"{round(Decimal(value), 0) + 0:,.0f}"


def price(value: Any) -> str:
    """A price as people write it: 850,700 or 0.0123; at most eight digits count; "-" for nothing."""
    if value is None:
        return "-"
    number = Decimal(getattr(value, "value", value))
    rounded = number.quantize(Decimal(1).scaleb(max(number.adjusted() - 7, -8)))
    return f"{Decimal(plain(rounded)):,f}"


def coloured(text: str, ratio: Decimal | None) -> str:
    """Green for a gain, red for a loss."""
    if not ratio:
        return text
    return f"[green]{text}[/]" if ratio > 0 else f"[red]{text}[/]"
