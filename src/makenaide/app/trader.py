"""Opening an account to trade on, or only to look at what is stored of it."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from makenaide.app.assembly import Ground, assemble
from makenaide.app.clock import StopFlag
from makenaide.app.guarding import hold
from makenaide.app.holder import holder_name
from makenaide.app.identity import rows_of
from makenaide.app.late import Opened
from makenaide.app.operation import Worker, note_start
from makenaide.app.permits import permits
from makenaide.app.scene import scenes_within
from makenaide.app.venues import Market, live_market, open_market
from makenaide.app.wanted import Wanted
from makenaide.config import Config, tree
from makenaide.domain.clock import Clock
from makenaide.domain.errors import LiveClosed, MakenaideError
from makenaide.domain.money import Krw
from makenaide.environment import Environment
from makenaide.exchange.upbit.shares import Role
from makenaide.exchange.venue import Balance
from makenaide.execution.disk import Disk
from makenaide.execution.halt import FILE_NAME, HaltFile
from makenaide.execution.reconcile.book import postings
from makenaide.execution.reconcile.facts import Booking
from makenaide.execution.steadiness import Steadiness, SteadyTime
from makenaide.ledger.lots import LotChange
from makenaide.ledger.postings import cash_postings
from makenaide.monitoring.measures import flush
from makenaide.monitoring.watching import registry_of
from makenaide.ops.gate import Gate
from makenaide.pipeline.loop import Patience, Progress, run_loop
from makenaide.pipeline.session import Session
from makenaide.store.accounts import Account, Lease, find_account, open_account
from makenaide.store.db import Database
from makenaide.store.journal import put_postings
from makenaide.store.modes import Mode, require_mode
from makenaide.store.reconciliation import opening, put_lots
from makenaide.store.runs import AuditEntry, put_audit

log = logging.getLogger(__name__)

OPENING = "cash:opening"
"""The source of an account's first postings."""

OPENING_COINS = "coins:opening"
"""The source of the coins that lay in the account already."""


@contextmanager
def open_session(
    env: Environment, db: Database, wanted: Wanted, flag: StopFlag, *, only_look: bool = False
) -> Iterator[Session]:
    """Everything that trading on `wanted` needs; the lease is held until the block ends.

    `only_look`: a person's command, which keeps to a person's share of the venue's limits, and opens a new account
    only on a venue that answers. (A run opens it, and waits for the venue.)
    """
    config = env.config
    pace = config.upbit.limiter.within(Role.PERSON) if only_look else config.upbit.limiter
    paced = replace(config, upbit=replace(config.upbit, limiter=pace))
    lease = Lease(db, wanted.account_id, holder_name(command=only_look))
    try:
        with _market(paced, db, wanted, flag) as market, _measured(db, wanted.account_id, market.clock):
            if only_look and find_account(db, wanted.account_id) is None:
                market.venue.markets()  # raises before an account is opened that would then be the one used last
            account = _opened(config, db, wanted, market)
            yield _session(env, _Books(db, lease), (wanted, account, market), flag)
    finally:
        if not db.closed:
            lease.release()


@dataclass(frozen=True, slots=True)
class _Books:
    db: Database
    lease: Lease


def _session(env: Environment, ledger: _Books, meant: tuple[Wanted, Account, Market], flag: StopFlag) -> Session:
    """The desk, the guard, the gate and all that a cycle works with."""
    config = env.config
    wanted, account, market = meant
    guard = hold(config, market, account.account_id, wanted.folder)
    files = Disk()
    halt = HaltFile(files=files, path=wanted.home / FILE_NAME)
    at = Opened(venue=market.venue, clock=market.clock)
    scene = scenes_within(env, ledger.db, account, at)
    gate = Gate(db=ledger.db, account_id=account.account_id, clock=market.clock, scene=scene)
    # Stepped time is its trader's alone: nothing sets it, and it sleeps with the machine.
    stepped = account.last_slot is not None
    steadiness = None if stepped else Steadiness(market.clock.now, time.monotonic, config.operations.part_seconds)
    ground = Ground(
        account=account,
        db=ledger.db,
        lease=ledger.lease,
        venue=market.venue,
        clock=market.clock,
        files=files,
        folder=guard.folder,
        key=guard.key,
        link=guard.link,
        vigil=guard.vigil,
        halt=halt,
        ready=gate,
        notices=market.endings,
        steadiness=steadiness,
    )
    allowed = [*permits(config, ledger.db, account, halt, market.clock), gate]
    if steadiness is not None:
        allowed.append(SteadyTime(steadiness=steadiness))
    return assemble(config, ground, permits=tuple(allowed), stopping=flag)


def _market(config: Config, db: Database, wanted: Wanted, flag: StopFlag) -> AbstractContextManager[Market]:
    if not wanted.source.live:
        return open_market(config, wanted.source, wanted.folder, flag, registry_of(db))
    if wanted.admission is None or wanted.admission.account_id != wanted.account_id:
        raise LiveClosed("--mode live: this account was not admitted: `makenaide live check` says why")
    require_mode(db, rows_of(config, wanted.source))  # before anything is asked of the venue
    return live_market(config, wanted.admission.keys, flag, registry_of(db))


@contextmanager
def _measured(db: Database, account_id: str, clock: Clock) -> Iterator[None]:
    """In the end what no cycle has kept of the measures is kept; no fault of that is worth a word to the caller."""
    try:
        yield
    finally:
        if not db.closed:
            try:
                flush(db, account_id, registry_of(db), clock.now())
            except MakenaideError as cause:
                log.warning("measures are lost", extra={"action": "measures.lost", "cause": str(cause)})


def trade(session: Session, progress: Progress) -> bool:
    """Run the account's slots to their end (True) or until asked to stop (False); audited at both ends."""
    note_start(session.measures, Worker.TRADER)
    stepped = session.account.last_slot is not None
    _audit(session, "run.start", {})
    ended = run_loop(session, progress, Patience(tries=3 if stepped else None))
    _audit(session, "run.end" if ended else "run.stop", {})
    return ended


def _opened(config: Config, db: Database, wanted: Wanted, market: Market) -> Account:
    """The account's row, and the posting of its opening money: what the venue says it holds at the start."""
    stored = find_account(db, wanted.account_id)
    source, mode = wanted.source, rows_of(config, wanted.source)
    # Live trading that is only rehearsed: its prices are a simulator's, and its rows paper.
    venue = "simulator" if source.live and mode is Mode.PAPER else source.kind
    account = stored or Account(
        account_id=wanted.account_id,
        venue=venue,
        mode=mode,
        feed="upbit" if venue == "upbit" else f"{venue}-{wanted.account_id}",
        installation=wanted.account_id[:4],
        identity=wanted.identity,
        settings={
            "seed": source.seed,
            "days": source.days,
            "markets": source.markets,
            "replay": None if source.replay is None else str(source.replay.absolute()),
            "endless": source.endless,
            "live": source.live,
            "config": tree(config),
        },
        first_slot=market.first_slot,
        last_slot=market.last_slot,
    )
    # An account that is open already is opened again while its venue is down: what is stored can be seen to.
    opened = stored is not None and opening(db, account.account_id) is not None
    held = {} if opened else market.venue.accounts()
    with db.transaction():
        open_account(db, account)
        if not opened:
            won = Krw(held["KRW"].total if "KRW" in held else 0)
            if won:  # none is opened with nothing: what happened before is never booked
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
