"""What evidence counts for the gate, and what changed between two lists: both without a database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from makenaide.domain.verdict import Verdict
from makenaide.ops.check import Check, Checklist, Severity
from makenaide.ops.evidence import Evidence as Seen
from makenaide.ops.evidence import Said
from makenaide.ops.gate import doubt
from makenaide.ops.record import Change, changes
from makenaide.ops.runner import Result
from makenaide.store.evidence import Evidence, account_subject
from tests.unit.morning_scene import NOW

MINUTE = timedelta(minutes=1)


def evidence(verdict: Verdict = Verdict.PASS, taken: datetime = NOW, valid: timedelta | None = MINUTE) -> Evidence:
    return Evidence(
        kind="b1",
        subject=account_subject("0001"),
        verdict=verdict,
        detail={},
        taken_at=taken,
        valid_until=None if valid is None else taken + valid,
    )


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (None, "missing"),
        (evidence(), ""),
        (evidence(Verdict.WARN), ""),
        (evidence(Verdict.NOT_APPLICABLE), ""),
        (evidence(Verdict.UNKNOWN), "UNKNOWN"),
        (evidence(Verdict.FAIL), "FAIL"),
        (evidence(taken=NOW - MINUTE), ""),
        (evidence(taken=NOW - MINUTE - timedelta(microseconds=1)), "expired"),
        (evidence(Verdict.FAIL, NOW - 2 * MINUTE), "expired"),
        (evidence(taken=NOW - timedelta(days=900), valid=None), ""),
        (evidence(taken=NOW + MINUTE), ""),
        (evidence(taken=NOW + MINUTE + timedelta(seconds=1)), "from the future"),
        (evidence(taken=NOW + timedelta(days=1), valid=None), "from the future"),
    ],
)
def test_only_fresh_evidence_that_holds_counts(found: Evidence | None, told: str) -> None:
    assert doubt(found, NOW) == told


def results(**verdicts: Verdict) -> Sequence[Result]:
    def look(_: Any) -> Any:
        raise AssertionError

    return [
        Result(
            check=Check(id=name, list=Checklist.MORNING, severity=Severity.MAJOR, look=look),
            evidence=Seen(
                verdict=verdict,
                value=None,
                source="-",
                taken_at=NOW,
                valid_for=MINUTE,
                said=Said("fine"),
            ),
            seconds=0.1,
        )
        for name, verdict in verdicts.items()
    ]


def test_a_change_is_another_verdict_a_new_check_or_one_that_is_gone() -> None:
    was = {"M1": Verdict.PASS, "M2": Verdict.FAIL, "M9": Verdict.WARN}
    now = results(M1=Verdict.PASS, M2=Verdict.UNKNOWN, M3=Verdict.PASS)
    assert changes(was, now) == (
        Change(id="M2", before=Verdict.FAIL, after=Verdict.UNKNOWN),
        Change(id="M3", before=None, after=Verdict.PASS),
        Change(id="M9", before=Verdict.WARN, after=None),
    )
    assert changes({}, now) == (), "before the first list nothing was otherwise"
