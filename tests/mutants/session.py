"""A session of mutation testing: make the mutants, measure the tests, try each mutant, tell what lives."""

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.mutants import report
from tests.mutants.covering import Choice, Cover, candidates, own
from tests.mutants.ground import copied, temporary
from tests.mutants.keeper import server
from tests.mutants.mutant import Mutant, Outcome, equivalents
from tests.mutants.nursery import Measure, Nursery, Told
from tests.mutants.worker import Trial, Unusable, work

REPOSITORY = Path(__file__).resolve().parents[2]
MAKER = Path(".venv-mutants/bin/python")
FOLDERS: Mapping[str, tuple[str, ...]] = {
    "domain": ("unit",),
    "risk": ("unit",),
    "ledger": ("unit",),
    "execution": ("unit", "contract", "crash", "simulation"),
}
"""The rooms, and where the tests are that may notice their mutants."""

SAMPLES = {"execution": 400}
"""How many mutants of a room are tried unless told otherwise; of the others all."""

LEAST = 85.0
PATIENCE = 15.0
"""Seconds of tests that a mutant may get, by what they took unmutated; the rest is left out, and that is told."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do; `patience` is the seconds of tests that one mutant may get, by room where not PATIENCE."""

    rooms: tuple[str, ...]
    repository: Path = REPOSITORY
    samples: Mapping[str, int | None] = field(default_factory=lambda: dict(SAMPLES))
    seed: int = 1
    workers: int = 2
    patience: Mapping[str, float] = field(default_factory=lambda: {"execution": 40.0})
    only: str = ""
    own: bool = False
    folders: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(FOLDERS))

    @property
    def longest(self) -> float:
        """The most patience of any of the rooms."""
        return max(self.patience.get(room, PATIENCE) for room in self.rooms)

    @property
    def database(self) -> bool:
        """Whether any of the tests needs a database."""
        return any("contract" in self.folders[room] for room in self.rooms)


def made(plan: Plan) -> list[Mutant]:
    """The mutants of the plan: whole rooms, or a sample that the seed alone decides; made by mutmut."""
    found: list[Mutant] = []
    maker = [str(plan.repository / MAKER), str(Path(__file__).with_name("make.py"))]
    for room in plan.rooms:
        folder = plan.repository / "src" / "makenaide" / room
        files = [path.relative_to(plan.repository).as_posix() for path in sorted(folder.rglob("*.py"))]
        files = [file for file in files if plan.only in file]
        rows = subprocess.run([*maker, *files], cwd=plan.repository, capture_output=True, text=True, check=True)
        texts = {file: (plan.repository / file).read_text(encoding="utf-8").splitlines() for file in files}
        mutants = [mutant(room, json.loads(row), texts) for row in rows.stdout.splitlines()]
        found += sampled(mutants, plan.samples.get(room), plan.seed)
    return found


def mutant(room: str, row: dict[str, Any], texts: Mapping[str, Sequence[str]]) -> Mutant:
    """A mutant from a line of `make.py`."""
    was = tuple(texts[row["file"]][row["start"] : row["stop"]])
    return Mutant(
        room=room, file=row["file"], start=row["start"], stop=row["stop"], lines=tuple(row["lines"]), was=was
    )


def sampled(mutants: Sequence[Mutant], size: int | None, seed: int) -> list[Mutant]:
    """All, or `size` of them, in their order; the same ones for the same seed and the same code."""
    if size is None or size >= len(mutants):
        return list(mutants)
    chosen = random.Random(seed).sample(range(len(mutants)), size)
    return [mutants[number] for number in sorted(chosen)]


@dataclass(slots=True)
class Team:
    """The workers, and the pipes to them."""

    pipes: list[Connection] = field(default_factory=list)
    processes: list[BaseProcess] = field(default_factory=list)

    def start(self, nursery: Nursery) -> None:
        """One more worker."""
        context = get_context("fork")
        ours, theirs = context.Pipe()
        process = context.Process(target=_working, args=(nursery, theirs, [*self.pipes, ours]))
        process.start()
        theirs.close()
        self.pipes.append(ours)
        self.processes.append(process)

    def answers(self, tasks: Iterator[Any]) -> Iterator[Any]:
        """The answers as they come; every worker has one task at a time."""
        busy = {pipe for pipe in self.pipes if _given(pipe, tasks)}
        while busy:
            for pipe in wait(list(busy), timeout=5.0):
                assert isinstance(pipe, Connection)
                try:
                    answer = pipe.recv()
                except EOFError:
                    raise Unusable("a worker is gone") from None
                if not _given(pipe, tasks):
                    busy.discard(pipe)
                yield answer

    def stop(self) -> None:
        """End the workers; each ends what it forked."""
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.terminate()
            process.join()


def _working(nursery: Nursery, pipe: Connection, others: Sequence[Connection]) -> None:
    for each in others:  # the session's ends: a worker that held one would never see it closed
        each.close()
    work(nursery, pipe)


def _given(pipe: Connection, tasks: Iterator[Any]) -> bool:
    task = next(tasks, None)
    if task is not None:
        pipe.send(task)
    return task is not None


@contextmanager
def team(plan: Plan, folder: Path) -> Iterator[Team]:
    """Workers with a copy of the tree each, and one database for all when there is need of one."""
    made = Team()
    with ExitStack() as stack:
        trees = [copied(plan.repository, folder / f"tree{number}") for number in range(plan.workers)]
        stack.callback(made.stop)
        conninfo = stack.enter_context(server(trees[0], folder / "home")) if plan.database else ""
        stack.callback(made.stop)
        for tree in trees:
            made.start(Nursery(tree=tree, temporary=folder / "tmp", conninfo=conninfo))
        yield made


def covered(plan: Plan, workers: Team, folder: Path, say: Say) -> Cover:
    """Which tests run which lines: all tests that reach the rooms, once, in as many parts as there are workers."""
    files = sorted(
        {
            file
            for room in plan.rooms
            for file in candidates(plan.repository, room, plan.folders[room])
            if not plan.own or own(file, room)
        }
    )
    chunks = [tuple(files[number :: 2 * plan.workers]) for number in range(2 * plan.workers)]
    parts = [
        Measure(files=part, rooms=plan.rooms, data=folder / f"lines{number}", slowest=1.5 * plan.longest)
        for number, part in enumerate(chunks)
        if part
    ]
    cover = Cover(trees=tuple(folder / f"tree{number}" for number in range(plan.workers)))
    for told in workers.answers(iter(parts)):
        assert isinstance(told, Told)
        if told.code not in (0, 1):
            raise Unusable(f"the tests could not be measured (code {told.code}): {told.words}")
        cover.hear(told.seconds, told.bad)
        for nodeid in sorted(told.bad & told.seconds.keys()):
            say(f"not a witness, does not pass unmutated: {nodeid}")
    for part in parts:
        cover.read(part.data)
    return cover


def trials(plan: Plan, cover: Cover, mutants: Sequence[Mutant]) -> Iterator[Trial]:
    """First each room's tests without any mutant, then the mutants, each with its tests as known by then."""

    def trial(mutant: Mutant | None, choice: Choice) -> Trial:
        return Trial(mutant=mutant, choice=choice, seconds=tuple(cover.time(each) for each in choice.helpings))

    def chosen(mutant: Mutant) -> Choice:
        return cover.choose(mutant, plan.folders[mutant.room], plan.patience.get(mutant.room, PATIENCE))

    for room in plan.rooms:
        choices = [chosen(each) for each in mutants if each.room == room]
        own = dict.fromkeys(nodeid for each in choices for nodeid in each.own)
        others = dict.fromkeys(nodeid for each in choices for nodeid in each.others)
        yield trial(None, Choice(own=tuple(own), others=tuple(others)))
    for each in mutants:
        yield trial(each, chosen(each))


def tried(plan: Plan, mutants: Sequence[Mutant], say: Say) -> list[Outcome]:
    """The outcomes of the `mutants`; `Unusable` when the tests fail without any mutant."""
    say(f"{len(mutants)} mutants")
    with temporary() as folder, team(plan, folder) as workers:
        cover = covered(plan, workers, folder, say)
        say(f"{len(cover.seconds)} tests, {sum(cover.seconds.values()):.0f} s of them, are the witnesses")
        outcomes: list[Outcome] = []
        for answer in workers.answers(trials(plan, cover, mutants)):
            if isinstance(answer, str):
                if answer:
                    raise Unusable(answer)
                continue
            assert isinstance(answer, Outcome)
            outcomes.append(answer)
            cover.killers[answer.mutant.file][answer.killer] += 1
            if not answer.killed:
                say(f"{answer.verdict}: {answer.mutant.shown}")
            elif len(outcomes) % 25 == 0:
                say(f"{len(outcomes)} of {len(mutants)}")
        return outcomes


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make mutants ARGS=", description=__doc__)
    parser.add_argument("--room", action="append", choices=list(FOLDERS), help="only this room; may be repeated")
    parser.add_argument(
        "--sample", type=int, help="so many mutants of each room (default: execution 400, others all)"
    )
    parser.add_argument("--seed", type=int, default=1, help="decides the sample (default: 1)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--file", default="", help="only files whose path has this in it")
    parser.add_argument("--own", action="store_true", help="only tests named after the room: quick, and stricter")
    parser.add_argument("--least", type=float, default=LEAST, help="per cent that must be killed (default: 85)")
    parser.add_argument("--list-survivors", action="store_true", help="print every survivor as a diff")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    return parser.parse_args(arguments)


def planned(asked: argparse.Namespace) -> Plan:
    """The plan for a command line."""
    rooms = tuple(asked.room or FOLDERS)
    samples = dict(SAMPLES) if asked.sample is None else dict.fromkeys(rooms, asked.sample)
    return Plan(
        rooms=rooms, samples=samples, seed=asked.seed, workers=asked.workers, only=asked.file, own=asked.own
    )


def main(arguments: Sequence[str]) -> int:
    """Run a session; 0 when each room has enough killed, 1 when not, 2 when the tests cannot judge."""
    asked = parsed(arguments)
    started = time.monotonic()

    def say(words: str) -> None:
        if not asked.quiet:
            sys.stderr.write(f"[{time.monotonic() - started:5.0f} s] {words}\n")
            sys.stderr.flush()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    excused = equivalents(Path(__file__).with_name("equivalent.toml"))
    try:
        plan = planned(asked)
        outcomes = tried(plan, made(plan), say)
    except Unusable as fault:
        sys.stderr.write(f"{fault}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    told = [report.survivors(outcomes, excused)] if asked.list_survivors else []
    told += [
        f"not equivalent, a test notices it: {each.file}: {each.now}" for each in report.stale(outcomes, excused)
    ]
    rows = report.lines(outcomes, excused)
    told += ["", report.table(rows), f"seed {asked.seed}, {time.monotonic() - started:.0f} s"]
    sys.stdout.write("\n".join(told) + "\n")
    return 0 if report.enough(rows, asked.least) else 1
