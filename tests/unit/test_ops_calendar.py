"""The macro calendar: the packaged one, and what is wrong with one of the operator's own, to the line."""

from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from makenaide.domain.errors import Misconfigured
from makenaide.ops.calendar import load_calendar, parse_calendar

GOOD = """
[[event]]
kind = "cpi"
at = 2026-12-10
sure = true
source = "https://example.org/cpi"

[[event]]
kind = "fomc"
at = 2026-12-09T14:00:00-05:00
sure = false
source = "https://example.org/fomc"
"""


def test_days_are_korean_and_an_event_tells_whether_it_is_sure() -> None:
    calendar = parse_calendar("c.toml", GOOD.encode())
    cpi, fomc = calendar.on(date(2026, 12, 10))
    assert (cpi.at, cpi.shown) == (None, "CPI 2026-12-10")
    assert (fomc.at, fomc.shown) == (datetime(2026, 12, 9, 19, tzinfo=UTC), "FOMC 2026-12-10 04:00?")
    assert calendar.on(date(2026, 12, 9)) == ()
    assert calendar.last == date(2026, 12, 10)


def test_the_packaged_calendar_knows_the_decisions_and_prices_of_the_coming_years() -> None:
    calendar = load_calendar()
    kinds = [each.kind for each in calendar.events]
    assert (kinds.count("fomc"), kinds.count("cpi")) == (17, 12)
    assert [each.day for each in calendar.events] == sorted(each.day for each in calendar.events)
    assert all(each.at is not None for each in calendar.events)
    # 14:00 in New York is 04:00 of the next day in Korea, and 03:00 in summer time; 08:30 is 22:30, or 21:30.
    shown = {each.shown for each in calendar.events}
    assert {"FOMC 2026-12-10 04:00", "FOMC 2026-06-18 03:00", "FOMC 2027-12-09 04:00?"} <= shown
    assert {"CPI 2026-03-11 21:30", "CPI 2026-02-11 22:30"} <= shown
    assert all((after.day - before.day).days < 60 for before, after in pairwise(calendar.events))


def test_an_empty_calendar_is_one_without_an_end() -> None:
    calendar = parse_calendar("c.toml", b"# nothing yet\n")
    assert (calendar.events, calendar.last) == ((), None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[event]]\nkind = \n", "c.toml: Invalid value (at line 2"),
        ("[[event]\n", "c.toml: "),
        ('title = "x"\n', "c.toml, line 1: unknown: title"),
        ('event = "x"\n', r"c.toml, line 1: expected \[\[event\]\] tables"),
        ("[event]\nkind = 1\n", r"c.toml, line 1: expected \[\[event\]\] tables"),
        (GOOD.replace('"fomc"', "7"), "c.toml, line 8: kind: expected a word in lower case, got 7"),
        (GOOD.replace('"fomc"', '"F O"'), "c.toml, line 8: kind"),
        (GOOD.replace("-05:00", ""), "c.toml, line 8: at: a time needs its zone"),
        (GOOD.replace("2026-12-10", '"2026-12-10"'), "c.toml, line 2: at: expected a date"),
        (GOOD.replace("2026-12-10", "12:00:00"), "c.toml, line 2: at: expected a date"),
        (GOOD.replace("= false", '= "no"'), "c.toml, line 8: sure: expected true or false"),
        (GOOD.replace("https://example.org/fomc", "somewhere"), "c.toml, line 8: source: expected an address"),
        (GOOD.replace("sure = false", "shure = false"), "c.toml, line 8: unknown: shure; did you mean sure?"),
        (GOOD.replace("sure = false\n", ""), "c.toml, line 8: sure is missing"),
        (GOOD.replace("2026-12-09T14:00:00-05:00", "0001-01-01T00:00:00+23:00"), "line 8: at: no such time"),
        ('event = [{kind = "cpi"}]\n', "c.toml, line 1: at is missing"),
        ("x = " + "[" * 5000 + "]" * 5000, "c.toml: "),
    ],
)
def test_a_calendar_that_is_wrong_is_named_with_its_line(text: str, words: str) -> None:
    with pytest.raises(Misconfigured, match=words.replace("(at", r"\(at")):
        parse_calendar("c.toml", text.encode())


def test_bytes_that_are_no_text_are_named_with_their_line() -> None:
    with pytest.raises(Misconfigured, match=r"c\.toml, line 3: not UTF-8"):
        parse_calendar("c.toml", b"# a\n# b\n# \xff\n")
    with pytest.raises(Misconfigured, match="more than 1000000 bytes"):
        parse_calendar("c.toml", b"#" * 1_000_001)


def test_a_calendar_of_ones_own_is_read_and_a_missing_one_named(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    with pytest.raises(Misconfigured, match=r"own.toml: cannot be read"):
        load_calendar(str(file))
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_calendar(str(tmp_path))
    with pytest.raises(Misconfigured, match="cannot be read"):
        load_calendar("a\0b")
    file.write_text(GOOD, encoding="utf-8")
    assert len(load_calendar(str(file)).events) == 2
