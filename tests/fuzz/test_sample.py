"""A sample of the fuzz on every run: some thousand inputs over all targets, with another seed each time."""

import random

import pytest

from tests.fuzz.session import blocks, planned, report
from tests.fuzz.target import Target, run
from tests.fuzz.targets import TARGETS
from tests.fuzz.watchdog import alarmed

INPUTS = 20_000
PLAN = planned(TARGETS, INPUTS)


@pytest.mark.parametrize("target", TARGETS, ids=lambda each: each.name)
def test_nothing_that_anybody_sends_brings_it_down(target: Target) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")  # noqa: T201 - shown when it fails
    with alarmed():
        failures = [
            failure
            for cases in blocks(target, PLAN[target.name])
            for failure in run(target, seed, cases, lambda _: None)
        ]
    assert not failures, "".join(report(seed, each) for each in failures[:3])
