"""The report as JSON: its keys are a promise, its numbers plain, its times with offset."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from makenaide.cli.document import report_data
from makenaide.cli.output import print_json
from tests.unit.report_cases import empty_report, sample_report, troubled_report
from tests.unit.source_tree import REPOSITORY

GOLDEN = REPOSITORY / "tests" / "golden" / "report.json"


def written(capsys: pytest.CaptureFixture[str], data: object) -> str:
    """What `--json` prints."""
    print_json(data)
    return capsys.readouterr().out


def test_the_document_is_its_golden_file(capsys: pytest.CaptureFixture[str], rewrite_golden: bool) -> None:
    shown = written(capsys, report_data(sample_report()))
    if rewrite_golden:
        GOLDEN.write_text(shown, encoding="utf-8")
    assert shown == GOLDEN.read_text(encoding="utf-8")


def keys(value: Any, path: str = "") -> set[str]:
    """The dotted keys of a document; lists count as one."""
    if isinstance(value, dict):
        return {f"{path}{key}" for key in value} | {
            found for key, item in value.items() for found in keys(item, f"{path}{key}.")
        }
    return {found for item in value for found in keys(item, f"{path}[].")} if isinstance(value, list) else set()


def test_the_keys_are_the_same_whatever_happened() -> None:
    full, troubled = (keys(report_data(report)) for report in (sample_report(), troubled_report()))
    free = ("alarms.", "refusals.")
    assert {key for key in full if not key.startswith(free)} == {
        key for key in troubled if not key.startswith(free)
    }
    assert list(report_data(empty_report())) == list(report_data(sample_report()))


def test_a_run_without_slots_has_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(written(capsys, report_data(empty_report())))
    assert data["result"] is None
    assert data["equity"] == data["trades"] == []
    assert data["period"]["first_slot"] is None
    assert data["statistics"]["win_rate"] is None


def test_a_ratio_is_never_minus_zero() -> None:
    report = sample_report()
    assert report.result is not None
    tiny = replace(report, result=replace(report.result, time_weighted=Decimal("-0.00000001")))
    assert str(report_data(tiny)["result"]["time_weighted_return"]) == "0.000000"


@pytest.mark.parametrize(("venue", "seed"), [("simulator", 7), ("replay", None), ("upbit", None)])
def test_only_generated_prices_have_a_seed(venue: str, seed: int | None) -> None:
    report = sample_report()
    other = replace(report, account=replace(report.account, venue=venue))
    assert report_data(other)["account"]["seed"] == seed
