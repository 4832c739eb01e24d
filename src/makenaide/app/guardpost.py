"""The guard's post: the files by which the trading process, the guard and whoever looks know of each other.

All are in the folder `guard` of the account, none in the database: guard.json (what is guarded, where and how,
written by the trading process), process.json (the guard on duty), heartbeat.json (its sign of life).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

import msgspec

from makenaide import __version__
from makenaide.app.client import UNREADABLE, write_private
from makenaide.app.detached import Living
from makenaide.domain.errors import Misconfigured
from makenaide.exchange.upbit.settings import UpbitSettings
from makenaide.execution.disk import Disk
from makenaide.execution.heartbeat import Heartbeat, read_heartbeat
from makenaide.execution.settings import ExecutionSettings
from makenaide.risk.settings import RiskSettings
from makenaide.store.home import file_faults


class Ground(StrEnum):
    """Where the account is: the simulator on the wall clock, paper money on real prices, or the real exchange."""

    SIMULATOR = "simulator"
    PAPER = "upbit"
    LIVE = "live"


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What the guard is told: the account, the first four digits that its orders are named by, and the settings.

    `upbit` says how the exchange is asked, with the trader's share of its limits: the guard takes its own out of it.
    `version` is the program's: a guard of another one is relieved.
    """

    account: str
    installation: str
    ground: Ground
    upbit: UpbitSettings
    risk: RiskSettings
    execution: ExecutionSettings
    version: str = __version__

    @property
    def digest(self) -> str:
        """What tells these orders from others."""
        return sha256(msgspec.json.encode(self)).hexdigest()


class OnDuty(Living, frozen=True, kw_only=True):
    """The guard's process, and the digest of the orders that it read."""

    orders: str


class Watch(StrEnum):
    """How an account's guard stands."""

    NONE = "none"
    """There was never one, or it was told to end."""
    WATCHING = "watching"
    SILENT = "silent"
    """It gives no sign of life, though nobody told it to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a guard stands; `since` is its last heartbeat (UTC), `seconds` that one's age (None: before the boot)."""

    watch: Watch
    pid: int | None = None
    since: datetime | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """The guard's files for the account in `account` (its folder)."""

    account: Path

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self.account / "guard"

    @property
    def heartbeat_file(self) -> Path:
        """Written anew each second by the guard."""
        return self.folder / "heartbeat.json"

    @property
    def lock(self) -> Path:
        """Held by the guard on duty, so that there is one."""
        return self.folder / "guard.lock"

    @property
    def start_lock(self) -> Path:
        """Held by whoever starts or ends a guard."""
        return self.folder / "start.lock"

    def give(self, orders: Orders) -> None:
        """Write the orders; `DiskFull`, `Misconfigured`."""
        with file_faults(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self.folder / "guard.json", msgspec.json.format(msgspec.json.encode(orders)))

    def orders(self) -> Orders:
        """The orders; `Misconfigured` when there are none that can be read."""
        file = self.folder / "guard.json"
        try:
            return msgspec.json.decode(file.read_bytes(), type=Orders)
        except (OSError, *UNREADABLE) as cause:
            raise Misconfigured(f"{file}: nothing to guard: `makenaide run` writes it ({cause})") from cause

    def enter(self, guard: OnDuty) -> None:
        """This guard is on duty; `DiskFull`, `Misconfigured`."""
        with file_faults(self.folder):
            write_private(self.folder / "process.json", msgspec.json.encode(guard))

    def leave(self) -> None:
        """Nobody is on duty, and that is right."""
        (self.folder / "process.json").unlink(missing_ok=True)

    def on_duty(self) -> OnDuty | None:
        """The guard that is on duty, or was when it died; None when none is, or it was told to end."""
        try:
            return msgspec.json.decode((self.folder / "process.json").read_bytes(), type=OnDuty)
        except (OSError, *UNREADABLE):
            return None

    def heartbeat(self) -> Heartbeat | None:
        """The last one; None before the first."""
        return read_heartbeat(Disk(), self.heartbeat_file)

    def standing(self, boot: float) -> Standing:
        """How the guard stands at `boot` seconds since boot. Never raises for what is in the files."""
        guard, beat = self.on_duty(), self.heartbeat()
        if guard is None:
            return Standing(watch=Watch.NONE)
        if beat is None or (beat.pid, beat.born) != (guard.pid, guard.born):
            return Standing(watch=Watch.SILENT, pid=guard.pid)
        watching = guard.alive and beat.fresh(boot)
        return Standing(
            watch=Watch.WATCHING if watching else Watch.SILENT,
            pid=guard.pid,
            since=beat.at,
            seconds=beat.age(boot),
        )


def latest_post(accounts: Path) -> Post:
    """The post below the folder `accounts` whose orders were written last; `Misconfigured` when there is none."""
    found = sorted(accounts.glob("*/guard/guard.json"), key=lambda file: file.stat().st_mtime)
    if not found:
        raise Misconfigured(f"nothing to guard below {accounts}: `makenaide run` on the wall clock starts a guard")
    return Post(found[-1].parent.parent)
