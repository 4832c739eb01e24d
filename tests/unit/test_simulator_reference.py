"""The simulator's reference says what there is: its tables are made from the dataclasses, its calls are those served.

`pytest tests/unit/test_simulator_reference.py --rewrite-golden` writes the tables anew.
"""

import re
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields
from enum import Enum
from typing import Any

from makenaide.app.scenario import ELSEWHERE, SETTINGS
from makenaide.domain.parameter import Parameter
from makenaide.exchange.simulator.faults.console import Console
from makenaide.exchange.simulator.faults.plan import Faults, Kind, Rule
from makenaide.exchange.simulator.prices.program import KINDS
from tests.unit.simulator_street import flat, opened
from tests.unit.source_tree import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "reference" / "simulator.md"
MARK = re.compile(r"<!-- (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def default(field: Field[Any]) -> str:
    """A default as a scenario would say it."""
    value = field.default if field.default_factory is MISSING else field.default_factory()
    if value is MISSING or value is None:
        return "" if value is None else "needed"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple | frozenset):
        return f"`{', '.join(map(str, value))}`" if value else ""
    return f"`{value}`"


def choices(field: Field[Any]) -> str:
    """The words that a field may have."""
    value = field.default
    return " or ".join(f"`{each.value}`" for each in type(value)) if isinstance(value, Enum) else ""


def row(name: str, field: Field[Any]) -> str:
    """One setting."""
    about: Parameter | None = field.metadata.get("parameter")
    unit = about.unit if about else ""
    bounds = "" if about is None or about.low is about.high is None else f"{about.low} .. {about.high}"
    bounds = bounds.replace("None", "")
    return (
        f"| `{name}` | {default(field)} | {unit} | {choices(field) or bounds} | {about.source if about else ''} |"
    )


def settings_table(names: Iterable[tuple[str, Field[Any]]]) -> str:
    """The rows of several settings under one head."""
    head = "| field | default | unit | range | meaning or source |\n|---|---|---|---|---|\n"
    return head + "".join(f"{row(name, field)}\n" for name, field in names)


def events_table() -> str:
    """Every kind of event with its fields."""
    lines = ["| kind | fields | what happens |", "|---|---|---|"]
    for name, kind in KINDS.items():
        needed = [f"`{each.name}`" + ("" if each.default is MISSING else "?") for each in fields(kind)]
        said = (kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"| `{name}` | {', '.join(needed)} | {' '.join(said.split())} |")
    return "\n".join(lines) + "\n\nA field with a question mark may be left out.\n"


def tables() -> dict[str, str]:
    """What stands between the marks."""
    settings = [
        (f"{table}.{each.name}", each)
        for table, kind in SETTINGS.items()
        for each in fields(kind)
        if f"{table}.{each.name}" not in ELSEWHERE
    ]
    rules = [(each.name, each) for each in fields(Rule) if each.name != "kind"]
    return {
        "faults": settings_table(rules),
        "events": events_table(),
        "settings": settings_table(settings),
    }


def test_the_tables_are_those_of_the_settings(*, rewrite_golden: bool) -> None:
    made = tables()
    text = DOCUMENT.read_text(encoding="utf-8")
    told = MARK.sub(lambda mark: f"<!-- {mark[1]} -->\n{made[mark[1]]}<!-- end -->", text)
    if rewrite_golden:
        DOCUMENT.write_text(told, encoding="utf-8")
    assert sorted(MARK.findall(text)) == sorted(made)
    assert rewrite_golden or told == text


def test_every_kind_of_fault_is_explained_once() -> None:
    text = DOCUMENT.read_text(encoding="utf-8").partition("## Events")[0]
    explained = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", text, re.MULTILINE)
    assert explained == [kind.value for kind in Kind]


def test_every_call_of_the_operator_is_told() -> None:
    told = re.findall(
        r"^\| `(GET|POST|DELETE) (/simulator/[\w-]+)`", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
    )
    venue = opened(flat())
    assert sorted(told) == sorted(Console(venue, Faults(), "t" * 32).calls())


def test_every_field_of_a_rule_and_a_setting_says_what_it_is() -> None:
    silent = [
        f"{kind.__name__}.{each.name}"
        for kind in (Rule, *SETTINGS.values())
        for each in fields(kind)
        if "parameter" not in each.metadata and each.name not in ("kind", "quota", "stream")
    ]
    assert silent == []
