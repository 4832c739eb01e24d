"""How numbers and foreign names are written: figures people can read, and nothing that steers a terminal."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from makenaide.cli import headline, printable
from makenaide.cli.output import coloured, console, percent, price, print_json, safe, table, won
from makenaide.domain.errors import BadCandles, MakenaideError, Misconfigured
from makenaide.domain.money import Krw, Price
from tests.unit.report_cases import HOSTILE


def drawn(thing: object, width: int = 80) -> str:
    """What a plain terminal of `width` would show."""
    out = StringIO()
    Console(file=out, width=width, highlight=False, emoji=False).print(thing)
    return out.getvalue()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "-"),
        (Price("850700"), "850,700"),
        (Price("162345000"), "162,345,000"),
        (Price("4943333.33333333"), "4,943,333.3"),
        (Price("850.7"), "850.7"),
        (Price("0.0123"), "0.0123"),
        (Price("0.00001234"), "0.00001234"),
        (Price("1E+3"), "1,000"),
        (Decimal("1.50"), "1.5"),
        (Decimal(0), "0"),
    ],
)
def test_a_price_is_written_as_people_write_it(value: Any, expected: str) -> None:
    assert price(value) == expected


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (None, 2, "-"),
        (Decimal("0.0512"), 2, "+5.12 %"),
        (Decimal("-0.0709"), 1, "-7.1 %"),
        (Decimal(0), 2, "+0.00 %"),
        (-Decimal(0), 2, "+0.00 %"),
        (Decimal("-0.00001"), 2, "+0.00 %"),
        (0.5, 1, "+50.0 %"),
        (Decimal("12.3456"), 2, "+1234.56 %"),
    ],
)
def test_a_ratio_is_written_in_percent_with_its_sign(value: Any, digits: int, expected: str) -> None:
    assert percent(value, digits) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "-"),
        (Krw("1234567.8"), "1,234,568"),
        (Decimal(-15238), "-15,238"),
        (Krw("-0.3"), "0"),
        (0, "0"),
        (Krw("1E+7"), "10,000,000"),
    ],
)
def test_an_amount_is_written_in_whole_won(value: Any, expected: str) -> None:
    assert won(value) == expected


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(Decimal(1), "[green]x[/]"), (Decimal(-1), "[red]x[/]"), (Decimal(0), "x"), (None, "x")],
)
def test_a_gain_is_green_and_a_loss_red(ratio: Decimal | None, expected: str) -> None:
    assert coloured("x", ratio) == expected


@given(st.text().filter(lambda name: not name.endswith("\\")))  # that one is shown twice
def test_a_foreign_name_is_shown_letter_by_letter_and_steers_nothing(name: str) -> None:
    expected = "".join(char if char.isprintable() else "?" for char in name)
    out = StringIO()
    Console(file=out, width=10_000, highlight=False, emoji=False, force_terminal=True).print(
        safe(name), soft_wrap=True
    )
    assert out.getvalue() == expected + "\n"


@pytest.mark.parametrize("name", ["[red]x[/]", "[/]", "\\x", "[b]\\[/b]", "[link=http://x]y[/link]", ":fire:"])
def test_markup_in_a_name_stays_text(name: str) -> None:
    assert drawn(safe(name)) == name + "\n"


def test_control_characters_and_turned_writing_are_replaced() -> None:
    assert printable("a\x1b[2Jb\u202ec\r\nd\x07") == "a?[2Jb?c?\nd?"
    assert "\x1b" not in safe(HOSTILE)
    assert "\u202e" not in safe(HOSTILE)


def test_a_fault_is_headed_by_the_nearest_class_that_has_a_text() -> None:
    class Odd(BadCandles):
        """Not in the catalogue."""

    class Foreign(Exception):
        """No fault of ours."""

    assert headline(Odd("x")) == headline(BadCandles("x")) == "The candle data is broken."
    assert headline(Misconfigured("x")) != headline(MakenaideError("x"))
    assert headline(Foreign()) == "Foreign"  # type: ignore[arg-type]


def test_a_table_breaks_words_before_numbers_and_cuts_nothing_off() -> None:
    columns = [("market", "left"), ("price", "right"), ("reason", "left")]
    shown = drawn(table(columns, [("KRW-BTC", "123,456,789", "a very long reason in many words")], title="T"), 40)
    lines = shown.splitlines()
    assert lines[0].strip() == "T"
    assert "123,456,789" in shown
    assert " ".join(" ".join(line[22:].split()) for line in lines[2:]) == "a very long reason in many words"
    assert "…" not in shown


def test_a_table_without_headings_has_no_line_for_them() -> None:
    assert drawn(table([("", "left"), ("", "left")], [("a", 1)])).splitlines()[0].split() == ["a", "1"]


def test_a_pipe_gets_lines_of_one_width_whatever_the_terminal() -> None:
    assert console().width == console(error=True).width == 120


def test_json_steers_no_terminal_and_stays_the_same_data(capsys: pytest.CaptureFixture[str]) -> None:
    data = {"\x7f\x9b31m": "a\u202eb\u2066\ufeff\U000e0041", "coin": "비트코인 \U0001f600é", "c0": "\x1b\n"}
    print_json(data)
    shown = capsys.readouterr().out
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert json.loads(shown) == data
    assert "비트코인 \U0001f600é" in shown
    assert r"a\u202eb" in shown


def test_json_has_plain_numbers_and_times_with_offset(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"b": Decimal("0.00000001"), "a": datetime(2025, 1, 1, tzinfo=UTC), "c": [None, True, "한"]})
    shown = capsys.readouterr().out
    assert '"b": 0.00000001' in shown or '"b": 1E-8' in shown
    data = json.loads(shown, parse_float=Decimal)
    assert list(data) == ["b", "a", "c"]
    assert data == {"b": Decimal("1E-8"), "a": "2025-01-01T00:00:00Z", "c": [None, True, "한"]}
