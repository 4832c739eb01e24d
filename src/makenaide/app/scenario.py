"""Scenario files: a simulated world's settings, accounts, keys, events and faults in one TOML file.

    scenario = load(Path("samples/scenarios/storm.toml"))
    world = scenario.applied(world)

Times are absolute, or "+2h30m" from the world's start. Whatever cannot be is refused, naming table and field: here,
or, where it depends on that start and on what there is in the world, by `world.staged`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from makenaide.app.world import ACCOUNT, World
from makenaide.config import Settings, build
from makenaide.domain.errors import Misconfigured
from makenaide.domain.market import is_currency
from makenaide.domain.parameter import near
from makenaide.environment import read_toml
from makenaide.exchange.simulator.amount import countable
from makenaide.exchange.simulator.settings import FaceSettings, QuotaSettings, StreamSettings, VenueSettings

SETTINGS: Final[Mapping[str, type]] = {
    "venue": VenueSettings,
    "quota": QuotaSettings,
    "face": FaceSettings,
    "stream": StreamSettings,
}
"""The tables that set something, and what their fields are."""

ELSEWHERE: Final[Mapping[str, str]] = {
    "venue.seed": "--seed chooses it",
    "venue.pace": "--stepped chooses it",
    "face.quota": "the table quota holds it",
    "face.stream": "the table stream holds it",
}
"""Fields that a scenario cannot set, and why."""

_TABLES: Final = (*SETTINGS, "balances", "accounts", "keys", "events", "faults")
_JSON: Final = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A checked file: `text` is all of it, `settings` the values by table and field; the rest as a `World` has it."""

    text: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    balances: Mapping[str, Decimal] | None = None
    accounts: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    events: tuple[Mapping[str, Any], ...] = ()
    faults: tuple[Mapping[str, Any], ...] = ()

    def applied(self, world: World) -> World:
        """`world` with everything that the scenario says; what it leaves out stays."""
        face = replace(world.face, **self._set("face"))
        return replace(
            world,
            venue=replace(world.venue, **self._set("venue")),
            face=replace(
                face,
                quota=replace(face.quota, **self._set("quota")),
                stream=replace(face.stream, **self._set("stream")),
            ),
            balances=world.balances if self.balances is None else dict(self.balances),
            accounts={name: dict(held) for name, held in self.accounts.items()},
            keys=world.keys | {name: dict(table) for name, table in self.keys.items()},
            events=tuple(dict(table) for table in self.events),
            faults=tuple(dict(table) for table in self.faults),
        )

    def _set(self, table: str) -> dict[str, Any]:
        values = self.settings.get(table, {})
        built: object = build(SETTINGS[table], values, table)
        return {name: getattr(built, name) for name in values}


def load(file: Path) -> Scenario:
    """The scenario in `file`; `Misconfigured` names file, table and field of the first thing that is wrong."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise Misconfigured(f"{file}: cannot be read: {cause}") from cause
    tables = read_toml(text, file)
    try:
        return _scenario(text, tables)
    except Misconfigured as cause:
        raise Misconfigured(f"{file}: {cause}") from None


def _scenario(text: str, tables: Mapping[str, Any]) -> Scenario:
    for name in tables:
        if name not in _TABLES:
            raise Misconfigured(f"{name}: unknown table{near(name, _TABLES)}")
    accounts = {
        name: _balances(held, f"accounts.{name}")
        for name, held in _table(tables.get("accounts", {}), "accounts").items()
    }
    if ACCOUNT in accounts:
        raise Misconfigured(f"accounts.{ACCOUNT}: the table balances holds it")
    return Scenario(
        text=text,
        settings={name: _settings(kind, tables[name], name) for name, kind in SETTINGS.items() if name in tables},
        balances=_balances(tables["balances"], "balances") if "balances" in tables else None,
        accounts=accounts,
        keys=_keys(tables.get("keys", {}), {ACCOUNT, *accounts}),
        events=_rows(tables.get("events", []), "events"),
        faults=_rows(tables.get("faults", []), "faults"),
    )


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Misconfigured(f"{where}: expected a table, got {value!r}")
    return value


def _settings(kind: type[Settings], value: object, where: str) -> Mapping[str, Any]:
    table = _table(value, where)
    for name in table:
        if f"{where}.{name}" in ELSEWHERE:
            raise Misconfigured(f"{where}.{name}: {ELSEWHERE[f'{where}.{name}']}")
    build(kind, table, where)
    return table


def _balances(value: object, where: str) -> dict[str, Decimal]:
    held: dict[str, Decimal] = {}
    for currency, amount in _table(value, where).items():
        if not is_currency(currency):
            raise Misconfigured(f"{where}.{currency}: expected a currency in capitals, such as KRW")
        try:
            held[currency] = msgspec.convert(str(amount), Decimal)
        except msgspec.ValidationError:
            raise Misconfigured(f"{where}.{currency}: expected an amount, got {amount!r}") from None
        if not countable(held[currency]) or held[currency] < 0:
            raise Misconfigured(f"{where}.{currency}: expected at least 0 and below 1e20, got {amount!r}")
    return held


def _keys(value: object, accounts: set[str]) -> dict[str, dict[str, Any]]:
    keys: dict[str, dict[str, Any]] = {}
    for name, given in _table(value, "keys").items():
        where = f"keys.{name}"
        if not (name.isascii() and name.isalnum()):
            raise Misconfigured(f"{where}: expected a name of letters and digits")
        table = _table(given, where)
        account = str(table.get("account", ACCOUNT))
        if account not in accounts:
            raise Misconfigured(f"{where}.account: unknown account {account}{near(account, accounts)}")
        keys[name] = _plain(table, where)
    return keys


def _rows(value: object, name: str) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, list):
        raise Misconfigured(f"{name}: expected tables in double brackets, [[{name}]]")
    return tuple(_plain(table, f"{name}.{number}") for number, table in enumerate(value, 1))


def _plain(value: object, where: str) -> dict[str, Any]:
    """The table with values that JSON knows: a world is kept as JSON."""
    table = dict(_table(value, where))
    try:
        plain: dict[str, Any] = msgspec.json.decode(_JSON.encode(table))
    except msgspec.MsgspecError as cause:
        raise Misconfigured(f"{where}: a number beyond all bounds: {cause}") from None
    return plain
