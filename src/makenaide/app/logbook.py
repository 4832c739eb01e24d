"""The logs of this machine, read backwards in bounded pieces: the program's own and the database server's."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import msgspec

from makenaide.app.client import UNREADABLE
from makenaide.ops.scene import Gap, LogLine, Unread

PROCESS, DATABASE, AUDIT = "process", "database", "audit"
_MOST_BYTES = 32_000_000
"""So much of each log is read at most: the newest. `process_gap` and `database_gap` say when that is not all."""
_LONGEST = 2_000
_LONGEST_ENTRY = 65_536
"""Characters of one entry of the database's log, whose statement may go on over many lines."""
_SEARCHED = 1_000
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
    """The database server's log from `since` (UTC, wall clock) on, an entry at a time.

    The server begins each line that goes on with a tab: those belong to the entry before. A line of nobody, without a
    time, has that of the one before.
    """
    at: datetime | None = None
    for entry in _entries(_lines(_with_put_aside(log), since)):
        stamp = _STAMP.match(entry)
        if stamp is not None:
            at = _moment(stamp[1])
        if at is None or at >= since:
            yield LogLine(log=DATABASE, at=at, text=entry)


def process_gap(home: Path, since: datetime, *, begun: bool) -> Unread | None:
    """What is not read of the program's log from `since` on; `begun`: something has run here that writes it."""
    return _gap(
        PROCESS, _with_older(home / "logs" / "makenaide.jsonl"), (since, begun), lambda line: _entry(line).at
    )


def database_gap(log: Path, since: datetime, *, begun: bool) -> Unread | None:
    """What is not read of the database server's log from `since` on; `begun` as for `process_gap`."""
    return _gap(DATABASE, _with_put_aside(log), (since, begun), _stamped)


def _gap(
    log: str, files: Sequence[Path], about: tuple[datetime, bool], moment: Callable[[str], datetime | None]
) -> Unread | None:
    since, begun = about
    if not any(file.exists() for file in files):
        return Unread(log=log, gap=Gap.ABSENT if begun else Gap.UNBEGUN, told=str(files[-1]))
    _, whole = _chosen(files, since)
    if whole:
        return None
    # What was left out matters only where it is not older than `since`, which the oldest line that is read tells.
    read = (moment(line) for line in islice(_lines(files, since), _SEARCHED))
    first = next((at for at in read if at is not None), None)
    if first is not None and first < since:
        return None
    return Unread(log=log, gap=Gap.CUT, told=f"{files[-1]}: the newest {_MOST_BYTES} bytes")


def _stamped(line: str) -> datetime | None:
    stamp = _STAMP.match(line)
    return None if stamp is None else _moment(stamp[1])


def _entries(lines: Iterator[str]) -> Iterator[str]:
    """Lines put together with those that go on from them, each cut at `_LONGEST_ENTRY`."""
    parts: list[str] = []
    size = 0
    for line in lines:
        if parts and line.startswith("\t"):
            if size < _LONGEST_ENTRY:
                parts.append(line)
                size += len(line) + 1
            continue
        if parts:
            yield "\n".join(parts)[:_LONGEST_ENTRY]
        parts, size = [line], len(line)
    if parts:
        yield "\n".join(parts)[:_LONGEST_ENTRY]


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


def _with_put_aside(log: Path) -> list[Path]:
    return [log.with_suffix(".log.1"), log]


def _chosen(files: Sequence[Path], since: datetime) -> tuple[list[tuple[Path, int]], bool]:
    """The files that are read, newest first, each with the byte from which on; and whether nothing was left out."""
    left, chosen, whole = _MOST_BYTES, [], True
    for file in reversed(files):
        try:
            about = file.stat()
        except FileNotFoundError:
            continue
        if about.st_mtime < since.timestamp():
            continue
        whole = whole and about.st_size <= left
        if left <= 0:
            continue
        chosen.append((file, max(0, about.st_size - left)))
        left -= about.st_size
    return chosen, whole


def _lines(files: Sequence[Path], since: datetime) -> Iterator[str]:
    """The last `_MOST_BYTES` of `files` together, line by line, leaving out files that are older than `since`."""
    chosen, _ = _chosen(files, since)
    for file, begin in reversed(chosen):
        with file.open("rb") as stream:
            stream.seek(begin)
            if begin:
                stream.readline()  # the rest of a line that began before
            for line in stream:
                yield line.decode(errors="replace").rstrip("\r\n")
