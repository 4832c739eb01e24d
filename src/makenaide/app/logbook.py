"""The logs of this machine, read backwards in bounded pieces: the program's own and the database server's."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from makenaide.app.client import UNREADABLE
from makenaide.ops.scene import LogLine

PROCESS, DATABASE, AUDIT = "process", "database", "audit"
_MOST_BYTES = 32_000_000
"""So much of each log is read at most: the newest. What is older belongs to a list that was missed."""
_LONGEST = 2_000
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) UTC \[\d+\] ")


def process_lines(home: Path, since: datetime) -> Iterator[LogLine]:
    """The program's log from `since` (UTC, wall clock) on, oldest first, its put-aside files included."""
    file = home / "logs" / "makenaide.jsonl"
    after = since.astimezone(UTC).isoformat(timespec="milliseconds")
    for line in _lines(_with_older(file), since):
        # Every line begins with its time in one form: what is too old need not be read whole.
        if line.startswith('{"at":"') and line[7 : 7 + len(after)] < after:
            continue
        yield _entry(line)


def database_lines(log: Path, since: datetime) -> Iterator[LogLine]:
    """The database server's log from `since` (UTC, wall clock) on; what goes on over several lines has their time."""
    at: datetime | None = None
    for line in _lines([log.with_suffix(".log.1"), log], since):
        stamp = _STAMP.match(line)
        if stamp is not None:
            at = _moment(stamp[1])
        if at is None or at >= since:
            yield LogLine(log=DATABASE, at=at, text=line[:_LONGEST])


def _entry(line: str) -> LogLine:
    """A line that is no JSON is told as it is, without a time."""
    try:
        data = msgspec.json.decode(line)
    except UNREADABLE:
        data = None
    if not isinstance(data, dict):
        return LogLine(log=PROCESS, at=None, text=line[:_LONGEST])
    try:
        at = datetime.fromisoformat(str(data.get("at")))
    except ValueError:
        at = None
    aware = at if at is not None and at.tzinfo is not None else None
    return LogLine(log=PROCESS, at=aware, text=str(data.get("message", ""))[:_LONGEST], data=data)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


def _with_older(file: Path) -> list[Path]:
    """The file and those that were put aside before it (`name.1` is the youngest of them), oldest first."""
    older = sorted(
        (each for each in file.parent.glob(f"{file.name}.*") if each.suffix[1:].isdigit()),
        key=lambda each: -int(each.suffix[1:]),
    )
    return [*older, file]


def _lines(files: Sequence[Path], since: datetime) -> Iterator[str]:
    """The last `_MOST_BYTES` of `files` together, line by line, leaving out files that are older than `since`."""
    left, chosen = _MOST_BYTES, []
    for file in reversed(files):
        try:
            about = file.stat()
        except FileNotFoundError:
            continue
        if about.st_mtime < since.timestamp() or left <= 0:
            continue
        chosen.append((file, max(0, about.st_size - left)))
        left -= about.st_size
    for file, begin in reversed(chosen):
        with file.open("rb") as stream:
            stream.seek(begin)
            if begin:
                stream.readline()  # the rest of a line that began before
            for line in stream:
                yield line.decode(errors="replace").rstrip("\r\n")
