"""The gate: nobody buys without fresh evidence of everything that buying needs. No exit ever asks.

    gate = Gate(db=db, account_id=..., clock=clock, scene=scene)
    gate.renew()            # right before entering, in the thread that trades
    gate.forbids(order)     # NOT_READY, naming what is missing

Only stored evidence counts, whoever took it: the readiness list of the schedule, a person, or `renew`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from makenaide.domain.clock import Clock
from makenaide.domain.intent import StoredOrder
from makenaide.domain.reason import Refusal
from makenaide.execution.permit import Forbidden
from makenaide.ops.check import Check
from makenaide.ops.checks.buying import READINESS
from makenaide.ops.record import keep_alone, kind
from makenaide.ops.runner import run_check
from makenaide.ops.scene import Scene
from makenaide.store.db import Database
from makenaide.store.evidence import Evidence, account_subject, bad_since, latest_evidence

_AHEAD = timedelta(minutes=1)
"""Evidence that is dated further ahead is of another clock, and would count for ever."""
_LASTING = timedelta(hours=1)
"""What counts for so much longer need not be looked at again just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A permit by evidence, in the thread of `db`; `scene` gives the scene as it is now, over that same `db`."""

    db: Database
    account_id: str
    clock: Clock
    scene: Callable[[], Scene]
    checks: tuple[Check, ...] = READINESS

    def forbids(self, order: StoredOrder | None) -> Forbidden | None:  # noqa: ARG002 - one answer for all
        """NOT_READY with every check whose newest evidence is missing, has expired or does not hold."""
        broken = self._broken(self._newest(), self.clock.now())
        return Forbidden(Refusal.NOT_READY, ", ".join(broken)) if broken else None

    def renew(self) -> None:
        """Look anew at whatever does not count for long, here and now, and keep what was found.

        Never raises for what a look finds: then there is evidence against buying. What cannot be kept raises.
        """
        newest, now = self._newest(), self.clock.now()
        stale = [check for check in self.checks if not _lasts(newest.get(kind(check.id)), now)]
        if not stale:
            return
        scene = self.scene()
        results = [run_check(check, scene) for check in stale]
        with self.db.transaction():
            keep_alone(self.db, self.account_id, results)

    def _newest(self) -> dict[str, Evidence]:
        kinds = [kind(check.id) for check in self.checks]
        return latest_evidence(self.db, account_subject(self.account_id), kinds)

    def _broken(self, newest: dict[str, Evidence], now: datetime) -> list[str]:
        told = [(check.id, doubt(newest.get(kind(check.id)), now)) for check in self.checks]
        broken = [f"{name} {cause}" for name, cause in told if cause]
        return broken or [f"{name} overruled" for name in self._overruled(newest, now)]

    def _overruled(self, newest: dict[str, Evidence], now: datetime) -> list[str]:
        """Checks whose last word was written down late: somebody looked after it, and found something bad."""
        subject = account_subject(self.account_id)
        ours = [(check.id, kind(check.id)) for check in self.checks]
        return [name for name, kin in ours if bad_since(self.db, subject, kin, (newest[kin].taken_at, now))]


def doubt(evidence: Evidence | None, now: datetime) -> str:
    """Why `evidence` does not count at `now`, in a word; "" when it does."""
    if evidence is None:
        return "missing"
    if evidence.taken_at > now + _AHEAD:
        return "from the future"
    if evidence.valid_until is not None and evidence.valid_until < now:
        return "expired"
    return "" if evidence.verdict.holds else str(evidence.verdict)


def _lasts(evidence: Evidence | None, now: datetime) -> bool:
    if doubt(evidence, now) or evidence is None:
        return False
    return evidence.valid_until is None or evidence.valid_until >= now + _LASTING
