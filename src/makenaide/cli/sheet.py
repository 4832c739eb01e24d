"""Tables as CSV for a spreadsheet: UTF-8 with a byte order mark, as Korean Excel needs it, and never a formula."""

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import StringIO

from makenaide.cli.output import visible
from makenaide.domain.money import plain

Cell = str | Decimal | int | None

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")
"""The full-width forms as well: spreadsheets in East Asia take them for the same."""


def sheet(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The table as bytes: commas, quotes where needed, CRLF. Numbers in plain digits, None as nothing.

    A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection).
    """
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([_cell(each) for each in columns])
    writer.writerows([_cell(each) for each in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _cell(value: Cell) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if not isinstance(value, str):
        return "" if value is None else str(value)
    text = f"'{value}" if value.lstrip(" \u3000").startswith(_FORMULA) else value
    return visible(text)
