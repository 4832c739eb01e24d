"""The thresholds of a room as a person reviews them: a line each, kept as a golden file.

A threshold decides about money, so it changes only together with a line that says so in the golden file:
`pytest tests/unit/test_*_settings.py --rewrite-golden` after a change that was meant.
"""

from dataclasses import MISSING, fields
from decimal import Decimal
from typing import Any

from makenaide.domain.parameter import Parameter
from tests.unit.source_tree import REPOSITORY


def listed(settings: Any) -> str:
    """Name, default, unit, range and source of every parameter of a settings class."""
    rows = []
    for each in fields(settings):
        about: Parameter | None = each.metadata.get("parameter")
        default = each.default if each.default is not MISSING else "(made)"
        known = (
            "" if about is None else f" {about.unit}, {bound(about.low)} to {bound(about.high)} ({about.source})"
        )
        rows.append(f"{each.name} = {default}{known}\n")
    return "".join(rows)


def bound(value: Decimal | None) -> str:
    """An end of a range; none is "any"."""
    return "any" if value is None else f"{value:f}"


def require_golden(settings: Any, name: str, rewrite: bool) -> None:
    """AssertionError unless the thresholds are those of the golden file `name`."""
    golden = REPOSITORY / "tests" / "golden" / name
    if rewrite:
        golden.write_text(listed(settings), encoding="utf-8")
    assert listed(settings) == golden.read_text(encoding="utf-8")
