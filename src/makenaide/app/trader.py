"""Opening an account to trade on, or only to look at what is stored of it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from makenaide.app.clock import StopFlag
from makenaide.app.identity import Source, account_id, identity
from makenaide.app.venues import Market, open_market
from makenaide.config import Config, tree
from makenaide.domain.errors import Misconfigured
from makenaide.domain.money import Krw
from makenaide.environment import Environment
from makenaide.exchange.upbit.shares import Role
from makenaide.exchange.venue import Balance
from makenaide.execution.pausing import Paused
from makenaide.execution.reconcile.book import postings
from makenaide.execution.reconcile.facts import Booking
from makenaide.execution.submit import Desk
from makenaide.ledger.lots import LotChange
from makenaide.ledger.postings import cash_postings
from makenaide.pipeline.history import History
from makenaide.pipeline.loop import Patience, Progress, run_loop
from makenaide.pipeline.session import Session
from makenaide.store.accounts import Account, Lease, find_account, latest_account, open_account
from makenaide.store.db import Database
from makenaide.store.journal import books, put_postings
from makenaide.store.reconciliation import put_lots
from makenaide.store.runs import AuditEntry, latest_run, put_audit

OPENING = "cash:opening"
"""The source of an account's first postings."""

OPENING_COINS = "coins:opening"
"""The source of the coins that lay in the account already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An account by what it trades on: its fingerprint, and the folder of its world."""

    source: Source
    identity: Mapping[str, Any]
    account_id: str
    folder: Path


def wanted_account(env: Environment, source: Source) -> Wanted:
    """The account that `source` names under the present configuration."""
    data = identity(env.config, source)
    key = account_id(data)
    return Wanted(source=source, identity=data, account_id=key, folder=env.home / "accounts" / key)


def stored_account(db: Database, wanted: Wanted | None) -> Account:
    """The stored account that is meant, or the one used last; `Misconfigured` when there is none yet."""
    account = latest_account(db) if wanted is None else find_account(db, wanted.account_id)
    if account is None:
        raise Misconfigured("no such account yet: `makenaide run` with the same options opens it")
    return account


def stored_source(account: Account) -> Source:
    """The source that `account` was opened with, to open its venue again."""
    kept = account.settings
    return Source(
        kind=account.venue,
        seed=int(kept["seed"]),
        days=kept["days"],
        markets=int(kept["markets"]),
        replay=None if kept["replay"] is None else Path(kept["replay"]),
        endless=bool(kept["endless"]),
    )


def finished(db: Database, account: Account | None) -> bool:
    """Whether the account's run has reached its end."""
    if account is None or account.last_slot is None:
        return False
    run = latest_run(db, account.account_id)
    return run is not None and run.status == "done" and bool(run.slot >= account.last_slot)


@contextmanager
def open_session(
    config: Config, db: Database, wanted: Wanted, flag: StopFlag, *, only_look: bool = False
) -> Iterator[Session]:
    """Everything that trading on `wanted` needs; the lease is held until the block ends.

    `only_look`: a person's command, which keeps to a person's share of the venue's limits, and opens a new account
    only on a venue that answers. (A run opens it, and waits for the venue.)
    """
    pace = config.upbit.limiter.within(Role.PERSON) if only_look else config.upbit.limiter
    paced = replace(config, upbit=replace(config.upbit, limiter=pace))
    lease = Lease(db, wanted.account_id, f"process {os.getpid()}")
    try:
        with open_market(paced, wanted.source, wanted.folder, flag) as market:
            if only_look and find_account(db, wanted.account_id) is None:
                market.venue.markets()  # raises before an account is opened that would then be the one used last
            account = _opened(config, db, wanted, market)
            desk = Desk(
                db=db,
                lease=lease,
                venue=market.venue,
                clock=market.clock,
                settings=config.execution,
                permits=(Paused(db=db, account_id=account.account_id),),
            )
            yield Session(
                account=account,
                db=db,
                lease=lease,
                venue=market.venue,
                watcher=market.watcher,
                clock=market.clock,
                desk=desk,
                history=History(db, account.feed),
                strategy=config.strategy,
                risk=config.risk,
                schedule=config.schedule,
                stopping=flag,
            )
    finally:
        if not db.closed:
            lease.release()


def trade(session: Session, progress: Progress) -> bool:
    """Run the account's slots to their end (True) or until asked to stop (False); audited at both ends."""
    stepped = session.account.last_slot is not None
    _audit(session, "run.start", {})
    ended = run_loop(session, progress, Patience(tries=3 if stepped else None))
    _audit(session, "run.end" if ended else "run.stop", {})
    return ended


def _opened(config: Config, db: Database, wanted: Wanted, market: Market) -> Account:
    """The account's row, and the posting of its opening money: what the venue says it holds at the start."""
    stored = find_account(db, wanted.account_id)
    source = wanted.source
    account = stored or Account(
        account_id=wanted.account_id,
        venue=source.kind,
        mode="paper",
        feed="upbit" if source.kind == "upbit" else f"{source.kind}-{wanted.account_id}",
        installation=wanted.account_id[:4],
        identity=wanted.identity,
        settings={
            "seed": source.seed,
            "days": source.days,
            "markets": source.markets,
            "replay": None if source.replay is None else str(source.replay.absolute()),
            "endless": source.endless,
            "config": tree(config),
        },
        first_slot=market.first_slot,
        last_slot=market.last_slot,
    )
    held = market.venue.accounts()
    with db.transaction():
        open_account(db, account)
        if not books(db, account.account_id):
            won = Krw(held["KRW"].total)
            put_postings(db, account.account_id, cash_postings(OPENING, won, market.first_slot))
            _open_lots(db, account.account_id, held, market)
            entry = _entry(account, market.clock.now(), "account.open", {"krw": str(won)})
            put_audit(db, entry)
    return account


def _open_lots(db: Database, account_id: str, held: Mapping[str, Balance], market: Market) -> None:
    """Coins that lie in the account when it is opened are the person's."""
    coins = tuple(
        LotChange(currency=currency, quantity=balance.total, cost=None)
        for currency, balance in sorted(held.items())
        if currency != "KRW" and balance.total
    )
    booking = Booking(source=OPENING_COINS, at=market.first_slot, lots=coins)
    put_postings(db, account_id, postings(booking))
    put_lots(db, account_id, OPENING_COINS, coins, market.first_slot)


def _audit(session: Session, action: str, detail: Mapping[str, Any]) -> None:
    with session.db.transaction():
        session.lease.check()
        put_audit(session.db, _entry(session.account, session.clock.now(), action, detail))


def _entry(account: Account, at: datetime, action: str, detail: Mapping[str, Any]) -> AuditEntry:
    return AuditEntry(account_id=account.account_id, at=at, actor="trader", action=action, detail=detail)
