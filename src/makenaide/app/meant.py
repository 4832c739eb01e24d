"""Which account a start or a stop means, and the options by which its trader and its steward are called."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from makenaide.app.identity import mode_of, named, source, stored_source
from makenaide.app.operation import Operation, read_operation
from makenaide.app.wanted import Wanted, wanted_account
from makenaide.domain.errors import Misconfigured
from makenaide.environment import Environment
from makenaide.store.accounts import Account, find_account, latest_account
from makenaide.store.db import Database
from makenaide.store.modes import Mode

_NUMBERS = ("seed", "days", "markets")
_WORDS = ("exchange",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What the command line means.

    `options`: the source options as a mapping, of the command line or of the last start; `named`: whether the command
    line names the account. `before`: what the last plan left.
    """

    options: Mapping[str, Any]
    named: bool
    mode: Mode
    before: Operation | None

    @property
    def arguments(self) -> tuple[str, ...]:
        """The options as they stand on a command line."""
        return arguments_of(self.options)


def meant(env: Environment, asked: Mapping[str, Any]) -> Meant:
    """The account that `asked` names; without a name the one that was started last, else the endless simulator."""
    before = read_operation(env.home)
    told = named(asked)
    if told:
        options = dict(asked)
    elif before is not None and before.arguments:
        options = options_of(before.arguments)
    else:
        options = {"endless": True}
    return Meant(options=options, named=told, mode=mode_of(env.config, options), before=before)


def to_start(env: Environment, about: Meant) -> Wanted:
    """The account to be started; `Misconfigured` for one whose time is stepped: it runs to its end by `run`."""
    wanted = source(env.config, about.options)
    if not wanted.endless:
        raise Misconfigured(
            "start: this account has its own time and needs no schedule: `makenaide run` trades it to its end;"
            " for the wall clock add --endless, or --exchange upbit"
        )
    return wanted_account(env, wanted)


def to_stop(env: Environment, about: Meant, db: Database) -> Wanted | None:
    """The stored account to be stopped: the one named, else the one started last, else used last; None without any.

    `Misconfigured` when one is named that was never opened.
    """
    if about.named:
        wanted = wanted_account(env, source(env.config, about.options))
        if find_account(db, wanted.account_id) is None:
            raise Misconfigured("no such account yet: `makenaide run` or `start` with the same options opens it")
        return wanted
    account = None
    if about.before is not None and about.before.account is not None:
        account = find_account(db, about.before.account)
    account = account or latest_account(db)
    return None if account is None else of_stored(env, account)


def of_stored(env: Environment, account: Account) -> Wanted:
    """`account` as it was opened, whatever the configuration has become since."""
    wanted = wanted_account(env, stored_source(account))
    folder = env.home / "accounts" / account.account_id
    return replace(wanted, identity=account.identity, account_id=account.account_id, folder=folder)


def arguments_of(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The source options as they stand on a command line."""
    found: list[str] = []
    for name in (*_NUMBERS, "replay", *_WORDS):
        value = options.get(name)
        if value is not None:
            found += [f"--{name}", str(value.absolute() if isinstance(value, Path) else value)]
    if options.get("mode") == Mode.LIVE:
        found += ["--mode", "live"]
    if options.get("endless"):
        found.append("--endless")
    return tuple(found)


def options_of(arguments: tuple[str, ...]) -> dict[str, Any]:
    """What `arguments_of` was made of; `Misconfigured` for anything else."""
    left, options = list(arguments), dict[str, Any]()
    while left:
        name = left.pop(0).removeprefix("--")
        if name == "endless":
            options[name] = True
            continue
        try:
            value = left.pop(0)
            options[name] = int(value) if name in _NUMBERS else Path(value) if name == "replay" else value
        except (IndexError, ValueError) as cause:
            raise Misconfigured(f"operation.json: its arguments make no sense: {' '.join(arguments)}") from cause
    return options
