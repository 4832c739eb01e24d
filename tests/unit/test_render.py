"""The report on a terminal, letter by letter: golden text of a report made by hand."""

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from makenaide.catalogue import texts
from makenaide.cli.render import print_report
from makenaide.pipeline.report import Report
from tests.unit.report_cases import HOSTILE, empty_report, sample_report, troubled_report
from tests.unit.source_tree import REPOSITORY

GOLDEN = REPOSITORY / "tests" / "golden"


def printed(report: Report, language: str = "en", width: int = 120, *, colour: bool = False) -> str:
    """What a terminal of `width` shows, without the blanks at the ends of lines."""
    out = StringIO()
    console = Console(
        file=out, width=width, highlight=False, emoji=False, force_terminal=colour, no_color=not colour
    )
    print_report(console, report, texts(language))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("width", [80, 120])
def test_the_report_reads_as_its_golden_text(language: str, width: int, rewrite_golden: bool) -> None:
    shown = printed(sample_report(), language, width)
    file = GOLDEN / f"report-{language}-{width}.txt"
    if rewrite_golden:
        file.write_text(shown, encoding="utf-8")
    assert shown == file.read_text(encoding="utf-8")


def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut_off() -> None:
    for width in (80, 100, 160):
        shown = printed(sample_report(), "en", width)
        assert max(len(line) for line in shown.splitlines()) <= width
        assert "…" not in shown
        for figure in ("4,120,000", "4,943,333.3", "+19.98 %", "0.01143", "861.4", "trailing stop"):
            assert figure in shown


def test_a_run_without_a_finished_slot_says_so_and_nothing_else() -> None:
    shown = printed(empty_report())
    assert shown.splitlines()[1:] == [
        "Makenaide paper trading report  Generated prices: says nothing about profit.",
        "Account 0123456789ab: - to - KST, 0 days, 12 markets. Not finished.",
        "No slot has been finished yet: nothing to report.",
    ]


def test_the_stamp_stands_first_and_last() -> None:
    lines = printed(replace(sample_report(), stamp="replayed")).strip().splitlines()
    assert "not a promise" in lines[0]
    assert "not a promise" in lines[-1]


def test_doubts_are_named_instead_of_the_good_news() -> None:
    shown = printed(troubled_report())
    assert "Unsettled order: mk1-0123-KRW-XRP-20250105T0900-e01" in shown
    assert ": 2 times" in shown
    assert "Books sound" not in shown
    assert "Books sound" in printed(sample_report())


def test_a_hostile_name_steers_neither_the_terminal_nor_its_colours() -> None:
    shown = printed(troubled_report(), width=160)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "<script>alert(1)</script>[red]" in shown
    assert HOSTILE not in shown


def test_gains_are_green_and_losses_red_on_a_terminal_with_colours() -> None:
    shown = printed(sample_report(), colour=True)
    assert "\x1b[32m+19.98 %" in shown
    assert "\x1b[31m-7.07 %" in shown


def test_a_chart_needs_two_days_and_a_flat_one_is_drawn_too() -> None:
    report = sample_report()
    one = replace(report, equity=report.equity[:1])
    assert "Both start at 100" not in printed(one)
    flat = replace(report, equity=tuple(replace(report.equity[0], slot=row.slot) for row in report.equity))
    assert "Both start at 100: account 100.0, buy and hold BTC 100.0" in printed(flat)
    missing = replace(report, equity=tuple(replace(row, bitcoin=None) for row in report.equity))
    assert "Both start at 100" not in printed(missing)


def test_without_a_trade_every_figure_still_has_its_place() -> None:
    empty, report = empty_report(), sample_report()
    assert report.result is not None
    bare = replace(
        report,
        trades=(),
        open_positions=(),
        signals=(),
        statistics=empty.statistics,
        refusals=dict.fromkeys(report.refusals, 3),
        result=replace(report.result, bitcoin=None, worst_trade=None, worst_position=None),
    )
    shown = printed(bare)
    assert "Profit factor                    -\n" in shown
    assert "Closed trades (0)\nnone\n" in shown
    assert "Never spoke" not in shown
