"""A trader in process: real database, real client, the simulated venue behind its face, time in our hands."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from makenaide.app.assembly import Ground, assemble
from makenaide.app.guarding import InlineLink
from makenaide.config import Config
from makenaide.domain.intent import StoredOrder
from makenaide.domain.market import Market, base_of
from makenaide.domain.money import Krw, Price, Quantity
from makenaide.domain.order import (
    Leg,
    OrderRequest,
    OrderType,
    Side,
    TimeInForce,
    identifier,
    position_id,
)
from makenaide.domain.reason import Exit
from makenaide.exchange.simulator.core.commandlog import CommandLog, rebuild
from makenaide.exchange.simulator.core.venue import Venue
from makenaide.exchange.simulator.prices.tape import Tape
from makenaide.exchange.simulator.rest.face import Face
from makenaide.exchange.simulator.settings import ALL_SCOPES, ApiKey, FaceSettings, VenueSettings
from makenaide.exchange.simulator.stepped import Remote, SteppedClock, SteppedWatcher
from makenaide.exchange.upbit.auth import Keys
from makenaide.exchange.upbit.client import UpbitClient
from makenaide.execution.disk import Disk, Files
from makenaide.execution.guard.guard import Guard
from makenaide.execution.guard.stock import GuardParts
from makenaide.execution.portfolio import Position, open_positions
from makenaide.execution.settings import ExecutionSettings
from makenaide.execution.submit import Desk
from makenaide.ledger.postings import cash_postings, difference
from makenaide.pipeline.cycle import CycleResult
from makenaide.pipeline.interlude import take_in
from makenaide.pipeline.loop import Patience, run_loop
from makenaide.pipeline.schedule import ScheduleSettings
from makenaide.pipeline.session import Session
from makenaide.risk.exits import ExitSignal
from makenaide.risk.settings import RiskSettings
from makenaide.store.accounts import Account, Lease, find_account, open_account
from makenaide.store.db import Database
from makenaide.store.journal import StoredStop, all_fills, books, flaws, put_postings, put_stop
from makenaide.strategy.settings import StrategySettings
from tests.contract.charts import FIRST
from tests.contract.faults import FaultyTransport, Stamped
from tests.unit.upbit_script import client_of

NAME = "paper"
KEYS = Keys(access="access-of-the-tests", secret="s" * 64)
STRATEGY = StrategySettings(
    ma_days=20, slope_days=5, slope_on=0.1, dwell=1, pivot_days=5, volume_multiple=0, reach=100, min_history=30
)
"""Rules that need no more than the charts' forty days."""

RISK = RiskSettings()
WON = Decimal(10_000_000)
_NONCES = count()


@dataclass(slots=True, kw_only=True)
class Exchange:
    """The simulated venue over `tape`; with a `folder` it can be killed and comes back from its command log."""

    tape: Tape
    settings: VenueSettings = field(default_factory=VenueSettings)
    folder: Path | None = None
    guard: Path = field(init=False)
    won: Decimal = WON
    scopes: frozenset[str] = ALL_SCOPES
    venue: Venue = field(init=False)
    face: Face = field(init=False)
    log: CommandLog | None = None

    def __post_init__(self) -> None:
        self.guard = Path(tempfile.mkdtemp(prefix="guard-")) if self.folder is None else self.folder / "guard"
        self.guard.mkdir(exist_ok=True)
        self.start()

    def start(self) -> None:
        """Open for business, or open again after `kill`."""
        self.venue = Venue(self.tape, self.settings)
        if self.folder is not None:
            self.log = rebuild(self.venue, self.folder / "commands.log", "tests")
        if NAME not in self.venue.accounts:
            self.venue.open_account(NAME, {"KRW": self.won})
        keys = [ApiKey(access=KEYS.access, secret=KEYS.secret, account=NAME, scopes=self.scopes)]
        self.face = Face(self.venue, keys, FaceSettings())

    def kill(self) -> None:
        """Forget everything that is not in the command log."""
        if self.log is not None:
            self.log.close()

    def balances(self) -> dict[str, Decimal]:
        """What the customer holds, free and locked."""
        return {currency: holding.total for currency, holding in self.venue.accounts[NAME].wallet}

    def deposit(self, currency: str, amount: Decimal) -> None:
        """A person moved money or coins in (or out) behind the books."""
        self.venue.accounts[NAME].wallet.credit(currency, amount)

    def placed(self) -> list[str]:
        """The identifiers of all orders the venue ever took."""
        return [str(order.ticket.identifier) for order in self.venue.accounts[NAME].orders.values()]

    def trades(self) -> dict[str, Decimal]:
        """All trades of the customer: their volumes by their ids."""
        orders = self.venue.accounts[NAME].orders.values()
        return {trade.uuid: trade.volume for order in orders for trade in order.trades}


@dataclass(slots=True, kw_only=True)
class Trader:
    """A session and everything around it."""

    exchange: Exchange
    session: Session
    clock: SteppedClock
    wire: FaultyTransport
    guard: Guard
    seen: list[CycleResult] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        return self.session.desk

    @property
    def db(self) -> Database:
        return self.session.db

    @property
    def account(self) -> Account:
        return self.session.account

    def run(self, patience: Patience | None = None) -> bool:
        """The loop, to the account's last slot."""
        return run_loop(self.session, self.seen.append, patience or Patience(tries=3))

    def watch(self, moment: datetime) -> None:
        """The guard watches until `moment`, and what it does comes into the books."""
        take_in(self.session)
        while self.clock.now() < moment:
            self.guard.until(moment, lambda: False)
            take_in(self.session)

    def positions(self) -> tuple[Position, ...]:
        """What is open."""
        return open_positions(self.db, self.account.account_id)

    def reopened(self, **settings: Any) -> "Trader":
        """The same account in a new process: nothing is remembered but what was stored."""
        self.session.lease.release()
        return open_trader(self.db, self.exchange, last_slot=self.account.last_slot, clock=self.clock, **settings)

    def entry(
        self,
        market: Market,
        volume: str,
        *,
        price: str | None = None,
        atr: str = "1",
        created_at: datetime | None = None,
        slot: datetime = FIRST,
    ) -> StoredOrder:
        """An entry (at the best ask if no price is given) and, stored with it, its stop 5 % below."""
        limit = Price(price or self.exchange.venue.floor.book(market).asks[0][0])
        position = position_id(market, slot)
        at = created_at or self.clock.now()
        with self.db.transaction():
            stop = StoredStop(at=at, price=limit.scale(Decimal("0.95")), kind=Exit.HARD_STOP, high_water=limit)
            put_stop(self.db, self.account.account_id, position, stop)
        request = OrderRequest(
            market=market,
            side=Side.BID,
            type=OrderType.LIMIT,
            identifier=identifier(self.account.installation, position, Leg.ENTRY, 1),
            price=limit,
            volume=Quantity(volume),
            time_in_force=TimeInForce.IOC,
        )
        return StoredOrder(
            request=request,
            account_id=self.account.account_id,
            position_id=position,
            decision_id=None,
            leg=Leg.ENTRY,
            number=1,
            reason="entry",
            evidence={"atr_percent": atr},
            created_at=at,
        )

    def buy(self, market: Market, volume: str, **more: Any) -> StoredOrder:
        """Enter by hand."""
        return self.send(self.entry(market, volume, **more))

    def send(self, order: StoredOrder) -> StoredOrder:
        """Submit `order`, which nothing forbids."""
        sent = self.desk.submit(lambda: order)
        assert isinstance(sent, StoredOrder), sent
        return sent

    def laws(self) -> None:
        """The laws of money that hold at every moment of rest."""
        key = self.account.account_id
        assert flaws(self.db, key) == ()
        assert difference(books(self.db, key), self.exchange.balances(), Decimal(0), Decimal(0)) == ()
        placed = self.exchange.placed()
        assert len(placed) == len(set(placed)), "no identifier twice"
        posted: dict[str, Decimal] = {}
        for each in all_fills(self.db, key):
            before = posted.get(each.fill.trade_uuid, Decimal(0))
            posted[each.fill.trade_uuid] = before + each.fill.volume.value
        assert posted == self.exchange.trades(), "each trade posted once, whole"
        held = {base_of(each.market) for each in self.positions()}
        assert held == self.exchange.balances().keys() - {"KRW"}

    def events(self, order: StoredOrder) -> list[str]:
        """The names of an order's stored events."""
        return [row.event for row in self.db.rows("order_events", identifier=order.identifier)]

    def decisions(self, slot: datetime = FIRST) -> dict[str, str | None]:
        """Of a slot, the refusal by market."""
        row = self.db.row("run_get", account_id=self.account.account_id, slot=slot)
        rows = [] if row is None else self.db.rows("decision_of_run", run_id=row.run_id)
        return {each.market: each.refusal for each in rows}

    def evidence(self, market: Market, slot: datetime = FIRST) -> Any:
        """The stored inputs of a decision."""
        row = self.db.row("run_get", account_id=self.account.account_id, slot=slot)
        assert row is not None
        return next(
            each.evidence for each in self.db.rows("decision_of_run", run_id=row.run_id) if each.market == market
        )

    def alarms(self) -> list[str]:
        """The alarms in the audit trail."""
        rows = self.db.rows("audit_of", account_id=self.account.account_id, action="alarm.%")
        return [row.action for row in rows]


def _account(account_id: str, last_slot: datetime | None) -> Account:
    return Account(
        account_id=account_id,
        venue="simulator",
        mode="paper",
        feed=f"simulator-{account_id}",
        installation=account_id[:4],
        identity={},
        settings={},
        first_slot=FIRST,
        last_slot=last_slot,
    )


def client(transport: Stamped | FaultyTransport, clock: SteppedClock) -> UpbitClient:
    """The real client over `transport`."""
    return client_of(transport, clock, KEYS, lambda: f"nonce-{next(_NONCES)}")


def _guard(
    exchange: Exchange,
    account: Account,
    eyes: tuple[UpbitClient, FaultyTransport, SteppedClock],
    config: Config,
    files: Files,
) -> Guard:
    """The guard in this process."""
    venue, wire, clock = eyes
    remote = Remote(transport=wire, keys=KEYS, ids=lambda: f"nonce-{next(_NONCES)}")
    return Guard(
        GuardParts(
            account_id=account.account_id,
            folder=exchange.guard,
            key=b"k" * 32,
            files=files,
            venue=venue,
            watcher=SteppedWatcher(remote=remote, clock=clock),
            clock=clock,
            settings=config.execution,
            risk=config.risk,
            blind_looks=3,
        )
    )


def open_trader(
    db: Database,
    exchange: Exchange,
    *,
    account_id: str = "0001aaaaaaaa",
    last_slot: datetime | None = None,
    clock: SteppedClock | None = None,
    strategy: StrategySettings = STRATEGY,
    risk: RiskSettings = RISK,
    execution: ExecutionSettings | None = None,
    schedule: ScheduleSettings | None = None,
    stopping: Any = lambda: False,
    files: Files | None = None,
) -> Trader:
    """Open (or open again) the account, with its opening money posted."""
    delay = timedelta(seconds=10)
    clock = clock or SteppedClock(max(exchange.venue.now, FIRST + delay))
    wire = FaultyTransport(Stamped(exchange.face, clock))
    lease = Lease(db, account_id, "test")
    account = find_account(db, account_id) or _account(account_id, last_slot)
    with db.transaction():
        open_account(db, account)
        if not books(db, account_id):
            put_postings(db, account_id, cash_postings("cash:opening", Krw(exchange.won), FIRST))
    venue = client(wire, clock)
    config = Config(
        strategy=strategy,
        risk=risk,
        execution=execution or ExecutionSettings(),
        schedule=schedule or ScheduleSettings(),
    )
    guard = _guard(exchange, account, (venue, wire, clock), config, files or Disk())
    ground = Ground(
        account=account,
        db=db,
        lease=lease,
        venue=venue,
        clock=clock,
        files=guard.parts.files,
        folder=exchange.guard,
        key=guard.parts.key,
        link=InlineLink(guard),
        vigil=guard,
    )
    session = assemble(config, ground, stopping=stopping)
    return Trader(exchange=exchange, session=session, clock=clock, wire=wire, guard=guard)


def changed(order: StoredOrder, **values: Any) -> StoredOrder:
    """`order` with other values in its request."""
    return replace(order, request=replace(order.request, **values))


def held(trader: Trader) -> Mapping[Market, Quantity]:
    """Open quantities by market."""
    return {each.market: each.facts.quantity for each in trader.positions()}


def whole(position: Position) -> ExitSignal:
    """A wish to sell all of `position`."""
    return ExitSignal(kind=Exit.STAGE, quantity=position.facts.quantity, evidence={"stage": "4"})
