"""The macro calendar: dated events that move every market, from the packaged file or the operator's own.

[[event]]
kind = "fomc"                       # lower case
at = 2026-12-10T04:00:00+09:00      # with its zone; or a bare KST date where the time is not known
sure = true                         # false: announced as tentative, or usual and not announced
source = "https://..."
"""

import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from makenaide.domain.clock import kst, utc
from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import near

PACKAGED = "calendar.toml"
_LONGEST = 1_000_000
_HEADER = re.compile(r"\s*\[\[\s*\"?event\"?\s*\]\]")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,30}")
_KEYS = ("kind", "at", "sure", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event on the KST date `day`; `at` (UTC) where its time is known. `sure`: it is fixed, not tentative."""

    kind: str
    day: date
    at: datetime | None
    sure: bool
    source: str

    @property
    def shown(self) -> str:
        """ "FOMC 2026-12-10 04:00" in KST; with a question mark where it is not sure."""
        when = f"{self.day}" if self.at is None else f"{kst(self.at):%Y-%m-%d %H:%M}"
        return f"{self.kind.upper()} {when}{'' if self.sure else '?'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The events of the file `name`, ascending."""

    name: str
    events: tuple[Event, ...]

    def on(self, day: date) -> tuple[Event, ...]:
        """The events of a KST date."""
        return tuple(each for each in self.events if each.day == day)

    @property
    def last(self) -> date | None:
        """The KST date of the last event; None without any."""
        return self.events[-1].day if self.events else None


def load_calendar(own: str = "") -> Calendar:
    """The calendar in the file `own`, or ("") the packaged one; `Misconfigured` naming the file and the line."""
    name = own or PACKAGED
    try:
        where = Path(own).expanduser() if own else files("makenaide.ops") / PACKAGED
        content = where.read_bytes()
    except (OSError, RuntimeError, ValueError) as cause:
        raise Misconfigured(f"{name}: cannot be read: {cause}") from None
    return parse_calendar(name, content)


def parse_calendar(name: str, content: bytes) -> Calendar:
    """The calendar in `content`; `Misconfigured` naming `name` and the line of what is wrong."""
    if len(content) > _LONGEST:
        raise Misconfigured(f"{name}: more than {_LONGEST} bytes")
    try:
        text = content.decode("utf-8")
        table = tomllib.loads(text)
    except UnicodeDecodeError as cause:
        line = content[: cause.start].count(b"\n") + 1
        raise Misconfigured(f"{name}, line {line}: not UTF-8") from None
    except (ValueError, RecursionError) as cause:  # a TOML fault is a ValueError and names its line
        raise Misconfigured(f"{name}: {cause}") from None
    unknown = sorted(set(table) - {"event"})
    if unknown:
        raise Misconfigured(
            f"{name}, line {_line_of(text, unknown[0])}: unknown: {unknown[0]}; expected [[event]]"
        )
    rows = table.get("event", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Misconfigured(f"{name}, line {_line_of(text, 'event')}: expected [[event]] tables")
    lines = [number for number, line in enumerate(text.split("\n"), 1) if _HEADER.match(line)]
    lines += [1] * (len(rows) - len(lines))  # written inline, where no header tells the line
    found = [_event(f"{name}, line {line}", row) for line, row in zip(lines, rows, strict=False)]
    return Calendar(name=name, events=tuple(sorted(found, key=lambda each: (each.day, each.kind))))


def _line_of(text: str, word: str) -> int:
    """The first line that names `word`."""
    return next((number for number, line in enumerate(text.split("\n"), 1) if word in line), 1)


def _event(place: str, row: dict[str, Any]) -> Event:
    for key in row:
        if key not in _KEYS:
            raise Misconfigured(f"{place}: unknown: {key}{near(key, _KEYS)}")
    for key in _KEYS:
        if key not in row:
            raise Misconfigured(f"{place}: {key} is missing")
    kind, sure, source = row["kind"], row["sure"], row["source"]
    if not (isinstance(kind, str) and _KIND.fullmatch(kind)):
        raise Misconfigured(f"{place}: kind: expected a word in lower case, got {kind!r}")
    if not isinstance(sure, bool):
        raise Misconfigured(f"{place}: sure: expected true or false, got {sure!r}")
    if not (isinstance(source, str) and source.startswith(("https://", "http://"))):
        raise Misconfigured(f"{place}: source: expected an address, got {source!r}")
    day, at = _when(place, row["at"])
    return Event(kind=kind, day=day, at=at, sure=sure, source=source)


def _when(place: str, at: object) -> tuple[date, datetime | None]:
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise Misconfigured(f"{place}: at: a time needs its zone, such as {at.isoformat()}+09:00")
        try:
            return kst(at).date(), utc(at)
        except OverflowError:
            raise Misconfigured(f"{place}: at: no such time: {at.isoformat()}") from None
    if isinstance(at, date):
        return at, None
    raise Misconfigured(f"{place}: at: expected a date or a time with its zone, got {at!r}")
