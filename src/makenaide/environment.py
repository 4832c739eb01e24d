"""What the process was started with: its variables and the configuration file; nothing else reads either.

A file `makenaide.toml` in the data folder (or the one that MAKENAIDE_CONFIG names) holds tables by room; single
values come from variables: MAKENAIDE_RISK__MAX_POSITIONS=5. The tree of settings itself (`config`) is made when it is
first asked for, so that a command that only looks does not load every room.
"""

import os
import tomllib
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from makenaide.catalogue import language
from makenaide.domain.errors import Misconfigured
from makenaide.domain.parameter import near

if TYPE_CHECKING:
    from makenaide.config import Config

FILE_NAME = "makenaide.toml"
ACCESS_NAME = "MAKENAIDE_UPBIT_ACCESS_KEY"
SECRET_NAME = "MAKENAIDE_UPBIT_SECRET_KEY"  # noqa: S105 - not a secret: the variable's name
WEBHOOK_NAME = "MAKENAIDE_WEBHOOK_URL"
_PREFIX = "MAKENAIDE_"
_SECRETS = (ACCESS_NAME, SECRET_NAME, WEBHOOK_NAME)
_PLAIN_NAMES = frozenset({"MAKENAIDE_HOME", "MAKENAIDE_CONFIG", "MAKENAIDE_LANG", *_SECRETS})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class UpbitSecrets:
    """The trading key as the process was given it; "" for a half that is missing. Shows in no text."""

    access: str = ""
    secret: str = ""

    def variables(self) -> dict[str, str]:
        """For a child process that must hold the key, and for no other: what to add to its environment."""
        given = {ACCESS_NAME: self.access, SECRET_NAME: self.secret}
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WebhookSecret:
    """The address that messages are posted to, which whoever knows it can post to; "" for none. Shows in no text."""

    url: str = ""

    def variables(self) -> dict[str, str]:
        """For a child process that delivers messages, and for no other: what to add to its environment."""
        return {WEBHOOK_NAME: self.url} if self.url else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The data folder, the database, the language, and the values that were configured, by table and name.

    `database_url` is None for the embedded default. `secrets` and `webhook` show in no text.
    """

    home: Path
    database_url: str | None
    language: str
    config_file: Path
    values: Mapping[str, Any]
    secrets: UpbitSecrets = field(default_factory=UpbitSecrets, repr=False)
    webhook: WebhookSecret = field(default_factory=WebhookSecret, repr=False)

    @property
    def config(self) -> "Config":
        """The whole configuration; `Misconfigured` names the key and what was expected."""
        from makenaide.config import Config, build  # noqa: PLC0415 - loads every room's settings

        return build(Config, self.values, "")


def load(environ: Mapping[str, str] | None = None) -> Environment:
    """Read the environment and the file it points to; `Misconfigured` names the key and what was expected."""
    env = os.environ if environ is None else environ
    home = data_folder(env)
    named = env.get("MAKENAIDE_CONFIG")
    file = Path(named).expanduser() if named else home / FILE_NAME
    values = _read(file, required=named is not None)
    _overlay(values, env)
    environment = Environment(
        home=home,
        database_url=env.get("DATABASE_URL") or None,
        language=language(env),
        config_file=file,
        values=values,
        secrets=UpbitSecrets(access=env.get(ACCESS_NAME, ""), secret=env.get(SECRET_NAME, "")),
        webhook=WebhookSecret(url=env.get(WEBHOOK_NAME, "")),
    )
    if values:
        _ = environment.config  # what somebody wrote is checked at once, whatever the command needs of it
    return environment


def forget_secrets(environ: MutableMapping[str, str]) -> None:
    """Take the secrets out of `environ`, so that no child process inherits them; call it once they have been read."""
    for name in _SECRETS:
        environ.pop(name, None)


def data_folder(env: Mapping[str, str]) -> Path:
    """The data folder, absolute; reads no file: the guard must start even when the configuration is broken."""
    named = env.get("MAKENAIDE_HOME") or platformdirs.user_data_dir("makenaide", appauthor=False)
    return Path(named).expanduser().absolute()


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        return read_toml(file.read_text(encoding="utf-8"), file)
    except FileNotFoundError:
        if required:
            raise Misconfigured(f"MAKENAIDE_CONFIG: no such file: {file}") from None
        return {}
    except (OSError, UnicodeDecodeError) as cause:
        raise Misconfigured(f"{file}: cannot be read: {cause}") from cause


def read_toml(text: str, where: object) -> dict[str, Any]:
    """The tables of `text`, fractions as Decimal; `Misconfigured` names `where` and what is wrong."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as cause:
        raise Misconfigured(f"{where}: not TOML: {cause}") from cause
    except RecursionError as cause:
        raise Misconfigured(f"{where}: nested too deeply") from cause
    except (ArithmeticError, ValueError) as cause:
        # The second: an integer of more than 4,300 digits.
        raise Misconfigured(f"{where}: not TOML: a number beyond all bounds") from cause


def _overlay(values: dict[str, Any], env: Mapping[str, str]) -> None:
    for name, text in sorted(env.items()):
        if not name.startswith(_PREFIX) or name in _PLAIN_NAMES:
            continue
        path = name.removeprefix(_PREFIX).lower().split("__")
        if len(path) < 2:
            raise Misconfigured(f"{name}: unknown variable{near(name, _PLAIN_NAMES)}")
        table = values
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise Misconfigured(f"{name}: {part} is a value, not a table")
        table[path[-1]] = _literal(text)


def _literal(text: str) -> Any:
    try:
        return read_toml(f"value = {text}", "value")["value"]
    except Misconfigured:
        return text
