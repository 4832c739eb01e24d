"""What came of the mutants: a table by room, the survivors, and whether enough were killed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.mutants.mutant import Equivalent, Mutant, Outcome, Verdict

HEADINGS = "room mutants killed hung survived uncovered equivalent killed,% without,%".split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One room's counts; `equivalent` are among those that live."""

    room: str
    mutants: int
    killed: int
    timed_out: int
    survived: int
    not_covered: int
    equivalent: int

    @property
    def share(self) -> float:
        """The killed per cent of all mutants; those that hang were noticed. None at all is 100."""
        return 100.0 * (self.killed + self.timed_out) / self.mutants if self.mutants else 100.0

    @property
    def share_without(self) -> float:
        """The killed per cent of those that can be noticed at all."""
        rest = self.mutants - self.equivalent
        return 100.0 * (self.killed + self.timed_out) / rest if rest else 100.0

    @property
    def cells(self) -> list[str]:
        """The line as text."""
        counts = (self.mutants, self.killed, self.timed_out, self.survived, self.not_covered, self.equivalent)
        return [self.room, *(str(each) for each in counts), f"{self.share:.1f}", f"{self.share_without:.1f}"]


def living(outcomes: Iterable[Outcome], excused: Sequence[Equivalent]) -> list[Outcome]:
    """Those that no test noticed although one could, in order of place."""
    found = [each for each in outcomes if not each.killed and excuse(each.mutant, excused) is None]
    return sorted(found, key=lambda each: (each.mutant.file, each.mutant.start, each.mutant.lines))


def excuse(mutant: Mutant, excused: Sequence[Equivalent]) -> Equivalent | None:
    """The entry that says that nobody can tell `mutant` from the original."""
    return next((each for each in excused if each.is_(mutant)), None)


def line(room: str, outcomes: Sequence[Outcome], excused: Sequence[Equivalent]) -> Line:
    """The counts of `outcomes` under the name `room`."""

    def count(verdict: Verdict) -> int:
        return sum(each.verdict is verdict for each in outcomes)

    return Line(
        room=room,
        mutants=len(outcomes),
        killed=count(Verdict.KILLED),
        timed_out=count(Verdict.TIMED_OUT),
        survived=count(Verdict.SURVIVED),
        not_covered=count(Verdict.NOT_COVERED),
        equivalent=sum(not each.killed and excuse(each.mutant, excused) is not None for each in outcomes),
    )


def lines(outcomes: Sequence[Outcome], excused: Sequence[Equivalent]) -> list[Line]:
    """One line a room, and their sum when there are several."""
    rooms = list(dict.fromkeys(each.mutant.room for each in outcomes))
    made = [line(room, [each for each in outcomes if each.mutant.room == room], excused) for room in rooms]
    return [*made, line("all", outcomes, excused)] if len(made) > 1 else made


def table(rows: Sequence[Line]) -> str:
    """The lines for people."""
    cells = [HEADINGS, *(each.cells for each in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )


def stale(outcomes: Sequence[Outcome], excused: Sequence[Equivalent]) -> list[Equivalent]:
    """Entries that a test notices after all: their reason is wrong."""
    return [each for each in excused if any(outcome.killed and each.is_(outcome.mutant) for outcome in outcomes)]


def survivors(outcomes: Sequence[Outcome], excused: Sequence[Equivalent]) -> str:
    """The living, with the change as a diff, and why the tests let them be."""
    notes = {Verdict.NOT_COVERED: "  no test runs it", Verdict.SURVIVED: ""}
    return "\n".join(
        each.mutant.shown.replace(
            "\n", notes[each.verdict] + ("  not all its tests were asked" * each.cut) + "\n", 1
        )
        for each in living(outcomes, excused)
    )


def enough(rows: Sequence[Line], least: float) -> bool:
    """Whether every room has `least` per cent of its mutants killed, those that nobody can notice left aside."""
    return all(each.share_without >= least for each in rows)
