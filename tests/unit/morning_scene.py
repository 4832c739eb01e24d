"""A place made by hand and a scene to look at it in, for the morning list."""

import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from makenaide.catalogue import messages
from makenaide.domain.errors import Misconfigured
from makenaide.exchange.simulator.stepped import SteppedClock
from makenaide.exchange.venue import Venue
from makenaide.ops.evidence import Evidence
from makenaide.ops.scene import (
    Alarm,
    Backup,
    Board,
    GuardPulse,
    LogLine,
    Manifest,
    Part,
    PartState,
    Resource,
    Scene,
    Unread,
)
from makenaide.ops.settings import OperationsSettings
from makenaide.pipeline.schedule import ScheduleSettings
from makenaide.store.accounts import Account
from makenaide.store.db import Database

NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
"""2026-03-02 12:00 KST."""

Books = Callable[[], AbstractContextManager[Database]]


def part(state: PartState, name: str = "database", **more: Any) -> Part:
    """A part that is wanted, in the words of its state."""
    plain: dict[str, Any] = {"name": name, "state": state, "word": str(state), "wanted": True}
    return Part(**(plain | more))


def manifest(**packages: str) -> Manifest:
    """Version 1.0 with these packages."""
    return Manifest(version="1.0", code="c" * 64, packages=packages)


@dataclass(slots=True, kw_only=True)
class HandMade:
    """A place as a test sets it."""

    the_database: Part = field(default_factory=lambda: part(PartState.UP))
    the_workers: Sequence[Part] = ()
    here: Manifest = field(default_factory=manifest)
    wanted: Manifest | None = field(default_factory=manifest)
    shown: Board = field(default_factory=lambda: Board(shown="a", generated="a", widgets={}))
    runs: Mapping[str, int] = field(default_factory=dict)
    broken: Exception | None = None

    def database(self) -> Part:
        if self.broken is not None:
            raise self.broken
        return self.the_database

    def workers(self) -> Sequence[Part]:
        return self.the_workers

    def installed(self) -> Manifest:
        return self.here

    def deployed(self) -> Manifest | None:
        return self.wanted

    def board(self) -> Board:
        return self.shown

    def guard(self) -> GuardPulse:
        return GuardPulse(watching=True, seconds=0.5, wanted=True)

    def resources(self) -> Sequence[Resource]:
        return ()

    def logs(self, since: datetime) -> Iterator[LogLine | Unread]:
        return iter(())

    def backups(self) -> Sequence[Backup]:
        return ()

    def alarms(self) -> tuple[Sequence[Alarm], Sequence[Alarm]]:
        return (), ()

    def planned_runs(self) -> Mapping[str, int]:
        return self.runs


def no_books() -> AbstractContextManager[Database]:
    """There is no database to look into."""
    raise Misconfigured("these tests have no database")


def scene(
    place: HandMade | None = None,
    *,
    now: datetime = NOW,
    books: Books = no_books,
    account: Account | None = None,
    venue: Venue | None = None,
    schedule: ScheduleSettings | None = None,
    **operations: Any,
) -> Scene:
    """A scene in the world's time `now`; `operations` are its settings."""
    return Scene(
        account=account,
        live=False,
        now=now,
        settings=OperationsSettings(**operations),
        schedule=schedule or ScheduleSettings(),
        books=books,
        place=place or HandMade(),
        clock=SteppedClock(now),
        configuration="d" * 64,
        code="c" * 64,
        config={},
        venue=venue,
        no_venue="nobody answers",
    )


def said(evidence: Evidence) -> tuple[str, str]:
    """Verdict and key; what is said has its text, and exactly the parameters of it."""
    key, values = evidence.said.key, evidence.said.values
    if key.startswith("m"):
        for language in ("en", "ko"):
            fields = string.Formatter().parse(messages(language)[f"check.said.{key}"])
            assert {name for _, name, _, _ in fields if name} == set(values)
    return str(evidence.verdict), evidence.said.key
