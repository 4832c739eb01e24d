"""A process with a tree and a nursery of its own: it measures tests and tries mutants, one after another."""

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from tests.mutants.covering import Choice
from tests.mutants.ground import planted
from tests.mutants.mutant import Mutant, Outcome, Verdict
from tests.mutants.nursery import Measure, Nursery, Told

GRACE = 15.0
"""Seconds that any run may take beyond its tests' own: imports on a busy machine."""

SLOWNESS = 6.0
"""How many times as long as measured a run may take before it hangs."""

_NO_TESTS = 5


class Unusable(Exception):
    """The tests do not even pass without a mutant, or none of them was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One mutant (None: the tree as it is), its tests, and their seconds together by helping."""

    mutant: Mutant | None
    choice: Choice
    seconds: tuple[float, ...]


def tried(nursery: Nursery, trial: Trial) -> Outcome:
    """Plant the mutant and ask its tests; `Unusable` when they could not be asked."""
    assert trial.mutant is not None
    path = nursery.tree / trial.mutant.file
    killer = ""
    with planted(path, trial.mutant.planted(path.read_text(encoding="utf-8"))):
        for tests, seconds in zip(trial.choice.helpings, trial.seconds, strict=True):
            told = nursery.run(tests, GRACE + SLOWNESS * seconds)
            if told.code is None:
                return Outcome(mutant=trial.mutant, verdict=Verdict.TIMED_OUT)
            if told.code == _NO_TESTS:
                raise Unusable(f"{trial.mutant.place}: its tests were not found: {told.words}")
            killer = told.failed or ("(the process)" if told.code else "")
            if told.code:
                return Outcome(mutant=trial.mutant, verdict=Verdict.KILLED, killer=killer)
    verdict = Verdict.SURVIVED if trial.choice.helpings else Verdict.NOT_COVERED
    return Outcome(mutant=trial.mutant, verdict=verdict, cut=trial.choice.cut)


def sound(nursery: Nursery, choice: Choice, seconds: Sequence[float]) -> str:
    """What is wrong with the tests of `choice` when nothing is mutated; "" for nothing."""
    for tests, each in zip(choice.helpings, seconds, strict=True):
        told = nursery.run(tests, GRACE + SLOWNESS * each)
        if told.code != 0:
            return f"{told.failed or 'the run'} fails without any mutant (code {told.code}): {told.words[-1500:]}"
    return ""


def work(nursery: Nursery, pipe: Connection) -> None:
    """Do what comes through the pipe until it closes: a `Measure`, a `Trial`; the answer goes back."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    nursery.warm_up()
    try:
        while True:
            pipe.send(_answered(nursery, pipe.recv()))
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return


def _answered(nursery: Nursery, task: Measure | Trial) -> Told | Outcome | str:
    if isinstance(task, Measure):
        return nursery.measure(task)
    if task.mutant is None:
        return sound(nursery, task.choice, task.seconds)
    return tried(nursery, task)
