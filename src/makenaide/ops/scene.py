"""What the checks look at: one account, its books, its venue, and the parts of the place that it runs on.

Every port may raise a `MakenaideError` or `OSError` when it cannot look: the check is then UNKNOWN, and says why.
"Here" is this machine at home, and the cloud on AWS: one `Place` each.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from makenaide.domain.clock import Clock
from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import Market
from makenaide.exchange.venue import Venue
from makenaide.ops.settings import OperationsSettings
from makenaide.pipeline.schedule import ScheduleSettings
from makenaide.store.accounts import Account
from makenaide.store.db import Database

NO_ACCOUNT = "no account yet: `makenaide run` opens one"


class PartState(StrEnum):
    """How one part of the place stands."""

    UP = "up"
    STARTING = "starting"
    STOPPING = "stopping"
    DOWN = "down"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part: the database, a worker. `wanted`: whether it ought to be up now, and None when nobody said.

    `word` is the place's own ("available", "Active", "ready"); `since` and `success` UTC.
    """

    name: str
    state: PartState
    word: str
    wanted: bool | None
    since: datetime | None = None
    success: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is installed: the program's version, the hash of its source, the versions of what it stands on."""

    version: str
    code: str
    packages: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The dashboard: the hash of what is shown, of what ought to be, and the measures of each of its widgets."""

    shown: str | None
    generated: str
    widgets: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of the place: how much of it is free, as a ratio, and what that is in numbers for people.

    `free` is NaN where nobody could look, and `told` says why.
    """

    name: str
    free: float
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of a log, hostile text included: `log` says which one ("database", "process", "cloud")."""

    log: str
    at: datetime | None
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Gap(StrEnum):
    """Why a log, or a part of it, was not read."""

    ABSENT = "absent"
    """It ought to be there and is not."""
    CUT = "cut"
    """It is longer than anybody reads: its oldest part was left out."""
    ELSEWHERE = "elsewhere"
    """A line of the configuration says that it is on another machine."""
    UNBEGUN = "unbegun"
    """Nothing that writes it has ever run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A log that was not read, or not whole. `told`: its file, how much was read, or the configuration's line."""

    log: str
    gap: Gap
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One backup: when its snapshot was taken, whether its bytes still have their checksum, when it was restored.

    `mode`: whose rows it holds, "paper" or "live".
    """

    name: str
    taken_at: datetime
    intact: bool
    verified_at: datetime | None
    size: int
    heads: Mapping[str, Any] = field(default_factory=dict)
    mode: str = "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alarm, declared or live: its name, whether it may act, and whom it tells."""

    name: str
    enabled: bool
    tells: tuple[str, ...]
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPulse:
    """How the guard stands: None `seconds` = no heartbeat since the boot. `wanted`: something is to be guarded."""

    watching: bool
    seconds: float | None
    wanted: bool
    detail: str = ""


class Place(Protocol):
    """Where the system runs, and what can be looked at there."""

    def database(self) -> Part:
        """The database (M1)."""
        ...

    def workers(self) -> Sequence[Part]:
        """The processes or functions that do the work (M2)."""
        ...

    def installed(self) -> Manifest:
        """What is installed here now (M3)."""
        ...

    def deployed(self) -> Manifest | None:
        """What was deployed here last (M3); None when nothing ever was."""
        ...

    def board(self) -> Board:
        """The dashboard (M4)."""
        ...

    def guard(self) -> GuardPulse:
        """The account's guard."""
        ...

    def resources(self) -> Sequence[Resource]:
        """What may run out: disk, memory ... (E8)."""
        ...

    def logs(self, since: datetime) -> Iterator[LogLine | Unread]:
        """The lines of the logs from `since` on, oldest first within each log, and what of them was not read (E5)."""
        ...

    def backups(self) -> Sequence[Backup]:
        """The backups that are kept, newest first (E4)."""
        ...

    def alarms(self) -> tuple[Sequence[Alarm], Sequence[Alarm]]:
        """The alarms that are declared, and those that are live (E9)."""
        ...

    def planned_runs(self) -> Mapping[str, int]:
        """How often a day each worker is planned to start (M8)."""
        ...


class Skew(Protocol):
    """The venue's clock against ours."""

    def clock_skew(self) -> tuple[timedelta, timedelta] | None:
        """The bounds of (venue's clock - ours), from a fresh reply; None when it tells no time."""
        ...


class Ends(Protocol):
    """The announced ends of markets (E7)."""

    def look(self, markets: Sequence[Market]) -> Mapping[Market, date | None]:
        """The day (KST) on which each market ends, None where no end is announced; absent where nobody could tell."""
        ...


class Rights(Protocol):
    """What the key may do, asked without doing it (E6)."""

    def rights(self) -> Mapping[str, str]:
        """By right ("withdraw", "address", "deposit", "transfer", "pockets"): "yes", "no", or why it is not known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The trading key by the hash of its public half (first 8 hex digits); never the key itself."""

    mark: str
    access: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that a look may need. `now` is the world's time (UTC): that of a stepped account stands still.

    `books` opens a reader of its own, so that looks may go on beside each other. `venue` is None where there is none
    to ask, and `no_venue` says why; a look calls `ask()`. `no_account` says why there is no account, or why nobody
    could read of it. `live`: real money. `key`: the one in the environment, whether or not a venue can be asked about
    it. `configuration` and `code` are the hashes of `ops.fingerprint`.
    """

    account: Account | None
    live: bool
    now: datetime
    settings: OperationsSettings
    schedule: ScheduleSettings
    books: Callable[[], AbstractContextManager[Database]]
    place: Place
    clock: Clock
    configuration: str
    code: str
    config: Mapping[str, Any]
    venue: Venue | None = None
    no_venue: str = ""
    no_account: str = NO_ACCOUNT
    skew: Skew | None = None
    ends: Ends | None = None
    rights: Rights | None = None
    key: Key | None = None
    halted: str | None = None

    def ask(self) -> Venue:
        """The venue; `Misconfigured` with the reason where there is none to ask."""
        if self.venue is None:
            raise Misconfigured(self.no_venue or "no venue to ask")
        return self.venue

    def account_or_raise(self) -> Account:
        """The account; `Misconfigured` with the reason when there is none, or when nobody could read of it."""
        if self.account is None:
            raise Misconfigured(self.no_account)
        return self.account

    @property
    def stepped(self) -> bool:
        """Whether the account's time only moves when its trader asks."""
        return self.account is not None and self.account.last_slot is not None
