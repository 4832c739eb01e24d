"""The report as a page: golden, valid, self-contained, and deaf to what names try to say."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from makenaide.catalogue import texts
from makenaide.cli.page import page, write_page
from makenaide.domain.errors import Misconfigured
from tests.unit.report_cases import TRADES, empty_report, sample_report, troubled_report
from tests.unit.source_tree import REPOSITORY

GOLDEN = REPOSITORY / "tests" / "golden"
EN = texts("en")
VOID = {"meta", "br", "path", "polyline"}
"""Elements without content; the two of SVG close themselves."""
ALLOWED = set(
    "html head meta title style body h1 h2 p b div span time svg dl dt dd table thead tbody tr th td".split()
)


class Reader(HTMLParser):
    """Reads a page strictly: every element that opens closes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"an attribute stands twice in {tag}"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID, f"{tag} does not close itself"
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_is_its_golden_file(language: str, rewrite_golden: bool) -> None:
    made = page(sample_report(), texts(language))
    file = GOLDEN / f"report-{language}.html"
    if rewrite_golden:
        file.write_text(made, encoding="utf-8")
    assert made == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("report", [sample_report(), troubled_report(), empty_report()])
def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere(report: object) -> None:
    assert isinstance(report, type(sample_report()))
    made = page(report, EN)
    reader = Reader(made)
    assert reader.open == []
    assert reader.tags <= ALLOWED | VOID
    assert not {name for name, _ in reader.attributes} & {"src", "href", "onload", "onclick", "action"}
    assert not re.search(r"https?:|url\(|@import|//", made)


def test_hostile_names_are_text() -> None:
    made = page(troubled_report(), EN)
    assert "<script" not in made
    shown = "".join(Reader(made).text)
    assert shown.count("<script>alert(1)</script>[red]") == 4
    assert "\x1b" not in made
    assert "\u202e" not in made


def test_the_page_says_what_is_wrong_or_that_the_books_are_sound() -> None:
    assert "Books sound" in page(sample_report(), EN)
    wrong = page(troubled_report(), EN)
    assert "Unsettled order" in wrong
    assert "Books sound" not in wrong


def test_figures_stand_right_and_only_gains_have_a_colour() -> None:
    made = page(sample_report(), texts("ko"))
    assert "<td class='n up'>+19.98 %</td>" in made
    assert "<td class='n down'>-7.07 %</td>" in made
    assert "<td class='n'>-</td>" in made
    assert "<td>+20 %에서 1/3 매도</td>" in made


def test_a_chart_needs_two_days_and_labels_its_start_only_where_there_is_room() -> None:
    report = sample_report()
    assert "<span style='top:59.4%'>100.0</span>" in page(report, EN) or "100.0</span>" in page(report, EN)
    assert "<svg" not in page(replace(report, equity=report.equity[:1]), EN)
    flat = replace(report, equity=tuple(replace(report.equity[0], slot=row.slot) for row in report.equity))
    assert page(flat, EN).count("100.0</span>") == 1


def test_a_report_without_trades_says_none_and_one_without_slots_says_so() -> None:
    assert page(replace(sample_report(), trades=()), EN).count("none</p>") == 1
    empty = page(empty_report(), EN)
    assert "No slot has been finished yet" in empty
    assert "<svg" not in empty
    every = replace(sample_report(), refusals=dict.fromkeys(sample_report().refusals, 1), trades=TRADES[:1])
    assert "Never spoke" not in page(every, EN)


def test_the_file_is_written_whole_and_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_page(file, sample_report(), EN)
    assert file.read_text(encoding="utf-8") == page(sample_report(), EN)
    with pytest.raises(Misconfigured, match="cannot be written"):
        write_page(tmp_path, sample_report(), EN)
    with pytest.raises(Misconfigured, match="cannot be written"):
        write_page(tmp_path / "missing" / "report.html", sample_report(), EN)
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
