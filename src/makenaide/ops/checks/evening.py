"""The evening list, 18:00 KST: what came of the day, is it safe, what does tomorrow bring? (E1-E9 of the guide.)"""

from dataclasses import replace

from makenaide.ops.check import Check, Checklist, Look, Severity
from makenaide.ops.checks.alarms import alarms
from makenaide.ops.checks.headroom import headroom
from makenaide.ops.checks.keys import key
from makenaide.ops.checks.losses import losses
from makenaide.ops.checks.outcome import daily_report, month_return
from makenaide.ops.checks.safekeeping import backups
from makenaide.ops.checks.security import security
from makenaide.ops.checks.tomorrow import tomorrow

_PATIENT = 20.0
"""Seconds for what reads whole logs, hashes whole files or asks the exchange several times."""


def _check(name: str, severity: Severity, look: Look, *, money: bool = False, deadline: float = 10.0) -> Check:
    return Check(id=name, list=Checklist.EVENING, severity=severity, look=look, money=money, deadline=deadline)


def _outcome(name: str, severity: Severity, look: Look, danger: str) -> Check:
    """What came of trading pages nobody, except when the account is in danger."""
    return replace(_check(name, severity, look, money=True), paging=danger)


EVENING: tuple[Check, ...] = (
    _check("E1", Severity.MAJOR, daily_report, money=True),
    _outcome("E2", Severity.MAJOR, month_return, "e2_danger"),
    _outcome("E3", Severity.CRITICAL, losses, "e3_drawdown"),
    _check("E4", Severity.CRITICAL, backups, deadline=_PATIENT),
    _check("E5", Severity.CRITICAL, security, deadline=_PATIENT),
    _check("E6", Severity.CRITICAL, key, money=True, deadline=_PATIENT),
    _check("E7", Severity.MAJOR, tomorrow, deadline=_PATIENT),
    _check("E8", Severity.MAJOR, headroom),
    _check("E9", Severity.MAJOR, alarms),
)
"""The nine checks in the guide's order."""
