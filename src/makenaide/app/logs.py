"""Structured logs: one JSON object a line, with the run's id, in the data folder (P3)."""

import logging
import logging.handlers
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from makenaide.store.home import file_faults

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_SIZE = 20_000_000
_KEPT = 5


class JsonLines(logging.Formatter):
    """A record as one line: time, level, logger, message, everything given as `extra`, and the run's id."""

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id

    def format(self, record: logging.LogRecord) -> str:
        """The line; values that JSON does not know are written as text."""
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "run": self._run_id,
            "message": record.getMessage(),
        }
        entry |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(entry, enc_hook=str).decode()


class _File(logging.handlers.RotatingFileHandler):
    """The log's file. When it cannot be written that is said once: trading does not end for want of a log."""

    _silent = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - as logging calls it
        """Say on stderr why the record is lost, the first time."""
        if not self._silent:
            self._silent = True
            sys.stderr.write(f"{self.baseFilename}: the log cannot be written: {sys.exc_info()[1]}\n")


class _Causes(logging.Handler):
    def __init__(self, action: str, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._action = action
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "action", None) == self._action:
            self._tell(str(getattr(record, "cause", "")))


@contextmanager
def causes_told(action: str, tell: Callable[[str], None]) -> Iterator[None]:
    """While inside, `tell` gets the cause of every record of that `action`: for people who watch."""
    handler = _Causes(action, tell)
    root = logging.getLogger("makenaide")
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


def log_to(home: Path, run_id: str) -> Path:
    """Send the program's log to <home>/logs/makenaide.jsonl, five files of 20 MB at most; returns the file.

    `DiskFull` or `Misconfigured` when it cannot be begun.
    """
    file = home / "logs" / "makenaide.jsonl"
    with file_faults(home):
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = _File(file, maxBytes=_SIZE, backupCount=_KEPT, encoding="utf-8")
    handler.setFormatter(JsonLines(run_id))
    root = logging.getLogger("makenaide")
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    root.propagate = False
    return file
