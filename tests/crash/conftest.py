"""The database of the contract tests for runs that are killed in the middle, and the day where faults are planted."""

from collections.abc import Iterator

import pytest

from makenaide.app.rehearsal.campaign import stage
from makenaide.app.rehearsal.day import DayWorld, busy_day
from makenaide.app.rehearsal.rehearse import Trial
from makenaide.config import Config
from tests.contract.conftest import connect, journal, postgres, schema
from tests.crash.planting import Runs

__all__ = ["connect", "journal", "postgres", "runs", "schema"]


@pytest.fixture(scope="session")
def runs() -> Iterator[Runs]:
    """One day, in which the same few runs are made again and again."""
    with stage() as copies:
        day = busy_day(Trial(config=Config(), seed=7, days=8, markets=16), copies)
        yield Runs(day, DayWorld(day), copies)
