"""Verdicts of checks: unknown is one of its own, and never shown as a pass."""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What a check found; UNKNOWN means that nobody could look, which closes as a FAIL does.

    NOT_APPLICABLE ("N/A"): a line of the configuration says that there is nothing to look at, and which.
    """

    PASS = "PASS"  # noqa: S105 - a verdict, no password
    NOT_APPLICABLE = "N/A"
    WARN = "WARN"
    UNKNOWN = "UNKNOWN"
    FAIL = "FAIL"

    @property
    def holds(self) -> bool:
        """Whether what was asked may be relied on."""
        return self in (Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.WARN)

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to tell a person."""
        return self in (Verdict.PASS, Verdict.NOT_APPLICABLE)

    @property
    def exit_code(self) -> int:
        """What a command exits with that found this at worst: 0, 10, 20 or 30."""
        return {Verdict.WARN: 10, Verdict.UNKNOWN: 20, Verdict.FAIL: 30}.get(self, 0)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of `verdicts`: FAIL, UNKNOWN, WARN, else PASS. Nothing looked at is UNKNOWN."""
    found = list(verdicts)
    if not found:
        return Verdict.UNKNOWN
    bad = max(found, key=lambda each: each.exit_code)
    return bad if bad.exit_code else Verdict.PASS
