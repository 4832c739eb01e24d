"""Other people's clients work against the simulator, or fail for the reason that the documents give."""

from pathlib import Path

import pytest

from tests.peers import table
from tests.peers.roster import KNOWN, ROSTER, Caller, Known
from tests.peers.simulator import Outcome

pytestmark = pytest.mark.sockets


@pytest.mark.parametrize("caller", ROSTER, ids=lambda caller: caller.title)
def test_every_call_works_or_fails_for_the_reason_named(caller: Caller, results: dict[str, list[Outcome]]) -> None:
    assert results[caller.title]
    assert table.unexplained(caller, results[caller.title]) == []


def test_the_page_says_what_the_run_found(
    results: dict[str, list[Outcome]], repository: Path, rewrite_golden: bool
) -> None:
    written = table.page(results, repository / "locks" / "peers.txt")
    file = repository / table.PAGE
    if rewrite_golden:
        file.write_text(written, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == written


def test_every_reason_belongs_to_a_call_that_is_made(results: dict[str, list[Outcome]]) -> None:
    made = {(title, each.call) for title, found in results.items() for each in found}
    assert set(KNOWN) - made == set()


def test_a_failure_without_its_reason_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = ROSTER[0]
    known = {(caller.title, "b"): Known("told", "no: why"), (caller.title, "c"): Known("told", "no: why")}
    monkeypatch.setattr(table, "KNOWN", known)
    found = [
        Outcome(call="a", ok=False, detail="surprise"),
        Outcome(call="b", ok=False, detail="as told"),
        Outcome(call="c", ok=True, detail=""),
        Outcome(call="d", ok=True, detail=""),
    ]
    assert table.unexplained(caller, found) == ["a: surprise", "c: works, and is listed as: no: why"]
    found[2] = Outcome(call="c", ok=False, detail="something else")
    assert table.unexplained(caller, found) == ["a: surprise", "c: something else"]
