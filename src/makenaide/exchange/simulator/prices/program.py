"""Events as tables with plain values: as people write them in files and calls, and as the command log keeps them."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from makenaide.domain.money import plain
from makenaide.exchange.simulator.prices.incidents import (
    Caution,
    Delisting,
    Event,
    Maintenance,
    NewListing,
    Rename,
    Thin,
    TickTable,
    Warned,
)
from makenaide.exchange.simulator.table import choice, read

KINDS: Final[Mapping[str, type[Event]]] = {
    "warning": Warned,
    "caution": Caution,
    "delisting": Delisting,
    "listing": NewListing,
    "maintenance": Maintenance,
    "rename": Rename,
    "ticks": TickTable,
    "thin": Thin,
}
"""The names of the kinds in a table's field `kind`."""


def rounded(at: datetime) -> datetime:
    """The next whole second: events happen at such."""
    return at if not at.microsecond else at.replace(microsecond=0) + timedelta(seconds=1)


def event(table: Mapping[str, object], where: str, begin: datetime) -> Event:
    """The event that `table` describes; "+2h" in it counts from `begin`. `Misconfigured` names the place."""
    kind = choice(KINDS, table.get("kind"), f"{where}.kind")
    return read(kind, {name: value for name, value in table.items() if name != "kind"}, where, begin)


def written(happening: Event) -> dict[str, object]:
    """The table of an event: reading it gives the event again, whenever it is read."""
    name = next(name for name, kind in KINDS.items() if kind is type(happening))
    values = {each.name: _plain(getattr(happening, each.name)) for each in fields(happening)}
    return {"kind": name} | {key: value for key, value in values.items() if value is not None}


def begins(happening: Event) -> datetime:
    """The first moment at which anybody can notice the event."""
    return min(value for each in fields(happening) if isinstance(value := getattr(happening, each.name), datetime))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
