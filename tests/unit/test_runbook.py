"""The runbooks are what the code says: current, the same in both languages, and every page and line that is named."""

import re
import shlex
from pathlib import Path

import click
import pytest

from makenaide.catalogue import texts
from makenaide.cli import commands
from makenaide.cli.runbook import COMPROMISE, LANGUAGES, file_name, pages, write
from makenaide.cli.runbook_plans import known_steps
from makenaide.domain.verdict import Verdict
from makenaide.ops.check import Check, Checklist
from makenaide.ops.checks.register import LISTS
from makenaide.ops.plan import Procedure
from tests.unit.source_tree import REPOSITORY

FOLDER = REPOSITORY / "docs" / "runbooks"
NAMES = (*Checklist, *Procedure, "suspected-compromise", "README")
CHECKS = [check for checks in LISTS.values() for check in checks]
COMMAND = re.compile(r"^makenaide ([a-z]+)(?: ([a-z-]+))?", re.MULTILINE)
QUOTED = re.compile(r"`makenaide ([a-z]+)[^`]*`")
MARKED = re.compile(r'^(#+ |<a id="[^"]*"|```\w*|makenaide .*|make .*|\| -|\| |- |\*\*)', re.MULTILINE)


def name_of(check: Check) -> str:
    """Its id."""
    return check.id


def page(name: str, language: str = "en") -> str:
    """One page as it would be made now."""
    return pages(language)[file_name(name, language)]


def skeleton(text: str) -> list[str]:
    """What must be alike in two languages: headings, anchors, commands, and how many rows and points there are."""
    return [mark.group(1) for mark in MARKED.finditer(text)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_runbooks_in_the_repository_are_current(language: str) -> None:
    stale = [
        name
        for name, text in pages(language).items()
        if not (FOLDER / name).is_file() or (FOLDER / name).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "make runbooks"


def test_there_is_no_other_page_than_those_that_are_made() -> None:
    made = {name for language in LANGUAGES for name in pages(language)}
    assert {file.name for file in FOLDER.iterdir()} == made
    assert made == {file_name(name, language) for name in NAMES for language in LANGUAGES}


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_structure_and_not_the_same_words(name: str) -> None:
    english, korean = page(name), page(name, "ko")
    assert skeleton(english) == skeleton(korean)
    assert english != korean
    assert sum("가" <= char <= "힣" for char in korean) > 100


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
def test_a_check_leads_to_its_anchor_with_its_remedy_command_and_verdicts(check: Check) -> None:
    path, _, anchor = check.runbook.partition("#")
    assert path == f"docs/runbooks/{check.list}.md"
    for language in LANGUAGES:
        text = page(str(check.list), language)
        part = text.partition(f'<a id="{anchor}"></a>')[2].partition("<a id=")[0]
        assert part.lstrip().startswith(f"## {check.id} ")
        assert f"\nmakenaide check {check.id}\n" in part
        assert [part.count(f"\n| **{verdict}** |") for verdict in Verdict] == [1] * len(Verdict)
        assert "check.title." not in part
        assert "check.remedy." not in part


@pytest.mark.parametrize("procedure", Procedure)
def test_a_step_leads_to_its_anchor_with_its_deadline_and_what_to_do(procedure: Procedure) -> None:
    for language in LANGUAGES:
        text, say = page(str(procedure), language), texts(language)
        for step in known_steps(procedure):
            part = text.partition(f'<a id="{step.id.lower()}"></a>')[2].partition("<a id=")[0]
            assert part.lstrip().startswith(f"## {step.id} ")
            assert say("runbook.within", seconds=f"{step.deadline:g}") in part
            assert "plan.does." not in part
            assert "plan.why." not in part


def test_the_steps_of_start_and_stop_are_those_of_the_guide_in_their_order() -> None:
    start = [step.id for step in known_steps(Procedure.START)]
    assert [step for step in start if len(step) == 2] == ["S1", "S2", "S3", "S4", "S5"]
    assert [step.id for step in known_steps(Procedure.STOP)] == ["T1", "T2", "T3", "T4"]
    assert all(step.ways for procedure in Procedure for step in known_steps(procedure))


def test_who_may_be_robbed_deletes_the_key_first() -> None:
    text = page("suspected-compromise")
    assert list(COMPROMISE)[:3] == ["key", "orders", "isolate"]
    order = [text.index(f'<a id="{step}"></a>') for step in COMPROMISE]
    assert order == sorted(order)
    assert "## 1. Delete the key at Upbit" in text


@pytest.mark.parametrize("name", NAMES)
def test_every_command_on_a_page_exists(name: str) -> None:
    group = click.Group()
    commands.register(group, texts("en"))
    for language in LANGUAGES:
        text = page(name, language)
        for found in COMMAND.finditer(text):
            command = group.commands.get(found[1])
            assert command is not None, found[0]
            if isinstance(command, click.Group):
                assert found[2] in command.commands, found[0]
        assert {found[1] for found in QUOTED.finditer(text)} <= group.commands.keys()


def test_a_threshold_is_told_with_its_setting_and_default() -> None:
    text = page("morning")
    m6 = text.partition('<a id="m6"></a>')[2].partition("<a id=")[0]
    assert "| `operations.candle_hours` | `24.0` | h | M6: the guide's 24 hours |" in m6
    assert "operations.candle_hours" not in text.partition('<a id="m1"></a>')[2].partition("<a id=")[0]


def test_they_can_be_written_anywhere(tmp_path: Path) -> None:
    files = write(tmp_path / "a" / "b")
    assert sorted(file.name for file in files) == sorted(file.name for file in FOLDER.iterdir())
    assert all(file.read_text(encoding="utf-8").endswith("\n") for file in files)


@pytest.mark.parametrize("step", COMPROMISE)
def test_every_command_of_a_suspected_compromise_is_one_that_can_be_typed_and_looks_at_real_money(
    step: str,
) -> None:
    group = click.Group()
    commands.register(group, texts("en"))
    for line in COMPROMISE[step]:
        program, *words = shlex.split(line.partition(" >")[0])
        if program == "make":
            continue
        command: click.Command = group
        while isinstance(command, click.Group):
            name, *words = words
            command = command.commands[name]
        asked = command.make_context(name, words).params
        assert asked.get("mode", "live") == "live", line


def test_a_machine_that_was_rebuilt_is_halted_at_once_and_released_last() -> None:
    assert COMPROMISE["rebuild"][-1].startswith("makenaide halt --reason")
    resume = COMPROMISE["resume"]
    order = ["rehearse", "live check", "live confirm", "start --mode live", "halt --lift"]
    assert [next(n for n, line in enumerate(resume) if word in line) for word in order] == [
        0,
        1,
        2,
        3,
        len(resume) - 1,
    ]
    assert any("restore NAME --mode live" in line for line in COMPROMISE["restore"])
    assert any("--link" in line for line in COMPROMISE["restore"])
