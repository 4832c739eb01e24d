"""A drawn sample of the crash points of one full day; `make rehearse` tries them all.

The sample is another one each time: it is printed, and REHEARSAL_SEED=<that number> draws it again.
"""

import os
import random
import sys
from collections.abc import Iterator

import pytest

from makenaide.app.rehearsal.campaign import DayReport, Extent, rehearse_day, stage
from makenaide.app.rehearsal.rehearse import Trial
from makenaide.config import Config
from makenaide.store.scratch import Copies

SEED = int(os.environ.get("REHEARSAL_SEED") or random.SystemRandom().randrange(1, 10_000))


@pytest.fixture(scope="module")
def copies() -> Iterator[Copies]:
    with stage() as made:
        yield made


def told(report: DayReport) -> str:
    """What broke, and how to see it again."""
    lines = [f"{each.law}: {each.evidence} [{how}]" for how, each in report.found]
    return "\n".join([f"REHEARSAL_SEED={SEED}", *lines])


def test_a_sample_of_the_days_crash_points_breaks_no_law(copies: Copies) -> None:
    trial = Trial(config=Config(), seed=7, days=10, markets=20)
    report = rehearse_day(trial, copies, Extent(seed=SEED, points=40, recoveries=25, pairs=25), workers=1)
    sys.stdout.write(f"REHEARSAL_SEED={SEED}: {report}" + "\n")
    assert report.found == [], told(report)
    assert (report.points, report.recoveries, report.pairs) == (40, 25, 25)
    assert report.orders >= 2, "a day without orders proves nothing"
    assert report.crashes >= report.points + report.recoveries, "each run died where it was told to"
