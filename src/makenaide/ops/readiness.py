"""Is the rehearsal fresh, green, large enough, and of this very code and configuration? Unknown is no.

A rehearsal's result (from `makenaide rehearse`, or a signed file of another machine) is stored as evidence of the
kind "rehearsal". The newest one that is large enough decides; any red one after it closes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from makenaide.domain.clock import Clock, utc
from makenaide.domain.errors import Misconfigured
from makenaide.domain.intent import StoredOrder
from makenaide.domain.reason import Refusal
from makenaide.domain.verdict import Verdict
from makenaide.execution.permit import Forbidden
from makenaide.ops.fingerprint import hash_of
from makenaide.store.db import Database
from makenaide.store.evidence import Evidence, evidence_of, newest_evidence, put_evidence

KIND = "rehearsal"
LEAST_SEEDS = 20
LEAST_DAYS = 30
WARN_AFTER = timedelta(days=7)
STOP_AFTER = timedelta(days=30)
_AHEAD = timedelta(minutes=5)
"""How far another machine's clock may be ahead of ours."""


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What the result of a rehearsal must say; it may say more. `seeds` is how many, `days` how long each ran.

    `code` and `configuration` are the hashes of `ops.fingerprint`; `taken_at` is when it ended, with its zone.
    """

    seeds: int
    days: int
    violations: int
    code: str
    configuration: str
    taken_at: datetime

    @property
    def subject(self) -> str:
        """What it is about: this code under this configuration."""
        return subject(self.code, self.configuration)

    @property
    def large(self) -> bool:
        """Whether it is large enough to count."""
        return self.seeds >= LEAST_SEEDS and self.days >= LEAST_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the stored rehearsals come to, in words."""

    verdict: Verdict
    reason: str


def subject(code: str, configuration: str) -> str:
    """The subject of rehearsals of that code under that configuration."""
    return hash_of([code, configuration])


def rehearsal(result: Mapping[str, Any]) -> Rehearsal:
    """`result` as far as it counts here; `Misconfigured` names what is missing or makes no sense."""
    try:
        read = msgspec.convert(dict(result), Rehearsal, strict=False)
        _ = utc(read.taken_at)
    except (msgspec.ValidationError, ValueError) as cause:
        raise Misconfigured(f"not the result of a rehearsal: {cause}") from None
    if min(read.seeds, read.days, read.violations) < 0:
        raise Misconfigured("not the result of a rehearsal: a count below zero")
    return read


def store_rehearsal(db: Database, result: Mapping[str, Any]) -> Evidence:
    """Keep `result` as evidence that expires, green or red, and return it; `Misconfigured` as of `rehearsal`."""
    read = rehearsal(result)
    green = Verdict.PASS if read.large else Verdict.WARN
    evidence = Evidence(
        kind=KIND,
        subject=read.subject,
        verdict=Verdict.FAIL if read.violations else green,
        detail=msgspec.to_builtins(dict(result)),
        taken_at=utc(read.taken_at),
        valid_until=utc(read.taken_at) + STOP_AFTER,
    )
    with db.transaction():
        put_evidence(db, evidence)
    return evidence


def judge(known: Sequence[Rehearsal], now: datetime) -> Judged:
    """What rehearsals of the right code and configuration come to at `now`."""
    timely = [each for each in known if utc(each.taken_at) <= now + _AHEAD]
    large = max((each for each in timely if each.large), key=lambda each: utc(each.taken_at), default=None)
    red = max((each for each in known if each.violations), key=lambda each: utc(each.taken_at), default=None)
    if red is not None and (large is None or utc(red.taken_at) >= utc(large.taken_at)):
        return Judged(verdict=Verdict.FAIL, reason=f"the newest rehearsal found {red.violations} violations")
    if len(timely) < len(known) and large is None:
        return Judged(verdict=Verdict.UNKNOWN, reason="the rehearsal is dated in the future: whose clock errs?")
    if large is None:
        most = max(((each.seeds, each.days) for each in known), default=None)
        had = (
            "none of this code and configuration"
            if most is None
            else f"the largest had {most[0]} x {most[1]} days"
        )
        return Judged(
            verdict=Verdict.FAIL, reason=f"too small: {LEAST_SEEDS} seeds x {LEAST_DAYS} days are needed, {had}"
        )
    age = now - utc(large.taken_at)
    told = f"{large.seeds} seeds x {large.days} days, 0 violations, {age.days} days old"
    if age > STOP_AFTER:
        return Judged(
            verdict=Verdict.FAIL, reason=f"rehearsal too old: {told}, buying stops after {STOP_AFTER.days}"
        )
    return Judged(verdict=Verdict.WARN if age > WARN_AFTER else Verdict.PASS, reason=told)


def readiness(db: Database, code: str, configuration: str, now: datetime) -> Judged:
    """What the stored rehearsals say of that code and configuration at `now`."""
    known = [rehearsal(each.detail) for each in evidence_of(db, KIND, subject(code, configuration))]
    if known:
        return judge(known, now)
    newest = newest_evidence(db, KIND)
    if newest is None:
        return Judged(verdict=Verdict.FAIL, reason="no rehearsal was ever stored here")
    return Judged(verdict=Verdict.FAIL, reason=_other(rehearsal(newest.detail), code, configuration))


def require_importable(result: Mapping[str, Any], code: str, configuration: str, now: datetime) -> Rehearsal:
    """`result` as a rehearsal that would open live trading; `Misconfigured` with the reason why it would not."""
    read = rehearsal(result)
    if read.subject != subject(code, configuration):
        raise Misconfigured(_other(read, code, configuration))
    judged = judge([read], now)
    if not judged.verdict.holds:
        raise Misconfigured(judged.reason)
    return read


def _other(read: Rehearsal, code: str, configuration: str) -> str:
    other = "code" if read.code != code else "configuration"
    mine = code if read.code != code else configuration
    its = read.code if read.code != code else read.configuration
    return f"the rehearsal is of another {other}: {its[:12]}, here it is {mine[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalPermit:
    """Forbids entries unless a rehearsal of this code and configuration stands; asked with real money only."""

    db: Database
    clock: Clock
    code: str
    configuration: str

    def forbids(self, order: StoredOrder | None) -> Forbidden | None:  # noqa: ARG002 - one answer for all
        """HALTED with what is wrong with the rehearsal."""
        judged = readiness(self.db, self.code, self.configuration, self.clock.now())
        return None if judged.verdict.holds else Forbidden(Refusal.HALTED, judged.reason)
