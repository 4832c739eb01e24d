"""M5 by its numbers: skew, latency, statements, refused connections, room, and who can read along."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from makenaide.domain.errors import DatabaseUnavailable, DiskFull, MakenaideError, SchemaMismatch, Unavailable
from makenaide.monitoring.measures import Summary, summary
from makenaide.ops.checks.connection import Connected, connection, judged
from makenaide.ops.checks.morning import MORNING
from makenaide.ops.runner import run_check
from makenaide.ops.settings import OperationsSettings
from makenaide.store.db import Database
from makenaide.store.vitals import Vitals
from tests.unit.morning_scene import said, scene

VITALS = Vitals(schema=6, server="18.0", used=10, most=100, encrypted=False, private=True)
GOOD = Connected(
    connect=0.01, latency=0.001, skew=0.0, vitals=VITALS, connections=summary(()), queries=summary(())
)


def counted(count: int, failures: int = 0, mean: float = 0.01) -> Summary:
    return replace(summary(()), count=count, failures=failures, mean=mean)


def found(seen: Connected) -> list[tuple[str, str]]:
    return [(str(each.verdict), each.said.key) for each in judged(seen, OperationsSettings())]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ("PASS", "m5_good")),
        ({"skew": 0.999}, ("PASS", "m5_good")),
        ({"skew": 1.0}, ("WARN", "m5_skew")),
        ({"skew": -1.0}, ("WARN", "m5_skew")),
        ({"skew": 4.999}, ("WARN", "m5_skew")),
        ({"skew": 5.0}, ("FAIL", "m5_skew")),
        ({"skew": -5.0}, ("FAIL", "m5_skew")),
        ({"latency": 0.5}, ("PASS", "m5_good")),
        ({"latency": 0.501}, ("WARN", "m5_slow")),
        ({"latency": 1.0}, ("WARN", "m5_slow")),
        ({"latency": 1.001}, ("FAIL", "m5_slow")),
        ({"queries": counted(9, mean=0.5)}, ("PASS", "m5_good")),
        ({"queries": counted(9, mean=0.51)}, ("WARN", "m5_queries")),
        ({"queries": counted(9, mean=1.0)}, ("WARN", "m5_queries")),
        ({"queries": counted(9, mean=1.01)}, ("FAIL", "m5_queries")),
        ({"connections": counted(1000, 10)}, ("PASS", "m5_good")),
        ({"connections": counted(1000, 11)}, ("WARN", "m5_refused")),
        ({"connections": counted(1000, 50)}, ("WARN", "m5_refused")),
        ({"connections": counted(1000, 51)}, ("FAIL", "m5_refused")),
        ({"connections": counted(19, 1)}, ("WARN", "m5_refused")),
        ({"connections": counted(19, 19)}, ("WARN", "m5_refused")),
        ({"connections": counted(19)}, ("PASS", "m5_good")),
        ({"vitals": replace(VITALS, used=80)}, ("PASS", "m5_good")),
        ({"vitals": replace(VITALS, used=81)}, ("WARN", "m5_full")),
        ({"vitals": replace(VITALS, private=False)}, ("WARN", "m5_plain")),
    ],
)
def test_each_number_of_a_connection_has_its_limits(change: dict[str, Any], expected: tuple[str, str]) -> None:
    assert found(replace(GOOD, **change)) == [expected]


def test_everything_that_is_wrong_is_told() -> None:
    bad = replace(GOOD, skew=9.0, vitals=replace(VITALS, used=99, private=False))
    assert found(bad) == [("FAIL", "m5_skew"), ("WARN", "m5_full"), ("WARN", "m5_plain")]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (DatabaseUnavailable("password authentication failed"), ("FAIL", "m5_down")),
        (SchemaMismatch("older than this version"), ("FAIL", "m5_schema")),
        (Unavailable("a lock"), ("UNKNOWN", "raised")),
        (DiskFull("no room"), ("UNKNOWN", "raised")),
    ],
)
def test_not_to_be_reached_is_the_finding_and_anything_else_is_unknown(
    fault: MakenaideError, expected: tuple[str, str]
) -> None:
    def books() -> AbstractContextManager[Database]:
        raise fault

    result = run_check(MORNING[4], scene(books=books))
    assert said(result.evidence) == expected
    assert result.evidence.said.values == {"cause": str(fault)}


def test_m5_is_the_connection() -> None:
    assert MORNING[4].look is connection
