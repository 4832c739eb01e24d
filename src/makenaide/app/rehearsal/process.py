"""One process of the trader inside a rehearsal: everything that it holds in memory, opened in one place."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from makenaide.app.rehearsal.effects import CrashingDatabase, CrashingTransport, CrashingWatcher
from makenaide.app.rehearsal.exchange import KEYS, Exchange, Wire
from makenaide.app.rehearsal.eyes import SteppedEyes
from makenaide.app.rehearsal.fuse import Fuse
from makenaide.config import Config
from makenaide.domain.money import Krw
from makenaide.exchange.http import Transport
from makenaide.exchange.simulator.stepped import Remote, SteppedClock, SteppedWatcher
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.limiter import Limiter
from makenaide.execution.submit import Desk
from makenaide.ledger.postings import cash_postings
from makenaide.pipeline.cycle import CycleResult
from makenaide.pipeline.history import History
from makenaide.pipeline.loop import Patience, run_loop
from makenaide.pipeline.session import Session
from makenaide.store.accounts import Account, Lease, find_account, open_account
from makenaide.store.db import Database, Role, StoreSettings
from makenaide.store.journal import books, put_postings

SCHEMA = "rehearsal"
"""Where the rows of a rehearsal live, in a database of their own."""

ACCOUNT = "5ea5a1000000"

_PATIENCE = Patience(tries=None)
"""As on the wall clock: there is nothing better to do than to try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a process is opened on: the operator's rules, the venue, the database, and the run's slots; UTC."""

    config: Config
    exchange: Exchange
    conninfo: str
    first: datetime
    last: datetime
    desk: Callable[..., Desk] = Desk
    """How a desk is made: a test that plants a fault puts another one here."""


@dataclass(slots=True, kw_only=True)
class Process:
    """A trader that lives until `close`, or until its fuse burns through."""

    plan: Plan
    session: Session
    clock: SteppedClock
    db: CrashingDatabase

    def run(self, progress: Callable[[CycleResult], None]) -> bool:
        """The loop, to the account's last slot (True)."""
        return run_loop(self.session, progress, _PATIENCE)

    def close(self) -> None:
        """The process is gone: its connection closes, and with it the lease."""
        self.db.close()


def open_process(plan: Plan, clock: SteppedClock, fuse: Fuse) -> Process:
    """A new process, which remembers nothing but what was stored; dies as `fuse` says. `clock` outlives it."""
    settings = StoreSettings(schema=SCHEMA)
    db = CrashingDatabase.connect(plan.conninfo, role=Role.WRITER, settings=settings, application="rehearsal")
    try:
        db.burn = fuse.burn  # type: ignore[method-assign]
        clock.move_to(plan.exchange.venue.now)
        return _opened(plan, db, clock, fuse)
    except BaseException:
        db.close()
        raise


def _opened(plan: Plan, db: CrashingDatabase, clock: SteppedClock, fuse: Fuse) -> Process:
    config, exchange = plan.config, plan.exchange
    wire: Transport = Wire(exchange=exchange, clock=clock)
    venue = _client(config, CrashingTransport(inner=wire, burn=fuse.burn), clock, exchange.nonce)
    stepper = SteppedWatcher(remote=Remote(transport=wire, keys=KEYS, ids=exchange.nonce), clock=clock)
    eyes = CrashingWatcher(inner=SteppedEyes(exchange=exchange, clock=clock, stepper=stepper), burn=fuse.burn)
    lease = Lease(db, ACCOUNT, "rehearsal")
    account = replace(_account(plan, db), last_slot=plan.last)
    session = Session(
        account=account,
        db=db,
        lease=lease,
        venue=venue,
        watcher=eyes,
        clock=clock,
        desk=plan.desk(db=db, lease=lease, venue=venue, clock=clock, settings=config.execution),
        history=History(db, account.feed),
        strategy=config.strategy,
        risk=config.risk,
        schedule=config.schedule,
        stopping=lambda: False,
    )
    return Process(plan=plan, session=session, clock=clock, db=db)


def _client(config: Config, transport: Transport, clock: SteppedClock, nonce: Callable[[], str]) -> UpbitClient:
    rng = random.Random(1)  # noqa: S311 - jitter of retries, the same in every rehearsal
    return UpbitClient(
        transport=transport,
        limiter=Limiter(config.upbit.limiter, clock, rng),
        keys=KEYS,
        clock=clock,
        ids=nonce,
        rng=rng,
        settings=config.upbit.retry,
    )


def _account(plan: Plan, db: Database) -> Account:
    """The account's row, and the posting of its opening money."""
    account = find_account(db, ACCOUNT) or Account(
        account_id=ACCOUNT,
        venue="simulator",
        mode="paper",
        feed="rehearsal",
        installation=ACCOUNT[:4],
        identity={},
        settings={},
        first_slot=plan.first,
        last_slot=plan.last,
    )
    with db.transaction():
        open_account(db, account)
        if not books(db, ACCOUNT):
            put_postings(db, ACCOUNT, cash_postings("cash:opening", Krw(plan.exchange.won), plan.first))
    return account


def opening(plan: Plan) -> datetime:
    """When the first process of a run starts."""
    return plan.first + timedelta(seconds=plan.config.schedule.delay_seconds)


def won(config: Config) -> Decimal:
    """What the account opens with."""
    return Decimal(config.paper.krw)
