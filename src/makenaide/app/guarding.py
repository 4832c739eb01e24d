"""The guard and the trading process's hold on it: driven in process where time is stepped."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from makenaide.app.venues import Market
from makenaide.config import Config
from makenaide.domain.errors import Misconfigured
from makenaide.execution.disk import Disk, Files
from makenaide.execution.guard.guard import Ack, Guard
from makenaide.execution.guard.seller import GuardParts
from makenaide.store.home import file_faults

KEY_FILE = "key"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class InlineLink:
    """The guard lives in this very process: it is always heard."""

    guard: Guard

    def ack(self) -> Ack:
        """What it holds, once it has taken up what is published."""
        return self.guard.reload()


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


def inline_guard(config: Config, market: Market, account_id: str, folder: Path) -> Guard:
    """The guard of `account_id` in this process, over the same eyes and the same venue."""
    files = Disk()
    return Guard(
        GuardParts(
            account_id=account_id,
            folder=folder,
            key=guard_key(folder, files),
            files=files,
            venue=market.venue,
            watcher=market.watcher,
            clock=market.clock,
            settings=config.execution,
            risk=config.risk,
            blind_looks=None if market.last_slot is None else 3,
        )
    )
