"""Configuration: TOML and environment into one frozen tree of the rooms' own settings; nothing else reads either.

A file `makenaide.toml` in the data folder (or the one that MAKENAIDE_CONFIG names) holds tables by room; the
environment overrides single values: MAKENAIDE_RISK__MAX_POSITIONS=5. Misspelt names are refused with a near miss.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec
import platformdirs

from makenaide.catalogue import language
from makenaide.domain.errors import Misconfigured
from makenaide.domain.money import Krw
from makenaide.domain.parameter import parameter, require_in_range
from makenaide.exchange.simulator.model import GeneratorSettings
from makenaide.exchange.simulator.settings import QuotaSettings, VenueSettings
from makenaide.exchange.upbit.settings import UpbitSettings
from makenaide.execution.settings import ExecutionSettings
from makenaide.pipeline.schedule import ScheduleSettings
from makenaide.risk.settings import RiskSettings
from makenaide.strategy.settings import StrategySettings

Settings = TypeVar("Settings")

FILE_NAME = "makenaide.toml"
_PREFIX = "MAKENAIDE_"
_PLAIN_NAMES = frozenset(
    {
        "MAKENAIDE_HOME",
        "MAKENAIDE_CONFIG",
        "MAKENAIDE_LANG",
        "MAKENAIDE_UPBIT_ACCESS_KEY",
        "MAKENAIDE_UPBIT_SECRET_KEY",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSettings:
    """The paper account."""

    krw: Decimal = parameter(Decimal(10_000_000), "KRW", "opening balance of a paper account", low=5_000)

    def __post_init__(self) -> None:
        require_in_range(self)

    @property
    def opening(self) -> Krw:
        """The won that a new paper account starts with."""
        return Krw(self.krw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every room's settings; the field names are the tables of the file."""

    paper: PaperSettings = field(default_factory=PaperSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    strategy: StrategySettings = field(default_factory=StrategySettings)
    risk: RiskSettings = field(default_factory=RiskSettings)
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    upbit: UpbitSettings = field(default_factory=UpbitSettings)
    market: GeneratorSettings = field(default_factory=GeneratorSettings)
    venue: VenueSettings = field(default_factory=VenueSettings)
    quota: QuotaSettings = field(default_factory=QuotaSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the process was started with: the data folder, the database, the language, the source of the config.

    `database_url` is None for the embedded default. The keys of the real exchange are read where they are used.
    """

    home: Path
    database_url: str | None
    language: str
    config_file: Path
    config: Config


def load(environ: Mapping[str, str] | None = None) -> Environment:
    """Read the environment and the file it points to; `Misconfigured` names the key and what was expected."""
    env = os.environ if environ is None else environ
    home = Path(env.get("MAKENAIDE_HOME") or platformdirs.user_data_dir("makenaide", appauthor=False)).expanduser()
    named = env.get("MAKENAIDE_CONFIG")
    file = Path(named).expanduser() if named else home / FILE_NAME
    values = _read(file, required=named is not None)
    _overlay(values, env)
    return Environment(
        home=home.absolute(),
        database_url=env.get("DATABASE_URL") or None,
        language=language(env),
        config_file=file,
        config=build(Config, values, ""),
    )


def tree(config: Any) -> dict[str, Any]:
    """The whole configuration as plain values, for `config show`, and for what identifies an account."""
    return {
        each.name: tree(value) if is_dataclass(value) and not isinstance(value, type) else _shown(value)
        for each in fields(config)
        for value in [getattr(config, each.name)]
    }


def _shown(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_shown(item) for item in value]
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        if required:
            raise Misconfigured(f"MAKENAIDE_CONFIG: no such file: {file}") from None
        return {}
    except (OSError, UnicodeDecodeError) as cause:
        raise Misconfigured(f"{file}: cannot be read: {cause}") from cause
    except tomllib.TOMLDecodeError as cause:
        raise Misconfigured(f"{file}: not TOML: {cause}") from cause


def _overlay(values: dict[str, Any], env: Mapping[str, str]) -> None:
    for name, text in sorted(env.items()):
        if not name.startswith(_PREFIX) or name in _PLAIN_NAMES:
            continue
        path = name.removeprefix(_PREFIX).lower().split("__")
        if len(path) < 2:
            raise Misconfigured(f"{name}: unknown variable{_near(name, _PLAIN_NAMES)}")
        table = values
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise Misconfigured(f"{name}: {part} is a value, not a table")
        table[path[-1]] = _literal(text)


def _literal(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        return text


def build(cls: type[Settings], values: Mapping[str, Any], path: str) -> Settings:
    """`values` as an instance of the settings class `cls`; `Misconfigured` names the key by its dotted path."""
    known = {each.name: each for each in fields(cls)}  # type: ignore[arg-type]
    hints = get_type_hints(cls)
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        where = f"{path}.{name}" if path else name
        if name not in known:
            raise Misconfigured(f"{where}: unknown setting{_near(name, known)}")
        chosen[name] = _value(hints[name], value, where)
    try:
        return cls(**chosen)
    except Misconfigured as cause:
        raise Misconfigured(f"{path}.{cause}" if path else str(cause)) from None


def _value(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise Misconfigured(f"{where}: expected a table, got {value!r}")
        return build(kind, value, where)
    if kind is float and isinstance(value, Decimal):
        value = float(value)
    try:
        return msgspec.convert(str(value) if kind is Decimal and isinstance(value, int) else value, kind)
    except msgspec.ValidationError as cause:
        raise Misconfigured(f"{where}: {str(cause)[0].lower()}{str(cause)[1:]}, which {value!r} is not") from None


def _near(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else f"; expected one of {', '.join(sorted(known))}"
