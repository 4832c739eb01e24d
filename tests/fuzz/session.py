"""A fuzz session: so many inputs over the targets in two processes, its progress, its table, its failures."""

import argparse
import multiprocessing
import random
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.sharedctypes import RawArray
from typing import Any, NamedTuple

from tests.fuzz.target import Failure, Target, run
from tests.fuzz.targets import TARGETS, named
from tests.fuzz.watchdog import alarmed, fence_memory, resident

PROCESSES = 2
MILLION = 1_000_000
STALLED = 120.0
"""Seconds without a step after which a process hangs where no alarm reaches it."""

GROWTH = 128 * 2**20
"""Bytes by which a target may grow a process, after its first blocks; every bench is thrown away after its block."""

_MOST_FAILURES = 5
_WARM = 3
_REPORT = 0.5


class Done(NamedTuple):
    """What a process has done of one target since it last said so."""

    target: str
    inputs: int
    seconds: float
    failures: tuple[Failure, ...]
    grown: int


@dataclass(slots=True)
class Tally:
    """One line of the table."""

    planned: int
    inputs: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    grown: int = 0


@dataclass(slots=True)
class Worker:
    """One process, its way to tell, and where it is: target and input."""

    process: Any
    pipe: Connection
    place: Any
    moved: float = 0.0
    seen: tuple[int, int] = (-1, -1)


def planned(targets: Sequence[Target], inputs: int) -> dict[str, int]:
    """How many inputs each target gets: by its share, at least its least, and `inputs` together."""
    whole = sum(each.share for each in targets)
    plan = {
        each.name: max(each.least * min(inputs, MILLION) // MILLION, int(inputs * each.share / whole))
        for each in targets
    }
    widest = max(targets, key=lambda each: plan[each.name]).name
    plan[widest] += max(0, inputs - sum(plan.values()))
    return plan


def blocks(target: Target, inputs: int) -> list[range]:
    """The inputs of a target, block by block."""
    return [range(at, min(at + target.block, inputs)) for at in range(0, inputs, target.block)]


def worked(seed: int, plan: dict[str, int], number: int, of: int, place: Any) -> Iterator[Done]:
    """The part of the `number`-th of `of` processes: every `of`-th block of every target."""
    for index, target in enumerate(each for each in TARGETS if each.name in plan):
        place[0] = index
        before, failed = resident(), 0
        for turn, cases in enumerate(blocks(target, plan[target.name])[number::of]):
            started = time.perf_counter()
            failures = tuple(run(target, seed, cases, lambda case: place.__setitem__(1, case)))
            failed += len(failures)
            before = resident() if turn == _WARM else before
            yield Done(target.name, len(cases), time.perf_counter() - started, failures, 0)
            if failed >= _MOST_FAILURES:
                break
        yield Done(target.name, 0, 0.0, (), resident() - before)


def _work(seed: int, plan: dict[str, int], part: tuple[int, int], pipe: Connection, place: Any) -> None:
    fence_memory()
    with alarmed():
        for done in worked(seed, plan, *part, place):
            pipe.send(done)
    pipe.close()


def fuzzed(seed: int, plan: dict[str, int]) -> dict[str, Tally]:
    """Run the plan in processes; what came of it, by target."""
    context = multiprocessing.get_context("fork")
    workers = []
    for number in range(PROCESSES):
        ours, theirs = context.Pipe(duplex=False)
        place = RawArray("q", [0, -1])
        process = context.Process(target=_work, args=(seed, plan, (number, PROCESSES), theirs, place), daemon=True)
        with warnings.catch_warnings():
            # From 3.12 on a fork beside threads is warned of; numpy's own sleep, and the child never asks for them.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        theirs.close()
        workers.append(Worker(process, ours, place, time.monotonic()))
    return _gathered(workers, plan)


def _gathered(workers: list[Worker], plan: dict[str, int]) -> dict[str, Tally]:
    tallies = {name: Tally(count) for name, count in plan.items()}
    names, open_ = list(plan), {worker.pipe: worker for worker in workers}
    shown = 0.0
    while open_:
        for pipe in wait(list(open_), timeout=1.0):
            assert isinstance(pipe, Connection)
            worker = open_[pipe]
            try:
                _noted(tallies, pipe.recv())
            except EOFError:
                del open_[pipe]
                worker.process.join()
                if worker.process.exitcode:
                    _lost(tallies, names, worker, f"the process ended with {worker.process.exitcode}")
        for pipe, worker in list(open_.items()):
            if _stalled(worker):
                worker.process.kill()
                del open_[pipe]
                _lost(tallies, names, worker, f"no step for {STALLED:.0f} s")
        if sys.stderr.isatty() and time.monotonic() - shown > _REPORT:
            shown = time.monotonic()
            _show(tallies)
    return tallies


def _stalled(worker: Worker) -> bool:
    now, seen = time.monotonic(), (worker.place[0], worker.place[1])
    if seen != worker.seen:
        worker.seen, worker.moved = seen, now
    return now - worker.moved > STALLED


def _lost(tallies: dict[str, Tally], names: list[str], worker: Worker, words: str) -> None:
    name = names[worker.place[0]]
    failure = Failure(target=name, case=worker.place[1], shown="(replay it to see it)", words=words)
    tallies[name].failures.append(failure)


def _noted(tallies: dict[str, Tally], done: Done) -> None:
    tally = tallies[done.target]
    tally.inputs += done.inputs
    tally.seconds += done.seconds
    tally.failures += done.failures
    tally.grown = max(tally.grown, done.grown)
    if done.grown > GROWTH:
        words = f"the process grew by {done.grown / 2**20:.0f} MiB over this target's inputs"
        tally.failures.append(Failure(target=done.target, case=0, shown="(memory)", words=words))


def _show(tallies: dict[str, Tally]) -> None:
    met, all_ = sum(each.inputs for each in tallies.values()), sum(each.planned for each in tallies.values())
    failed = sum(len(each.failures) for each in tallies.values())
    sys.stderr.write(f"\r{met:,} of {all_:,} inputs, {failed} failures ")
    sys.stderr.flush()


def table(tallies: dict[str, Tally]) -> str:
    """The table for people; seconds are those of both processes together."""
    rows = [f"{'target':<12} {'inputs':>10} {'seconds':>8} {'grown':>9} {'failures':>8}"]
    for name, each in tallies.items():
        grown, failed = each.grown / 2**20, len(each.failures)
        rows.append(f"{name:<12} {each.inputs:>10,} {each.seconds:>8.1f} {grown:>5.0f} MiB {failed:>8}")
    inputs, seconds = sum(each.inputs for each in tallies.values()), sum(each.seconds for each in tallies.values())
    failures = sum(len(each.failures) for each in tallies.values())
    return "\n".join([*rows, f"{'all':<12} {inputs:>10,} {seconds:>8.1f} {'':>9} {failures:>8}"])


def report(seed: int, failure: Failure) -> str:
    """One failure: where, with what, how, and the command that does it again."""
    text = (
        f"\n{failure.target}, input {failure.case} of seed {seed}:\n  {failure.shown}\n{failure.words}"
        f"\n  again: python -m tests.fuzz --seed {seed} --only {failure.target} --case {failure.case}\n"
    )
    return text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate cannot be printed


def again(seed: int, target: Target, case: int) -> list[Failure]:
    """Meet one input again, after those before it in its block."""
    with alarmed():
        return list(run(target, seed, range(case, case + 1), lambda _: None))


def main(arguments: Sequence[str]) -> int:
    """The command line; 1 on any failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz both sides of the exchange.")
    parser.add_argument("--inputs", type=int, default=MILLION, help="how many over all targets")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--only", choices=[each.name for each in TARGETS], help="one target gets all inputs")
    parser.add_argument("--case", type=int, help="replay this input of --only, after those before it in its block")
    asked = parser.parse_args(arguments)
    if asked.inputs < 1 or (asked.case is not None and asked.case < 0):
        parser.error("--inputs: at least 1, --case: at least 0")
    if asked.case is not None:
        if asked.only is None:
            parser.error("--case needs --only")
        failures = again(asked.seed, named(asked.only), asked.case)
        sys.stdout.write("".join(report(asked.seed, each) for each in failures) or "it passes\n")
        return bool(failures)
    chosen = [named(asked.only)] if asked.only else list(TARGETS)
    started = time.monotonic()
    tallies = fuzzed(asked.seed, planned(chosen, asked.inputs))
    failures = [failure for tally in tallies.values() for failure in tally.failures]
    sys.stdout.write("\r" + "".join(report(asked.seed, each) for each in failures))
    sys.stdout.write(f"seed {asked.seed}, {time.monotonic() - started:.0f} s on the wall\n{table(tallies)}\n")
    return bool(failures)
