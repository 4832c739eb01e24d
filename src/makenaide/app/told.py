"""What was told while there was no database: one file a message, so that one key is told once on this machine.

<home>/told/<SHA-256 of the key>.json holds the message and the channels that have it. When the database is back the
message goes into the outbox with those deliveries, and the file says so; it is deleted when it is old.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from makenaide.app.client import UNREADABLE, write_private
from makenaide.domain.errors import Unavailable
from makenaide.monitoring.channels import Channel
from makenaide.store.claims import exclusive
from makenaide.store.db import Database
from makenaide.store.home import file_faults
from makenaide.store.outbox import Delivery, Message, Outcome, Urgency, put_told, storable

log = logging.getLogger(__name__)

_PATIENCE = 30.0
"""Seconds that a teller waits for another one: a webhook may take ten."""
_KEPT = timedelta(days=30)
"""As long as a key stays told."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A message and who has it: `channels` by name; `stored` once it is in the outbox, too."""

    key: str
    account_id: str
    at: datetime
    urgency: Urgency
    title: str
    body: str
    detail: Mapping[str, Any]
    channels: tuple[str, ...] = ()
    stored: bool = False


def tell_straight(home: Path, channels: Iterable[Channel], message: Message) -> tuple[str, ...]:
    """Send `message` through each of `channels` that has not had one of its key; the names of those that got it now.

    `DiskFull`, `Misconfigured` when `home` cannot be written: then nothing was sent.
    """
    with _alone(home) as folder:
        file = _file(folder, message.key)
        told = _read(file) or _told(message)
        write_private(file, msgspec.json.encode(told, enc_hook=str))
        got = [each.name for each in channels if each.name not in told.channels and sent(each, message)]
        if got:
            told = msgspec.structs.replace(told, channels=(*told.channels, *got))
            write_private(file, msgspec.json.encode(told, enc_hook=str))
        return tuple(got)


def sent(channel: Channel, message: Message) -> bool:
    """Send `message`; whether it was taken. That it was not is in the log."""
    try:
        channel.send(message)
    except Unavailable as cause:
        told = {"action": "message.undelivered", "key": message.key, "channel": channel.name}
        log.warning("not delivered", extra={**told, "cause": str(cause)})
        return False
    return True


def take_in_told(home: Path, db: Database, now: datetime) -> int:
    """Put what was told without the database into its outbox, as delivered where it was; how many messages.

    Each message once. `DiskFull`, `Misconfigured`, and what the database raises.
    """
    if not (home / "told").is_dir():
        return 0
    taken = 0
    with _alone(home) as folder:
        for file in sorted(folder.glob("*.json")):
            told = _read(file)
            if told is not None and not told.stored:
                _store(db, told, now)
                write_private(file, msgspec.json.encode(msgspec.structs.replace(told, stored=True), enc_hook=str))
                taken += 1
            elif now.timestamp() - file.stat().st_mtime > _KEPT.total_seconds():
                file.unlink()
    return taken


@contextmanager
def _alone(home: Path) -> Iterator[Path]:
    """The folder, with nobody else in it; made if it is not there."""
    folder = home / "told"
    busy = Unavailable(f"another process has been telling something for long ({folder})")
    with file_faults(home):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exclusive(folder / "lock", _PATIENCE, busy):
            yield folder


def _file(folder: Path, key: str) -> Path:
    return folder / f"{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}.json"


def _read(file: Path) -> Told | None:
    """None where there is none, or it makes no sense."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Told)
    except (OSError, *UNREADABLE):
        return None


def _told(message: Message) -> Told:
    clean = storable(message)
    return Told(
        key=clean.key,
        account_id=clean.account_id,
        at=clean.at,
        urgency=clean.urgency,
        title=clean.title,
        body=clean.body,
        detail=clean.detail,
    )


def _store(db: Database, told: Told, now: datetime) -> None:
    message = Message(
        key=told.key,
        account_id=told.account_id,
        at=told.at,
        urgency=told.urgency,
        title=told.title,
        body=told.body,
        detail=told.detail,
    )
    detail = "told while there was no database"
    ends = [Delivery(channel=name, at=now, outcome=Outcome.DONE, detail=detail) for name in told.channels]
    put_told(db, message, ends)
