"""What is written into the audit trail from outside trading: configuration changes, and what a person does.

    note_action(db, account_id, "backup.take", {"name": "..."})

Where there may be no database to write to, `app.noting.note_somewhere` keeps the action until there is one.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from makenaide.app.noting import note_kept
from makenaide.app.person import person
from makenaide.config import tree
from makenaide.domain.errors import MakenaideError
from makenaide.environment import Environment
from makenaide.ops.fingerprint import code_hash, configuration_hash, hash_of
from makenaide.store.audit import lock_trail, noted_configuration
from makenaide.store.db import Database
from makenaide.store.runs import AuditEntry, put_audit

log = logging.getLogger(__name__)

FIRST = "config.first"
CHANGE = "config.change"

# ---- actions ----


def note_action(
    db: Database, account_id: str | None, action: str, detail: Mapping[str, Any], actor: str | None = None
) -> None:
    """Append what `actor` (by default the person who types) did just now; `account_id` None = to the installation."""
    by = person() if actor is None else actor
    with db.transaction():
        put_audit(
            db,
            AuditEntry(account_id=account_id, at=datetime.now(UTC), actor=by, action=action, detail=detail),
        )
    log.info("audit", extra={"action": action, "actor": by})


# ---- the configuration ----


def note_configuration(
    db: Database, env: Environment, account_id: str | None, actor: str, at: datetime | None = None
) -> bool:
    """Append a row when configuration or code are not what was noted last for the account; whether they were not.

    `config.first` or `config.change`: `changed` tells old and new by dotted key, `hashes` before and after, `tree`
    the whole of it. No setting is a secret: keys and passwords are none. What was kept is noted first.
    """
    with suppress(MakenaideError):  # what cannot be noted yet stays kept
        note_kept(db, env.home)
    now = flat(tree(env.config))
    after = {
        "configuration": hash_of(now),
        "traded": configuration_hash(tree(env.config)),
        "code": code_hash(),
    }
    with db.transaction():
        lock_trail(db, account_id)
        before = noted_configuration(db, account_id)
        known = {} if before is None else dict(before["hashes"]["after"])
        if known == after:
            return False
        changed = {} if before is None else changes(before["tree"], now)
        detail = {
            "changed": changed,
            "hashes": {"before": known or None, "after": after},
            "tree": now,
        }
        action = FIRST if before is None else CHANGE
        moment = datetime.now(UTC) if at is None else at
        put_audit(db, AuditEntry(account_id=account_id, at=moment, actor=actor, action=action, detail=detail))
    log.info("configuration", extra={"action": action, "changed": sorted(changed)})
    return True


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The values of nested tables by their dotted keys, as JSON gives them back."""
    pairs = dict(_flat(settings, ""))
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(pairs))
    return kept


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By key, the value that was ("old") and the one that is ("new"); a side without the key is left out."""
    return {
        key: {side: values[key] for side, values in (("old", before), ("new", now)) if key in values}
        for key in sorted(before.keys() | now.keys())
        if key not in before or key not in now or before[key] != now[key]
    }


def _flat(settings: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value
