"""What a list of checks found, kept: as evidence, in one transaction, and compared with the run before.

kept = keep(db, account_id, Taking(...))      # None: that slot's list was taken already
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from makenaide.domain.clock import kst
from makenaide.domain.errors import Misconfigured
from makenaide.domain.verdict import Verdict, worst
from makenaide.ops.check import Checklist
from makenaide.ops.evidence import Said
from makenaide.ops.runner import Result
from makenaide.store.checklists import (
    Acknowledgement,
    StoredList,
    acknowledgements,
    list_before,
    put_checklist,
)
from makenaide.store.db import Database
from makenaide.store.evidence import Evidence, account_subject, checked, latest_evidence, put_checked, put_evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A check whose verdict is another than before; None: it was not looked at then, or is not any more."""

    id: str
    before: Verdict | None
    after: Verdict | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """One run of a list: its slot (None: a person asked), and when in the world's time it was taken (UTC)."""

    checklist: Checklist
    slot: datetime | None
    at: datetime
    results: tuple[Result, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of it."""
        return worst(each.evidence.verdict for each in self.results)


def kind(check_id: str) -> str:
    """The kind of evidence that a check leaves: "m6" of M6."""
    return check_id.lower()


def keep_list(db: Database, account_id: str, taking: Taking) -> bool:
    """Append the run with its evidence; False, and nothing kept, when that slot's list was taken already.

    Call it in the transaction of whatever is to be told of it.
    """
    number = put_checklist(db, account_id, taking.checklist, (taking.slot, taking.at), taking.verdict)
    if number is None:
        return False
    put_checked(db, number, _kept(account_id, taking.results))
    return True


def keep_alone(db: Database, account_id: str, results: Iterable[Result]) -> None:
    """Append evidence that belongs to no list: of checks that were asked for one by one, or by the gate."""
    for each in _kept(account_id, results):
        put_evidence(db, each)


def before(db: Database, account_id: str, taking: Taking) -> dict[str, Verdict]:
    """The verdicts of the list's newest earlier run, by id: the newest that was scheduled, else any.

    What a person looks at in between does not hide from tomorrow's list what changed since yesterday's.
    """
    earlier: StoredList | None = list_before(db, account_id, taking.checklist, taking.at)
    if earlier is None:
        return {}
    return {each.kind.upper(): each.verdict for each in checked(db, earlier.checklist_id)}


def last(db: Database, account_id: str, ids: Iterable[str]) -> dict[str, Verdict]:
    """The newest verdict of each of those checks that was ever looked at."""
    kinds = [kind(each) for each in ids]
    found = latest_evidence(db, account_subject(account_id), kinds)
    return {name.upper(): each.verdict for name, each in found.items()}


def changes(was: Mapping[str, Verdict], results: Sequence[Result]) -> tuple[Change, ...]:
    """What is another than it was, in the list's order; before the first run nothing has changed."""
    if not was:
        return ()
    now = {each.check.id: each.evidence.verdict for each in results}
    found = [
        Change(id=name, before=was.get(name), after=verdict)
        for name, verdict in now.items()
        if was.get(name) is not verdict
    ]
    return (*found, *(Change(id=name, before=was[name], after=None) for name in sorted(was.keys() - now.keys())))


def acknowledged(
    db: Database, account_id: str, results: Sequence[Result], today: date
) -> dict[str, Acknowledgement]:
    """The WARNs that a person has seen, by id, up to and including their date (KST).

    Nothing worse is ever folded, and no WARN that finds anything else than the one that was seen.
    """
    words = acknowledgements(db, account_id)
    found = {
        each.check.id: finding(each.evidence.said.key, each.evidence.value)
        for each in results
        if each.evidence.verdict is Verdict.WARN
    }
    return {
        name: words[name]
        for name, what in found.items()
        if name in words and today <= words[name].until and what == words[name].said
    }


def finding(key: str, value: Any) -> str:
    """What was found, without its numbers: the key that speaks, and those of whatever else is not well."""
    also = value.get("also", []) if isinstance(value, Mapping) else []
    return " ".join([key, *sorted(set(also))])


def warned(db: Database, account_id: str, check_id: str) -> str:
    """The `finding` of that check's newest look; `Misconfigured` unless it is a WARN."""
    seen = latest_evidence(db, account_subject(account_id), [kind(check_id)]).get(kind(check_id))
    if seen is None:
        raise Misconfigured(f"acknowledge {check_id}: nobody has looked yet; `makenaide check {check_id}` does")
    if seen.verdict is not Verdict.WARN:
        raise Misconfigured(f"acknowledge {check_id}: it is {seen.verdict}, and only a WARN is folded")
    return finding(seen.detail["said"]["key"], seen.detail["value"])


def korean_day(at: datetime) -> date:
    """The date on Korean clocks."""
    return kst(at).date()


def _kept(account_id: str, results: Iterable[Result]) -> list[Evidence]:
    subject = account_subject(account_id)
    return [_evidence(subject, each) for each in results]


def _evidence(subject: str, result: Result) -> Evidence:
    seen = result.evidence
    detail: dict[str, Any] = {
        "value": seen.value,
        "source": seen.source,
        "said": _said(seen.said),
        "seconds": round(result.seconds, 4),
    }
    return Evidence(
        kind=kind(result.check.id),
        subject=subject,
        verdict=seen.verdict,
        detail=_storable(detail),
        taken_at=seen.taken_at,
        valid_until=seen.valid_until,
    )


def _said(said: Said) -> dict[str, Any]:
    told = {"key": said.key, "values": dict(said.values)}
    return told | {"more": [_said(each) for each in said.more]} if said.more else told


def _storable(value: Any) -> Any:
    """What PostgreSQL's JSON can hold: neither the zero character nor halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_storable(str(key)): _storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float) or hasattr(value, "as_tuple"):
        return value
    return _storable(str(value))
