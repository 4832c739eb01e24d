"""A drawn sample of rehearsals; `make rehearse` runs two hundred of thirty days.

The sample is another one each time: it is printed, and REHEARSAL_SEED=<that number> draws it again.
"""

import os
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from makenaide.app.rehearsal.campaign import Summary, rehearse_all, stage
from makenaide.app.rehearsal.rehearse import Trial
from makenaide.app.rehearsal.storm import storm
from makenaide.config import Config
from makenaide.exchange.simulator.faults.plan import Kind
from makenaide.store.scratch import Copies

SEED = int(os.environ.get("REHEARSAL_SEED") or random.SystemRandom().randrange(1, 10_000))
WORLDS = 4
DAYS = 20


@pytest.fixture(scope="module")
def copies() -> Iterator[Copies]:
    with stage() as made:
        yield made


def test_a_sample_of_worlds_breaks_no_law(copies: Copies) -> None:
    trials = [Trial(config=Config(), seed=SEED + n, days=DAYS, markets=20) for n in range(WORLDS)]
    summary = Summary(outcomes=rehearse_all(trials, copies, workers=1))
    sys.stdout.write(f"REHEARSAL_SEED={SEED}: {summary.effects} {summary.faults}" + "\n")
    found = [f"{each.law}: {each.evidence} [seed {one.seed}]" for one in summary.outcomes for each in one.found]
    assert found == [], f"REHEARSAL_SEED={SEED}"
    assert len(summary.faults) >= len(Kind) - 3, "the rarest kinds may strike nowhere in so few worlds"
    assert sum(len(each.crashes) for each in summary.outcomes) >= WORLDS * 5
    assert sum(each.orders for each in summary.outcomes) >= WORLDS


def test_every_kind_of_fault_is_planned_in_every_storm() -> None:
    begin = datetime(2026, 1, 5, tzinfo=UTC)
    rules = storm(random.Random(SEED), begin, begin + timedelta(days=DAYS), 2.0)
    assert {rule.kind for rule in rules if rule.probability} == set(Kind)


def test_the_same_seed_shows_the_same_again(copies: Copies) -> None:
    trial = Trial(config=Config(), seed=SEED, days=4, markets=12)
    first, second = (rehearse_all([trial], copies, workers=1)[0] for _ in range(2))
    assert first == second
    assert rehearse_all([replace(trial, seed=SEED + 1)], copies, workers=1)[0] != first
