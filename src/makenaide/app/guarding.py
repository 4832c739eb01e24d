"""The trading process's hold on its guard: in process where time is stepped, by its files on the wall clock."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from makenaide.app.clock import boot_seconds
from makenaide.domain.clock import Clock
from makenaide.domain.errors import Misconfigured
from makenaide.execution.disk import Disk, Files
from makenaide.execution.guard.file import JOURNAL
from makenaide.execution.guard.guard import Ack, Guard
from makenaide.execution.guard.pulse import FileLink
from makenaide.execution.guard.stock import GuardParts
from makenaide.store.home import file_faults

if TYPE_CHECKING:
    from makenaide.app.venues import Market
    from makenaide.config import Config
    from makenaide.execution.guard.keeper import Link
    from makenaide.pipeline.session import Vigil

KEY_FILE = "key"
_KEY_BYTES = 32
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class InlineLink:
    """The guard lives in this very process: it is always heard."""

    guard: Guard

    def ack(self) -> Ack:
        """What it holds, once it has taken up what is published."""
        return self.guard.reload()


@dataclass(frozen=True, slots=True)
class SteppedGuard(InlineLink):
    """The guard of a stepped run, which ends when the disk refuses: a run by seed is the same or it is none."""

    folder: Path

    def ack(self) -> Ack:
        """What the guard holds; `DiskFull` or `Misconfigured` when its journal cannot be written."""
        ack = self.guard.reload()
        self._require_written()
        return ack

    def until(self, moment: datetime, stopping: Callable[[], bool]) -> None:
        """As the guard; `DiskFull` or `Misconfigured` when its journal cannot be written."""
        self.guard.until(moment, stopping)
        self._require_written()

    def _require_written(self) -> None:
        refused = self.guard.journal.file.refused
        if refused is not None:
            with file_faults(self.folder):
                raise refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookout:
    """A `Vigil` beside a guard that is a process of its own: waits, and returns as soon as its journal grows."""

    journal: Path
    clock: Clock

    def until(self, moment: datetime, stopping: Callable[[], bool]) -> None:
        """Return at `moment`, soon after `stopping` says so, or when the guard has done something."""
        before = self._size()
        while not stopping() and self._size() == before:
            left = (moment - self.clock.now()).total_seconds()
            if left <= 0:
                return
            self.clock.sleep(min(_LOOK_SECONDS, left))

    def _size(self) -> int:
        try:
            return self.journal.stat().st_size
        except OSError:
            return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """How the trading process has its guard: the folder and key they share, how it hears it, what waits meanwhile."""

    folder: Path
    key: bytes
    link: "Link"
    vigil: "Vigil"


def hold(config: "Config", market: "Market", account_id: str, account_folder: Path) -> Hold:
    """The guard in this process for a stepped run; on the wall clock the one that `app.warden` keeps."""
    folder, files = guard_folder(account_folder), Disk()
    key = guard_key(folder, files)
    if market.last_slot is None:
        link = FileLink(
            files=files,
            path=folder / "heartbeat.json",
            boot=boot_seconds,
            silent_seconds=config.execution.silent_seconds,
        )
        return Hold(folder=folder, key=key, link=link, vigil=Lookout(journal=folder / JOURNAL, clock=market.clock))
    guard = Guard(
        GuardParts(
            account_id=account_id,
            folder=folder,
            key=key,
            files=files,
            venue=market.venue,
            watcher=market.watcher,
            clock=market.clock,
            settings=config.execution,
            risk=config.risk,
            blind_looks=3,
        )
    )
    stepped = SteppedGuard(guard, folder)
    return Hold(folder=folder, key=key, link=stepped, vigil=stepped)


def guard_folder(account_folder: Path) -> Path:
    """Where the guard of an account keeps its stops, journal and key; made if it is not there."""
    folder = account_folder / "guard"
    with file_faults(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def guard_key(folder: Path, files: Files) -> bytes:
    """The key that signs the stops and chains the journal, made at the first use; `Misconfigured` when damaged."""
    path = folder / KEY_FILE
    with file_faults(folder):
        content = files.read(path)
        if content is None:
            content = secrets.token_hex(_KEY_BYTES).encode()
            files.replace(path, content)
    try:
        key = bytes.fromhex(content.decode("ascii"))
    except ValueError as cause:
        raise Misconfigured(f"{path}: no key of the guard") from cause
    if len(key) != _KEY_BYTES:
        raise Misconfigured(f"{path}: no key of the guard: expected {_KEY_BYTES} bytes")
    return key
