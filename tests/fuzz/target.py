"""What is fuzzed: targets, each a way to make inputs and a check; and the run over some of a target's inputs.

Inputs come in blocks, each on a fresh bench. The n-th input depends on seed, target and n, and on what the inputs
before it in its block have left behind: so a replay of one begins at its block's first.
"""

import random
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from tests.fuzz.watchdog import Hung, watched

_SHOWN = 2000
_LEVELS = 8


class Bench(Protocol):
    """A target's subject, set up for one block."""

    def make(self, rng: random.Random) -> object:
        """The next input."""
        ...

    def check(self, given: object) -> None:
        """Let the subject meet it; raises when that goes wrong."""
        ...

    def close(self) -> None:
        """The laws that must hold at the end of a block; raises when one does not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`share` of all inputs goes here, and at least `least` of a million; `block` inputs share a bench."""

    name: str
    share: float
    fresh: Callable[[random.Random], Bench]
    block: int = 200
    least: int = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong: at which input of which target, shown, and how."""

    target: str
    case: int
    shown: str
    words: str


def run(target: Target, seed: int, cases: range, told: Callable[[int], None]) -> Iterator[Failure]:
    """Let `target` meet `cases`, which lie in one block; `told` hears of each before it is met.

    The first failure ends the block: what a bench does after it says nothing.
    """
    first = cases.start - cases.start % target.block
    bench = target.fresh(random.Random(f"{seed} {target.name} block {first // target.block}"))
    for case in range(first, cases.stop):
        told(case)
        failure = _met(target, seed, case, bench)
        if failure is not None:
            yield failure
            return
    failure = _closed(target, cases.stop - 1, bench)
    if failure is not None:
        yield failure


def _met(target: Target, seed: int, case: int, bench: Bench) -> Failure | None:
    given: object = "(the input could not be made)"
    try:
        with watched():
            given = bench.make(random.Random(f"{seed} {target.name} {case}"))
            bench.check(given)
    except (Exception, Hung) as fault:  # noqa: BLE001 - this is the door where every fault is counted
        return Failure(target=target.name, case=case, shown=shown(given), words=_words(fault))
    return None


def _closed(target: Target, case: int, bench: Bench) -> Failure | None:
    try:
        with watched(long=True):
            bench.close()
    except (Exception, Hung) as fault:  # noqa: BLE001
        return Failure(target=target.name, case=case, shown="(the end of the block)", words=_words(fault))
    return None


def shown(given: object) -> str:
    """`given` for a person, cut."""
    text = repr(given)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


def _words(fault: BaseException) -> str:
    lines = traceback.format_exception(type(fault), fault, fault.__traceback__, limit=-_LEVELS)
    text = "".join(lines)
    return text if len(text) <= 3 * _SHOWN else f"{text[:_SHOWN]}...\n...{text[-2 * _SHOWN :]}"
