"""Draining an account from outside its trading process: that one ends first, then what is open is seen to."""

from dataclasses import dataclass

from makenaide.app.clock import StopFlag, boot_seconds
from makenaide.app.detached import Living
from makenaide.app.guardian import ensure_guard, stop_guard
from makenaide.app.guardpost import Post, Watch
from makenaide.app.holder import relieve_trader
from makenaide.app.live import admitted
from makenaide.app.trader import open_session
from makenaide.app.wanted import Wanted
from makenaide.app.warden import orders_for, relieve, unguarded
from makenaide.domain.errors import MakenaideError, Unavailable
from makenaide.environment import Environment
from makenaide.execution.drain import Drain, Drained, Left, Leftover, Policy
from makenaide.pipeline.session import Session
from makenaide.store.accounts import Account, find_account
from makenaide.store.db import Database
from makenaide.store.orders import unsettled_orders

_TRADER_SECONDS = 30.0
"""So long a trading process may take to end: what it waits for ends with its sleep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a person wants an account drained; `seconds` for what is open, after the trading process has ended."""

    policy: Policy
    seconds: float
    accept_unguarded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied:
    """What it came to: the trading process that was ended (if one ran), and the guard that still stands."""

    drained: Drained
    trader: Living | None
    guard: int | None


def drain_account(env: Environment, db: Database, wanted: Wanted, asked: Asked, flag: StopFlag) -> Emptied:
    """Drain the account of `wanted`; buys are halted by whoever calls.

    Its trading process is asked to end and waited for, never killed. Positions stay with the guard, which is started
    if it is missing; where nothing is open, or the person accepts it, it is ended. Nothing is sold.
    """
    # Whatever may refuse does so before anybody is ended; leaving needs less than buying (law 1).
    ready = admitted(env, db, wanted, leaving=True)
    if not asked.accept_unguarded:
        _guard_first(env, db, wanted)
    trader, holder = relieve_trader(db, wanted.account_id, _TRADER_SECONDS)
    if holder is not None:
        drained = _stopped(db, wanted.account_id, Left(kind=Leftover.PROCESS, name=holder, cause="does not end"))
    else:
        try:
            with open_session(env, db, ready, flag, only_look=True) as session:
                drained = _drain(env, session, wanted, (asked, flag))
        except Unavailable as cause:
            drained = _stopped(
                db, wanted.account_id, Left(kind=Leftover.UNKNOWN, name="the venue", cause=str(cause))
            )
    guard = Post(wanted.folder).on_duty()
    return Emptied(drained=drained, trader=trader, guard=guard.pid if guard is not None and guard.alive else None)


def _guard_first(env: Environment, db: Database, wanted: Wanted) -> None:
    """A guard for what is held, before its trader and its keeper end, and whatever the venue answers afterwards."""
    account = find_account(db, wanted.account_id)
    watched = Post(wanted.folder).standing(boot_seconds()).watch is Watch.WATCHING
    if account is not None and account.last_slot is None and not watched and unguarded(db, account.account_id):
        _require_guard(env, account, wanted)


def _drain(env: Environment, session: Session, wanted: Wanted, about: tuple[Asked, StopFlag]) -> Drained:
    asked, flag = about
    account, folder = session.account, wanted.folder
    stepped = account.last_slot is not None  # then the guard lives in the process that moves the time
    if not stepped and not asked.accept_unguarded and unguarded(session.db, account.account_id):
        _require_guard(env, account, wanted)
    drained = Drain(
        desk=session.desk,
        keeper=session.keeper,
        account_id=account.account_id,
        policy=asked.policy,
        seconds=asked.seconds,
        going_on=lambda: not flag(),
        dismiss=(lambda: stop_guard(folder)) if asked.accept_unguarded else None,
    ).run()
    if not stepped and not asked.accept_unguarded:
        relieve(session.db, account.account_id, folder)
    return drained


def _require_guard(env: Environment, account: Account, wanted: Wanted) -> None:
    """One that is missing is started; one that does not start leaves its positions bare, and draining says so."""
    secrets = env.secrets.variables() if wanted.source.live else None
    try:
        ensure_guard(wanted.folder, orders_for(env.config, account), secrets)
    except (MakenaideError, OSError):
        return


def _stopped(db: Database, account_id: str, cause: Left) -> Drained:
    """Nothing could be done: every order that is not at its end is left, and every position in doubt with it."""
    orders = tuple(
        Left(kind=Leftover.ORDER, name=order.identifier, cause=str(order.life.state))
        for order in unsettled_orders(db, account_id)
    )
    return Drained(left=(cause, *orders))
