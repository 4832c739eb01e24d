"""Verdicts of checks: unknown is one of its own, and never shown as a pass."""

from enum import StrEnum


class Verdict(StrEnum):
    """What a check found; UNKNOWN means that nobody could look, which closes as a FAIL does."""

    PASS = "PASS"  # noqa: S105 - a verdict, no password
    WARN = "WARN"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"

    @property
    def holds(self) -> bool:
        """Whether what was asked may be relied on."""
        return self in (Verdict.PASS, Verdict.WARN)
