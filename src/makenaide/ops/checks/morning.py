"""The morning list, 09:00 KST: is everything there that the day is traded with? (M1-M10 of the guide.)"""

from makenaide.ops.check import Check, Checklist, Look, Severity
from makenaide.ops.checks.candles import candles
from makenaide.ops.checks.connection import connection
from makenaide.ops.checks.continuity import continuity
from makenaide.ops.checks.parts import board, database, installed, workers
from makenaide.ops.checks.performance import answers, failures, starts

_AT_MOST = 4.8
"""Seconds for the longest look, which goes through every chain and asks the venue: the list has five."""


def _check(name: str, severity: Severity, look: Look) -> Check:
    return Check(id=name, list=Checklist.MORNING, severity=severity, look=look)


MORNING: tuple[Check, ...] = (
    _check("M1", Severity.CRITICAL, database),
    _check("M2", Severity.CRITICAL, workers),
    _check("M3", Severity.MAJOR, installed),
    _check("M4", Severity.MINOR, board),
    _check("M5", Severity.CRITICAL, connection),
    _check("M6", Severity.MAJOR, candles),
    Check(
        id="M7",
        list=Checklist.MORNING,
        severity=Severity.CRITICAL,
        look=continuity,
        money=True,
        deadline=_AT_MOST,
    ),
    _check("M8", Severity.MINOR, starts),
    _check("M9", Severity.MINOR, answers),
    _check("M10", Severity.MAJOR, failures),
)
"""The ten checks in the guide's order."""
