"""The fuzz itself: its plan, its failures and their replays, its alarms, and a process that dies."""

import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from tests.fuzz import session
from tests.fuzz.session import MILLION, blocks, fuzzed, main, planned, report, table
from tests.fuzz.target import Failure, Target, run
from tests.fuzz.targets import TARGETS
from tests.fuzz.watchdog import Hung, alarmed

SEED = 5


@dataclass
class Ladder:
    """Inputs are numbers from 0 up within a block; the check is the test's own."""

    checked: Callable[[int], None]
    step: int = 0
    ended: list[int] = field(default_factory=list)

    def make(self, rng: random.Random) -> int:
        self.step += 1
        return self.step - 1

    def check(self, given: object) -> None:
        assert isinstance(given, int)
        self.checked(given)

    def close(self) -> None:
        self.ended.append(self.step)


def ladder(checked: Callable[[int], None], block: int = 10) -> Target:
    return Target(name="ladder", share=1.0, fresh=lambda _rng: Ladder(checked), block=block)


def failed(target: Target, cases: range) -> list[Failure]:
    with alarmed():
        return list(run(target, SEED, cases, lambda _: None))


def never_seven(number: int) -> None:
    assert number != 7, "seven"


@pytest.mark.parametrize("inputs", [1000, 20_000, MILLION])
def test_a_plan_gives_every_target_its_share(inputs: int) -> None:
    plan = planned(TARGETS, inputs)
    assert sum(plan.values()) >= inputs
    assert all(plan[each.name] >= 20_000 * inputs // MILLION for each in TARGETS)
    assert sum(len(cases) for cases in blocks(TARGETS[0], plan["client"])) == plan["client"]


def test_a_failure_is_told_with_the_command_that_does_it_again() -> None:
    [failure] = failed(ladder(never_seven), range(20, 30))
    assert (failure.case, failure.shown) == (27, "7")
    assert "AssertionError: seven" in failure.words
    assert "python -m tests.fuzz --seed 5 --only ladder --case 27" in report(SEED, failure)


def test_a_replay_begins_at_the_first_input_of_the_block() -> None:
    met: list[int] = []
    assert failed(ladder(met.append), range(27, 28)) == []
    assert met == list(range(8))


def test_an_input_that_takes_too_long_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def spins(_number: int) -> None:
        while True:
            try:
                time.process_time()
            except Exception:  # noqa: BLE001, S112 - what is under test may swallow every Exception
                continue

    monkeypatch.setattr("tests.fuzz.watchdog.SECONDS", 0.05)
    [failure] = failed(ladder(spins), range(1))
    assert Hung.__name__ in failure.words


def test_an_alarm_that_is_not_heard_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when it falls into a callback of the interpreter, which drops what is raised there."""

    def spins() -> None:
        ends = time.process_time() + 3
        while time.process_time() < ends:
            pass

    def hard_of_hearing(_number: int) -> None:
        for _ in ("the processor's alarm", "the wall's alarm"):
            with suppress(Hung):
                spins()
        spins()

    monkeypatch.setattr("tests.fuzz.watchdog.SECONDS", 0.05)
    [failure] = failed(ladder(hard_of_hearing), range(1))
    assert Hung.__name__ in failure.words


def test_a_law_that_is_broken_at_the_end_of_a_block_is_a_failure() -> None:
    class Unruly(Ladder):
        def close(self) -> None:
            raise AssertionError("the books do not balance")

    target = Target(name="ladder", share=1.0, fresh=lambda _rng: Unruly(lambda _: None))
    [failure] = failed(target, range(3))
    assert "do not balance" in failure.words


def test_two_processes_share_the_blocks_and_tell_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "TARGETS", (ladder(never_seven),))
    tally = fuzzed(SEED, {"ladder": 25})["ladder"]
    assert tally.inputs == 25
    assert sorted(each.case for each in tally.failures) == [7, 17]
    assert "ladder               25" in table({"ladder": tally})


def test_a_process_that_dies_is_told_with_the_input_that_it_died_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "TARGETS", (ladder(lambda number: os._exit(3) if number == 4 else None),))
    failures = fuzzed(SEED, {"ladder": 10})["ladder"].failures
    assert [(each.case, each.words) for each in failures] == [(4, "the process ended with 3")]


def test_a_process_that_hangs_where_no_alarm_reaches_it_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(_number: int) -> None:
        try:
            time.sleep(60)
        except Hung:
            time.sleep(60)

    monkeypatch.setattr("tests.fuzz.watchdog.SECONDS", 60.0)
    monkeypatch.setattr(session, "STALLED", 2.0)
    monkeypatch.setattr(session, "TARGETS", (ladder(deaf),))
    failures = fuzzed(SEED, {"ladder": 10})["ladder"].failures
    # On a busy machine the other process may not have begun by then.
    assert {each.words for each in failures} == {"no step for 2 s"}


def test_memory_that_is_not_given_back_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where earlier tests left so much memory free that the hoard fits into it."""
    left = [bytearray(b"x" * 2**23) for _ in range(40)]
    above = [bytes(600) for _ in range(100_000)]  # what lies above keeps the allocator from giving the rest back
    left.clear()
    hoard: list[bytearray] = []
    monkeypatch.setattr(session, "GROWTH", 64 * 2**20)
    monkeypatch.setattr(session, "TARGETS", (ladder(lambda _: hoard.append(bytearray(b"x" * 2**23)), block=2),))
    failures = fuzzed(SEED, {"ladder": 40})["ladder"].failures
    hoard.clear()
    assert above
    assert failures
    assert all("the process grew by" in each.words for each in failures)


def test_the_command_line_counts_and_replays(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--inputs", "600", "--seed", "3", "--only", "headers"]) == 0
    assert "headers             600" in capsys.readouterr().out
    assert main(["--seed", "3", "--only", "headers", "--case", "30"]) == 0
    assert capsys.readouterr().out == "it passes\n"
    for wrong in (["--case", "3"], ["--inputs", "0"], ["--inputs", "-5"], ["--only", "headers", "--case", "-5"]):
        with pytest.raises(SystemExit):
            main(wrong)
