"""The kill switch: a file that blocks buying at once, outlives restarts, and needs no database.

It is there: buying is halted. It cannot be read, or makes no sense: buying is halted too (doubt blocks buys, never
exits). Exits, stops and the guard do not ask it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from makenaide.domain.clock import utc
from makenaide.domain.intent import StoredOrder
from makenaide.domain.reason import Refusal
from makenaide.execution.disk import Files
from makenaide.execution.permit import Forbidden
from makenaide.store.accounts import Lease
from makenaide.store.db import Database
from makenaide.store.runs import AuditEntry, put_audit

log = logging.getLogger(__name__)

FILE_NAME = "halt.json"
"""In the data folder: one switch for every account of it."""
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Why buying is halted, by whom and since when (UTC; None where the file does not tell)."""

    reason: str
    by: str = ""
    at: datetime | None = None

    def __str__(self) -> str:
        since = "" if self.at is None else f" since {self.at.isoformat(timespec='seconds')}"
        return f"halted{since}{f' by {self.by}' if self.by else ''}: {self.reason}"


class HaltSource(Protocol):
    """Where the switch is. At home a file; on AWS an object that the host reads every 10 s (the AWS issue)."""

    def halt(self) -> Halt | None:
        """The halt in force, None when buying is not halted. Never raises: what cannot be read is a halt."""
        ...


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltFile:
    """The switch as the file `path`."""

    files: Files
    path: Path

    def halt(self) -> Halt | None:
        """The halt in force; a file that cannot be read or understood is one."""
        try:
            content = self.files.read(self.path)
        except OSError as cause:
            return Halt(reason=f"{self.path.name} cannot be read ({cause.strerror or cause}): lift it, or mend it")
        if content is None:
            return None
        try:
            said = msgspec.json.decode(content, type=_Content)
            return Halt(reason=said.reason, by=said.by, at=utc(said.at))
        except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
            return Halt(reason=f"{self.path.name} is damaged: lift it, or halt again")

    def set(self, reason: str, by: str, at: datetime) -> None:
        """Halt buying from `at` on, durably; `OSError` where the system refuses.

        Whatever else fails leaves an empty file, which halts too: what was said matters less than that it halts.
        """
        try:
            content = msgspec.json.encode(_Content(reason=_told(reason)[:LONGEST_REASON], by=_told(by), at=at))
        except (msgspec.MsgspecError, ValueError, ArithmeticError, TypeError):
            content = b""
        try:
            self.files.replace(self.path, content)
        except OSError:
            self.path.touch()  # an empty file needs no room; raises where even that is refused
            raise

    def lift(self) -> None:
        """Allow buying again; `OSError` where the system refuses."""
        self.files.remove(self.path)


def _told(text: str) -> str:
    """`text` as far as it can be written: a terminal may hand over bytes that are no text."""
    return text.encode(errors="replace").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltPermit:
    """Forbids every entry while `source` says so."""

    source: HaltSource

    def forbids(self, order: StoredOrder | None) -> Forbidden | None:  # noqa: ARG002 - one answer for all
        """HALTED with the reason that was given."""
        halt = self.source.halt()
        return None if halt is None else Forbidden(Refusal.HALTED, str(halt))


def note_halt(db: Database, halt: Halt | None, at: datetime, actor: str, lease: Lease | None = None) -> bool:
    """Write an audit row when `halt` is not what the trail says last; whether it did.

    The trading process calls it when it looks (with its lease), the command when the database is there.
    """
    with db.transaction():
        if lease is not None:
            lease.check()
        row = db.row("audit_installation", action="halt.%")
        now = None if halt is None else str(halt)
        before = None if row is None or row.action == "halt.lift" else row.detail["halt"]
        if now == before:
            return False
        action = "halt.lift" if halt is None else "halt.set"
        entry = AuditEntry(account_id=None, at=at, actor=actor, action=action, detail={"halt": now or before})
        put_audit(db, entry)
    log.warning("halt", extra={"action": action, "halt": now or before})
    return True
