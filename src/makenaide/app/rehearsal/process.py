"""One process of the trader inside a rehearsal: everything that it holds in memory, opened in one place."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from makenaide.app.assembly import Ground, assemble
from makenaide.app.rehearsal.effects import CrashingDatabase, CrashingFiles, CrashingTransport, CrashingWatcher
from makenaide.app.rehearsal.exchange import KEYS, Exchange, Wire
from makenaide.app.rehearsal.eyes import SteppedEyes
from makenaide.app.rehearsal.fuse import Fuse
from makenaide.app.rehearsal.memory import MemoryFiles
from makenaide.app.rehearsal.watchman import Watchman
from makenaide.config import Config
from makenaide.domain.market import Market
from makenaide.domain.money import Krw
from makenaide.domain.order import PositionId
from makenaide.exchange.http import Transport
from makenaide.exchange.simulator.stepped import Remote, SteppedClock, SteppedWatcher
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.exchange.upbit.limiter import Limiter
from makenaide.exchange.venue import Watcher
from makenaide.execution.disk import Files
from makenaide.execution.drain import Drain, Policy
from makenaide.execution.guard.guard import STOPS, Guard
from makenaide.execution.guard.stock import GuardParts
from makenaide.execution.guard.stops import decode
from makenaide.execution.halt import HaltFile, HaltPermit
from makenaide.execution.reconcile import Reconciliation, reconcile
from makenaide.execution.submit import Desk
from makenaide.ledger.postings import cash_postings
from makenaide.pipeline.cycle import CycleResult
from makenaide.pipeline.loop import Patience, run_loop
from makenaide.pipeline.session import Session
from makenaide.store.accounts import Account, Lease, find_account, open_account
from makenaide.store.db import Database, Role, StoreSettings
from makenaide.store.journal import books, put_postings
from makenaide.store.reconciliation import open_findings
from makenaide.store.wishes import paused_markets

SCHEMA = "rehearsal"
"""Where the rows of a rehearsal live, in a database of their own."""

ACCOUNT = "5ea5a1000000"
"""The account of the books."""

HALT = Path("/home/halt.json")
"""The kill switch of a rehearsal's own files."""

_FOLDER = Path("/guard")
_KEY = b"k" * 32
_DRAIN_SECONDS = 120.0

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
    files: MemoryFiles = field(default_factory=MemoryFiles)
    desk: Callable[..., Desk] = Desk
    """How a desk is made: a test that plants a fault puts another one here."""


@dataclass(slots=True, kw_only=True)
class Process:
    """A trader and a guard that live until `close`, or until their fuse burns through."""

    plan: Plan
    session: Session
    watchman: Watchman
    clock: SteppedClock
    db: CrashingDatabase

    def run(self, progress: Callable[[CycleResult], None]) -> bool:
        """The loop, to the account's last slot (True), and then the drain."""
        ended = run_loop(self.session, progress, _PATIENCE)
        if ended:
            Drain(
                desk=self.session.desk,
                keeper=self.session.keeper,
                account_id=ACCOUNT,
                policy=Policy.CANCEL,
                seconds=_DRAIN_SECONDS,
                going_on=lambda: True,
            ).run()
        return ended

    def reconciled(self) -> Reconciliation:
        """What the guard did comes into the books, and they are compared with the venue, both ways."""
        self.session.keeper.take_in()
        return reconcile(self.session.desk, ACCOUNT)

    def outlived(self, until: datetime) -> None:
        """The trader is dead, his connection closed; the guard goes on by itself up to `until`."""
        while self.clock.now() < until:
            self.watchman.until(until, lambda: False)

    def close(self) -> None:
        """The process is gone: its connection closes, and with it the lease."""
        self.db.close()


def open_process(plan: Plan, clock: SteppedClock, fuse: Fuse, alone: Callable[[], bool]) -> Process:
    """A new process, which remembers nothing but what was stored; dies as `fuse` says. `clock` outlives it.

    `alone`: whether a death inside the guard's work is the guard's only.
    """
    settings = StoreSettings(schema=SCHEMA)
    db = CrashingDatabase.connect(plan.conninfo, role=Role.WRITER, settings=settings, application="rehearsal")
    try:
        db.burn = fuse.burn
        clock.move_to(plan.exchange.venue.now)
        return _opened(plan, db, (clock, fuse, alone))
    except BaseException:
        db.close()
        raise


def _opened(plan: Plan, db: CrashingDatabase, fate: tuple[SteppedClock, Fuse, Callable[[], bool]]) -> Process:
    config, exchange = plan.config, plan.exchange
    clock, fuse, alone = fate
    halt = HaltFile(files=plan.files, path=HALT)

    def forbids(position: str) -> list[str]:
        market = Market(position.rpartition("-")[0])
        wanted = {
            "nothing_bought_forbidden": halt.halt() is None and market not in paused_markets(db, ACCOUNT),
            "nothing_bought_closed": all(each.market not in (None, market) for each in open_findings(db, ACCOUNT)),
            "guarded_before_sent": position in watchman.holds(),
        }
        return [law for law, kept in wanted.items() if not kept]

    wire: Transport = Wire(exchange=exchange, clock=clock, forbids=forbids)
    venue = _client(config, CrashingTransport(inner=wire, burn=fuse.burn), clock, exchange.nonce)
    stepper = SteppedWatcher(remote=Remote(transport=wire, keys=KEYS, ids=exchange.nonce), clock=clock)
    eyes = CrashingWatcher(inner=SteppedEyes(exchange=exchange, clock=clock, stepper=stepper), burn=fuse.burn)
    files = CrashingFiles(inner=plan.files, burn=fuse.burn)
    lease = Lease(db, ACCOUNT, "rehearsal")
    account = replace(_account(plan, db), last_slot=plan.last)
    watchman = Watchman(make=lambda: _guard(plan, (venue, eyes, files), clock), clock=clock, alone=alone)
    ground = Ground(
        account=account,
        db=db,
        lease=lease,
        venue=venue,
        clock=clock,
        files=files,
        folder=_FOLDER,
        key=_KEY,
        link=watchman,
        vigil=watchman,
        halt=halt,
    )
    session = assemble(config, ground, permits=(HaltPermit(source=halt),), desk=plan.desk)
    return Process(plan=plan, session=session, watchman=watchman, clock=clock, db=db)


def _guard(plan: Plan, ports: tuple[UpbitClient, Watcher, Files], clock: SteppedClock) -> Guard:
    venue, eyes, files = ports
    return Guard(
        GuardParts(
            account_id=ACCOUNT,
            folder=_FOLDER,
            key=_KEY,
            files=files,
            venue=venue,
            watcher=eyes,
            clock=clock,
            settings=plan.config.execution,
            risk=plan.config.risk,
        )
    )


def guarded(plan: Plan) -> frozenset[PositionId]:
    """The positions in the stops file, as it stands."""
    content = plan.files.read(_FOLDER / STOPS)
    return frozenset() if content is None else frozenset(each.position_id for each in decode(content, _KEY).stops)


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
