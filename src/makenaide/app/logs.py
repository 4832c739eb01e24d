"""Structured logs: one JSON object a line, with the run's id, in the data folder (P3)."""

import logging
import logging.handlers
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

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


def log_to(home: Path, run_id: str) -> Path:
    """Send the program's log to <home>/logs/makenaide.jsonl, five files of 20 MB at most; returns the file."""
    file = home / "logs" / "makenaide.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(file, maxBytes=_SIZE, backupCount=_KEPT, encoding="utf-8")
    handler.setFormatter(JsonLines(run_id))
    root = logging.getLogger("makenaide")
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    root.propagate = False
    return file
