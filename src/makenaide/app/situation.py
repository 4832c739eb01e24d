"""Where the system stands at home, for the planner. Starts nothing, claims nothing, and writes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from makenaide.app.clock import boot_seconds
from makenaide.app.detached import Living
from makenaide.app.guardpost import Post, Watch, latest_post
from makenaide.app.holder import held, trader_of
from makenaide.app.operation import State, Worker, process_of, read_operation, silent
from makenaide.app.parts import database_part
from makenaide.app.warden import unguarded
from makenaide.domain.errors import MakenaideError, Misconfigured, SchemaMismatch
from makenaide.environment import Environment
from makenaide.ops.plans.situation import Schema, Situation
from makenaide.ops.scene import Part, PartState
from makenaide.store.accounts import find_account, latest_account
from makenaide.store.db import Database, Role
from makenaide.store.migrate import applied, require_current
from makenaide.store.modes import Mode
from makenaide.store.switch import address, kept_up, made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    """What the database tells, if it can be asked as it stands."""

    account: str | None
    stored: bool | None = None
    schema: Schema = Schema.UNSEEN
    trader: bool = False
    holding: int | None = None


def situation(env: Environment, mode: Mode, account: str | None, *, live: bool) -> Situation:
    """How everything stands for `account` (None: the one used last) of `mode`; `live`: it trades with a real key."""
    ours = env.database_url is None
    never = Part(name="database", state=PartState.DOWN, word="never made", wanted=None)
    database = never if ours and not made(env.home) else database_part(env)
    books = _books(env, mode, account)
    if books.account is None and books.schema is Schema.UNSEEN:
        books = replace(books, account=_guarded_last(env.home))
    operation = read_operation(env.home)
    guard = None if books.account is None else Post(env.home / "accounts" / books.account)
    beat = None if guard is None else guard.heartbeat()
    return Situation(
        database=database.state,
        ours=ours,
        kept_up=not ours or (database.state is PartState.UP and kept_up(env.home)),
        account=books.account,
        stored=False if ours and database.word == "never made" else books.stored,
        live=live,
        schema=Schema.MISSING if ours and database.word == "never made" else books.schema,
        trader=books.trader,
        guard=guard is not None and guard.standing(boot_seconds()).watch is Watch.WATCHING,
        steward=steward_of(env.home) is not None,
        hung=steward_of(env.home) is not None and keeper_of(env.home) is None,
        holding=books.holding,
        guarded=0 if beat is None else beat.stops,
        stopped=operation is not None and operation.state is State.STOPPED,
    )


def steward_of(home: Path) -> Living | None:
    """The living steward of `home`."""
    steward = process_of(home, Worker.STEWARD)
    return steward if steward is not None and steward.alive else None


def keeper_of(home: Path) -> Living | None:
    """The living steward of `home` that gives signs of life: one that hangs keeps no schedule."""
    return None if silent(home, Worker.STEWARD) else steward_of(home)


def trader_on(db: Database, account: str) -> Living | None:
    """The living trading process that holds the account's lease."""
    holder = held(db, account)
    trader = None if holder is None else trader_of(holder)
    return trader if trader is not None and trader.alive else None


def _guarded_last(home: Path) -> str | None:
    """The account whose guard was told last what to do: all that is known while the database is down."""
    try:
        return latest_post(home / "accounts").account.name
    except Misconfigured:
        return None


def _books(env: Environment, mode: Mode, account: str | None) -> _Books:
    found = _Books(account=account)
    with suppress(MakenaideError), _looking(env, mode) as db:
        if db is not None:
            found = _asked(db, account)
    return found


@contextmanager
def _looking(env: Environment, mode: Mode) -> Iterator[Database | None]:
    """A reader of the database as it stands; None where it is down."""
    where = env.database_url or address(env.home)
    if where is None:
        yield None
        return
    with Database.connect(where, role=Role.READER, settings=mode.settings) as db:
        yield db


def _asked(db: Database, account: str | None) -> _Books:
    try:
        require_current(db)
    except SchemaMismatch:
        schema = Schema.OLDER if applied(db) else Schema.MISSING
        return _Books(account=account, schema=schema, stored=False if schema is Schema.MISSING else None)
    meant = latest_account(db) if account is None else find_account(db, account)
    if meant is None:
        return _Books(account=account, schema=Schema.CURRENT, stored=False)
    return _Books(
        account=meant.account_id,
        stored=True,
        schema=Schema.CURRENT,
        trader=trader_on(db, meant.account_id) is not None,
        holding=unguarded(db, meant.account_id),
    )
