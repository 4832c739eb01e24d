"""The place at home: this machine's database, the processes that work here, what is installed, its logs and backups.

A look takes what it needs anew each time, and changes nothing. Where the database is needed and away, it raises.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from makenaide.app import deployed as installation
from makenaide.app.alarms import alarms
from makenaide.app.crew import Crew
from makenaide.app.logbook import AUDIT, DATABASE, database_gap, database_lines, process_gap, process_lines
from makenaide.app.operation import Worker
from makenaide.app.parts import database_part
from makenaide.domain.errors import MakenaideError
from makenaide.environment import Environment
from makenaide.ops.scene import (
    Alarm,
    Backup,
    Board,
    Gap,
    GuardPulse,
    LogLine,
    Manifest,
    Part,
    Resource,
    Unread,
)
from makenaide.store.accounts import Account
from makenaide.store.db import Database
from makenaide.store.embedded import PUBLIC
from makenaide.store.home import Home as Files
from makenaide.store.surroundings import audit_lines
from makenaide.store.vitals import vitals

_MANY = 10_000
_FOREIGN = "DATABASE_URL is set: its log is not on this machine"
_GIB = 2**30
Books = Callable[[], AbstractContextManager[Database]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """`ops.scene.Place` at home, for `account` (None: there is none yet). `now` is the world's time, UTC.

    `found`: the database as it stood before whoever looks opened it, which starts the embedded one.
    """

    env: Environment
    account: Account | None
    now: datetime
    books: Books = field(repr=False)
    found: Part | None = None

    def database(self) -> Part:
        """The embedded server, or the one that DATABASE_URL names."""
        return self.found or database_part(self.env)

    def workers(self) -> Sequence[Part]:
        """Trader, guard and steward."""
        with self.books() as db:
            return self._crew.parts(db)

    def installed(self) -> Manifest:
        """The program and what it stands on."""
        return installation.installed()

    def deployed(self) -> Manifest | None:
        """What `run` or `start` wrote down last."""
        return installation.deployed(self.env.home)

    def board(self) -> Board:
        """The dashboard's file."""
        return installation.board(self.env.home)

    def guard(self) -> GuardPulse:
        """The account's guard by its heartbeat."""
        with self.books() as db:
            return self._crew.pulse(db)

    def resources(self) -> Sequence[Resource]:
        """The disk of the data folder (and of the database, where that is elsewhere), memory, connections.

        Of a database that is away nobody knows the connections; the rest is told all the same.
        """
        found = [_disk("disk", self.env.home)]
        if self.env.database_url is None and self.env.home.is_dir():
            data = Files(self.env.home, PUBLIC).cluster().data
            if data.is_dir() and data.stat().st_dev != self.env.home.stat().st_dev:
                found.append(_disk("disk of the database", data))
        memory = psutil.virtual_memory()
        found.append(_resource("memory", memory.available, memory.total))
        return (*found, _connections(self.books))

    def logs(self, since: datetime) -> Iterator[LogLine | Unread]:
        """The program's log, the database server's, the audit trail; each with what of it was not read.

        Machines write the wall clock's time: for a world that stands still, as long ago on the wall as `since` is
        from the world's present.
        """
        wall = datetime.now(UTC) - (self.now - since) if self._stepped else since
        begun = self.account is not None
        yield from process_lines(self.env.home, wall)
        if unread := process_gap(self.env.home, wall, begun=begun):
            yield unread
        yield from _database_log(self.env, wall, begun=begun)
        with self.books() as db:
            yield from _audited(db, self._account_id, since)

    def backups(self) -> Sequence[Backup]:
        """What lies in the folder of backups, of the account's kind of money alone."""
        from makenaide.app.power import backups  # noqa: PLC0415 - loads what takes and restores them

        kept = backups(self.env.home)
        return kept if self.account is None else [each for each in kept if each.mode == self.account.mode]

    def alarms(self) -> tuple[Sequence[Alarm], Sequence[Alarm]]:
        """The scheduled messages on each channel: as they are set up, and as they really would go out."""
        return alarms(self.env, keeping=self._crew.keeping)

    def planned_runs(self) -> Mapping[str, int]:
        """Each process starts once and stays; a stepped run has its trader alone."""
        if self._stepped:
            return {Worker.TRADER: 1}
        return dict.fromkeys(Worker, 1)

    @property
    def _stepped(self) -> bool:
        return self.account is not None and self.account.last_slot is not None

    @property
    def _account_id(self) -> str:
        return "" if self.account is None else self.account.account_id

    @property
    def _crew(self) -> Crew:
        return Crew(home=self.env.home, account=self.account)


def _connections(books: Books) -> Resource:
    try:
        with books() as db:
            about = vitals(db)
    except (MakenaideError, OSError) as cause:
        return Resource(name="connections", free=math.nan, told=str(cause))
    told = f"{about.most - about.used} of {about.most} free"
    return Resource(name="connections", free=1 - about.used / about.most, told=told)


def _database_log(env: Environment, since: datetime, *, begun: bool) -> Iterator[LogLine | Unread]:
    if env.database_url is not None:
        yield Unread(log=DATABASE, gap=Gap.ELSEWHERE, told=_FOREIGN)
        return
    if not env.home.is_dir():
        yield Unread(log=DATABASE, gap=Gap.UNBEGUN, told=str(env.home))
        return
    log = Files(env.home, PUBLIC).cluster().log
    yield from database_lines(log, since)
    if unread := database_gap(log, since, begun=begun):
        yield unread


def _audited(db: Database, account_id: str, since: datetime) -> Iterator[LogLine | Unread]:
    # One more than is read, so that it shows when there are more.
    rows = audit_lines(db, account_id, since, _MANY + 1)
    if len(rows) > _MANY:
        yield Unread(log=AUDIT, gap=Gap.CUT, told=f"table audit: the newest {_MANY} rows")
    for row in rows[-_MANY:]:
        data = {**row.detail, "actor": row.actor, "action": row.action}
        yield LogLine(log=AUDIT, at=row.at, text=row.action, data=data)


def _disk(name: str, folder: Path) -> Resource:
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    about = psutil.disk_usage(str(there))
    return _resource(name, about.free, about.free + about.used)


def _resource(name: str, free: int, total: int) -> Resource:
    told = f"{free / _GIB:.1f} of {total / _GIB:.1f} GiB free"
    return Resource(name=name, free=free / total if total else 0.0, told=told)
