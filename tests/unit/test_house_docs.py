"""The documents stay true: links lead somewhere, tables equal the code, both languages say the same (R1, R4)."""

import re
from pathlib import Path

import pytest

from makenaide.app.rehearsal.laws import LAWS
from makenaide.domain import errors
from makenaide.domain.errors import MakenaideError
from tests.unit.source_tree import REPOSITORY

DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
DECISIONS = sorted(REPOSITORY.glob("docs/why/*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
EXIT_ROW = re.compile(r"^\| (\d+) \| (\w*) ?\|", re.MULTILINE)
COMMAND = re.compile(r"`(makenaide(?: [a-z|]+)*)")


def name_of(path: Path) -> str:
    """The path inside the repository."""
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_inside_the_repository_leads_to_a_file(document: Path) -> None:
    links = [link for link in LINK.findall(document.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (document.parent / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "README.ko.md", "docs/reference/exit-codes.md"])
def test_the_exit_codes_are_those_of_the_error_tree(name: str) -> None:
    rows = EXIT_ROW.findall((REPOSITORY / name).read_text(encoding="utf-8"))
    told = {kind: int(code) for code, kind in rows if kind}
    tree = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, MakenaideError)]
    assert told == {each.__name__: each.exit_code for each in tree}
    assert [int(code) for code, kind in rows if not kind] == [0, 2, 10, 20, 30, 130]


def test_no_two_faults_share_an_exit_code() -> None:
    tree = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, MakenaideError)]
    codes = [each.exit_code for each in tree]
    assert len(set(codes)) == len(codes)
    assert not {0, 2, 10, 20, 30, 130} & set(codes)


def test_both_readmes_name_the_same_commands() -> None:
    texts = [(REPOSITORY / name).read_text(encoding="utf-8") for name in ("README.md", "README.ko.md")]
    english, korean = (set(COMMAND.findall(text)) for text in texts)
    assert english == korean


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_two_commands_are_on_the_first_screen(name: str) -> None:
    first_screen = (REPOSITORY / name).read_text(encoding="utf-8").split("\n")[:12]
    assert {"make run", "make test"} <= {line.strip().partition("  ")[0] for line in first_screen}


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        target
        for document in DOCUMENTS
        for target in re.findall(r"(?:`|    )make ([a-z]+)", document.read_text(encoding="utf-8"))
    }
    assert named <= targets


@pytest.mark.parametrize("document", DECISIONS, ids=name_of)
def test_a_decision_says_why_what_was_left_and_what_follows(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    number = int(document.name[:4])
    assert text.startswith(f"# {number}. ")
    parts = [text.find(f"\n**{part}.**") for part in ("Decision", "Why", "Left", "Consequence")]
    assert -1 not in parts
    assert parts == sorted(parts)


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(document.name[:4]) for document in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    index = (REPOSITORY / "docs" / "README.md").read_text(encoding="utf-8")
    assert [document.name for document in DECISIONS if f"why/{document.name}" not in index] == []


def test_the_laws_of_the_rehearsal_are_those_that_its_page_tells() -> None:
    page = (REPOSITORY / "docs" / "reference" / "rehearsal.md").read_text("utf-8")
    told = re.findall(r"^\| `(\w+)` \| ", page.partition("## The laws")[2], re.MULTILINE)
    assert told == [*LAWS, "runs_on"]
