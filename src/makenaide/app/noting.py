"""Actions while there is no database to write to: kept as files of the data folder, and noted once there is one.

`unnoted/<time>-<random>.json` holds one action each. Trader and steward note them when they write their configuration
down, the steward each minute besides, and the halt switch before it notes itself.
"""

import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from makenaide.app.database import database_runs, open_store
from makenaide.app.person import person
from makenaide.domain.clock import utc
from makenaide.domain.errors import MakenaideError, SchemaMismatch
from makenaide.environment import Environment
from makenaide.execution.disk import Disk
from makenaide.store.accounts import find_account
from makenaide.store.audit import is_kept, lock_trail
from makenaide.store.db import Database, Role
from makenaide.store.home import file_faults
from makenaide.store.modes import Mode
from makenaide.store.runs import AuditEntry, put_audit

log = logging.getLogger(__name__)

FOLDER = "unnoted"
UNREADABLE = "audit.unreadable"


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    account_id: str | None
    at: datetime
    actor: str
    action: str
    detail: dict[str, Any]


def note_somewhere(
    env: Environment | None, home: Path, account_id: str | None, action: str, detail: Mapping[str, Any]
) -> bool:
    """Note what the person who types did just now, in a database that runs already; keep it in `home` otherwise.

    `env` None: its configuration cannot be read. Whether it is in the trail. Never raises for what it cannot do: the
    action is done, and a note that cannot even be kept is logged.
    """
    entry = AuditEntry(account_id=account_id, at=datetime.now(UTC), actor=person(), action=action, detail=detail)
    try:
        if env is not None and database_runs(env) and _noted(env, entry):
            return True
    except (MakenaideError, OSError) as cause:
        log.warning("not noted", extra={"action": action, "cause": str(cause)})
    keep_or_log(home, entry)
    return False


def _noted(env: Environment, entry: AuditEntry) -> bool:
    with open_store(env) as store:
        for mode in Mode:
            with suppress(SchemaMismatch), store.of(mode).open(Role.WRITER) as db:
                if entry.account_id is None or find_account(db, entry.account_id) is not None:
                    with db.transaction():
                        put_audit(db, entry)
                    return True
    return False


def keep_or_log(home: Path, entry: AuditEntry) -> None:
    """Keep `entry` as `keep_action` does; what cannot even be kept is logged, and raises nothing."""
    try:
        keep_action(home, entry)
    except MakenaideError as cause:
        log.error("not kept", extra={"action": entry.action, "cause": str(cause)})  # noqa: TRY400 - no traceback


def keep_action(home: Path, entry: AuditEntry) -> None:
    """Keep `entry` until a database that knows its account takes it: durable when this returns."""
    content = _Kept(
        account_id=entry.account_id,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        detail=dict(entry.detail),
    )
    with file_faults(home):
        folder = home / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{entry.at:%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}.json"
        Disk().replace(folder / name, msgspec.json.encode(content))


def note_kept(db: Database, home: Path) -> int:
    """Note what was kept for accounts of `db`, each once, oldest first; how many there were.

    A throw of the halt switch that the trail has gone past already is marked `late`: it does not tell how it stands.

    A file that makes no sense is noted as such and laid aside under another name: nothing vanishes unread.
    """
    noted = 0
    with file_faults(home):
        for file in sorted((home / FOLDER).glob("*.json")):
            entry = _entry(db, file)
            if entry is None:
                continue
            with db.transaction():
                lock_trail(db, entry.account_id)
                if not is_kept(db, file.stem):
                    detail = {**entry.detail, **_late(db, entry), "kept": file.stem}
                    put_audit(db, replace(entry, detail=detail))
                    noted += 1
            with suppress(FileNotFoundError):  # another process was as quick
                if entry.action == UNREADABLE:
                    file.replace(file.with_suffix(".unreadable"))
                else:
                    file.unlink()
    return noted


def _late(db: Database, entry: AuditEntry) -> Mapping[str, Any]:
    if not entry.action.startswith("halt."):
        return {}
    newest = db.row("audit_installation", action="halt.%")
    return {"late": True} if newest is not None and newest.at > entry.at else {}


def _entry(db: Database, file: Path) -> AuditEntry | None:
    """What the file keeps; None where its account is not one of `db`, or the file is gone."""
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=_Kept)
        at = utc(kept.at)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        now, detail = datetime.now(UTC), {"file": file.name}
        return AuditEntry(account_id=None, at=now, actor="trader", action=UNREADABLE, detail=detail)
    if kept.account_id is not None and find_account(db, kept.account_id) is None:
        return None
    return AuditEntry(account_id=kept.account_id, at=at, actor=kept.actor, action=kept.action, detail=kept.detail)
