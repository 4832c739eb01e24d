"""CSV for a spreadsheet: Korean text survives Excel, numbers stay numbers, and no name becomes a formula."""

import csv
from decimal import Decimal
from io import StringIO

import pytest

from makenaide.cli.export import calendar_year
from makenaide.cli.sheet import Cell, sheet
from makenaide.domain.errors import Misconfigured


def read(content: bytes) -> list[list[str]]:
    """The cells as a reader of CSV finds them."""
    return list(csv.reader(StringIO(content.decode("utf-8-sig"), newline="")))


def test_it_begins_with_the_mark_that_korean_excel_needs_and_ends_its_lines_as_it_does() -> None:
    content = sheet(["마켓", "수량"], [["KRW-BTC", Decimal("0.10")]])
    assert content.startswith(b"\xef\xbb\xbf")
    assert content[3:] == "마켓,수량\r\nKRW-BTC,0.1\r\n".encode()


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        (Decimal("-51.50"), "-51.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-8"), "0.00000001"),
        (-3, "-3"),
        (None, ""),
        ("", ""),
        ("plain, with a comma", "plain, with a comma"),
        ('a "quote"', 'a "quote"'),
    ],
)
def test_numbers_stay_numbers_and_texts_stay_whole(cell: Cell, written: str) -> None:
    assert read(sheet(["a", "b"], [[cell, "end"]])) == [["a", "b"], [written, "end"]]


@pytest.mark.parametrize(
    "hostile",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "=cmd|' /C calc'!A0",
        " =1",
        "\u3000=1",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
    ],
)
def test_no_text_becomes_a_formula(hostile: str) -> None:
    assert read(sheet([hostile], [[hostile]])) == [[f"'{hostile}".replace("\u3000", "?")]] * 2


@pytest.mark.parametrize("hostile", ["\t=1", "\r=1", "\n=1", "a\r\n=1", "\x00=1"])
def test_no_text_breaks_its_cell(hostile: str) -> None:
    ((head,), (cell,)) = read(sheet(["a"], [[hostile]]))
    assert head == "a"
    assert cell.lstrip("'")[0] in "?a"
    assert cell.isprintable()


@pytest.mark.parametrize("year", ["2017", "2026", "9998"])
def test_a_year_is_four_digits(year: str) -> None:
    assert calendar_year(year) == int(year)


@pytest.mark.parametrize(
    "year",
    ["", "26", "2016", "9999", "0000", "20260", "2026.0", "-2026", "+2026", " 2026", "2026\n", "two", "２０２６"],
)
def test_a_bad_year_is_refused_and_what_was_expected_is_named(year: str) -> None:
    with pytest.raises(Misconfigured, match="--year: expected a calendar year of four digits, 2017 or later"):
        calendar_year(year)
