"""The venue's contract: every numbered case in process, over a real server, and under each open setting.

`pytest tests/contract/venue --rewrite-golden` writes the table of the promises anew.
"""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from makenaide.app.scenario import ELSEWHERE, SETTINGS
from tests.contract.venue import CASES
from tests.contract.venue.alternatives import ALTERNATIVES, Alternative
from tests.contract.venue.case import Case
from tests.contract.venue.rig import all_stopped, in_process, over_sockets

NUMBERED = [CASES[number] for number in sorted(CASES)]
INSIDE = [case for case in NUMBERED if not case.wired]
EXEMPT = 0.03
"""No alternative may be spared more cases than this share."""


@pytest.fixture(scope="module", autouse=True)
def _servers() -> Iterator[None]:
    yield
    assert all_stopped()


def number_of(case: Case) -> str:
    return case.number


@pytest.mark.parametrize("case", INSIDE, ids=number_of)
def test_the_simulator_keeps_the_promise(case: Case) -> None:
    case.check(in_process(case.world))


@pytest.mark.parametrize("case", NUMBERED, ids=number_of)
def test_the_server_keeps_the_promise(case: Case) -> None:
    with over_sockets(case.world) as rig:
        case.check(rig)


@pytest.mark.parametrize("alternative", ALTERNATIVES, ids=lambda each: each.name)
def test_every_promise_holds_however_what_is_open_is_set(alternative: Alternative) -> None:
    borne = [case for case in INSIDE if case.bears(alternative.world)]
    assert len(borne) >= (1 - EXEMPT) * len(INSIDE), len(INSIDE) - len(borne)
    broken: dict[str, str] = {}
    for case in borne:
        try:
            case.check(in_process(case.world.beside(alternative.world)))
        except (AssertionError, LookupError, ValueError) as cause:
            broken[case.number] = f"{case.title}: {cause!r:.300}"
    assert broken == {}


def test_the_numbers_leave_no_gap() -> None:
    families: dict[str, list[int]] = {}
    for number in sorted(CASES):
        families.setdefault(number[0], []).append(int(number[1:]))
    for letter, numbers in families.items():
        assert numbers == list(range(1, len(numbers) + 1)), letter
    assert len(CASES) == 199


def untried() -> str:
    """The settings that no alternative changes, as a list for the page."""
    tried = {name for each in ALTERNATIVES for name in each.world.settings()}
    known = [f"{room}.{each.name}" for room, kind in SETTINGS.items() for each in fields(kind)]
    return ", ".join(f"`{name}`" for name in known if name not in tried and name not in ELSEWHERE)


def table() -> str:
    """The document."""
    rows = "".join(f"| {each.number} | {each.title} | {each.section} |\n" for each in NUMBERED)
    wired = ", ".join(each.number for each in NUMBERED if each.wired)
    pairs = len(INSIDE) * len(ALTERNATIVES)
    asked = sum(each.bears(other.world) for each in INSIDE for other in ALTERNATIVES)
    return f"""# What the exchange promises

Each line is a case of `tests/contract/venue`: it is asked of the simulator in process and over a real server, with
the default settings or those that the case names, and read by our own client where it has a call for it. {wired} is
asked over the server alone. The sections are those of the fact sheet of Upbit's API. This page is written by
`pytest tests/contract/venue --rewrite-golden`.

In process each case is asked again under {len(ALTERNATIVES)} alternatives, each of which sets something
otherwise that the documents leave open. Of the {pairs} pairs of case and alternative {asked} are asked; the other
{pairs - asked} are spared, for there the promise is about that setting, or sets it itself. These settings have no
alternative of their own, only the cases that set them, if any: {untried()}.

| number | promise | section |
|---|---|---|
{rows}"""


def test_the_table_of_promises_is_current(repository: Path, *, rewrite_golden: bool) -> None:
    document = repository / "docs" / "reference" / "exchange-contract.md"
    if rewrite_golden:
        document.write_text(table(), encoding="utf-8")
    assert document.read_text(encoding="utf-8") == table()
