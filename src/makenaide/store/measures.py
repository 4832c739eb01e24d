"""Measures as they are kept: sums over a while, by name and label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from makenaide.store.db import Database, Jsonb


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was measured up to `at` since the sample before: `count` values, their `total` and the `largest`.

    `failures` are those of them that failed. `classes` counts values by the bounds of `monitoring.measures`.
    """

    name: str
    label: str
    at: datetime
    count: int
    total: float
    largest: float
    failures: int = 0
    classes: tuple[int, ...] = ()


def put_samples(db: Database, account_id: str, samples: Sequence[Sample]) -> None:
    """Append `samples`."""
    if not samples:
        return
    rows = [
        {
            "name": each.name,
            "label": each.label,
            "at": each.at,
            "count": each.count,
            "failures": each.failures,
            "total": each.total,
            "largest": each.largest,
            "classes": each.classes,
        }
        for each in samples
    ]
    db.do("measure_put", account_id=account_id, samples=Jsonb(rows))


def samples(db: Database, account_id: str, name: str, span: tuple[datetime, datetime]) -> tuple[Sample, ...]:
    """The samples of `name` after the first moment of `span` up to and with its last, ascending."""
    rows = db.rows("measure_since", account_id=account_id, measure=name, since=span[0], until=span[1])
    return tuple(
        Sample(
            name=row.name,
            label=row.label,
            at=row.at,
            count=row.count,
            failures=row.failures,
            total=row.total,
            largest=row.largest,
            classes=tuple(row.classes),
        )
        for row in rows
    )


def database_bytes(db: Database) -> int:
    """The size of the whole database, every schema of it."""
    row = db.row("measure_database")
    return 0 if row is None else int(row.bytes)


def fills_within(db: Database, account_id: str, since: datetime | None, until: datetime) -> int:
    """How many fills the account had after `since` (None: ever) up to and with `until`, by the venue's time."""
    row = db.row("measure_fills", account_id=account_id, since=since, until=until)
    return 0 if row is None else int(row.many)


def measured_last(db: Database, account_id: str) -> Mapping[str, datetime]:
    """When each measure was taken last, by its name."""
    return {row.name: row.at for row in db.rows("measure_names", account_id=account_id)}
