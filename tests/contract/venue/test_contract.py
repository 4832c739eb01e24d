"""The venue's contract: every numbered case in process, over a real server, and under each open setting.

`pytest tests/contract/venue --rewrite-golden` writes the table of the promises anew.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.venue import CASES
from tests.contract.venue.alternatives import ALTERNATIVES, Alternative
from tests.contract.venue.case import Case
from tests.contract.venue.rig import all_stopped, in_process, over_sockets

NUMBERED = [CASES[number] for number in sorted(CASES)]
EXEMPT = 0.15
"""No alternative may be spared more cases than this share."""


@pytest.fixture(scope="module", autouse=True)
def _servers() -> Iterator[None]:
    yield
    assert all_stopped()


def number_of(case: Case) -> str:
    return case.number


@pytest.mark.parametrize("case", NUMBERED, ids=number_of)
def test_the_simulator_keeps_the_promise(case: Case) -> None:
    case.check(in_process(case.world))


@pytest.mark.parametrize("case", NUMBERED, ids=number_of)
def test_the_server_keeps_the_promise(case: Case) -> None:
    with over_sockets(case.world) as rig:
        case.check(rig)


@pytest.mark.parametrize("alternative", ALTERNATIVES, ids=lambda each: each.name)
def test_every_promise_holds_however_what_is_open_is_set(alternative: Alternative) -> None:
    borne = [case for case in NUMBERED if case.bears(alternative.world)]
    assert len(borne) >= (1 - EXEMPT) * len(NUMBERED), len(NUMBERED) - len(borne)
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
    assert len(CASES) >= 120


def table() -> str:
    """The document."""
    rows = "".join(f"| {each.number} | {each.title} | {each.section} |\n" for each in NUMBERED)
    return f"""# What the exchange promises

Each line is a case of `tests/contract/venue`: it is asked of the simulator in process and over a real server, with
the default settings and with every alternative of what the documents leave open, and read by our own client where it
has a call for it. The sections are those of the fact sheet of Upbit's API. This table is written by
`pytest tests/contract/venue --rewrite-golden`.

| number | promise | section |
|---|---|---|
{rows}"""


def test_the_table_of_promises_is_current(repository: Path, *, rewrite_golden: bool) -> None:
    document = repository / "docs" / "reference" / "exchange-contract.md"
    if rewrite_golden:
        document.write_text(table(), encoding="utf-8")
    assert document.read_text(encoding="utf-8") == table()
