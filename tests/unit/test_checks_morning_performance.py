"""M8's bands and M10's judgement, at every boundary."""

import pytest

from makenaide.ops.checks.performance import Work, band, judge_work
from makenaide.ops.settings import OperationsSettings

SETTINGS = OperationsSettings()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "target"),
        (0.999, "target"),
        (1.0, "fine"),
        (2.0, "fine"),
        (2.001, "warning"),
        (5.0, "warning"),
        (5.001, "danger"),
    ],
)
def test_the_bands_of_a_start_leave_no_gap(seconds: float, expected: str) -> None:
    assert band(seconds) == expected


def found(**known: Work) -> list[tuple[str, str]]:
    total = Work(
        count=sum(each.count for each in known.values()),
        failures=sum(each.failures for each in known.values()),
        missed=sum(each.missed for each in known.values()),
    )
    return [(str(each.verdict), each.said.key) for each in judge_work(known, total, SETTINGS)]


def work(count: int, failures: int = 0, missed: int = 0) -> Work:
    return Work(count=count, failures=failures, missed=missed)


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (work(0), [("UNKNOWN", "m10_none")]),
        (work(0, missed=1), [("UNKNOWN", "m10_none"), ("WARN", "m10_missed")]),
        (work(1), [("PASS", "m10_good")]),
        (work(1, 1), [("FAIL", "m10_failed")]),  # nothing at all succeeded
        (work(2, 1), [("WARN", "m10_failed")]),
        (work(19, 1), [("WARN", "m10_failed")]),
        (work(19, 2), [("WARN", "m10_failed")]),
        (work(19, 3), [("FAIL", "m10_failed")]),
        (work(20, 1), [("WARN", "m10_failed")]),  # 5 %
        (work(20, 2), [("FAIL", "m10_failed")]),
        (work(1000, 5), [("PASS", "m10_good")]),  # 0.5 %
        (work(1000, 9), [("PASS", "m10_good")]),
        (work(1000, 10), [("WARN", "m10_failed")]),  # 1 %
        (work(1000, 50), [("WARN", "m10_failed")]),  # 5 %
        (work(1000, 51), [("FAIL", "m10_failed")]),
        (work(5, missed=1), [("WARN", "m10_missed"), ("PASS", "m10_good")]),
        (work(5, 1, 1), [("WARN", "m10_failed"), ("WARN", "m10_missed")]),
    ],
)
def test_failures_are_judged_by_their_ratio_and_few_runs_by_their_number(
    done: Work, expected: list[tuple[str, str]]
) -> None:
    assert found(cycle=done) == expected


def test_one_job_that_fails_shows_though_all_others_are_well() -> None:
    assert found(cycle=work(1000), backup=work(1, 1)) == [("WARN", "m10_failed")]
    assert found(cycle=work(1000), backup=work(3, 3)) == [("FAIL", "m10_failed")]
    assert found(cycle=work(1000), pulse=work(100, 6)) == [("FAIL", "m10_failed")]


def test_what_failed_is_named() -> None:
    (point,) = judge_work({"a": work(9), "b": work(2, 1)}, work(11, 1), SETTINGS)
    assert point.said.values == {"failures": 1, "count": 11, "percent": "9.09", "names": "b 1/2"}
