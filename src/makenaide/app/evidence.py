"""Rehearsals as evidence for live trading: kept where its rows are, carried between machines as signed files."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from makenaide.app.database import Store
from makenaide.app.person import person
from makenaide.config import Config, tree
from makenaide.domain.errors import Misconfigured, SchemaMismatch
from makenaide.ops.fingerprint import code_hash, configuration_hash
from makenaide.ops.readiness import require_importable, store_rehearsal
from makenaide.ops.signed import sign_result, verify_result
from makenaide.store.db import Role
from makenaide.store.evidence import Evidence
from makenaide.store.home import file_faults
from makenaide.store.modes import Mode
from makenaide.store.runs import AuditEntry, put_audit

_KEY_BYTES = 32


def signing_key(home: Path) -> bytes:
    """The key of this data folder's rehearsals, made at first use: `keys/rehearsal.key`, for its owner's eyes only.

    Copy the file to another machine to let that one sign for this one, or believe it. `Misconfigured` when others can
    read it or it is damaged.
    """
    file = home / "keys" / "rehearsal.key"
    with file_faults(home):
        if not file.exists():
            _make(file)
        if file.stat().st_mode & 0o077:
            raise Misconfigured(f"{file}: others can read it: chmod 600, or delete it to make a new one")
        text = file.read_bytes().strip()
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        key = b""
    if len(key) < _KEY_BYTES:
        raise Misconfigured(f"{file}: damaged: expected {2 * _KEY_BYTES} hexadecimal digits")
    return key


def _make(file: Path) -> None:
    """Whole or not at all, and the first of two who make it at once wins."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}-{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(_KEY_BYTES) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()


def hashes(config: Config) -> dict[str, str]:
    """The hashes that a rehearsal's result has to carry: `code` and `configuration`."""
    return {"code": code_hash(), "configuration": configuration_hash(tree(config))}


def keep_rehearsal(store: Store, result: Mapping[str, Any], action: str = "rehearsal.keep") -> Evidence:
    """Store `result` (see `ops.readiness.Rehearsal` for what it must say) beside the rows of either mode.

    A rehearsal is of code and settings, not of money. The audit row of `action` tells who did it. `SchemaMismatch`
    where no schema takes it.
    """
    kept: Evidence | None = None
    for mode in Mode:
        with suppress(SchemaMismatch), store.of(mode).open(Role.WRITER) as db, db.transaction():
            kept = store_rehearsal(db, result)
            put_audit(db, _kept(kept, action))
    if kept is None:
        raise SchemaMismatch(f"{store.location}: no schema is ready: run `makenaide db init --mode live`")
    return kept


def _kept(evidence: Evidence, action: str) -> AuditEntry:
    detail = {"subject": evidence.subject, "verdict": evidence.verdict, "valid_until": evidence.valid_until}
    return AuditEntry(account_id=None, at=datetime.now(UTC), actor=person(), action=action, detail=detail)


def export_rehearsal(home: Path, result: Mapping[str, Any]) -> bytes:
    """`result` as a file that another machine with this one's key believes."""
    return sign_result(result, signing_key(home))


def import_rehearsal(store: Store, config: Config, home: Path, content: bytes, now: datetime) -> Evidence:
    """Keep the rehearsal in a signed file; `Misconfigured` says why not.

    Refused: damaged, signed with another key, of other code or another configuration, red, too small, too old.
    """
    result = verify_result(content, signing_key(home))
    known = hashes(config)
    require_importable(result, known["code"], known["configuration"], now)
    return keep_rehearsal(store, result, "rehearsal.import")
