"""The stretches of time in which a market is not to be seen: maintenance, and all that lies before its listing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Stretch = tuple[int, int]
"""[begin, end) in milliseconds since 1970 (UTC)."""


@dataclass(frozen=True, slots=True)
class Curtain:
    """Hidden stretches, ascending, not touching each other; one that begins at 0 hides everything before its end."""

    stretches: tuple[Stretch, ...] = ()

    def over(self, at: int) -> Stretch | None:
        """The stretch that hides `at`."""
        return next((each for each in self.stretches if each[0] <= at < each[1]), None)

    def meets(self, begin: int, end: int) -> bool:
        """Whether any part of [begin, end) is hidden."""
        return any(left < end and begin < right for left, right in self.stretches)

    def open(self, begin: int, end: int) -> Iterator[Stretch]:
        """What is to be seen of [begin, end), ascending."""
        for left, right in self.stretches:
            if begin >= end:
                return
            if begin < left:
                yield begin, min(left, end)
            begin = max(begin, right)
        if begin < end:
            yield begin, end


def curtain(stretches: Iterable[Stretch]) -> Curtain:
    """A curtain over all of `stretches`, which may overlap."""
    merged: list[Stretch] = []
    for begin, end in sorted(stretches):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((begin, end))
    return Curtain(tuple(merged))
