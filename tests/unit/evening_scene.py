"""A place with logs, backups, resources and alarms as a test sets them, and a key, for the evening list."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from makenaide.catalogue import texts
from makenaide.domain.errors import Unavailable
from makenaide.domain.market import Market
from makenaide.exchange.venue import ApiKeyTerm, Book, Listing, Wallet
from makenaide.ops.checks.finding import Point
from makenaide.ops.evidence import Evidence, Said
from makenaide.ops.scene import Alarm, Backup, Key, LogLine, Resource, Rights, Scene, Unread
from tests.unit.morning_scene import NOW, HandMade, scene

__all__ = ["DOWN", "KEY", "NOW", "Evening", "Shop", "Told", "ago", "evening", "keys", "said", "spoken"]

DOWN = Unavailable("nobody answers")
KEY = Key(mark="0123abcd", access="access-of-the-tests")


def ago(hours: float = 0, **more: float) -> datetime:
    """So long before now."""
    return NOW - timedelta(hours=hours, **more)


@dataclass(slots=True, kw_only=True)
class Evening(HandMade):
    """A place as a test sets it; `broken` breaks the logs off at their end."""

    left: Sequence[Resource] = ()
    kept: Sequence[Backup] = ()
    lines: Iterable[LogLine | Unread] = ()
    declared: Sequence[Alarm] = ()
    live: Sequence[Alarm] = ()
    asked: list[datetime] = field(default_factory=list)

    def resources(self) -> Sequence[Resource]:
        return self.left

    def backups(self) -> Sequence[Backup]:
        return self.kept

    def logs(self, since: datetime) -> Iterator[LogLine | Unread]:
        self.asked.append(since)
        yield from self.lines
        if self.broken is not None:
            raise self.broken

    def alarms(self) -> tuple[Sequence[Alarm], Sequence[Alarm]]:
        return self.declared, self.live


@dataclass(slots=True, kw_only=True)
class Told:
    """`Rights` as a test says, or that it cannot be asked."""

    words: Mapping[str, str] | None = None

    def rights(self) -> Mapping[str, str]:
        if self.words is None:
            raise DOWN
        return self.words


class Shop:
    """The part of a venue that the evening list asks; None = it does not answer."""

    def __init__(
        self,
        *,
        keys: Sequence[ApiKeyTerm] | None = None,
        listed: Sequence[Listing] | None = None,
        wallets: Sequence[Wallet] | None = None,
    ) -> None:
        self._keys, self._listed, self._wallets = keys, listed, wallets

    def api_keys(self) -> Sequence[ApiKeyTerm]:
        return answered(self._keys)

    def markets(self) -> Sequence[Listing]:
        return answered(self._listed)

    def books(self, markets: Sequence[Market], depth: int = 30) -> Mapping[Market, Book]:
        raise DOWN

    def wallets(self) -> Sequence[Wallet]:
        return answered(self._wallets)


def answered(rows: Sequence[Any] | None) -> Sequence[Any]:
    """`rows`, or no answer."""
    if rows is None:
        raise DOWN
    return rows


def evening(
    place: Evening | None = None,
    *,
    venue: Any = None,
    rights: Rights | None = None,
    key: Key | None = None,
    live: bool = False,
    **more: Any,
) -> Scene:
    """A scene; `more` as for the morning's. Of a `venue` only what the list asks need be there."""
    return replace(scene(place or Evening(), venue=venue, **more), rights=rights, key=key, live=live)


def read(told: Said) -> str:
    """The key of what is said, once a person could read it in both languages."""
    if told.key.startswith("e"):
        for language in ("en", "ko"):
            assert texts(language)(f"check.said.{told.key}", **told.values)
    return told.key


def said(found: Evidence) -> tuple[str, str]:
    """Verdict and key."""
    return str(found.verdict), read(found.said)


def spoken(points: Sequence[Point]) -> list[str]:
    """Verdict and key of each."""
    return [f"{each.verdict} {read(each.said)}" for each in points]


def keys(found: Evidence) -> list[str]:
    """What the evidence says, the speaker first."""
    read(found.said)
    also: list[str] = found.value.get("also", [])
    return [found.said.key, *also]
