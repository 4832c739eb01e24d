"""The journal's file: chained lines, each durable before the caller goes on, and what to do when the disk refuses."""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from makenaide.domain.errors import Inconsistent
from makenaide.execution.disk import Files
from makenaide.execution.guard import entries
from makenaide.execution.guard.entries import Entry, Read

log = logging.getLogger(__name__)

JOURNAL = "journal.jsonl"
EARLIER = "journal.old.jsonl"
"""The journal before, all of it in the books."""

_LONG = 1 << 20
"""Bytes from which a journal that is wholly in the books is put aside."""


@dataclass(slots=True, kw_only=True)
class JournalFile:
    """An append-only file of entries; `last` is the number of the newest.

    Where the disk refuses, `refused` is its word and the entry is kept in memory: an exit is sent all the same,
    because its identifier is derived and a repeat cannot double (house protocol, point 8). Every later entry tries
    again.
    """

    folder: Path
    key: bytes
    files: Files
    last: int = 0
    refused: OSError | None = None
    _link: str = field(default="")
    _length: int = 0
    _unwritten: bytes = b""

    def open(self, seen: int, now: datetime) -> list[Entry]:
        """The entries that there are; a torn last line is cut off, a damaged file is put aside.

        `seen`: the last entry that is in the books: numbers go on from there at least.
        """
        content = self.files.read(self.folder / JOURNAL) or b""
        found = entries.read(content, self.key)
        self._link, self._length = found.link, found.length
        try:
            if found.damaged:
                aside = self.folder / f"journal.damaged-{now:%Y%m%dT%H%M%S%f}"
                self.files.replace(aside, content)
                log.error("the journal is damaged", extra={"action": "alarm.guard_journal", "aside": aside.name})
            if found.torn:
                self.files.replace(self.folder / JOURNAL, content[: found.length])
        except OSError as cause:
            self.refused = cause  # the next write mends it first
        self.last = max([seen, *(entry.n for entry in found.entries)])
        return found.entries

    def append(self, at: datetime, kind: str, data: dict[str, Any]) -> None:
        """One more entry, durable unless the disk `refused` it."""
        self._write(self._line(at, kind, data))

    def hold(self, at: datetime, kind: str, data: dict[str, Any]) -> None:
        """One more entry, written together with the next: an order's intent goes with the record of its send."""
        self._unwritten += self._line(at, kind, data)

    def _line(self, at: datetime, kind: str, data: dict[str, Any]) -> bytes:
        self.last += 1
        written, self._link = entries.line(Entry(self.last, at, kind, data), self._link, self.key)
        return written

    def flush(self) -> None:
        """Try again to write what the disk refused."""
        if self._unwritten:
            self._write(b"")

    def rotate(self, seen: int) -> None:
        """Put a long journal aside once all of it is in the books; call it while no sale is under way."""
        if self._length < _LONG or seen < self.last or self._unwritten or self.refused:
            return
        try:
            content = self.files.read(self.folder / JOURNAL) or b""
            self.files.replace(self.folder / EARLIER, content)
            self.files.replace(self.folder / JOURNAL, b"")
        except OSError as cause:
            log.warning("not put aside", extra={"action": "guard.rotate", "cause": str(cause)})
            return  # it just goes on growing
        self._link, self._length = "", 0

    def _write(self, more: bytes) -> None:
        waiting = self._unwritten + more
        try:
            if self.refused is not None:
                self._mend()
            self.files.append(self.folder / JOURNAL, waiting)
        except OSError as cause:
            self._unwritten = waiting
            if self.refused is None:
                log.exception("the journal cannot be written", extra={"action": "alarm.guard_journal"})
            self.refused = cause
            return
        self._length += len(waiting)
        self._unwritten, self.refused = b"", None

    def _mend(self) -> None:
        """A refused write may have left a part of a line: the next one must not grow onto it."""
        content = self.files.read(self.folder / JOURNAL) or b""
        if len(content) > self._length:
            self.files.replace(self.folder / JOURNAL, content[: self._length])


@dataclass(slots=True, kw_only=True)
class JournalReader:
    """Another process's eyes on a journal: what was read once is not read again."""

    folder: Path
    key: bytes
    files: Files
    _offset: int = 0
    _link: str = ""

    def fresh(self) -> list[Entry]:
        """The whole entries since the last call; `Inconsistent` when a line within is not what was written.

        A journal that was put aside begins anew; what it held is in the books by then.
        """
        if self._offset:
            # From the end of the last line on: another file would hardly have one there, and no line that follows.
            content = self.files.read(self.folder / JOURNAL, self._offset - 1) or b""
            found = entries.read(content[1:], self.key, self._link)
            if content[:1] == b"\n" and not found.damaged:
                return self._kept(found, self._offset)
        found = entries.read(self.files.read(self.folder / JOURNAL) or b"", self.key)
        if found.damaged:
            last = found.entries[-1].n if found.entries else 0
            raise Inconsistent(f"{self.folder / JOURNAL}: damaged after entry {last}")
        return self._kept(found, 0)

    def _kept(self, found: Read, start: int) -> list[Entry]:
        self._offset, self._link = start + found.length, found.link
        return found.entries

    def forget(self) -> None:
        """Read it all again at the next call: what came of the last one was rolled back."""
        self._offset, self._link = 0, ""


def read_journal(files: Files, folder: Path, key: bytes) -> tuple[Read, ...]:
    """The earlier journal and the present one as another process may read them; `Inconsistent` when damaged."""
    found = []
    for name in (EARLIER, JOURNAL):
        content = files.read(folder / name)
        if content:
            read = entries.read(content, key)
            if read.damaged:
                last = read.entries[-1].n if read.entries else 0
                raise Inconsistent(f"{folder / name}: damaged after entry {last}")
            found.append(read)
    return tuple(found)
