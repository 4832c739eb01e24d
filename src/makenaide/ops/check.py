"""A check: one question about the system, asked by one function that returns evidence.

    def database_available(scene: Scene) -> Evidence: ...

    M1 = Check(id="M1", severity=Severity.CRITICAL, look=database_available, sources=("the machine's parts",))

Its texts are in the catalogue: `check.title.M1`, `check.remedy.M1`; its page is docs/runbooks/<list>.md#m1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import Scene

Look = Callable[[Scene], Evidence]
"""Looks once. May raise or hang: whoever runs it makes UNKNOWN of that. A look never changes anything."""


class Severity(StrEnum):
    """How bad a FAIL is (R2): money or the ability to leave; the system's work; comfort."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


class Checklist(StrEnum):
    """The lists of checks, by the word that names them on the command line."""

    MORNING = "morning"
    EVENING = "evening"
    READINESS = "readiness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of a list. `id` is the mission's (M1 ... E9), or B1 ... for what buying needs.

    `money`: about money, so that no configuration makes it N/A in live mode. `deadline` in seconds: a look that takes
    longer is UNKNOWN. `paging`: the one thing it says whose FAIL calls a person at once; None: any FAIL does, of a
    critical check. `cites`: the incident that added it, if one did.
    """

    id: str
    list: Checklist
    severity: Severity
    look: Look
    money: bool = False
    deadline: float = 4.0
    paging: str | None = None
    cites: str | None = None

    def pages(self, said: str) -> bool:
        """Whether a FAIL that says `said` (a key of `check.said`) calls a person at once."""
        return self.severity is Severity.CRITICAL if self.paging is None else said == self.paging

    @property
    def runbook(self) -> str:
        """The page that tells what to do, inside the repository."""
        return f"docs/runbooks/{self.list}.md#{self.id.lower()}"
